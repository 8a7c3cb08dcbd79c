"""The one driver: plan a block, pay for it, estimate, and stop when every target has converged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.design import Design, join
from seewhy.game.game import View


@dataclass(frozen=True)
class Progress:
    """What a long computation is doing, for whoever wants to show it.

    Attributes
    ----------
    stage : str
        In a few plain words, e.g. "lime: asking the model".
    done, total : int
        Masks paid, and the most that will be.
    """

    stage: str
    done: int
    total: int


Listener = Callable[[Progress], None]


class Estimate(Protocol):
    """What the driver must know of an estimate: whether each target is settled."""

    @property
    def converged(self) -> Bool[np.ndarray, " t"]:
        """One flag per target."""
        ...


E = TypeVar("E", bound=Estimate)


def pay_until_converged(
    view: View,
    blocks: Iterable[Design],
    estimate: Callable[[Design, Float64[np.ndarray, "n t"]], E],
    *,
    watch: Sequence[int] | None,
    on_paid: Callable[[int], None] | None = None,
) -> tuple[E, Design]:
    """Pay block after block until the estimate has converged or the plan ends.

    Parameters
    ----------
    view : View
        What is asked; repeated masks are free.
    blocks : iterable of Design
        The plan, at least one block; blocks are never cut.
    estimate : callable
        Pure function of all masks and scores so far.
    watch : sequence of int, or None
        Targets whose convergence ends the payments (budget "auto"). None pays
        the whole plan and estimates once.
    on_paid : callable, optional
        Told how many masks of the plan are paid, portion by portion.

    Returns
    -------
    estimate, design
        The last estimate, and all that was paid for it.
    """
    paid: list[Design] = []
    scores: list[Float64[np.ndarray, "_ t"]] = []
    latest: E | None = None
    for block in blocks:
        before = sum(design.budget for design in paid)
        scores.append(_pay(view, block, before, on_paid))
        paid.append(block)
        if watch is not None and block.budget:
            latest = _estimate(estimate, paid, scores)
            if latest.converged[list(watch)].all():
                break
    if latest is None:
        latest = _estimate(estimate, paid, scores)
    return latest, join(paid)


def _pay(
    view: View, block: Design, before: int, on_paid: Callable[[int], None] | None
) -> Float64[np.ndarray, "n t"]:
    # always in the same portions, so that being watched changes no batch
    parts = []
    for start in range(0, len(block), view.portion) or [0]:
        parts.append(view(block.masks[start : start + view.portion]))
        if on_paid is not None and block.budget:
            on_paid(before + min(start + view.portion, len(block)))
    return np.concatenate(parts)


def _estimate(
    estimate: Callable[[Design, Float64[np.ndarray, "n t"]], E],
    paid: list[Design],
    scores: list[Float64[np.ndarray, "_ t"]],
) -> E:
    return estimate(join(paid), np.concatenate(scores))
