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
4. hyper-parameters without an optimiser: solve once with equal decays, give
   players decays in proportion to |φ_j|^p of that solution, and keep the best
   of a small grid by marginal likelihood with the overall variance profiled
   out: −n/2 log(yᵀK⁻¹y / n) − Σ log diag chol K;
5. error bars are multiplied by √(yᵀK⁻¹y / n), and by the rms of the
   standardised leave-one-pair-out residuals where that exceeds 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from jaxtyping import Float64
from scipy.linalg import cho_solve, lapack

from seewhy.game.odd_kernel import OddKernel, Signs

LINEAR_SHARE = 0.5
PRODUCT_SHARE = 0.5
FIRST_NOISE = 0.01
POWERS = (0.0, 0.5, 1.0)
TOTAL_DECAYS = (0.25, 1.0, 2.0, 4.0)
NOISES = (0.003, 0.01, 0.03, 0.1)
JITTER = 1e-9
MAX_PAIRS_FOR_GRID = 500

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
        Root mean square of the odd part; 0 for a game that never changes.
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
        covariance = self.kernel(self.x, self.x)
        factor = _factor(covariance, self.kernel, self.noise, self.pairs)
        inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
        return np.tril(inverse) + np.tril(inverse, -1).T

    @cached_property
    def _alpha(self) -> Vector:
        return self._inverse @ self.y

    @cached_property
    def amplitude(self) -> float:
        """√(yᵀK⁻¹y / n): how much larger the game is than its prior."""
        return float(np.sqrt(max(self.y @ self._alpha, 0.0) / len(self.y)))

    @cached_property
    def calibration(self) -> float:
        """Factor ≥ 1 on the error bars: rms of the standardised leave-one-pair-out residuals."""
        spread = np.sqrt(np.diag(self._inverse)[: self.pairs])
        if not len(spread) or self.amplitude == 0:
            return 1.0
        standardised = self._alpha[: self.pairs] / spread / self.amplitude
        return max(1.0, float(np.sqrt(np.mean(standardised**2))))

    def main_effects(self) -> tuple[PerPlayer, PerPlayer]:
        """Return E[v | i kept] − E[v | i hidden] of every player, and its standard error."""
        return self._posterior(
            self.kernel.main_effect_covariances(self.x), self.kernel.main_effect_variances()
        )

    def shapley_values(self) -> tuple[PerPlayer, PerPlayer]:
        """Return the Shapley value of every player, and its standard error.

        When v(N) − v(∅) was given, they add up to it up to the jitter of the
        kernel matrix; what is missing (about 1e-6 of it) is spread evenly.
        """
        values, error = self._posterior(
            self.kernel.shapley_covariances(self.x), self.kernel.shapley_variances()
        )
        if self.pairs == len(self.x):
            return values, error
        gap = 2 * self.y[-1] * self.scale - values.sum()
        return values + gap / len(values), error

    def linear_left_out(self) -> Float64[np.ndarray, " m"]:
        """Predict the odd part of every pair by main effects fitted without that pair.

        Leaving pair m out of a Gaussian process changes α to
        α − K⁻¹_{·m} α_m / K⁻¹_mm, so no refit is needed (hyper-parameters stay).
        """
        covariances = self.kernel.main_effect_covariances(self.x)
        left_out = slice(self.pairs)
        influence = covariances @ self._inverse[:, left_out]
        pairs = self.x[left_out]
        fitted = pairs @ (covariances @ self._alpha) / 2
        own = np.einsum("md,dm->m", pairs, influence) / 2
        weight = self._alpha[left_out] / np.diag(self._inverse)[left_out]
        return self.scale * (fitted - own * weight)

    def _posterior(
        self, covariances: Float64[np.ndarray, "d n"], prior: PerPlayer
    ) -> tuple[PerPlayer, PerPlayer]:
        explained = np.einsum("dn,dn->d", covariances @ self._inverse, covariances)
        error = np.sqrt(np.maximum(prior - explained, 0.0)) * self.amplitude * self.calibration
        return self.scale * (covariances @ self._alpha), self.scale * error


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
        Chooses the 500 pairs on which hyper-parameters are compared when there are more.

    Returns
    -------
    OddProcess
    """
    rows, y, pairs = x.astype(np.float64), odd, len(x)
    if whole is not None:
        rows, y = np.vstack([rows, np.ones((1, x.shape[1]))]), np.append(odd, whole)
    scale = float(np.sqrt(np.mean(y**2)))
    if scale == 0:
        flat = _kernel(np.full(x.shape[1], 2 / x.shape[1]))
        return OddProcess(rows, y, flat, FIRST_NOISE, 0.0, pairs)
    few = _few_rows(pairs, len(rows), seed)
    kernel, noise = _choose_kernel(rows[few], y[few] / scale, int((few < pairs).sum()))
    return OddProcess(rows, y / scale, kernel, noise, scale, pairs)


def _choose_kernel(x: Signs, y: Vector, pairs: int) -> tuple[OddKernel, float]:
    n_players = x.shape[1]
    flat = _kernel(np.full(n_players, 2 / n_players))
    strength = np.abs(OddProcess(x, y, flat, FIRST_NOISE, 1.0, pairs).shapley_values()[0])
    best, choice = -np.inf, (flat, FIRST_NOISE)
    for power, total in product(POWERS, TOTAL_DECAYS):
        share = strength**power
        share = share + 0.2 * share.mean()
        kernel = _kernel(total * share / share.sum())
        covariance = kernel(x, x)
        for noise in NOISES:
            factor = _factor(covariance, kernel, noise, pairs)
            likelihood = _profiled_likelihood(factor, y)
            if likelihood > best:
                best, choice = likelihood, (kernel, noise)
    return choice


def _kernel(decay: PerPlayer) -> OddKernel:
    return OddKernel(LINEAR_SHARE / len(decay), PRODUCT_SHARE, decay)


def _profiled_likelihood(factor: Float64[np.ndarray, "n n"], y: Vector) -> float:
    quadratic = float(y @ cho_solve((factor, True), y, check_finite=False))
    return -len(y) / 2 * np.log(quadratic / len(y)) - float(np.log(np.diag(factor)).sum())


def _factor(
    covariance: Float64[np.ndarray, "n n"], kernel: OddKernel, noise: float, pairs: int
) -> Float64[np.ndarray, "n n"]:
    """Cholesky factor of the covariance with noise on the pairs, and jitter on every row."""
    noisy = np.array(covariance, order="F")
    n_players = len(kernel.decay)
    diagonal = np.einsum("ii->i", noisy)
    diagonal[:pairs] += noise
    diagonal += JITTER * (kernel.linear * n_players + kernel.product)
    factor, info = lapack.dpotrf(noisy, lower=1, clean=1, overwrite_a=1)
    if info != 0:
        raise np.linalg.LinAlgError(f"covariance of {len(noisy)} pairs is not positive definite")
    return factor


def _few_rows(pairs: int, n_rows: int, seed: int) -> np.ndarray:
    """Choose at most 500 pairs at random (never evenly: Hadamard rows alias), and x = 1."""
    if pairs <= MAX_PAIRS_FOR_GRID:
        return np.arange(n_rows)
    chosen = np.random.default_rng(seed).choice(pairs, MAX_PAIRS_FOR_GRID, replace=False)
    return np.append(np.sort(chosen), np.arange(pairs, n_rows))
