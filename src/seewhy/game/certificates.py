r"""Bounds on a probability that hold whenever one stops looking, and tests that stop early.

After s hits and f misses, a precision m is refuted at level δ when the wealth of a
gambler who bets that it is larger has grown 1/δ-fold. He spreads his money over
q ∈ (m, 1) by a Beta(a, b) density π, and owns

.. math::
    W(m) = \frac{\int_m^1 q^s (1-q)^f π(q) dq}{\int_m^1 π(q) dq} \Big/ m^s (1-m)^f
         = \frac{B(a+s, b+f) \, P[\mathrm{Beta}(a+s, b+f) > m]}
                {B(a, b) \, P[\mathrm{Beta}(a, b) > m]} m^{-s} (1-m)^{-f} .

While the precision is at most m, W(m) cannot grow in expectation, so that it ever
reaches 1/δ with probability δ at most (Ville). The bound is the smallest m that is
not refuted: it may be looked at after every draw, and draws may go on as long as one likes.

References
----------
Ville: Étude critique de la notion de collectif, 1939. Wald: Sequential tests of
statistical hypotheses, 1945. Howard, Ramdas, McAuliffe, Sekhon: Time-uniform,
nonparametric, nonasymptotic confidence sequences, Annals of Statistics 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincc, betaln

# most money where rules are: certificates are sought for precisions near 1
PRIOR_HITS, PRIOR_MISSES = 1.0, 0.5
MOST_DRAWS = 10**7


def log_wealth(hits: int, misses: int, precision: float) -> float:
    """Return the logarithm of W(m), how far the counts speak for more than a precision m.

    Parameters
    ----------
    hits, misses : int
    precision : float
        m, in (0, 1).
    """
    a, b = PRIOR_HITS + hits, PRIOR_MISSES + misses
    above = float(betaincc(a, b, precision))
    if above == 0:
        return -inf
    spread = betaln(a, b) + log(above)
    spread -= betaln(PRIOR_HITS, PRIOR_MISSES)
    spread -= log(betaincc(PRIOR_HITS, PRIOR_MISSES, precision))
    return float(spread - hits * log(precision) - misses * np.log1p(-precision))


def lower_bound(hits: int, misses: int, error: float) -> float:
    """Return what a precision is at least, whenever one stops to look.

    Parameters
    ----------
    hits, misses : int
        Draws that kept the prediction, and that did not.
    error : float
        Probability δ with which any of the bounds, after whatever draw, is too high.

    Examples
    --------
    >>> round(lower_bound(100, 0, 0.05), 3), round(lower_bound(100, 10, 0.05), 3)
    (0.962, 0.832)
    """
    needed = -log(error)
    highest = hits / (hits + misses) if hits + misses else 0.0
    low, high = 1e-9, min(highest, 1 - 1e-12)
    if high <= low or log_wealth(hits, misses, low) < needed:
        return 0.0
    if log_wealth(hits, misses, high) >= needed:
        return high
    found = brentq(lambda m: log_wealth(hits, misses, m) - needed, low, high, xtol=1e-9)
    return float(max(found - 1e-9, 0.0))


def upper_bound(hits: int, misses: int, error: float) -> float:
    """Return what a precision is at most, whenever one stops to look; see `lower_bound`."""
    return 1 - lower_bound(misses, hits, error)


def certifies(hits: int, misses: int, precision: float, error: float) -> bool:
    """Tell whether the counts show that the true precision is larger than ``precision``."""
    return log_wealth(hits, misses, precision) >= -log(error)


def fewest_draws(precision: float, error: float) -> int:
    """Return how many draws certify a precision if every one of them is a hit.

    Examples
    --------
    >>> fewest_draws(0.95, 0.05)
    79
    """
    low, high = 0, 1
    while not certifies(high, 0, precision, error):
        low, high = high, 2 * high
        if high > MOST_DRAWS:
            return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if certifies(middle, 0, precision, error) else (middle, high)
    return high


@dataclass
class SequentialTest:
    """Decide between a low and a high precision, in as few draws as that takes.

    Wald's likelihood-ratio test: it screens, it certifies nothing.

    Parameters
    ----------
    low, high : float
        0 < low < high < 1.
    error : float
        Probability of a wrong answer when one of them is true.
    """

    low: float
    high: float
    error: float
    hits: int = 0
    misses: int = 0

    def add(self, hits: int, misses: int) -> None:
        """Count further draws."""
        self.hits += hits
        self.misses += misses

    @property
    def seen(self) -> int:
        """How many draws were counted."""
        return self.hits + self.misses

    @property
    def answer(self) -> Literal["low", "high", "undecided"]:
        """What the draws so far say."""
        if abs(self._ratio) < log((1 - self.error) / self.error):
            return "undecided"
        return self.leaning

    @property
    def leaning(self) -> Literal["low", "high"]:
        """Which side is likelier, decided or not."""
        return "high" if self._ratio > 0 else "low"

    @property
    def _ratio(self) -> float:
        per_hit = log(self.high / self.low)
        per_miss = log((1 - self.high) / (1 - self.low))
        return self.hits * per_hit + self.misses * per_miss
