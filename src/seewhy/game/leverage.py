r"""Shapley values by regression on leverage-score samples: without a model of the game.

Shapley values solve a weighted least-squares problem over all coalitions
(Charnes et al. 1988; Lundberg and Lee, NeurIPS 2017, "Kernel SHAP"):

.. math::
    \min_φ \sum_{0<|S|<d} k_{|S|} \Big(v(S) − v(∅) − \sum_{i∈S} φ_i\Big)^2
    \quad \text{with} \quad \sum_i φ_i = v(N) − v(∅), \qquad
    k_s = \frac{d − 1}{\binom{d}{s} s (d − s)} .

A mask and its complement together see only the odd part
f(S) = (v(S) − v(N∖S))/2, and with signs x = 2z − 1 the problem becomes
f ≈ x·φ/2. Written on the plane Σφ = v(N) − v(∅), a row is √k_s times x
without its mean, of squared length 4 s(d − s)/d, so its leverage score is
1/C(d, s): every size deserves the same number of masks (Musco and Witter,
"Provably accurate Shapley value estimation via leverage score sampling",
ICLR 2025). Pairs are drawn without replacement, sizes that are used up are
enumerated, and every size is weighed by how many of its pairs were drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, islice
from math import comb

import numpy as np
from jaxtyping import Bool, Float64, Int64

from seewhy.errors import InputError
from seewhy.game.design import Design, Law, from_masks, interleave_complements
from seewhy.game.threads import one_blas_thread

ROUNDING = 1e-10  # singular values and 1 − leverage this small are rounding, not data
FIRST_BLOCK = 256
ENDLESS = 10**300  # more coalitions than a float can count

Masks = Bool[np.ndarray, "n d"]


def count_pairs(n_players: int) -> int:
    """Return how many pairs of a mask and its complement there are besides the two ends."""
    return 2 ** (n_players - 1) - 1


def leverage_pairs(
    n_players: int, n_pairs: int, rng: np.random.Generator, *, avoid: Masks | None = None
) -> Masks:
    """Draw masks of all sizes in equal shares, each followed by its complement.

    Parameters
    ----------
    n_players : int
        d, at least 2.
    n_pairs : int
        How many pairs; all there are when it is that many or more.
    rng : numpy.random.Generator
    avoid : (m, d) bool array, optional
        Masks drawn earlier (one of every pair is enough). None of them comes again,
        and the sizes are balanced over both together.

    Returns
    -------
    (2 n, d) bool array
        Mask and complement by turns, no pair twice. The first of each is the smaller one.

    Raises
    ------
    InputError
        Fewer than two players, or a number of pairs that is not positive.
    """
    if n_players < 2:
        raise InputError(f"n_players must be at least 2 to draw coalitions; got {n_players}")
    if n_pairs < 1:
        raise InputError(f"n_pairs must be at least 1; got {n_pairs}")
    taken = _keys_by_size(np.empty((0, n_players), bool) if avoid is None else avoid)
    earlier = np.array([len(keys) for keys in taken])
    expected = _expected_counts(n_players, min(n_pairs + earlier.sum(), count_pairs(n_players)))
    wanted = np.maximum(expected - earlier, 0.0)
    total = min(n_pairs, count_pairs(n_players) - int(earlier.sum()))
    if total < 1:
        return np.empty((0, n_players), bool)
    counts = _whole_numbers(wanted * (total / wanted.sum()), rng)
    drawn = [
        _draw_size(n_players, size, count, taken[size - 1], rng)
        for size, count in enumerate(counts.tolist(), start=1)
    ]
    return interleave_complements(np.concatenate(drawn))


def leverage_blocks(n_players: int, most: int, rng: np.random.Generator) -> Iterator[Design]:
    """Plan leverage-score pairs block by block, every block doubling what there is.

    Parameters
    ----------
    n_players : int
    most : int
        Masks in all blocks together; an odd one stays unspent.
    rng : numpy.random.Generator

    Yields
    ------
    Design
        Rows of law "leverage", mask and complement by turns, none twice over all blocks.
    """
    pairs = min(most // 2, count_pairs(n_players))
    drawn = np.empty((0, n_players), bool)
    while (left := pairs - len(drawn)) > 0:
        more = max(FIRST_BLOCK // 2, len(drawn))
        # what is left joins the last block when it is no block of its own
        size = left if left < 2 * more else more
        block = leverage_pairs(n_players, size, rng, avoid=drawn)
        drawn = np.concatenate([drawn, block[::2]])
        yield from_masks(block, Law.LEVERAGE)


@one_blas_thread()
def constrained_shapley_regression(
    signs: Float64[np.ndarray, "n d"],
    odd: Float64[np.ndarray, "n t"],
    whole: Float64[np.ndarray, " t"],
) -> tuple[Float64[np.ndarray, "d t"], Float64[np.ndarray, "d t"]]:
    r"""Fit Shapley values to pairs of masks, with values that add up exactly.

    .. math::
        \min_φ \sum_m \frac{k_{s_m}}{n_{s_m}/N_{s_m}} (f_m − x_m·φ/2)^2
        \quad \text{with} \quad \sum_i φ_i = 2 · \text{whole},

    n_s of the N_s pairs of size s being in the sample. Over all pairs these
    are the Shapley values themselves.

    Parameters
    ----------
    signs : (n, d) array of ±1
        One row per pair of masks, no pair twice. Within a size they must be a
        simple random sample, as `leverage_pairs` draws them.
    odd : (n, t) array
        (v(S) − v(N∖S)) / 2, one column per target.
    whole : (t,) array
        (v(N) − v(∅)) / 2.

    Returns
    -------
    values : (d, t) array
        With fewer pairs than players, the solution nearest to equal shares.
    standard_error : (d, t) array
        HC3 sandwich over pairs (residuals of fits without the pair), with the
        finite-population factor 1 − n_s/N_s, so that it is zero once all is
        asked. Directions that no pair has seen are taken to hold as much as
        those that were.
    """
    n_players = signs.shape[1]
    sizes = _sizes(signs > 0)
    drawn = np.bincount(sizes, minlength=n_players // 2 + 1)[sizes]
    share = drawn / _populations(n_players)[sizes - 1]
    # k_s N_s / n_s without C(d, s), which is large: N_s is that, or half of it
    weight = _sides(n_players)[sizes - 1] / (drawn * sizes * (n_players - sizes))
    root = np.sqrt(weight)[:, None]
    rows = root * (signs - signs.mean(axis=1, keepdims=True)) / 2
    equal = 2 * whole / n_players
    targets = root * (odd - signs.sum(axis=1, keepdims=True) / 2 * equal)
    inverse, unseen, left_out = _least_squares(rows, targets)
    change = inverse @ targets
    spread = inverse**2 @ ((1 - share)[:, None] * left_out**2)
    rank = n_players - 1 - round(float(unseen.sum()))
    spread += np.outer(unseen, (change**2).sum(axis=0) / max(rank, 1))
    values = equal + change
    return values + (2 * whole - values.sum(axis=0)) / n_players, np.sqrt(spread)


def _least_squares(
    rows: Float64[np.ndarray, "n d"], targets: Float64[np.ndarray, "n t"]
) -> tuple[Float64[np.ndarray, "d n"], Float64[np.ndarray, " d"], Float64[np.ndarray, "n t"]]:
    """Pseudo-inverse, share of every player that no row sees, and residuals left out.

    A row that others determine has the residual r/(1 − h) without itself; one
    that they do not is interpolated (h = 1), and then it is (G⁺y)_m / (G⁺)_mm
    with G the Gram matrix of the rows.
    """
    left, singular, right = np.linalg.svd(rows, full_matrices=False)
    seen = singular > ROUNDING * singular[0]
    left, singular, right = left[:, seen], singular[seen], right[seen]
    inverse = (right.T / singular) @ left.T
    n_players = rows.shape[1]
    unseen = 1 - 1 / n_players - (right**2).sum(axis=0)
    unseen = np.where(unseen > ROUNDING, unseen, 0.0)
    slack = 1 - (left**2).sum(axis=1)
    residuals = targets - left @ (left.T @ targets)
    gram = left / singular**2
    interpolated = (gram @ (left.T @ targets)) / np.einsum("nr,nr->n", gram, left)[:, None]
    free = slack > 1e3 * ROUNDING
    others = residuals / np.where(free, slack, 1.0)[:, None]
    return inverse, unseen, np.where(free[:, None], others, interpolated)


def _sides(n_players: int) -> Float64[np.ndarray, " sizes"]:
    """Pairs per coalition of 1…⌊d/2⌋ players: one, and a half where both masks have that size."""
    sides = np.ones(n_players // 2)
    if n_players % 2 == 0:
        sides[-1] = 0.5
    return sides


@cache
def _populations(n_players: int) -> Float64[np.ndarray, " sizes"]:
    """Number of pairs whose smaller mask keeps 1…⌊d/2⌋ players."""
    counts = [min(comb(n_players, size), ENDLESS) for size in range(1, n_players // 2 + 1)]
    populations = np.array(counts, float) * _sides(n_players)
    populations.flags.writeable = False
    return populations


def _expected_counts(n_players: int, n_pairs: int) -> Float64[np.ndarray, " sizes"]:
    """Give every size of mask the same number, up to all that it has; in total ``n_pairs``."""
    populations, mass = _populations(n_players), _sides(n_players)
    full = np.zeros(len(mass), bool)
    while True:
        left = n_pairs - populations[full].sum()
        counts = np.where(full, populations, left * mass / max(mass[~full].sum(), 0.5))
        over = counts > populations
        if not over.any():
            return counts
        full |= over


def _whole_numbers(
    expected: Float64[np.ndarray, " sizes"], rng: np.random.Generator
) -> Int64[np.ndarray, " sizes"]:
    """Round up or down at random, to the same sum: systematic sampling."""
    ends = np.append(0.0, np.cumsum(expected))
    ends[-1] = round(ends[-1])
    # rounding in the sum must not carry a whole number over its edge
    return np.diff(np.floor(np.round(ends, 9) + rng.random()).astype(np.int64))


def _sizes(masks: Masks) -> Int64[np.ndarray, " n"]:
    """Players that the smaller mask of every pair keeps."""
    kept = masks.sum(axis=1)
    return np.minimum(kept, masks.shape[1] - kept)


def _smaller(masks: Masks) -> Masks:
    """The smaller mask of every pair; of two halves the one with the first player."""
    kept, n_players = masks.sum(axis=1), masks.shape[1]
    turn = (2 * kept > n_players) | ((2 * kept == n_players) & ~masks[:, 0])
    return masks ^ turn[:, None]


def _keys_by_size(masks: Masks) -> list[set[bytes]]:
    keys: list[set[bytes]] = [set() for _ in range(masks.shape[1] // 2)]
    for row, size in zip(_smaller(masks), _sizes(masks).tolist(), strict=True):
        if size:
            keys[size - 1].add(row.tobytes())
    return keys


def _draw_size(
    n_players: int, size: int, count: int, taken: set[bytes], rng: np.random.Generator
) -> Masks:
    """Draw ``count`` pairs of one size that are not in ``taken``, which they join."""
    if 2 * (count + len(taken)) > _populations(n_players)[size - 1]:
        free = [row for row in _all_of_size(n_players, size) if row.tobytes() not in taken]
        chosen = rng.permutation(len(free))[:count]
        return np.array([free[i] for i in sorted(chosen.tolist())], bool).reshape(-1, n_players)
    drawn: list[np.ndarray] = []
    while len(drawn) < count:
        order = rng.random((count, n_players)).argsort(axis=1)
        candidates = np.zeros((count, n_players), bool)
        np.put_along_axis(candidates, order[:, :size], True, axis=1)
        for row in _smaller(candidates):
            if len(drawn) < count and row.tobytes() not in taken:
                taken.add(row.tobytes())
                drawn.append(row)
    return np.array(drawn, bool).reshape(-1, n_players)


def _all_of_size(n_players: int, size: int) -> Masks:
    population = int(_populations(n_players)[size - 1])
    # in lexicographic order the halves that hold the first player come first
    chosen = list(islice(combinations(range(n_players), size), population))
    masks = np.zeros((population, n_players), bool)
    np.put_along_axis(masks, np.array(chosen), True, axis=1)
    return masks
