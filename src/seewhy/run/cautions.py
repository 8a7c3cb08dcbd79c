"""Reasons to read a result with care."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seewhy.methods.explanation import Attribution
from seewhy.methods.registry import method_key
from seewhy.show.words import class_name

if TYPE_CHECKING:
    from seewhy.methods.change import Change
    from seewhy.methods.rule import Rule
    from seewhy.run.explained import Explained

ALL_COMPARED = 10
"""Up to so many superpixels all sets are compared, and a larger budget finds no more."""


def cautions(result: Explained) -> list[str]:
    """List the reasons to read a result with care, each with a way out."""
    found: list[str] = []
    for explanation in result.explanations:
        if isinstance(explanation, Attribution):
            found += _unsettled(explanation, result)
        elif explanation.status == "not_found":
            found.append(_not_found(explanation, result))
        elif explanation.status == "trivially_robust":
            found += _nothing_to_point_at(explanation)
    return found


def _not_found(explanation: Rule | Change, result: Explained) -> str:
    ways = ["finer segments", "another fill"]
    if result.segmentation.count > ALL_COMPARED:
        ways.insert(0, f"a larger budget (--method {method_key(explanation.method)}:budget=…)")
    return f"{explanation.name} did not find what it looked for: give {', '.join(ways)}"


def _nothing_to_point_at(rule: Rule) -> list[str]:
    key = method_key(rule.method)
    gives_way = rule.breakdown is None or rule.breakdown < 1
    ways = [f"{key}:hidden=0.8"] if gives_way and rule.method.hidden < 0.8 else []
    ways += [f"{key}:background=pictures"] if rule.method.background == "fill" else []
    if not ways:
        return []
    return [f"{rule.name} found nothing to point at: try --method {' or '.join(ways)}"]


def _unsettled(explanation: Attribution, result: Explained) -> list[str]:
    doubtful = [
        target.label
        for target, done in zip(result.targets, explanation.converged, strict=True)
        if not done
    ]
    if not doubtful:
        return []
    way_out = "budget" if explanation.pixel_map is None else "number of samples or steps"
    return [
        f"{explanation.name} has not settled for {_listed(doubtful)} after "
        f"{explanation.evaluations} pictures: give a larger {way_out}"
    ]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(class_name, names))
