"""A method that takes part in a comparison, and the numbers that regions have in all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64

from seewhy.errors import InputError
from seewhy.game.curves import GRID, Curve
from seewhy.game.statistics import certain
from seewhy.metrics.measures import Number

Kind = Literal["attribution", "rule", "change"]


@dataclass(frozen=True, eq=False)
class Contestant:
    """What one method says about a class, and how it was judged.

    Attributes
    ----------
    name : str
        Of the method; any text is safe.
    values : (d,) array
        Signed; only their proportions are shown, as methods differ in units.
    standard_error : (d,) array or None
        None where nothing was sampled: then every non-zero value is certain.
    members : tuple of int or None
        The superpixels that a rule keeps or a change hides; None of an attribution.
    kind : {"attribution", "rule", "change"}
        How it is drawn.
    first, last : Curve
        The score, 1 for the whole picture and 0 with all hidden, while the most relevant
        superpixels are hidden first, and while the least relevant are. None where hiding
        everything does not lower the score, so that nothing can be brought to 1 and 0.
    numbers : mapping of str to Number
        By the keys of their measures; a measure that does not apply is missing.
    best : frozenset of str
        Keys of the measures in which nothing is better for certain.

    Raises
    ------
    InputError
        If values are not one row of finite numbers, the errors not as many, the curves not
        told at the shares of ``GRID``, or members missing where they are due.
    """

    name: str
    values: Float[np.ndarray, " d"]
    standard_error: Float[np.ndarray, " d"] | None
    members: tuple[int, ...] | None
    kind: Kind
    first: Curve | None
    last: Curve | None
    numbers: Mapping[str, Number]
    best: frozenset[str]

    def __post_init__(self) -> None:
        if self.values.ndim != 1 or not self.values.size or not np.isfinite(self.values).all():
            raise InputError(
                "values must be finite numbers of shape (d,), one per superpixel; "
                f"{self.name!r} has {self.values.dtype} of shape {self.values.shape}"
            )
        if self.standard_error is not None and self.standard_error.shape != self.values.shape:
            raise InputError(
                f"standard_error must have the shape of values, {self.values.shape}; "
                f"{self.name!r} has {self.standard_error.shape}"
            )
        if (self.members is None) != (self.kind == "attribution"):
            raise InputError(
                "members must be given for rules and changes, and for them alone; "
                f"{self.name!r}, a kind of {self.kind!r}, has {self.members!r}"
            )
        for curve in (self.first, self.last):
            if curve is not None and curve.scores.shape != GRID.shape:
                raise InputError(
                    f"first and last must be told at {len(GRID)} hidden shares; "
                    f"{self.name!r} has scores of shape {curve.scores.shape}"
                )

    def certain(self) -> Bool[np.ndarray, " d"]:
        """Tell which superpixels have a known sign: their 95 % interval excludes zero."""
        return certain(self.values, self.standard_error)

    def strength(self) -> Float64[np.ndarray, " d"]:
        """Return magnitudes as shares of the method's largest; all 0 where every value is."""
        size = np.abs(self.values.astype(np.float64))
        return size / size.max() if size.any() else size

    def drawn(self, top: int) -> list[int]:
        """Return the superpixels that have badges.

        Members of a rule or a change in their order; else the strongest certain ones,
        ``top`` at most.
        """
        if self.members is not None:
            return list(self.members)
        order = np.argsort(-np.abs(self.values), kind="stable")
        sure = self.certain()
        return [int(player) for player in order if sure[player] and self.values[player]][:top]


def number_contested(contestants: Sequence[Contestant], *, top: int) -> dict[int, int]:
    """Number the regions once for all methods, by their strongest effect on any of them.

    Methods have different units, so each counts in shares of its own maximum. Every
    method's strongest region is level then; the sum over methods decides between those.

    Parameters
    ----------
    contestants : sequence of Contestant
        All of one picture.
    top : int
        Only regions among an attribution's so many strongest, and members, are numbered.

    Returns
    -------
    dict of int to int
        Superpixel to number 1, 2, …, in that order.
    """
    shares = np.stack([contestant.strength() for contestant in contestants])
    drawn = {player for contestant in contestants for player in contestant.drawn(top)}
    # rounded: shares that differ in the last bit alone are level
    largest, total = shares.max(axis=0).round(9), shares.sum(axis=0).round(9)
    order = sorted(drawn, key=lambda player: (-largest[player], -total[player], player))
    return {player: number for number, player in enumerate(order, start=1)}
