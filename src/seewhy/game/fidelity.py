"""How far a linear explanation can be trusted: R² on masks it has not seen, and what it misses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.statistics import jackknife_interval, r_squared

ENOUGH_HELD_OUT_PAIRS = 16


@dataclass(frozen=True)
class Fidelity:
    """How well intercept + Σ values of the kept players predicts the model, on fresh masks.

    Attributes
    ----------
    r2 : float
        Share of the variance over half-masked pictures that the linear part explains.
    low, high : float
        95 % interval of it.
    kind : str
        On what masks it was measured: "held-out", or "leave-one-pair-out" when
        fewer than 16 pairs were held out, or "all masks" after enumeration.
    masks : int
        How many.
    main, odd, even : float
        How the variance over masks splits: single regions, interactions of
        three, five, … regions, and interactions of two, four, … regions. Sums
        to 1. A small ``main`` says that a linear explanation is too simple.
    """

    r2: float
    low: float
    high: float
    kind: Literal["held-out", "leave-one-pair-out", "all masks"]
    masks: int
    main: float
    odd: float
    even: float


@dataclass(frozen=True, eq=False)
class PairedScores:
    """Scores of paired masks, split into what negates and what stays under complement.

    Attributes
    ----------
    signs : (n, d) array of ±1
        The first mask of every pair.
    odd, even : (n, t) arrays
        (v(S) − v(N∖S)) / 2 and (v(S) + v(N∖S)) / 2.
    """

    signs: Float64[np.ndarray, "n d"]
    odd: Float64[np.ndarray, "n t"]
    even: Float64[np.ndarray, "n t"]

    @classmethod
    def of(cls, masks: Bool[np.ndarray, "m d"], scores: Float64[np.ndarray, "m t"]) -> PairedScores:
        """Split rows that come as a mask followed by its complement."""
        first, second = scores[::2], scores[1::2]
        return cls(np.where(masks[::2], 1.0, -1.0), (first - second) / 2, (first + second) / 2)

    def distinct(self) -> Bool[np.ndarray, " n"]:
        """Tell which pairs are the first of their kind (a pair turned round is the same pair)."""
        turned = self.signs * self.signs[:, :1]
        keep = np.zeros(len(turned), bool)
        keep[np.unique(turned, axis=0, return_index=True)[1]] = True
        return keep

    def besides(self, others: PairedScores) -> Bool[np.ndarray, " n"]:
        """Tell which pairs are not among ``others`` (turned round is the same)."""
        known = {row.tobytes() for row in others.signs * others.signs[:, :1]}
        turned = self.signs * self.signs[:, :1]
        return np.array([row.tobytes() not in known for row in turned], bool)

    def only(self, chosen: Bool[np.ndarray, " n"]) -> PairedScores:
        """Return the chosen pairs."""
        return PairedScores(self.signs[chosen], self.odd[chosen], self.even[chosen])


def variance_shares(
    pairs: PairedScores,
    squares: Float64[np.ndarray, "d t"],
    *,
    at_least: Float64[np.ndarray, " t"] | float = 0.0,
    exhaustive: bool = False,
) -> Float64[np.ndarray, "3 t"]:
    """Split the variance over Bernoulli-½ masks into main effects, other odd and even orders.

    Main effects carry Σ β²/4, all odd orders the mean of odd², all even
    orders the variance of even (of a sample, or of all pairs there are when
    ``exhaustive``).

    Parameters
    ----------
    pairs : PairedScores
    squares : (d, t) array
        Estimates of every β².
    at_least : (t,) array
        Variance that a linear prediction has explained on unseen pairs: main
        effects cannot carry less.
    exhaustive : bool

    Returns
    -------
    (3, t) array
        Shares that sum to 1; (1, 0, 0) for a constant game.
    """
    odd = np.mean(pairs.odd**2, axis=0)
    even = np.var(pairs.even, axis=0, ddof=0 if exhaustive or len(pairs.even) < 2 else 1)
    main = np.clip(np.maximum(np.sum(squares, axis=0) / 4, at_least), 0.0, odd)
    parts = np.stack([main, odd - main, even])
    total = parts.sum(axis=0)
    constant = np.array([[1.0], [0.0], [0.0]])
    return np.where(total > 0, parts / np.where(total > 0, total, 1.0), constant)


def paired_fidelity(
    kind: Literal["held-out", "leave-one-pair-out"],
    odd: Float64[np.ndarray, " n"],
    even: Float64[np.ndarray, " n"],
    predicted_odd: Float64[np.ndarray, " n"],
    predicted_even: Float64[np.ndarray, " n"],
    shares: Float64[np.ndarray, " 3"],
) -> Fidelity:
    """Judge a linear prediction, which is one number for the even part of every pair.

    Over a pair, residuals (o − p) ± (e − q) square to 2 [(o − p)² + (e − q)²].
    """
    n = len(odd)
    left = (odd - predicted_odd) ** 2 + (even - predicted_even) ** 2
    # the mean is estimated, which takes 1/n off the variance of the even part
    total = odd**2 + (even - even.mean()) ** 2 * n / max(n - 1, 1)
    r2 = 1 - float(left.sum() / total.sum()) if total.sum() > 0 else float(left.sum() == 0)
    low, high = jackknife_interval(left, total)
    return Fidelity(r2, low, high, kind, 2 * n, *(float(share) for share in shares))


def exhaustive_fidelity(
    scores: Float64[np.ndarray, " n"],
    predicted: Float64[np.ndarray, " n"],
    shares: Float64[np.ndarray, " 3"],
) -> Fidelity:
    """Judge a linear prediction on every mask there is; the interval is a point."""
    r2 = r_squared(scores - predicted, scores)
    return Fidelity(r2, r2, r2, "all masks", len(scores), *(float(share) for share in shares))
