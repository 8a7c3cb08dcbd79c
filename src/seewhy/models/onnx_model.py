"""ONNX files as models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.errors import InputError, ModelError
from seewhy.models.array_model import ArrayModel, Layout, checked_output, fingerprint_of
from seewhy.models.batching import Batch, Batcher, resolve_batch
from seewhy.models.byte_input import for_bytes
from seewhy.models.onnx_session import (
    AT_224,
    BYTES,
    SessionForward,
    is_session_memory_error,
    open_session,
)
from seewhy.models.onnx_sidecar import Sidecar
from seewhy.models.onnx_sources import Wishes, describe
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output
from seewhy.models.request import ModelRequest
from seewhy.models.shuffled import Reweighted


class OnnxModel(ArrayModel):
    """Explain a network in an ONNX file, run by ONNX Runtime.

    Parameters
    ----------
    path : str or Path
        ``file.onnx``, with one input of pictures: floating-point numbers, or bytes.
    sidecar : str, Path or mapping, optional
        What the file does not say; default ``file.json`` beside it, or else the JSON under
        ``"seewhy"`` in the model's own metadata. Keys: ``input`` (``name``, ``layout``,
        ``channels``, ``size``), ``resize``, ``normalise``, ``output`` (``name``, ``kind``) and
        ``labels`` (a file relative to the sidecar, or a list). Without ``layout``, the shape of
        the model's input tells.
    labels : sequence of str, optional
        Class names instead of the sidecar's. With neither, classes are numbered.
    preprocess : Preprocessing, str or Path, optional
        Instead of the sidecar's: the object, a JSON file, or a model whose preprocessing it shares.
        With `output`, no sidecar is needed.
    output : {"logits", "probabilities", "raw"}, optional
        Instead of the sidecar's ``output.kind``.
    device : str
        ``"auto"``: CUDA where this ONNX Runtime has it, else the CPU. Or ``"cpu"``, ``"cuda"``,
        ``"cuda:1"``, ``"coreml"``, ``"directml"``, ``"openvino"``, ``"rocm"``, ``"tensorrt"``.
    batch : int or "auto"
        Pictures per forward pass; ``"auto"`` depends on the input size only. A model that was
        exported for a fixed number of pictures gets exactly that many.

    Raises
    ------
    InputError
        When a file is missing, the sidecar is not as it should be, or ONNX Runtime has no such
        device.
    ModelError
        When the file is damaged or does not fit its sidecar.

    Notes
    -----
    A model that takes bytes gets 0 … 255 and is not normalised.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        sidecar: str | Path | Mapping[str, Any] | None = None,
        labels: Sequence[str] | None = None,
        preprocess: Preprocessing | str | Path | None = None,
        output: Output | None = None,
        device: str = "auto",
        batch: Batch = "auto",
    ) -> None:
        path = Path(path)
        if not path.is_file():
            raise InputError(f"there is no ONNX file {str(path)!r}.")
        wishes = Wishes(_resolved(preprocess), output and checked_output(output), labels)
        said, origin = describe(path, sidecar, wishes)
        forward, said = _opened(path, said, name=path.name, device=device)
        layout = said.layout or "NCHW"
        size = resolve_batch(batch, said.preprocessing.input_size, at_224=AT_224)
        super().__init__(
            forward,
            spec=str(path),
            framework="onnxruntime",
            labels=said.labels,
            output=said.output,
            preprocessing=said.preprocessing,
            fingerprint=fingerprint_of(
                chain(_content(path), forward.tensors),
                preprocessing=said.preprocessing,
                output=said.output,
                layout=layout,
            ),
            batcher=Batcher(
                forward.batch or size, name=path.name, out_of_memory=is_session_memory_error
            ),
            layout=layout,
            reweighted=partial(_shuffled, path, said, device),
            origin=origin,
        )


def from_request(request: ModelRequest) -> OnnxModel:
    """Load an ONNX file; see `OnnxModel`.

    Parameters
    ----------
    request : ModelRequest
        ``FILE.onnx``.

    Returns
    -------
    OnnxModel
    """
    request.refuse("weights", "pretrained")
    return OnnxModel(
        request.spec,
        labels=request.labels,
        preprocess=request.preprocess,
        output=request.output,
        device=request.device,
        batch=request.batch,
    )


