"""One surrogate of the game, many answers: a Gaussian process on its odd part.

Pay for a mask and its complement: half their difference is the odd part f of
the game, observed exactly. Fit one process to whatever pairs were paid for,
and LIME's coefficients, Banzhaf and Shapley values follow in closed form, each
with an error bar, from the same evaluations (`odd_kernel` has the prior).

The steps, for one target:

1. rows X (n, d) of ±1, y = f(X); and, for Shapley values, x = 1,
   y = (v(N) − v(∅))/2 without noise, which makes them add up. Main effects do
   without it: an empty picture can lie far outside of what half-masked ones
   do, and being known exactly it would bend every effect;
2. scale y to rms 1; K = k(X, X) + s² I (no s² on the row x = 1); α = K⁻¹y;
3. any functional L: mean A α, variance prior − diag(A K⁻¹ Aᵀ), A = L k(·, X);
4. the kernel and s² are those that the pairs speak for (`likelihood`): one choice
   per target and set of pairs, whatever is then asked;
5. error bars are multiplied by √(yᵀK⁻¹y / n), and where that exceeds 1 by the rms
   of the standardised residuals of fits without each pair, pairs counting by how
   much the values hang on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64

from seewhy.game.functionals import MAIN_EFFECTS, SHAPLEY, Functional
from seewhy.game.likelihood import (
    FIRST_NOISE,
    covariance_with_noise,
    flat_kernel,
    inverse_and_log_determinant,
    likeliest_kernel,
)
from seewhy.game.odd_kernel import OddKernel, Signs

MAX_PAIRS_FOR_LIKELIHOOD = 500

Vector = Float64[np.ndarray, " n"]
PerPlayer = Float64[np.ndarray, " d"]


@dataclass(frozen=True, eq=False)
class OddProcess:
    """A fitted surrogate of one target: ask it for any linear functional.

    Made by `fit_odd_process`.

    Attributes
    ----------
    x : (n + 1, d) array
        The pairs as ±1, and the row of ones (everything kept).
    y : (n + 1,) array
        The odd part of the game at those rows, divided by ``scale``.
    kernel : OddKernel
        The prior of y.
    noise : float
        s²: variance added to every pair, but not to the row of ones.
    scale : float
        Root mean square of the odd part over the pairs; 0 for a game that never changes.
    pairs : int
        How many leading rows are pairs; one more row is x = 1.
    """

    x: Signs
    y: Vector
    kernel: OddKernel
    noise: float
    scale: float
    pairs: int

    @cached_property
    def _inverse(self) -> Float64[np.ndarray, "n n"]:
        covariance = covariance_with_noise(self.kernel, self.x, self.noise, self.pairs)
        return inverse_and_log_determinant(covariance)[0]

    @cached_property
    def _alpha(self) -> Vector:
        return self._inverse @ self.y

    @cached_property
    def amplitude(self) -> float:
        """√(yᵀK⁻¹y / n): how much larger the game is than its prior."""
        return float(np.sqrt(max(self.y @ self._alpha, 0.0) / len(self.y)))

    def calibration(self, covariances: Float64[np.ndarray, "v n"]) -> float:
        """Factor ≥ 1 on the error bars of some values, by their covariances with the data.

        Leaving out pair m moves value i by (A K⁻¹)_{im} ρ_m, where ρ_m = α_m / (K⁻¹)_mm is
        its residual, of variance 1 / (K⁻¹)_mm under the prior: the factor is by how much
        the values move, relative to how much they should.
        """
        influence = np.square((covariances @ self._inverse)[:, : self.pairs]).sum(axis=0)
        certainty = np.diag(self._inverse)[: self.pairs]
        foreseen = float(influence @ (self.amplitude**2 / certainty))
        if foreseen == 0:
            return 1.0
        moved = float(influence @ np.square(self._alpha[: self.pairs] / certainty))
        return max(1.0, float(np.sqrt(moved / foreseen)))

    def answer(self, functional: Functional) -> tuple[PerPlayer, PerPlayer]:
        """Return a functional of the game, one value per player, and its standard error.

        Where the values add up to v(N) − v(∅) and that was given, they do so up to
        the jitter of the kernel matrix; what is missing (about 1e-6 of it) is spread
        evenly.
        """
        values, error = self.posterior(
            functional.covariances(self.kernel, self.x), functional.variances(self.kernel)
        )
        if not functional.efficient or self.pairs == len(self.x):
            return values, error
        gap = 2 * self.y[-1] * self.scale - values.sum()
        return values + gap / len(values), error

    def main_effects(self) -> tuple[PerPlayer, PerPlayer]:
        """Return E[v | i kept] − E[v | i hidden] of every player, and its standard error."""
        return self.answer(MAIN_EFFECTS)

    def shapley_values(self) -> tuple[PerPlayer, PerPlayer]:
        """Return the Shapley value of every player, and its standard error."""
        return self.answer(SHAPLEY)

    def left_out(self, functional: Functional) -> Float64[np.ndarray, " m"]:
        """Predict the odd part of every pair from player values fitted without that pair.

        The prediction is ½ Σ ± values, kept players counting +. Leaving pair m out of a
        Gaussian process changes α to α − K⁻¹_{·m} α_m / K⁻¹_mm, so no refit is needed
        (hyper-parameters stay).
        """
        covariances = functional.covariances(self.kernel, self.x)
        left_out = slice(self.pairs)
        influence = covariances @ self._inverse[:, left_out]
        pairs = self.x[left_out]
        fitted = pairs @ (covariances @ self._alpha) / 2
        own = np.einsum("md,dm->m", pairs, influence) / 2
        weight = self._alpha[left_out] / np.diag(self._inverse)[left_out]
        return self.scale * (fitted - own * weight)

    def influence(self, functional: Functional) -> Float64[np.ndarray, "d m"]:
        """How much every value moves with the (scaled) odd part of every pair: A K⁻¹."""
        covariances = functional.covariances(self.kernel, self.x)
        moved: Float64[np.ndarray, "d m"] = (covariances @ self._inverse)[:, : self.pairs]
        return moved

    def predict(self, x: Signs) -> Float64[np.ndarray, " m"]:
        """Predict the odd part at other masks, as rows of ±1."""
        return self.scale * (self.kernel(x, self.x) @ self._alpha)

    def residuals(self) -> Float64[np.ndarray, " m"]:
        """What every pair has that the process, fitted without it, does not foresee."""
        certainty = np.diag(self._inverse)[: self.pairs]
        return self.scale * self._alpha[: self.pairs] / certainty

    def posterior(
        self, covariances: Float64[np.ndarray, "d n"], prior: PerPlayer
    ) -> tuple[PerPlayer, PerPlayer]:
        """Return d linear functionals of the game, and their standard errors.

        Parameters
        ----------
        covariances : (d, n) array
            Of every functional with the data at ``x``, under the kernel.
        prior : (d,) array
            Variance of every functional under the kernel.
        """
        explained = np.einsum("dn,dn->d", covariances @ self._inverse, covariances)
        error = np.sqrt(np.maximum(prior - explained, 0.0)) * self.amplitude
        error *= self.scale * self.calibration(covariances)
        return self.scale * (covariances @ self._alpha), error


def fit_odd_process(
    x: Signs, odd: Float64[np.ndarray, " n"], whole: float | None = None, *, seed: int = 0
) -> OddProcess:
    """Fit the surrogate of one target to the pairs of masks that were paid for.

    Parameters
    ----------
    x : (n, d) array of ±1
        One row per pair (the mask; its complement is −x), none twice.
    odd : (n,) array
        (v(S) − v(N∖S)) / 2.
    whole : float, optional
        (v(N) − v(∅)) / 2, for Shapley values; leave it out for main effects.
    seed : int
        Chooses the 500 pairs that choose the kernel when there are more.

    Returns
    -------
    OddProcess
    """
    rows, y, pairs = x.astype(np.float64), odd, len(x)
    scale = float(np.sqrt(np.mean(odd**2)))
    if whole is not None:
        rows, y = np.vstack([rows, np.ones((1, x.shape[1]))]), np.append(odd, whole)
    if scale == 0:  # pairs that never change tell nothing about the kernel
        scale = abs(whole or 0.0)
        y = y / scale if scale else y
        return OddProcess(rows, y, flat_kernel(x.shape[1]), FIRST_NOISE, scale, pairs)
    few = few_pairs(pairs, seed)
    kernel, noise = likeliest_kernel(rows[few], odd[few] / scale)
    return OddProcess(rows, y / scale, kernel, noise, scale, pairs)


def few_pairs(pairs: int, seed: int = 0) -> np.ndarray:
    """Choose at most 500 pairs at random (never evenly: Hadamard rows alias)."""
    if pairs <= MAX_PAIRS_FOR_LIKELIHOOD:
        return np.arange(pairs)
    chosen = np.random.default_rng(seed).choice(pairs, MAX_PAIRS_FOR_LIKELIHOOD, replace=False)
    return np.sort(chosen)
