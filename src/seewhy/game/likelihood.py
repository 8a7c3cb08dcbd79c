r"""Which kernel the pairs speak for: marginal likelihood, with a decay for every player.

With θ = (log a₀, log a₁, log s², log b₁ … log b_d) and K the covariance of the
pairs, minimise

.. math::
    \tfrac12 y^T K^{-1} y + Σ \log \operatorname{diag} \operatorname{chol} K
    + Σ_j \frac{(\log b_j − m)^2}{2 · .8²} + \frac{(m − \log 2/d)^2}{2 · 1.5²}
    + \frac{(\log s² − \log .01)^2}{2 · .7²},
    \qquad m = \text{mean of } \log b_j .

The last term matters for the error bars. A game is deterministic, so that
without it s² → 0 wherever many pairs lie near the whole picture, and the
process then claims to know what it merely continues smoothly.

With α = K⁻¹y, G = ααᵀ − K⁻¹, P, M = exp(± b·u − B) and N = P − M, the gradient
of the first two terms is

.. math::
    \log a_0: −\tfrac{a_0}2 Σ G∘XX^T, \quad \log a_1: −\tfrac{a_1}2 Σ G∘N, \quad
    \log s²: −\tfrac{s²}2 Σ_m G_{mm}, \quad
    \log b_j: −\tfrac{a_1 b_j}2 [Σ_n X_{nj} ((G∘(P+M)) X)_{nj} − Σ G∘N].
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float64
from scipy.linalg import lapack
from scipy.optimize import minimize

from seewhy.game.odd_kernel import OddKernel, Signs

LINEAR_SHARE, PRODUCT_SHARE = 0.5, 0.5
FIRST_NOISE = 0.01
JITTER = 1e-9
NOISE, NOISE_SPREAD = np.log(0.01), 0.7
DECAY_SPREAD, MEAN_DECAY_SPREAD = 0.8, 1.5
BOUNDS = {"linear": (-14.0, 6.0), "product": (-9.0, 6.0), "noise": (-14.0, 3.0), "decay": (-9, 1.0)}
STEPS = 20  # 8 leave nearly linear games half learned; 24 gain nothing
REMEMBERED = 64

Vector = Float64[np.ndarray, " n"]
Square = Float64[np.ndarray, "n n"]
Parameters = Float64[np.ndarray, " p"]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Negative log evidence of some pairs as a function of the logarithms of all parameters.

    Parameters
    ----------
    x : (n, d) array of ±1
    y : (n,) array
        The odd part, of root mean square 1.
    """

    x: Signs
    y: Vector

    def __call__(self, parameters: Parameters) -> tuple[float, Parameters]:
        """Return the value, priors included, and its gradient."""
        linear, product, noise = np.exp(parameters[:3])
        decay = np.exp(parameters[3:])
        exponent, total = (self.x * decay) @ self.x.T, decay.sum()
        plus, minus = np.exp(exponent - total), np.exp(-exponent - total)
        odd = plus - minus
        jitter = JITTER * (linear * len(decay) + product)
        covariance = linear * self._products + product * odd
        np.einsum("ii->i", covariance)[:] += noise + jitter
        inverse, log_determinant = inverse_and_log_determinant(covariance)
        alpha = inverse @ self.y
        value = float(self.y @ alpha) / 2 + log_determinant / 2
        slack = np.outer(alpha, alpha) - inverse
        trace = np.trace(slack)
        along = np.vdot(slack, odd)
        crossed = np.einsum("nj,nj->j", self.x, (slack * (plus + minus)) @ self.x)
        gradient = np.empty_like(parameters)
        gradient[0] = linear * (np.vdot(slack, self._products) + JITTER * len(decay) * trace)
        gradient[1] = product * (along + JITTER * trace)
        gradient[2] = noise * trace
        gradient[3:] = product * decay * (crossed - along)
        prior, prior_gradient = _prior(parameters)
        return value + prior, prior_gradient - gradient / 2

    @cached_property
    def _products(self) -> Square:
        return self.x @ self.x.T


