"""ONNX files as models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.errors import InputError, ModelError
from seewhy.models.array_model import ArrayModel, fingerprint_of
from seewhy.models.batching import Batch, Batcher, resolve_batch
from seewhy.models.onnx_session import (
    AT_224,
    SessionForward,
    is_session_memory_error,
    open_session,
)
from seewhy.models.onnx_sidecar import Sidecar, find_sidecar, read_sidecar
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.shuffled import Reweighted


class OnnxModel(ArrayModel):
    """Explain a network in an ONNX file, run by ONNX Runtime on the CPU.

    Parameters
    ----------
    path : str or Path
        ``file.onnx``, with one input of pictures.
    sidecar : str, Path or mapping, optional
        What the file does not say; default ``file.json`` beside it. Keys: ``input`` (``name``,
        ``layout``, ``channels``, ``size``), ``resize``, ``normalise``, ``output`` (``name``,
        ``kind``) and ``labels`` (a file relative to the sidecar, or a list).
    labels : sequence of str, optional
        Class names instead of the sidecar's. With neither, classes are numbered.
    preprocess : Preprocessing, str or Path, optional
        Instead of the sidecar's: the object, a JSON file, or a model whose preprocessing it shares.
    batch : int or "auto"
        Pictures per forward pass; ``"auto"`` depends on the input size only. A model that was
        exported for a fixed number of pictures gets exactly that many.

    Raises
    ------
    InputError
        When a file is missing or the sidecar is not as it should be.
    ModelError
        When the file is damaged or does not fit its sidecar.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        sidecar: str | Path | Mapping[str, Any] | None = None,
        labels: Sequence[str] | None = None,
        preprocess: Preprocessing | str | Path | None = None,
        batch: Batch = "auto",
    ) -> None:
        path = Path(path)
        if not path.is_file():
            raise InputError(f"there is no ONNX file {str(path)!r}.")
        said = _sidecar(path, sidecar, preprocess)
        preprocessing = said.preprocessing
        forward = _forward(path, said, path.name)
        size = resolve_batch(batch, preprocessing.input_size, at_224=AT_224)
        super().__init__(
            forward,
            spec=str(path),
            framework="onnxruntime",
            labels=said.labels if labels is None else labels,
            output=said.output,
            preprocessing=preprocessing,
            fingerprint=fingerprint_of(
                _content(path),
                preprocessing=preprocessing,
                output=said.output,
                layout=said.layout,
            ),
            batcher=Batcher(
                forward.batch or size, name=path.name, out_of_memory=is_session_memory_error
            ),
            layout=said.layout,
            reweighted=partial(_shuffled, path, said),
        )


def onnx_preprocessing(path: str | Path) -> Preprocessing:
    """Read the preprocessing of an ONNX file from its sidecar, without opening the model.

    Parameters
    ----------
    path : str or Path
        ``file.onnx``.

    Returns
    -------
    Preprocessing

    Raises
    ------
    InputError
        When the sidecar is missing or not as it should be.
    """
    return _sidecar(Path(path), None, None).preprocessing


def _sidecar(
    path: Path,
    given: str | Path | Mapping[str, Any] | None,
    preprocess: Preprocessing | str | Path | None,
) -> Sidecar:
    if isinstance(given, Mapping):
        said = read_sidecar(given, folder=path.parent)
    else:
        file = find_sidecar(path) if given is None else Path(given)
        said = read_sidecar(file, folder=file.parent)
    if preprocess is None:
        return said
    from seewhy.models.spec import resolve_preprocessing

    return replace(said, preprocessing=resolve_preprocessing(preprocess))


def _forward(model: Path | bytes, said: Sidecar, name: str) -> SessionForward:
    session = open_session(model, name=name)
    entry = _tensor(session.get_inputs(), said.input_name, kind="input", model=name)
    if len(session.get_inputs()) > 1:
        names = ", ".join(tensor.name for tensor in session.get_inputs())
        raise ModelError(
            f"{name} wants several inputs ({names}); export it with the picture as its only input."
        )
    height, width, channels = said.preprocessing.input_size
    planar = said.layout == "NCHW"
    wanted = (channels, height, width) if planar else (height, width, channels)
    _check_shape(entry.shape, wanted, said, name)
    answer = _tensor(session.get_outputs(), said.output_name, kind="output", model=name)
    forward = SessionForward(
        session,
        input_name=entry.name,
        output_name=answer.name,
        number_type=entry.type,
        batch=entry.shape[0] if isinstance(entry.shape[0], int) else None,
        name=name,
    )
    if forward.batch is None and not _takes_two(forward, wanted):
        forward.batch = 1
    return forward


def _tensor(tensors: Sequence[Any], name: str | None, *, kind: str, model: str) -> Any:
    by_name = {tensor.name: tensor for tensor in tensors}
    if name is None and len(tensors) == 1:
        return tensors[0]
    if name not in by_name:
        raise InputError(
            f'the sidecar must name the {kind} of {model} ("{kind}": {{"name": ...}}), one of '
            f"{', '.join(by_name)}; it says {name!r}."
        )
    return by_name[name]


def _check_shape(
    shape: Sequence[int | str | None], wanted: tuple[int, ...], said: Sidecar, name: str
) -> None:
    """Compare what the file fixes with what the sidecar says; names stand for any number."""
    fits = len(shape) == 4 and all(
        have == want for have, want in zip(shape[1:], wanted, strict=True) if isinstance(have, int)
    )
    if not fits:
        raise ModelError(
            f"{name} takes inputs of shape {tuple(shape)}, but its sidecar says {said.layout}, "
            f"channels {said.preprocessing.channels!r} and size {list(said.preprocessing.size)}: "
            f"(n, {', '.join(map(str, wanted))})."
        )


def _takes_two(forward: SessionForward, shape: tuple[int, ...]) -> bool:
    """Whether a batch declared free really is; exporters often leave a one in some reshape."""
    try:
        return len(forward(np.zeros((2, *shape), np.float32))) == 2
    except ModelError:
        return False


def _shuffled(path: Path, said: Sidecar, rng: np.random.Generator) -> Reweighted:
    from seewhy.models.onnx_weights import with_shuffled_weights

    content = with_shuffled_weights(path, rng)
    fingerprint = fingerprint_of(
        [content], preprocessing=said.preprocessing, output=said.output, layout=said.layout
    )
    return Reweighted(_forward(content, said, path.name), fingerprint)


def _content(path: Path) -> Iterator[bytes]:
    """The bytes of a model, with those of the files in which it keeps large weights."""
    data = path.read_bytes()
    yield data
    if b"location" not in data:  # what every reference to such a file contains
        return
    import onnx
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data

    model = onnx.load_model_from_string(data)
    tensors = filter(uses_external_data, model.graph.initializer)
    for location in sorted({ExternalDataInfo(tensor).location for tensor in tensors}):
        yield (path.parent / location).read_bytes()
