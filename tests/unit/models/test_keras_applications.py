"""keras:NAME: Keras's own pipeline, ImageNet's names, anybody's weights, one line each."""

from __future__ import annotations

import random
import re
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image as PILImage
from skimage import data

import seewhy as sw
from seewhy.errors import InputError, ModelError, SpecError
from seewhy.image.read import read_image
from seewhy.models import keras_applications
from seewhy.models.labels import find_class
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.spec import load_model, resolve_preprocessing

if find_spec("keras") is None:
    pytest.skip("needs Keras", allow_module_level=True)

from seewhy.models.keras_applications import application_names, borrowed_preprocessing
from seewhy.models.keras_backend import import_keras
from seewhy.models.keras_names import application_of

keras = import_keras()
L = keras.layers
SMALL = "MobileNetV3Small"
FEW_LAYERS = "MobileNet"  # the fastest to build


def pixels_of(photo, side):
    picture = keras.utils.load_img(photo, target_size=(side, side), interpolation="bilinear")
    return keras.utils.img_to_array(picture)[None]


def answers(network, inputs):
    return np.asarray(keras.ops.convert_to_numpy(network(inputs, training=False)))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    PILImage.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture(scope="module")
def few():
    """Three classes instead of a thousand, weights that are nobody's but the test's."""
    network = keras.applications.MobileNet(
        weights=None, classes=3, classifier_activation=None, input_shape=(224, 224, 3)
    )
    rng = np.random.default_rng(0)
    network.set_weights(
        [rng.normal(0.1, 0.1, array.shape).astype("f4") ** 2 for array in network.get_weights()]
    )
    return network


@pytest.fixture
def saved(few, tmp_path):
    def save(ending):
        path = tmp_path / f"mine{ending}"
        with warnings.catch_warnings():  # Keras copies variables as NumPy 2 does not like it
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            if ending.lower().endswith(".weights.h5"):
                few.save_weights(tmp_path / f"mine{ending.lower()}")
            else:
                few.save(path)
        return path if path.exists() else (tmp_path / f"mine{ending.lower()}").rename(path)

    return save


class TestPreprocessing:
    def test_the_size_of_every_classifier(self, monkeypatch):
        class AskedError(Exception):
            pass

        def asked(input_shape, default_size, *rest, **settings):
            raise AskedError(default_size)

        monkeypatch.setattr(keras.src.applications.imagenet_utils, "obtain_input_shape", asked)
        names = application_names(keras)
        assert {"InceptionV3", "ResNet50", "VGG16", "ConvNeXtTiny"} < set(names)
        warnings.simplefilter("ignore")  # that a default is meant; pytest puts them back
        for name in names:
            if name.startswith("MobileNetV3"):  # these do not ask, and are built below
                continue
            with pytest.raises(AskedError) as said:
                getattr(keras.applications, name)(weights=None)
            side = said.value.args[0]
            assert borrowed_preprocessing(f"keras:{name}").size == (side, side), name

    def test_inception(self):
        expected = Preprocessing((299, 299), mean=(0.5,) * 3, std=(0.5,) * 3)
        assert resolve_preprocessing("keras:InceptionV3") == expected

    @pytest.mark.parametrize("name", ["inceptionv3", "inception_v3", "INCEPTION-V3"])
    def test_names_without_regard_to_case(self, name):
        assert borrowed_preprocessing(f"keras:{name}").size == (299, 299)

    def test_blue_first_and_around_zero_in_a_network_of_ones_own(self, photo):
        entry = keras.Input((224, 224, 3))
        x = L.GlobalAveragePooling2D()(L.Conv2D(4, 9, strides=8, activation="tanh")(entry))
        network = keras.Model(entry, L.Dense(3)(x))
        model = sw.KerasModel(network, preprocess="keras:VGG16")
        expected = answers(
            network, keras.applications.vgg16.preprocess_input(pixels_of(photo, 224))
        )
        ours = model(model.preprocessing.apply(read_image(photo))[None])
        np.testing.assert_allclose(ours, expected, atol=1e-5)

    def test_stretched_with_bilinear_interpolation(self, photo):
        """Which has to be asked of `load_img`, whose own default is nearest."""
        preprocessing = borrowed_preprocessing("keras:MobileNetV3Large")
        ours = preprocessing.normalise(preprocessing.apply(read_image(photo)))
        np.testing.assert_allclose(ours, pixels_of(photo, 224)[0], atol=1e-3)
        nearest = keras.utils.img_to_array(keras.utils.load_img(photo, target_size=(224, 224)))
        assert np.abs(ours - nearest).mean() > 1

    def test_nothing_of_the_kind(self):
        with pytest.raises(
            SpecError, match=r"no classifier 'InceptionV4'; did you mean 'Inception"
        ):
            load_model("keras:InceptionV4")
        with pytest.raises(SpecError, match=r"no classifier 'qwx'; it has ConvNeXtBase, "):
            load_model("keras:qwx")


