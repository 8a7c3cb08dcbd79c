"""Which method is asked how: together from one design, alone, by gradients, or as a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool

from seewhy.errors import SeewhyError
from seewhy.game.design import Design
from seewhy.game.driver import Listener
from seewhy.game.game import Game, View
from seewhy.game.scores import ClassScores
from seewhy.methods.anchors import Anchors
from seewhy.methods.change import Change
from seewhy.methods.counterfactual import Counterfactual
from seewhy.methods.designed import Budget
from seewhy.methods.explanation import Attribution, Method
from seewhy.methods.gradients.pixels import PixelView
from seewhy.methods.rule import Rule
from seewhy.methods.together import (
    can_share,
    explain_together,
    total_budget,
    worth_sharing,
)
from seewhy.models.differentiable import differentiable
from seewhy.models.masking_game import MaskedPicture
from seewhy.models.protocol import Model
from seewhy.run.provenance import stream

SHARED = "shared design"  # with a space, as no method's name has

Explanation: TypeAlias = Attribution | Rule | Change


@dataclass(frozen=True, eq=False)
class Subject:
    """What methods are asked about.

    Attributes
    ----------
    game : Game
        Of hiding superpixels.
    asked : ClassScores
        The classes and the scale.
    masked : MaskedPicture
        What gradient methods differentiate at.
    model : Model
    backgrounds : mapping of str to Game
        The picture's superpixels before other pictures; for anchors.
    contrast_rules : bool
        Whether anchors keep the target ahead of the class it is held against, instead of
        ahead of all classes.
    paid : Design or None
        What several methods have paid for together, by which superpixels can be ranked.
    """

    game: Game
    asked: ClassScores
    masked: MaskedPicture
    model: Model
    backgrounds: Mapping[str, Game]
    contrast_rules: bool
    paid: Design | None = None

    @property
    def view(self) -> View:
        """The scores of the classes asked about."""
        asked = self.asked
        return self.game.view(asked.score, target=asked.targets, against=asked.against)


def explains_pixels(method: Method) -> bool:
    """Tell whether a method differentiates the model rather than hide superpixels."""
    return bool(getattr(method, "explains_pixels", False))


def answer_all(
    methods: Sequence[Method],
    subject: Subject,
    *,
    budget: Budget,
    seed: int,
    tell: Listener,
    equal: bool = False,
    refused: dict[str, str] | None = None,
) -> tuple[Explanation, ...]:
    """Ask every method, those that can from one shared design.

    Parameters
    ----------
    methods : sequence of Method
        Of different names.
    subject : Subject
    budget : int or "auto"
        Of the shared design, and of every attribution method that has no budget of its own.
    seed : int
        Every method draws from a stream of its own name.
    tell : callable
        Told what is being done.
    equal : bool
        The budget is that of each method alone: what they share may cost as much more as it
        takes to serve each as well.
    refused : dict of str to str, optional
        Methods that cannot answer are left out, and their reasons put here; without it,
        the first of them raises.
    """
    for method in methods:
        if isinstance(method, Anchors | Counterfactual):
            method.check_budget(subject.game.n_players)  # before others are paid for
    sharing = [_with_budget(method, budget) for method in methods if can_share(method)]
    found: dict[str, Explanation] = {}
    if worth_sharing(sharing):
        rng = stream(seed, SHARED)
        total = total_budget(sharing, int(budget)) if equal and budget != "auto" else budget
        shared = explain_together(sharing, subject.view, rng, budget=total, progress=tell)
        found.update((answer.name, answer) for answer in shared.attributions)
        subject = replace(subject, paid=shared.design)
    # counterfactuals last: what broke a rule is where they begin
    for method in sorted(methods, key=lambda method: isinstance(method, Counterfactual)):
        if method.name in found:
            continue
        rng = stream(seed, method.name)
        try:
            found[method.name] = _answer(method, subject, rng, budget, found, tell)
        except SeewhyError as refusal:
            if refused is None:
                raise
            refused[method.name] = str(refusal)
    return tuple(found[method.name] for method in methods if method.name in found)


def _answer(
    method: Method,
    subject: Subject,
    rng: np.random.Generator,
    budget: Budget,
    found: Mapping[str, Explanation],
    tell: Listener,
) -> Explanation:
    if isinstance(method, Anchors):
        game = _contrast(subject) if subject.contrast_rules else subject.game
        return method(game, rng, backgrounds=subject.backgrounds, paid=subject.paid, progress=tell)
    if isinstance(method, Counterfactual):
        known = _counterexamples(found, subject.game.n_players)
        return method(_contrast(subject), rng, known=known, paid=subject.paid, progress=tell)
    asking: Callable[..., Attribution] = _with_budget(method, budget)
    if not explains_pixels(method):
        return asking(subject.view, rng, progress=tell)
    model = differentiable(subject.model, wanted_by=method.name)
    return asking(PixelView(model, subject.masked, subject.asked), rng, progress=tell)


def _contrast(subject: Subject) -> Game | View:
    """Whichever of two classes leads against the other; the game where none is compared."""
    asked, game = subject.asked, subject.game
    if asked.against is None:
        return game
    outputs = game(np.ones((1, game.n_players), bool))[0]
    ahead, behind = asked.targets[0], asked.against
    if outputs[behind] > outputs[ahead]:
        ahead, behind = behind, ahead
    return game.view(asked.score, target=ahead, against=behind)


def _counterexamples(found: Mapping[str, Explanation], n_players: int) -> Bool[np.ndarray, "n d"]:
    """The masks, before the fill, that broke a rule."""
    rules = [rule for rule in found.values() if isinstance(rule, Rule)]
    everyone = [one for rule in rules for one in (rule, *rule.alternatives)]
    broken = [e for rule in everyone for e in rule.breaks if e.background is None]
    masks = np.ones((len(broken), n_players), bool)
    for mask, example in zip(masks, broken, strict=True):
        mask[list(example.hidden)] = False
    return masks


def _with_budget(method: Method, budget: Budget) -> Any:
    own = isinstance(method, Anchors | Counterfactual)
    if own or budget == "auto" or getattr(method, "budget", None) != "auto":
        return method
    return replace(method, budget=budget)  # type: ignore[type-var]
