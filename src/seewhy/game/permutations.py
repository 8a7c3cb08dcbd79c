r"""Walks from the empty picture to the whole one: what every player adds when its turn comes.

The Shapley value is what a player adds on average over all orders in which
players may join (Castro, Gómez, Tejada 2009). An order and its reverse make an
antithetic pair: where player i joins the set P in one, it joins what is left,
N∖P∖i, in the other, so the pair together sees

.. math::
    \tfrac12 [v(P ∪ i) − v(P)] + \tfrac12 [v(N∖P) − v(N∖P∖i)] = f(P ∪ i) − f(P),

the odd part f of the game alone: interactions of even order cancel (Mitchell et
al., "Sampling permutations for Shapley value estimation", JMLR 2022). Every
walk adds up to v(N) − v(∅) exactly, and pairs of walks are independent, so
their spread is the error bar.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float64, Int64
from scipy.special import stdtrit

from seewhy.errors import InputError
from seewhy.game.design import Design, Law, from_masks
from seewhy.game.statistics import interval_factor

FIRST_PAIRS = 3
ROUND = 128
SHARED_FREEDOM = 2

Orders = Int64[np.ndarray, "w d"]


def pair_cost(n_players: int) -> int:
    """Return how many masks a walk and its reverse ask for, the two ends apart."""
    return 2 * max(n_players - 1, 0)


def pairs_within(n_players: int, budget: int) -> int:
    """Return how many walks with their reverses a budget affords.

    Raises
    ------
    InputError
        None at all.
    """
    if budget < pair_cost(n_players):
        raise InputError(
            f"budget must be at least {pair_cost(n_players)} masks for one walk through "
            f"{n_players} players and its reverse; got {budget}: raise it, or use fewer superpixels"
        )
    return budget // max(pair_cost(n_players), 1)


def random_orders(n_players: int, n_pairs: int, rng: np.random.Generator) -> Orders:
    """Draw orders of the players, each followed by its reverse: (2 ``n_pairs``, d)."""
    return with_reverses(rng.permuted(np.tile(np.arange(n_players), (n_pairs, 1)), axis=1))


def with_reverses(orders: Int64[np.ndarray, "n d"]) -> Orders:
    """Follow every order by its reverse: (n, d) to (2n, d)."""
    return np.stack([orders, orders[:, ::-1]], axis=1).reshape(-1, orders.shape[1])


def walks(orders: Orders) -> Design:
    """Turn orders into the masks met on the way, d − 1 per walk, the two ends left out."""
    n_players = orders.shape[1]
    place = orders.argsort(axis=1)
    masks = place[:, None, :] <= np.arange(n_players - 1)[None, :, None]
    return from_masks(masks.reshape(-1, n_players), Law.WALKS)


def growing_rounds(n_players: int, n_pairs: int) -> Iterator[int]:
    """Split pairs of walks into rounds: three at first, then about 128 masks at a time."""
    step = max(1, ROUND // max(pair_cost(n_players), 1))
    done = 0
    while done < n_pairs:
        size = min(n_pairs - done, max(FIRST_PAIRS, step) if done == 0 else step)
        yield size
        done += size


def walk_contributions(
    masks: Bool[np.ndarray, "n d"],
    scores: Float64[np.ndarray, "n t"],
    empty: Float64[np.ndarray, " t"],
    whole: Float64[np.ndarray, " t"],
) -> Float64[np.ndarray, "p d t"]:
    """Average what every player adds over each walk and its reverse.

    Parameters
    ----------
    masks : (n, d) bool array
        Rows of `walks`: d − 1 per walk, every walk followed by its reverse. Of
        one player there are no rows, and it adds everything.
    scores : (n, t) array
    empty, whole : (t,) arrays
        v(∅) and v(N).

    Returns
    -------
    (p, d, t) array
        One layer per antithetic pair; each sums to v(N) − v(∅) over the players.
    """
    n_players, n_targets = masks.shape[1], len(empty)
    if n_players == 1:
        return (whole - empty)[None, None]
    steps = scores.reshape(-1, n_players - 1, n_targets)
    ends = [np.broadcast_to(end, (len(steps), 1, n_targets)) for end in (empty, whole)]
    added = np.diff(np.concatenate([ends[0], steps, ends[1]], axis=1), axis=1)
    # a player is missing from as many masks of its walk as players come before it
    place = (~masks).reshape(-1, n_players - 1, n_players).sum(axis=1)
    single = np.take_along_axis(added, place[:, :, None], axis=1)
    return (single[::2] + single[1::2]) / 2


def mean_and_error(
    contributions: Float64[np.ndarray, "p d t"],
) -> tuple[Float64[np.ndarray, "d t"], Float64[np.ndarray, "d t"]]:
    """Average independent pairs of walks, and tell how sure the average is.

    Few pairs may agree by accident, so the variance of every player over the
    pairs is taken together with the mean variance over all players, which
    counts as two more pairs; and the error is widened by Student's t, so that
    a normal 95 % interval holds. One pair alone has no spread: its error is
    the rms of the values themselves, the same for all.

    Parameters
    ----------
    contributions : (p, d, t) array

    Returns
    -------
    values, standard_error : (d, t) arrays
    """
    n_pairs = len(contributions)
    values = contributions.mean(axis=0)
    if n_pairs < 2:
        rms = np.sqrt((values**2).mean(axis=0))
        return values, np.broadcast_to(rms, values.shape).copy()
    variance = contributions.var(axis=0, ddof=1)
    freedom = n_pairs - 1 + SHARED_FREEDOM
    shared = SHARED_FREEDOM * variance.mean(axis=0)
    variance = ((n_pairs - 1) * variance + shared) / freedom
    widening = float(stdtrit(freedom, 0.975)) / interval_factor(0.95)
    return values, widening * np.sqrt(variance / n_pairs)
