"""Asking a model, counting the pictures, and reading what it returns as log-probabilities."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float32, Float64
from scipy.special import log_softmax

from seewhy.errors import ModelError
from seewhy.game.driver import Listener, Progress
from seewhy.models.masking_game import log_probabilities
from seewhy.models.protocol import Model

Reading: TypeAlias = Literal["logits", "probabilities", "softmax twice", "none"]
"""What the numbers really are, as far as they say; "none": they are no classes' probabilities."""


@dataclass
class Asking:
    """A model, and how many pictures it was asked about.

    Attributes
    ----------
    model : Model
    progress : callable or None
        Told how many pictures were asked.
    expected : int
        How many it will be, about.
    done : int
        How many it was.
    """

    model: Model
    progress: Listener | None = None
    expected: int = 0
    done: int = field(default=0, init=False)

    def __call__(
        self, images: Float32[np.ndarray, "n h w c"], stage: str
    ) -> Float32[np.ndarray, "n k"]:
        """Ask about pictures, a batch at a time; `ModelError` as the model says it."""
        size = self.model.batch_size
        parts = []
        for start in range(0, len(images), size):
            parts.append(self.model(images[start : start + size]))
            self.count(len(parts[-1]), stage)
        return np.concatenate(parts)

    def timed(self, images: Float32[np.ndarray, "n h w c"]) -> float:
        """Ask about pictures at once; return the seconds that it took."""
        start = time.perf_counter()
        self.model(images)
        seconds = time.perf_counter() - start
        self.count(len(images), "speed")
        return seconds

    def count(self, pictures: int, stage: str) -> None:
        """Count pictures that were asked, and tell whoever listens."""
        self.done += pictures
        if self.progress is not None:
            self.progress(Progress(stage, self.done, max(self.expected, self.done)))


def read(outputs: Float32[np.ndarray, "n k"], reading: Reading) -> Float64[np.ndarray, "n c"]:
    """Turn a model's outputs into log-probabilities of its classes.

    Parameters
    ----------
    outputs : (n, k)
    reading : str
        Anything but "none".

    Returns
    -------
    (n, c) float64
        A single output counts as two classes.

    Raises
    ------
    ModelError
        When probabilities are none.
    """
    if reading == "softmax twice":
        return once(outputs)
    if reading == "none":
        raise ModelError("raw outputs have no probabilities.")
    return log_probabilities(outputs, reading).astype(np.float64)


def once(outputs: Float32[np.ndarray, "n k"]) -> Float64[np.ndarray, "n k"]:
    """Undo the second of two softmaxes, and take the logarithm.

    With q = softmax(p) and Σ p = 1, p is log q − mean(log q) + 1/k.
    """
    return np.log(np.clip(undone(outputs), 1e-6, 1.0))


def undone(outputs: Float32[np.ndarray, "n k"]) -> Float64[np.ndarray, "n k"]:
    """Undo a softmax of probabilities; negative where it was none."""
    logs = log_softmax(np.log(np.clip(outputs.astype(np.float64), 1e-12, 1.0)), axis=1)
    return logs - logs.mean(1, keepdims=True) + 1 / outputs.shape[1]
