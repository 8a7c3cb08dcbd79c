"""PermutationSHAP: walks from the empty picture to the whole one, forwards and backwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Float64

from seewhy.game import enumeration, permutations, plans
from seewhy.game.design import Design, Law, end_scores, ends
from seewhy.game.linear_models import LinearModel, without_rounding
from seewhy.game.semivalues import shapley_weights
from seewhy.methods.designed import Designed
from seewhy.methods.explanation import Attribution, Reading


@dataclass(frozen=True, kw_only=True)
class PermutationShap(Designed):
    """Share the score among the superpixels by what each adds when it joins, order by order.

    Shapley values without any model of the game: superpixels join one by one
    in a random order and then in its reverse, what each adds to the score is
    averaged over such pairs of walks, and their spread is the error bar. The
    values of every walk add up to v(N) − v(∅). With few superpixels every mask
    is asked, and the values are exact.

    `KernelShap` needs about a third of the masks for the same error; this is
    the method to check it with.

    Parameters
    ----------
    budget : int or "auto"
        Masked pictures to ask the model about, besides the whole and the empty
        one. Of a number, as many walks with their reverses are paid as it
        affords, 2 (d − 1) masks each; "auto" stops when every target has
        converged, at 1 024 at the latest.
    epsilon : float
        A target has converged when every standard error is below ``epsilon``
        times the largest value, …
    top_regions : int
        … or when its so many strongest superpixels are separated from the rest.
    name : str
        Under which the result is found.

    References
    ----------
    Castro, Gómez, Tejada: Polynomial calculation of the Shapley value based on
    sampling, 2009. Mitchell, Cooper, Frank, Holmes: Sampling permutations for
    Shapley value estimation, JMLR 2022.

    Examples
    --------
    >>> game = Game(lambda masks: masks.all(axis=1, keepdims=True) * 3.0, 3)
    >>> PermutationShap()(game, np.random.default_rng(0)).values.ravel().round(6).tolist()
    [1.0, 1.0, 1.0]
    """

    name: str = "permutation-shap"
    reading: ClassVar[Reading] = "share"

    def plan(
        self,
        n_players: int,
        rng: np.random.Generator,
        *,
        affinity: Float[np.ndarray, "d d"] | None = None,
    ) -> Iterator[Design]:
        """Choose the masks; see `Designed.plan`."""
        most = self.most
        yield ends(n_players)
        if plans.affords_all(n_players, most):
            yield plans.all_but_ends(n_players)
            return
        n_pairs = permutations.pairs_within(n_players, most)
        growing = permutations.growing_rounds(n_players, n_pairs)
        for size in growing if self.growing else [n_pairs]:
            yield permutations.walks(permutations.random_orders(n_players, size, rng))

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
            model, pairs = enumeration.semivalues_from_all_masks(design, scores, shapley_weights)
            return replace(self.attribution(model, design, targets), interactions=pairs)
        scores = without_rounding(scores)
        whole, empty = end_scores(design, scores)
        walks = design.rows(Law.WALKS)
        added = permutations.walk_contributions(design.masks[walks], scores[walks], empty, whole)
        values, error = permutations.mean_and_error(added)
        return self.attribution(LinearModel(values, error, empty, None), design, targets)
