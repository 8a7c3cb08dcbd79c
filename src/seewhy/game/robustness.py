"""How far a rule holds: hide more of its surroundings, or put it on other pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from seewhy.game.decision import Decision
from seewhy.game.neighbourhood import Neighbourhood

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
DRAWS_PER_LEVEL, DRAWS_AT_ONCE = 48, 16
MISSES_PER_LEVEL = 2
"""A level may have so many and hold: it takes more draws the nearer the threshold is to 1."""


@dataclass(frozen=True)
class Level:
    """How often a rule holds when its surroundings are hidden more often.

    Attributes
    ----------
    hidden : float
        Probability with which every superpixel outside the rule was hidden.
    precision : float
        Share of masked pictures that kept the prediction.
    draws : int
        How many were drawn: 48, more for thresholds near 1, or fewer where the threshold
        was soon out of reach.
    standard_error : float
        Of the share; 0 where all masked pictures there are were asked.
    """

    hidden: float
    precision: float
    draws: int
    standard_error: float


@dataclass(frozen=True)
class Transplant:
    """What happens when a rule's superpixels are put on another picture.

    Attributes
    ----------
    background : str
        Name of the other picture.
    becomes : int
        The class that the model put first.
    keeps : bool
        Whether the prediction went along.
    """

    background: str
    becomes: int
    keeps: bool


def levels_beyond(
    around: Neighbourhood,
    kept: Sequence[int],
    threshold: float,
    rng: np.random.Generator,
    *,
    most: int,
) -> tuple[Level, ...]:
    """Hide the surroundings more and more often, to the first level at which the rule gives way.

    Parameters
    ----------
    around : Neighbourhood
        Levels begin above its own.
    kept : sequence of int
        The rule.
    threshold : float
        The share of masked pictures that is to keep the prediction.
    rng : numpy.random.Generator
    most : int
        Different masked pictures to ask about at most.
    """
    found: list[Level] = []
    start = around.evaluations
    draws = max(DRAWS_PER_LEVEL, ceil(MISSES_PER_LEVEL / (1 - threshold)))
    for hidden in (level for level in LEVELS if level > around.hidden + 1e-9):
        if most - (around.evaluations - start) < draws:
            break
        found.append(_level(Neighbourhood(around.decisions, hidden), kept, threshold, draws, rng))
        if found[-1].precision < threshold:
            break
    return tuple(found)


def _level(
    around: Neighbourhood,
    kept: Sequence[int],
    threshold: float,
    count: int,
    rng: np.random.Generator,
) -> Level:
    if around.count(kept) <= count:
        draws, chances = around.everything(kept)
        precision = float(chances[draws.verdicts.kept].sum())
        return Level(around.hidden, precision, len(draws), 0.0)
    hits = seen = 0
    while seen < count and seen - hits <= (1 - threshold) * count:
        hits += around.draw(kept, DRAWS_AT_ONCE, rng).hits
        seen += DRAWS_AT_ONCE
    share = hits / seen
    # as if one more had failed and one more held: a share of 1 is not certain
    guarded = (hits + 1) / (seen + 2)
    return Level(around.hidden, share, seen, float(np.sqrt(guarded * (1 - guarded) / seen)))


def of_other_classes(elsewhere: Mapping[str, Decision]) -> dict[str, Decision]:
    """Leave out the backgrounds that have the answer in them.

    Parameters
    ----------
    elsewhere : mapping of str to Decision
        The same question before another picture each.
    """
    return {
        name: decision
        for name, decision in elsewhere.items()
        if decision(np.zeros((1, decision.n_players), bool)).margins[0] <= 0
    }


def transplants(kept: Sequence[int], backgrounds: Mapping[str, Decision]) -> tuple[Transplant, ...]:
    """Put a rule's superpixels on other pictures, of which the model says something else."""
    found = []
    for name, decision in backgrounds.items():
        mask = np.zeros((1, decision.n_players), bool)
        mask[0, list(kept)] = True
        verdict = decision(mask)
        found.append(Transplant(name, int(verdict.winners[0]), bool(verdict.kept[0])))
    return tuple(found)
