"""What is asked of a picture, checked once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any, Literal

import numpy as np

from seewhy.errors import InputError
from seewhy.game.scores import SCORES, Score
from seewhy.image.fill import Fill, parse_fill
from seewhy.image.listing import listed_pictures
from seewhy.image.read import Picture, read_picture
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Segmenter, parse_segmenter
from seewhy.methods.anchors import Anchors
from seewhy.methods.counterfactual import Counterfactual
from seewhy.methods.explanation import Method
from seewhy.methods.lime import Lime
from seewhy.methods.registry import parse_methods
from seewhy.models.differentiable import differentiable
from seewhy.models.protocol import Model
from seewhy.run.answering import explains_pixels

MOST_BACKGROUNDS = 200
STORY = "story"
"""Names the figure of a misread picture among those of methods."""

ClassName = str | int
Budget = int | Literal["auto"]
Methods = list[Method] | tuple[Method, ...] | Method | str


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a picture: every setting of `explain` but the picture and the model.

    The command line builds one and uses it for many pictures.
    """

    methods: tuple[Method, ...]
    top: int
    target: ClassName | Sequence[ClassName] | None
    against: ClassName | None
    true: ClassName | None
    segments: Segmenter | Segmentation
    fill: Fill
    score: Score
    budget: Budget
    seed: int | None
    backgrounds: tuple[Picture, ...] | None
    curves: bool = False


def check(question: Question, model: Model) -> None:
    """Refuse what cannot be answered, before anything is paid."""
    if question.score not in SCORES:
        raise InputError(f"score must be one of {', '.join(SCORES)}; got {question.score!r}")
    if model.output == "raw" and question.score != "raw":
        raise InputError(
            f"score must be 'raw' for {model.spec}, whose outputs are declared raw; "
            f"got {question.score!r}"
        )
    for method in filter(explains_pixels, question.methods):
        differentiable(model, wanted_by=method.name)
    if not _whole(question.top) or question.top < 1:
        raise InputError(f"top must be a whole number of at least 1; got {question.top!r}")
    if question.seed is not None and not (_whole(question.seed) and question.seed >= 0):
        raise InputError(f"seed must be a whole number from 0 on; got {question.seed!r}")
    if question.true is not None and not (question.target is None and question.against is None):
        raise InputError(
            "true already says what is compared, the prediction with the true class; "
            "leave target and against out"
        )


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def checked_methods(methods: Methods | None, *, misclassified: bool = False) -> tuple[Method, ...]:
    """Take methods, one method or their spelling; refuse what is none, and names that clash.

    None is LIME; of a picture whose true class is named, also the anchor of what the
    model said, and the smallest change.
    """
    if methods is None:
        return (Lime(), Anchors(), Counterfactual()) if misclassified else (Lime(),)
    if isinstance(methods, str):
        found = parse_methods(methods)
    else:
        found = tuple(methods) if isinstance(methods, list | tuple) else (methods,)
    for method in found:
        if isinstance(method, type) or not is_dataclass(method):
            raise InputError(f"methods must be methods such as Lime(); got {_shown(method)}")
    names = [method.name for method in found]
    if not names:
        raise InputError("methods must hold at least one method, such as Lime(); got none")
    odd = next((name for name in names if not re.fullmatch(r"[\w.-]{1,60}", name)), None)
    if odd is not None:
        raise InputError(
            f"a method's name must be 1 to 60 letters, digits, '.', '_' or '-'; got {odd!r}"
        )
    if STORY in names:
        raise InputError(f"a method's name must not be {STORY!r}: that is a figure of its own")
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise InputError(
            f"methods must have different names; got {double!r} twice: give one of them name='…'"
        )
    return found


def checked_backgrounds(backgrounds: Any) -> tuple[Picture, ...] | None:
    """Read other pictures, and those in folders, 200 at most; None stays None."""
    if backgrounds is None:
        return None
    listed = listed_pictures(backgrounds, name="backgrounds")
    return tuple(read_picture(source) for source in listed[:MOST_BACKGROUNDS])


def as_segments(
    segments: Segmenter | Segmentation | np.ndarray | str,
) -> Segmenter | Segmentation:
    """Take a segmenter, its spelling, superpixels or labels."""
    if isinstance(segments, str):
        return parse_segmenter(segments)
    if isinstance(segments, np.ndarray):
        return Segmentation(segments)
    if isinstance(segments, type) or not isinstance(segments, Segmentation | Callable):
        raise InputError(
            "segments must be a segmenter such as Slic(60), its spelling 'slic:60', a Segmentation "
            f"or an array of labels; got {_shown(segments)}"
        )
    return segments


def as_fill(fill: Fill | str) -> Fill:
    """Take a fill or its spelling."""
    if isinstance(fill, str):
        return parse_fill(fill)
    if isinstance(fill, type) or not callable(fill):
        raise InputError(
            f"fill must be a fill such as MeanFill(), or its spelling 'mean'; got {_shown(fill)}"
        )
    return fill


def _shown(value: object) -> str:
    """Say what came without pouring out an array."""
    if isinstance(value, type):
        return f"the class {value.__name__}: call it, {value.__name__}()"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
