"""Several methods, one design: pay for masks once, and let each method answer from all of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
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
from seewhy.methods.partition_shap import PartitionShap


def can_share(method: Any) -> TypeGuard[Designed]:
    """Tell whether a method answers from any design of pairs, and leaves the budget to others."""
    return (
        isinstance(method, Designed) and method.answers_from_any_pairs and method.budget == "auto"
    )


def worth_sharing(methods: Sequence[Designed]) -> bool:
    """Tell whether some methods gain by one design: two at least, and not PartitionSHAP alone.

    Owen values of two hierarchies have hardly a mask in common.
    """
    return len(methods) > 1 and not all(isinstance(method, PartitionShap) for method in methods)


def total_budget(methods: Sequence[Designed], budget: int) -> int:
    """Return how many masks methods need together to be about as exact as alone with ``budget``.

    Half as many again where Owen values are asked with others (`plans.GROUPS_PAY`), else no more.

    Parameters
    ----------
    methods : sequence of Designed
        Such that `can_share`.
    budget : int
        Of each, asked alone.
    """
    groups = worth_sharing(methods) and any(isinstance(m, PartitionShap) for m in methods)
    return budget + int(plans.GROUPS_PAY * budget) if groups else budget


def explain_together(
    methods: Sequence[Designed],
    view: View,
    rng: np.random.Generator,
    *,
    budget: Budget,
    progress: Listener | None = None,
) -> Together:
    """Explain by several methods from one set of masked pictures.

    Parameters
    ----------
    methods : sequence of Designed
        Such that `can_share`.
    view : View
    rng : numpy.random.Generator
        Draws the design.
    budget : int or "auto"
        For all of them together; "auto" stops when every method has converged. With
        PartitionSHAP among them, a third of it goes to groups of superpixels, which the
        others can do without: `total_budget` says what makes up for that.
    progress : callable, optional
        Told how many masks are paid.

    Returns
    -------
    Together

    Raises
    ------
    InputError
        A budget or a hierarchy that PartitionSHAP cannot use for so many superpixels.
    """
    start = time.perf_counter()
    answers = pay(
        view,
        _plan(methods, view, rng, budget),
        lambda design, scores: _answers(methods, view, design, scores),
        name=", ".join(method.name for method in methods),
        budget=budget,
        watch=range(len(view.targets)),
        progress=progress,
    )
    elapsed = time.perf_counter() - start
    paying = elapsed - sum(answer.seconds for answer in answers.attributions)
    timed = [replace(each, seconds=paying + each.seconds) for each in answers.attributions]
    return replace(answers, attributions=tuple(timed))


@dataclass(frozen=True, eq=False)
class Together:
    """What several methods answered from one design.

    Attributes
    ----------
    attributions : tuple of Attribution
        One per method. ``evaluations`` are those of the design, ``seconds`` the time to
        pay for it and to make this estimate.
    design : Design
        All that was paid for.
    """

    attributions: tuple[Attribution, ...]
    design: Design

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
) -> Together:
    found = []
    for method in methods:
        start = time.perf_counter()
        answer = estimate_for(method, view, design, scores)
        found.append(replace(answer, seconds=time.perf_counter() - start))
    return Together(tuple(found), design)


def _plan(
    methods: Sequence[Designed], view: View, rng: np.random.Generator, budget: Budget
) -> Iterator[Design]:
    d, affinity, most, growing = view.n_players, view.affinity, most_masks(budget), budget == "auto"
    hierarchies = []
    for method in methods:
        if isinstance(method, PartitionShap):
            hierarchies.append(method.hierarchy_of(d, affinity))
            method.check_budget(hierarchies[-1], most)
    if hierarchies:
        return plans.for_groups_too(
            d, most, rng, affinity, hierarchies=hierarchies, growing=growing
        )
    shares = any(method.reading == "share" for method in methods)
    plan = plans.for_everything if shares else plans.for_main_effects
    return plan(d, most, rng, affinity, growing=growing)
