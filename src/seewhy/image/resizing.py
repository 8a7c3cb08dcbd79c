"""Resize a picture of any number of channels, antialiased."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from PIL import Image as pillow


def resize(
    image: Float32[np.ndarray, "h w c"], height: int, width: int
) -> Float32[np.ndarray, "{height} {width} c"]:
    """Stretch a picture to a size, averaging where it shrinks.

    Parameters
    ----------
    image : float32 array (h, w, c)
        Values in [0, 1].
    height, width : int
        Pixels of the result.

    Returns
    -------
    float32 array (height, width, c)
        Bilinear where it grows, antialiased where it shrinks; values stay within
        the range of the image.

    Examples
    --------
    >>> import numpy as np
    >>> resize(np.full((4, 6, 2), 0.5, np.float32), 2, 3).shape
    (2, 3, 2)
    """
    if image.shape[:2] == (height, width):
        return image.copy()
    # Pillow resizes one channel of float32 at a time, whatever their number.
    planes = [
        np.asarray(
            pillow.fromarray(np.ascontiguousarray(image[:, :, channel])).resize(
                (width, height), pillow.Resampling.BILINEAR
            )
        )
        for channel in range(image.shape[2])
    ]
    stretched: Float32[np.ndarray, "{height} {width} c"] = np.stack(planes, axis=2)
    # Weights that do not quite sum to one may overshoot by a rounding error.
    return stretched.clip(image.min(), image.max())
