"""Several methods, one design: pay for masks once, and let each method answer from all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game import plans
from seewhy.game.design import Design
from seewhy.game.driver import Listener
from seewhy.game.game import View
from seewhy.methods.designed import Budget, Designed, estimate_for, most_masks, pay
from seewhy.methods.explanation import Attribution


def can_share(method: Any) -> TypeGuard[Designed]:
    """Tell whether a method answers from any design of pairs, and leaves the budget to others."""
    return (
        isinstance(method, Designed) and method.answers_from_any_pairs and method.budget == "auto"
    )


def explain_together(
    methods: Sequence[Designed],
    view: View,
    rng: np.random.Generator,
    *,
    budget: Budget,
    progress: Listener | None = None,
) -> tuple[Attribution, ...]:
    """Explain by several methods from one set of masked pictures.

    Parameters
    ----------
    methods : sequence of Designed
        Such that `can_share`.
    view : View
    rng : numpy.random.Generator
        Draws the design.
    budget : int or "auto"
        For all of them together; "auto" stops when every method has converged.
    progress : callable, optional
        Told how many masks are paid.

    Returns
    -------
    tuple of Attribution
        One per method. ``evaluations`` are those of the design, ``seconds`` the time to
        pay for it and to make this estimate.
    """
    start = time.perf_counter()
    plan = plans.for_everything if _any_shares(methods) else plans.for_main_effects
    growing = budget == "auto"
    answers = pay(
        view,
        plan(view.n_players, most_masks(budget), rng, view.affinity, growing=growing),
        lambda design, scores: _answers(methods, view, design, scores),
        name=", ".join(method.name for method in methods),
        budget=budget,
        watch=range(len(view.targets)),
        progress=progress,
    )
    elapsed = time.perf_counter() - start
    paying = elapsed - sum(answer.seconds for answer in answers.attributions)
    return tuple(
        replace(answer, seconds=paying + answer.seconds) for answer in answers.attributions
    )


@dataclass(frozen=True, eq=False)
class _Answers:
    attributions: tuple[Attribution, ...]

    @property
    def converged(self) -> Bool[np.ndarray, " t"]:
        """Targets that every method has settled."""
        flags = [attribution.converged for attribution in self.attributions]
        return np.logical_and.reduce(flags)


def _answers(
    methods: Sequence[Designed],
    view: View,
    design: Design,
    scores: Float64[np.ndarray, "n k"],
) -> _Answers:
    found = []
    for method in methods:
        start = time.perf_counter()
        answer = estimate_for(method, view, design, scores)
        found.append(replace(answer, seconds=time.perf_counter() - start))
    return _Answers(tuple(found))


def _any_shares(methods: Sequence[Designed]) -> bool:
    return any(method.reading == "share" for method in methods)
