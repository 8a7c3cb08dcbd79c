r"""The kernel of the odd process, and what Banzhaf and Shapley values are in it.

Write a mask as x = 2z − 1 ∈ {−1, 1}^d, and a function of masks in characters
χ_T(x) = Π_{j∈T} x_j. Swapping kept and hidden, x → −x, keeps the even orders
|T| and negates the odd ones. Main effects, Banzhaf and Shapley values see the
odd ones alone, so the prior of the surrogate puts variance on those only:

.. math::
    k(x, x') &= a_0\, x·x' + a_1 [e^{b·u − B} − e^{−b·u − B}],
        \qquad u = x∘x', \quad B = Σ_j b_j \\
             &= a_0\, x·x' + a_1 c \sum_{|T|\ odd} \prod_{j∈T} r_j\, χ_T(x) χ_T(x'),
        \qquad r_j = \tanh b_j, \quad c = 2 e^{−B} \prod_j \cosh b_j .

The second line says what the first costs nothing to compute: an interaction T
has prior variance a_1 c Π r_j, so players with a small b_j interact little and
high orders fade, while a_0 leaves main effects free.

A linear functional L of the game is answered through its covariances with the
data, A = L k(·, x_m), and its prior variance L L' k; both are in closed form
for the main effect (L χ_T = 2 if T = {i}) and for the Shapley value
(L_i χ_T = 2/|T| for i ∈ T, by ∫₀¹ t^{|T|−1} dt = 1/|T|).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

PRIOR_NODES = 40

Signs = Float64[np.ndarray, "n d"]


@dataclass(frozen=True, eq=False)
class OddKernel:
    """Prior covariance of the odd part of a game.

    Parameters
    ----------
    linear : float
        a₀ > 0: variance of the coefficient of every single x_j, on its own.
    product : float
        a₁ > 0: variance shared by all odd orders.
    decay : (d,) array
        b_j > 0: how much player j takes part in interactions.
    """

    linear: float
    product: float
    decay: Float64[np.ndarray, " d"]

    def __call__(self, x: Signs, y: Float64[np.ndarray, "m d"]) -> Float64[np.ndarray, "n m"]:
        """Covariances of the odd part at the masks ``x`` (n, d) and ``y`` (m, d), as ±1."""
        exponent = (x * self.decay) @ y.T
        total = self.decay.sum()
        # never as sinh(exponent) times e^−B: that overflows and then vanishes
        odd = np.exp(exponent - total) - np.exp(-exponent - total)
        return self.linear * (x @ y.T) + self.product * odd

    @property
    def participation(self) -> Float64[np.ndarray, " d"]:
        """r_j = tanh b_j: the factor by which an interaction with j has less variance."""
        return np.tanh(self.decay)

    @property
    def log_constant(self) -> float:
        """log c = log 2 − B + Σ log cosh b_j."""
        return float(np.log(2) - self.decay.sum() + np.log(np.cosh(self.decay)).sum())

    def main_effect_covariances(self, x: Signs) -> Float64[np.ndarray, "d n"]:
        """Covariances of every main effect with the data at ``x``."""
        return 0.5 * self.main_effect_variances()[:, None] * x.T

    def main_effect_variances(self) -> Float64[np.ndarray, " d"]:
        """Prior variances of the main effects."""
        shared = self.product * np.exp(self.log_constant) * self.participation
        return 4 * (self.linear + shared)

    def shapley_covariances(self, x: Signs) -> Float64[np.ndarray, "d n"]:
        r"""Covariances of every Shapley value with the data at ``x``.

        .. math::
            2 a_0 x_i + a_1 ∫_0^1 \frac{r_i}{1 − t²r_i²}
                [x_i (P + M) − t r_i (P − M)]\, dt, \qquad
            P, M = e^{± Σ_j x_j \operatorname{atanh}(t r_j)
                + ½ Σ_j \log(1 − t² r_j²) + \log c}.

        The integrand is a polynomial of degree below d in t, so ⌈d/2⌉
        Gauss–Legendre nodes are exact.
        """
        r = self.participation
        covariances = 2 * self.linear * x.T
        nodes, weights = _unit_gauss_legendre(-(-len(r) // 2))
        for t, weight in zip(nodes, weights, strict=True):
            exponent = x @ np.arctanh(t * r)
            level = 0.5 * np.log1p(-((t * r) ** 2)).sum() + self.log_constant
            plus, minus = np.exp(exponent + level), np.exp(-exponent + level)
            lead = weight * self.product * r / (1 - (t * r) ** 2)
            covariances += (lead[:, None] * x.T) * (plus + minus)
            covariances -= np.outer(lead * t * r, plus - minus)
        return covariances

    def shapley_variances(self) -> Float64[np.ndarray, " d"]:
        r"""Prior variances of the Shapley values.

        .. math::
            4 a_0 + a_1 c ∫_0^1 −\log t · 2 r_i
                [\prod_{j≠i} (1 + t r_j) + \prod_{j≠i} (1 − t r_j)]\, dt

        With t = u² the logarithm is tame enough for Gauss–Legendre.
        """
        r = self.participation
        nodes, weights = _unit_gauss_legendre(PRIOR_NODES)
        t = (nodes**2)[:, None]
        up = np.log1p(t * r)
        down = np.log1p(-t * r)
        others = np.exp(up.sum(1, keepdims=True) - up + self.log_constant)
        others += np.exp(down.sum(1, keepdims=True) - down + self.log_constant)
        density = (weights * 2 * nodes * -np.log(nodes**2))[:, None]
        return 4 * self.linear + self.product * 2 * r * (density * others).sum(0)


def _unit_gauss_legendre(
    count: int,
) -> tuple[Float[np.ndarray, " q"], Float[np.ndarray, " q"]]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2
