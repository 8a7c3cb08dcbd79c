"""Digits drawn by us: what the demo shows to the reader of digits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float64, UInt8

Stroke = Sequence[tuple[float, float]]


SEVEN: tuple[Stroke, ...] = (((0.32, 0.25), (0.37, 0.25)), ((0.60, 0.30), (0.44, 0.80)))
"""A seven whose bar breaks off where the pen left the paper."""


def drawn(
    strokes: Sequence[Stroke], *, side: int = 280, brush: float = 0.045
) -> UInt8[np.ndarray, "side side"]:
    """Draw with a round brush, white on black.

    Parameters
    ----------
    strokes : sequence of sequences of (x, y)
        Corners of polygonal lines, from (0, 0) at the upper left to (1, 1).
    side : int
        Of the square picture, in pixels.
    brush : float
        Half the thickness of a line, as a part of the side. Its edge is a little soft, as that of
        a pen.

    Returns
    -------
    (side, side) uint8
    """
    middle = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(middle, middle)
    distance = np.full((side, side), np.inf)
    for stroke in strokes:
        for start, end in pairwise(stroke):
            distance = np.minimum(distance, _distance(x, y, np.array(start), np.array(end)))
    soft = brush / 3
    ink = np.clip((brush - distance) / soft + 0.5, 0, 1)
    return np.rint(255 * ink).astype(np.uint8)


def _distance(
    x: Float64[np.ndarray, "n n"],
    y: Float64[np.ndarray, "n n"],
    start: Float[np.ndarray, " 2"],
    end: Float[np.ndarray, " 2"],
) -> Float64[np.ndarray, "n n"]:
    """How far every pixel is from a straight line between two points."""
    along = end - start
    squared = float(along @ along) or 1.0  # a dot begins where it ends
    position = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / squared
    position = np.clip(position, 0, 1)
    return np.hypot(x - start[0] - position * along[0], y - start[1] - position * along[1])
