"""Do the values add up? What their sums foretell of half-hidden pictures never seen before."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from scipy.special import stdtrit

from seewhy.game.statistics import jackknife_interval
from seewhy.methods.explanation import Reading
from seewhy.metrics.bench import Bench
from seewhy.metrics.measures import Number

SLOPES: dict[Reading, float] = {"hiding": 1.0, "share": 1.0, "showing": 2.0}
"""What keeping a superpixel adds, by its value, where values claim that. Showing one lifts the
mean by half of what hiding it takes away."""

NEARLY_ONE = 1 - 1e-12


def r_squared_on_fresh(
    bench: Bench, values: Float64[np.ndarray, " d"], reading: Reading
) -> Number | None:
    """R² of level + Σ values of the kept superpixels, on fresh half-hidden pictures.

    The slope is taken at its word, the level is fitted. Below 0 where the sums foretell
    less than the mean does.

    Parameters
    ----------
    bench : Bench
    values : (d,) array
        In units of the score.
    reading : str
        How values are to be read: weights without a unit claim no sum, and get None.
    """
    slope = SLOPES.get(reading)
    if slope is None:
        return None
    masks, scores = bench.fresh
    predicted = slope * (masks @ values)
    around = scores - scores.mean()
    if np.ptp(scores) == 0:  # a sum of squares would be of rounding
        return Number(1.0 if np.ptp(predicted) == 0 else 0.0)
    left = _by_pair((around - (predicted - predicted.mean())) ** 2)
    total = _by_pair(around**2)
    low, high = jackknife_interval(left, total)
    return Number(1 - float(left.sum() / total.sum()), low, high)


def correlation_on_fresh(bench: Bench, values: Float64[np.ndarray, " d"]) -> Number:
    """Correlation of the sums with the score of fresh half-hidden pictures.

    μFidelity with half of the picture hidden at a time: indifferent to the scale of the
    values. 0 where either side is constant. The interval is a jackknife over pairs of
    pictures on Fisher's z.

    References
    ----------
    Bhatt, Weller, Moura: Evaluating and aggregating feature-based model explanations,
    IJCAI 2020.
    """
    masks, scores = bench.fresh
    sums = masks @ values
    if np.ptp(sums) == 0 or np.ptp(scores) == 0:
        return Number(0.0, 0.0, 0.0)
    whole = _correlation(sums, scores)
    pairs = len(scores) // 2
    if abs(whole) >= NEARLY_ONE:
        return Number(whole, whole, whole)
    each = np.arange(len(scores)) // 2
    left_out = [_correlation(sums[each != p], scores[each != p]) for p in range(pairs)]
    z = np.arctanh(np.clip(left_out, -NEARLY_ONE, NEARLY_ONE))
    spread = np.sqrt((pairs - 1) / pairs * np.sum((z - z.mean()) ** 2))
    reach = float(stdtrit(pairs - 1, 0.975)) * spread
    return Number(whole, *np.tanh(np.arctanh(whole) + np.array([-reach, reach])).tolist())


def _correlation(sums: Float64[np.ndarray, " n"], scores: Float64[np.ndarray, " n"]) -> float:
    a, b = sums - sums.mean(), scores - scores.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / size, -1, 1)) if size > 0 else 0.0


def _by_pair(squares: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " m"]:
    return squares.reshape(-1, 2).sum(axis=1)
