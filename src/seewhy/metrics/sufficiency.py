"""Sufficiency of a ranking: how little of the picture, best regions first, keeps the prediction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from seewhy.game.curves import Order, orders_of
from seewhy.game.neighbourhood import Neighbourhood
from seewhy.game.rule_search import certified_prefix
from seewhy.game.statistics import interval_factor
from seewhy.game.sufficient import Demands
from seewhy.metrics.bench import Bench
from seewhy.metrics.measures import Number

HIDDEN = 0.5


@dataclass(frozen=True)
class Enough:
    """The part of a ranking that keeps the prediction.

    Attributes
    ----------
    area : float
        Its share of the picture; 1 where nothing less was certified.
    count : int
        Its superpixels.
    certified : bool
        Whether a certificate was found within the protocol's budget.
    """

    area: float
    count: int
    certified: bool


def sufficient_area(bench: Bench, values: Float64[np.ndarray, " d"]) -> Enough | None:
    """Find the shortest beginning of a ranking that certifiably keeps the prediction.

    It is kept, everything else hidden by coin toss, and the prediction stays in at least
    ``precision`` of such pictures, shown on fresh ones with ``confidence`` by a bound that
    holds whenever one stops. This makes maps comparable with rules.

    Parameters
    ----------
    bench : Bench
    values : (d,) array
        Signed relevance; of equal values one random order is taken.

    Returns
    -------
    Enough or None
        None where the target is not what the model says.
    """
    if bench.decision is None:
        return None
    protocol = bench.protocol
    around = Neighbourhood((bench.decision.elsewhere(bench.view.game),), HIDDEN)
    demands = Demands(protocol.precision, 1 - protocol.confidence, protocol.certificate_budget)
    order = one_order(bench, values)
    found = certified_prefix(around, order.tolist(), demands, bench.rng(5))
    if found is None:
        return Enough(1.0, bench.n_players, certified=False)
    area = float(bench.areas[list(found.kept)].sum() / bench.areas.sum())
    return Enough(area, len(found.kept), certified=True)


def precision_of(bench: Bench, kept: tuple[int, ...], *, draws: int = 64) -> Number | None:
    """Share of fresh pictures that keep the prediction when some superpixels stay.

    The same surroundings are drawn for every set of a bench, so that sets of equal area are
    compared in pairs. The interval is Wilson's.
    """
    if bench.decision is None:
        return None
    around = Neighbourhood((bench.decision.elsewhere(bench.view.game),), HIDDEN)
    share = around.draw(kept, draws, bench.rng(6)).hits / draws
    z = interval_factor()
    middle = (share + z**2 / (2 * draws)) / (1 + z**2 / draws)
    reach = z * np.sqrt(share * (1 - share) / draws + (z / (2 * draws)) ** 2) / (1 + z**2 / draws)
    return Number(share, float(middle - reach), float(middle + reach))


def top_of_area(order: Order, areas: Float64[np.ndarray, " d"], share: float) -> tuple[int, ...]:
    """Take the most relevant superpixels that together cover about a share of the picture.

    The last one is taken only if that brings the area nearer to the share; at least one is.
    """
    covered = np.cumsum(areas[order]) / areas.sum()
    count = int(np.argmin(np.abs(covered - share))) + 1
    return tuple(int(player) for player in order[:count])


def one_order(bench: Bench, values: Float64[np.ndarray, " d"]) -> Order:
    """Rank superpixels, the most relevant first; equal ones at random, but always alike."""
    return orders_of(values, bench.rng(4), most=1)[0]
