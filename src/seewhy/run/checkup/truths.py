"""What the sample photos show, in the words of ImageNet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from seewhy.models.labels import imagenet_aliases, imagenet_labels

# Every class that a person would let pass for the photo; three networks put one of them first.
SHOWN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "chelsea": ("tabby cat", "tiger cat", "Egyptian Mau"),
        "coffee": ("espresso", "cup", "coffee mug"),
        "motorcycle": ("moped", "scooter", "disc brake", "crash helmet"),
        "rocket": ("missile", "projectile", "space shuttle"),
        "grace_hopper": (
            "academic gown",
            "military uniform",
            "square academic cap",
            "Windsor tie",
            "suit",
            "bow tie",
        ),
        "camera": ("tripod", "reflex camera"),
    }
)
_NUMBERED = re.compile(r"class \d+")
_MOST = 0.9  # of ImageNet's classes: less is another list that shares words with it


def imagenet_columns(labels: Sequence[str]) -> Mapping[int, int]:
    """Find ImageNet's classes among a model's, whatever their order and spelling.

    Parameters
    ----------
    labels : sequence of str
        Of the model: ``"tench"``, ``"tench, Tinca tinca"``, ``"great_white_shark"``, ….

    Returns
    -------
    mapping of int to int
        From the class's place in ImageNet to the model's column; empty when the names are not
        ImageNet's.
    """
    known = {_plain(name): index for name, index in imagenet_aliases().items()}
    columns: dict[int, int] = {}
    for column, label in enumerate(labels):
        # "projectile, missile" is the first of its synonyms; the other has a class of its own
        meant = next((known[part] for part in map(_plain, label.split(",")) if part in known), None)
        if meant is not None:
            columns.setdefault(meant, column)
    return columns if len(columns) >= _MOST * len(imagenet_labels()) else {}


def is_numbered(labels: Sequence[str]) -> bool:
    """Tell whether a model has a thousand classes without names: perhaps ImageNet's."""
    return len(labels) == len(imagenet_labels()) and all(map(_NUMBERED.fullmatch, labels))


def shown_columns(labels: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
    """Say which of a model's classes each sample photo shows.

    Parameters
    ----------
    labels : sequence of str
        Of the model.

    Returns
    -------
    mapping of str to tuple of int
        From the photo's name to columns. Empty when the classes are not ImageNet's; a thousand
        numbered ones are taken for them.
    """
    columns = imagenet_columns(labels)
    if not columns and is_numbered(labels):
        columns = {index: index for index in range(len(labels))}
    place = {name: index for index, name in enumerate(imagenet_labels())}
    found = {
        photo: tuple(columns[place[name]] for name in names if place[name] in columns)
        for photo, names in SHOWN.items()
    }
    return {photo: accepted for photo, accepted in found.items() if accepted}


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())
