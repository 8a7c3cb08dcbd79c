"""Cutting at a working size, into connected pieces, of a stated number.

What every segmenter needs around its own algorithm.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil

import numpy as np
from jaxtyping import Int

from seewhy.image.read import Image, as_image
from seewhy.image.resizing import resize
from seewhy.image.segmentation import merge_slivers

WORKING_SIDE = 640
"""Longer side, in pixels, at which larger pictures are cut."""

SLIVER_SHARE = 0.004
"""Superpixels below this share of the frame are too small to see."""

# Slivers are also judged against the average superpixel, for those who want hundreds.
_SLIVER_OF_AVERAGE = 0.25


def cut_small(
    image: Image, cut: Callable[[Image], Int[np.ndarray, "h w"]], *, side: int = WORKING_SIDE
) -> Int[np.ndarray, "h w"]:
    """Cut a picture on a copy whose longer side is at most ``side``.

    Parameters
    ----------
    image : float32 array (h, w, c)
        Checked here, once for all segmenters.
    cut : callable
        From a picture to its labels; warnings of the library it uses are silenced.
    side : int
        In pixels; smaller pictures are cut as they are.

    Returns
    -------
    integer array (h, w)
        The labels, enlarged to the picture by nearest neighbour; pieces stay connected.
    """
    pixels = as_image(np.asarray(image))
    height, width = pixels.shape[:2]
    shrink = min(1.0, side / max(height, width))
    small = resize(pixels, max(1, round(height * shrink)), max(1, round(width * shrink)))
    with _quiet():
        labels = cut(small)
    return labels[_nearest(len(labels), height)][:, _nearest(labels.shape[1], width)]


def _nearest(source: int, target: int) -> Int[np.ndarray, " target"]:
    return (2 * np.arange(target) + 1) * source // (2 * target)


def cut_into(
    image: Image, count: int, cut: Callable[[Image, int], Int[np.ndarray, "h w"]]
) -> Int[np.ndarray, "h w"]:
    """Ask for too many superpixels, then merge the smallest until ``count`` are left.

    Parameters
    ----------
    image : float32 array (h, w, c)
        What is cut.
    count : int
        How many superpixels are wanted; a picture with fewer pixels gets one for each.
    cut : callable
        From a picture and a number to labels, about that many and in pieces or not.

    Returns
    -------
    integer array (h, w)
        Exactly ``count`` connected superpixels, fewer only where ``cut`` gives too few.
    """
    pixels = image.shape[0] * image.shape[1]
    if count >= pixels:
        return np.arange(pixels).reshape(image.shape[:2])
    share = min(SLIVER_SHARE, _SLIVER_OF_AVERAGE / count)
    most = np.zeros(image.shape[:2], dtype=np.int32)
    for excess in (1.2, 1.5, 2.0, 3.0, 5.0):
        pieces = connected(cut(image, min(pixels, ceil(excess * count))))
        merged = merge_slivers(pieces, minimum_share=share)
        most = max(most, merged, key=np.max)
        if most.max() + 1 >= count:
            break
    return merge_slivers(most, minimum_share=0, at_most=count)


def connected(labels: Int[np.ndarray, "h w"]) -> Int[np.ndarray, "h w"]:
    """Give every connected piece (4-neighbourhood) of every label a label of its own."""
    from skimage.measure import label

    return np.asarray(label(labels, connectivity=1, background=-1))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep scikit-image's advice about unusual numbers of channels to ourselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
