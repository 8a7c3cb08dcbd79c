"""What a browser may ask for: a short list, in which no name is a file, a module or an address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from seewhy.errors import SeewhyError
from seewhy.game.scores import SCORES, Score
from seewhy.image.fill import parse_fill
from seewhy.image.segmenters import parse_segmenter
from seewhy.methods.designed import SMALLEST_BUDGET
from seewhy.run.contest import EQUAL_BUDGET, Contest, one_question
from seewhy.run.question import Budget, Question, checked_methods
from seewhy.server.refusal import RefusedError

MOST_ASKED = 100_000
"""The largest number that a setting may have: hours on most machines."""

MOST_CLASSES = 20
SEGMENTS = ("slic:60", "quickshift", "felzenszwalb:100", "watershed:60", "grid:7")
FILLS = ("mean", "mean-colour", "grey", "black", "blur", "noise")
KEYS = (
    *("session", "picture", "kind", "methods", "segments", "fill", "score", "budget"),
    *("top", "target", "against", "true", "seed"),
)
SETTINGS = frozenset(
    [
        *("budget", "epsilon", "top_regions", "design", "kernel_width", "ridge", "estimator"),
        *("precision", "confidence", "hidden", "background", "count", "target"),
        *("samples", "reference", "sampling", "steps", "draws", "tolerance", "layer"),
    ]
)
"""Of methods; not ``pictures``, which are files."""

_SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)
_VALUE = re.compile(r"[^:,/\\\x00-\x1f]{1,80}")
Json = Mapping[str, Any]


def session_of(document: Json) -> str:
    """Return the page that asks."""
    session = document.get("session")
    if not isinstance(session, str) or not _SESSION.fullmatch(session):
        raise RefusedError(400, "session must be 1 to 64 letters, digits, '_' or '-'")
    return session


def picture_of(document: Json) -> str:
    """Return the id of the picture that is asked about."""
    return _text(document, "picture", most=64) or _refuse("picture must be the id of one given")


def question_of(document: Json) -> Question | Contest:
    """Turn what a browser sent into a question.

    Raises
    ------
    RefusedError
        With status 400: a key, a type or a value that is not allowed.
    """
    unknown = sorted(set(document) - set(KEYS))
    if unknown:
        raise RefusedError(400, f"a question has no {unknown[0][:40]!r}; it has {', '.join(KEYS)}")
    kind = document.get("kind", "explain")
    if kind not in ("explain", "compare"):
        raise RefusedError(400, "kind must be 'explain' or 'compare'")
    try:
        return _comparison(document) if kind == "compare" else _explanation(document)
    except SeewhyError as error:
        raise RefusedError(400, str(error)) from error


def players_of(document: Json) -> list[int]:
    """Return the regions that are to be hidden."""
    hidden = document.get("hidden")
    whole = isinstance(hidden, list) and all(type(player) is int for player in hidden)
    if not whole or set(document) != {"hidden"}:
        raise RefusedError(400, 'what is asked must read {"hidden": [numbers of regions]}')
    return cast("list[int]", hidden)


def _explanation(document: Json) -> Question:
    true = _class(document, "true")
    return Question(
        methods=checked_methods(_methods(document), misclassified=true is not None),
        top=_whole(document, "top", least=1, most=MOST_CLASSES) or 3,
        target=_class(document, "target"),
        against=_class(document, "against"),
        true=true,
        segments=parse_segmenter(_segments(document)),
        fill=parse_fill(_fill(document)),
        score=_score(document),
        budget=_budget(document),
        seed=_whole(document, "seed", least=0, most=2**53),
        backgrounds=None,
        curves=True,
    )


def _comparison(document: Json) -> Contest:
    if _class(document, "true") is not None:
        raise RefusedError(
            400, "methods are compared on one class: give target and against, not true"
        )
    budget = _budget(document)
    question = one_question(
        methods=_methods(document),
        target=_class(document, "target"),
        against=_class(document, "against"),
        segments=_segments(document),
        fill=_fill(document),
        score=_score(document),
        budget=EQUAL_BUDGET if budget == "auto" else budget,
        seed=_whole(document, "seed", least=0, most=2**53),
    )
    return Contest(question=question)


def _methods(document: Json) -> str | None:
    spec = _text(document, "methods", most=600)
    for part in (spec or "").split(","):
        for setting in part.split(":")[1:]:
            _check_setting(setting)
    return spec


def _check_setting(setting: str) -> None:
    """Refuse settings that are files, or so large that the machine would stand still."""
    name, _, value = setting.partition("=")
    name, value = name.strip().replace("-", "_"), value.strip()
    reads_file = name == "reference" and value.lower().startswith("picture")
    if name not in SETTINGS or not _VALUE.fullmatch(value) or reads_file:
        raise RefusedError(400, f"a method here cannot have the setting {setting[:80]!r}")
    if not -MOST_ASKED <= _number(value) <= MOST_ASKED:
        raise RefusedError(400, f"{name} must be at most {MOST_ASKED:,} here; got {value[:40]}")


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0  # a word, which the method knows or does not


def _segments(document: Json) -> str:
    return _text(document, "segments", most=40) or SEGMENTS[0]


def _fill(document: Json) -> str:
    spec = _text(document, "fill", most=40) or FILLS[0]
    if spec.strip().partition(":")[0].lower() == "picture":
        raise RefusedError(400, f"fill must be one of {', '.join(FILLS)} here: no file is read")
    return spec


def _score(document: Json) -> Score:
    score = _text(document, "score", most=40) or "log-odds"
    if score not in SCORES:
        raise RefusedError(400, f"score must be one of {', '.join(SCORES)}; got {score!r}")
    return score


def _budget(document: Json) -> Budget:
    if document.get("budget") in (None, "auto"):
        return "auto"
    return _whole(document, "budget", least=SMALLEST_BUDGET, most=MOST_ASKED) or SMALLEST_BUDGET


def _class(document: Json, key: str) -> str | int | None:
    if isinstance(document.get(key), str):
        return _text(document, key, most=500)
    return _whole(document, key, least=0, most=10**9)


def _text(document: Json, key: str, *, most: int) -> str | None:
    value = document.get(key)
    if value is not None and (not isinstance(value, str) or not 0 < len(value) <= most):
        raise RefusedError(400, f"{key} must be a text of 1 to {most} characters, or left out")
    return value


def _whole(document: Json, key: str, *, least: int, most: int) -> int | None:
    value = document.get(key)
    if value is not None and (type(value) is not int or not least <= value <= most):
        raise RefusedError(
            400, f"{key} must be a whole number from {least} to {most:,}, or left out"
        )
    return value


def _refuse(sentence: str) -> str:
    raise RefusedError(400, sentence)
