"""Classifiers: one protocol, an adapter per framework, and pictures brought to their input."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seewhy.models.callable_model import CallableModel as CallableModel
    from seewhy.models.huggingface import HuggingFaceModel as HuggingFaceModel
    from seewhy.models.keras_model import KerasModel as KerasModel
    from seewhy.models.known import known_models as known_models
    from seewhy.models.labels import find_class as find_class
    from seewhy.models.labels import read_labels as read_labels
    from seewhy.models.masking_game import masking_game as masking_game
    from seewhy.models.onnx_model import OnnxModel as OnnxModel
    from seewhy.models.preprocessing import Preprocessing as Preprocessing
    from seewhy.models.preprocessing import load_preprocessing as load_preprocessing
    from seewhy.models.protocol import Model as Model
    from seewhy.models.sklearn_model import SklearnModel as SklearnModel
    from seewhy.models.spec import load_model as load_model
    from seewhy.models.torch_model import TorchModel as TorchModel
    from seewhy.models.v2_model import V2Model as V2Model

_HOMES = {
    "CallableModel": "callable_model",
    "HuggingFaceModel": "huggingface",
    "KerasModel": "keras_model",
    "Model": "protocol",
    "OnnxModel": "onnx_model",
    "Preprocessing": "preprocessing",
    "SklearnModel": "sklearn_model",
    "TorchModel": "torch_model",
    "V2Model": "v2_model",
    "find_class": "labels",
    "known_models": "known",
    "load_model": "spec",
    "load_preprocessing": "preprocessing",
    "masking_game": "masking_game",
    "read_labels": "labels",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
