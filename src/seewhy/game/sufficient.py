"""What is asked of a set of superpixels that is to keep a prediction, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from seewhy.game.certificates import fewest_draws
from seewhy.game.neighbourhood import Draws

LEAST_FOR_RANKING = 16
"""Masked pictures that a ranking needs at the very least …"""
ENDS = 2
"""… beside the whole picture and the one with everything hidden."""

Kept = tuple[int, ...]


@dataclass(frozen=True)
class Demands:
    """What is asked of a rule.

    Attributes
    ----------
    threshold : float
        Its precision is to reach this …
    error : float
        … and a certificate of that may be wrong with this probability.
    budget : int
        Different masked pictures to ask about at most.
    thrifty : bool
        Spend no more on making a certified rule smaller than on finding it.
    """

    threshold: float
    error: float
    budget: int
    thrifty: bool = False

    def attempt_error(self, attempt: int) -> float:
        """Return the share of the error that one of arbitrarily many attempts gets.

        6 δ / (π t)² for attempt t, which sums to δ.
        """
        return 6 * self.error / (pi * attempt) ** 2

    @property
    def reserve(self) -> int:
        """Masked pictures that a first certificate takes if each keeps the prediction."""
        return fewest_draws(self.threshold, self.attempt_error(1))

    @property
    def fewest(self) -> int:
        """Masked pictures below which nothing can be certified by sampling."""
        return LEAST_FOR_RANKING + ENDS + self.reserve


@dataclass(frozen=True, eq=False)
class Certificate:
    """What is known of the precision of one rule.

    Attributes
    ----------
    kept : tuple of int
    precision, bound : float
        Estimate and lower bound; equal where every masked picture was asked.
    exact : bool
    draws : Draws
    certified : bool
        Whether the bound reaches the threshold.
    """

    kept: Kept
    precision: float
    bound: float
    exact: bool
    draws: Draws
    certified: bool


@dataclass(frozen=True, eq=False)
class Sufficient:
    """A rule as a search leaves it.

    Attributes
    ----------
    certificate : Certificate
        It may fall short: then this is the best that was found.
    irreducible : bool
        Whether every member was shown to be needed.
    without : dict of int to float
        The precision without a member, of those for which it was measured.
    found_after : int
        Masked pictures asked about until a rule was first certified, or until the end.
    """

    certificate: Certificate
    irreducible: bool
    without: dict[int, float]
    found_after: int

    @property
    def members(self) -> Kept:
        """The rule, what the prediction hinges on most first."""
        return tuple(sorted(self.certificate.kept, key=lambda k: self.without.get(k, 1.0)))
