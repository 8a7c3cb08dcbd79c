"""Whether the evidence lies on the object: energy, pointing, and what an even spread would give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Float64

from seewhy.errors import InputError
from seewhy.image.segmentation import OUTSIDE, Segmentation

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom edge, in pixels of the picture; pixel (0, 0) spans 0 to 1."""

_SLACK = 1.0  # tools that draw boxes overshoot by up to a pixel


@dataclass(frozen=True)
class Localisation:
    """How much of the evidence for a class lies on an object.

    Attributes
    ----------
    energy : float or None
        Share of the positive values that lies inside (energy-based pointing game, Wang et al.
        2020); None where no value is positive.
    corrected : float or None
        (energy − area) / (1 − area): 0 as an even spread has it, whatever the object's size, 1
        all inside, negative less than that; None where no value is positive.
    points_at_object : float or None
        Whether the superpixel of the largest value has at least half of its pixels inside: 1 or
        0, the mean over equal largest ones; None where no value is positive.
    area : float
        The object's share of what the model sees.
    """

    energy: float | None
    corrected: float | None
    points_at_object: float | None
    area: float


def object_mask(
    shape: tuple[int, int], boxes: Iterable[Sequence[float]]
) -> Bool[np.ndarray, "h w"]:
    """Mark the pixels inside any of some boxes: those whose centre lies inside.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the picture.
    boxes : iterable of (x0, y0, x1, y1)
        Edges in pixels of the picture, left, top, right, bottom. Up to a pixel beyond the
        picture's border is cut off.

    Returns
    -------
    (h, w) bool array

    Raises
    ------
    InputError
        If there is no box, or one is inverted, outside the picture, or holds no pixel.

    Examples
    --------
    >>> object_mask((2, 4), [(1.0, 0.0, 3.0, 1.2)]).astype(int).tolist()
    [[0, 1, 1, 0], [0, 0, 0, 0]]
    """
    height, width = shape
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    mask = np.zeros(shape, dtype=bool)
    given = list(boxes)
    if not given:
        raise InputError("boxes must hold at least one box (x0, y0, x1, y1); got none")
    for box in given:
        x0, y0, x1, y1 = _checked_box(box, shape)
        rows, columns = (y0 <= down) & (down < y1), (x0 <= across) & (across < x1)
        if not (rows.any() and columns.any()):
            raise InputError(
                f"box {(x0, y0, x1, y1)} holds no pixel; boxes are in pixels of the picture, "
                f"which has {width}×{height}"
            )
        mask |= rows[:, None] & columns
    return mask


def _checked_box(box: Sequence[float], shape: tuple[int, int]) -> Box:
    edges = np.asarray(box, dtype=np.float64)
    if edges.shape != (4,) or not np.isfinite(edges).all():
        raise InputError(f"a box must be four finite numbers (x0, y0, x1, y1); got {box!r}")
    x0, y0, x1, y1 = edges.tolist()
    if x0 >= x1 or y0 >= y1:
        raise InputError(
            f"box {(x0, y0, x1, y1)} must have x0 < x1 and y0 < y1; (x, y, width, height) becomes "
            "(x, y, x + width, y + height)"
        )
    height, width = shape
    if min(x0, y0) < -_SLACK or x1 > width + _SLACK or y1 > height + _SLACK:
        raise InputError(
            f"box {(x0, y0, x1, y1)} reaches beyond the picture of {width}×{height} pixels; give "
            "boxes in the pixels of this file, not of another size of it"
        )
    return x0, y0, x1, y1


def inside_shares(
    segmentation: Segmentation, mask: Bool[np.ndarray, "h w"]
) -> Float64[np.ndarray, " d"]:
    """Return the share of every superpixel that lies on the object.

    Parameters
    ----------
    segmentation : Segmentation
    mask : (h, w) bool array
        True on the object, in the picture's own pixels. What the model does not see of it, being
        outside every superpixel, does not count.

    Returns
    -------
    (d,) array
        Between 0 and 1.

    Raises
    ------
    InputError
        If the mask has another shape, or marks nothing or everything of what the model sees.

    Examples
    --------
    >>> cut = Segmentation(np.array([[0, 0, 1, 1]]))
    >>> inside_shares(cut, np.array([[True, False, False, False]])).tolist()
    [0.5, 0.0]
    """
    given = np.asarray(mask)
    if given.dtype != bool or given.shape != segmentation.shape:
        raise InputError(
            f"the object's mask must be a bool array of the picture's shape {segmentation.shape}; "
            f"got {given.dtype} of shape {given.shape}"
        )
    if not given.any():
        raise InputError("the object's mask is empty: not one pixel belongs to the object")
    seen = given[segmentation.labels != OUTSIDE]
    if not seen.any():
        raise InputError(
            "the object lies outside what the model sees; let it see the whole picture, or leave "
            "this picture out"
        )
    if seen.all():
        raise InputError(
            "the object covers everything the model sees, so that nothing can lie beside it; "
            "leave this picture out, or mark the object more closely"
        )
    return segmentation.pool(given) / segmentation.areas()


def localise(
    values: Float[np.ndarray, " d"],
    areas: Float[np.ndarray, " d"],
    inside: Float[np.ndarray, " d"],
) -> Localisation:
    """Measure how much of the positive evidence lies on the object.

    Parameters
    ----------
    values : (d,) array
        Of an explanation, each for a whole superpixel; what speaks against the class counts
        neither way.
    areas : (d,) array
        Pixels of every superpixel.
    inside : (d,) array
        From `inside_shares`.

    Returns
    -------
    Localisation

    Raises
    ------
    InputError
        If shapes do not fit, values are not finite, or the object is nothing or everything.

    Examples
    --------
    >>> localise(np.array([3.0, 1.0, -5.0, 0.0]), np.ones(4), np.array([1.0, 0.0, 0.0, 0.0]))
    Localisation(energy=0.75, corrected=0.6666666666666666, points_at_object=1.0, area=0.25)
    """
    given, sizes, shares = _checked(values, areas, inside)
    area = float(sizes @ shares) / float(sizes.sum())
    if not 0 < area < 1:
        raise InputError(
            f"inside must mark some of the picture and not all of it; it marks {area:.0%}"
        )
    positive = np.maximum(given, 0.0)
    total = float(positive.sum())
    if total == 0:
        return Localisation(None, None, None, area)
    energy = float(positive @ shares) / total
    largest = given == given.max()
    return Localisation(
        energy=energy,
        corrected=(energy - area) / (1 - area),
        points_at_object=float(np.mean(shares[largest] >= 0.5)),
        area=area,
    )


def _checked(
    *arrays: Float[np.ndarray, " d"],
) -> tuple[Float64[np.ndarray, " d"], ...]:
    values, areas, inside = (np.asarray(array, dtype=np.float64) for array in arrays)
    if values.ndim != 1 or not values.shape == areas.shape == inside.shape:
        raise InputError(
            "values, areas and inside must be of one length, an entry per superpixel; got shapes "
            f"{values.shape}, {areas.shape} and {inside.shape}"
        )
    if not np.isfinite(values).all():
        raise InputError(
            f"values must be finite; got {int((~np.isfinite(values)).sum())} that are not"
        )
    if not (areas > 0).all():
        raise InputError("areas must be positive: every superpixel covers something")
    if not ((inside >= 0) & (inside <= 1)).all():
        raise InputError("inside must hold shares from 0 to 1, as inside_shares returns them")
    return values, areas, inside
