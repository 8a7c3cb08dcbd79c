"""One row of a figure: one class, and what every region did for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from seewhy.errors import InputError
from seewhy.game.fidelity import Fidelity
from seewhy.game.statistics import certain


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
        """Return Σ β² over the certain superpixels, divided by Σ β² over all; 0 if all are 0."""
        squares = self.values.astype(np.float64) ** 2
        total = float(squares.sum())
        return float(squares[self.certain()].sum()) / total if total > 0 else 0.0
