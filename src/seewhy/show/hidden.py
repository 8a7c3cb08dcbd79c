"""What hiding everything leaves of a picture, at the picture's own size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Shaped
from PIL import Image as pillow

from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show.render import RGB, checked, to_rgb

_EDGE = 2


def with_everything_hidden(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    hidden: Shaped[np.ndarray, "h2 w2 c"],
    window: tuple[float, float, float, float],
) -> RGB:
    """Lay what the model sees when every superpixel is hidden over a picture.

    Parameters
    ----------
    image : (h, w, c) array
        See :func:`~seewhy.show.render.to_rgb`.
    segmentation : Segmentation
        Of the same height and width; what belongs to no superpixel stays.
    hidden : (h2, w2, c) array
        At the model's input.
    window : tuple of float
        Top, left, bottom and right of the model's input, in pixels of the picture.
    """
    pixels = checked(image, segmentation)
    top, left, bottom, right = window
    height, width = segmentation.shape
    down, across = hidden.shape[0] / (bottom - top), hidden.shape[1] / (right - left)
    # from a pixel of the picture to the input's: what Pillow calls an affine transform; the
    # input is continued beyond its edge, where rounding would else find black
    inverse = (across, 0.0, _EDGE - left * across, 0.0, down, _EDGE - top * down)
    continued = np.pad(to_rgb(hidden), ((_EDGE, _EDGE), (_EDGE, _EDGE), (0, 0)), mode="edge")
    laid = pillow.fromarray(continued).transform(
        (width, height), pillow.Transform.AFFINE, inverse, pillow.Resampling.BILINEAR
    )
    outside = (segmentation.labels == OUTSIDE)[..., None]
    return np.where(outside, pixels, np.asarray(laid))