def likeliest_kernel(x: Signs, y: Vector) -> tuple[OddKernel, float]:
    """Find the kernel, and the variance s² of the noise, that some pairs speak for most.

    Players start with decays by how strong they are to a kernel with equal ones.
    Answers are remembered: whoever asks about the same pairs again, for other
    values of the same game, gets the same kernel and does not wait.

    Parameters
    ----------
    x : (n, d) array of ±1
    y : (n,) array
        The odd part, of root mean square 1.
    """
    signs = np.packbits(x > 0, axis=1)
    return _likeliest_kernel(signs.tobytes(), np.ascontiguousarray(y).tobytes(), x.shape[1])


@lru_cache(maxsize=REMEMBERED)
def _likeliest_kernel(signs: bytes, values: bytes, n_players: int) -> tuple[OddKernel, float]:
    y = np.frombuffer(values)
    packed = np.frombuffer(signs, np.uint8).reshape(len(y), -1)
    x = np.where(np.unpackbits(packed, axis=1, count=n_players), 1.0, -1.0)
    decays = [BOUNDS["decay"]] * n_players
    found = minimize(
        Evidence(x, y),
        _first_parameters(x, y),
        jac=True,
        method="L-BFGS-B",
        bounds=[BOUNDS["linear"], BOUNDS["product"], BOUNDS["noise"], *decays],
        options={"maxiter": STEPS},
    )
    linear, product, noise = np.exp(found.x[:3])
    decay = np.exp(found.x[3:])
    decay.flags.writeable = False
    return OddKernel(float(linear), float(product), decay), float(noise)


def flat_kernel(n_players: int) -> OddKernel:
    """Return a kernel in which all players take part alike."""
    decay = np.full(n_players, 2 / n_players)
    return OddKernel(LINEAR_SHARE / n_players, PRODUCT_SHARE, decay)


def covariance_with_noise(kernel: OddKernel, x: Signs, noise: float, pairs: int) -> Square:
    """Return k(x, x) with noise on the leading ``pairs`` rows, and jitter on every row."""
    covariance = kernel(x, x)
    diagonal = np.einsum("ii->i", covariance)
    diagonal[:pairs] += noise
    diagonal += JITTER * (kernel.linear * len(kernel.decay) + kernel.product)
    return covariance


def inverse_and_log_determinant(covariance: Square) -> tuple[Square, float]:
    """Invert a positive definite matrix by its Cholesky factor."""
    factor, info = lapack.dpotrf(np.array(covariance, order="F"), lower=1, clean=1, overwrite_a=1)
    if info != 0:
        raise np.linalg.LinAlgError(
            f"covariance of {len(covariance)} pairs is not positive definite"
        )
    log_determinant = 2 * float(np.log(np.diag(factor)).sum())
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    return inverse + np.tril(inverse, -1).T, log_determinant


def _first_parameters(x: Signs, y: Vector) -> Parameters:
    n_players = x.shape[1]
    flat = flat_kernel(n_players)
    inverse, _ = inverse_and_log_determinant(covariance_with_noise(flat, x, FIRST_NOISE, len(x)))
    strength = np.abs(flat.shapley_covariances(x) @ (inverse @ y))
    share = np.log(np.sqrt(strength) + 0.2 * np.sqrt(strength).mean())
    decay = np.log(0.35 / np.sqrt(n_players)) + share - share.mean()
    first = np.log([LINEAR_SHARE / n_players, PRODUCT_SHARE, 2 * FIRST_NOISE])
    return np.concatenate([first, np.clip(decay, *BOUNDS["decay"])])


def _prior(parameters: Parameters) -> tuple[float, Parameters]:
    decay = parameters[3:]
    apart = decay - decay.mean()
    level = decay.mean() - np.log(2 / len(decay))
    noise = parameters[2] - NOISE
    value = np.sum(apart**2) / (2 * DECAY_SPREAD**2) + level**2 / (2 * MEAN_DECAY_SPREAD**2)
    gradient = np.zeros_like(parameters)
    gradient[2] = noise / NOISE_SPREAD**2
    gradient[3:] = apart / DECAY_SPREAD**2 + level / (MEAN_DECAY_SPREAD**2 * len(decay))
    return float(value + noise**2 / (2 * NOISE_SPREAD**2)), gradient
