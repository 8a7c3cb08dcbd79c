"""The picture of a view document: shown, with everything hidden, and which pixel is whose."""

from __future__ import annotations

import base64
import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped
from PIL import Image as pillow
from PIL import features

from seewhy.image.resizing import resize
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.models.preprocessing import Preprocessing
from seewhy.show.hidden import with_everything_hidden
from seewhy.show.render import RGB, to_rgb
from seewhy.show.sizing import shrunk_labels

if TYPE_CHECKING:
    from seewhy.run.explained import Explained

Json = dict[str, Any]

SHOWN_QUALITY = 75
HIDDEN_QUALITY = 25
"""It is seen in parts, and mostly a blur anyway."""

TINY = 128
"""Pictures below are made of pixels that people want to see, and are kept without loss."""

MOST_IN_A_BYTE = 255
"""So many superpixels are told apart by a byte that also says "none"."""


@dataclass(frozen=True, eq=False)
class ShownPicture:
    """A picture at the size at which it is shown, and its superpixels there.

    Attributes
    ----------
    pixels : (h, w, 3) uint8 array
    labels : (h, w) int array
        As in the segmentation, −1 outside; where there is no room for a superpixel, its number
        is missing.
    segmentation : Segmentation
        The same superpixels under the same numbers: of this size, or the original where one
        is missing.
    """

    pixels: RGB
    labels: Shaped[np.ndarray, "h w"]
    segmentation: Segmentation


def shown_picture(result: Explained, *, side: int) -> ShownPicture:
    """Shrink the picture of a result, and its superpixels with it, to a longest side."""
    segmentation = result.segmentation
    longest = max(segmentation.shape)
    if longest <= side:
        return ShownPicture(to_rgb(result.picture.pixels), segmentation.labels, segmentation)
    height, width = (max(1, round(length * side / longest)) for length in segmentation.shape)
    labels = shrunk_labels(segmentation, height, width)
    small = Segmentation(
        labels,
        outside=labels == OUTSIDE,
        method=segmentation.method,
        settings=segmentation.settings,
    )
    return ShownPicture(
        to_rgb(resize(result.picture.pixels, height, width)),
        labels,
        small if small.count == segmentation.count else segmentation,
    )


def picture_entries(result: Explained, shown: ShownPicture) -> Json:
    """Encode the picture, the same with everything hidden, and the superpixels' numbers."""
    height, width = shown.labels.shape
    return {
        "picture": {
            "src": encoded(shown.pixels, quality=SHOWN_QUALITY),
            "width": width,
            "height": height,
        },
        "hidden": {"src": encoded(_blank(result, shown), quality=HIDDEN_QUALITY)},
        "labels": encoded_labels(shown.labels, result.segmentation.count),
    }


def encoded(pixels: RGB, *, quality: int) -> str:
    """Turn a picture into a ``data:`` address: WebP, or JPEG where Pillow has no WebP.

    Tiny ones stay as they are, to the pixel.
    """
    picture = pillow.fromarray(np.ascontiguousarray(pixels))
    tiny = max(picture.size) < TINY
    buffer = io.BytesIO()
    if features.check("webp"):
        kind = "webp"
        picture.save(buffer, "WEBP", quality=quality, method=6, lossless=tiny)
    elif tiny:
        kind = "png"
        picture.save(buffer, "PNG", optimize=True)
    else:
        kind = "jpeg"
        picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return f"data:image/{kind};base64,{_base64(buffer.getvalue())}"


def encoded_labels(labels: Shaped[np.ndarray, "h w"], count: int) -> Json:
    """Deflate the number of every pixel's superpixel, all ones where there is none."""
    bits = 8 if count <= MOST_IN_A_BYTE else 16
    kind = np.dtype(f"<u{bits // 8}")
    stored = np.where(labels == OUTSIDE, 2**bits - 1, labels).astype(kind)
    return {"bits": bits, "deflated": deflated(stored.tobytes())}


def deflated(data: bytes) -> str:
    """Compress bytes for a document."""
    return _base64(zlib.compress(data, 9))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _blank(result: Explained, shown: ShownPicture) -> RGB:
    """The shown picture with every superpixel hidden."""
    picture = result.picture
    steps = Preprocessing.from_json(result.model.preprocessing)
    height, width = shown.labels.shape
    down, across = height / picture.height, width / picture.width
    top, left, bottom, right = steps.view(picture.height, picture.width)
    cut = Segmentation(shown.labels, outside=shown.labels == OUTSIDE)
    window = (top * down, left * across, bottom * down, right * across)
    return with_everything_hidden(shown.pixels, cut, result.hidden, window)
