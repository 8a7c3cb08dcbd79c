"""What an ONNX file does not say: preprocessing, kind of output, class names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seewhy.errors import InputError, did_you_mean
from seewhy.models.array_model import Layout, checked_output
from seewhy.models.json_file import read_json_object
from seewhy.models.labels import read_labels
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output

_EXAMPLE = (
    '{"input": {"layout": "NCHW", "channels": "RGB", "size": [224, 224]}, '
    '"resize": {"shorter_side": 256, "interpolation": "bilinear", "crop": "centre"}, '
    '"normalise": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}, '
    '"output": {"kind": "logits"}, "labels": "labels.txt"}'
)


@dataclass(frozen=True)
class Sidecar:
    """The JSON file beside an ONNX model.

    Parameters
    ----------
    preprocessing : Preprocessing
        From ``input``, ``resize`` and ``normalise``.
    layout : {"NCHW", "NHWC"} or None
        Of the input; ``input.layout``. None: as the model's own shapes say.
    output : {"logits", "probabilities", "raw"}
        ``output.kind``, which must be there unless it is given elsewhere.
    input_name, output_name : str or None
        Tensors; None where the model has only one.
    labels : tuple of str or None
        Read from the file named, or as listed.
    """

    preprocessing: Preprocessing
    layout: Layout | None
    output: Output
    input_name: str | None = None
    output_name: str | None = None
    labels: tuple[str, ...] | None = None


def missing_sidecar(model: Path) -> InputError:
    """Say what to write beside an ONNX file about which nothing is said.

    Parameters
    ----------
    model : Path
        ``file.onnx``.

    Returns
    -------
    InputError
        To be raised.
    """
    return InputError(
        f"{model.name} needs a file {model.with_suffix('.json').name} beside it that says how its "
        f"input is made and what it returns, such as {_EXAMPLE}; or give --preprocess and "
        "--returns (in Python preprocess= and output=)."
    )


def read_sidecar(
    source: Path | Mapping[str, Any],
    *,
    folder: Path,
    output: Output | None = None,
    preprocessing: Preprocessing | None = None,
) -> Sidecar:
    """Read a sidecar.

    Parameters
    ----------
    source : Path or mapping
        The file, or its content.
    folder : Path
        What paths in it are relative to.
    output : {"logits", "probabilities", "raw"}, optional
        What a person said that the model returns; it goes before the file.
    preprocessing : Preprocessing, optional
        Likewise, how a picture becomes the input; the file need not say it then.

    Returns
    -------
    Sidecar

    Raises
    ------
    InputError
        When something is missing, unknown or of the wrong kind, or the labels' file is not there.
    """
    document = source
    if not isinstance(document, Mapping):
        document = read_json_object(document, what="sidecar")
    said = Preprocessing.from_json(document) if preprocessing is None else preprocessing
    entry, returned = document.get("input", {}), document.get("output", {})
    if not isinstance(entry, Mapping):
        raise InputError(f'"input" of the sidecar must be a JSON object; got {entry!r}.')
    kind = output or (returned.get("kind") if isinstance(returned, Mapping) else None)
    if kind is None or not isinstance(returned, Mapping):
        raise InputError(
            'the sidecar must say what the model returns: add "output": {"kind": "logits"}, or '
            '"probabilities", or "raw".'
        )
    layout = entry.get("layout")
    if layout not in (None, "NCHW", "NHWC"):
        near = did_you_mean(str(layout), ["NCHW", "NHWC"])
        raise InputError(f"the sidecar's layout must be NCHW or NHWC; got {layout!r}{near or '.'}")
    return Sidecar(
        preprocessing=said,
        layout=layout,
        output=checked_output(kind),
        input_name=entry.get("name"),
        output_name=returned.get("name"),
        labels=_labels(document.get("labels"), folder),
    )


def _labels(given: object, folder: Path) -> tuple[str, ...] | None:
    if given is None:
        return None
    if isinstance(given, list) and all(isinstance(label, str) for label in given):
        return tuple(given)
    if not isinstance(given, str):
        raise InputError(
            f"the sidecar's labels must be a file's name or a list of names; got {given!r}."
        )
    path = folder / given
    if not path.is_file():
        raise InputError(
            f"the sidecar's labels are said to be in {given!r}, but there is no file {str(path)!r}."
        )
    return read_labels(path)
