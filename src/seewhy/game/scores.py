"""The scales on which a class can be looked at: log-odds, probability, log-probability, raw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float32, Float64
from scipy.special import logsumexp

from seewhy.errors import InputError

Score = Literal["log-odds", "probability", "log-probability", "raw"]
SCORES: tuple[Score, ...] = get_args(Score)


@dataclass(frozen=True)
class ClassScores:
    """What is asked of a model's outputs: which classes, on which scale.

    Attributes
    ----------
    score : str
        One of `SCORES`.
    targets : tuple of int
        Classes to explain.
    against : int or None
        A class Q; the score is then log p_target − log p_Q.
    """

    score: Score
    targets: tuple[int, ...]
    against: int | None = None


def score_columns(
    outputs: Float32[np.ndarray, "n k"],
    score: Score,
    targets: Sequence[int],
    against: int | None = None,
) -> Float64[np.ndarray, "n t"]:
    """Turn stored outputs into the scores of the classes asked for.

    Parameters
    ----------
    outputs : (n, k) float32 array
        Log-probabilities of all classes, or raw outputs when ``score`` is "raw".
    score : str
        One of `SCORES`. Log-odds is log p_t − log Σ_{j≠t} p_j, summed over the
        *other* classes, so that nothing is lost when p_t is close to 1.
    targets : sequence of int
        Classes t.
    against : int, optional
        A class Q; the result is then column t − column Q: log p_t − log p_Q.

    Returns
    -------
    (n, t) float64 array

    Raises
    ------
    InputError
        An unknown score, a class that does not exist, or log-odds of a single column.
    """
    n_classes = outputs.shape[1]
    for name, index in [*(("target", t) for t in targets), ("against", against)]:
        if index is not None and not 0 <= index < n_classes:
            raise InputError(f"{name} must be a class index from 0 to {n_classes - 1}; got {index}")
    if score not in SCORES:
        raise InputError(f"score must be one of {', '.join(SCORES)}; got {score!r}")
    chosen = outputs[:, list(targets)].astype(np.float64)
    if against is not None:
        return chosen - outputs[:, [against]].astype(np.float64)
    if score == "probability":
        return np.exp(chosen)
    if score == "log-odds":
        return chosen - _log_sum_of_others(outputs, targets)
    return chosen


def _log_sum_of_others(
    log_probabilities: Float32[np.ndarray, "n k"], targets: Sequence[int]
) -> Float64[np.ndarray, "n t"]:
    if log_probabilities.shape[1] < 2:
        raise InputError(
            "score 'log-odds' needs at least two classes; this game has one column: use 'raw'"
        )
    exact = log_probabilities.astype(np.float64)
    likeliest = exact.argmax(axis=1)[:, None]
    chosen = exact[:, list(targets)]
    total = logsumexp(exact, axis=1)[:, None]
    # the likeliest class is left out of the sum; the others, at most half of it, are subtracted
    with np.errstate(divide="ignore"):
        others = total + np.log1p(-np.exp(chosen - total))
    np.put_along_axis(exact, likeliest, -np.inf, axis=1)
    without_likeliest = logsumexp(exact, axis=1)[:, None]
    return np.where(np.asarray(targets) == likeliest, without_likeliest, others)
