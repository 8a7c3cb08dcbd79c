"""How a Keras network wants its pixels: its own layers, or the network that it is named after."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from seewhy.models.keras_network import network_input
from seewhy.models.keras_preprocessing import (
    application_module,
    application_preprocessing,
    embedded_or_named,
)

if find_spec("keras") is None:
    pytest.skip("needs Keras", allow_module_level=True)

from seewhy.models.keras_backend import import_keras

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
        inner = sequence(name="resnet50")
        assert white(chain_of(L.Rescaling(1 / 255), inner)) == 255
        assert found(chain_of(inner)).preprocessing.channels == "BGR"


def chain_of(*parts):
    entry = keras.Input((SIDE, SIDE, 3))
    x = entry
    for part in parts:
        x = part(x)
    return keras.Model(entry, x)


class TestNames:
    @pytest.mark.parametrize(
        ("name", "module"),
        [
            ("resnet50", "resnet"),
            ("resnet101v2", "resnet_v2"),
            ("vgg16", "vgg16"),
            ("inception_v3", "inception_v3"),
            ("inception_resnet_v2", "inception_resnet_v2"),
            ("mobilenet_1.00_224", "mobilenet"),
            ("mobilenetv2_0.75_224", "mobilenet_v2"),
            ("MobileNetV3Large", "mobilenet_v3"),
            ("NASNet", "nasnet"),
            ("nasnet_mobile", "nasnet"),
            ("efficientnetb7", "efficientnet"),
            ("efficientnetv2-s", "efficientnet_v2"),
            ("convnext_tiny", "convnext"),
            ("densenet201", "densenet"),
            ("xception", "xception"),
            ("functional_3", None),
            ("my_resnet50", None),
        ],
    )
    def test_module_of(self, name, module):
        assert application_module(name) == module

    def test_a_named_network_gets_its_preprocess_input(self):
        said = found(sequence(name="inception_v3"))
        assert said.preprocessing.mean == said.preprocessing.std == (0.5, 0.5, 0.5)
        assert said.source == "preprocess_input of keras.applications.inception_v3"

    def test_its_numbers_are_those_of_the_books(self):
        preprocessing = application_preprocessing("densenet", (SIDE, SIDE), keras)
        assert preprocessing.mean == (0.485, 0.456, 0.406)
        assert preprocessing.std == (0.229, 0.224, 0.225)

    def test_one_that_should_rescale_and_was_built_without(self):
        assert found(sequence(name="convnext_tiny")) is None

    @pytest.mark.parametrize(
        "module",
        MODULES,
    )
    def test_every_preprocess_input(self, module):
        preprocessing = application_preprocessing(module, (SIDE, SIDE), keras)
        expected = getattr(keras.applications, module).preprocess_input(NOISE[:2] * 255)
        np.testing.assert_allclose(preprocessing.normalise(NOISE[:2]), expected, atol=1e-4)
