"""How sure, and how alike: R² with an interval, normal intervals, rank agreement."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtri, stdtrit  # scipy.stats takes a second to import


def interval_factor(level: float = 0.95) -> float:
    """Return how many standard errors a two-sided interval reaches to each side."""
    return float(ndtri(0.5 + level / 2))


def certain(
    values: Float[np.ndarray, "*shape"],
    standard_error: Float[np.ndarray, "*shape"] | None,
    *,
    level: float = 0.95,
) -> Bool[np.ndarray, "*shape"]:
    """Tell which values have a known sign: those whose interval excludes zero.

    Parameters
    ----------
    values, standard_error : arrays of one shape
        Without a standard error (nothing was sampled) every non-zero value is certain.
    level : float
        Of the interval.
    """
    if standard_error is None:
        return values != 0
    return np.abs(values) > interval_factor(level) * standard_error


def r_squared(residuals: Float[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> float:
    """Return the share of the variance of ``values`` that a prediction explains.

    1 − Σ residuals² / Σ (values − mean)²; 1 for a constant that is met
    exactly, and 0 for a constant that is not.
    """
    total = float(np.sum((values - values.mean()) ** 2))
    left = float(np.sum(residuals**2))
    if total == 0:
        return 1.0 if left == 0 else 0.0
    return 1 - left / total


def jackknife_interval(
    numerator: Float[np.ndarray, " n"],
    denominator: Float[np.ndarray, " n"],
    *,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return an interval of 1 − Σ numerator / Σ denominator over independent units.

    Jackknife on the log of the ratio, which keeps the upper end at or below 1;
    Student's t for so many units.

    Parameters
    ----------
    numerator, denominator : (n,) arrays
        Residual and total sum of squares of every unit (a pair of masks, say).
    """
    n = len(numerator)
    left, total = float(numerator.sum()), float(denominator.sum())
    if n < 2 or left <= 0 or total <= 0:
        point = 1.0 if left <= 0 else 0.0
        return point, point
    shares = np.maximum(left - numerator, 1e-12 * left) / np.maximum(
        total - denominator, 1e-12 * total
    )
    logs = np.log(shares)
    spread = np.sqrt((n - 1) / n * np.sum((logs - logs.mean()) ** 2))
    reach = float(stdtrit(n - 1, 0.5 + level / 2)) * spread
    ratio = left / total
    return 1 - ratio * float(np.exp(reach)), 1 - ratio * float(np.exp(-reach))


def rank_agreement(first: Float[np.ndarray, " d"], second: Float[np.ndarray, " d"]) -> float:
    """Return Spearman's rank correlation, ties sharing their mean rank.

    0 when either side is constant: a ranking of nothing agrees with nothing.

    Examples
    --------
    >>> rank_agreement(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 15.0]))
    0.5
    """
    a, b = _mean_ranks(first), _mean_ranks(second)
    a, b = a - a.mean(), b - b.mean()
    norms = float(np.sqrt((a @ a) * (b @ b)))
    return 0.0 if norms == 0 else float(a @ b) / norms


def _mean_ranks(values: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    _, place, ties = np.unique(values, return_inverse=True, return_counts=True)
    return (ties.cumsum() - (ties - 1) / 2)[place]


def top_agreement(
    first: Float[np.ndarray, " d"], second: Float[np.ndarray, " d"], count: int
) -> float:
    """Return the Jaccard overlap of the ``count`` largest entries of each, by magnitude."""
    top_first = set(np.argsort(-np.abs(first), kind="stable")[:count].tolist())
    top_second = set(np.argsort(-np.abs(second), kind="stable")[:count].tolist())
    return len(top_first & top_second) / len(top_first | top_second)
