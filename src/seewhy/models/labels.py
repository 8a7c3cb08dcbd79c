"""Class names: reading them, finding one, and the 1 000 names of ImageNet.

``data/imagenet_labels.json`` is imagenet-simple-labels (public domain);
``data/imagenet_aliases.json`` holds the spellings of torchvision (BSD-3-Clause,
Soumith Chintala 2016) that differ from it, with their class index.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from seewhy.errors import InputError, ModelError, did_you_mean
from seewhy.models.protocol import Output

_NO_ALIASES: Mapping[str, int] = MappingProxyType({})


def find_class(
    name: str | int, labels: Sequence[str], aliases: Mapping[str, int] = _NO_ALIASES
) -> int:
    """Find the class that a person means.

    Parameters
    ----------
    name : str or int
        A name, without regard to case, ``_`` as good as a space; one of a label's comma-separated
        synonyms; what stands before its parenthesis; an alias; or an index, also as digits (unless
        a label consists of these very digits).
    labels : sequence of str
        The model's class names.
    aliases : mapping of str to int, optional
        Further spellings.

    Returns
    -------
    int
        The column of that class.

    Raises
    ------
    InputError
        When no class or more than one is meant; the message lists near names, or the indices.

    Examples
    --------
    >>> labels = ["tench, Tinca tinca", "crane (bird)", "crane (machine)"]
    >>> find_class("tinca TINCA", labels), find_class("2", labels)
    (0, 2)
    """
    if not isinstance(name, str):
        return _checked_index(operator.index(name), labels)
    wanted = " ".join(name.split())
    for candidates in _candidates(wanted, labels, aliases):
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            listed = ", ".join(f"{index} ({labels[index]!r})" for index in candidates)
            raise InputError(
                f"the class name {name!r} is ambiguous; give one of the indices {listed}."
            )
    if wanted.isdecimal():
        return _checked_index(int(wanted), labels)
    known = [spelling for label in labels for spelling in (label, *_synonyms(label))]
    near = did_you_mean(wanted, [*known, *aliases])
    raise InputError(f"none of the model's {len(labels)} classes is called {name!r}{near or '.'}")


def read_labels(path: str | Path) -> tuple[str, ...]:
    """Read class names from a file.

    Parameters
    ----------
    path : str or Path
        A JSON list of names, a JSON object ``{"0": "tench", ...}``, or text with one name a line.

    Returns
    -------
    tuple of str
        In the order of the model's outputs.

    Raises
    ------
    InputError
        When the file cannot be read, is empty, or an object's indices are not 0 … k-1.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the labels file {str(path)!r}: {error}.") from error
    document = _parsed(text, path)
    if isinstance(document, dict):
        document = _in_order(document, path)
    if not isinstance(document, list) or not all(isinstance(name, str) for name in document):
        raise InputError(
            f"the labels file {str(path)!r} must hold a JSON list of names, a JSON object "
            "{index: name}, or one name a line."
        )
    if not document:
        raise InputError(f"the labels file {str(path)!r} names no class.")
    return tuple(document)


def numbered_labels(count: int, output: Output = "raw") -> tuple[str, ...]:
    """Name the classes of a model that does not say what they are called.

    Parameters
    ----------
    count : int
        How many outputs the model has.
    output : {"logits", "probabilities", "raw"}
        What they are: a single logit or probability stands for two classes.

    Returns
    -------
    tuple of str
        ``("class 0", "class 1", ...)``.
    """
    classes = 2 if count == 1 and output != "raw" else count
    return tuple(f"class {index}" for index in range(classes))


def checked_names(labels: Iterable[object]) -> tuple[str, ...]:
    """Take class names as a person gives them.

    Parameters
    ----------
    labels : iterable
        Names, or numbers, which become their digits.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        When it is one text, which would fall apart into letters, or nothing to go through.
    """
    if isinstance(labels, str):
        raise InputError(
            f"labels must be a sequence of names; got the text {labels!r}: read_labels reads a "
            "file."
        )
    if not isinstance(labels, Iterable):
        raise InputError(f"labels must be a sequence of names; got {labels!r}.")
    return tuple(str(label) for label in labels)


