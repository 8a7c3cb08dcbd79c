"""The weights inside an ONNX file: found wherever exporters put them, and shuffled."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.errors import InputError, ModelError, what_happened


def with_shuffled_weights(path: Path, rng: np.random.Generator) -> bytes:
    """Read an ONNX file and permute the entries of every weight of two axes or more.

    Parameters
    ----------
    path : Path
        ``file.onnx``; weights kept in files beside it are read too. Nothing is written.
    rng : numpy.random.Generator
        Draws the permutations, in the order in which the file lists the weights.

    Returns
    -------
    bytes
        The model, with all weights inside.

    Raises
    ------
    InputError
        When there is no floating-point weight of two axes, as in quantised networks.
    ModelError
        When the file cannot be read, or is larger than the 2 GB that a message can hold.
    """
    import onnx
    from onnx import numpy_helper

    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf's and the system's have no common class
        raise ModelError(
            f"{path.name} cannot be read to shuffle its weights ({what_happened(error)})."
        ) from error
    weights = [tensor for tensor in _constants(model.graph) if _is_weight(tensor)]
    if not weights:
        raise InputError(
            "model must have floating-point weights of two axes or more to be shuffled; "
            f"{path.name} has none: quantised networks hold whole numbers."
        )
    for tensor in weights:
        array = numpy_helper.to_array(tensor)
        permuted = rng.permutation(array.ravel()).reshape(array.shape)
        tensor.CopyFrom(numpy_helper.from_array(permuted, tensor.name))
    try:
        return bytes(model.SerializeToString())
    except Exception as error:
        raise ModelError(
            f"{path.name} is too large to have its weights shuffled ({what_happened(error)})."
        ) from error


def _constants(graph: Any) -> Iterator[Any]:
    """Every tensor of a graph: initialisers, and what its nodes carry, branches included."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            for branch in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _constants(branch)


def _is_weight(tensor: Any) -> bool:
    from onnx import TensorProto

    floating = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
    return len(tensor.dims) >= 2 and tensor.data_type in floating
