r"""What strong players may do together, counted in the error bars of single ones.

On a fold-over block the product of three columns is, up to its sign, a fourth one. Where that
belongs to a player, the block cannot tell the player from the three together: they are aliases.
A surrogate tells them apart by its prior alone, which takes interactions to be small, so where
three marks act only together it gives the fourth player a value of theirs, and is sure of it.

Interactions of three and five of the strongest players are therefore allowed to be as large as
players' own effects let one expect (of an "and" of three, they are equally large): T may have a
coefficient f_T of mean square

.. math::
    τ_T² = κ² μ_T², \qquad μ_T = \tfrac12 \min_{j∈T} |v_j|, \qquad
    κ² = \frac{κ_0² M + Σ_T (u_T c_T² − s²/n)}{M + Σ_T u_T μ_T²}, \qquad M = \tfrac14 \max_T μ_T²,

with c_T the coefficient that n pairs show in what u_T of χ_T (a share) is no alias of players, and
s² the variance there of what no player explains; κ_0 counts as a quarter of the largest one, seen
whole. Of what is seen in part, more is known than that; the second moment of f_T is

.. math::
    m_T = (g c_T)² + (1 − g) τ_T², \qquad g = τ_T² / (τ_T² + s² / (n u_T)).

A value that is linear in the data, v_i = Σ_m W_im y_m, is off by f_T Σ_m W_im χ_T(x_m). The
error bar of the surrogate holds its own share of all interactions, so the larger of both counts.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from jaxtyping import Float64

from seewhy.game.functionals import MAIN_EFFECTS
from seewhy.game.surrogate import OddProcess, PerPlayer

STRONGEST = 8
ORDERS = (3, 5)
LIKENESS = 0.6  # κ₀, between the "2 of 4" (a third) and the "and" (one) of a few marks
WEIGHT = 0.25  # with 1, linear games of 40 players pay for a second block; with .1 "2 of 4" errs
_SEEN = 1e-6

PerGroup = Float64[np.ndarray, " t"]


def alias_error(process: OddProcess, values: PerPlayer) -> PerPlayer:
    """Say how far main effects may be off by interactions of strong players taken for them.

    Parameters
    ----------
    process : OddProcess
        Fitted to pairs.
    values : (d,) array
        The main effects that it answers.

    Returns
    -------
    (d,) array
        Standard deviations. 0 for a game that never changes, and where there are no more pairs
        than players: too few for a block, and random pairs have no aliases.
    """
    groups = _groups(values)
    if not groups or not values.any() or process.pairs <= len(values):
        return np.zeros(len(values))
    x, y = process.x[: process.pairs], process.y[: process.pairs]
    strength = np.abs(values) / (2 * process.scale)
    expected = np.array([strength[group].min() for group in groups]) ** 2
    products = np.stack([x[:, group].prod(axis=1) for group in groups], axis=1)
    aliases = process.influence(MAIN_EFFECTS) @ products
    moments = _second_moments(x, y, products, expected)
    off: PerPlayer = process.scale * np.sqrt(np.square(aliases) @ moments)
    return off


def _groups(values: PerPlayer) -> list[list[int]]:
    """List the groups of three and five among the strongest players."""
    strongest = np.sort(np.argsort(-np.abs(values), kind="stable")[:STRONGEST]).tolist()
    return [list(group) for order in ORDERS for group in combinations(strongest, order)]


def _second_moments(
    x: Float64[np.ndarray, "n d"],
    y: Float64[np.ndarray, " n"],
    products: Float64[np.ndarray, "n t"],
    expected: PerGroup,
) -> PerGroup:
    """Mean squares of the coefficients of groups, from ``expected`` ones up to κ² and the pairs."""
    n, d = x.shape
    guess = WEIGHT * float(expected.max())
    basis, _ = np.linalg.qr(x)
    left = products - basis @ (basis.T @ products)
    rest = y - basis @ (basis.T @ y)
    noise = float(rest @ rest) / (n - d)
    seen = np.square(left).sum(axis=0)  # n u_T
    some = seen > _SEEN * n
    shown = np.where(some, left.T @ y / np.where(some, seen, 1.0), 0.0)
    above = (seen * shown**2 - noise)[some].sum() / n
    # an alias of players shows nothing, and the noise of the others may exceed what they show
    likeness = max(LIKENESS**2 * guess + above, 0.0) / (guess + (seen * expected)[some].sum() / n)
    prior = likeness * expected
    doubt = np.where(some, noise / np.where(some, seen, 1.0), np.inf)
    known = np.divide(prior, prior + doubt, out=np.zeros_like(prior), where=prior > 0)
    moments: PerGroup = (known * shown) ** 2 + prior * (1 - known)
    return moments
