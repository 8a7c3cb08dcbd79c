"""One value per player when every mask was asked: exact, nothing is sampled."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.design import Design
from seewhy.game.fidelity import Fidelity, PairedScores, exhaustive_fidelity, variance_shares
from seewhy.game.linear_models import LinearModel, Scores, without_rounding
from seewhy.game.regression import lime_weights, weighted_ridge
from seewhy.game.semivalues import (
    SizeWeights,
    interactions,
    semivalues,
    shapley_weights,
)
from seewhy.game.threads import one_blas_thread

MAX_PLAYERS_FOR_INTERACTIONS = 16


@one_blas_thread()
def lime_from_all_masks(design: Design, scores: Scores, *, kernel_width: float) -> LinearModel:
    """Fit LIME's weighted regression to every mask there is."""
    masks, ordered = _in_order(design, scores)
    fit = weighted_ridge(masks, ordered, weights=lime_weights(masks, kernel_width))
    fidelity = _fidelity(masks, ordered, fit.coefficients, fit.intercept)
    return LinearModel(fit.coefficients, None, fit.intercept, fidelity)


@one_blas_thread()
def semivalues_from_all_masks(
    design: Design, scores: Scores, weights: SizeWeights
) -> tuple[LinearModel, Float64[np.ndarray, "d d t"] | None]:
    """Average what every player, and every pair of players, adds over all masks.

    Parameters
    ----------
    design : Design
        Every mask there is, in any order.
    scores : (2^d, t) array
    weights : callable
        Of the semivalue, see `seewhy.game.semivalues`.

    Returns
    -------
    model : LinearModel
        Of Shapley values the intercept is v(∅); of others it makes the mean right.
    interactions : (d, d, t) array or None
        None above 16 players, where nobody reads them.
    """
    masks, ordered = _in_order(design, scores)
    values = semivalues(ordered, weights)
    level = ordered.mean(axis=0) - values.sum(axis=0) / 2
    intercept = ordered[0] if weights is shapley_weights else level
    model = LinearModel(values, None, intercept, _fidelity(masks, ordered, values, intercept))
    few = design.n_players <= MAX_PLAYERS_FOR_INTERACTIONS
    return model, interactions(ordered, weights) if few else None


def _in_order(design: Design, scores: Scores) -> tuple[Bool[np.ndarray, "m d"], Scores]:
    """All masks by number, as `all_masks` lists them: the complement of row i is row m − 1 − i."""
    order = np.lexsort(design.masks.T)
    return design.masks[order], without_rounding(scores)[order]


def _fidelity(
    masks: Bool[np.ndarray, "m d"],
    scores: Scores,
    values: Float64[np.ndarray, "d t"],
    intercept: Float64[np.ndarray, " t"],
) -> tuple[Fidelity, ...]:
    half = len(masks) // 2
    first, second = scores[:half], scores[::-1][:half]
    signs = np.where(masks[:half], 1.0, -1.0)
    pairs = PairedScores(signs, (first - second) / 2, (first + second) / 2)
    effects = pairs.signs.T @ pairs.odd * (2 / half)
    shares = variance_shares(pairs, effects**2, exhaustive=True)
    predicted = intercept + masks @ values
    return tuple(
        exhaustive_fidelity(scores[:, t], predicted[:, t], shares[:, t])
        for t in range(scores.shape[1])
    )
