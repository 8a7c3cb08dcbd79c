"""LIME: which superpixels spoke for the class, and which against it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64

from seewhy.errors import InputError
from seewhy.game import main_effects, plans
from seewhy.game.design import Design, Law, ends
from seewhy.game.driver import Listener, Progress, pay_until_converged
from seewhy.game.game import Game, View, as_view
from seewhy.game.regression import LIME_KERNEL_WIDTH
from seewhy.game.statistics import interval_factor
from seewhy.methods.explanation import Attribution

AUTO_BUDGET = 1024
SMALLEST_BUDGET = 8


@dataclass(frozen=True, kw_only=True)
class Lime:
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

    budget: int | Literal["auto"] = "auto"
    design: Literal["fold-over", "random"] = "fold-over"
    epsilon: float = 0.1
    top_regions: int = 5
    kernel_width: float = LIME_KERNEL_WIDTH
    ridge: float = 1.0
    name: str = "lime"

    def __post_init__(self) -> None:
        if self.budget != "auto" and (
            not isinstance(self.budget, int | np.integer) or self.budget < SMALLEST_BUDGET
        ):
            raise InputError(
                f"budget must be 'auto' or a whole number of at least {SMALLEST_BUDGET} masks; "
                f"got {self.budget!r}"
            )
        if self.design not in ("fold-over", "random"):
            raise InputError(f"design must be 'fold-over' or 'random'; got {self.design!r}")
        for setting in ("epsilon", "kernel_width"):
            if not getattr(self, setting) > 0:
                raise InputError(f"{setting} must be positive; got {getattr(self, setting)!r}")
        if not isinstance(self.top_regions, int | np.integer) or self.top_regions < 1:
            raise InputError(
                f"top_regions must be a whole number of at least 1; got {self.top_regions!r}"
            )
        if not self.ridge >= 0:
            raise InputError(f"ridge must not be negative; got {self.ridge!r}")

    def __call__(
        self, game: Game | View, rng: np.random.Generator, *, progress: Listener | None = None
    ) -> Attribution:
        """Pay for masks and explain every target of the game.

        Parameters
        ----------
        game : Game or View
            Of a bare game every column is explained, and the one that is
            largest with everything kept decides when to stop.
        rng : numpy.random.Generator
            Draws the design.
        progress : callable, optional
            Told how many masks are paid.

        Returns
        -------
        Attribution
        """
        start = time.perf_counter()
        view = as_view(game)
        total = AUTO_BUDGET if self.budget == "auto" else int(self.budget)

        def tell(paid: int) -> None:
            if progress is not None:
                progress(Progress(f"{self.name}: asking the model", paid, total))

        attribution, design = pay_until_converged(
            view,
            self.plan(view.n_players, rng, affinity=view.affinity),
            lambda design, scores: self.estimate(design, scores, targets=view.targets),
            watch=self._watched(game, view),
            on_paid=tell,
        )
        if progress is not None:
            progress(Progress(f"{self.name}: asking the model", design.budget, design.budget))
        return replace(attribution, seconds=time.perf_counter() - start)

    def plan(
        self,
        n_players: int,
        rng: np.random.Generator,
        *,
        affinity: Float[np.ndarray, "d d"] | None = None,
    ) -> Iterator[Design]:
        """Choose the masks, block by block, without asking the model anything.

        Parameters
        ----------
        n_players : int
        rng : numpy.random.Generator
        affinity : (d, d) array, optional
            Which players are neighbours: their three-way interactions are
            kept off the main effects.

        Yields
        ------
        Design
            First the two ends, then blocks worth estimating after.
        """
        most = AUTO_BUDGET if self.budget == "auto" else int(self.budget)
        yield ends(n_players)
        if 2 ** min(n_players, 62) <= most:
            yield plans.all_but_ends(n_players)
        elif self.design == "random":
            if most <= n_players:
                raise InputError(
                    f"budget must be larger than the number of players, {n_players}, for "
                    f"design='random'; got {most}: raise it, or use design='fold-over'"
                )
            yield from plans.random_blocks(n_players, most, rng)
        elif self.budget == "auto":
            yield from plans.growing_blocks(n_players, most, rng, affinity)
        else:
            yield plans.fitted_to_budget(n_players, most, rng, affinity)

    def estimate(
        self,
        design: Design,
        scores: Float64[np.ndarray, "n k"],
        *,
        targets: tuple[int, ...] | None = None,
    ) -> Attribution:
        """Turn the scores of a design into values; pure, asks no model.

        Parameters
        ----------
        design : Design
            Blocks of `plan`, joined.
        scores : (n, k) array
            One column per target.
        targets : tuple of int, optional
            Their class indices; default 0…k−1.
        """
        width = self.kernel_width
        if design.rows(Law.ALL).any() or design.n_players == 1:
            model = main_effects.from_all_masks(design, scores, kernel_width=width)
        elif design.rows(Law.BERNOULLI).any():
            model = main_effects.from_independent_masks(
                design, scores, kernel_width=width, ridge=self.ridge
            )
        else:
            model = main_effects.from_pairs(design, scores)
        return Attribution(
            values=model.values,
            standard_error=model.standard_error,
            base_value=model.intercept,
            targets=tuple(range(scores.shape[1])) if targets is None else targets,
            evaluations=len(design),
            seconds=0.0,
            fidelity=model.fidelity,
            converged=self._converged(model.values, model.standard_error),
            method=self,
        )

    def _watched(self, game: Game | View, view: View) -> list[int] | None:
        if self.budget != "auto":
            return None
        if isinstance(game, View):
            return list(range(len(view.targets)))
        return [int(view(np.ones((1, view.n_players), bool))[0].argmax())]

    def _converged(
        self, values: Float64[np.ndarray, "d k"], error: Float64[np.ndarray, "d k"] | None
    ) -> Bool[np.ndarray, " k"]:
        """Small errors everywhere, or the top regions separated from the next one."""
        if error is None:
            return np.ones(values.shape[1], bool)
        strength = np.abs(values)
        small = error.max(axis=0) <= self.epsilon * strength.max(axis=0)
        if self.top_regions >= len(values):
            return small
        order = np.argsort(-strength, axis=0, kind="stable")
        last, following = order[self.top_regions - 1], order[self.top_regions]
        column = np.arange(values.shape[1])
        gap = strength[last, column] - strength[following, column]
        doubt = np.hypot(error[last, column], error[following, column])
        return small | (gap > interval_factor() * doubt)
