"""Gradients of Keras networks: those of the same network in torch, on both back ends."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from itertools import product

import numpy as np
import pytest
from PIL import Image as PILImage
from skimage import data

import seewhy as sw
from seewhy.errors import InputError, ModelError
from seewhy.game.scores import ClassScores
from seewhy.models.differentiable import is_differentiable
from seewhy.models.preprocessing import Preprocessing

if find_spec("keras") is None or find_spec("tensorflow") is None:
    pytest.skip("needs Keras on TensorFlow", allow_module_level=True)

from seewhy.models.keras_backend import import_keras
from seewhy.models.keras_gradients import tensorflow_scores

keras = import_keras()
if keras.backend.backend() != "tensorflow":
    pytest.skip("needs Keras on TensorFlow", allow_module_level=True)

import tensorflow as tf  # noqa: E402

L = keras.layers
SIDE = 24
PREPROCESSING = Preprocessing((SIDE, SIDE), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
IMAGES = np.random.default_rng(0).random((11, SIDE, SIDE, 3), dtype=np.float32)


def convolutional(begin=(), entry=None):
    if entry is None:
        entry = keras.Input((SIDE, SIDE, 3))
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
    return randomised(keras.Model(entry, L.Dense(4)(x)))


def randomised(network):
    rng = np.random.default_rng(0)
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


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    PILImage.fromarray(data.astronaut()).save(path)
    return path


def in_torch(network, **settings):
    """The network of `convolutional` in torch, with the same weights."""
    torch = pytest.importorskip("torch")
    kernel, bias, gamma, beta, mean, variance, kernel2, bias2, dense, bias3 = (
        torch.from_numpy(array) for array in network.get_weights()
    )
    twin = torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3, padding=1),
        torch.nn.BatchNorm2d(6, eps=1e-3),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.5),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(6, 8, 3),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 4),
    )
    named = {
        "0.weight": kernel.permute(3, 2, 0, 1),
        "0.bias": bias,
        "1.weight": gamma,
        "1.bias": beta,
        "1.running_mean": mean,
        "1.running_var": variance,
        "5.weight": kernel2.permute(3, 2, 0, 1),
        "5.bias": bias2,
        "9.weight": dense.T,
        "9.bias": bias3,
        "1.num_batches_tracked": torch.tensor(0),
    }
    twin.load_state_dict(named)
    return sw.TorchModel(twin, preprocess=PREPROCESSING, **settings)


class TestAgainstTorch:
    @pytest.mark.parametrize(
        "method", ["lime", "kernel-shap", "gradient-shap", "integrated-gradients"]
    )
    def test_the_same_weights_have_the_same_explanation(self, method, photo):
        network = convolutional()
        ours, theirs = (
            sw.explain(photo, model, methods=method, segments="grid:4", budget=100, seed=0)
            for model in (model_of(network), in_torch(network))
        )
        np.testing.assert_allclose(ours[method].values, theirs[method].values, atol=1e-4)
        assert np.abs(theirs[method].values).max() > 0.01

    @pytest.mark.parametrize("against", [None, 3])
    @pytest.mark.parametrize("score", ["log-odds", "probability", "log-probability"])
    def test_gradients_along_lines(self, score, against):
        network = convolutional()
        asked = ClassScores(score, (2, 0), against)
        positions = np.linspace(0, 1, 10)
        ours, theirs = (
            model.path_gradients(IMAGES[0], IMAGES[1:], positions, asked)
            for model in (model_of(network, batch=6), in_torch(network))
        )
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.dtype == other.dtype
            np.testing.assert_allclose(mine, other, atol=1e-5)

    @pytest.mark.parametrize(
        ("score", "output"),
        [
            *product(["log-odds", "probability", "log-probability"], ["logits", "probabilities"]),
            ("raw", "raw"),
        ],
    )
    @pytest.mark.parametrize(("columns", "against"), [(1, None), (2, 1), (5, None), (5, 1)])
    def test_scores(self, score, against, output, columns):
        torch = pytest.importorskip("torch")
        from seewhy.models.torch_scores import torch_scores

        classes = 2 if columns == 1 and output != "raw" else columns
        outputs = np.random.default_rng(0).normal(size=(7, columns)).astype("f4")
        if output == "probabilities":
            outputs = 1 / (1 + np.exp(-3 * outputs))
            outputs[0, 0] = 0.0
        targets = (0, classes - 1)
        point, variable = torch.tensor(outputs, requires_grad=True), tf.constant(outputs)
        expected = torch_scores(point, ClassScores(score, targets, against), output)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            scores = tensorflow_scores(
                variable,
                tf.constant(targets),
                None if against is None else tf.constant(against),
                score=score,
                output=output,
            )
        np.testing.assert_allclose(scores, expected.detach(), atol=1e-12)
        expected.sum().backward()
        np.testing.assert_allclose(tape.gradient(scores, variable), point.grad, atol=1e-5)


class TestGradients:
    ASKED = ClassScores("log-odds", (1,))

    def along(self, model, images=IMAGES, asked=ASKED):
        n = len(images) - 1
        return model.path_gradients(images[0], images[1:], np.linspace(0, 1, n), asked)

    def test_of_a_flat_grey_network(self):
        entry = keras.Input((SIDE, SIDE))
        network = randomised(keras.Model(entry, L.Dense(3)(L.Flatten()(entry))))
        preprocessing = Preprocessing((SIDE, SIDE), mean=(0.5,), std=(0.1,), channels="L")
        model = model_of(network, preprocess=preprocessing)
        difference = ClassScores("log-odds", (1,), 0)
        _, contributions = self.along(model, IMAGES[..., :1], difference)
        kernel = network.get_weights()[0].reshape(SIDE, SIDE, 3)
        expected = (kernel[..., 1] - kernel[..., 0]) * (IMAGES[0] - IMAGES[1:])[..., 0] / 0.1
        np.testing.assert_allclose(contributions[0], expected, rtol=1e-4, atol=1e-5)

    def test_with_a_fixed_batch(self):
        free = convolutional()
        fixed = of_four_at_a_time()
        for mine, other in zip(
            self.along(model_of(fixed)), self.along(model_of(free)), strict=True
        ):
            np.testing.assert_allclose(mine, other, atol=1e-5)

    def test_one_reference_for_all(self):
        model = model_of(convolutional())
        black = np.broadcast_to(np.zeros((1, SIDE, SIDE, 3), np.float32), (5, SIDE, SIDE, 3))
        places = np.linspace(0, 1, 5)
        for mine, other in zip(
            model.path_gradients(IMAGES[0], black, places, self.ASKED),
            model.path_gradients(IMAGES[0], black.copy(), places, self.ASKED),
            strict=True,
        ):
            np.testing.assert_array_equal(mine, other)

    def test_traced_once_for_other_classes(self):
        traces = []

        class Counting(L.Layer):
            def call(self, x):
                traces.append(x.shape)
                return x

        model = model_of(convolutional(begin=[Counting()]))
        self.along(model)
        traces.clear()
        self.along(model, asked=ClassScores("log-odds", (3,)))
        self.along(model, IMAGES[:4])
        assert traces == []

    def test_whole_numbers_have_none(self):
        entry = keras.Input((SIDE, SIDE, 3), dtype="uint8")
        model = sw.KerasModel(convolutional(entry=entry, begin=[L.Rescaling(1 / 255)]))
        with pytest.raises(InputError, match=r"takes whole numbers \(uint8\)"):
            self.along(model)

    def test_a_network_that_stops_them(self):
        stop = L.Lambda(lambda x: tf.stop_gradient(x))
        with pytest.raises(ModelError, match="cannot be differentiated: its outputs do not"):
            self.along(model_of(convolutional(begin=[stop])))

    def test_a_class_that_does_not_exist(self):
        model = model_of(convolutional())
        with pytest.raises(InputError, match="target must be a class from 0 to 3; got 4"):
            self.along(model, asked=ClassScores("log-odds", (4,)))
        assert is_differentiable(model)


ON_TORCH = """
import numpy as np
import seewhy as sw
from seewhy.game.scores import ClassScores
from seewhy.models.keras_backend import import_keras
keras = import_keras()
import torch
assert keras.backend.backend() == "torch"
L, rng = keras.layers, np.random.default_rng(0)
entry = keras.Input((12, 10, 3))
x = L.ReLU()(L.Conv2D(5, 3)(L.Rescaling(1 / 255)(entry)))
network = keras.Model(entry, L.Dense(3)(L.Flatten()(x)))
images = rng.random((9, 12, 10, 3), dtype=np.float32)
model = sw.KerasModel(network, batch=4)
np.testing.assert_allclose(model(images), network(images * 255, training=False).detach(), atol=1e-5)
assert model.framework == "keras on torch"

class Same(torch.nn.Module):
    def forward(self, pictures):
        return network(255 * pictures.permute(0, 2, 3, 1))

asked, places = ClassScores("log-odds", (2, 0)), np.linspace(0, 1, 8)
same = sw.TorchModel(Same(), preprocess=sw.Preprocessing((12, 10)), output="logits")
for mine, other in zip(
    model.path_gradients(images[0], images[1:], places, asked),
    same.path_gradients(images[0], images[1:], places, asked),
):
    np.testing.assert_allclose(mine, other, atol=1e-5)
shuffled = model.with_shuffled_weights(rng)
assert np.abs(shuffled(images) - model(images)).max() > 0.001
print("fine")
"""


def test_on_the_torch_back_end():
    pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, "-c", ON_TORCH],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("fine\n", "")
