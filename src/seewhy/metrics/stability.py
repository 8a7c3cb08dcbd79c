"""Stability: does the explanation come again, also for a picture that has hardly changed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product

import numpy as np
from jaxtyping import Float64
from scipy.special import stdtrit

from seewhy.game.agreement import top_overlap
from seewhy.game.curves import without_dust
from seewhy.game.statistics import rank_agreement
from seewhy.metrics.measures import Number

Map = Float64[np.ndarray, " d"]
Maps = Float64[np.ndarray, "r d"]
Agreement = Callable[[Map, Map], float]


def repeat_agreement(maps: Maps) -> Number | None:
    """Mean rank agreement (Spearman) of runs that differ in their random draws alone.

    Parameters
    ----------
    maps : (r, d) array
        One run per row.

    Returns
    -------
    Number or None
        With an interval from three runs on, a jackknife over runs; None for a single run.
    """
    return _over_pairs(maps, _agreement, least=-1.0)


def repeat_overlap(maps: Maps, areas: Float64[np.ndarray, " d"], share: float) -> Number | None:
    """Mean overlap of the strongest part of the picture between such runs; see `top_overlap`."""
    return _over_pairs(maps, lambda a, b: top_overlap(a, b, areas, share=share), least=0.0)


def lost_to_noise(maps: Maps, noisy: Maps) -> Number | None:
    """Rank agreement lost between pictures that differ by noise, beyond what chance costs.

    Mean agreement of two runs on the same picture, minus that of a run on it and one on a
    noisy copy with the same prediction. Both kinds of pairs have different random draws, so
    that chance cancels: a method that merely samples loses nothing here, and neither does
    one that says the same of every picture, which is why this never stands alone.

    Parameters
    ----------
    maps : (r, d) array
        Runs on the picture, r ≥ 2; equal rows for a method without chance.
    noisy : (m, d) array
        One run per noisy copy; none, and there is nothing to tell.
    """
    if len(maps) < 2 or not len(noisy):
        return None
    across = np.array([_agreement(a, b) for a, b in product(maps, noisy)])
    among = _pair_matrix(maps, _agreement)
    lost = float(_mean_off_diagonal(among) - across.mean())
    if len(noisy) < 3:
        return Number(lost)
    by_copy = across.reshape(len(maps), len(noisy)).mean(axis=0)
    reach = float(stdtrit(len(noisy) - 1, 0.975)) * by_copy.std(ddof=1) / np.sqrt(len(noisy))
    return Number(lost, lost - float(reach), lost + float(reach))


def over_repeats(values: Float64[np.ndarray, " r"]) -> Number:
    """Mean of a score over runs, with a Student interval; one run, or equal ones, have none."""
    mean = float(values.mean())
    if len(values) < 2 or np.ptp(values) == 0:
        return Number(mean)
    reach = float(stdtrit(len(values) - 1, 0.975)) * values.std(ddof=1) / np.sqrt(len(values))
    return Number(mean, mean - float(reach), mean + float(reach))


def _agreement(first: Map, second: Map) -> float:
    """Spearman's; regions of which nothing is said are equal, not ranked by rounding."""
    return rank_agreement(without_dust(first), without_dust(second))


def _over_pairs(maps: Maps, agreement: Agreement, *, least: float) -> Number | None:
    if len(maps) < 2:
        return None
    pairs = _pair_matrix(maps, agreement)
    mean = _mean_off_diagonal(pairs)
    if len(maps) < 3:
        return Number(mean)
    runs = np.arange(len(maps))
    left_out = np.array([_mean_off_diagonal(pairs[np.ix_(runs != r, runs != r)]) for r in runs])
    n = len(runs)
    spread = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean()) ** 2))
    reach = float(stdtrit(n - 1, 0.975) * spread)
    return Number(mean, max(mean - reach, least), min(mean + reach, 1.0))


def _pair_matrix(maps: Maps, agreement: Agreement) -> Float64[np.ndarray, "r r"]:
    found = np.eye(len(maps))
    for a, b in combinations(range(len(maps)), 2):
        found[a, b] = found[b, a] = agreement(maps[a], maps[b])
    return found


def _mean_off_diagonal(matrix: Float64[np.ndarray, "r r"]) -> float:
    return float(matrix[~np.eye(len(matrix), dtype=bool)].mean())
