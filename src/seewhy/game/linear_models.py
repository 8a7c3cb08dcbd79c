"""One value per player from whatever masks were paid for: what attribution methods are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.aliases import alias_error
from seewhy.game.design import PAIRED_LAWS, UNIFORM_LAWS, Design, Law, end_scores
from seewhy.game.fidelity import (
    ENOUGH_HELD_OUT_PAIRS,
    Fidelity,
    PairedScores,
    paired_fidelity,
    variance_shares,
)
from seewhy.game.functionals import MAIN_EFFECTS, Functional
from seewhy.game.log_odds import LogOdds, answer_by_log_odds
from seewhy.game.regression import lime_weights, weighted_ridge
from seewhy.game.surrogate import fit_odd_process
from seewhy.game.threads import one_blas_thread

MAX_PAIRS_FOR_PROCESS = 2048
FEWEST_SHOWN = 0.3
ROUNDING = 64 * float(np.finfo(np.float32).eps)

Player = Float64[np.ndarray, " d"]
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
def from_pairs(
    design: Design,
    scores: Scores,
    functional: Functional = MAIN_EFFECTS,
    *,
    links: Scores | None = None,
) -> LinearModel:
    """Read one value per player off the surrogate fitted to all pairs of a design.

    Parameters
    ----------
    design : Design
        The two ends and pairs of any law; some may be held out.
    scores : (n, t) array
    functional : Functional
        What is asked of the surrogate. Where it is efficient, the two ends are data too.
    links : (n, t) array, optional
        The log-odds of which ``scores`` are the probabilities. Where the functional is
        efficient they make its values more precise (`log_odds`), but for more than 2 048
        pairs; the fidelity stays that of the values without them.
    """
    scores = without_rounding(scores)
    held = design.rows(Law.PAIRS, held_out=True)
    unseen = PairedScores.of(design.masks[held], scores[held])
    fitted = _fitted(design, functional)
    pairs = PairedScores.of(design.masks[fitted], scores[fitted])
    uniform = np.isin(design.laws[fitted][::2], UNIFORM_LAWS)
    # of few players, a later block may hold pairs that were held out, or paid before
    new = pairs.besides(unseen)
    if not functional.efficient and uniform.any():
        new &= uniform | _half_hidden(pairs.signs)
    pairs, uniform = pairs.only(new), uniform[new]
    fresh = pairs.distinct()
    whole, empty = end_scores(design, scores)
    given = (whole - empty) / 2 if functional.efficient else None
    beside = None
    if links is not None and functional.efficient:
        beside = [part.only(new).only(fresh) for part in _log_odds(design, links, fitted)]
    values, error, off, left_out = _all_targets(pairs.only(fresh), functional, given, beside)
    level = pairs.only(uniform if uniform.any() else fresh).even.mean(axis=0)
    intercept = empty if functional.efficient else level - values.sum(axis=0) / 2
    judged = uniform & fresh
    fidelity = None
    if judged.any():
        left_out = left_out[judged[fresh]]
        fidelity = _fidelity(pairs.only(judged), unseen, left_out, level, (values, error))
    return LinearModel(values, np.maximum(error, off), intercept, fidelity)


def _fitted(design: Design, functional: Functional) -> Bool[np.ndarray, " n"]:
    """Tell which rows a value may be fitted to.

    Contexts of groups teach shares of the score, which average over pictures with whole groups
    in them. Main effects do not: on photos, they were as exact without them, and are then those
    of a design that has none.
    """
    return design.rows(*PAIRED_LAWS, *((Law.CONTEXTS,) if functional.efficient else ()))


def _half_hidden(signs: Float64[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
    """Tell which pairs show and hide at least three players in ten.

    Main effects are averages over half-hidden pictures. What a model says of nearly whole and
    nearly empty ones bends them, the more so the more such pairs a design holds.
    """
    kept: Bool[np.ndarray, " n"] = np.abs(signs.mean(axis=1)) <= 1 - 2 * FEWEST_SHOWN
    return kept


def _fidelity(
    pairs: PairedScores,
    unseen: PairedScores,
    left_out: Float64[np.ndarray, "n t"],
    level: Float64[np.ndarray, " t"],
    estimate: tuple[PerPlayer, PerPlayer],
) -> tuple[Fidelity, ...]:
    """On held-out pairs, or on the fitted ones, each predicted by a fit without it."""
    values, error = estimate
    # a posterior mean is shrunken: the square of what it estimates is larger, by its variance
    foretold = np.mean(pairs.odd**2 - (pairs.odd - left_out) ** 2, axis=0)
    shares = variance_shares(pairs, values**2 + error**2, at_least=foretold)
    if len(unseen.odd) >= ENOUGH_HELD_OUT_PAIRS:
        return _held_out(unseen, values, level, shares)
    even = pairs.even
    mean_of_others = (even.sum(axis=0) - even) / max(len(even) - 1, 1)
    return tuple(
        paired_fidelity("leave-one-pair-out", *columns)
        for columns in zip(pairs.odd.T, even.T, left_out.T, mean_of_others.T, shares.T, strict=True)
    )


@one_blas_thread()
def from_independent_masks(
    design: Design, scores: Scores, *, kernel_width: float, ridge: float
) -> LinearModel:
    """Fit the paper's regression: independent masks and the whole picture, weighted ridge."""
    scores = without_rounding(scores)
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


