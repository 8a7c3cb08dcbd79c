"""What an inference server says about a model, and what follows for how it is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from seewhy.errors import InputError, ModelError, did_you_mean
from seewhy.models.array_model import Layout
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output
from seewhy.models.v2_client import Answer, V2Client
from seewhy.models.v2_wire import NUMBER_TYPES, Tensor, read_object

_USUAL_OUTPUTS = ("logits", "probabilities", "probs", "scores", "output", "output_0", "output0")
_FREE = (-1, -1, -1, -1)


@dataclass(frozen=True)
class Served:
    """What a server says about a model.

    Parameters
    ----------
    spec : str
        The model's address.
    extensions : frozenset of str
        What the server knows beyond the protocol.
    identity : bytes
        Name, versions, platform, inputs and outputs, for the fingerprint.
    inputs, outputs : tuple of Tensor
        Empty where the server does not say.
    max_batch_size : int or None
        The most pictures that one request may hold.
    """

    spec: str
    extensions: frozenset[str]
    identity: bytes
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    max_batch_size: int | None

    def entry(self, name: str | None) -> Tensor:
        """Find the input that takes the pictures.

        Parameters
        ----------
        name : str or None
            As the sidecar says; without, there must be only one.

        Returns
        -------
        Tensor
            Of the sidecar's name, as FP32 of any shape, where the server lists no inputs.

        Raises
        ------
        InputError
            When no input, or more than one, may be meant.
        ModelError
            When there are others, or it holds no numbers that pictures can be sent as.
        """
        if not self.inputs and name is not None:
            return Tensor(name, "FP32", _FREE)
        if len(self.inputs) > 1:
            raise ModelError(
                f"{self.spec} wants several inputs ({_listed(self.inputs)}); serve it with the "
                "picture as its only input."
            )
        if not self.inputs or name not in (None, self.inputs[0].name):
            raise InputError(
                f"the input of {self.spec} must be named in a sidecar as the server calls it: "
                f"its inputs are {_listed(self.inputs) or 'not listed'}; got {name!r}."
            )
        entry = self.inputs[0]
        if entry.datatype not in NUMBER_TYPES:
            raise ModelError(
                f"the input of {self.spec} must be one of {', '.join(NUMBER_TYPES)}; it is "
                f"{entry}: serve the model with such an input."
            )
        return entry

    def answer(self, name: str | None, kind: Output) -> str | None:
        """Choose the output that is explained.

        Parameters
        ----------
        name : str or None
            As the sidecar says.
        kind : {"logits", "probabilities", "raw"}
            What it is said to hold: an output of that name is taken before others.

        Returns
        -------
        str or None
            None where the server lists no outputs and there will be only one.

        Raises
        ------
        InputError
            When there is no such output, or more than one may be meant.
        """
        names = [tensor.name for tensor in self.outputs]
        if name is not None and (not names or name in names):
            return name
        if name is None and len(names) < 2:
            return names[0] if names else None
        usual = [kind] if kind in names else [each for each in _USUAL_OUTPUTS if each in names]
        if name is None and len(usual) == 1:
            return usual[0]
        raise InputError(
            f"the output of {self.spec} must be named in a sidecar "
            f'({{"output": {{"name": ..., "kind": {json.dumps(kind)}}}}}), one of '
            f"{_listed(self.outputs)}; got {name!r}."
        )

    def layout(self, entry: Tensor, preprocessing: Preprocessing, said: Layout | None) -> Layout:
        """Tell whether channels come first or last, from the input's shape.

        Parameters
        ----------
        entry : Tensor
            The input.
        preprocessing : Preprocessing
            Its sizes decide where -1 leaves more than one reading.
        said : {"NCHW", "NHWC"} or None
            The sidecar's layout.

        Returns
        -------
        {"NCHW", "NHWC"}

        Raises
        ------
        ModelError
            When the preprocessing does not bring pictures to that shape.
        InputError
            When both readings fit.
        """
        h, w, c = preprocessing.input_size
        shapes: dict[Layout, tuple[int, ...]] = {"NCHW": (c, h, w), "NHWC": (h, w, c)}
        if said is not None:
            shapes = {said: shapes[said]}
        fitting = [layout for layout, shape in shapes.items() if _fits(entry.shape, shape)]
        if not fitting:
            wanted = " or ".join(f"{name} {[-1, *shape]}" for name, shape in shapes.items())
            raise ModelError(
                f"{self.spec} takes {entry}, but the preprocessing makes pictures of {h} × {w} "
                f"with {c} channel{'s' * (c > 1)}, {wanted}; correct its size and channels."
            )
        if len(fitting) > 1:
            raise InputError(
                f"{self.spec} takes {entry}, which says neither NCHW nor NHWC; give a sidecar "
                'with {"input": {"layout": "NCHW", ...}, ...}: V2Model(..., sidecar=).'
            )
        return fitting[0]


def ask_about(client: V2Client) -> Served:
    """Ask a server what it says about its model.

    Parameters
    ----------
    client : V2Client
        Of the model's address.

    Returns
    -------
    Served

    Raises
    ------
    ModelError
        When the server cannot be asked, has no such model, the model is not ready, or the answer
        is not one of a V2 server.
    """
    address = client.address
    server = read_object(client.ask("GET", "/v2")) or {}
    answer = client.ask("GET", address.path)
    if answer.status != 200:
        raise _refused(client, answer)
    document = read_object(answer)
    tensors = None if document is None else _both(document)
    if document is None or tensors is None:
        raise ModelError(
            f"{address.spec} must describe its inputs and outputs, as a V2 server does; it "
            f"answers {answer.said!r}: does another kind of server listen there?"
        )
    ready = client.ask("GET", f"{address.path}/ready")
    if ready.status not in (200, 204, 404, 405):
        raise ModelError(
            f"{address.spec} is there but not ready ({ready.said}); try again when it is loaded."
        )
    extensions = server.get("extensions")
    known = frozenset(map(str, extensions)) if isinstance(extensions, list) else frozenset()
    told = ("name", "versions", "platform", "inputs", "outputs")
    return Served(
        spec=address.spec,
        extensions=known,
        identity=json.dumps([document.get(key) for key in told], sort_keys=True).encode(),
        inputs=tensors[0],
        outputs=tensors[1],
        max_batch_size=_max_batch_size(client) if "model_configuration" in known else None,
    )


def _both(document: Mapping[str, Any]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]] | None:
    """Inputs and outputs, each a list that may be empty; None when this is no description."""
    if "inputs" not in document and "outputs" not in document:
        return None
    try:
        inputs, outputs = (
            tuple(
                Tensor(str(each["name"]), str(each["datatype"]), tuple(map(int, each["shape"])))
                for each in document.get(key) or ()
            )
            for key in ("inputs", "outputs")
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return inputs, outputs


def _max_batch_size(client: V2Client) -> int | None:
    """Triton's limit; 0 means that the model sees to its batches itself."""
    config = read_object(client.ask("GET", f"{client.address.path}/config")) or {}
    most = config.get("max_batch_size")
    return most if isinstance(most, int) and most > 0 else None