@pytest.fixture(scope="module")
def model():
    return load_model("keras:mobilenetv3small", pretrained=False)


class TestRandom:
    def test_keras_own_pipeline(self, model, photo):
        expected = answers(
            model.network, keras.applications.mobilenet_v3.preprocess_input(pixels_of(photo, 224))
        )
        ours = model(model.preprocessing.apply(read_image(photo))[None])
        np.testing.assert_allclose(ours, expected, atol=1e-5)
        assert (model.spec, model.output) == (f"keras:{SMALL}", "logits")
        assert application_of(model.network) == "mobilenet_v3"
        assert str(model.origin) == (
            "preprocessing: the layers of keras.applications.mobilenet_v3 itself, stretched to "
            "224 × 224 with bilinear interpolation (load_img's own default is nearest); labels: "
            "ImageNet's; output: built without its softmax"
        )

    def test_names_of_classes(self, model):
        for name in ("tiger_cat", "tiger cat", "Tiger_Cat"):
            assert find_class(name, model.labels, model.aliases) == 282
        assert find_class("German_shepherd", model.labels, model.aliases) == 235

    def test_the_same_weights_each_time_and_no_random_number_is_spent(self, model):
        random.seed(5)
        expected = random.random()
        random.seed(5)
        again = load_model(f"keras:{SMALL}", pretrained=False)
        assert random.random() == expected
        assert again.fingerprint == model.fingerprint

    def test_what_is_given_goes_first(self):
        names = [f"name {index}" for index in range(1000)]
        given = Preprocessing((224, 224), 256, std=(1 / 255,) * 3)
        model = load_model(
            f"keras:{SMALL}", pretrained=False, labels=names, preprocess=given, output="logits"
        )
        assert (model.labels, model.preprocessing) == (tuple(names), given)
        assert (model.origin.labels, model.origin.preprocessing) == ("as given", "as given")

    def test_outputs_are_logits(self):
        with pytest.raises(InputError, match=r"^output.* does not go with 'keras:MobileNetV2'"):
            load_model("keras:MobileNetV2", output="probabilities")


