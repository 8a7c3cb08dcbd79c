"""From the bytes of a file to upright, opaque pixels; untrusted bytes are met here only."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from jaxtyping import Float32, Shaped
from PIL import Image as pillow
from PIL import UnidentifiedImageError

from seewhy.errors import ImageError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
"""What Pillow may decode; its other decoders are rarely needed and rarely hardened."""

_FOREIGN = (
    ("a HEIC or AVIF picture", 4, b"ftyp"),
    ("a PDF", 0, b"%PDF"),
    ("a Photoshop file", 0, b"8BPS"),
    ("an icon", 0, b"\x00\x00\x01\x00"),
    ("a JPEG 2000 picture", 4, b"jP  "),
    ("a DICOM file", 128, b"DICM"),
    ("a NumPy array: load it with np.load", 0, b"\x93NUMPY"),
)

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: pillow.Transpose.FLIP_LEFT_RIGHT,
    3: pillow.Transpose.ROTATE_180,
    4: pillow.Transpose.FLIP_TOP_BOTTOM,
    5: pillow.Transpose.TRANSPOSE,
    6: pillow.Transpose.ROTATE_270,
    7: pillow.Transpose.TRANSVERSE,
    8: pillow.Transpose.ROTATE_90,
}


def decode_bytes(
    data: bytes, called: str, background: Float32[np.ndarray, " 3"], max_pixels: int
) -> Shaped[np.ndarray, "h w c"]:
    """Decode the bytes of a picture file.

    Parameters
    ----------
    data : bytes
        The whole file.
    called : str
        How error messages call it, such as ``"image 'cat.jpg'"``.
    background : float32 array (3,)
        RGB shown through transparent pixels.
    max_pixels : int
        Larger pictures are refused before they are decoded.

    Returns
    -------
    array (h, w, c)
        uint8, uint16, or float32.

    Raises
    ------
    ImageError
        If the bytes are no picture of a known format, are damaged, or too many pixels.
    """
    try:
        with _quiet(), pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
            return decode_pillow(picture, called, background, max_pixels)
    except UnidentifiedImageError as error:
        raise ImageError(
            f"{called} is {_what_it_is(data)}, not a picture in one of the formats "
            f"{', '.join(FORMATS)}; convert it to PNG or JPEG"
        ) from error
    except pillow.DecompressionBombError as error:
        raise ImageError(f"{called} is too large: {_sentence(error)}; shrink it first") from error
    except ImageError:
        raise
    except Exception as error:
        # Decoders meet damaged bytes with whatever exception the damage leads to.
        raise _damaged(called, error) from error


def decode_pillow(
    picture: pillow.Image, called: str, background: Float32[np.ndarray, " 3"], max_pixels: int
) -> Shaped[np.ndarray, "h w c"]:
    """Decode a picture that Pillow has opened; parameters as for :func:`decode_bytes`."""
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageError(
            f"{called} has {width} × {height} pixels, more than the {max_pixels:,} allowed; "
            "shrink it or raise max_pixels"
        )
    if not width or not height:
        raise ImageError(f"{called} has no pixels: {width} × {height}")
    try:
        with _quiet():
            picture.load()
            return _pixels(_upright(picture), called, background)
    except ImageError:
        raise
    except Exception as error:
        # As above: a picture opened lazily is decoded, and found damaged, only here.
        raise _damaged(called, error) from error


def _pixels(
    picture: pillow.Image, called: str, background: Float32[np.ndarray, " 3"]
) -> Shaped[np.ndarray, "h w c"]:
    mode = picture.mode
    if mode.startswith("I;16"):
        return np.asarray(picture).astype(np.uint16)[:, :, np.newaxis]
    if mode == "I":
        return _whole_numbers(np.asarray(picture), called)
    if mode == "F":
        return np.asarray(picture)[:, :, np.newaxis]
    if picture.has_transparency_data or mode in ("La", "RGBa"):
        grey = mode in ("1", "L", "LA", "La")
        return _opaque(np.asarray(picture.convert("LA" if grey else "RGBA")), background)
    if mode in ("1", "L"):
        return np.asarray(picture.convert("L"))[:, :, np.newaxis]
    return np.asarray(picture if mode == "RGB" else picture.convert("RGB"))


def _whole_numbers(values: Shaped[np.ndarray, "h w"], called: str) -> Shaped[np.ndarray, "h w 1"]:
    # Pillow keeps some 16-bit pictures as 32-bit whole numbers.
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise ImageError(
            f"{called} holds 32-bit whole numbers from {values.min()} to {values.max()}, whose "
            "range is not known; scale it to 0 to 65535, or to floats in [0, 1]"
        )
    return values.astype(np.uint16)[:, :, np.newaxis]


def _opaque(
    pixels: Shaped[np.ndarray, "h w c"], background: Float32[np.ndarray, " 3"]
) -> Float32[np.ndarray, "h w k"]:
    """Lay 8-bit pixels, whose last channel is alpha, over the background."""
    scaled = pixels.astype(np.float32) / np.float32(255)
    colour, alpha = scaled[:, :, :-1], scaled[:, :, -1:]
    # Grey over grey stays grey; grey over a colour becomes RGB by broadcasting.
    keeps_grey = colour.shape[2] == 1 and len(set(background.tolist())) == 1
    behind = background[:1] if keeps_grey else background
    laid: Float32[np.ndarray, "h w k"] = colour * alpha + behind * (1 - alpha)
    return laid


def _upright(picture: pillow.Image) -> pillow.Image:
    try:
        turn = _UPRIGHT.get(picture.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:
        # Broken metadata is common, and no reason to refuse intact pixels.
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _what_it_is(data: bytes) -> str:
    for name, offset, magic in _FOREIGN:
        if data[offset : offset + len(magic)] == magic:
            return name
    head = data[:512]
    if b"<svg" in head:
        return "an SVG drawing"
    if head.isascii() and b"\x00" not in head:
        return "a text file"
    return "a file of unknown content"


def _damaged(called: str, error: Exception) -> ImageError:
    return ImageError(
        f"{called} is damaged or cut short: {_sentence(error)}; copy or download it again"
    )


def _sentence(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Pillow's warnings (odd metadata, large pictures) to ourselves: we check."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
