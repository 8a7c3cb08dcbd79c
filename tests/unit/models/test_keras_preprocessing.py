"""How a Keras network wants its pixels: its own layers, or the network that it is named after."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from seewhy.models.keras_network import network_input
from seewhy.models.keras_preprocessing import application_preprocessing, embedded_or_named

if find_spec("keras") is None:
    pytest.skip("needs Keras", allow_module_level=True)

from seewhy.models.keras_backend import import_keras
from seewhy.models.keras_names import application_of

keras = import_keras()
L = keras.layers
SIDE = 8


MODULES = ["convnext", "densenet", "efficientnet", "efficientnet_v2", "inception_resnet_v2"]
MODULES += ["inception_v3", "mobilenet", "mobilenet_v2", "mobilenet_v3", "nasnet", "resnet"]
MODULES += ["resnet_v2", "vgg16", "vgg19", "xception"]


def chain(*layers, channels=3, name=None):
    entry = keras.Input((SIDE, SIDE, channels))
    x = entry
    for layer in layers:
        x = layer(x)
    return keras.Model(entry, L.Dense(2)(L.Flatten()(L.Conv2D(2, 3)(x))), name=name)


def sequence(*layers, name=None):
    rest = [L.Conv2D(2, 3), L.Flatten(), L.Dense(2)]
    return keras.Sequential([L.Input((SIDE, SIDE, 3)), *layers, *rest], name=name)


def found(network):
    entry = network_input(network, name="net", image_data_format="channels_last")
    return embedded_or_named(network, entry, (SIDE, SIDE), keras)


def white(network):
    """What the network is given for a white pixel."""
    preprocessing = found(network).preprocessing
    shape = preprocessing.input_size
    black, bright = (
        preprocessing.normalise(np.full(shape, value, np.float32)) for value in (0.0, 1.0)
    )
    np.testing.assert_array_equal(black, 0)
    assert np.ptp(bright) == 0
    return pytest.approx(float(bright.max()), abs=1e-4)


def learned(pixels, axis=-1):
    layer = L.Normalization(axis=axis)
    layer.adapt(pixels)
    return layer


NOISE = np.random.default_rng(0).random((50, SIDE, SIDE, 3)).astype("f4")
CAFFE = [103.939, 116.779, 123.68]
GIVEN = {"mean": [123.7, 116.3, 103.5], "variance": [3409.0, 3262.0, 3290.0]}


class TestLayers:
    @pytest.mark.parametrize("kind", [chain, sequence])
    @pytest.mark.parametrize(
        ("make", "value", "source"),
        [
            (lambda: [L.Rescaling(1 / 255)], 255, "its layer Rescaling(1/255)"),
            (lambda: [L.Rescaling(1 / 127.5, -1)], 255, "its layer Rescaling(1/127.5, -1)"),
            (lambda: [L.Rescaling(1.0, -127.5)], 255, "its layer Rescaling(1, -127.5)"),
            (lambda: [L.Rescaling(2.0, -1.0)], 1, "its layer Rescaling(2, -1)"),
            (lambda: [L.Rescaling(1.0, -0.5)], 1, "its layer Rescaling(1, -0.5)"),
            (lambda: [L.Rescaling(255.0)], 1, "its layer Rescaling(255)"),
            (lambda: [L.Rescaling(-1 / 255, 1.0)], 255, "its layer Rescaling(-0.00392157, 1)"),
            (lambda: [L.Rescaling(1 / 127.5)], 255, "its layer Rescaling(1/127.5)"),
            (lambda: [L.Rescaling(1 / 128, -1)], 255, "its layer Rescaling(1/128, -1)"),
            (
                lambda: [L.Normalization(mean=0.1307, variance=0.3081**2)],
                1,
                "its layer Normalization",
            ),
            (
                lambda: [L.Normalization(mean=33.3, variance=78.6**2)],
                255,
                "its layer Normalization",
            ),
            (
                lambda: [L.Normalization(mean=CAFFE, variance=[1.0] * 3)],
                255,
                "its layer Normalization",
            ),
            (lambda: [learned(np.round(NOISE))], 1, "its layer Normalization"),
            (lambda: [learned(NOISE**8)], 1, "its layer Normalization"),
            (lambda: [L.Rescaling([0.004, 0.004, 0.004])], 255, "its layer Rescaling"),
            (lambda: [L.Normalization(**GIVEN)], 255, "its layer Normalization"),
            (lambda: [learned(NOISE * 255)], 255, "its layer Normalization"),
            (lambda: [learned(NOISE)], 1, "its layer Normalization"),
            (lambda: [learned(NOISE, axis=None)], 1, "its layer Normalization"),
            (
                lambda: [L.RandomFlip(), L.Resizing(6, 6), L.Rescaling(1 / 255)],
                255,
                "its layer Rescaling(1/255)",
            ),
            (
                lambda: [L.Rescaling(1 / 255), L.Normalization(mean=[0.5] * 3, variance=[0.1] * 3)],
                255,
                "its layers Rescaling(1/255), Normalization",
            ),
        ],
    )
    def test_the_scale_that_makes_sense(self, kind, make, value, source):
        network = kind(*make())
        assert white(network) == value
        assert found(network).source == source

    def test_in_a_network_inside(self):
        inner = sequence(L.Rescaling(1 / 255))
        assert white(chain_of(inner)) == 255
        assert white(chain_of(keras.Sequential([L.RandomFlip()]), inner)) == 255
        augmented = keras.Sequential(
            [L.Input((SIDE, SIDE, 3)), L.RandomFlip(), L.Rescaling(1 / 255)]
        )
        assert white(chain(augmented)) == 255

    def test_of_the_network_outside_and_of_the_one_inside_together(self):
        doubled = chain_of(L.Rescaling(2.0, -1.0), chain(L.Rescaling(2.0)))
        assert white(doubled) == 1
        to_white = chain_of(L.Rescaling(255.0), chain(L.Rescaling(1 / 255)))
        assert white(to_white) == 1
        assert found(to_white).source == "its layers Rescaling(255), Rescaling(1/255)"

    def test_of_a_network_that_was_built_twice(self):
        """Keras keeps the layers' earlier calls."""
        network = keras.Sequential([L.Rescaling(1 / 255), L.Conv2D(2, 3), L.Flatten(), L.Dense(2)])
        network.build((None, SIDE, SIDE, 3))
        network.pop()
        network.add(L.Dense(3))
        network.build((None, SIDE, SIDE, 3))
        assert white(network) == 255

    def test_arithmetic(self):
        assert white(chain(lambda x: x / 127.5 - 1.0)) == 255
        assert white(chain(lambda x: (x - 0.5) * 2)) == 1
        assert found(chain(lambda x: x / 127.5 - 1.0)).source == "its layers TrueDivide, Subtract"

    @pytest.mark.parametrize("module", ["resnet", "inception_v3", "densenet"])
    def test_preprocess_input_inside(self, module):
        function = getattr(keras.applications, module).preprocess_input
        assert white(chain(function)) == 255
        assert found(chain(function)).preprocessing.channels == "RGB"  # it swaps them itself

    def test_grey_and_bands(self):
        assert found(chain(L.Rescaling(1 / 255), channels=1)).preprocessing.channels == "L"
        bands = found(chain(L.Rescaling(1 / 255), channels=7)).preprocessing
        assert (bands.channels, bands.input_size) == ("bands", (SIDE, SIDE, 7))

    @pytest.mark.parametrize(
        "layers",
        [
            [],
            [L.Rescaling(1.0)],  # does nothing
            [L.Rescaling(1 / 65535)],  # of 16 bits
            [L.Rescaling(0.5, 0.5)],  # of pixels from -1 to 1, as all below
            [L.Rescaling(127.5, 127.5)],
            [L.Normalization(mean=0.0, variance=1 / 3)],
            [L.Normalization(mean=-0.1, variance=0.3)],
            [L.Normalization(mean=0.1, variance=0.3)],
            [L.Rescaling(0.5, 0.5), L.Normalization(mean=[0.485] * 3, variance=[0.05] * 3)],
            [L.BatchNormalization(), L.Rescaling(1 / 255)],
            [L.Conv2D(3, 1), L.Rescaling(1 / 255)],
        ],
    )
    def test_otherwise_nothing_is_found(self, layers):
        assert found(chain(*layers)) is None

    def test_two_scales_at_once(self):
        entry = keras.Input((SIDE, SIDE, 3))
        both = L.Concatenate()([L.Conv2D(2, 1)(entry), L.Conv2D(2, 1)(L.Rescaling(1 / 255)(entry))])
        assert found(keras.Model(entry, L.Flatten()(both))) is None

    def test_in_front_of_a_named_network_the_layer_counts(self):
        inner = application("VGG16")
        assert white(chain_of(L.Rescaling(1 / 255), inner, side=32)) == 255
        assert found(chain_of(inner, side=32)).preprocessing.channels == "BGR"

    def test_to_bytes_and_what_caffe_shifts(self):
        def shifted(x):
            return keras.applications.vgg16.preprocess_input(x * 255.0)

        assert white(chain(shifted)) == 1


