"""Gradients of a Keras network on TensorFlow, along straight lines between pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64

from seewhy.errors import ModelError
from seewhy.game.scores import ClassScores
from seewhy.models.batching import Batcher
from seewhy.models.line_checks import check_gradients
from seewhy.models.protocol import Output

CLIP = 1e-6
"""Probabilities below it, or above 1 minus it, count as such, as in every other framework."""


class TensorFlowGradients:
    """Scores of a network and their gradients, traced once for each kind of score.

    Parameters
    ----------
    network : callable
        Normalised pictures (b, h, w, c) to outputs (b, k), tensors of TensorFlow.
    output : {"logits", "probabilities", "raw"}
        What the network returns.
    name : str
        How it is called in messages.
    eager : bool
        Whether the network cannot be traced.
    """

    def __init__(
        self, network: Callable[[Any], Any], *, output: Output, name: str, eager: bool = False
    ) -> None:
        self._network = network
        self._output = output
        self._name = name
        self._eager = eager
        self._traced: dict[tuple[str, bool, int], Callable[..., tuple[Any, Any]]] = {}

    def along_lines(
        self,
        image: Float32[np.ndarray, "h w c"],
        references: Callable[[slice], Float32[np.ndarray, "b h w c"]],
        positions: Float[np.ndarray, " n"],
        asked: ClassScores,
        batcher: Batcher,
    ) -> tuple[Float64[np.ndarray, "n t"], Float32[np.ndarray, "t n h w"]]:
        """Differentiate scores at points between references and a picture.

        Parameters
        ----------
        image : (h, w, c) float32
            Normalised.
        references : callable
            Takes a slice of the points; returns their references, normalised, one or one each.
        positions : (n,) array in [0, 1]
            0 is the reference, 1 the picture.
        asked : ClassScores
            Which classes, on which scale.
        batcher : Batcher
            With the batch that suits a backward pass.

        Returns
        -------
        scores : (n, t) array
        contributions : (t, n, h, w) array
            As `DifferentiableModel` has them.
        """
        contributions = np.empty((len(asked.targets), len(positions), *image.shape[:2]), np.float32)

        def step(rows: slice) -> np.ndarray:
            reference = references(rows)
            difference = image - reference
            place = positions[rows].astype(np.float32)[:, None, None, None]
            scores, gradients = self._at(reference + place * difference, asked)
            contributions[:, rows] = (gradients.numpy() * difference).sum(axis=-1)
            return np.asarray(scores.numpy())

        scores = batcher.run(len(positions), step).astype(np.float64)
        check_gradients(contributions, name=self._name)
        return scores, contributions

    def _at(self, points: Float32[np.ndarray, "b h w c"], asked: ClassScores) -> tuple[Any, Any]:
        import tensorflow as tf

        kind = (asked.score, asked.against is not None, len(asked.targets))
        if kind not in self._traced:
            self._traced[kind] = self._made(*kind, shape=points.shape[1:])
        against = -1 if asked.against is None else asked.against
        return self._traced[kind](
            tf.constant(points), tf.constant(asked.targets, tf.int32), tf.constant(against)
        )

    def _made(
        self, score: str, against: bool, count: int, *, shape: tuple[int, ...]
    ) -> Callable[..., tuple[Any, Any]]:
        import tensorflow as tf

        def run(points: Any, targets: Any, other: Any) -> tuple[Any, Any]:
            with tf.GradientTape(persistent=count > 1) as tape:
                tape.watch(points)
                outputs = self._network(points)
                scores = tensorflow_scores(
                    outputs, targets, other if against else None, score=score, output=self._output
                )
                columns = tf.unstack(scores, num=count, axis=1)
            # rows are independent of each other, so that one sum serves them all
            gradients = [tape.gradient(column, points) for column in columns]
            if any(gradient is None for gradient in gradients):
                raise ModelError(
                    f"{self._name} cannot be differentiated: its outputs do not depend on its "
                    "input in a way that TensorFlow records."
                )
            return scores, tf.stack(gradients)

        if self._eager:
            return run
        signature = (
            tf.TensorSpec([None, *shape], tf.float32),
            tf.TensorSpec([count], tf.int32),
            tf.TensorSpec([], tf.int32),
        )
        traced: Callable[..., tuple[Any, Any]] = tf.function(
            run, autograph=False
        ).get_concrete_function(*signature)
        return traced


def tensorflow_scores(outputs: Any, targets: Any, against: Any, *, score: str, output: str) -> Any:
    """Turn a network's outputs into the scores of classes, as `torch_scores` does.

    Parameters
    ----------
    outputs : tensorflow.Tensor
        (n, k), as the network returns them.
    targets : tensorflow.Tensor
        (t,), classes that exist.
    against : tensorflow.Tensor or None
        A class; the score is then the difference of two logs.
    score : {"log-odds", "probability", "log-probability", "raw"}
        On which scale.
    output : {"logits", "probabilities", "raw"}
        What the outputs are.

    Returns
    -------
    tensorflow.Tensor
        (n, t) float64.
    """
    import tensorflow as tf

    logs = _logs(tf.cast(outputs, tf.float64), output)
    chosen = tf.gather(logs, targets, axis=1)
    if against is not None:
        return chosen - tf.gather(logs, [against], axis=1)
    if output == "raw":
        return chosen
    if score == "log-odds":
        itself = tf.one_hot(targets, logs.shape[1], on_value=True, off_value=False, dtype=tf.bool)
        others = tf.where(itself[None], tf.constant(-np.inf, tf.float64), logs[:, None, :])
        return chosen - tf.reduce_logsumexp(others, axis=2)
    if output == "logits":
        chosen = tf.gather(tf.nn.log_softmax(logs, axis=1), targets, axis=1)
    return tf.exp(chosen) if score == "probability" else chosen


def _logs(outputs: Any, output: str) -> Any:
    """Logits, or the logs of clipped probabilities, of every class; raw outputs as they are."""
    import tensorflow as tf

    single = outputs.shape[1] == 1
    if output == "logits":
        # one logit z of the second of two classes: the other's is 0
        return tf.concat([tf.zeros_like(outputs), outputs], axis=1) if single else outputs
    if output == "probabilities":
        both = tf.concat([1 - outputs, outputs], axis=1) if single else outputs
        return tf.math.log(tf.clip_by_value(both, CLIP, 1 - CLIP))
    return outputs
