"""A Keras network's weights: a digest of them, and a copy in which they are shuffled."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import seewhy as sw
from seewhy.errors import InputError
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.shuffled import can_be_shuffled, shuffle_weights

if find_spec("keras") is None:
    pytest.skip("needs Keras", allow_module_level=True)

from seewhy.models.keras_backend import import_keras
from seewhy.models.keras_weights import copy_with_weights, lower_ending

keras = import_keras()
L = keras.layers
SIDE = 24
PREPROCESSING = Preprocessing((SIDE, SIDE), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
IMAGES = np.random.default_rng(0).random((5, SIDE, SIDE, 3), dtype=np.float32)


def convolutional(*ends, begin=()):
    entry = keras.Input((SIDE, SIDE, 3))
    x = entry
    for layer in begin:
        x = layer(x)
    x = L.BatchNormalization()(L.Conv2D(6, 3)(x))
    x = L.Dense(4)(L.GlobalAveragePooling2D()(L.ReLU()(x)))
    for layer in ends:
        x = layer(x)
    network = keras.Model(entry, x)
    rng = np.random.default_rng(0)
    network.set_weights([rng.random(array.shape) + 0.1 for array in network.get_weights()])
    return network


def model_of(network, **settings):
    return sw.KerasModel(network, **{"preprocess": PREPROCESSING, **settings})


def answers(network, inputs):
    return np.asarray(keras.ops.convert_to_numpy(network(inputs, training=False)))


class TestShuffled:
    def test_other_weights_in_a_copy(self):
        network = convolutional(L.Softmax(), begin=[L.Rescaling(1 / 255)])
        model = sw.KerasModel(network)
        before, weights = model(IMAGES), [array.copy() for array in network.get_weights()]
        assert can_be_shuffled(model)
        shuffled = shuffle_weights(model, np.random.default_rng(0))
        assert np.abs(shuffled(IMAGES) - before).max() > 0.01
        np.testing.assert_array_equal(model(IMAGES), before)
        for have, had in zip(network.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(have, had)
        for moved, had in zip(shuffled.network.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(np.sort(moved, None), np.sort(had, None))
            assert (moved == had).all() == (had.ndim < 2)
        assert shuffled.spec.endswith("(weights shuffled)")
        assert shuffled.fingerprint != model.fingerprint
        assert (shuffled.labels, shuffled.output) == (model.labels, "probabilities")

    def test_a_copy_with_the_same_weights_answers_the_same(self):
        """An adapted Normalization keeps beside its weights what it computes from them."""
        layer = L.Normalization()
        layer.adapt(IMAGES)
        inner = keras.Sequential([L.Input((SIDE, SIDE, 3)), layer])
        network = convolutional(begin=[inner])
        layer.adapt(IMAGES)
        copied = copy_with_weights(network, network.get_weights(), keras)
        np.testing.assert_allclose(answers(copied, IMAGES), answers(network, IMAGES), atol=1e-6)

    def test_the_same_network_built_twice_has_one_fingerprint(self):
        one, other = model_of(convolutional()), model_of(convolutional())
        assert one.network.layers[1].name != other.network.layers[1].name  # Keras counts them
        assert one.fingerprint == other.fingerprint
        assert one.fingerprint != model_of(convolutional(L.Softmax())).fingerprint
        changed = Preprocessing((SIDE, SIDE), mean=(0.4, 0.5, 0.5), std=(0.2, 0.25, 0.3))
        assert one.fingerprint != model_of(convolutional(), preprocess=changed).fingerprint

    def test_nothing_to_shuffle(self):
        network = keras.Sequential([L.Input((SIDE, SIDE, 3)), L.GlobalAveragePooling2D()])
        with pytest.raises(InputError, match="must have floating-point weights of two axes"):
            shuffle_weights(model_of(network, output="raw"), np.random.default_rng(0))


class TestEndings:
    def test_small_letters_are_left_alone(self, tmp_path):
        path = tmp_path / "net.v2.keras"
        with lower_ending(path) as file:
            assert file == path

    @pytest.mark.parametrize("links", [True, False])
    @pytest.mark.parametrize(
        ("name", "ending"), [("net.KERAS", ".keras"), ("a.Weights.H5", ".weights.h5")]
    )
    def test_another_name_for_a_while(self, tmp_path, monkeypatch, links, name, ending):
        def refused(*rest):
            raise OSError("a required privilege is not held")

        if not links:
            monkeypatch.setattr("pathlib.Path.symlink_to", refused)
        path = tmp_path / name
        path.write_bytes(b"content")
        with lower_ending(path) as file:
            assert file.name.endswith(ending)
            assert file.read_bytes() == b"content"
        assert not file.parent.exists()
        assert path.read_bytes() == b"content"