class TestWeights:
    @pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5", ".WEIGHTS.H5"])
    def test_of_ones_own_classes(self, saved, few, ending, photo):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "You are saving your model as an HDF5 file")
            path = saved(ending)
        model = load_model(f"keras:{FEW_LAYERS}", weights=path)
        assert model.labels == ("class 0", "class 1", "class 2")
        assert model.origin.labels == "numbered"
        pixels = keras.applications.mobilenet.preprocess_input(pixels_of(photo, 224))
        expected = answers(few, pixels)
        assert np.ptp(expected) > 0
        ours = model(model.preprocessing.apply(read_image(photo))[None])
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)

    def test_of_another_network(self, saved):
        path = saved(".weights.h5")
        with pytest.raises(ModelError, match=r"'mine.weights.h5' does not hold the weights of"):
            load_model("keras:MobileNetV2", weights=path)

    def test_a_damaged_file(self, saved):
        path = saved(".weights.h5")
        path.write_bytes(path.read_bytes()[:1000])
        with pytest.raises(ModelError, match=r"'mine.weights.h5' is damaged, or is no file of"):
            load_model(f"keras:{FEW_LAYERS}", weights=path)

    def test_no_such_file(self, tmp_path):
        with pytest.raises(InputError, match="there is no weights file"):
            load_model(f"keras:{FEW_LAYERS}", weights=tmp_path / "none.weights.h5")

    def test_another_kind_of_file(self, tmp_path):
        path = tmp_path / "weights.pth"
        path.write_bytes(b"")
        with pytest.raises(InputError, match=r"from FILE.weights.h5, FILE.h5 or FILE.keras; got"):
            load_model(f"keras:{FEW_LAYERS}", weights=path)

    @pytest.mark.parametrize(
        ("kind", "layers", "wanted"),
        [
            ("dense", {"dense": 4, "dense_1": 5, "dense_10": 7, "conv2d_11": 9}, 7),
            ("conv2d", {"conv2d": 4, "conv2d_2": 5, "conv2d_transpose_3": 6}, 5),
            ("dense", {"conv2d": 4}, None),
        ],
    )
    def test_the_last_of_its_kind_counts(self, tmp_path, kind, layers, wanted):
        import h5py

        path = tmp_path / "some.weights.h5"
        with h5py.File(path, "w") as file:
            for name, classes in layers.items():
                file[f"layers/{name}/vars/0"] = np.zeros((2, classes), "f4")
        assert keras_applications.classes_in_file(path, kind) == wanted


class TestDownload:
    def test_the_published_weights(self, monkeypatch, tmp_path, capfd):
        """Keras is asked for them, and the file that it fetches is what is loaded."""
        source = load_model(f"keras:{FEW_LAYERS}", pretrained=False)
        source.network.get_layer("conv_preds").bias.assign(np.arange(1000, dtype="f4"))
        path = tmp_path / "published.h5"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the older format
            source.network.save(path)
        asked = []

        def get_file(name, *rest, **settings):
            asked.append(name)
            keras.src.utils.io_utils.print_msg("Downloading")
            return str(path)

        monkeypatch.setattr(keras.src.utils.file_utils, "get_file", get_file)
        capfd.readouterr()
        model = load_model(f"keras:{FEW_LAYERS}")
        assert model.fingerprint == source.fingerprint
        assert asked == ["mobilenet_1_0_224_tf.h5"]
        assert capfd.readouterr() == ("", "")
        assert keras.config.is_interactive_logging_enabled()

    def test_no_way_to_the_server(self, monkeypatch):
        def get_file(*rest, **settings):
            raise Exception(
                "URL fetch failure on https://server.example/keras/weights_small.h5: None -- "
                "[Errno -2] Name or service not known"
            )

        monkeypatch.setattr(keras.src.utils.file_utils, "get_file", get_file)
        expected = (
            "the pretrained weights of MobileNet could not be downloaded ([Errno -2] Name "
            "or service not known); fetch Keras's weights_small.h5 elsewhere and give it with "
            "--weights FILE (in Python weights=FILE)."
        )
        with pytest.raises(ModelError, match=re.escape(expected)):
            load_model(f"keras:{FEW_LAYERS}")


@pytest.mark.slow
def test_inception_is_explained_and_compared(photo):
    model = load_model("keras:InceptionV3", pretrained=False, batch=8)
    assert model.input_size == (299, 299, 3)
    assert application_of(model.network) == "inception_v3"
    expected = answers(
        model.network, keras.applications.inception_v3.preprocess_input(pixels_of(photo, 299))
    )
    np.testing.assert_allclose(
        model(model.preprocessing.apply(read_image(photo))[None]), expected, atol=1e-5
    )
    compared = sw.compare(
        photo,
        model,
        methods=[sw.Lime(), sw.Occlusion()],
        segments="grid:2",
        budget=16,
        repeats=1,
        seed=0,
        target="bell_pepper",
        protocol=sw.Protocol(steps=2, orders=1, fresh_pairs=16, certificate_budget=16),
    )
    explained = compared.result
    assert [said.name for said in explained.explanations] == ["lime", "occlusion"]
    assert explained["lime"].values.shape == (4, 1)
    assert explained.targets[0].label == "bell pepper"
    assert explained.model.spec == "keras:InceptionV3"
