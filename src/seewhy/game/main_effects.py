"""Main effects from whatever masks were paid for: what LIME and Banzhaf values are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from seewhy.game.design import Design, Law
from seewhy.game.fidelity import (
    ENOUGH_HELD_OUT_PAIRS,
    Fidelity,
    PairedScores,
    exhaustive_fidelity,
    paired_fidelity,
    variance_shares,
)
from seewhy.game.regression import lime_weights, weighted_ridge
from seewhy.game.surrogate import fit_odd_process
from seewhy.game.threads import one_blas_thread

MAX_PAIRS_FOR_PROCESS = 2048
ROUNDING = 64 * float(np.finfo(np.float32).eps)

PerPlayer = Float64[np.ndarray, "d t"]
Scores = Float64[np.ndarray, "n t"]


@dataclass(frozen=True, eq=False)
class LinearModel:
    """The linear model of a game that an attribution method reports.

    Attributes
    ----------
    values : (d, t) array
        Coefficients.
    standard_error : (d, t) array or None
        None when every mask was asked.
    intercept : (t,) array
        The model's value with everything hidden.
    fidelity : tuple of Fidelity or None
        One per target; None when no masks were left to measure it.
    """

    values: PerPlayer
    standard_error: PerPlayer | None
    intercept: Float64[np.ndarray, " t"]
    fidelity: tuple[Fidelity, ...] | None


@one_blas_thread()
def from_pairs(design: Design, scores: Scores) -> LinearModel:
    """Read main effects off the surrogate fitted to all pairs of a design.

    Parameters
    ----------
    design : Design
        The two ends, fold-over blocks and random pairs; some may be held out.
    scores : (n, t) array
    """
    scores = _without_rounding(scores)
    fitted = design.rows(Law.FOLD_OVER, Law.PAIRS)
    held = design.rows(Law.PAIRS, held_out=True)
    unseen = PairedScores.of(design.masks[held], scores[held])
    # of few players, a later block may hold pairs that were held out
    pairs = PairedScores.of(design.masks[fitted], scores[fitted]).besides(unseen)
    fresh = pairs.distinct()
    columns = [_one_target(pairs.signs[fresh], pairs.odd[fresh, t]) for t in range(scores.shape[1])]
    values, error, left_out = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
    # a posterior mean is shrunken: the square of what it estimates is larger, by its variance
    foretold = np.mean(pairs.odd[fresh] ** 2 - (pairs.odd[fresh] - left_out) ** 2, axis=0)
    shares = variance_shares(pairs, values**2 + error**2, at_least=foretold)
    if len(unseen.odd) >= ENOUGH_HELD_OUT_PAIRS:
        fidelity = _held_out(unseen, values, pairs.even.mean(axis=0), shares)
    else:
        odd, even = pairs.odd[fresh], pairs.even[fresh]
        mean_of_others = (even.sum(axis=0) - even) / max(len(even) - 1, 1)
        fidelity = tuple(
            paired_fidelity("leave-one-pair-out", *columns)
            for columns in zip(odd.T, even.T, left_out.T, mean_of_others.T, shares.T, strict=True)
        )
    return LinearModel(values, error, pairs.even.mean(axis=0) - values.sum(axis=0) / 2, fidelity)


@one_blas_thread()
def from_all_masks(design: Design, scores: Scores, *, kernel_width: float) -> LinearModel:
    """Fit LIME's weighted regression to every mask there is: exact, no sampling."""
    scores = _without_rounding(scores)
    order = np.lexsort(design.masks.T)
    masks, ordered = design.masks[order], scores[order]
    fit = weighted_ridge(masks, ordered, weights=lime_weights(masks, kernel_width))
    # in binary order the complement of row i is row n − 1 − i
    half = len(masks) // 2
    first, second = ordered[:half], ordered[::-1][:half]
    signs = np.where(masks[:half], 1.0, -1.0)
    pairs = PairedScores(signs, (first - second) / 2, (first + second) / 2)
    effects = pairs.signs.T @ pairs.odd * (2 / half)
    shares = variance_shares(pairs, effects**2, exhaustive=True)
    predicted = fit.intercept + masks @ fit.coefficients
    fidelity = tuple(
        exhaustive_fidelity(ordered[:, t], predicted[:, t], shares[:, t])
        for t in range(scores.shape[1])
    )
    return LinearModel(fit.coefficients, None, fit.intercept, fidelity)


@one_blas_thread()
def from_independent_masks(
    design: Design, scores: Scores, *, kernel_width: float, ridge: float
) -> LinearModel:
    """Fit the paper's regression: independent masks and the whole picture, weighted ridge."""
    scores = _without_rounding(scores)
    whole = design.rows(Law.ENDS) & design.masks.all(axis=1)
    rows = design.rows(Law.BERNOULLI) | whole
    weights = lime_weights(design.masks[rows], kernel_width)
    fit = weighted_ridge(design.masks[rows], scores[rows], weights=weights, ridge=ridge)
    held = design.rows(Law.PAIRS, held_out=True)
    fidelity = None
    if held.any():
        unseen = PairedScores.of(design.masks[held], scores[held])
        shares = variance_shares(unseen, fit.coefficients**2 - fit.standard_error**2)
        level = fit.intercept + fit.coefficients.sum(axis=0) / 2
        fidelity = _held_out(unseen, fit.coefficients, level, shares)
    return LinearModel(fit.coefficients, fit.standard_error, fit.intercept, fidelity)


def _without_rounding(scores: Scores) -> Scores:
    """Level the targets that change by no more than float32 rounding: that is no evidence."""
    middle = scores.mean(axis=0)
    rounding = ROUNDING * np.abs(scores).max(axis=0)
    return np.where(np.ptp(scores, axis=0) <= rounding, middle, scores)


def _one_target(
    signs: Float64[np.ndarray, "n d"], odd: Float64[np.ndarray, " n"]
) -> tuple[Float64[np.ndarray, " d"], Float64[np.ndarray, " d"], Float64[np.ndarray, " n"]]:
    """Values, standard errors, and the prediction of every pair by a fit without it."""
    if len(signs) <= MAX_PAIRS_FOR_PROCESS:
        process = fit_odd_process(signs, odd)
        return *process.main_effects(), process.linear_left_out()
    # least squares is as good on so many pairs, and linear in their number
    fit = weighted_ridge(signs, odd[:, None], intercept=False)
    return 2 * fit.coefficients[:, 0], 2 * fit.standard_error[:, 0], fit.left_out[:, 0]


def _held_out(
    unseen: PairedScores,
    values: PerPlayer,
    level: Float64[np.ndarray, " t"],
    shares: Float64[np.ndarray, "3 t"],
) -> tuple[Fidelity, ...]:
    odd = unseen.signs @ values / 2
    even = np.broadcast_to(level, odd.shape)
    return tuple(
        paired_fidelity("held-out", *columns)
        for columns in zip(unseen.odd.T, unseen.even.T, odd.T, even.T, shares.T, strict=True)
    )
