"""Which of two is better, and how sure: paired differences over pictures, with intervals.

Methods are compared on the same pictures, so that what differs from picture to picture cancels;
where the pictures are too few to tell, the answer is that they are too few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64, Int64
from scipy.special import ndtr

from seewhy.errors import InputError
from seewhy.game.bootstrap import bca_of_means

EXACT_UP_TO = 200
"""Differences up to which a signed-rank test counts all assignments of signs."""

_FEWEST = 5  # below, the interval of skewed values covers 82 % and less
_POWER = 7.849  # (z.975 + z.8)²: two-sided 5 %, found in 80 % of studies
_NO_VERDICT_BELOW = 6  # five differences of one sign still have p = 2/32 > .05


@dataclass(frozen=True)
class Estimate:
    """A mean and its interval.

    Attributes
    ----------
    mean : float
        NaN when there is no value.
    low, high : float or None
        None when there are fewer than five values, too few for an interval to mean what it says.
    n : int
        How many values it is the mean of.
    """

    mean: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Difference:
    """Which of two methods is better, by how much, and whether that can be told.

    Attributes
    ----------
    first, second : str
        Names; the first is the better one on average over these pictures.
    mean : float
        Of the paired differences, so signed that positive means the first is better.
    low, high : float or None
        Interval of that mean; None with fewer than five pictures.
    p : float
        Of the two-sided signed-rank test of this pair alone.
    p_adjusted : float
        The same by Holm's method, for all the pairs that were compared.
    n : int
        Pictures on which both are defined.
    spread : float
        Standard deviation of the differences; NaN for one picture.
    win_share : float
        Share of pictures on which the first is better, ties counting half.
    separable : bool
        Adjusted p below one minus the level, and an interval that excludes zero.
    pictures_needed : int or None
        Pictures with which a difference of this size (or the worthwhile one) would be found in
        80 % of studies at the 5 % level, at this spread and for this pair alone; None for no
        difference or a single picture.
    """

    first: str
    second: str
    mean: float
    low: float | None
    high: float | None
    p: float
    p_adjusted: float
    n: int
    spread: float
    win_share: float
    separable: bool
    pictures_needed: int | None


def mean_with_interval(
    values: Float[np.ndarray, " n"], rng: np.random.Generator, *, level: float = 0.95
) -> Estimate:
    """Return the mean over pictures, and how far the pictures leave it open.

    BCa bootstrap, expanded for few values: see `seewhy.game.bootstrap.bca_of_means`.

    Parameters
    ----------
    values : (n,) array
        NaN where a picture has none; such entries are left out.
    rng : numpy.random.Generator
        Draws the resamples.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        Equal values have the interval [mean, mean].

    Raises
    ------
    InputError
        If values are infinite or not one-dimensional, or the level is not between 0 and 1.

    Examples
    --------
    >>> mean_with_interval(np.array([0.5, np.nan, *4 * [0.5]]), np.random.default_rng(0))
    Estimate(mean=0.5, low=0.5, high=0.5, n=5)
    """
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or np.isinf(given).any():
        raise InputError(
            "values must be a one-dimensional array, finite or NaN where undefined; got shape "
            f"{given.shape} with {int(np.isinf(given).sum())} infinite"
        )
    _check_level(level)
    return _estimates([given[~np.isnan(given)]], rng, level)[0]


def _estimates(
    columns: Sequence[Float64[np.ndarray, " n"]], rng: np.random.Generator, level: float
) -> list[Estimate]:
    """Estimate the means of columns; those of one length share their resamples."""
    found = {}
    for n in sorted({len(column) for column in columns}):
        same = [place for place, column in enumerate(columns) if len(column) == n]
        table = np.stack([columns[place] for place in same], axis=1)
        means = table.mean(axis=0).tolist() if n else [np.nan] * len(same)
        ends: list[tuple[float | None, float | None]] = [(None, None)] * len(same)
        if n >= _FEWEST:
            ends = [(low, high) for low, high in bca_of_means(table, rng, level=level).tolist()]
        for place, mean, (low, high) in zip(same, means, ends, strict=True):
            found[place] = Estimate(mean, low, high, n)
    return [found[place] for place in range(len(columns))]


def paired_differences(
    scores: Float[np.ndarray, "n m"],
    names: Sequence[str],
    rng: np.random.Generator,
    *,
    better: Literal["higher", "lower"],
    worthwhile: float | None = None,
    level: float = 0.95,
) -> tuple[Difference, ...]:
    """Compare every two methods on the pictures on which both have a score.

    Parameters
    ----------
    scores : (n, m) array
        A row per picture, a column per method; NaN where undefined.
    names : sequence of m str
    rng : numpy.random.Generator
        Draws the resamples of the intervals.
    better : {"higher", "lower"}
        Which scores are better.
    worthwhile : float, optional
        The difference that matters, for ``pictures_needed``; by default the observed one.
    level : float
        Of the intervals; a pair is separable at one minus this level, over all pairs.

    Returns
    -------
    tuple of Difference
        A pair each, in the order of the names; pairs without a common picture are left out.

    Raises
    ------
    InputError
        If shapes do not fit, scores are infinite, or a setting is out of range.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.5], [0.8, 0.6], [0.7, 0.2], [0.8, 0.9]])
    >>> found, = paired_differences(scores, "ab", np.random.default_rng(0), better="higher")
    >>> found.first, round(found.mean, 3), found.win_share, found.separable, found.pictures_needed
    ('a', 0.25, 0.75, False, 9)
    """
    table = _checked_scores(scores, names, better, worthwhile)
    _check_level(level)
    signed = table if better == "higher" else -table
    pairs: list[tuple[str, str, Float64[np.ndarray, " k"]]] = []
    for i, j in combinations(range(len(names)), 2):
        differences = _differences(signed[:, i], signed[:, j])
        if not len(differences):
            continue
        swap = differences.mean() < 0
        first, second = (j, i) if swap else (i, j)
        pairs.append((names[first], names[second], -differences if swap else differences))
    columns = [differences for *_, differences in pairs]
    ps = np.array([signed_rank_p(differences) for differences in columns])
    estimates = _estimates(columns, rng, level)
    return tuple(
        _difference(pair, found, (float(p), float(adjusted)), worthwhile, level)
        for pair, found, p, adjusted in zip(pairs, estimates, ps, holm(ps), strict=True)
    )


def _difference(
    pair: tuple[str, str, Float64[np.ndarray, " k"]],
    found: Estimate,
    ps: tuple[float, float],
    worthwhile: float | None,
    level: float,
) -> Difference:
    first, second, differences = pair
    p, adjusted = ps
    spread = float(differences.std(ddof=1)) if found.n > 1 else np.nan
    size = abs(found.mean) if worthwhile is None else worthwhile
    wins = np.mean(differences > 0) + np.mean(differences == 0) / 2
    # Rounding may leave one minus .95 at .05000000000000004.
    certain = adjusted < round(1 - level, 12) and found.low is not None and found.low > 0
    return Difference(
        first=first,
        second=second,
        mean=found.mean,
        low=found.low,
        high=found.high,
        p=p,
        p_adjusted=adjusted,
        n=found.n,
        spread=spread,
        win_share=float(wins),
        separable=bool(certain),
        pictures_needed=_needed(spread, size),
    )


def _needed(spread: float, size: float) -> int | None:
    if size == 0 or np.isnan(spread):
        return None
    return max(_NO_VERDICT_BELOW, ceil(_POWER * (spread / size) ** 2))


def _differences(
    first: Float64[np.ndarray, " n"], second: Float64[np.ndarray, " n"]
) -> Float64[np.ndarray, " k"]:
    """Return first − second where both are known; rounding errors are no differences."""
    both = ~(np.isnan(first) | np.isnan(second))
    one, two = first[both], second[both]
    differences = one - two
    differences[np.abs(differences) <= 1e-12 * np.maximum(np.abs(one), np.abs(two))] = 0.0
    return differences


def _checked_scores(
    scores: object, names: Sequence[str], better: str, worthwhile: float | None
) -> Float64[np.ndarray, "n m"]:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != len(names):
        raise InputError(
            f"scores must have shape (pictures, {len(names)}), a column per name; got {table.shape}"
        )
    if np.isinf(table).any():
        raise InputError(
            "scores must be finite, or NaN where undefined; got "
            f"{int(np.isinf(table).sum())} infinite ones"
        )
    if better not in ("higher", "lower"):
        raise InputError(f"better must be 'higher' or 'lower'; got {better!r}")
    if worthwhile is not None and not 0 < worthwhile < np.inf:
        raise InputError(f"worthwhile must be a positive difference of scores; got {worthwhile!r}")
    return table


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1; got {level!r}")


def signed_rank_p(differences: Float[np.ndarray, " n"]) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test.

    Equal sizes share their mean rank; zeros are ranked but carry no sign (Pratt 1959). Up to 200
    differences all assignments of signs to these ranks are counted, so that the value is exact
    with ties and zeros too; beyond, the normal distribution takes over.

    Parameters
    ----------
    differences : (n,) array
        Paired, finite.

    Returns
    -------
    float
        1 when there is no non-zero difference.

    Examples
    --------
    >>> signed_rank_p(np.array([0.2, 0.2, 0.1, 0.4, 0.3, 0.2]))
    0.03125
    """
    sizes = np.abs(np.asarray(differences, dtype=np.float64))
    if not sizes.any():
        return 1.0
    # 0.3 − 0.2 and 0.2 − 0.1 differ by rounding alone, and should tie.
    _, place, ties = np.unique(
        np.round(sizes / sizes.max(), 12), return_inverse=True, return_counts=True
    )
    doubled = (2 * ties.cumsum() - ties + 1)[place]  # whole numbers, where mean ranks may be halves
    signed = sizes > 0
    ranks = doubled[signed]
    positive = int(ranks[np.asarray(differences)[signed] > 0].sum())
    smaller = min(positive, int(ranks.sum()) - positive)
    if len(ranks) <= EXACT_UP_TO:
        return min(1.0, 2 * _chance_of_at_most(smaller, ranks))
    reach = (smaller - ranks.sum() / 2) / (np.sqrt((ranks**2).sum()) / 2)
    return min(1.0, 2 * float(ndtr(reach)))


def _chance_of_at_most(most: int, ranks: Int64[np.ndarray, " k"]) -> float:
    """Return the probability that ranks kept by the toss of a coin add up to that much at most."""
    chances = np.zeros(int(ranks.sum()) + 1)
    chances[0] = 1.0
    for rank in ranks.tolist():
        kept = chances[:-rank] / 2
        chances /= 2
        chances[rank:] += kept
    return float(chances[: most + 1].sum())


def holm(p: Float[np.ndarray, " m"]) -> Float64[np.ndarray, " m"]:
    """Adjust p-values for their number, so that any false find among them has 5 % at most.

    Holm's step-down method (1979): the smallest is multiplied by m, the next by m − 1, and so
    on, none below the one before it, none above 1.

    Parameters
    ----------
    p : (m,) array
        Of the tests, in any order; they may depend on each other.

    Returns
    -------
    (m,) array
        In the order given.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p, dtype=np.float64)
    if given.ndim != 1 or not ((given >= 0) & (given <= 1)).all():
        raise InputError(f"p must be a one-dimensional array of values in [0, 1]; got {given!r}")
    order = np.argsort(given, kind="stable")
    factors = np.arange(len(given), 0, -1)
    adjusted = np.empty_like(given)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return adjusted
