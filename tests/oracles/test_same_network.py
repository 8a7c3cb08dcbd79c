"""One network through several adapters: the same scores, and the same explanation."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import numpy as np
import pytest

import seewhy as sw
from seewhy.models import digits
from seewhy.models.digits import DIGITS_PREPROCESSING, LABELS

pytest.importorskip("torch")
if find_spec("keras") is None:
    pytest.skip("needs Keras", allow_module_level=True)

from seewhy.models.keras_backend import import_keras

keras = import_keras()

METHODS = "lime,kernel-shap,partition-shap,occlusion"


@pytest.fixture(scope="module")
def picture():
    """A seven by hand, large enough to be cut into regions."""
    pixels = np.zeros((28, 28), np.float32)
    pixels[6:8, 8:20] = 1
    for row in range(8, 23):
        column = 18 - (row - 8) // 2
        pixels[row, column : column + 2] = 0.9
    return pixels


@pytest.fixture(scope="module")
def weights():
    return digits._digits()[2]


def as_keras(weights):
    """The same layers by hand; torch pads both sides of a strided convolution alike."""
    layers = keras.layers

    def convolve(x, name, stride):
        kernel = weights[f"{name}.weight"]
        x = layers.ZeroPadding2D(kernel.shape[2] // 2)(x) if kernel.shape[2] > 1 else x
        layer = layers.Conv2D(kernel.shape[0], kernel.shape[2], strides=stride, name=name)
        y = layer(x)
        layer.set_weights([kernel.transpose(2, 3, 1, 0), weights[f"{name}.bias"]])
        return y

    entry = keras.Input((28, 28, 1))
    x = layers.ReLU()(convolve(entry, "stem", 1))
    for block in range(4):
        name, stride = f"blocks.{block}", 2 if block in (0, 2) else 1
        inner = convolve(x, f"{name}.first", stride)
        inner = convolve(layers.ReLU()(inner), f"{name}.second", 1)
        around = convolve(x, f"{name}.shortcut", stride) if stride == 2 else x
        x = layers.ReLU()(layers.Add()([inner, around]))
    head = layers.Dense(10)
    network = keras.Model(entry, head(layers.GlobalAveragePooling2D()(x)))
    head.set_weights([weights["head.weight"].T, weights["head.bias"]])
    return network


@pytest.fixture(scope="module")
def adapters(weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    onnx_file, keras_file = folder / "net.onnx", folder / "net.keras"
    onnx_file.write_bytes(digits.onnx_model(weights))
    network = as_keras(weights)
    with warnings.catch_warnings():  # Keras 3 on TensorFlow under NumPy 2, as it saves
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        network.save(keras_file)
    torch_model = digits._twin(weights, "twin")
    said = {"preprocess": DIGITS_PREPROCESSING, "output": "logits", "labels": LABELS}
    return {
        "builtin": sw.load_model("builtin:digits"),
        "torch": torch_model,
        "onnx": sw.load_model(onnx_file, **said),
        "keras": sw.KerasModel(network, **said),
        "keras file": sw.load_model(keras_file, **said),
        "function": sw.CallableModel(
            torch_model, input_size=(28, 28, 1), output="logits", labels=LABELS
        ),
    }


OTHERS = ("torch", "onnx", "keras", "keras file", "function")


@pytest.mark.parametrize("name", OTHERS)
def test_scores(adapters, picture, name):
    pictures = np.random.default_rng(0).random((9, 28, 28, 1), dtype=np.float32)
    pictures[0, :, :, 0] = picture
    wanted = adapters["builtin"](pictures)
    assert np.abs(adapters[name](pictures) - wanted).max() < 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("name", OTHERS)
def test_explanations(adapters, picture, name):
    def explained(model):
        return sw.explain(
            picture, model, methods=METHODS, segments="grid:5", top=2, budget=300, seed=1
        )

    ours, theirs = explained(adapters["builtin"]), explained(adapters[name])
    assert [p.label for p in ours.predictions] == [p.label for p in theirs.predictions]
    for mine, its in zip(ours.explanations, theirs.explanations, strict=True):
        assert np.abs(mine.values - its.values).max() < 1e-4


@pytest.mark.parametrize("name", ["torch", "keras"])
def test_gradients(adapters, picture, name):
    def explained(model):
        return sw.explain(
            picture, model, methods="integrated-gradients", segments="grid:5", top=2, seed=1
        )

    ours, theirs = explained(adapters["builtin"]), explained(adapters[name])
    for mine, its in zip(ours.explanations, theirs.explanations, strict=True):
        assert np.abs(mine.values - its.values).max() < 1e-4
