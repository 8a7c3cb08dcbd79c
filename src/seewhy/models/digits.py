"""``builtin:digits``: a small network that reads handwritten digits, trained by us on MNIST.

``data/digits.md`` is its model card; ``training/digits.py`` makes it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from jaxtyping import Shaped

from seewhy.models.array_model import ArrayModel, fingerprint_of
from seewhy.models.batching import Batch, Batcher, resolve_batch
from seewhy.models.onnx_session import (
    AT_224,
    SessionForward,
    is_session_memory_error,
    open_session,
)
from seewhy.models.origin import BUILT_IN
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.shuffled import SUFFIX, Reweighted, shuffled_arrays

SIDE, MEAN, STD = 28, 0.1307, 0.3081  # of MNIST's training digits, in [0, 1]
DIGITS_PREPROCESSING = Preprocessing((SIDE, SIDE), mean=(MEAN,), std=(STD,), channels="L")
LABELS = tuple("0123456789")
SPEC = "builtin:digits"
_STRIDED = ("blocks.0", "blocks.2")  # halve the picture's size, with a convolution as shortcut
_BLOCKS = ("blocks.0", "blocks.1", "blocks.2", "blocks.3")


def load(*, batch: Batch = "auto") -> ArrayModel:
    """Load the reader of digits.

    Parameters
    ----------
    batch : int or "auto"
        Pictures per forward pass.

    Returns
    -------
    ArrayModel
        Of 28 × 28 grey pictures, white on black; 10 logits.
    """
    session, fingerprint, weights = _digits()
    size = resolve_batch(batch, DIGITS_PREPROCESSING.input_size, at_224=AT_224)
    return ArrayModel(
        _forward(session),
        spec=SPEC,
        framework="onnxruntime",
        labels=LABELS,
        output="logits",
        preprocessing=DIGITS_PREPROCESSING,
        fingerprint=fingerprint,
        batcher=Batcher(size, name=SPEC, out_of_memory=is_session_memory_error),
        layout="NCHW",
        twin=lambda: _twin(weights, SPEC),
        reweighted=lambda rng: _reweighted(weights, rng),
        origin=BUILT_IN,
    )


def onnx_model(weights: Mapping[str, Shaped[np.ndarray, "*any"]]) -> bytes:
    """Build the network for ONNX Runtime.

    Parameters
    ----------
    weights : mapping of str to ndarray
        Named as in `seewhy.models.digits_torch.DigitsNet`.

    Returns
    -------
    bytes
        A serialised model: ``pixels`` (n, 1, 28, 28), normalised, to ``logits`` (n, 10). Its
        constants carry the names of the weights.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []

    def add(kind: str, *inputs: str, to: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [to], **attributes))
        return to

    def convolve(name: str, entry: str, stride: int) -> str:
        pad = weights[f"{name}.weight"].shape[2] // 2
        inputs = (entry, f"{name}.weight", f"{name}.bias")
        return add("Conv", *inputs, to=name, strides=[stride] * 2, pads=[pad] * 4)

    x = add("Relu", convolve("stem", "pixels", 1), to="stem.relu")
    for block in _BLOCKS:
        stride = 2 if block in _STRIDED else 1
        inner = add("Relu", convolve(f"{block}.first", x, stride), to=f"{block}.relu")
        inner = convolve(f"{block}.second", inner, 1)
        entry = convolve(f"{block}.shortcut", x, stride) if block in _STRIDED else x
        x = add("Relu", add("Add", inner, entry, to=f"{block}.sum"), to=block)
    x = add("Flatten", add("GlobalAveragePool", x, to="mean"), to="features")
    add("Gemm", x, "head.weight", "head.bias", to="logits", transB=1)
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(LABELS)])],
        [numpy_helper.from_array(np.ascontiguousarray(w), name) for name, w in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8  # what the oldest supported ONNX Runtime reads
    return bytes(model.SerializeToString())


@lru_cache(maxsize=1)
def _digits() -> tuple[Any, str, dict[str, np.ndarray]]:
    import onnx
    from onnx import numpy_helper

    content = (resources.files("seewhy.models") / "data" / "digits.onnx").read_bytes()
    constants = onnx.load_model_from_string(content).graph.initializer
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in constants}
    return open_session(content, name=SPEC), _fingerprint(content), weights


def _fingerprint(content: bytes) -> str:
    return fingerprint_of(
        [content], preprocessing=DIGITS_PREPROCESSING, output="logits", layout="NCHW"
    )


def _forward(session: Any) -> SessionForward:
    return SessionForward(session, input_name="pixels", output_name="logits", name=SPEC)


def _twin(weights: Mapping[str, np.ndarray], spec: str) -> Any:
    from seewhy.models.digits_torch import torch_twin  # it needs the torch extra

    return torch_twin(weights, spec=spec)


def _reweighted(weights: Mapping[str, np.ndarray], rng: np.random.Generator) -> Reweighted:
    shuffled = shuffled_arrays(weights, rng)
    content = onnx_model(shuffled)
    session = open_session(content, name=SPEC + SUFFIX)
    return Reweighted(
        _forward(session), _fingerprint(content), lambda: _twin(shuffled, SPEC + SUFFIX)
    )
