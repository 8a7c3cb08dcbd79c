"""Whether the numbers are what the model says: finite, logits or probabilities, softmaxed once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32

from seewhy.errors import ModelError
from seewhy.models.protocol import Output
from seewhy.run.checkup.asking import Asking, Reading, undone
from seewhy.run.checkup.findings import Finding

_SUMS_TO_ONE = 1e-3  # as a thousand numbers of float16 do
_FEW_CLASSES = 5  # below, a softmax of probabilities looks like a model that is unsure


def check_corners(asking: Asking) -> Finding:
    """Ask about pictures at the corners of what can come: black, white, noise.

    Parameters
    ----------
    asking : Asking

    Returns
    -------
    Finding
    """
    shape = asking.model.input_size
    noise = np.random.default_rng(0).random(shape, np.float32)
    corners: Mapping[str, np.ndarray] = {
        "a black picture": np.zeros(shape, np.float32),
        "a white picture": np.ones(shape, np.float32),
        "noise": noise,
        "black and white noise": np.rint(noise),
    }
    failures = {}
    for name, image in corners.items():
        try:
            asking(image[None], "black, white and noise")
        except ModelError as error:
            failures[name] = str(error)
    if failures:
        first = next(iter(failures.values()))
        return Finding("numbers", "fault", f"For {' and '.join(failures)}: {first}")
    return Finding("numbers", "ok", "Finite for photos, black, white and noise.")


def check_outputs(outputs: Float32[np.ndarray, "n k"], declared: Output) -> tuple[Finding, Reading]:
    """Compare the numbers with what they are declared to be.

    Parameters
    ----------
    outputs : (n, k)
        For photos that differ.
    declared : {"logits", "probabilities", "raw"}

    Returns
    -------
    Finding, Reading
        What was found, and how the numbers had better be read.
    """
    if len(outputs) > 1 and np.ptp(outputs, axis=0).max(initial=0) <= 1e-6 * max(
        float(np.abs(outputs).max()), 1e-30
    ):
        return _fault(
            "The answer is the same for every photo: the picture does not reach the network, its "
            "weights are missing, or it gets numbers far outside the range that it wants."
        ), "none"
    if declared == "raw":
        return _raw(outputs), "none"
    if declared == "logits":
        return _logits(outputs)
    return _probabilities(outputs)


def _raw(outputs: Float32[np.ndarray, "n k"]) -> Finding:
    if outputs.shape[1] > 1 and _are_probabilities(outputs):
        return _advice(
            "Declared raw, but they are probabilities: none is negative and they sum to 1; say "
            "--returns probabilities."
        )
    return Finding("outputs", "ok", "Raw numbers, shown and explained as they are.")


def _logits(outputs: Float32[np.ndarray, "n k"]) -> tuple[Finding, Reading]:
    k = outputs.shape[1]
    if k > 1 and _are_probabilities(outputs):
        if _softmaxed_twice(outputs):
            return _fault(
                "Declared logits, but they are probabilities, and softmaxed twice at that: take "
                "both softmaxes out, or take one out and say --returns probabilities."
            ), "softmax twice"
        return _fault(
            "Declared logits, but they are probabilities already (none is negative, and they sum "
            "to 1), so that softmax is applied twice: say --returns probabilities."
        ), "probabilities"
    if outputs.min() >= 0 and 0.5 < outputs.max() <= 1:  # a ReLU at the end leaves less, or more
        said = "--returns probabilities" if k == 1 else "--returns raw"
        return _advice(
            "Declared logits, but every one lies between 0 and 1, as after a sigmoid: if there is "
            f"one, say {said}."
        ), "logits"
    return Finding("outputs", "ok", "Logits; softmax is applied once."), "logits"


def _probabilities(outputs: Float32[np.ndarray, "n k"]) -> tuple[Finding, Reading]:
    k = outputs.shape[1]
    low, high = float(outputs.min()), float(outputs.max())
    if low < -1e-3 or high > 1 + 1e-3:
        return _fault(
            f"Declared probabilities, but they go from {low:.3g} to {high:.3g}: say --returns "
            "logits, or raw."
        ), "logits"
    if k > 1 and not _are_probabilities(outputs):
        total = outputs.sum(1)
        return _fault(
            f"Declared probabilities, but they sum to {total.min():.3g} up to {total.max():.3g}: "
            "say --returns raw for scores that do not exclude each other."
        ), "none"
    if _softmaxed_twice(outputs):
        says = (
            "They are nearly flat, exactly as if softmax were applied to probabilities: take one "
            "softmax out."
        )
        if k < _FEW_CLASSES:
            return _advice(says), "probabilities"
        return _fault(says), "softmax twice"
    return Finding("outputs", "ok", "Probabilities, and they sum to 1."), "probabilities"


def _are_probabilities(outputs: Float32[np.ndarray, "n k"]) -> bool:
    return bool(outputs.min() >= 0 and (np.abs(outputs.sum(1) - 1) < _SUMS_TO_ONE).all())


def _softmaxed_twice(outputs: Float32[np.ndarray, "n k"]) -> bool:
    """Whether what one softmax was applied to is itself a probability, and a decided one.

    Of numbers that sum to 1, softmax leaves none smaller than 1/e of the largest, and the
    smallest less than e^(1/k) below the mean: no network does that by itself.
    """
    if outputs.shape[1] < 2 or outputs.min() <= 0:
        return False
    before = undone(outputs)
    decided = before.max(1) > 0.5 + 0.5 / outputs.shape[1]
    return bool(before.min() > -1e-3 / outputs.shape[1] - 1e-5 and decided.mean() >= 0.25)


def _fault(says: str) -> Finding:
    return Finding("outputs", "fault", says)


def _advice(says: str) -> Finding:
    return Finding("outputs", "advice", says)
