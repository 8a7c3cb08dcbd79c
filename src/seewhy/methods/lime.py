"""LIME: which superpixels spoke for the class, and which against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Float64

from seewhy.errors import InputError
from seewhy.game import enumeration, linear_models, plans
from seewhy.game.design import Design, Law, ends
from seewhy.game.regression import LIME_KERNEL_WIDTH
from seewhy.methods.designed import Designed
from seewhy.methods.explanation import Attribution, Reading


@dataclass(frozen=True, kw_only=True)
class Lime(Designed):
    """Explain a class by the superpixels that spoke for and against it, with error bars.

    The value of a superpixel is what LIME's weighted regression tends to with
    ever more random masks: very nearly the main effect
    β_j = E[v | j kept] − E[v | j hidden], the rest kept or hidden by coin toss.
    Instead of random masks, the default pays for Hadamard fold-over blocks
    and reads β off a surrogate of the game: about a quarter of the squared error of
    the ``lime`` package at equal cost. With few superpixels every mask is
    asked, and LIME's own weighted regression is exact.

    Parameters
    ----------
    budget : int or "auto"
        Masked pictures to ask the model about, besides the whole and the empty
        one. A number is spent fully (in pairs; an odd mask stays unspent, and so
        does what exceeds all the masks there are); "auto" stops when every target has
        converged, at 1 024 at the latest.
    design : {"fold-over", "random"}
        "random": independent coin tosses and weighted ridge, as in the paper.
    epsilon : float
        A target has converged when every standard error is below ``epsilon``
        times the largest value, …
    top_regions : int
        … or when its so many strongest superpixels are separated from the rest.
    kernel_width, ridge : float
        Of the weighted regression, as in the ``lime`` package; used by the
        random design, and the width also when all masks are asked.
    name : str
        Under which the result is found.

    References
    ----------
    Ribeiro, Singh, Guestrin: "Why Should I Trust You?", KDD 2016.
    Garreau, Mardaoui: What does LIME really see in images?, ICML 2021.

    Examples
    --------
    >>> game = Game(lambda masks: masks @ np.array([[2.0], [-1.0], [0.5]]), 3)
    >>> Lime()(game, np.random.default_rng(0)).values.ravel().round(6).tolist()
    [2.0, -1.0, 0.5]
    """

    design: Literal["fold-over", "random"] = "fold-over"
    kernel_width: float = LIME_KERNEL_WIDTH
    ridge: float = 1.0
    name: str = "lime"
    reading: ClassVar[Reading] = "hiding"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.design not in ("fold-over", "random"):
            raise InputError(f"design must be 'fold-over' or 'random'; got {self.design!r}")
        if not self.kernel_width > 0:
            raise InputError(f"kernel_width must be positive; got {self.kernel_width!r}")
        if not self.ridge >= 0:
            raise InputError(f"ridge must not be negative; got {self.ridge!r}")

    @property
    def answers_from_any_pairs(self) -> bool:
        """Whether a design that other methods share will do."""
        return self.design == "fold-over"

    def plan(
        self,
        n_players: int,
        rng: np.random.Generator,
        *,
        affinity: Float[np.ndarray, "d d"] | None = None,
    ) -> Iterator[Design]:
        """Choose the masks; see `Designed.plan`."""
        most, growing = self.most, self.growing
        if self.design == "fold-over" or plans.affords_all(n_players, most):
            yield from plans.for_main_effects(n_players, most, rng, affinity, growing=growing)
            return
        if most <= n_players:
            raise InputError(
                f"budget must be larger than the number of players, {n_players}, for "
                f"design='random'; got {most}: raise it, or use design='fold-over'"
            )
        yield ends(n_players)
        yield from plans.random_blocks(n_players, most, rng)

    def estimate(
        self,
        design: Design,
        scores: Float64[np.ndarray, "n k"],
        *,
        targets: tuple[int, ...] | None = None,
        affinity: Float[np.ndarray, "d d"] | None = None,
        log_odds: Float64[np.ndarray, "n k"] | None = None,
    ) -> Attribution:
        """Turn the scores of a design into values; see `Designed.estimate`."""
        width = self.kernel_width
        if design.rows(Law.ALL).any() or design.n_players == 1:
            model = enumeration.lime_from_all_masks(design, scores, kernel_width=width)
        elif design.rows(Law.BERNOULLI).any():
            model = linear_models.from_independent_masks(
                design, scores, kernel_width=width, ridge=self.ridge
            )
        else:
            model = linear_models.from_pairs(design, scores)
        return self.attribution(model, design, targets)
