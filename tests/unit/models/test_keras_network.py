"""What a Keras network says about itself: its input, its end, and what cannot be known."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from seewhy.errors import InputError
from seewhy.models.keras_network import kind_of_output, network_input

if find_spec("keras") is None:
    pytest.skip("needs Keras", allow_module_level=True)

from seewhy.models.keras_backend import import_keras

keras = import_keras()
L = keras.layers


def functional(shape, *layers):
    entry = keras.Input(shape)
    x = entry
    for layer in layers:
        x = layer(x)
    return keras.Model(entry, x)


def ending(*layers):
    return functional((4, 4, 3), L.Flatten(), *layers)


def entry_of(network, data_format="channels_last"):
    return network_input(network, name="net", image_data_format=data_format)


class TestOutput:
    @pytest.mark.parametrize(
        ("layers", "kind"),
        [
            ([L.Dense(3)], "logits"),
            ([L.Dense(1)], "logits"),
            ([L.Dense(3, activation="softmax")], "probabilities"),
            ([L.Dense(1, activation="sigmoid")], "probabilities"),
            ([L.Dense(3), L.Activation("softmax")], "probabilities"),
            ([L.Dense(3), L.Softmax()], "probabilities"),
            ([L.Dense(3), keras.ops.softmax], "probabilities"),
            ([L.Dense(1), keras.ops.sigmoid], "probabilities"),
            ([L.Dense(3), L.Activation("linear")], "logits"),
            ([L.Dense(3, activation="softmax"), L.Dropout(0.1)], "probabilities"),
            ([L.Dense(6, activation="softmax"), L.Reshape((6,))], "probabilities"),
        ],
    )
    def test_the_last_activation_tells(self, layers, kind):
        network = ending(*layers)
        assert kind_of_output(network)[0] == kind
        inside = functional((4, 4, 3), network)
        assert kind_of_output(inside)[0] == kind
        assert kind_of_output(keras.Sequential([L.Input((4, 4, 3)), network]))[0] == kind

    @pytest.mark.parametrize(
        "layers",
        [
            [L.Dense(3, activation="sigmoid")],  # several answers at once
            [L.Dense(3, activation="relu")],
            [L.Dense(3, activation="tanh")],
            [L.Dense(3), L.BatchNormalization()],
            [L.Dense(3), L.Lambda(lambda x: x)],
        ],
    )
    def test_where_it_does_not_tell_nothing_is_guessed(self, layers):
        assert kind_of_output(ending(*layers)) is None

    def test_a_convolution_whose_mean_is_taken(self):
        network = functional((8, 8, 3), L.Conv2D(5, 1), L.GlobalAveragePooling2D())
        assert kind_of_output(network)[0] == "logits"


class TestInput:
    def test_channels_last(self):
        entry = entry_of(ending(L.Dense(2)))
        assert (entry.height, entry.width, entry.channels) == (4, 4, 3)
        assert (entry.layout, entry.flat, entry.batch, entry.dtype) == (
            "NHWC",
            False,
            None,
            "float32",
        )

    def test_channels_first_by_shape(self):
        entry = entry_of(functional((3, 32, 40), L.Flatten(), L.Dense(2)))
        assert (entry.height, entry.width, entry.channels, entry.layout) == (32, 40, 3, "NCHW")

    def test_channels_first_by_the_layers_where_the_shape_is_open(self):
        layer = L.MaxPooling2D(2, data_format="channels_first")
        assert entry_of(functional((3, 8, 8), layer, L.Flatten(), L.Dense(2))).layout == "NCHW"
        layer = L.MaxPooling2D(2, data_format="channels_last")
        assert entry_of(functional((3, 8, 8), layer, L.Flatten(), L.Dense(2))).layout == "NHWC"

    def test_channels_first_by_configuration_where_nothing_else_tells(self):
        network = functional((3, 8, 8), L.Reshape((192,)), L.Dense(2))
        assert entry_of(network, "channels_first").layout == "NCHW"
        assert entry_of(network, "channels_last").layout == "NHWC"

    def test_grey_without_an_axis_for_it(self):
        entry = entry_of(functional((28, 20), L.Flatten(), L.Dense(2)))
        assert (entry.height, entry.width, entry.channels, entry.flat) == (28, 20, 1, True)

    def test_any_size_and_a_fixed_batch(self):
        entry = keras.Input(batch_shape=(4, None, None, 5), dtype="uint8")
        network = keras.Model(entry, L.GlobalAveragePooling2D()(L.Rescaling(1.0)(entry)))
        said = entry_of(network)
        assert (said.height, said.width, said.channels, said.batch) == (None, None, 5, 4)
        assert said.dtype == "uint8"

    def test_a_class_that_was_never_built_from_an_input(self):
        assert entry_of(keras.Sequential([L.Flatten(), L.Dense(2)])) is None

    def test_several_inputs(self):
        left, right = keras.Input((4, 4, 3), name="left"), keras.Input((4, 4, 3), name="right")
        network = keras.Model([left, right], L.Flatten()(left + right))
        with pytest.raises(InputError, match=r"net has 2 inputs \(left, right\)"):
            entry_of(network)

    def test_several_outputs(self):
        entry = keras.Input((4, 4, 3))
        network = keras.Model(entry, [L.Flatten()(entry), L.GlobalAveragePooling2D()(entry)])
        with pytest.raises(InputError, match="net has 2 outputs"):
            entry_of(network)

    @pytest.mark.parametrize("shape", [(784,), (20, 20, 20), (None, None, None), (2, 3, 4, 5)])
    def test_no_pictures(self, shape):
        entry = keras.Input(shape)
        with pytest.raises(InputError, match=r"must take pictures of 1 to 16 channels.*net takes"):
            entry_of(keras.Model(entry, L.Flatten()(entry)))