def _refused(client: V2Client, answer: Answer) -> ModelError:
    address = client.address
    if answer.status in (401, 403):
        return ModelError(
            f"{address.spec} wants to know who asks ({answer.said}); give "
            'V2Model(..., headers={"Authorization": "Bearer ..."}), or user:password@ before the '
            "host."
        )
    if 300 <= answer.status < 400:
        where = answer.headers.get("location", "somewhere else")
        return ModelError(
            f"{address.spec} sends to {where} ({answer.status}); give that address instead."
        )
    names = _others(client)
    model = unquote(address.model)
    others = did_you_mean(model, names)
    if model in names:
        others = "; leave the version out for the one that the server prefers."
    elif names and not others:
        others = f"; it has {', '.join(names[:20])}."
    return ModelError(
        f"{address.root} does not describe {address.path} ({answer.said})"
        f"{others or '; is it the address of a V2 server, and the name right?'}"
    )


def _others(client: V2Client) -> Sequence[str]:
    """The models that a server lists, if it does."""
    headers = {"Content-Type": "application/json"}
    answer = client.ask("POST", "/v2/repository/index", content=b"{}", headers=headers)
    try:
        return [str(each["name"]) for each in json.loads(answer.body)]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []


def _fits(shape: Sequence[int], wanted: Sequence[int]) -> bool:
    return len(shape) == 4 and all(
        have in (-1, want) for have, want in zip(shape[1:], wanted, strict=True)
    )


def _listed(tensors: Sequence[Tensor]) -> str:
    return ", ".join(map(str, tensors))
