"""KernelSHAP: the score shared out among the superpixels, in few masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float, Float64

from seewhy.errors import InputError
from seewhy.game import enumeration, leverage, linear_models, plans
from seewhy.game.design import Design, Law, end_scores, ends
from seewhy.game.fidelity import PairedScores
from seewhy.game.functionals import SHAPLEY
from seewhy.game.linear_models import LinearModel
from seewhy.game.semivalues import shapley_weights
from seewhy.methods.designed import Designed
from seewhy.methods.explanation import Attribution, Reading

Estimator = Literal["surrogate", "regression"]
MOST_FOR_SURROGATE = 10_000


@dataclass(frozen=True, kw_only=True)
class KernelShap(Designed):
    """Share the score among the superpixels, by what each adds on average over all orders.

    Shapley values: superpixels join one by one in a random order, and the
    value of each is what it adds to the score when it joins. They add up to
    v(N) − v(∅), exactly. Instead of the regression of the ``shap`` package, the
    default pays for a designed set of masks, which LIME, Banzhaf and RISE can
    share, and reads the values off a Gaussian process fitted to it, each with
    an error bar. With few superpixels every mask is asked, and values and
    `Attribution.interactions` are exact.

    Parameters
    ----------
    budget : int or "auto"
        Masked pictures to ask the model about, besides the whole and the empty
        one. A number is spent fully (in pairs; an odd mask stays unspent, and so does
        what exceeds all the masks there are); "auto" stops when every target has
        converged, at 1 024 at the latest.
    estimator : {"surrogate", "regression"}
        "regression": paired leverage-score sampling and constrained least squares,
        which assume nothing of the game: a check, and the choice above 10 000 masks.
    epsilon : float
        A target has converged when every standard error is below ``epsilon``
        times the largest value, …
    top_regions : int
        … or when its so many strongest superpixels are separated from the rest.
    name : str
        Under which the result is found.

    References
    ----------
    Lundberg, Lee: A unified approach to interpreting model predictions, NeurIPS 2017.
    Musco, Witter: Provably accurate Shapley value estimation via leverage score
    sampling, ICLR 2025.

    Examples
    --------
    >>> game = Game(lambda masks: masks.all(axis=1, keepdims=True) * 3.0, 3)
    >>> KernelShap()(game, np.random.default_rng(0)).values.ravel().round(6).tolist()
    [1.0, 1.0, 1.0]
    """

    estimator: Estimator = "surrogate"
    name: str = "kernel-shap"
    reading: ClassVar[Reading] = "share"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.estimator not in get_args(Estimator):
            raise InputError(
                f"estimator must be 'surrogate' or 'regression'; got {self.estimator!r}"
            )
        if self.estimator == "surrogate" and self.most > MOST_FOR_SURROGATE:
            raise InputError(
                f"budget must be at most {MOST_FOR_SURROGATE} masks for estimator='surrogate'; "
                f"got {self.budget}: use estimator='regression' (kernel-shap:estimator=regression)"
            )

    @property
    def answers_from_any_pairs(self) -> bool:
        """Whether a design that other methods share will do."""
        return self.estimator == "surrogate"

    def plan(
        self,
        n_players: int,
        rng: np.random.Generator,
        *,
        affinity: Float[np.ndarray, "d d"] | None = None,
    ) -> Iterator[Design]:
        """Choose the masks; see `Designed.plan`."""
        most, growing = self.most, self.growing
        if self.estimator == "surrogate" or plans.affords_all(n_players, most):
            yield from plans.for_everything(n_players, most, rng, affinity, growing=growing)
            return
        yield ends(n_players)
        yield from leverage.leverage_blocks(n_players, most, rng)

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
        if design.rows(Law.LEVERAGE).any():
            model = _from_regression(design, scores)
        else:
            model = linear_models.from_pairs(design, scores, SHAPLEY, links=log_odds)
        return self.attribution(model, design, targets)


def _from_regression(design: Design, scores: Float64[np.ndarray, "n k"]) -> LinearModel:
    whole, empty = end_scores(design, scores)
    rows = design.rows(Law.LEVERAGE)
    pairs = PairedScores.of(design.masks[rows], scores[rows])
    values, error = leverage.constrained_shapley_regression(
        pairs.signs, pairs.odd, (whole - empty) / 2
    )
    return LinearModel(values, error, empty, None)
