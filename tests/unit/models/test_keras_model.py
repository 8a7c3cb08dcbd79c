"""KerasModel: the framework's own answers, for every kind of input, and clear refusals."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image as PILImage
from skimage import data

import seewhy as sw
from seewhy.errors import InputError, ModelError
from seewhy.game.scores import ClassScores
from seewhy.image.read import read_image
from seewhy.models.preprocessing import Preprocessing

if find_spec("keras") is None or find_spec("tensorflow") is None:
    pytest.skip("needs Keras on TensorFlow", allow_module_level=True)

from seewhy.models.keras_backend import import_keras

keras = import_keras()
if keras.backend.backend() != "tensorflow":
    pytest.skip("needs Keras on TensorFlow", allow_module_level=True)

import tensorflow as tf  # noqa: E402

L = keras.layers
SIDE = 24
PREPROCESSING = Preprocessing((SIDE, SIDE), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
IMAGES = np.random.default_rng(0).random((11, SIDE, SIDE, 3), dtype=np.float32)


def convolutional(*ends, channels=3, begin=(), classes=4, entry=None):
    """A small network with everything that behaves differently in training."""
    if entry is None:
        entry = keras.Input((SIDE, SIDE, channels))
    x = entry
    for layer in begin:
        x = layer(x)
    x = L.Conv2D(6, 3, padding="same")(x)
    x = L.BatchNormalization()(x)
    x = L.ReLU()(x)
    x = L.Dropout(0.5)(x)
    x = L.MaxPooling2D(2)(x)
    x = L.Conv2D(8, 3, activation="relu")(x)
    x = L.GlobalAveragePooling2D()(x)
    x = L.Dense(classes)(x)
    for layer in ends:
        x = layer(x)
    return randomised(keras.Model(entry, x))


def randomised(network, seed=0):
    rng = np.random.default_rng(seed)
    weights = []
    for array in network.get_weights():
        drawn = rng.normal(0, 0.4, array.shape) if array.ndim > 1 else rng.random(array.shape) + 0.5
        weights.append(drawn.astype(array.dtype))
    network.set_weights(weights)
    return network


def of_four_at_a_time():
    entry = keras.Input(batch_shape=(4, SIDE, SIDE, 3))
    nothing = np.full((4, 1, 1, 1), 1e-30, np.float32)  # fits no other number of pictures
    return convolutional(entry=entry, begin=[lambda x: x + nothing])


def model_of(network, **settings):
    return sw.KerasModel(network, **{"preprocess": PREPROCESSING, **settings})


def predicted(network, inputs):
    return network.predict(np.asarray(inputs, np.float32), verbose=0)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    PILImage.fromarray(data.astronaut()).save(path)
    return path


class TestAnswers:
    @pytest.mark.parametrize("batch", [1, 4, "auto"])
    def test_equal_to_predict(self, batch):
        network = convolutional()
        model = model_of(network, batch=batch, labels=list("abcd"))
        expected = predicted(network, (IMAGES - PREPROCESSING.mean) / PREPROCESSING.std)
        np.testing.assert_allclose(model(IMAGES), expected, atol=1e-5)
        assert (model.labels, model.output) == (("a", "b", "c", "d"), "logits")

    def test_masked_equals_composed_by_hand(self):
        model = model_of(convolutional(), batch=4)
        labels = np.arange(SIDE * SIDE, dtype=np.int32).reshape(SIDE, SIDE) // 96
        masks = np.random.default_rng(0).random((9, 6)) < 0.5
        by_hand = np.where(masks[:, labels][..., None], IMAGES[0], IMAGES[1])
        outputs = model.masked(IMAGES[0], IMAGES[1], labels)(masks)
        np.testing.assert_allclose(outputs, model(by_hand), atol=1e-5)

    def test_a_whole_pipeline_with_its_own_rescaling(self, photo):
        network = convolutional(L.Softmax(), begin=[L.Rescaling(1 / 255)])
        model = sw.KerasModel(network)
        picture = keras.utils.load_img(photo, target_size=(SIDE, SIDE), interpolation="bilinear")
        expected = predicted(network, keras.utils.img_to_array(picture)[None])
        ours = model(model.preprocessing.apply(read_image(photo))[None])
        np.testing.assert_allclose(ours, expected, atol=1e-5)
        assert str(model.origin) == (
            "preprocessing: its layer Rescaling(1/255); labels: numbered; output: its last "
            "activation, softmax"
        )

    def test_a_whole_pipeline_with_adapted_normalization(self, photo):
        layer = L.Normalization()
        layer.adapt(IMAGES * 255)
        network = convolutional(begin=[layer])
        layer.adapt(IMAGES * 255)  # `randomised` has overwritten what it learned
        model = sw.KerasModel(network)
        picture = keras.utils.load_img(photo, target_size=(SIDE, SIDE), interpolation="bilinear")
        expected = predicted(network, keras.utils.img_to_array(picture)[None])
        ours = model(model.preprocessing.apply(read_image(photo))[None])
        np.testing.assert_allclose(ours, expected, atol=1e-5)

    def test_blue_first(self, photo):
        network = convolutional()
        preprocessing = Preprocessing(
            (SIDE, SIDE),
            mean=(103.939 / 255, 116.779 / 255, 123.68 / 255),
            std=(1 / 255,) * 3,
            channels="BGR",
        )
        model = model_of(network, preprocess=preprocessing)
        picture = keras.utils.load_img(photo, target_size=(SIDE, SIDE), interpolation="bilinear")
        pixels = keras.applications.vgg16.preprocess_input(keras.utils.img_to_array(picture)[None])
        ours = model(model.preprocessing.apply(read_image(photo))[None])
        np.testing.assert_allclose(ours, predicted(network, pixels), rtol=1e-5, atol=1e-4)

    @pytest.mark.parametrize("channels", [1, 2, 7, 16])
    def test_channels(self, channels):
        network = convolutional(begin=[L.Rescaling(1 / 255)], channels=channels)
        images = np.random.default_rng(0).random((3, SIDE, SIDE, channels), dtype=np.float32)
        model = sw.KerasModel(network)
        np.testing.assert_allclose(model(images), predicted(network, images * 255), atol=1e-5)

    def test_grey_without_an_axis_for_it(self):
        entry = keras.Input((SIDE, SIDE))
        network = keras.Model(entry, L.Dense(3)(L.Flatten()(L.Rescaling(1 / 255)(entry))))
        model = sw.KerasModel(network)
        expected = predicted(network, IMAGES[..., 0] * 255)
        np.testing.assert_allclose(model(IMAGES[..., :1]), expected, atol=1e-4)

    def test_channels_first(self):
        entry = keras.Input((3, SIDE, 30))
        network = convolutional(entry=entry, begin=[L.Rescaling(1 / 255), L.Permute((2, 3, 1))])
        model = sw.KerasModel(network)
        assert model.input_size == (SIDE, 30, 3)
        images = np.random.default_rng(0).random((3, SIDE, 30, 3), dtype=np.float32)
        expected = predicted(network, images.transpose(0, 3, 1, 2) * 255)
        np.testing.assert_allclose(model(images), expected, atol=1e-5)
        last = randomised(
            keras.Model(network.layers[2].output, network.output)  # as it is without Permute
        )
        last.set_weights(network.get_weights())
        same = sw.KerasModel(last, preprocess=Preprocessing((SIDE, 30)))
        asked, places = ClassScores("log-odds", (1,)), np.array([0.3, 1.0])
        for mine, other in zip(
            model.path_gradients(images[0], images[1:], places, asked),
            same.path_gradients(images[0], images[1:], places, asked),
            strict=True,
        ):
            np.testing.assert_allclose(mine, other, atol=1e-5)

    def test_a_single_probability(self):
        network = convolutional(L.Activation("sigmoid"), classes=1)
        model = model_of(network, labels=["melanoma"])
        assert (model.output, model.labels) == ("probabilities", ("not melanoma", "melanoma"))
        expected = predicted(network, PREPROCESSING.normalise(IMAGES))
        np.testing.assert_allclose(model(IMAGES), expected, atol=1e-5)
        explained = sw.explain(IMAGES[0], model, segments="grid:3", budget=40, seed=0, top=1)
        assert {said.label for said in explained.predictions} == {"not melanoma", "melanoma"}

    def test_a_fixed_batch_is_honoured(self):
        network = of_four_at_a_time()
        model = model_of(network)
        assert model.batch_size == 4
        inputs = np.concatenate([PREPROCESSING.normalise(IMAGES), np.zeros((1, SIDE, SIDE, 3))])
        expected = np.concatenate([network(inputs[i : i + 4]) for i in (0, 4, 8)])[:11]
        np.testing.assert_allclose(model(IMAGES), expected, atol=1e-5)

    def test_whole_numbers(self):
        entry = keras.Input((SIDE, SIDE, 3), dtype="uint8")
        network = convolutional(entry=entry, begin=[L.Rescaling(1 / 255)])
        model = sw.KerasModel(network)
        pixels = np.rint(IMAGES * 255).astype(np.uint8)
        np.testing.assert_allclose(
            model(pixels.astype(np.float32) / 255), network(pixels), atol=1e-5
        )

    def test_bytes(self):
        """Without a layer that says so, and whatever is given, they go from 0 to 255."""
        entry = keras.Input((SIDE, SIDE, 3), dtype="uint8")
        network = convolutional(entry=entry, begin=[lambda x: keras.ops.cast(x, "float32") - 9])
        model = sw.KerasModel(network)
        assert model.origin.preprocessing == "its input of bytes (uint8)"
        pixels = np.rint(IMAGES * 255).astype(np.uint8)
        expected = np.asarray(network(pixels))
        np.testing.assert_allclose(model(pixels.astype(np.float32) / 255), expected, rtol=1e-5)
        given = model_of(network, preprocess=Preprocessing((SIDE, SIDE)))
        assert given.preprocessing == model.preprocessing
        beyond = np.float32([[[[-0.1, 1.1, 1.0]]]]) * np.ones((1, SIDE, SIDE, 1), np.float32)
        np.testing.assert_array_equal(model(beyond), model(beyond.clip(0, 1)))
        with pytest.raises(InputError, match=r"takes bytes, 0 to 255, which leave nothing to"):
            model_of(network)

    @pytest.mark.parametrize("struct", [list, dict])
    def test_an_input_in_a_list_or_with_a_name(self, struct):
        entry = keras.Input((SIDE, SIDE, 3), name="pixels")
        given = [entry] if struct is list else {"pixels": entry}
        network = keras.Model(given, L.Dense(3)(L.Flatten()(entry)))
        expected = np.asarray(network([IMAGES] if struct is list else {"pixels": IMAGES}))
        model = model_of(network, preprocess=Preprocessing((SIDE, SIDE)))
        np.testing.assert_allclose(model(IMAGES), expected, atol=1e-5)

    def test_a_class_of_its_own(self):
        class Means(keras.Model):
            def __init__(self):
                super().__init__()
                self.head = L.Dense(3)

            def call(self, pictures):
                return self.head(keras.ops.mean(pictures, axis=(1, 2)))

        network = Means()
        with pytest.raises(InputError, match=r"means does not say how its pixels are scaled"):
            sw.KerasModel(network, output="logits")
        with pytest.raises(InputError, match=r"means does not show its last activation; say"):
            model_of(network)
        model = model_of(network, output="logits")
        expected = network(PREPROCESSING.normalise(IMAGES))
        np.testing.assert_allclose(model(IMAGES), expected, atol=1e-5)
        assert len(model.fingerprint) == 16

    def test_a_layer_that_needs_eager_execution(self):
        class Slow(L.Layer):
            def call(self, x):
                return tf.convert_to_tensor(x.numpy() * 2)

            def compute_output_shape(self, shape):
                return shape

        network = keras.Sequential([L.Input((SIDE, SIDE, 3)), Slow(), L.Flatten(), L.Dense(2)])
        with pytest.raises(
            ModelError, match=r"sequential.* cannot be run on pictures of 24 × 24 × 3"
        ):
            model_of(network)
        network.compile(run_eagerly=True)
        expected = np.asarray(network(PREPROCESSING.normalise(IMAGES), training=False))
        np.testing.assert_allclose(model_of(network)(IMAGES), expected, atol=1e-4)

    def test_training_goes_on_and_the_model_follows(self):
        network = convolutional()
        model = model_of(network)
        before, fingerprint = model(IMAGES), model.fingerprint
        weights = network.get_weights()
        weights[-1] = weights[-1] + 1
        network.set_weights(weights)
        np.testing.assert_allclose(model(IMAGES), before + 1, atol=1e-5)
        assert model.fingerprint != fingerprint
        with pytest.raises(AttributeError, match="follows the weights, and cannot be set"):
            model.fingerprint = fingerprint

    def test_no_second_trace_for_a_smaller_batch(self):
        traces = []

        class Counting(L.Layer):
            def call(self, x):
                traces.append(x.shape)
                return x

        network = convolutional(begin=[Counting()])
        model = model_of(network, batch=4)
        traces.clear()
        for count in (1, 3, 11):
            model(IMAGES[:count])
        assert traces == []

    def test_many_models_are_no_reason_to_warn(self, caplog):
        for _ in range(12):
            entry = keras.Input((4, 4, 3))
            network = keras.Model(entry, L.Dense(2)(L.Flatten()(L.Rescaling(1 / 255)(entry))))
            model = sw.KerasModel(network)
            black = np.zeros((2, 4, 4, 3), np.float32)
            model.path_gradients(black[0], black, np.zeros(2), ClassScores("log-odds", (0,)))
        assert caplog.records == []


class TestNamed:
    def test_the_name_alone_does_not_make_it_imagenets(self):
        network = convolutional(begin=[L.Rescaling(1 / 255)], classes=1000)
        network.name = "resnet50"
        assert sw.KerasModel(network).labels[0] == "class 0"

    def test_an_application_that_somebody_built(self):
        network = keras.applications.MobileNetV2(
            weights=None, input_shape=(32, 32, 3), alpha=0.35, classifier_activation=None
        )
        model = sw.KerasModel(network)
        assert model.labels[:2] == ("tench", "goldfish")
        assert model.preprocessing == Preprocessing((32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)
        assert model.origin.labels == "ImageNet's, by the network's name"

    def test_one_inside_a_network_of_other_classes(self):
        inside = keras.applications.MobileNetV2(
            weights=None, include_top=False, alpha=0.35, input_shape=(32, 32, 3), pooling="avg"
        )
        network = keras.Sequential([inside, L.Dense(2, activation="softmax")])
        network.build((None, 32, 32, 3))
        model = sw.KerasModel(network)
        assert model.labels == ("class 0", "class 1")
        assert model.origin.preprocessing == "preprocess_input of keras.applications.mobilenet_v2"


class TestRefusals:
    def test_nothing_says_how_pixels_are_scaled(self):
        with pytest.raises(InputError, match=r"no Rescaling.*Preprocessing\(\(24, 24\)\)"):
            sw.KerasModel(convolutional())

    @pytest.mark.parametrize(
        ("end", "said"), [("relu", "ends in relu"), ("sigmoid", "ends in sigmoid")]
    )
    def test_nothing_says_what_it_returns(self, end, said):
        network = convolutional(L.Activation(end))
        with pytest.raises(InputError, match=f"{said}; say what it returns: output='logits'"):
            model_of(network)
        assert model_of(network, output="raw").output == "raw"

    def test_another_size(self):
        with pytest.raises(InputError, match=r"takes pictures of 24 × 24 × 3.*got 32 × 32 × 3"):
            model_of(convolutional(), preprocess=Preprocessing((32, 32)))
        with pytest.raises(InputError, match="input_size must be that of the network"):
            sw.KerasModel(convolutional(begin=[L.Rescaling(1 / 255)]), input_size=(32, 32))

    def test_any_size(self):
        network = convolutional(entry=keras.Input((None, None, 3)), begin=[L.Rescaling(1 / 255)])
        with pytest.raises(InputError, match=r"any size; give input_size=\(height, width\)"):
            sw.KerasModel(network)
        assert sw.KerasModel(network, input_size=(20, 30)).input_size == (20, 30, 3)
        preprocessing = Preprocessing((40, 40), std=(1 / 255,) * 3)
        assert sw.KerasModel(network, preprocess=preprocessing).input_size == (40, 40, 3)

    @pytest.mark.parametrize("given", [32, (32,), (32, 32, 3), (0, 32), (32.5, 32), "ab"])
    def test_no_input_size(self, given):
        network = convolutional(entry=keras.Input((None, None, 3)), begin=[L.Rescaling(1 / 255)])
        with pytest.raises(InputError, match=r"input_size must be \(height, width\), two whole"):
            sw.KerasModel(network, input_size=given)

    def test_an_input_size_beside_a_preprocessing_of_another(self):
        network = convolutional(entry=keras.Input((None, None, 3)))
        given = Preprocessing((40, 40))
        with pytest.raises(InputError, match=r"input_size is \(20, 30\), but preprocess brings"):
            sw.KerasModel(network, preprocess=given, input_size=(20, 30))
        model = sw.KerasModel(network, preprocess=given, input_size=np.array([40, 40]))
        assert model.input_size == (40, 40, 3)

    @pytest.mark.parametrize("network", [3, L.Dense(3), "net"])
    def test_no_network(self, network):
        with pytest.raises(InputError, match=r"network must be a keras.Model of Keras 3; got a"):
            sw.KerasModel(network, preprocess=PREPROCESSING)

    def test_labels_that_do_not_fit(self):
        with pytest.raises(ModelError, match="has 4 outputs but 2 labels"):
            model_of(convolutional(), labels=["a", "b"])
        with pytest.raises(InputError, match="'cats'"):  # no four names of a letter each
            model_of(convolutional(), labels="cats")
