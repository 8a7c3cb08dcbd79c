"""Which classes are explained, and against which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import numpy as np

from seewhy.errors import InputError
from seewhy.game.game import Game
from seewhy.methods.anchors import Anchors
from seewhy.methods.counterfactual import Counterfactual
from seewhy.methods.explanation import Method
from seewhy.models.labels import find_class
from seewhy.models.protocol import Model
from seewhy.run.provenance import Prediction, TruePrediction, prediction_of
from seewhy.run.question import ClassName, Question


@dataclass(frozen=True)
class Classes:
    """What a question comes down to, once the model has been asked.

    Attributes
    ----------
    targets : tuple of Prediction
        What is explained.
    against : Prediction or None
        What it is held against.
    true : TruePrediction or None
        What the picture shows, if that was said.
    """

    targets: tuple[Prediction, ...]
    against: Prediction | None
    true: TruePrediction | None


def classes_of(question: Question, game: Game, model: Model) -> Classes:
    """Find out who is explained, and against whom.

    Raises
    ------
    InputError
        A class that nobody knows, or one held against itself.
    """

    def look_up(name: ClassName) -> int:
        return find_class(name, model.labels, model.aliases)

    if question.true is not None and len(model.labels) < 2:
        raise InputError(
            f"true needs a model of at least two classes; {model.spec} has one output: "
            "leave true out"
        )
    against = None if question.against is None else look_up(question.against)
    true = None if question.true is None else look_up(question.true)
    if true is not None:
        first, second = _ranked(game)[:2]
        indices, against = ([first], true) if first != true else ([true], second)
    elif question.target is None:
        ranked = [index for index in _ranked(game) if index != against]
        indices = ranked[: question.top if against is None else 1]
    elif isinstance(question.target, str | int | np.integer):
        indices = [look_up(question.target)]
    else:
        indices = list(dict.fromkeys(look_up(name) for name in question.target))
    if not indices:
        raise InputError("target must name at least one class; got an empty list")
    if against in indices:
        raise InputError(
            f"against must be another class than the target; got {model.labels[against]!r} for both"
        )

    _check_rules(question, indices, against, _ranked(game)[0], model)

    def predict(index: int) -> Prediction:
        return prediction_of(game, model.labels, question.score, index)

    shown = None
    if true is not None:
        shown = TruePrediction(**asdict(predict(true)), rank=_ranked(game).index(true) + 1)
    return Classes(
        tuple(map(predict, indices)), None if against is None else predict(against), shown
    )


def _check_rules(
    question: Question, targets: list[int], against: int | None, first: int, model: Model
) -> None:
    """Anchors and counterfactuals are about what the model said, or about two classes."""
    for method in question.methods:
        if isinstance(method, Counterfactual) and method.target == first:
            raise InputError(
                f"target of {method.name} must be another class than the one that the model puts "
                f"first; got {model.labels[first]!r}"
            )
    rules = [m.name for m in question.methods if isinstance(m, Anchors | Counterfactual)]
    if not rules or question.target is None:
        return
    if len(targets) > 1 or (against is None and targets[0] != first):
        asked = ", ".join(repr(model.labels[index]) for index in targets)
        raise InputError(
            f"{' and '.join(rules)} explain what the model said, {model.labels[first]!r}; got "
            f"target {asked}: leave target out, or give one target and against"
        )


def with_classes_found(methods: Iterable[Method], model: Model) -> tuple[Method, ...]:
    """Turn class names that methods were given into indices."""
    return tuple(
        replace(method, target=find_class(method.target, model.labels, model.aliases))
        if isinstance(method, Counterfactual) and isinstance(method.target, str)
        else method
        for method in methods
    )


def _ranked(game: Game) -> list[int]:
    outputs = game(np.ones((1, game.n_players), bool))[0]
    return [int(index) for index in np.argsort(-outputs, kind="stable")]
