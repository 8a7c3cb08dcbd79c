"""Bootstrap intervals of means, many means from one set of resamples."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from scipy.special import ndtr, ndtri, stdtrit  # scipy.stats takes a second to import

RESAMPLES = 9999
"""Resamples of an interval; fewer beyond 2 000 values, where fewer do."""

_MOST_DRAWN = 20_000_000
_AT_ONCE = 4_000_000


def expanded_tail(n: int, level: float) -> float:
    """Return the share of resampled means to leave out on each side, for so many values.

    Percentiles of resamples are too narrow for few values, by √((n − 1)/n) and for want of
    Student's t; Hesterberg (2015, "What teachers should know about the bootstrap") takes
    percentiles further out, Φ(−√(n/(n − 1)) t).

    Examples
    --------
    >>> round(expanded_tail(10, 0.95), 4), round(expanded_tail(1000, 0.95), 4)
    (0.0086, 0.0248)
    """
    reach = float(stdtrit(n - 1, 0.5 + level / 2)) * np.sqrt(n / (n - 1))
    return float(ndtr(-reach))


def bca_of_means(
    values: Float[np.ndarray, "n k"], rng: np.random.Generator, *, level: float = 0.95
) -> Float64[np.ndarray, "k 2"]:
    """Return the bootstrap interval of every column's mean, rows being drawn together.

    Bias-corrected and accelerated (Efron 1987), which follows skewed values; the acceleration of
    a mean is Σ c³ / (6 (Σ c²)^1.5) with c the values less their mean. Percentiles are those of
    `expanded_tail`: five normal values are covered in 91 % of cases so, and in 84 % without.

    Parameters
    ----------
    values : (n, k) array
        Finite, at least two rows; a row is what is drawn as a whole (a picture).
    rng : numpy.random.Generator
    level : float

    Returns
    -------
    (k, 2) array
        Lower and upper ends; a column of equal values has its value twice.
    """
    table = np.asarray(values, dtype=np.float64)
    n = len(table)
    means = table.mean(axis=0)
    centred = table - means
    scale = np.abs(centred).max(axis=0)
    varied = scale > 1e-12 * np.abs(table).max(axis=0)
    ends = np.repeat(means[:, None], 2, axis=1)
    if varied.any():
        centred = centred[:, varied] / scale[varied]
        shifts = _resampled(centred, rng)
        tails = _bca_tails(centred, shifts, expanded_tail(n, level))
        found = [np.quantile(column, tail) for column, tail in zip(shifts.T, tails, strict=True)]
        ends[varied] += scale[varied, None] * np.array(found)
    return ends


def _resampled(
    centred: Float64[np.ndarray, "n k"], rng: np.random.Generator
) -> Float64[np.ndarray, "b k"]:
    """Means of resampled rows: how often each row is drawn, times the rows."""
    n = len(centred)
    count = int(np.clip(_MOST_DRAWN // n, min(999, RESAMPLES), RESAMPLES))
    rows = max(1, _AT_ONCE // n)
    means = np.empty((count, centred.shape[1]))
    for start in range(0, count, rows):
        size = min(rows, count - start)
        drawn = rng.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        means[start : start + size] = times @ centred / n
    return means


def _bca_tails(
    centred: Float64[np.ndarray, "n k"], shifts: Float64[np.ndarray, "b k"], tail: float
) -> Float64[np.ndarray, "k 2"]:
    # A resample of the very same mean differs from it by rounding, and counts half.
    equal = np.abs(shifts) <= 1e-12
    below = np.mean((shifts < 0) & ~equal, axis=0) + equal.mean(axis=0) / 2
    least = 0.5 / len(shifts)
    bias = ndtri(np.clip(below, least, 1 - least))
    acceleration = (centred**3).sum(axis=0) / (6 * (centred**2).sum(axis=0) ** 1.5)
    moved = bias[:, None] + ndtri(tail) * np.array([1, -1])
    # Far out, where this would turn round, the outermost resample is the end.
    divisor = np.maximum(1 - acceleration[:, None] * moved, 1e-9)
    return ndtr(bias[:, None] + moved / divisor)
