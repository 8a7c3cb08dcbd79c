"""Faithfulness of a ranking: what becomes of the score while regions are hidden in its order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from seewhy.game.curves import Curve, Order, curve_along, first_change, orders_of
from seewhy.game.game import Masks, View
from seewhy.metrics.bench import Bench, in_portions

Ask = Callable[[Masks], Float64[np.ndarray, " n"]]

LEAST_CHANGE = 1e-3  # of the larger end: below it, there is nothing to take away


@dataclass(frozen=True, eq=False)
class Ranked:
    """Both walks of a ranking, with the score brought to 1 for the whole and 0 for the hidden.

    Attributes
    ----------
    first : Curve
        Most relevant superpixels hidden first (MoRF).
    last : Curve
        Least relevant ones first (LeRF).
    """

    first: Curve
    last: Curve

    @property
    def gap(self) -> float:
        """SRG: the area between the two curves; 0 for a random order.

        Above 1 where hiding what opposes the class raises its score beyond that of the whole.
        """
        return self.last.area - self.first.area


def ranked(
    bench: Bench, values: Float64[np.ndarray, " d"], *, other: bool = False
) -> Ranked | None:
    """Walk a ranking from both ends.

    SRG = mean over the hidden area of v(least relevant hidden first) − v(most relevant first),
    v normalised as (v − v(∅)) / (v(N) − v(∅)). What a fill does to every order alike cancels.

    Parameters
    ----------
    bench : Bench
    values : (d,) array
        Signed relevance; only the order counts. Equal values are averaged over orders.
    other : bool
        Hide with the bench's other fill.

    Returns
    -------
    Ranked or None
        None where hiding everything does not lower the score: nothing can be normalised.

    References
    ----------
    Blücher, Vielhaben, Strodthoff: Decoupling pixel flipping and occlusion strategy for
    consistent XAI benchmarks, TMLR 2024.
    """
    view = bench.other if other else bench.view
    d = bench.n_players
    whole, empty = in_portions(view, np.array([[True] * d, [False] * d]))
    if whole - empty <= LEAST_CHANGE * max(abs(whole), abs(empty)):
        return None

    def score(masks: Masks) -> Float64[np.ndarray, " n"]:
        return (in_portions(view, masks) - empty) / (whole - empty)

    return Ranked(
        first=_curve(bench, values, score, least_first=False),
        last=_curve(bench, values, score, least_first=True),
    )


def deletion(bench: Bench, values: Float64[np.ndarray, " d"]) -> Curve:
    """Probability while superpixels turn into what the network takes for zero, best first.

    The area under it is RISE's deletion score, with whole superpixels on an area axis.

    References
    ----------
    Petsiuk, Das, Saenko: RISE, BMVC 2018.
    """
    return _curve(bench, values, _scores(bench.removing), least_first=False)


def insertion(bench: Bench, values: Float64[np.ndarray, " d"]) -> Curve:
    """Probability of the picture as superpixels stand out of its blur, best first.

    The area under it is RISE's insertion score. Showing the best first is hiding the worst
    first, looked at from the other end: the curve is told by what is hidden.
    """
    return _curve(bench, values, _scores(bench.adding), least_first=True)


def flip_area(bench: Bench, values: Float64[np.ndarray, " d"]) -> float | None:
    """Smallest share, most relevant superpixels first, whose hiding changes the prediction.

    Returns
    -------
    float or None
        Mean over orders of equal values; 1 where even hiding all changes nothing. None where
        the target is not what the model says.
    """
    decision = bench.decision
    if decision is None:
        return None
    found = [
        first_change(order, bench.areas, lambda masks: ~decision(masks).kept)
        for order in _orders(bench, values, least_first=False)
    ]
    return float(np.mean([1.0 if share is None else share for share in found]))


def _scores(view: View) -> Ask:
    return lambda masks: in_portions(view, masks)


def _curve(
    bench: Bench, values: Float64[np.ndarray, " d"], scores: Ask, *, least_first: bool
) -> Curve:
    orders = _orders(bench, values, least_first=least_first)
    return curve_along(orders, bench.areas, scores, steps=bench.protocol.steps)


def _orders(bench: Bench, values: Float64[np.ndarray, " d"], *, least_first: bool) -> list[Order]:
    rng = bench.rng(3)  # the same from both ends: what ranks nothing has no gap
    return orders_of(values, rng, most=bench.protocol.orders, least_first=least_first)
