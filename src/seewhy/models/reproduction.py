"""Whether a `Preprocessing` does what somebody else's pipeline does: found out by running both."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32
from PIL import Image as PILImage

from seewhy.models.preprocessing import Preprocessing

# Higher than wide and the other way round, to shrink and to enlarge; with 151, half a pixel on
# each side of many a crop.
_SHAPES = ((640, 320), (160, 320), (151, 233))
_SAME = 1e-4  # of the range of a pixel: float32, in another order of operations
_NEAR = 0.5 / 255  # on average, where 8 bits are rounded otherwise; noise makes all else ten-fold


def reproduces(
    preprocessing: Preprocessing,
    pipeline: Callable[[PILImage.Image], Float32[np.ndarray, "h w c"]],
    *,
    exactly: bool = True,
) -> bool:
    """Tell whether a pipeline makes the same input from a picture, tried on noise of 8 bits.

    Parameters
    ----------
    preprocessing : Preprocessing
        For colour or grey.
    pipeline : callable
        From a picture to what the network takes, channels last.
    exactly : bool
        False where the pipeline resizes without Pillow, and so rounds to 8 bits otherwise.

    Returns
    -------
    bool
        False also when the pipeline fails or gives another shape.
    """
    rng = np.random.default_rng(0)
    c = len(preprocessing.mean)
    for height, width in _SHAPES:
        noise = rng.integers(0, 256, (height, width, c), dtype=np.uint8)
        ours = preprocessing.normalise(preprocessing.apply(noise.astype(np.float32) / 255))
        try:
            theirs = pipeline(PILImage.fromarray(noise if c == 3 else noise[:, :, 0]))
        except Exception:  # foreign code: whatever it raises, it is not the same
            return False
        if theirs.shape != ours.shape:
            return False
        difference = np.abs(ours - theirs) * np.array(preprocessing.std, np.float32)
        if (difference.max() > _SAME) if exactly else (difference.mean() > _NEAR):
            return False
    return True
