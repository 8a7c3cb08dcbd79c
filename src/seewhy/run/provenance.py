"""Where a result came from: the model, its predictions, and every source of chance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32

from seewhy import __version__
from seewhy.game.game import Game
from seewhy.game.scores import Score, score_columns
from seewhy.models.protocol import Model

TOP_PREDICTIONS = 5


@dataclass(frozen=True)
class Prediction:
    """What the model said about one class of the whole picture.

    Attributes
    ----------
    index, label : int, str
        The class.
    probability : float or None
        None when the model's outputs are raw.
    score : float
        On the scale that is explained (log-odds, …).
    """

    index: int
    label: str
    probability: float | None
    score: float


@dataclass(frozen=True)
class TruePrediction(Prediction):
    """What the model said about the class that the picture really shows.

    Attributes
    ----------
    rank : int
        Its place among all classes, from 1.
    """

    rank: int


@dataclass(frozen=True)
class ModelCard:
    """The model as it was used: enough to tell whether two results may be compared."""

    spec: str
    framework: str
    input: tuple[int, int, int]
    preprocessing: Mapping[str, Any]
    classes: int
    fingerprint: str

    @classmethod
    def of(cls, model: Model) -> ModelCard:
        """Describe a model."""
        return cls(
            spec=model.spec,
            framework=model.framework,
            input=model.input_size,
            preprocessing=model.preprocessing.to_json(),
            classes=len(model.labels),
            fingerprint=model.fingerprint,
        )


def predictions_of(game: Game, labels: Sequence[str], score: Score) -> tuple[Prediction, ...]:
    """Return the five likeliest classes of the whole picture, likeliest first."""
    outputs = game(np.ones((1, game.n_players), bool))
    order = np.argsort(-outputs[0], kind="stable")[:TOP_PREDICTIONS]
    scores = score_columns(outputs, score, order.tolist())[0]
    return tuple(
        Prediction(int(index), labels[index], _probability(game, outputs[0], index), float(value))
        for index, value in zip(order, scores, strict=True)
    )


def prediction_of(game: Game, labels: Sequence[str], score: Score, index: int) -> Prediction:
    """Return what the model said about one class of the whole picture."""
    outputs = game(np.ones((1, game.n_players), bool))
    value = float(score_columns(outputs, score, [index])[0, 0])
    return Prediction(index, labels[index], _probability(game, outputs[0], index), value)


def _probability(game: Game, outputs: Float32[np.ndarray, " k"], index: int) -> float | None:
    if game.columns == "raw":
        return None
    return float(np.exp(outputs[index].astype(np.float64)))


def seed_of(sha256: str) -> int:
    """Turn the digest of a picture's pixels into its default seed."""
    return int(sha256[:8], 16)


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the random stream of one method (or of the fill).

    It depends on the seed and the name alone: other methods, their order and
    the number of workers change nothing.

    Examples
    --------
    >>> stream(7, "lime").random() == stream(7, "lime").random()
    True
    >>> stream(7, "lime").random() == stream(7, "fill").random()
    False
    """
    digest = hashlib.sha256(name.encode()).digest()
    key = tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def fingerprint(document: Mapping[str, Any]) -> str:
    """Digest everything that determines a result: equal digests mean comparable numbers."""
    settled = json.dumps({"seewhy": __version__, **document}, sort_keys=True, default=str)
    return hashlib.sha256(settled.encode()).hexdigest()[:16]
