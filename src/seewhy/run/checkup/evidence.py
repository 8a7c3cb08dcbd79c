"""What speaks for one way of feeding a network: that it knows photos, or tells them apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from seewhy.run.checkup.photos import Photo

_NEVER = -9.0  # nats, 1 in 8000: beyond, a network's rounding decides
_MOST = 3.0  # one photo, however badly missed, must not outweigh the others


def truth_scores(
    log_p: Float64[np.ndarray, "p v c"], photos: Sequence[Photo]
) -> Float64[np.ndarray, "p v"]:
    """Say how likely what each photo shows was held to be, in every view.

    Parameters
    ----------
    log_p : (photos, views, classes)
        Log-probabilities.
    photos : sequence of Photo
        With their truths.

    Returns
    -------
    (photos, views) float64
        Log-probability of any of the accepted classes, at least −9.
    """
    scores = [
        np.log(np.exp(row[:, list(photo.truth)]).sum(1) + np.exp(_NEVER))
        for row, photo in zip(log_p, photos, strict=True)
    ]
    return np.stack(scores)


def right(
    log_p: Float64[np.ndarray, "p v c"], photos: Sequence[Photo]
) -> Float64[np.ndarray, "p v"]:
    """Say where the likeliest class is one that the photo shows."""
    firsts = log_p.argmax(2)
    found = [np.isin(row, photo.truth) for row, photo in zip(firsts, photos, strict=True)]
    return np.stack(found).astype(np.float64)


def gains(
    scores: Float64[np.ndarray, "p v"], declared: Float64[np.ndarray, "p v"]
) -> Float64[np.ndarray, " p"]:
    """Say by how much every photo is known better than as declared, on average over views."""
    return (scores - declared).clip(-_MOST, _MOST).mean(1)


def told_apart(log_p: Float64[np.ndarray, "p v c"]) -> float:
    """Say how well a network tells photos apart and sticks to it: needs no truth.

    The information, in nats, that its answer to one view of a photo gives about its answer to
    another view of the same. It is 0 when all photos get one answer, or every view another, and
    at most the logarithm of the number of photos.

    Parameters
    ----------
    log_p : (photos, views, classes)
        Log-probabilities.

    Returns
    -------
    float
    """
    p, v, _ = log_p.shape
    chances = np.exp(log_p)
    sums = chances.sum(1)
    pairs = sums.T @ sums - np.einsum("pva,pvb->ab", chances, chances)
    joint = pairs / (p * v * (v - 1))
    alone = joint.sum(1)
    expected = np.outer(alone, alone)
    seen = joint > 1e-15
    return float((joint[seen] * np.log(joint[seen] / expected[seen])).sum())


def sticks_to(log_p: Float64[np.ndarray, "p v c"]) -> float:
    """Say how much oftener two views of one photo get the same first class than of two photos.

    Unlike `told_apart` it cannot be raised by larger numbers, which only make a network surer.
    """
    firsts = log_p.argmax(2)
    p, v = firsts.shape
    same = (firsts[:, :, None] == firsts[:, None, :]).sum() - p * v
    flat = firsts.ravel()
    all_same = (flat[:, None] == flat[None, :]).sum() - p * v
    other = (all_same - same) / (p * (p - 1) * v * v)
    return float(same / (p * v * (v - 1)) - other)
