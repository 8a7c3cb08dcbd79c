"""Which method is asked how: together from one design, alone, or by gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from seewhy.game.driver import Listener
from seewhy.game.game import Game, View
from seewhy.game.scores import ClassScores
from seewhy.methods.designed import Budget
from seewhy.methods.explanation import Attribution, AttributionMethod
from seewhy.methods.gradients.pixels import PixelView
from seewhy.methods.together import can_share, explain_together
from seewhy.models.differentiable import differentiable
from seewhy.models.masking_game import MaskedPicture
from seewhy.models.protocol import Model
from seewhy.run.provenance import stream

SHARED = "shared design"  # with a space, as no method's name has


def explains_pixels(method: AttributionMethod) -> bool:
    """Tell whether a method differentiates the model rather than hide superpixels."""
    return bool(getattr(method, "explains_pixels", False))


def answer_all(
    methods: Sequence[AttributionMethod],
    game: Game,
    asked: ClassScores,
    masked: MaskedPicture,
    model: Model,
    *,
    budget: Budget,
    seed: int,
    tell: Listener,
) -> tuple[Attribution, ...]:
    """Ask every method, those that can from one shared design.

    Parameters
    ----------
    methods : sequence of AttributionMethod
        Of different names.
    game : Game
        What methods that hide superpixels ask.
    asked : ClassScores
        The classes and the scale.
    masked : MaskedPicture
        What gradient methods differentiate at.
    model : Model
    budget : int or "auto"
        Of the shared design, and of every method that has no budget of its own.
    seed : int
        Every method draws from a stream of its own name.
    tell : callable
        Told what is being done.
    """
    view = game.view(asked.score, target=asked.targets, against=asked.against)
    sharing = [_with_budget(method, budget) for method in methods if can_share(method)]
    found: dict[str, Attribution] = {}
    if len(sharing) > 1:
        rng = stream(seed, SHARED)
        for answer in explain_together(sharing, view, rng, budget=budget, progress=tell):
            found[answer.name] = answer
    for method in methods:
        if method.name not in found:
            subject = _subject(method, view, masked, model, asked)
            rng = stream(seed, method.name)
            found[method.name] = _with_budget(method, budget)(subject, rng, progress=tell)
    return tuple(found[method.name] for method in methods)


def _subject(
    method: AttributionMethod,
    view: View,
    masked: MaskedPicture,
    model: Model,
    asked: ClassScores,
) -> View | PixelView:
    if explains_pixels(method):
        return PixelView(differentiable(model, wanted_by=method.name), masked, asked)
    return view


def _with_budget(method: AttributionMethod, budget: Budget) -> Any:
    if budget == "auto" or getattr(method, "budget", None) != "auto":
        return method
    return replace(method, budget=budget)  # type: ignore[type-var]
