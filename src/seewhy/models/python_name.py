"""``py:package.module:name``: a model, a function or an estimator of the user's own."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from seewhy.errors import InputError, SpecError, did_you_mean, what_happened
from seewhy.models.callable_model import CallableModel
from seewhy.models.protocol import Model, is_model
from seewhy.models.request import ModelRequest
from seewhy.models.sklearn_model import SklearnModel, is_estimator


def from_request(request: ModelRequest) -> Model:
    """Load what a Python name stands for.

    Parameters
    ----------
    request : ModelRequest
        ``py:package.module:name``, found from the current directory as well.

    Returns
    -------
    Model

    Raises
    ------
    SpecError
        When there is no such module, it fails, or it has no such name.
    InputError
        When what it stands for is neither a model nor a function, or does not say what it takes.
    """
    request.refuse("weights", "pretrained", "device")
    module, found = _imported(request.spec)
    if is_model(found):
        request.refuse("labels", "preprocess", "output")
        return found
    if is_estimator(found):
        return _estimator(request, found, module)
    if not callable(found) or isinstance(found, type) or _is_torch_module(found):
        raise InputError(
            f"{request.spec!r} is a {type(found).__name__}; it must be a model, such as "
            "model = seewhy.TorchModel(network, ...), or a function of pictures."
        )
    return _function(request, found, module)


def _estimator(request: ModelRequest, found: Any, module: object) -> SklearnModel:
    request.refuse("output")
    return SklearnModel(
        found,
        input_size=_declared(found, module, "input_size"),
        labels=request.labels,
        preprocess=request.preprocess or _declared(found, module, "preprocess"),
        batch=request.batch,
        name=request.spec,
    )


def _function(request: ModelRequest, found: Any, module: object) -> CallableModel:
    said = {name: _declared(found, module, name) for name in ("output", "input_size", "labels")}
    if request.output is not None:
        said["output"] = request.output
    for name, example in (("output", "'probabilities'"), ("input_size", "(224, 224)")):
        if said[name] is None:
            function = request.spec.rpartition(":")[2]
            raise InputError(
                f"{request.spec!r} does not say its {name}; add to its module "
                f"{function}.{name} = {example}."
            )
    labels = "numbered" if said["labels"] is None else "said by the function"
    return CallableModel(
        found,
        labels=request.labels or said["labels"],
        output=said["output"],
        input_size=said["input_size"],
        preprocess=request.preprocess or _declared(found, module, "preprocess"),
        batch=request.batch,
        name=request.spec,
        origin=request.origin(
            preprocessing="said by the function", labels=labels, output="said by the function"
        ),
    )


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
        without = ": leave .py out" if module_name.endswith(".py") else ""
        raise SpecError(
            f"there is no module {module_name!r} in the current directory or installed{without}."
        ) from error
    except Exception as error:
        raise SpecError(f"the module {module_name!r} fails: {what_happened(error)}.") from error
    if not hasattr(module, attribute):
        near = did_you_mean(attribute, [name for name in vars(module) if name[0] != "_"])
        raise SpecError(f"the module {module_name!r} has no {attribute!r}{near or '.'}")
    return module, getattr(module, attribute)


def _declared(function: object, module: object, name: str) -> Any:
    """What is said about a function on itself, or in its module where that is no function too."""
    if hasattr(function, name):
        return getattr(function, name)
    said = getattr(module, name, None)
    return None if callable(said) else said


def _is_torch_module(candidate: object) -> bool:
    return any(kind.__module__.startswith("torch.nn") for kind in type(candidate).__mro__)
