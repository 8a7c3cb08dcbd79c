"""How explanations are judged: every choice that changes a number, recorded and hashed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from seewhy.errors import InputError
from seewhy.image.fill import BlurFill, Fill, MeanFill

_LEAST = {"steps": 2, "orders": 1, "fresh_pairs": 16, "certificate_budget": 16}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """The settings of a scoreboard; scores of different protocols are not comparable.

    Parameters
    ----------
    steps : int
        Steps of a curve at most; with as many superpixels or fewer each is a step of its own.
    orders : int
        Random orders in which superpixels of equal value are walked, where there are some.
    fresh_pairs : int
        Half-hidden pictures, each with its complement, on which R² and correlation are measured.
    precision, confidence : float
        What the smallest sufficient area is certified for.
    certificate_budget : int
        Masked pictures that one such certificate may take.
    top_share : float
        Of the picture, that counts as its strongest part.
    noise : float
        Standard deviation of the noise added to pixels in [0, 1], where stability under
        noise is measured.

    Examples
    --------
    >>> Protocol().hash == Protocol(steps=32).hash, len(Protocol().hash)
    (True, 12)
    """

    steps: int = 32
    orders: int = 4
    fresh_pairs: int = 64
    precision: float = 0.95
    confidence: float = 0.95
    certificate_budget: int = 640
    top_share: float = 0.1
    noise: float = 0.02

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise InputError(f"{name} must be a whole number of at least {least}; got {value}")
        if not self.noise >= 0:
            raise InputError(f"noise must not be negative; got {self.noise}")
        for name in ("precision", "confidence", "top_share"):
            if not 0 < getattr(self, name) < 1:
                raise InputError(
                    f"{name} must lie between 0 and 1, exclusive; got {getattr(self, name)}"
                )

    @property
    def hash(self) -> str:
        """Twelve digits that stand for all of these settings and the rules of this version."""
        text = json.dumps({"rules": RULES, **asdict(self)}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


RULES = 2
"""Counts up whenever a measure changes its meaning."""

RISE_BLUR = BlurFill(sigma=5 / 224)
"""Where insertion begins: a Gaussian of 5 pixels at 224, as in RISE."""


def other_fill(fill: Fill) -> Fill:
    """Return the second fill on which a ranking is judged: unlike the one it was made with."""
    return MeanFill() if fill.settings()["name"] == "blur" else BlurFill()
