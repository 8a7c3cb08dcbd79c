"""Pictures to the body of a V2 inference request, and its answer to numbers: JSON or bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from seewhy.errors import ModelError
from seewhy.models.v2_client import Answer

BINARY = "binary_tensor_data"
"""How a server lists the extension by which tensors travel as bytes."""

_JSON_LENGTH = "Inference-Header-Content-Length"

# Little-endian, and enough digits to get the same number back.
_INPUTS: Mapping[str, tuple[str, str]] = {
    "FP16": ("<f2", "%.5g"),
    "FP32": ("<f4", "%.9g"),
    "FP64": ("<f8", "%.17g"),
    "UINT8": ("u1", "%d"),
}
_OUTPUTS: Mapping[str, str] = {
    **{name: kind for name, (kind, _) in _INPUTS.items()},
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"UINT{8 * size}": f"<u{size}" for size in (2, 4, 8)},
}
NUMBER_TYPES = tuple(_INPUTS)
"""The types of input that pictures can be sent as."""


@dataclass(frozen=True)
class Tensor:
    """An input or output as a server describes it.

    Parameters
    ----------
    name : str
        As the server calls it.
    datatype : str
        ``"FP32"``, ``"UINT8"``, ….
    shape : tuple of int
        -1 stands for any number.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """``"pixels FP32 [-1, 3, 224, 224]"``."""
        return f"{self.name} {self.datatype} {list(self.shape)}"


def encode_pictures(
    inputs: Float32[np.ndarray, "b ..."], entry: Tensor, *, output: str | None, binary: bool
) -> tuple[bytes, dict[str, str]]:
    """Write an inference request.

    Parameters
    ----------
    inputs : (b, ...) float32
        As the model takes them; rounded to 0 … 255 for ``"UINT8"``.
    entry : Tensor
        The model's input.
    output : str or None
        Of its outputs, the one wanted; None asks for all.
    binary : bool
        Whether tensors travel as bytes, which the server must know.

    Returns
    -------
    body : bytes
    headers : dict of str to str
    """
    kind, digits = _INPUTS[entry.datatype]
    if entry.datatype == "UINT8":
        inputs = np.rint(inputs).clip(0, 255)
    values = np.ascontiguousarray(inputs, dtype=kind)
    sent: dict[str, Any] = {
        "name": entry.name,
        "shape": list(values.shape),
        "datatype": entry.datatype,
    }
    request: dict[str, Any] = {"inputs": [sent]}
    if output is not None:
        request["outputs"] = [{"name": output}]
    if not binary:
        sent["data"] = []
        numbers = tuple(values.ravel().tolist())
        before, _, after = json.dumps(request).partition('"data": []')
        listed = ",".join([digits] * len(numbers)) % numbers  # thrice as fast as json's own
        body = f'{before}"data": [{listed}]{after}'
        return body.encode(), {"Content-Type": "application/json"}
    sent["parameters"] = {"binary_data_size": values.nbytes}
    if output is None:
        request["parameters"] = {"binary_data_output": True}
    else:
        request["outputs"][0]["parameters"] = {"binary_data": True}
    head = json.dumps(request).encode()
    headers = {"Content-Type": "application/octet-stream", _JSON_LENGTH: str(len(head))}
    return head + values.tobytes(), headers


def decode_scores(
    answer: Answer, *, output: str | None, count: int, name: str
) -> Float32[np.ndarray, "b ..."]:
    """Read the answer to an inference request.

    Parameters
    ----------
    answer : Answer
        Of status 200.
    output : str or None
        The output wanted; None where the model has only one.
    count : int
        How many pictures were sent.
    name : str
        How the model is called in messages.

    Returns
    -------
    (b, ...) float32
        In the shape that the server says.

    Raises
    ------
    ModelError
        When it is anything but such an answer; the message says what is wrong with it.
    """
    try:
        document, rest = _parts(answer)
        entry, sizes = _entry(document, output)
        shape = tuple(entry.get("shape", ()))
        if not all(isinstance(length, int) and length >= 0 for length in shape):
            raise ValueError(f"a shape of {shape}")
        values = _values(entry, shape, rest, sizes)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelError(
            f"{name} does not answer as a V2 server does: {_shortened(error)}; does another kind "
            "of server listen there?"
        ) from error
    if values.shape[:1] != (count,):
        raise ModelError(
            f"{name} returns {entry['name']} of shape {list(shape)} for {count} pictures, but it "
            "must have one row per picture."
        )
    return values


def read_object(answer: Answer) -> dict[str, Any] | None:
    """Read an answer that should be a JSON object.

    Parameters
    ----------
    answer : Answer
        Any.

    Returns
    -------
    dict or None
        None when it is something else.
    """
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _parts(answer: Answer) -> tuple[dict[str, Any], bytes]:
    """The JSON object of an answer, and the bytes after it."""
    body, rest = answer.body, b""
    length = answer.headers.get(_JSON_LENGTH)
    if length is not None:
        if not length.isdecimal() or int(length) > len(body):
            raise ValueError(f"its {_JSON_LENGTH} is {length!r}, of {len(body)} bytes")
        body, rest = body[: int(length)], body[int(length) :]
    document = read_object(Answer(answer.status, answer.headers, body))
    if document is None:
        raise ValueError(f"what came is no JSON object ({answer.said!r})")
    return document, rest


def _entry(document: dict[str, Any], wanted: str | None) -> tuple[dict[str, Any], slice]:
    """The output wanted, and where its bytes lie among those of all outputs."""
    outputs = document.get("outputs")
    if not isinstance(outputs, list) or not outputs:
        raise ValueError("its answer has no outputs")
    start = 0
    for entry in outputs:
        size = (entry.get("parameters") or {}).get("binary_data_size", 0)
        if not isinstance(size, int) or size < 0:
            raise ValueError(f"a binary_data_size of {size!r}")
        if entry["name"] == wanted or (wanted is None and len(outputs) == 1):
            return entry, slice(start, start + size)
        start += size
    names = ", ".join(str(entry["name"]) for entry in outputs)
    raise ValueError(f"its outputs are {names}, without {wanted or 'a name to choose by'}")


def _values(
    entry: dict[str, Any], shape: tuple[int, ...], rest: bytes, where: slice
) -> Float32[np.ndarray, "b ..."]:
    datatype = entry["datatype"]
    if "data" in entry:
        values = np.asarray(entry["data"])
        if values.dtype.kind not in "fiu":
            raise ValueError(f"its {entry['name']} holds values that are not numbers")
    else:
        raw = rest[where]
        if datatype == "BF16":  # the upper half of a float32
            values = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        elif datatype in _OUTPUTS:
            values = np.frombuffer(raw, _OUTPUTS[datatype])
        else:
            raise ValueError(f"its {entry['name']} is of type {datatype!r}")
    if values.size != math.prod(shape):
        raise ValueError(f"{values.size} numbers came for a shape of {list(shape)}")
    with np.errstate(over="ignore"):  # infinities are refused with a better sentence later
        return values.astype(np.float32).reshape(shape)


def _shortened(error: Exception) -> str:
    text = " ".join(str(error).split())
    said = text if isinstance(error, ValueError) else f"{type(error).__name__} ({text})"
    return said[:300]
