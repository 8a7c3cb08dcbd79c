"""Models by name: ``builtin:imagenet``, ``torchvision:resnet34``, ``file.onnx``, ``py:module:fn``.

An adapter, and the framework behind it, is imported only when a name asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from seewhy.errors import InputError, SpecError, did_you_mean
from seewhy.models.array_model import checked_output
from seewhy.models.batching import Batch
from seewhy.models.labels import checked_names, read_labels
from seewhy.models.preprocessing import Preprocessing, load_preprocessing
from seewhy.models.protocol import Model, is_model
from seewhy.models.request import ModelRequest
from seewhy.models.v2_address import without_secrets

_FORMS = (
    "builtin:imagenet, torchvision:NAME, timm:NAME, hf:ORG/NAME, keras:NAME, FILE.onnx, "
    "FILE.keras, py:package.module:callable, v2+http://HOST/v2/models/NAME"
)
_WEIGHTS_ENDINGS = (".pth", ".pt", ".th", ".bin", ".ckpt", ".safetensors", ".h5")

# Each module has from_request, and borrowed_preprocessing where that needs no weights.
_SCHEMES: Mapping[str, str] = {
    "builtin": "builtin",
    "torchvision": "torchvision_models",
    "timm": "timm_models",
    "hf": "huggingface",
    "keras": "keras_applications",
    "py": "python_name",
    "v2+http": "v2_model",
    "v2+https": "v2_model",
}
_ENDINGS: Mapping[str, str] = {".onnx": "onnx_model", ".keras": "keras_file"}


def load_model(
    spec: str | Path | Model,
    *,
    weights: str | Path | None = None,
    pretrained: bool = True,
    labels: str | Path | Sequence[str] | None = None,
    preprocess: str | Path | Preprocessing = "auto",
    output: str = "auto",
    device: str = "auto",
    batch: Batch = "auto",
) -> Model:
    """Load a model by name.

    Parameters
    ----------
    spec : str, Path or Model
        ``"builtin:imagenet"`` or ``"builtin:digits"``; ``"torchvision:resnet34[@WEIGHTS]"``;
        ``"timm:NAME"``; ``"hf:ORG/NAME[@REVISION]"`` or ``"hf:FOLDER"``; ``"keras:InceptionV3"``;
        a ``.onnx`` file with its sidecar; a ``.keras`` file; ``"py:package.module:callable"``, a
        model or a function, found from the current directory as well;
        ``"v2+http://HOST/v2/models/NAME"``. A model is returned as it is.
    weights : str or Path, optional
        A file of weights for a network of torchvision, timm or Keras.
    pretrained : bool
        Without `weights`: whether such a network takes its published ones.
    labels : path or sequence of str, optional
        Class names instead of those that come with the model.
    preprocess : "auto", path, str or Preprocessing
        Instead of the preprocessing that comes with the model: a JSON file, or the name of a model
        whose preprocessing is borrowed.
    output : {"auto", "logits", "probabilities", "raw"}
        What the model returns; ``"auto"``: what its source says.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ….
    batch : int or "auto"
        Pictures per forward pass.

    Returns
    -------
    Model

    Raises
    ------
    SpecError
        When nobody knows the name; the message lists near ones.
    InputError
        When an argument does not go with the model.
    MissingExtraError
        When an optional package is needed; the message holds the pip line.
    """
    if not isinstance(spec, str | Path):
        choices = (preprocess, output, device, batch)
        chosen = not all(isinstance(choice, str) and choice == "auto" for choice in choices)
        given = weights is not None or not pretrained or labels is not None or chosen
        return _ready(spec, with_settings=given)
    name = _with_plain_scheme(str(spec))
    request = ModelRequest(
        spec=name,
        weights=weights,
        pretrained=pretrained,
        labels=_read_names(labels),
        preprocess=None if preprocess == "auto" else resolve_preprocessing(preprocess),
        output=None if output == "auto" else checked_output(output),
        device=device,
        batch=batch,
    )
    model: Model = _adapter(name).from_request(request)
    return model


def resolve_preprocessing(preprocess: str | Path | Preprocessing) -> Preprocessing:
    """Find the preprocessing that a person names.

    Parameters
    ----------
    preprocess : Preprocessing, str or Path
        The object itself, a JSON file in the grammar of an ONNX sidecar, or the name of a model
        whose preprocessing is borrowed (``"torchvision:resnet34"``; its weights are not loaded
        where the name alone says enough).

    Returns
    -------
    Preprocessing

    Raises
    ------
    InputError
        When it is none of these.
    """
    if isinstance(preprocess, Preprocessing):
        return preprocess
    if not isinstance(preprocess, str | Path):
        raise InputError(
            "preprocess must be a Preprocessing, a JSON file or the name of a model; got a "
            f"{type(preprocess).__name__}."
        )
    name = str(preprocess)
    if _module_of(name) is None and "://" not in name:
        return _preprocessing_in(preprocess)
    borrow = getattr(_adapter(name), "borrowed_preprocessing", None)
    if borrow is None:
        return load_model(name).preprocessing
    borrowed: Preprocessing = borrow(name)
    return borrowed


def _preprocessing_in(path: str | Path) -> Preprocessing:
    if not Path(path).suffix and not Path(path).exists():
        raise InputError(
            f"preprocess must be a JSON file or the name of a model whose preprocessing is "
            f"borrowed, such as torchvision:resnet34; there is no file {str(path)!r}."
        )
    return load_preprocessing(path)


def _module_of(name: str) -> str | None:
    scheme, colon, _ = name.partition(":")
    if colon and scheme.lower() in _SCHEMES:
        return _SCHEMES[scheme.lower()]
    return _ENDINGS.get(Path(name).suffix.lower())


def _adapter(name: str) -> Any:
    module = _module_of(name)
    if module is not None:
        return import_module(f"seewhy.models.{module}")
    if name.lower().endswith(_WEIGHTS_ENDINGS):
        raise SpecError(
            f"{name!r} holds weights but no network; name the network too: torchvision:NAME, "
            f"timm:NAME or keras:NAME with weights={name!r}."
        )
    shown = without_secrets(name)
    if name.lower().startswith(("http://", "https://")):
        raise SpecError(
            f"{shown!r} does not say how the server is asked; write v2+{shown} for one that speaks "
            "KServe V2, or wrap a client of yours: py:package.module:callable."
        )
    scheme, colon, _ = name.partition(":")
    near = did_you_mean(scheme, _SCHEMES) if colon else did_you_mean(name, ["builtin:imagenet"])
    raise SpecError(f"no model is called {shown!r}; known are {_FORMS}{near or '.'}")


def _with_plain_scheme(name: str) -> str:
    """``Timm:NAME`` is ``timm:NAME``."""
    scheme, colon, rest = name.partition(":")
    return f"{scheme.lower()}:{rest}" if colon and scheme.lower() in _SCHEMES else name


def _ready(model: Any, *, with_settings: bool) -> Model:
    if not is_model(model):
        raise InputError(
            f"model must be a name such as {_FORMS}, or a model; got a {type(model).__name__}: "
            "wrap a torch module with TorchModel, a Keras network with KerasModel, a scikit-learn "
            "estimator with SklearnModel, a function with CallableModel."
        )
    if with_settings:
        raise InputError(
            "weights, pretrained, labels, preprocess, output, device and batch belong to models "
            "loaded by name; this one is ready: give them to its constructor."
        )
    return model


def _read_names(labels: str | Path | Sequence[str] | None) -> tuple[str, ...] | None:
    if labels is None:
        return None
    return read_labels(labels) if isinstance(labels, str | Path) else checked_names(labels)
