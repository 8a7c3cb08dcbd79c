"""Whether the same picture gets the same answer: twice, and in other company."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from seewhy.errors import ModelError
from seewhy.run.checkup.asking import Asking
from seewhy.run.checkup.findings import Finding

SAME = 1e-4
"""Relative change of outputs that rounding explains: float32 through 100 layers leaves 1e-5."""
_IN_A_BATCH = 10 * SAME  # other kernels add in another order
_CLEARLY_OTHER = 1e-2  # float16 and bfloat16 leave 0.1 to 0.5 %


def check_repeats(asking: Asking, images: Float32[np.ndarray, "n h w c"]) -> Finding:
    """Ask the same twice.

    Parameters
    ----------
    asking : Asking
    images : (n, h, w, c) float32
        A few that differ.

    Returns
    -------
    Finding
    """
    first, again = (asking(images, "the same twice") for _ in range(2))
    change = _change(first, again)
    if change <= SAME:
        return Finding("same answer twice", "ok", "The same pictures get the same answers.")
    return Finding(
        "same answer twice",
        "fault",
        f"The same pictures get other answers the second time (by {change:.1%} of the largest "
        "output): switch off dropout and random augmentation, model.eval() in PyTorch, "
        "training=False in Keras.",
    )


def check_company(
    asking: Asking, images: Float32[np.ndarray, "n h w c"], *, repeats: bool
) -> Finding:
    """Ask about pictures alone, and among others.

    Parameters
    ----------
    asking : Asking
    images : (n, h, w, c) float32
        A few that differ.
    repeats : bool
        Whether the model gives the same answer twice; else nothing can be told.

    Returns
    -------
    Finding
    """
    name = "alone or in a batch"
    if not repeats:
        return Finding(name, "not judged", "Not judged, since answers change anyway.")
    together = asking(images, "alone and in a batch")
    try:
        alone = np.concatenate([asking(image[None], "alone and in a batch") for image in images])
    except ModelError as error:
        return Finding(name, "fault", f"A picture alone is refused: {error}")
    change = _change(together, alone)
    if change <= _IN_A_BATCH:
        return Finding(name, "ok", "Answers do not depend on the other pictures in a batch.")
    if change <= _CLEARLY_OTHER:
        return Finding(
            name,
            "advice",
            f"Answers change by {change:.2%} of the largest output with the batch, as numbers of "
            "low precision do; --batch 1 avoids it.",
        )
    return Finding(
        name,
        "fault",
        f"A picture's answer depends on the others in its batch (by {change:.0%} of the largest "
        "output): batch normalisation takes its statistics from the batch; use those of "
        "training, model.eval() in PyTorch, training=False in Keras.",
    )


def _change(one: Float32[np.ndarray, "n k"], other: Float32[np.ndarray, "n k"]) -> float:
    largest = max(float(np.abs(one).max()), 1e-6)
    return float(np.abs(one - other).max()) / largest
