"""Quality against cost: how good each method's ranking is after so many pictures asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64

from seewhy.game.driver import Listener, Progress
from seewhy.methods.anchors import Anchors
from seewhy.methods.counterfactual import Counterfactual
from seewhy.methods.explanation import Attribution, Method
from seewhy.metrics.bench import Bench
from seewhy.metrics.faithfulness import ranked
from seewhy.metrics.measures import Number
from seewhy.metrics.stability import over_repeats
from seewhy.run.answering import answer_all
from seewhy.run.case import Case
from seewhy.run.provenance import stream

BUDGETS = (64, 128, 256, 512, 1024)
FEWEST_RUNS = 3

Points = tuple[tuple[int, Number], ...]


@dataclass(frozen=True, eq=False)
class BudgetCurve:
    """SRG of every method at several budgets.

    Attributes
    ----------
    points : mapping of str to tuple of (int, Number)
        Method to pictures asked and SRG, mean over runs with its interval. Methods that share
        a design have asked as many pictures as the design holds; a method without a budget
        has a single point.
    """

    points: Mapping[str, Points]


def budget_curve(
    case: Case, bench: Bench, *, repeats: int, tell: Listener, budgets: Sequence[int] = BUDGETS
) -> BudgetCurve:
    """Run all methods that value superpixels at growing budgets, several times each.

    Parameters
    ----------
    case : Case
    bench : Bench
        Of it; only the SRG is taken.
    repeats : int
        Runs at every budget, at least three.
    tell : callable
        Told what is being done.
    budgets : sequence of int
        Of each method; what several share costs as much more as `total_budget` says.
    """
    methods = [
        each for each in case.question.methods if not isinstance(each, Anchors | Counterfactual)
    ]
    runs = max(repeats, FEWEST_RUNS)
    points: dict[str, list[tuple[int, Number]]] = {}
    for number, budget in enumerate(budgets):
        tell(Progress(f"at a budget of {budget}", number, len(budgets)))
        with_budget = [_without_budget(each) for each in methods]
        answers = [_answers(case, with_budget, budget, run) for run in range(runs)]
        for each in answers[0]:
            maps = [
                found.values[:, 0] for run in answers for found in run if found.name == each.name
            ]
            score = _srg(bench, maps)
            if score is not None:
                points.setdefault(each.name, []).append((each.evaluations, score))
    return BudgetCurve({name: _distinct(found) for name, found in points.items()})


def _without_budget(method: Method) -> Method:
    """Let go of a method's own budget: here it is varied."""
    if getattr(method, "budget", "auto") == "auto":
        return method
    return replace(method, budget="auto")  # type: ignore[type-var]


def _answers(case: Case, methods: Sequence[Method], budget: int, run: int) -> list[Attribution]:
    found = answer_all(
        methods,
        case.subject,
        budget=budget,
        seed=int(stream(case.seed, f"budget {budget}, run {run}").integers(2**31)),
        tell=lambda event: None,
        equal=True,
    )
    return [each for each in found if isinstance(each, Attribution)]


def _srg(bench: Bench, maps: Sequence[Float64[np.ndarray, " d"]]) -> Number | None:
    unique, which = np.unique(np.array(maps), axis=0, return_inverse=True)
    walks = [ranked(bench, values) for values in unique]
    gaps = [walk.gap for walk in walks if walk is not None]
    return over_repeats(np.array(gaps)[which.ravel()]) if len(gaps) == len(walks) else None


def _distinct(points: Sequence[tuple[int, Number]]) -> Points:
    """A method that no budget changes has one point."""
    if len({evaluations for evaluations, _ in points}) == 1:
        return (points[0],)
    return tuple(points)
