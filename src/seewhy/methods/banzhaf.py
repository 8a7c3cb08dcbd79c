"""Banzhaf values: what a superpixel adds when the others are there by coin toss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Float64

from seewhy.game import enumeration, linear_models
from seewhy.game.design import Design, Law
from seewhy.game.semivalues import banzhaf_weights
from seewhy.methods.designed import Designed
from seewhy.methods.explanation import Attribution, Reading


@dataclass(frozen=True, kw_only=True)
class Banzhaf(Designed):
    """Value each superpixel by what it adds when each of the others is there by coin toss.

    E[v | j kept] − E[v | j hidden]: the effect that LIME's coefficients tend to, without
    LIME's weights. With few superpixels every mask is asked, and values and
    `Attribution.interactions` are exact.

    Parameters
    ----------
    budget : int or "auto"
        Masked pictures to ask the model about, besides the whole and the empty
        one; spent as by `Lime`.
    epsilon : float
        A target has converged when every standard error is below ``epsilon``
        times the largest value, …
    top_regions : int
        … or when its so many strongest superpixels are separated from the rest.
    name : str
        Under which the result is found.

    References
    ----------
    Banzhaf: Weighted voting doesn't work, 1965. Wang, Jia: Data Banzhaf, AISTATS 2023.

    Examples
    --------
    >>> game = Game(lambda masks: masks.all(axis=1, keepdims=True) * 4.0, 3)
    >>> Banzhaf()(game, np.random.default_rng(0)).values.ravel().round(6).tolist()
    [1.0, 1.0, 1.0]
    """

    name: str = "banzhaf"
    reading: ClassVar[Reading] = "hiding"

    @property
    def answers_from_any_pairs(self) -> bool:
        """Whether a design that other methods share will do."""
        return True

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
        if design.rows(Law.ALL).any() or design.n_players == 1:
            model, pairs = enumeration.semivalues_from_all_masks(design, scores, banzhaf_weights)
            return replace(self.attribution(model, design, targets), interactions=pairs)
        model = linear_models.from_pairs(design, scores)
        return self.attribution(model, design, targets)
