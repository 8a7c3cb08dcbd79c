"""The size at which a picture is shown: cut to what the model saw, large enough for crisp lines."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int32, Shaped
from PIL import Image as pillow
from scipy import ndimage

from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show.render import RGB, checked, widened

LARGEST_SIDE = 900
"""Longer side, in pixels, to which larger pictures are shrunk for showing."""

SMALLEST_SIDE = 224
"""Longer side, in pixels, to which tiny pictures are enlarged at least, pixel by pixel."""

CRISP_SIDE = 450
"""Longer side, in pixels, to which small photos are enlarged at least, smoothly."""

# Below it a picture is made of pixels that people want to see, such as a digit or an icon.
_TINY = 128

_AROUND_VIEW = 0.06

Box = tuple[slice, slice]


def for_display(
    image: Shaped[np.ndarray, "h w c"], segmentation: Segmentation
) -> tuple[RGB, Segmentation]:
    """Bring a picture and its superpixels to a size at which lines are crisp.

    Longer sides above 900 pixels are shrunk to 900. Photos below 450 are doubled until
    they reach it, the stairs of borders made half as high (the EPX rule). Tiny
    pictures, below 128, are enlarged by the smallest whole factor that reaches 224, every
    pixel a square. No superpixel is lost or renumbered.

    Parameters
    ----------
    image : (h, w, c) array
        See :func:`~seewhy.show.render.to_rgb`.
    segmentation : Segmentation
        Of the same height and width.

    Returns
    -------
    uint8 array (h', w', 3), Segmentation

    Raises
    ------
    InputError
        If picture and segmentation differ in size.
    """
    pixels = checked(image, segmentation)
    longer = max(segmentation.shape)
    if longer < _TINY:
        factor = -(-SMALLEST_SIDE // longer)
        enlarged = segmentation.labels.repeat(factor, axis=0).repeat(factor, axis=1)
        return pixels.repeat(factor, axis=0).repeat(factor, axis=1), _like(segmentation, enlarged)
    if longer < CRISP_SIDE:
        labels = segmentation.labels
        while max(labels.shape) < CRISP_SIDE:
            labels = _doubled(labels)
        return _resized(pixels, *labels.shape), _like(segmentation, labels)
    if longer <= LARGEST_SIDE:
        return pixels, segmentation
    height, width = (max(1, round(side * LARGEST_SIDE / longer)) for side in segmentation.shape)
    small = _shrunk(segmentation, height, width)
    if small is None:
        return pixels, segmentation
    return _resized(pixels, height, width), small


def crop_to_view(
    image: Shaped[np.ndarray, "h w c"], segmentation: Segmentation
) -> tuple[Shaped[np.ndarray, "h2 w2 c"], Segmentation, tuple[slice, slice]]:
    """Cut a picture down to what the model saw and a little around it.

    Parameters
    ----------
    image : (h, w, c) array
        See :func:`~seewhy.show.render.to_rgb`.
    segmentation : Segmentation
        Of the same height and width.

    Returns
    -------
    image, segmentation
        The part; superpixels keep their numbers.
    box : pair of slices
        The rows and columns of the whole picture that the superpixels span, without the
        6 % around them.
    """
    box, (rows, columns) = view_of(segmentation)
    return image[rows, columns], _like(segmentation, segmentation.labels[rows, columns]), box


def view_of(segmentation: Segmentation) -> tuple[Box, Box]:
    """Return the rows and columns that the superpixels span, and those with 6 % around them."""
    inside = segmentation.labels != OUTSIDE
    box = ndimage.find_objects(inside.astype(np.int8))[0]
    margin = round(_AROUND_VIEW * max(part.stop - part.start for part in box))
    rows, columns = widened(box, margin)
    height, width = segmentation.shape
    return box, (slice(*rows.indices(height)[:2]), slice(*columns.indices(width)[:2]))


def _like(segmentation: Segmentation, labels: Shaped[np.ndarray, "h w"]) -> Segmentation:
    return Segmentation(
        labels,
        outside=labels == OUTSIDE,
        method=segmentation.method,
        settings=segmentation.settings,
    )


def _resized(pixels: RGB, height: int, width: int) -> RGB:
    picture = pillow.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(picture.resize((width, height), pillow.Resampling.LANCZOS))


def _doubled(labels: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h2 w2"]:
    """Labels at twice the size, stairs of two pixels made stairs of one.

    EPX: a quarter of a pixel goes to the label that both its outer neighbours share, unless
    the neighbours on the far sides have it too; but only to a lower label, as stairs cut from
    both sides stay as high as they were. A superpixel keeps at least half of any pixel.
    """
    around = np.pad(labels, 1, mode="edge")
    up, down, left, right = around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]
    doubled = labels.repeat(2, axis=0).repeat(2, axis=1)
    for row, column, one, two, far_one, far_two in (
        (0, 0, up, left, down, right),
        (0, 1, up, right, down, left),
        (1, 0, down, left, up, right),
        (1, 1, down, right, up, left),
    ):
        cut = (one == two) & (one != far_one) & (two != far_two) & (one < labels)
        doubled[row::2, column::2][cut] = one[cut]
    return doubled


def shrunk_labels(
    segmentation: Segmentation, height: int, width: int
) -> Int32[np.ndarray, "h2 w2"]:
    """Return the superpixels' numbers at a smaller size: each keeps a pixel where there is room.

    Parameters
    ----------
    segmentation : Segmentation
    height, width : int
        The smaller size.

    Returns
    -------
    int32 array (height, width)
        −1 outside. Where more superpixels than pixels meet, some are missing.
    """
    tall, wide = segmentation.shape
    rows = ((np.arange(height) + 0.5) * tall / height).astype(int)
    columns = ((np.arange(width) + 0.5) * wide / width).astype(int)
    labels = segmentation.labels[rows[:, None], columns]
    lost = np.setdiff1d(np.arange(segmentation.count), labels)
    if len(lost):
        # A superpixel of a few pixels keeps one, wherever one of its own falls.
        place = np.zeros(segmentation.count + 1, dtype=np.int64)
        place[segmentation.labels.ravel()] = np.arange(segmentation.labels.size)
        row, column = np.divmod(place[lost], wide)
        labels[row * height // tall, column * width // wide] = lost
    return labels


def _shrunk(segmentation: Segmentation, height: int, width: int) -> Segmentation | None:
    """The superpixels at a smaller size; None if there is no room for all of them."""
    small = _like(segmentation, shrunk_labels(segmentation, height, width))
    return small if small.count == segmentation.count else None
