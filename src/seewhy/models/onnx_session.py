"""ONNX Runtime: a session with the settings that proved fastest, as a plain function."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from seewhy.errors import InputError, MissingExtraError, ModelError
from seewhy.models.batching import is_memory_error
from seewhy.models.cores import available_cores

AT_224 = 16
"""Pictures of 224² per forward pass: between 4 and 64 the speed is the same, the memory is not."""

BYTES = "tensor(uint8)"
"""How ONNX Runtime calls the type of an input of bytes."""

_NUMBER_TYPES = {
    "tensor(float)": "f4",
    "tensor(float16)": "f2",
    "tensor(double)": "f8",
    BYTES: "u1",
}
_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
_NUMBERED = ("cuda", "directml", "rocm", "tensorrt")  # these know several devices


def open_session(model: str | Path | bytes, *, name: str, device: str = "cpu") -> Any:
    """Open an ONNX model.

    Parameters
    ----------
    model : path or bytes
        The model.
    name : str
        How it is called in messages.
    device : str
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, …; ``"auto"``: CUDA where there is, else the CPU.

    Returns
    -------
    onnxruntime.InferenceSession
        With all graph optimisations and one thread per physical core that may be used.

    Raises
    ------
    InputError
        When this ONNX Runtime has no such device.
    ModelError
        When ONNX Runtime cannot read it.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(f"{name} needs ONNX Runtime: pip install onnxruntime.") from error
    providers = _providers(device, onnxruntime.get_available_providers())
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 4  # it prints to stderr what it raises anyway
    source = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(source, options, providers=providers)
    except Exception as error:  # its many exceptions have no common class
        raise ModelError(
            f"{name} is not an ONNX model that ONNX Runtime can open ({first_line(error)})."
        ) from error


def _providers(device: str, available: Sequence[str]) -> list[Any]:
    """What ONNX Runtime is asked to run on; the CPU does what the device cannot."""
    kind, _, number = device.partition(":")
    if device == "auto":
        kind = "cuda" if _PROVIDERS["cuda"] in available else "cpu"
    provider = _PROVIDERS.get(kind)
    known = [name for name, wanted in _PROVIDERS.items() if wanted in available]
    if provider not in available or (number and not (number.isdecimal() and kind in _NUMBERED)):
        raise InputError(
            f"device must be one that this ONNX Runtime has: auto, {', '.join(known)}; got "
            f"{device!r}: another build of the package onnxruntime may have it."
        )
    settings = {"device_id": number} if number else {}
    return [(provider, settings), *([_PROVIDERS["cpu"]] if kind != "cpu" else [])]


class SessionForward:
    """One forward pass of an ONNX Runtime session, from NumPy to NumPy.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        From `open_session`.
    input_name, output_name : str
        Of the tensors used.
    number_type : str
        Of the input, as ONNX Runtime names it.
    batch : int, optional
        The only number of pictures that the model takes; fewer are padded.
    name : str
        How the model is called in messages.

    Raises
    ------
    ModelError
        When the input holds neither floating-point numbers nor bytes.
    """

    def __init__(
        self,
        session: Any,
        *,
        input_name: str,
        output_name: str,
        number_type: str = "tensor(float)",
        batch: int | None = None,
        name: str,
    ) -> None:
        if number_type not in _NUMBER_TYPES:
            raise ModelError(
                f"the input of {name} must hold floating-point numbers or bytes; it is "
                f"{number_type}: export the model with a float32 input."
            )
        self.batch = batch
        self._session = session
        self._input_name = input_name
        self._output_names = [output_name]
        self._dtype = np.dtype(_NUMBER_TYPES[number_type])
        self._name = name

    @property
    def tensors(self) -> tuple[bytes, bytes]:
        """Names of the input and the output used, which a fingerprint covers."""
        return self._input_name.encode(), self._output_names[0].encode()

    def __call__(self, inputs: Float32[np.ndarray, "b ..."]) -> np.ndarray:
        """Run the network on normalised inputs."""
        count = len(inputs)
        if self.batch is not None and count < self.batch:
            padding = np.zeros((self.batch - count, *inputs.shape[1:]), inputs.dtype)
            inputs = np.concatenate([inputs, padding])
        if self._dtype == np.uint8:
            inputs = np.rint(inputs).clip(0, 255)
        feed = {self._input_name: inputs.astype(self._dtype, copy=False)}
        try:
            answer = np.asarray(self._session.run(self._output_names, feed)[0])
        except Exception as error:  # its many exceptions have no common class
            if is_session_memory_error(error):
                raise
            raise ModelError(
                f"{self._name} cannot be run on {count} picture{'s' * (count > 1)} of shape "
                f"{inputs.shape[1:]} ({first_line(error)}); are layout and size right?"
            ) from error
        if self.batch is not None and len(answer) == self.batch:
            answer = answer[:count]
        return answer


def is_session_memory_error(error: Exception) -> bool:
    """Tell whether ONNX Runtime ran out of memory, which it says in words only.

    Parameters
    ----------
    error : Exception
        What a run raised.

    Returns
    -------
    bool
    """
    text = str(error).lower()
    said = any(words in text for words in ("failed to allocate", "bad_alloc", "bad allocation"))
    return is_memory_error(error) or said


def first_line(error: Exception) -> str:
    """Shorten an exception's message to what fits into a sentence.

    Parameters
    ----------
    error : Exception
        Any.

    Returns
    -------
    str
        The first line that says something, without a full stop.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
