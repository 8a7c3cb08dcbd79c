"""How alike explanations are: ranks and tops of maps on the same superpixels; concentration."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int64

from seewhy.errors import InputError
from seewhy.game.statistics import rank_agreement


def kendall_w(maps: Float[np.ndarray, "m d"]) -> float:
    """Return how far several explanations rank the superpixels alike: 1 when all do.

    Kendall's coefficient of concordance (Kendall and Babington Smith 1939), corrected for ties:
    12 S / (m² (d³ − d) − m Σ (t³ − t)), S the sum of squares of the rank sums about their mean,
    t the sizes of the groups of equal values. Unrelated rankings reach about 1/m.

    Parameters
    ----------
    maps : (m, d) array
        A row of values per explanation; large is important.

    Returns
    -------
    float
        Between 0 and 1. A constant map ranks nothing and agrees with nothing: beside one other
        map it gives ½, as unrelated rankings do. 0 when every map is constant.

    Examples
    --------
    >>> kendall_w(np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]]))
    1.0
    >>> kendall_w(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    0.0
    """
    table = _checked_maps(maps)
    m, d = table.shape
    sums, tied = np.zeros(d), 0
    for row in table:
        _, place, sizes = np.unique(row, return_inverse=True, return_counts=True)
        sums += (sizes.cumsum() - (sizes - 1) / 2)[place]
        tied += _cubes(sizes)
    most = m * m * (d**3 - d) - m * tied
    return float(12 * np.sum((sums - sums.mean()) ** 2) / most) if most else 0.0


def _cubes(sizes: Int64[np.ndarray, " g"]) -> int:
    return int((sizes.astype(np.int64) ** 3 - sizes).sum())


def pairwise_rank_agreement(maps: Float[np.ndarray, "m d"]) -> Float64[np.ndarray, "m m"]:
    """Return Spearman's rank correlation of every two explanations.

    Parameters
    ----------
    maps : (m, d) array
        A row of values per explanation.

    Returns
    -------
    (m, m) array
        Symmetric, 1 on the diagonal; 0 beside a constant map, which ranks nothing, and on its
        own place in the diagonal.

    Examples
    --------
    >>> pairwise_rank_agreement(np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    table = _checked_maps(maps)
    m = len(table)
    agreement = np.empty((m, m))
    for i in range(m):
        for j in range(i, m):
            agreement[i, j] = agreement[j, i] = rank_agreement(table[i], table[j])
    return agreement


def top_overlap(
    first: Float[np.ndarray, " d"],
    second: Float[np.ndarray, " d"],
    areas: Float[np.ndarray, " d"],
    *,
    share: float = 0.1,
) -> float:
    """Return how much of the strongest tenth of the picture two explanations have in common.

    The strongest superpixels, by magnitude, that cover about a share of the picture: the last
    one belongs to them if it brings their area nearer to that share, the first one always does.
    Then the common area over the area of both together (Jaccard).

    Parameters
    ----------
    first, second : (d,) arrays
        Values of the same superpixels; their signs do not matter.
    areas : (d,) array
        What each superpixel covers, in pixels or shares.
    share : float
        Of the whole area, between 0 and 1.

    Returns
    -------
    float
        1 for the same top, 0 for none in common. Equal magnitudes at the edge of the top belong
        to it in part, all of them alike; a map whose magnitudes are all equal has no top, and
        the overlap is 0.

    Raises
    ------
    InputError
        If shapes do not fit, values are not finite, or areas are not positive.

    Examples
    --------
    >>> one, two = np.array([9.0, -8.0, 1.0, 0.0]), np.array([-9.0, 1.0, 8.0, 0.0])
    >>> top_overlap(one, two, np.ones(4), share=0.25), top_overlap(one, two, np.ones(4), share=0.5)
    (1.0, 0.3333333333333333)
    """
    weights = _checked_areas(areas, first, second)
    if not 0 < share < 1:
        raise InputError(f"share must lie between 0 and 1; got {share!r}")
    aim = share * float(weights.sum())
    one, two = _top(np.abs(first), weights, aim), _top(np.abs(second), weights, aim)
    if one is None or two is None:
        return 0.0
    return float(weights @ np.minimum(one, two)) / float(weights @ np.maximum(one, two))


def _top(
    sizes: Float[np.ndarray, " d"], areas: Float64[np.ndarray, " d"], aim: float
) -> Float64[np.ndarray, " d"] | None:
    """How far each superpixel belongs to the strongest that cover ``aim``; None without order."""
    levels, place, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    if len(levels) == 1:
        return None
    belongs = np.zeros(len(sizes))
    covered = 0.0
    for level in range(len(levels) - 1, -1, -1):
        members = place == level
        area, left = float(areas[members].sum()), aim - covered
        if area > left:
            # Alone, it is in or out; among equals there is no saying which of them are.
            alone = counts[level] == 1
            belongs[members] = (not covered or area - left <= left) if alone else left / area
            break
        belongs[members] = 1.0
        covered += area
    return belongs


def gini(values: Float[np.ndarray, " d"]) -> float:
    """Return how concentrated an explanation is: 0 even, towards 1 all in one superpixel.

    Gini's index of the magnitudes (Chalasani et al. 2020), Σ (2 i − d − 1) |v|₍ᵢ₎ / (d Σ |v|) in
    increasing order; with everything in one of d superpixels it is (d − 1)/d.

    Parameters
    ----------
    values : (d,) array
        Finite; their signs do not matter. 0 when all of them are 0.

    Examples
    --------
    >>> gini(np.array([1.0, -1.0, 1.0, 1.0])), gini(np.array([0.0, 0.0, -5.0, 0.0]))
    (0.0, 0.75)
    """
    sizes = np.sort(np.abs(_checked_maps(np.asarray(values)[None])[0]))
    d, total = len(sizes), float(sizes.sum())
    if total == 0:
        return 0.0
    return float((2 * np.arange(1, d + 1) - d - 1) @ sizes) / (d * total)


def _checked_maps(maps: object) -> Float64[np.ndarray, "m d"]:
    table = np.asarray(maps, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape:
        raise InputError(
            "maps must have a row of values per explanation and a column per superpixel; got "
            f"shape {table.shape}"
        )
    if not np.isfinite(table).all():
        raise InputError(
            f"maps must be finite to be compared; got {int((~np.isfinite(table)).sum())} values "
            "that are not"
        )
    return table


def _checked_areas(
    areas: Float[np.ndarray, " d"], *maps: Float[np.ndarray, " d"]
) -> Float64[np.ndarray, " d"]:
    weights = np.asarray(areas, dtype=np.float64)
    if weights.ndim != 1 or any(np.shape(values) != weights.shape for values in maps):
        raise InputError(
            "values and areas must be of one length, an entry per superpixel; got shapes "
            f"{', '.join(str(np.shape(values)) for values in (*maps, weights))}"
        )
    if not ((weights > 0) & np.isfinite(weights)).all():
        raise InputError("areas must be positive: every superpixel covers something")
    _checked_maps(np.stack([np.asarray(values) for values in maps]))
    return weights
