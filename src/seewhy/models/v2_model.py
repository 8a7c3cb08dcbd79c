"""Models behind an inference server that speaks KServe V2: Triton, MLServer, OpenVINO, KServe."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from jaxtyping import Float32

from seewhy.errors import InputError, ModelError
from seewhy.models.array_model import ArrayModel, checked_output, fingerprint_of
from seewhy.models.batching import Batch, Batcher, resolve_batch
from seewhy.models.byte_input import for_bytes
from seewhy.models.labels import checked_names
from seewhy.models.onnx_sidecar import Sidecar, read_sidecar
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output
from seewhy.models.request import ModelRequest
from seewhy.models.v2_address import read_address
from seewhy.models.v2_client import V2Client
from seewhy.models.v2_metadata import Served, ask_about
from seewhy.models.v2_wire import BINARY, Tensor, decode_scores, encode_pictures

Binary: TypeAlias = bool | Literal["auto"]

_AT_224 = 8  # pictures of 224² in one request: 5 MB as bytes, 14 MB as JSON


class V2Model(ArrayModel):
    """Explain a network that an inference server runs, over HTTP, by the KServe V2 protocol.

    Triton, MLServer, OpenVINO Model Server and KServe speak it. The server says what the network
    takes and returns, but not how a picture becomes its input, what its numbers mean, or how its
    classes are called.

    Parameters
    ----------
    url : str
        ``"http://HOST[:PORT]/v2/models/NAME"``, with or without ``v2+`` before it and
        ``/versions/V`` after it. A user and password in it (``http://user:password@host/...``) are
        sent, but neither kept in results nor shown.
    preprocess : Preprocessing, str or Path, optional
        How a picture becomes the input: the object, a JSON file, or a model whose preprocessing it
        shares, such as ``"torchvision:resnet50"``.
    output : {"logits", "probabilities", "raw"}, optional
        What the network returns.
    labels : sequence of str, optional
        Class names. With neither these nor the sidecar's, classes are numbered.
    sidecar : str, Path or mapping, optional
        All of this in the grammar of an ONNX sidecar, with the names of the input and the output
        and the layout, should the server leave those open. Arguments go before it.
    batch : int or "auto"
        Pictures per request; ``"auto"`` depends on the input size only. Never more than the server
        takes, and exactly as many as it takes where that is fixed.
    timeout : float
        Seconds that one try of a request may take.
    retries : int
        Further tries when there is no connection, no answer, or one of 408, 425, 429, 500, 502,
        503, 504; with growing pauses or those that the server asks for. No try begins later than
        three time-outs after the first.
    concurrency : int
        Requests under way at a time.
    headers : mapping of str to str, optional
        Sent with each request: ``{"Authorization": "Bearer ..."}``.
    binary : bool or "auto"
        Whether numbers travel as bytes instead of JSON, which is many times faster; ``"auto"``: if
        the server says that it can.

    Raises
    ------
    InputError
        When an argument is not what it should be, or what the server leaves open is not given.
    ModelError
        When the server cannot be reached, has no such model, or does not answer as it should.

    Notes
    -----
    The fingerprint covers the address, what the server says about the model (name, versions,
    platform, inputs and outputs) and the settings above, not the weights, which stay on the server:
    a network that is exchanged there under the same name and version keeps its fingerprint.

    Scores do not depend on the order in which answers come. A server that merges the pictures of
    several requests into one batch may round differently from one time to the next.

    Examples
    --------
    >>> model = V2Model(  # doctest: +SKIP
    ...     "http://localhost:8000/v2/models/resnet50",
    ...     preprocess="torchvision:resnet50",
    ...     output="logits",
    ... )
    """

    def __init__(
        self,
        url: str,
        *,
        preprocess: Preprocessing | str | Path | None = None,
        output: Output | None = None,
        labels: Sequence[str] | None = None,
        sidecar: str | Path | Mapping[str, Any] | None = None,
        batch: Batch = "auto",
        timeout: float = 30.0,
        retries: int = 4,
        concurrency: int = 4,
        headers: Mapping[str, str] | None = None,
        binary: Binary = "auto",
    ) -> None:
        if binary not in (True, False, "auto"):
            raise InputError(f"binary must be True, False or 'auto'; got {binary!r}.")
        address = read_address(url)
        client = V2Client(
            address, timeout=timeout, retries=retries, concurrency=concurrency, headers=headers
        )
        served = ask_about(client)
        said, origin = _described(served, preprocess, output, labels, sidecar)
        forward, said = _forward(client, served, said, batch, binary)
        layout = said.layout or "NCHW"
        super().__init__(
            forward,
            spec=address.spec,
            framework="v2",
            labels=said.labels,
            output=said.output,
            preprocessing=said.preprocessing,
            fingerprint=fingerprint_of(
                [address.spec.encode(), served.identity, repr(forward.output).encode()],
                preprocessing=said.preprocessing,
                output=said.output,
                layout=layout,
            ),
            batcher=Batcher(forward.size * concurrency, name=address.spec),
            layout=layout,
            origin=origin,
        )


def from_request(request: ModelRequest) -> V2Model:
    """Open a model on an inference server; see `V2Model`.

    Parameters
    ----------
    request : ModelRequest
        ``v2+http://HOST/v2/models/NAME``.

    Returns
    -------
    V2Model
    """
    shown = replace(request, spec=read_address(request.spec).spec)  # without a password in it
    shown.refuse("weights", "pretrained", "device")
    return V2Model(
        request.spec,
        preprocess=request.preprocess,
        output=request.output,
        labels=request.labels,
        batch=request.batch,
    )


class _Forward:
    """One forward pass, in requests of at most `size` pictures.

    Parameters
    ----------
    client : V2Client
        Of the model's address.
    entry : Tensor
        The model's input.
    output : str or None
        The output wanted.
    size : int
        Pictures per request.
    binary : bool
        Whether numbers travel as bytes.
    """

    def __init__(
        self, client: V2Client, entry: Tensor, output: str | None, *, size: int, binary: bool
    ) -> None:
        self.output = output
        self.size = size
        self._client = client
        self._entry = entry
        self._fixed = entry.shape[0] > 0
        self._binary = binary

    def __call__(self, inputs: Float32[np.ndarray, "b ..."]) -> np.ndarray:
        """Have the server classify normalised inputs."""
        starts = range(0, len(inputs), self.size)
        chunks = [inputs[start : start + self.size] for start in starts]
        answers = self._client.together([partial(self._ask, chunk) for chunk in chunks])
        shapes = {answer.shape[1:] for answer in answers}
        if len(shapes) > 1:
            raise ModelError(
                f"{self._client.address.spec} returns now {' and now '.join(map(str, shapes))} "
                "numbers per picture; it must always return as many."
            )
        return np.concatenate(answers)

    def _ask(
        self, inputs: Float32[np.ndarray, "b ..."], stop: threading.Event
    ) -> Float32[np.ndarray, "b ..."]:
        address, count = self._client.address, len(inputs)
        if self._fixed and count < self.size:
            padding = np.zeros((self.size - count, *inputs.shape[1:]), inputs.dtype)
            inputs = np.concatenate([inputs, padding])
        content, headers = encode_pictures(
            inputs, self._entry, output=self.output, binary=self._binary
        )
        path = f"{address.path}/infer"
        answer = self._client.ask("POST", path, content=content, headers=headers, stop=stop)
        if answer.status == 413:
            raise ModelError(
                f"{address.spec} refuses {len(content) / 1e6:.1f} MB of {len(inputs)} pictures as "
                f"too much ({answer.said}); give a smaller batch, or have it take more."
            )
        if answer.status != 200:
            raise ModelError(
                f"{address.spec} refuses {self._entry.datatype} pictures of shape "
                f"{list(inputs.shape)} ({answer.said}); are size, layout and batch right?"
            )
        scores = decode_scores(answer, output=self.output, count=len(inputs), name=address.spec)
        return scores[:count]


def _described(
    served: Served,
    preprocess: Preprocessing | str | Path | None,
    output: Output | None,
    labels: Sequence[str] | None,
    sidecar: str | Path | Mapping[str, Any] | None,
) -> tuple[Sidecar, Origin]:
    """What the server does not say, and who says it."""
    from seewhy.models.spec import resolve_preprocessing

    kind = None if output is None else checked_output(output)
    given = None if preprocess is None else resolve_preprocessing(preprocess)
    source = "as given"
    if isinstance(sidecar, Mapping):
        source = "the sidecar"
        said = read_sidecar(sidecar, folder=Path(), output=kind, preprocessing=given)
    elif sidecar is not None:
        file = Path(sidecar)
        source = file.name
        said = read_sidecar(file, folder=file.parent, output=kind, preprocessing=given)
    elif given is None or kind is None:
        raise _unsaid(served, given, kind)
    else:
        said = Sidecar(given, None, kind)
    names = said.labels if labels is None else checked_names(labels)
    origin = Origin(
        preprocessing=source if given is None else "as given",
        labels="numbered" if names is None else source if labels is None else "as given",
        output=source if kind is None else "as given",
    )
    return replace(said, labels=names), origin


def _unsaid(served: Served, given: Preprocessing | None, kind: Output | None) -> InputError:
    """Say what to write, with the sizes that the server tells."""
    takes = ", ".join(map(str, served.inputs)) or "pictures"
    wanted, on_the_line = [], []
    if given is None:
        sizes = [n for n in (served.inputs[0].shape[1:] if served.inputs else ()) if n > 16]
        h, w = sizes if len(sizes) == 2 else (224, 224)
        normalise = ', "normalise": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}'
        if any(tensor.datatype == "UINT8" for tensor in served.inputs):
            normalise = ""
        example = f'{{"input": {{"channels": "RGB", "size": [{h}, {w}]}}{normalise}}}'
        wanted.append(f"preprocess as a JSON file such as {example}")
        on_the_line.append("--preprocess FILE.json")
    if kind is None:
        wanted.append("output as 'logits', 'probabilities' or 'raw'")
        on_the_line.append("--returns logits")
    returns = ", ".join(map(str, served.outputs)) or "scores"
    return InputError(
        f"{served.spec} takes {takes} and returns {returns}, but a server does not say how "
        f"pictures become that or what it means; give {' and '.join(wanted)} (on the command "
        f"line {' '.join(on_the_line)})."
    )


def _forward(
    client: V2Client, served: Served, said: Sidecar, batch: Batch, binary: Binary
) -> tuple[_Forward, Sidecar]:
    """How the server is asked; also completes what was said by what the server says."""
    entry = served.entry(said.input_name)
    if entry.datatype == "UINT8":
        said = replace(said, preprocessing=for_bytes(said.preprocessing, name=served.spec))
    layout = served.layout(entry, said.preprocessing, said.layout)
    size = resolve_batch(batch, said.preprocessing.input_size, at_224=_AT_224)
    if served.max_batch_size is not None:
        size = min(size, served.max_batch_size)
    if entry.shape[0] > 0:
        size = entry.shape[0]
    forward = _Forward(
        client,
        entry,
        served.answer(said.output_name, said.output),
        size=size,
        binary=BINARY in served.extensions if binary == "auto" else binary,
    )
    return forward, replace(said, layout=layout)
