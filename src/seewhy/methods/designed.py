"""What methods have in common that plan their masks before they have seen a score."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float, Float64

from seewhy.errors import InputError
from seewhy.game import plans
from seewhy.game.design import Design
from seewhy.game.driver import E, Listener, Progress, pay_until_converged
from seewhy.game.game import Game, View, as_view
from seewhy.game.linear_models import LinearModel
from seewhy.methods.convergence import check_stopping, settled
from seewhy.methods.explanation import Attribution, Reading

AUTO_BUDGET = 1024
SMALLEST_BUDGET = 8

Budget = int | Literal["auto"]


@dataclass(frozen=True, kw_only=True)
class Designed(ABC):
    """A method that plans masks, pays for them and estimates; both halves are pure.

    Parameters
    ----------
    budget : int or "auto"
        Masked pictures to ask the model about, besides the whole and the empty
        one; "auto" stops when every target has converged, at 1 024 at the latest.
    epsilon : float
        A target has converged when every standard error is below ``epsilon``
        times the largest value, …
    top_regions : int
        … or when its so many strongest superpixels are separated from the rest.
    name : str
        Under which the result is found.

    Attributes
    ----------
    reading : str
        How a value is to be read.
    """

    budget: Budget = "auto"
    epsilon: float = 0.1
    top_regions: int = 5
    name: str
    reading: ClassVar[Reading]

    def __post_init__(self) -> None:
        if self.budget != "auto" and (
            not isinstance(self.budget, int | np.integer) or self.budget < SMALLEST_BUDGET
        ):
            raise InputError(
                f"budget must be 'auto' or a whole number of at least {SMALLEST_BUDGET} masks; "
                f"got {self.budget!r}"
            )
        check_stopping(self.epsilon, self.top_regions)

    @property
    def answers_from_any_pairs(self) -> bool:
        """Whether a design that other methods share will do."""
        return False

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

        Raises
        ------
        InputError
            A budget that the method cannot use for so many superpixels.
        """
        start = time.perf_counter()
        view = as_view(game)
        attribution = pay(
            view,
            self.plan(view.n_players, rng, affinity=view.affinity),
            lambda design, scores: estimate_for(self, view, design, scores),
            name=self.name,
            budget=self.budget,
            watch=_watched(game, view),
            progress=progress,
        )
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
            How much players belong together; 0 for those that are not neighbours.

        Yields
        ------
        Design
            First the two ends, then blocks worth estimating after.
        """
        yield from plans.for_main_effects(n_players, self.most, rng, affinity, growing=self.growing)

    @abstractmethod
    def estimate(
        self,
        design: Design,
        scores: Float64[np.ndarray, "n k"],
        *,
        targets: tuple[int, ...] | None = None,
        affinity: Float[np.ndarray, "d d"] | None = None,
        log_odds: Float64[np.ndarray, "n k"] | None = None,
    ) -> Attribution:
        """Turn the scores of a design into values; pure, asks no model.

        Parameters
        ----------
        design : Design
            Blocks of `plan`, joined; or, of a method that answers from any pairs, the
            design that several methods share.
        scores : (n, k) array
            One column per target.
        targets : tuple of int, optional
            Their class indices; default 0…k−1.
        affinity : (d, d) array, optional
            As given to `plan`.
        log_odds : (n, k) array, optional
            Where scores are probabilities: what they are the probabilities of.
        """

    @property
    def most(self) -> int:
        """How many masks the budget allows at most."""
        return most_masks(self.budget)

    @property
    def growing(self) -> bool:
        """Whether it may stop before the budget is spent."""
        return self.budget == "auto"

    def attribution(
        self, model: LinearModel, design: Design, targets: tuple[int, ...] | None
    ) -> Attribution:
        """Hand on what was estimated from a design as the answer of this method."""
        values, error = model.values, model.standard_error
        return Attribution(
            values=values,
            standard_error=error,
            base_value=model.intercept,
            targets=tuple(range(values.shape[1])) if targets is None else targets,
            evaluations=len(design),
            seconds=0.0,
            fidelity=model.fidelity,
            converged=settled(values, error, epsilon=self.epsilon, top_regions=self.top_regions),
            method=self,
        )


def most_masks(budget: Budget) -> int:
    """Return how many masks a budget allows at most: 1 024 when it is "auto"."""
    return AUTO_BUDGET if budget == "auto" else int(budget)


def estimate_for(
    method: Designed, view: View, design: Design, scores: Float64[np.ndarray, "n k"]
) -> Attribution:
    """Let a method estimate with all that a view knows; nothing new is paid."""
    return method.estimate(
        design,
        scores,
        targets=view.targets,
        affinity=view.affinity,
        log_odds=view.log_odds(design.masks),
    )


def pay(
    view: View,
    blocks: Iterator[Design],
    estimate: Callable[[Design, Float64[np.ndarray, "n k"]], E],
    *,
    name: str,
    budget: Budget,
    watch: Sequence[int],
    progress: Listener | None,
) -> E:
    """Pay for a plan, block by block, and return the last estimate.

    Parameters
    ----------
    view : View
    blocks : iterator of Design
    estimate : callable
        Of all masks and scores so far.
    name : str
        Under which progress is told.
    budget : int or "auto"
        A number is paid to the end of the plan; "auto" stops when every target of
        ``watch`` has converged.
    watch : sequence of int
    progress : callable, optional
        Told how many masks are paid.
    """

    def tell(paid: int, total: int = most_masks(budget)) -> None:
        if progress is not None:
            progress(Progress(f"{name}: asking the model", paid, total))

    latest, design = pay_until_converged(
        view, blocks, estimate, watch=watch if budget == "auto" else None, on_paid=tell
    )
    tell(design.budget, design.budget)
    return latest


def _watched(game: Game | View, view: View) -> list[int]:
    if isinstance(game, View):
        return list(range(len(view.targets)))
    return [int(view(np.ones((1, view.n_players), bool))[0].argmax())]
