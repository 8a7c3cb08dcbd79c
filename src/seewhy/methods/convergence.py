"""When an explanation is settled: small errors everywhere, or the top regions set apart."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.errors import InputError
from seewhy.game.statistics import interval_factor


def settled(
    values: Float64[np.ndarray, "d k"],
    error: Float64[np.ndarray, "d k"] | None,
    *,
    epsilon: float,
    top_regions: int,
) -> Bool[np.ndarray, " k"]:
    """Tell for every target whether more masks would change what a person reads.

    Parameters
    ----------
    values, error : (d, k) arrays
        Without standard errors, values are exact and every target is settled.
    epsilon : float
        Every standard error is below ``epsilon`` times the largest value, …
    top_regions : int
        … or the interval between the so-many-th strongest superpixel and the next excludes zero.
    """
    if error is None:
        return np.ones(values.shape[1], bool)
    strength = np.abs(values)
    small: Bool[np.ndarray, " k"] = error.max(axis=0) <= epsilon * strength.max(axis=0)
    if top_regions >= len(values):
        return small
    order = np.argsort(-strength, axis=0, kind="stable")
    last, following = order[top_regions - 1], order[top_regions]
    column = np.arange(values.shape[1])
    gap = strength[last, column] - strength[following, column]
    doubt = np.hypot(error[last, column], error[following, column])
    return small | (gap > interval_factor() * doubt)


def check_stopping(epsilon: float, top_regions: int) -> None:
    """Refuse an ``epsilon`` that is not positive, or less than one top region."""
    if not epsilon > 0:
        raise InputError(f"epsilon must be positive; got {epsilon!r}")
    if not isinstance(top_regions, int | np.integer) or top_regions < 1:
        raise InputError(f"top_regions must be a whole number of at least 1; got {top_regions!r}")