def borrowed_preprocessing(path: str | Path) -> Preprocessing:
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
    if not any(file.is_file() for file in (Path(path), Path(path).with_suffix(".json"))):
        raise InputError(f"there is no ONNX file {str(path)!r}, nor a sidecar for it.")
    return describe(Path(path), None, Wishes())[0].preprocessing


def _resolved(preprocess: Preprocessing | str | Path | None) -> Preprocessing | None:
    if preprocess is None:
        return None
    from seewhy.models.spec import resolve_preprocessing

    return resolve_preprocessing(preprocess)


def _opened(
    model: Path | bytes, said: Sidecar, *, name: str, device: str
) -> tuple[SessionForward, Sidecar]:
    """Open a session; also complete what was said by what the file shows."""
    session = open_session(model, name=name, device=device)
    entry = _tensor(session.get_inputs(), said.input_name, kind="input", model=name)
    if len(session.get_inputs()) > 1:
        names = ", ".join(tensor.name for tensor in session.get_inputs())
        raise ModelError(
            f"{name} wants several inputs ({names}); export it with the picture as its only input."
        )
    if entry.type == BYTES:
        said = replace(said, preprocessing=for_bytes(said.preprocessing, name=name))
    said = replace(said, layout=_layout(entry.shape, said, name))
    answer = _tensor(session.get_outputs(), said.output_name, kind="output", model=name)
    forward = SessionForward(
        session,
        input_name=entry.name,
        output_name=answer.name,
        number_type=entry.type,
        batch=entry.shape[0] if isinstance(entry.shape[0], int) else None,
        name=name,
    )
    if forward.batch is None and not _takes_two(forward, _shape(said.preprocessing, said.layout)):
        forward.batch = 1
    return forward, said


def _tensor(tensors: Sequence[Any], name: str | None, *, kind: str, model: str) -> Any:
    by_name = {tensor.name: tensor for tensor in tensors}
    if name is None and len(tensors) == 1:
        return tensors[0]
    if not isinstance(name, str) or name not in by_name:
        raise InputError(
            f'the sidecar must name the {kind} of {model} ("{kind}": {{"name": ...}}), one of '
            f"{', '.join(by_name)}; it says {'none' if name is None else repr(name)}."
        )
    return by_name[name]


def _layout(shape: Sequence[int | str | None], said: Sidecar, name: str) -> Layout:
    """Compare what the file fixes with what was said; names stand for any number."""
    layouts: tuple[Layout, ...] = ("NCHW", "NHWC") if said.layout is None else (said.layout,)
    for layout in layouts:
        wanted = _shape(said.preprocessing, layout)
        if len(shape) == 4 and all(
            have == want
            for have, want in zip(shape[1:], wanted, strict=True)
            if isinstance(have, int)
        ):
            return layout
    raise ModelError(
        f"{name} takes inputs of shape {tuple(shape)}, but its preprocessing says "
        f"{' or '.join(layouts)}, channels {said.preprocessing.channels!r} and size "
        f"{list(said.preprocessing.size)}: (n, {', '.join(map(str, wanted))})."
    )


def _shape(preprocessing: Preprocessing, layout: Layout | None) -> tuple[int, int, int]:
    height, width, channels = preprocessing.input_size
    return (height, width, channels) if layout == "NHWC" else (channels, height, width)


def _takes_two(forward: SessionForward, shape: tuple[int, ...]) -> bool:
    """Whether a batch declared free really is; exporters often leave a one in some reshape."""
    try:
        return len(forward(np.zeros((2, *shape), np.float32))) == 2
    except ModelError:
        return False


def _shuffled(path: Path, said: Sidecar, device: str, rng: np.random.Generator) -> Reweighted:
    from seewhy.models.onnx_weights import with_shuffled_weights

    content = with_shuffled_weights(path, rng)
    forward, _ = _opened(content, said, name=path.name, device=device)
    fingerprint = fingerprint_of(
        [content, *forward.tensors],
        preprocessing=said.preprocessing,
        output=said.output,
        layout=said.layout or "NCHW",
    )
    return Reweighted(forward, fingerprint)


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