def check_labels(
    labels: Sequence[str], columns: int, *, name: str, output: Output = "logits"
) -> tuple[str, ...]:
    """Refuse class names that do not fit the model's outputs.

    Parameters
    ----------
    labels : sequence of str
        The names.
    columns : int
        Outputs of the model per picture. A single output p may have one name or two: it is
        shown as the two classes [1 - p, p].
    name : str
        How the model is called in messages.
    output : {"logits", "probabilities", "raw"}
        What the outputs are; a single raw one is no two classes.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        When they are no names.
    ModelError
        When the numbers differ.
    """
    names = checked_names(labels)
    both = (len(names), columns) == (2, 1) and output != "raw"
    if len(names) != columns and not both:
        raise ModelError(
            f"{name} has {columns} outputs but {len(names)} labels; give one label per output."
        )
    return names


def class_labels(labels: Sequence[str], output: Output) -> tuple[str, ...]:
    """Name the classes of a model: the columns of its masking game.

    Parameters
    ----------
    labels : sequence of str
        The model's.
    output : {"logits", "probabilities", "raw"}
        What the model returns.

    Returns
    -------
    tuple of str
        `labels`, except that the one name of a single output p becomes the two classes
        [1 - p, p].

    Examples
    --------
    >>> class_labels(["pneumonia"], "probabilities")
    ('not pneumonia', 'pneumonia')
    """
    if len(labels) == 1 and output != "raw":
        return (f"not {labels[0]}", labels[0])
    return tuple(labels)


@lru_cache(maxsize=1)
def imagenet_labels() -> tuple[str, ...]:
    """Name the 1 000 classes of ImageNet in their usual order.

    Returns
    -------
    tuple of str
    """
    return tuple(_data("imagenet_labels.json"))


@lru_cache(maxsize=1)
def imagenet_aliases() -> Mapping[str, int]:
    """Give every spelling known for ImageNet's classes: the simple names and torchvision's.

    Returns
    -------
    mapping of str to int
        From name to class index.
    """
    simple = {name: index for index, name in enumerate(imagenet_labels())}
    return MappingProxyType({**simple, **_data("imagenet_aliases.json")})


def _data(name: str) -> Any:
    file = resources.files("seewhy.models") / "data" / name
    return json.loads(file.read_text(encoding="utf-8"))


def _candidates(
    wanted: str, labels: Sequence[str], aliases: Mapping[str, int]
) -> Iterator[list[int]]:
    """Classes that the name may mean, the surest reading first."""
    folded = _folded(wanted)
    others = [(other, i) for i, label in enumerate(labels) for other in _synonyms(label)]
    others += [(alias, index) for alias, index in aliases.items() if index < len(labels)]
    yield [i for i, label in enumerate(labels) if label == wanted]
    yield sorted({i for other, i in others if other == wanted})
    yield [i for i, label in enumerate(labels) if _folded(label) == folded]
    yield sorted({i for other, i in others if _folded(other) == folded})


def _folded(text: str) -> str:
    """Without regard to case and to underlines, with which Keras joins words."""
    return text.replace("_", " ").casefold()


def _synonyms(label: str) -> list[str]:
    parts = [part.strip() for part in label.split(",")] if "," in label else []
    before = re.fullmatch(r"(.+?)\s*\(.*\)", label)
    return parts + ([before[1]] if before else [])


def _checked_index(index: int, labels: Sequence[str]) -> int:
    if not 0 <= index < len(labels):
        raise InputError(
            f"the model has {len(labels)} classes, 0 to {len(labels) - 1}; got class {index}."
        )
    return index


def _parsed(text: str, path: str | Path) -> Any:
    if Path(path).suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise InputError(f"the labels file {str(path)!r} is not JSON: {error}.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _in_order(document: dict[str, Any], path: str | Path) -> list[Any]:
    by_index = {int(key): name for key, name in document.items() if key.isdecimal()}
    if sorted(by_index) != list(range(len(document))):
        raise InputError(
            f"the labels file {str(path)!r} must have the keys 0 to {len(document) - 1}, one per "
            "class."
        )
    return [by_index[index] for index in range(len(by_index))]
