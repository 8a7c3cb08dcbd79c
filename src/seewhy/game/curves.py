"""Curves: what becomes of a score while superpixels are hidden one after the other.

Whole superpixels are hidden at once, and the axis is the hidden area, so that a large region
counts for what it covers. Equal values have no order: several random ones are walked, and
their mean is what counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from seewhy.errors import InputError
from seewhy.game.game import Masks

GRID = np.linspace(0.0, 1.0, 101)
"""Shares of the area at which curves are told."""

DUST = 1e-4
"""Of the largest value: smaller differences are those of rounding and of fits, and rank nothing."""

Order = Int64[np.ndarray, " d"]
PerPlayer = Float64[np.ndarray, " d"]


@dataclass(frozen=True, eq=False)
class Curve:
    """A score against the hidden share of the picture, mean over orders of equal values.

    Attributes
    ----------
    scores : (101,) array
        At the hidden shares 0, 0.01, …, 1 (`GRID`), between steps on a straight line.
    area : float
        Area under the curve by the trapezoidal rule, exact at the steps: a mean score.
    """

    scores: Float64[np.ndarray, " g"]
    area: float

    @classmethod
    def of(cls, walks: Sequence[Walk], scores: Sequence[Float64[np.ndarray, " s"]]) -> Curve:
        """Average the scores along several walks."""
        told = [np.interp(GRID, w.hidden, s) for w, s in zip(walks, scores, strict=True)]
        areas = [np.trapezoid(s, w.hidden) for w, s in zip(walks, scores, strict=True)]
        return cls(np.mean(told, axis=0), float(np.mean(areas)))


@dataclass(frozen=True, eq=False)
class Walk:
    """Masks that hide ever more superpixels, from the whole picture to nothing.

    Attributes
    ----------
    masks : (s, d) bool array
        The first keeps everything, the last nothing.
    hidden : (s,) array
        Share of the area that each of them hides, from 0 to 1.
    order : (d,) int array
        Superpixels in the order in which they are hidden.
    """

    masks: Bool[np.ndarray, "s d"]
    hidden: Float64[np.ndarray, " s"]
    order: Order

    @classmethod
    def along(cls, order: Order, areas: PerPlayer, *, steps: int) -> Walk:
        """Hide superpixels in an order, in at most so many steps of about equal numbers.

        Parameters
        ----------
        order : (d,) int array
        areas : (d,) array
            Share of the picture that each covers; only proportions count.
        steps : int
            At least 1; with d or more every superpixel is a step of its own.
        """
        d = len(order)
        ends = np.unique(np.rint(np.linspace(0, d, min(steps, d) + 1)).astype(int))
        place = np.empty(d, np.int64)
        place[order] = np.arange(d)
        masks = place[None, :] >= ends[:, None]
        total = areas.sum()
        weights = areas / total if total > 0 else np.full(d, 1 / d)
        hidden = np.clip(~masks @ weights, 0.0, 1.0)
        hidden[0], hidden[-1] = 0.0, 1.0
        return cls(masks, hidden, order)


def orders_of(
    values: PerPlayer, rng: np.random.Generator, *, most: int, least_first: bool = False
) -> list[Order]:
    """Rank superpixels by value, largest first; equal values in up to ``most`` random orders.

    Parameters
    ----------
    values : (d,) array
        Signed: what speaks for the class comes first, what speaks against it last.
    rng : numpy.random.Generator
        Draws the orders of equal values.
    most : int
        How many orders, where some values are equal; else there is one.
    least_first : bool
        Smallest first instead.

    Returns
    -------
    list of (d,) int arrays
    """
    if not np.isfinite(values).all():
        raise InputError(
            f"values must be finite to be ranked; got {int((~np.isfinite(values)).sum())} that "
            "are not"
        )
    told = without_dust(values)
    keys = told if least_first else -told
    count = 1 if len(np.unique(told)) == len(told) else most
    draws = [rng.permutation(len(values)) for _ in range((count + 1) // 2)]
    breaks = [each for draw in draws for each in (draw, -draw)][:count]
    return [np.lexsort([each, keys]) for each in breaks]


def without_dust(values: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Round values to a ten-thousandth of the largest: what is equal but for rounding is equal.

    Examples
    --------
    >>> without_dust(np.array([2.0, 3e-6, 0.0])).tolist()
    [2.0, 0.0, 0.0]
    """
    largest = float(np.abs(values).max(initial=0.0))
    if largest == 0:
        return values
    grain = DUST * largest
    return np.rint(values / grain) * grain + 0.0  # + 0.0: −0 is 0


def curve_along(
    orders: Sequence[Order],
    areas: PerPlayer,
    scores: Callable[[Masks], Float64[np.ndarray, " n"]],
    *,
    steps: int,
) -> Curve:
    """Ask for the scores along the walks of some orders, all in one batch.

    Parameters
    ----------
    orders : sequence of (d,) int arrays
    areas : (d,) array
    scores : callable
        (n, d) masks to (n,) scores.
    steps : int
        See `Walk.along`.

    Examples
    --------
    >>> kept = lambda masks: masks.sum(axis=1) / 4
    >>> curve_along([np.arange(4)], np.full(4, 0.25), kept, steps=4).area
    0.5
    """
    walks = [Walk.along(order, areas, steps=steps) for order in orders]
    asked = scores(np.concatenate([walk.masks for walk in walks]))
    ends = np.cumsum([len(walk.masks) for walk in walks])[:-1]
    return Curve.of(walks, np.split(asked, ends))


def first_change(
    order: Order, areas: PerPlayer, changed: Callable[[Masks], Bool[np.ndarray, " n"]]
) -> float | None:
    """Return the hidden share at which a decision first changes along an order; None if never.

    Every prefix is asked about, one superpixel at a time.
    """
    walk = Walk.along(order, areas, steps=len(order))
    flips = np.flatnonzero(changed(walk.masks))
    return float(walk.hidden[flips[0]]) if len(flips) else None
