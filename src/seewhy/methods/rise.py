"""RISE on superpixels: the average score of the pictures that show a superpixel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Float64

from seewhy.game import enumeration, linear_models
from seewhy.game.design import Design, Law
from seewhy.game.linear_models import LinearModel
from seewhy.game.semivalues import banzhaf_weights
from seewhy.methods.designed import Designed
from seewhy.methods.explanation import Attribution, Reading


@dataclass(frozen=True, kw_only=True)
class Rise(Designed):
    """Weigh superpixels by the average score of the masked pictures that show them.

    RISE with superpixels for its cells, each kept with probability ½: the map is
    S_j = E[v | j kept]. Its level says nothing about a superpixel, so values are
    S_j − E[v], and ``base_value`` is E[v]; they are exactly half of Banzhaf
    values, which is why RISE is no second opinion beside LIME or Banzhaf.

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
    Petsiuk, Das, Saenko: RISE, BMVC 2018.

    Examples
    --------
    >>> game = Game(lambda masks: masks.all(axis=1, keepdims=True) * 4.0, 2)
    >>> found = Rise()(game, np.random.default_rng(0))
    >>> (found.base_value + found.values).ravel().round(6).tolist()
    [2.0, 2.0]
    """

    name: str = "rise"
    reading: ClassVar[Reading] = "showing"

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
            model, _ = enumeration.semivalues_from_all_masks(design, scores, banzhaf_weights)
        else:
            model = linear_models.from_pairs(design, scores)
        return self.attribution(_seen_from_the_mean(model), design, targets)


def _seen_from_the_mean(model: LinearModel) -> LinearModel:
    """E[v | j kept] lies half a main effect above the mean."""
    error = model.standard_error
    return replace(
        model,
        values=model.values / 2,
        standard_error=None if error is None else error / 2,
        intercept=model.intercept + model.values.sum(axis=0) / 2,
    )
