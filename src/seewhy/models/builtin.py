"""Models that come with Seewhy: a real ImageNet classifier, without torch or network."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from seewhy.errors import SpecError, did_you_mean
from seewhy.models.array_model import ArrayModel, fingerprint_of
from seewhy.models.batching import Batch, Batcher, resolve_batch
from seewhy.models.efficientnet_lite import INPUT_SIDE, onnx_model, read_weights
from seewhy.models.labels import imagenet_aliases, imagenet_labels
from seewhy.models.onnx_session import (
    AT_224,
    SessionForward,
    is_session_memory_error,
    open_session,
)
from seewhy.models.origin import BUILT_IN
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.request import ModelRequest
from seewhy.models.shuffled import SUFFIX, Reweighted, shuffled_arrays

IMAGENET_PREPROCESSING = Preprocessing(
    size=(INPUT_SIDE, INPUT_SIDE),
    shorter_side=256,
    interpolation="bicubic",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
)
BUILTIN_NAMES = ("imagenet", "digits")


def from_request(request: ModelRequest) -> ArrayModel:
    """Load a model that comes with Seewhy; see `load`.

    Parameters
    ----------
    request : ModelRequest
        ``builtin:NAME``.

    Returns
    -------
    ArrayModel

    Raises
    ------
    InputError
        When it is asked to be something else than it is.
    """
    request.refuse("weights", "pretrained", "labels", "preprocess", "output", "device")
    return load(request.name, batch=request.batch)


def load(name: str, *, batch: Batch = "auto") -> ArrayModel:
    """Load a model that comes with Seewhy.

    Parameters
    ----------
    name : {"imagenet", "digits"}
        ``"imagenet"`` is EfficientNet-Lite0: 1 000 classes, 224 × 224, 81 % right on 300
        validation photos. ``"digits"`` reads one handwritten digit, white on black, 28 × 28.
    batch : int or "auto"
        Pictures per forward pass.

    Returns
    -------
    ArrayModel

    Raises
    ------
    SpecError
        When there is no such model.
    MissingExtraError
        When its package of weights is not installed.
    """
    if name not in BUILTIN_NAMES:
        near = did_you_mean(name, BUILTIN_NAMES)
        raise SpecError(
            f"no model {name!r} comes with Seewhy, only {', '.join(BUILTIN_NAMES)}{near or '.'}"
        )
    if name == "digits":
        from seewhy.models.digits import load as load_digits

        return load_digits(batch=batch)
    spec = f"builtin:{name}"
    session, fingerprint = _imagenet()
    size = resolve_batch(batch, IMAGENET_PREPROCESSING.input_size, at_224=AT_224)
    return ArrayModel(
        _forward(session, spec),
        spec=spec,
        framework="onnxruntime",
        labels=imagenet_labels(),
        output="logits",
        preprocessing=IMAGENET_PREPROCESSING,
        fingerprint=fingerprint,
        batcher=Batcher(size, name=spec, out_of_memory=is_session_memory_error),
        layout="NCHW",
        aliases=imagenet_aliases(),
        twin=_imagenet_in_torch,
        reweighted=_shuffled_imagenet,
        origin=BUILT_IN,
    )


@lru_cache(maxsize=1)
def _imagenet_in_torch() -> Any:
    from seewhy.models.efficientnet_lite_torch import torch_twin  # it needs the torch extra

    return torch_twin()


@lru_cache(maxsize=1)
def _imagenet() -> tuple[Any, str]:
    return _session_of(read_weights())


def _session_of(weights: Mapping[str, np.ndarray]) -> tuple[Any, str]:
    parts = (part for name, array in weights.items() for part in (name.encode(), array.tobytes()))
    fingerprint = fingerprint_of(
        parts, preprocessing=IMAGENET_PREPROCESSING, output="logits", layout="NCHW"
    )
    return open_session(onnx_model(weights), name="builtin:imagenet"), fingerprint


def _forward(session: Any, spec: str) -> SessionForward:
    return SessionForward(session, input_name="pixels", output_name="logits", name=spec)


def _shuffled_imagenet(rng: np.random.Generator) -> Reweighted:
    weights = shuffled_arrays(read_weights(), rng)
    session, fingerprint = _session_of(weights)
    spec = "builtin:imagenet" + SUFFIX

    @lru_cache(maxsize=1)
    def twin() -> Any:
        from seewhy.models.efficientnet_lite_torch import torch_twin  # it needs the torch extra

        return torch_twin(weights, spec=spec)

    return Reweighted(_forward(session, spec), fingerprint, twin)
