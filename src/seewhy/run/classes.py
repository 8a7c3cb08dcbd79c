"""Which classes are explained, and against which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import numpy as np

from seewhy.errors import InputError
from seewhy.game.game import Game
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

    def predict(index: int) -> Prediction:
        return prediction_of(game, model.labels, question.score, index)

    shown = None
    if true is not None:
        shown = TruePrediction(**asdict(predict(true)), rank=_ranked(game).index(true) + 1)
    return Classes(
        tuple(map(predict, indices)), None if against is None else predict(against), shown
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