def chain_of(*parts, side=SIDE):
    entry = keras.Input((side, side, 3))
    x = entry
    for part in parts:
        x = part(x)
    return keras.Model(entry, x)


def application(name, **settings):
    """A network of Keras without its end, for pictures as small as it takes."""
    side = {"Xception": 71, "InceptionResNetV2": 75}.get(name, 32)
    settings = {"weights": None, "include_top": False, "input_shape": (side, side, 3), **settings}
    return getattr(keras.applications, name)(**settings)


def named(name, *layers):
    """Somebody's own network of that name, with layers called so."""
    entry = x = keras.Input((SIDE, SIDE, 3))
    for layer in layers:
        x = L.Conv2D(1, 1, name=layer)(x)
    return keras.Model(entry, L.Flatten()(x), name=name)


class TestNames:
    @pytest.mark.parametrize(
        ("name", "module"),
        [
            ("ResNet50", "resnet"),
            ("ResNet50V2", "resnet_v2"),
            ("VGG16", "vgg16"),
            ("VGG19", "vgg19"),
            ("Xception", "xception"),
            ("DenseNet121", "densenet"),
            ("MobileNet", "mobilenet"),
            ("EfficientNetB0", "efficientnet"),
            ("EfficientNetV2B0", "efficientnet_v2"),
            ("ConvNeXtTiny", "convnext"),
            pytest.param("InceptionResNetV2", "inception_resnet_v2", marks=pytest.mark.slow),
            pytest.param("NASNetMobile", "nasnet", marks=pytest.mark.slow),
        ],
    )
    def test_every_network_of_keras_is_known(self, name, module):
        """MobileNetV3 and InceptionV3 are built, and known, elsewhere; MobileNetV2 is below."""
        assert application_of(application(name)) == module

    def test_a_copy_with_other_classes_is_known(self):
        network = application("MobileNet", include_top=True, classes=3, alpha=0.25)
        assert application_of(keras.models.clone_model(network)) == "mobilenet"

    @pytest.mark.parametrize(
        "name", ["resnet50", "inception_v3", "NASNet", "vgg16", "convnext_tiny"]
    )
    def test_a_network_of_ones_own_may_have_the_same_name(self, name):
        assert application_of(named(name, "conv1_conv", "stem_conv1", "block1_conv1")) is None
        assert found(sequence(name=name)) is None

    @pytest.mark.parametrize("name", ["resnet18", "resnet34v2", "my_resnet50", "vgg16_small"])
    def test_names_that_keras_never_gives(self, name):
        marks = ("conv1_conv", "conv2_block1_1_conv", "conv5_block3_out", "block1_conv1")
        layers = (*marks, "conv2_block1_preact_bn", "block5_conv3", "block5_pool")
        assert application_of(named("resnet50", *layers)) == "resnet"
        assert application_of(named(name, *layers)) is None

    def test_a_named_network_gets_its_preprocess_input(self):
        said = found(application("MobileNetV2", alpha=0.35))
        assert said.preprocessing.mean == said.preprocessing.std == (0.5, 0.5, 0.5)
        assert said.source == "preprocess_input of keras.applications.mobilenet_v2"

    def test_its_numbers_are_those_of_the_books(self):
        preprocessing = application_preprocessing("densenet", (SIDE, SIDE), keras)
        assert preprocessing.mean == (0.485, 0.456, 0.406)
        assert preprocessing.std == (0.229, 0.224, 0.225)

    def test_one_that_should_rescale_and_was_built_without(self):
        network = application("ConvNeXtTiny", include_preprocessing=False)
        assert application_of(network) == "convnext"
        assert found(network) is None

    @pytest.mark.parametrize(
        "module",
        MODULES,
    )
    def test_every_preprocess_input(self, module):
        preprocessing = application_preprocessing(module, (SIDE, SIDE), keras)
        expected = getattr(keras.applications, module).preprocess_input(NOISE[:2] * 255)
        np.testing.assert_allclose(preprocessing.normalise(NOISE[:2]), expected, atol=1e-4)
