r"""Probability by way of log-odds: what the sigmoid bends need not be learned from data.

A model adds up evidence in log-odds; its probability is that sum, bent. So krige
the odd part of the log-odds and their even part g (same decays),

.. math::
    \operatorname{cov} g = \frac{e^{b·u − B} + e^{−b·u − B}}{1 + e^{−2B}} + 1,

and bend the prediction: p̂ = sigmoid(even ± odd). It is free, so the values of its
odd part are those of the process fitted to the probabilities, plus those of a
process fitted to the difference of the two predictions at fresh pairs of all sizes.

How much of p̂ to believe, and how much better that is, the pairs tell: with residuals
ρ₀, ρ₁ of the two predictions, each made without the pair, the share w minimises
Σ ((1 − w) ρ₀ + w ρ₁)², and error bars shrink as its root does. The error of the
second process, over fresh pairs, comes on top.

This is for Shapley values, which ask how the score falls all the way to the empty
picture. Main effects ask about half-masked pictures alone, where the pairs are; there
the detour gains little, and error bars come out too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64
from scipy.special import expit

from seewhy.game.design import sized_pairs
from seewhy.game.functionals import Functional
from seewhy.game.likelihood import JITTER, inverse_and_log_determinant
from seewhy.game.odd_kernel import OddKernel, Signs
from seewhy.game.surrogate import OddProcess, PerPlayer, Vector, few_pairs, fit_odd_process

FEWEST_FRESH, MOST_FRESH = 512, 1024
LEAST_NOISE = 1e-3
EVEN_NOISES = (0.003, 0.01, 0.03, 0.1, 0.3)


@dataclass(frozen=True, eq=False)
class LogOdds:
    """The log-odds of one target at the pairs, and at the two ends.

    Attributes
    ----------
    odd, even : (n,) arrays
        Half the difference and half the sum over every pair.
    ends : tuple of two floats
        The same of the whole and the empty picture.
    """

    odd: Vector
    even: Vector
    ends: tuple[float, float]

    @property
    def finite(self) -> bool:
        """Whether no probability is exactly 0 or 1."""
        return bool(np.isfinite([*self.odd, *self.even, *self.ends]).all())

    def only(self, chosen: Bool[np.ndarray, " n"]) -> LogOdds:
        """Return the chosen pairs."""
        return LogOdds(self.odd[chosen], self.even[chosen], self.ends)


def answer_by_log_odds(
    process: OddProcess, links: LogOdds, functional: Functional, *, seed: int = 0
) -> tuple[PerPlayer, PerPlayer]:
    """Return a functional of the probability, one value per player, and its standard error.

    Parameters
    ----------
    process : OddProcess
        Fitted to the probabilities, of pairs and ends.
    links : LogOdds
        The log-odds of the same pairs.
    functional : Functional
        An efficient one.
    seed : int
        Draws the fresh pairs.
    """
    values, error = process.answer(functional)
    if process.scale == 0 or not links.finite:
        return values, error
    x = process.x[: process.pairs]
    odd = fit_odd_process(x, links.odd, links.ends[0])
    if odd.scale == 0:
        return values, error
    even = _EvenProcess.beside(odd, links)
    share, gain = _best_share(process.residuals(), _bent_residuals(process, links, odd, even))
    if share == 0:
        return values, error
    fresh = _fresh_pairs(process, np.random.default_rng(seed))
    difference = _odd_part(odd.predict(fresh), even.predict(fresh)) - process.predict(fresh)
    change, doubt = _values_of(difference, fresh, process, functional)
    return values + share * change, np.hypot(gain * error, share * doubt)


@dataclass(frozen=True, eq=False)
class _EvenProcess:
    """The even part of the log-odds; its kernel has the decays of the odd part."""

    kernel: OddKernel
    x: Signs
    alpha: Vector
    certainty: Vector
    level: float
    scale: float

    @classmethod
    def beside(cls, odd: OddProcess, links: LogOdds) -> _EvenProcess:
        """Fit the rows of the odd process, with the likeliest noise on the pairs."""
        even = np.append(links.even, links.ends[1])
        level, scale = float(links.even.mean()), float(links.even.std()) or 1.0
        y = (even - level) / scale
        noisy = np.arange(len(y)) < odd.pairs
        few = np.append(few_pairs(odd.pairs), np.flatnonzero(~noisy))
        likelihoods = [
            _evidence(odd.kernel, odd.x[few], y[few], noise * noisy[few]) for noise in EVEN_NOISES
        ]
        noise = EVEN_NOISES[int(np.argmax(likelihoods))]
        inverse, _ = _even_inverse(odd.kernel, odd.x, noise * noisy)
        return cls(odd.kernel, odd.x, inverse @ y, np.diag(inverse), level, scale)

    def predict(self, x: Signs) -> Vector:
        return self.scale * (_even_covariance(self.kernel, x, self.x) @ self.alpha) + self.level

    def residuals(self) -> Vector:
        return self.scale * self.alpha / self.certainty


def _even_covariance(
    kernel: OddKernel, x: Signs, y: Float64[np.ndarray, "m d"]
) -> Float64[np.ndarray, "n m"]:
    exponent, total = (x * kernel.decay) @ y.T, kernel.decay.sum()
    even = np.exp(exponent - total) + np.exp(-exponent - total)
    return even / (1 + np.exp(-2 * total)) + 1.0


def _even_inverse(
    kernel: OddKernel, x: Signs, noise: Vector
) -> tuple[Float64[np.ndarray, "n n"], float]:
    covariance = _even_covariance(kernel, x, x)
    np.einsum("ii->i", covariance)[:] += noise + JITTER
    return inverse_and_log_determinant(covariance)


def _evidence(kernel: OddKernel, x: Signs, y: Vector, noise: Vector) -> float:
    inverse, log_determinant = _even_inverse(kernel, x, noise)
    return -len(y) / 2 * float(np.log(y @ inverse @ y / len(y))) - log_determinant / 2


def _bent_residuals(
    process: OddProcess, links: LogOdds, odd: OddProcess, even: _EvenProcess
) -> Vector:
    """What every pair has that log-odds foreseen without it, once bent, have not."""
    evens = links.even - even.residuals()[: process.pairs]
    bent = _odd_part(links.odd - odd.residuals(), evens)
    return process.scale * process.y[: process.pairs] - bent


def _odd_part(odd: Vector, even: Vector) -> Vector:
    """Half the difference of the probabilities of a mask and of its complement."""
    return (expit(even + odd) - expit(even - odd)) / 2


def _best_share(direct: Vector, bent: Vector) -> tuple[float, float]:
    """Share of the second residuals that makes the sum least, and the root of what is left."""
    change = bent - direct
    size = float(change @ change)
    share = float(np.clip(-(change @ direct) / size, 0.0, 1.0)) if size > 0 else 0.0
    before, after = float(direct @ direct), float(np.sum((direct + share * change) ** 2))
    return share, float(np.sqrt(after / before)) if before > 0 else 1.0


def _fresh_pairs(process: OddProcess, rng: np.random.Generator) -> Signs:
    """Masks of all sizes that cost nothing: the more, the more precise the process is itself."""
    count = int(np.clip(2 * process.pairs, FEWEST_FRESH, MOST_FRESH))
    return np.where(sized_pairs(process.x.shape[1], count, rng, smallest=1).masks[::2], 1.0, -1.0)


def _values_of(
    difference: Vector, fresh: Signs, process: OddProcess, functional: Functional
) -> tuple[PerPlayer, PerPlayer]:
    """Values of a function known at fresh pairs; predictions agree at the ends, which are data."""
    free = replace(
        process,
        x=np.vstack([fresh, np.ones((1, fresh.shape[1]))]),
        y=np.append(difference, 0.0),
        noise=max(process.noise, LEAST_NOISE),
        scale=1.0,
        pairs=len(fresh),
    )
    return free.answer(functional)
