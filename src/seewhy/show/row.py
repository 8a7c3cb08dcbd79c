"""One row of a figure: one class, and what every region did for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from seewhy.errors import InputError
from seewhy.game.fidelity import Fidelity
from seewhy.game.statistics import certain
from seewhy.methods.explanation import Reading


@dataclass(frozen=True, eq=False)
class PixelMap:
    """A value for every pixel of the model's input, and where that lies on the picture.

    Attributes
    ----------
    values : (h, w) array
        Signed; only their proportions are shown.
    window : tuple of float
        Top, left, bottom and right of the model's input, in pixels of the picture.
    """

    values: Float[np.ndarray, "h w"]
    window: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Row:
    """A class and the effect of every superpixel on its score.

    Attributes
    ----------
    label : str
        The class's name; any text is safe.
    probability : float or None
        What the model gives the class on the whole picture.
    values : (d,) array
        In units of the score; positive spoke for the class.
    standard_error : (d,) array or None
        None where nothing was sampled: then every non-zero value is certain.
    fidelity : Fidelity or None
        How well the values add up to what the model does.
    against : str or None
        The class Q when the row says why the model says ``label`` rather than Q.
    reading : {"hiding", "showing", "share", "weight"}
        What a value says, which the words depend on.
    pixel_map : PixelMap or None
        Of gradient methods: drawn in place of the superpixels' heat map.
    completeness_gap : float or None
        Of gradient methods: relative gap between the sum of the values and what they explain.

    Raises
    ------
    InputError
        If values are not one row of finite numbers, or the errors not as many.
    """

    label: str
    probability: float | None
    values: Float[np.ndarray, " d"]
    standard_error: Float[np.ndarray, " d"] | None
    fidelity: Fidelity | None
    against: str | None = None
    reading: Reading = "hiding"
    pixel_map: PixelMap | None = None
    completeness_gap: float | None = None

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or not self.values.size or not np.isfinite(self.values).all():
            raise InputError(
                "values must be finite numbers of shape (d,), one per superpixel; "
                f"got {self.values.dtype} of shape {self.values.shape}"
            )
        if self.standard_error is not None and self.standard_error.shape != self.values.shape:
            raise InputError(
                f"standard_error must have the shape of values, {self.values.shape}; "
                f"got {self.standard_error.shape}"
            )

    def certain(self) -> Bool[np.ndarray, " d"]:
        """Tell which superpixels have a known sign: their 95 % interval excludes zero."""
        return certain(self.values, self.standard_error)

    def strongest(self, count: int) -> list[int]:
        """Return the superpixels to show: certain ones first, each kind by magnitude.

        Zeros are left out, so there may be fewer than ``count``.
        """
        order = np.lexsort([-np.abs(self.values), ~self.certain()])[:count]
        return [int(player) for player in order if self.values[player] != 0]

    def drawn_share(self) -> float:
        """Return how much of all that is told the certain superpixels carry; 0 if all are 0.

        Σ β² of effects, as they make up a variance; Σ |φ| of shares and weights.
        """
        power = 1 if self.reading in ("share", "weight") else 2
        sizes = np.abs(self.values.astype(np.float64)) ** power
        total = float(sizes.sum())
        return float(sizes[self.certain()].sum()) / total if total > 0 else 0.0
