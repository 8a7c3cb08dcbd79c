"""Where the objects are: masks from pictures, boxes and classes from JSON files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Shaped

from seewhy.errors import InputError
from seewhy.image.read import read_picture
from seewhy.metrics.localisation import Box

Label: TypeAlias = "int | str | None"
"""A class as a file gives it: a number or a name; None where it gives none."""

_NAME_KEYS = ("file", "file_name", "filename", "image", "image_path", "path")
_LABEL_KEYS = ("label", "class", "category", "class_id", "category_id", "class_name", "name")
_CORNER_KEYS = ("box_xyxy", "boxes_xyxy", "bbox_xyxy", "box", "boxes", "bbox", "bboxes")
_SIZE_KEYS = ("box_xywh", "boxes_xywh", "bbox_xywh")
_EDGE_KEYS = ("xmin", "ymin", "xmax", "ymax")
_BLURRED = (".jpg", ".jpeg", ".jfif")


@dataclass(frozen=True)
class Annotation:
    """The boxes of the objects in a picture.

    Attributes
    ----------
    boxes : tuple of (x0, y0, x1, y1)
        Edges in pixels of the picture.
    labels : tuple of int, str or None
        The class of each, as the file has it.
    """

    boxes: tuple[Box, ...]
    labels: tuple[Label, ...]

    @property
    def label(self) -> Label:
        """The class, if all boxes have the same one; else None."""
        return self.labels[0] if len(set(self.labels)) == 1 else None

    def of_class(self, label: int | str) -> tuple[Box, ...]:
        """Return the boxes of one class."""
        return tuple(box for box, own in zip(self.boxes, self.labels, strict=True) if own == label)


def read_object(
    source: str | os.PathLike[str] | Shaped[np.ndarray, "h w *c"],
) -> Bool[np.ndarray, "h w"]:
    """Read which pixels belong to an object: those that are not zero.

    Parameters
    ----------
    source : path or array
        A picture file, as painted by hand or by a segmentation tool: black, or transparent, is
        background. JPEG blurs the edge of what is zero, so in a JPEG the object is what is
        brighter than half. Or an array (h, w) or (h, w, c) of any numbers.

    Returns
    -------
    (h, w) bool array

    Raises
    ------
    ImageError
        If the file is no picture that can be read.
    InputError
        If nothing in it, or everything, belongs to the object.
    """
    if isinstance(source, np.ndarray):
        pixels, least, what = source, 0.0, "the object's mask"
        if pixels.ndim not in (2, 3) or 0 in pixels.shape:
            raise InputError(f"{what} must have shape (h, w) or (h, w, c); got {pixels.shape}")
    else:
        file = os.fspath(source)
        pixels = read_picture(source, background=(0.0, 0.0, 0.0)).pixels
        least = 0.5 if file.lower().endswith(_BLURRED) else 0.0
        what = f"the object's mask {file!r}"
    marked = np.abs(pixels) > least
    mask: Bool[np.ndarray, "h w"] = marked if marked.ndim == 2 else marked.any(axis=2)
    if not mask.any():
        raise InputError(f"{what} is empty: every pixel is zero; paint the object in white")
    if mask.all():
        raise InputError(
            f"{what} marks every pixel as the object; what is not the object must be zero"
        )
    return mask


def read_boxes(path: str | os.PathLike[str]) -> dict[str, Annotation]:
    """Read the boxes of objects, and their classes where given, from a JSON file.

    Parameters
    ----------
    path : path
        One of

        - names to boxes: ``{"a.jpg": [x0, y0, x1, y1]}``, or a list of boxes, or a record;
        - a list of records: ``[{"file": "a.jpg", "box": [x0, y0, x1, y1], "label": 3}]``, with
          ``file_name`` or ``image`` instead, ``boxes`` or ``bbox``, ``class`` or ``category``;
        - COCO: ``{"images": …, "annotations": …, "categories": …}``.

        Boxes are edges in pixels, but under ``box_xywh`` and in COCO, whose boxes are corner,
        width and height; ``xmin``, ``ymin``, ``xmax``, ``ymax`` are understood as well.

    Returns
    -------
    dict of str to Annotation
        By the names in the file; several records of one picture are put together. Pictures
        without a box are left out. `annotation_of` finds a picture in it.

    Raises
    ------
    InputError
        If the file cannot be read, is of none of these forms, or has a box without extent.
    """
    file = os.fspath(path)
    try:
        content = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"boxes {file!r} cannot be read as JSON: {error}") from error
    try:
        records = list(_records(content))
    except _UnexpectedError as error:
        raise InputError(f"boxes {file!r}: {error}") from None
    found: dict[str, list[tuple[Box, Label]]] = {}
    for name, boxes in records:
        found.setdefault(name, []).extend(boxes)
    return {
        name: Annotation(tuple(box for box, _ in boxes), tuple(label for _, label in boxes))
        for name, boxes in found.items()
        if boxes
    }


def annotation_of(
    annotations: Mapping[str, Annotation], path: str | os.PathLike[str]
) -> Annotation | None:
    """Find a picture among annotations by as much of its path as they name; None without one.

    Examples
    --------
    >>> known = {"cats/1.jpg": Annotation(((0, 0, 2, 2),), ("cat",))}
    >>> annotation_of(known, "photos/cats/1.jpg").label
    'cat'
    >>> annotation_of(known, "photos/dogs/1.jpg") is None
    True
    """
    parts = PurePath(path).parts
    tails = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((annotations[tail] for tail in tails if tail in annotations), None)


class _UnexpectedError(Exception):
    """The content is of another form; the message says what and where."""


_Found: TypeAlias = tuple[str, list[tuple[Box, Label]]]


def _records(content: Any) -> Iterable[_Found]:
    if isinstance(content, list):
        return [_record(record, _value(record, _NAME_KEYS)) for record in content]
    if not isinstance(content, dict):
        raise _UnexpectedError(f"must hold an object or a list; it holds {content!r:.60}")
    if isinstance(content.get("images"), list) and isinstance(content.get("annotations"), list):
        return _coco(content)
    return [_record(record, name) for name, record in content.items()]


def _record(record: Any, name: Any) -> _Found:
    """Boxes of one picture, from a record, a box, or a list of either."""
    if not isinstance(name, str):
        raise _UnexpectedError(
            f"every record must name its picture under {' or '.join(_NAME_KEYS[:4])}; got "
            f"{record!r:.80}"
        )
    if isinstance(record, dict):
        return name, _labelled(record, name)
    if isinstance(record, list) and record and all(isinstance(one, dict) for one in record):
        return name, [pair for one in record for pair in _labelled(one, name)]
    return name, [(box, None) for box in _boxes(record, name, sized=False)]


def _labelled(record: dict[str, Any], name: str) -> list[tuple[Box, Label]]:
    given, sized = _value(record, _CORNER_KEYS), False
    if given is None:
        given, sized = _value(record, _SIZE_KEYS), True
    if given is None and all(key in record for key in _EDGE_KEYS):
        given, sized = [record[key] for key in _EDGE_KEYS], False
    if given is None:
        raise _UnexpectedError(
            f"the record of {name!r} must hold its box under box_xyxy, box, boxes or bbox "
            f"(x0, y0, x1, y1) or under box_xywh; got {record!r:.80}"
        )
    boxes = _boxes(given, name, sized=sized)
    labels = _value(record, ("labels", "classes"))
    if isinstance(labels, list) and len(labels) == len(boxes):
        return list(zip(boxes, map(_label, labels), strict=True))
    label = _label(_value(record, _LABEL_KEYS))
    return [(box, label) for box in boxes]


def _coco(content: dict[str, Any]) -> Iterable[_Found]:
    try:
        names = {image["id"]: image["file_name"] for image in content["images"]}
        classes = {entry["id"]: entry["name"] for entry in content.get("categories", [])}
        for entry in content["annotations"]:
            number = entry.get("category_id")
            label = _label(classes.get(number, number))
            name = names[entry["image_id"]]
            yield name, [(box, label) for box in _boxes(entry["bbox"], name, sized=True)]
    except (KeyError, TypeError, AttributeError) as error:
        raise _UnexpectedError(
            f"looks like COCO, but a picture or annotation lacks {error}; images need id and "
            "file_name, annotations image_id and bbox"
        ) from None


def _boxes(given: Any, name: str, *, sized: bool) -> list[Box]:
    """One box or several, flat or nested; ``sized`` ones as x, y, width, height."""
    if given == []:
        return []
    try:
        table = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    table = table[None] if table.ndim == 1 else table
    if table.ndim != 2 or table.shape[1] != 4 or not np.isfinite(table).all():
        raise _UnexpectedError(
            f"the boxes of {name!r} must be four numbers each, x0, y0, x1, y1; got {given!r:.80}"
        )
    if sized:
        table = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:]], axis=1)
    if not (table[:, :2] < table[:, 2:]).all():
        wanted = (
            "positive width and height"
            if sized
            else "x0 < x1 and y0 < y1; boxes of x, y, width and height go under box_xywh"
        )
        raise _UnexpectedError(f"a box of {name!r} is {given!r:.80}; expected {wanted}")
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in table.tolist()]


def _label(value: Any) -> Label:
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _value(record: Any, keys: Iterable[str]) -> Any:
    if not isinstance(record, dict):
        return None
    return next((record[key] for key in keys if record.get(key) is not None), None)