def without_rounding(scores: Scores) -> Scores:
    """Level the targets that change by no more than float32 rounding: that is no evidence."""
    middle = scores.mean(axis=0)
    rounding = ROUNDING * np.abs(scores).max(axis=0)
    return np.where(np.ptp(scores, axis=0) <= rounding, middle, scores)


def _log_odds(design: Design, links: Scores, fitted: Bool[np.ndarray, " n"]) -> list[LogOdds]:
    """Split the log-odds of every target as its scores are."""
    pairs = PairedScores.of(design.masks[fitted], links[fitted])
    whole, empty = end_scores(design, links)
    ends = zip((whole - empty) / 2, (whole + empty) / 2, strict=True)
    return [
        LogOdds(odd, even, known)
        for odd, even, known in zip(pairs.odd.T, pairs.even.T, ends, strict=True)
    ]


def _all_targets(
    pairs: PairedScores,
    functional: Functional,
    whole: Float64[np.ndarray, " t"] | None,
    links: list[LogOdds] | None,
) -> tuple[PerPlayer, PerPlayer, PerPlayer, Float64[np.ndarray, "n t"]]:
    """Values, their errors, those by aliases, and every pair as predicted by a fit without it."""
    columns = [
        _one_target(
            pairs.signs,
            odd,
            functional,
            whole=None if whole is None else float(whole[t]),
            links=None if links is None else links[t],
        )
        for t, odd in enumerate(pairs.odd.T)
    ]
    values, error, off, left_out = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
    return values, error, off, left_out


def _one_target(
    signs: Float64[np.ndarray, "n d"],
    odd: Float64[np.ndarray, " n"],
    functional: Functional,
    *,
    whole: float | None,
    links: LogOdds | None,
) -> tuple[Player, Player, Player, Float64[np.ndarray, " n"]]:
    none = np.zeros(signs.shape[1])
    few = len(signs) <= MAX_PAIRS_FOR_PROCESS
    if few or functional is not MAIN_EFFECTS:
        process = fit_odd_process(signs, odd, whole)
        left_out = process.left_out(functional)
        if links is not None and few:
            return *answer_by_log_odds(process, links, functional), none, left_out
        values, error = process.answer(functional)
        off = alias_error(process, values) if functional is MAIN_EFFECTS else none
        return values, error, off, left_out
    # least squares is as good on so many pairs, and linear in their number
    fit = weighted_ridge(signs, odd[:, None], intercept=False)
    return 2 * fit.coefficients[:, 0], 2 * fit.standard_error[:, 0], none, fit.left_out[:, 0]


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
