"""Where an ONNX model's preprocessing, output and class names are said: four places, in order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seewhy.errors import InputError, ModelError, what_happened
from seewhy.models.json_file import read_json_object
from seewhy.models.labels import checked_names
from seewhy.models.onnx_sidecar import Sidecar, missing_sidecar, read_sidecar
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output

METADATA_KEY = "seewhy"
"""Under this key of its ``metadata_props`` a model may carry its sidecar's JSON."""


@dataclass(frozen=True)
class Wishes:
    """What a person said, which goes before what is found.

    Parameters
    ----------
    preprocess : Preprocessing or None
    output : {"logits", "probabilities", "raw"} or None
    labels : sequence of str or None
    """

    preprocess: Preprocessing | None = None
    output: Output | None = None
    labels: Sequence[str] | None = None


def describe(
    path: Path, given: str | Path | Mapping[str, Any] | None, wishes: Wishes
) -> tuple[Sidecar, Origin]:
    """Find out how an ONNX model is fed and what it returns.

    Asked are, in this order: the sidecar given; ``file.json`` beside the model; the model's own
    metadata; if the preprocessing and the output are both wished for, nothing else.

    Parameters
    ----------
    path : Path
        ``file.onnx``.
    given : str, Path or mapping, optional
        A sidecar.
    wishes : Wishes
        What goes before any of them.

    Returns
    -------
    said : Sidecar
    origin : Origin
        Which of them said it.

    Raises
    ------
    InputError
        When no place says it, or one is not as it should be.
    """
    said, source = _found(path, given, wishes)
    labels = said.labels if wishes.labels is None else checked_names(wishes.labels)
    origin = Origin(
        preprocessing=source if wishes.preprocess is None else "as given",
        labels="numbered" if labels is None else source if wishes.labels is None else "as given",
        output=source if wishes.output is None else "as given",
    )
    return replace(said, labels=labels), origin


def _found(
    path: Path, given: str | Path | Mapping[str, Any] | None, wishes: Wishes
) -> tuple[Sidecar, str]:
    source, name, folder = _source(path, given)
    if source is not None:
        said = read_sidecar(
            source, folder=folder, output=wishes.output, preprocessing=wishes.preprocess
        )
        return said, name
    if wishes.preprocess is not None and wishes.output is not None:
        return Sidecar(wishes.preprocess, None, wishes.output), "as given"
    raise missing_sidecar(path)


def _source(
    path: Path, given: str | Path | Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, str, Path]:
    """The first place that says something, how it is called, and what its paths are relative to."""
    if isinstance(given, Mapping):
        return given, "the sidecar", path.parent
    file = path.with_suffix(".json") if given is None else Path(given)
    if given is not None or file.is_file():
        return read_json_object(file, what="sidecar"), file.name, file.parent
    return _metadata(path), f"the metadata of {path.name}", path.parent


def _metadata(path: Path) -> Mapping[str, Any] | None:
    """The sidecar that a model carries; large weights are not read for it."""
    import onnx

    try:
        properties = onnx.load(str(path), load_external_data=False).metadata_props
    except Exception as error:  # protobuf's and the system's have no common class
        raise ModelError(
            f"{path.name} is not an ONNX model that can be read ({what_happened(error)})."
        ) from error
    text = next((entry.value for entry in properties if entry.key == METADATA_KEY), None)
    if text is None:
        return None
    try:
        document = json.loads(text)
    except ValueError as error:
        document = error
    if not isinstance(document, Mapping):
        raise InputError(
            f"the metadata {METADATA_KEY!r} of {path.name} must be a JSON object, such as a "
            "sidecar holds; it is not."
        )
    return document
