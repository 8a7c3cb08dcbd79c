"""Read a picture from wherever it comes and check it once, for good.

Everything downstream relies on what is decided here: a picture is float32 (h, w, c) in
[0, 1], upright, opaque, RGB when it has three channels and grey when it has one.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Shaped
from PIL.Image import Image as PillowImage

from seewhy.errors import ImageError, InputError, did_you_mean
from seewhy.image.decoding import decode_bytes, decode_pillow

Image: TypeAlias = Float32[np.ndarray, "h w c"]
"""A picture: float32 (h, w, c) in [0, 1], 1 to 16 channels, RGB when c = 3."""

MAX_CHANNELS = 16
PICTURE_ENDINGS = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jfif",
        ".png",
        ".webp",
        ".bmp",
        ".tif",
        ".tiff",
        ".gif",
        ".ppm",
        ".pgm",
        ".pbm",
    ]
)
_WHITE = (1.0, 1.0, 1.0)
_MAX_PIXELS = 100_000_000
_MAX_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Picture:
    """A picture that was read and checked, with its name and fingerprint.

    Attributes
    ----------
    pixels : float32 array (h, w, c), read-only
        Values in [0, 1].
    name : str
        The file's name, or "image".
    path : str or None
        Where it was read from, as given.
    sha256 : str
        Of the decoded pixels (shape, then little-endian float32): the same for the
        same picture in another file or format.
    """

    pixels: Image = field(repr=False, compare=False)
    name: str
    path: str | None
    sha256: str

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.pixels.shape[1])


Source: TypeAlias = "str | os.PathLike[str] | PillowImage | np.ndarray | Picture"


def read_picture(
    source: Source,
    *,
    background: tuple[float, float, float] = _WHITE,
    max_pixels: int = _MAX_PIXELS,
    max_bytes: int = _MAX_BYTES,
) -> Picture:
    """Read a picture from a file, a Pillow image or an array.

    Files may be JPEG, PNG, WebP, BMP, TIFF, GIF or PPM. They are turned upright by their
    EXIF orientation; transparency is laid over ``background``; CMYK and palettes become
    RGB; 16-bit pictures are scaled by their own range; of an animation, the first frame
    is taken; grey pictures keep one channel.

    Parameters
    ----------
    source : path, PIL.Image.Image, array or Picture
        Arrays are (h, w) or (h, w, c) with 1 to 16 channels: uint8, uint16, bool, or
        floats in [0, 1]. A :class:`Picture` is returned as it is.
    background : three floats in [0, 1]
        RGB shown through transparent pixels.
    max_pixels : int
        Larger pictures are refused before they are decoded. Pillow has a limit of its
        own, twice ``PIL.Image.MAX_IMAGE_PIXELS``, which also holds.
    max_bytes : int
        Larger files are refused before they are read.

    Returns
    -------
    Picture
        With its pixels, name, path and fingerprint.

    Raises
    ------
    ImageError
        If the picture cannot be read or is not what an image should be.
    InputError
        If ``background`` is not a colour.
    """
    if isinstance(source, Picture):
        return source
    pixels = read_image(source, background=background, max_pixels=max_pixels, max_bytes=max_bytes)
    pixels.flags.writeable = False
    path = os.fspath(source) if isinstance(source, str | os.PathLike) else None
    name = Path(path or str(getattr(source, "filename", None) or "") or "image").name
    return Picture(pixels, name, path, _fingerprint(pixels))


def read_image(
    source: Source,
    *,
    background: tuple[float, float, float] = _WHITE,
    max_pixels: int = _MAX_PIXELS,
    max_bytes: int = _MAX_BYTES,
) -> Image:
    """Read a picture's pixels; :func:`read_picture` without name and fingerprint.

    Parameters, formats and errors are those of :func:`read_picture`.

    Returns
    -------
    float32 array (h, w, c)
        Values in [0, 1]; yours to change, unless the source was a :class:`Picture`.
    """
    if isinstance(source, Picture):
        return source.pixels
    colour = _checked_background(background)
    if isinstance(source, str | os.PathLike):
        file, data = _file_bytes(os.fspath(source), max_bytes)
        pixels = decode_bytes(data, f"image {file!r}", colour, max_pixels)
    elif isinstance(source, PillowImage):
        pixels = decode_pillow(source, "image", colour, max_pixels)
    elif hasattr(source, "__array__"):
        pixels = np.asarray(source)
    else:
        raise ImageError(
            "image must be a path, a Pillow image or an array; "
            f"got {type(source).__module__}.{type(source).__qualname__}"
        )
    return np.array(as_image(pixels), order="C", copy=True)


def as_image(pixels: Shaped[np.ndarray, "*shape"]) -> Image:
    """Check an array of pixels and bring it to float32 in [0, 1].

    Parameters
    ----------
    pixels : array (h, w) or (h, w, c)
        uint8, uint16, bool, or floats in [0, 1]; 1 to 16 channels.

    Returns
    -------
    float32 array (h, w, c)
        The array itself when nothing had to change.

    Raises
    ------
    ImageError
        If the shape is not a picture's, or values are not finite or outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> as_image(np.array([[0, 255]], np.uint8)).tolist()
    [[[0.0], [1.0]]]
    """
    _check_shape(pixels.shape)
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    if pixels.dtype == bool:
        return pixels.astype(np.float32)
    if pixels.dtype in (np.dtype(np.uint8), np.dtype(np.uint16)):
        return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    if not np.issubdtype(pixels.dtype, np.floating):
        raise ImageError(
            f"image must be uint8, uint16, bool or float, got {pixels.dtype}; "
            "pictures with values 0 to 255 become uint8 by image.astype(np.uint8)"
        )
    low, high = float(pixels.min()), float(pixels.max())
    _check_range(low, high)
    within = pixels.astype(np.float32, copy=False)
    return within if low >= 0 and high <= 1 else within.clip(0, 1)


def _check_shape(shape: tuple[int, ...]) -> None:
    got = f"got shape {shape}"
    if len(shape) == 4:
        raise ImageError(f"image must be one picture (h, w, c), {got}; pass one of the batch")
    if len(shape) not in (2, 3) or 0 in shape:
        raise ImageError(f"image must have shape (h, w) or (h, w, c) and some pixels; {got}")
    if len(shape) == 3 and shape[2] > MAX_CHANNELS:
        if shape[0] <= MAX_CHANNELS:
            raise ImageError(
                f"image must have its channels last, {got}; pass image.transpose(1, 2, 0)"
            )
        raise ImageError(f"image must have 1 to {MAX_CHANNELS} channels, the last axis; {got}")


def _check_range(low: float, high: float) -> None:
    # Resampling may overshoot by a rounding error; such values are clipped.
    slack = 1e-5
    if -slack <= low and high <= 1 + slack:
        return
    if not np.isfinite([low, high]).all():
        raise ImageError("image must be finite; it holds NaN or infinite values")
    hint = "undo the normalisation first"
    if low >= 0 and 2 < high <= 255:
        hint = "divide by 255"
    elif low >= 0 and 255 < high <= 65535:
        hint = "divide by 65535"
    elif -1 - slack <= low and high <= 1 + slack:
        hint = "if they span [-1, 1], pass (image + 1) / 2"
    raise ImageError(
        f"image must have floats in [0, 1], got values from {low:.4g} to {high:.4g}; {hint}"
    )


def _checked_background(background: tuple[float, float, float]) -> Float32[np.ndarray, " 3"]:
    colour = np.asarray(background, dtype=np.float32)
    if colour.shape != (3,) or not ((colour >= 0) & (colour <= 1)).all():
        raise InputError(f"background must be three numbers in [0, 1]; got {background!r}")
    return colour


def _file_bytes(file: str, max_bytes: int) -> tuple[str, bytes]:
    path = Path(file)
    if file.startswith(("http://", "https://")):
        raise ImageError(f"image {file!r} is an address; download the picture and pass its path")
    try:
        if path.is_dir():
            raise ImageError(f"image {file!r} is a folder; pass the pictures in it one by one")
        if not path.exists():
            raise ImageError(f"image {file!r} does not exist{_nearby(path)}")
        if not path.is_file():
            raise ImageError(f"image {file!r} is not a regular file")
        size = path.stat().st_size
        if size == 0:
            raise ImageError(f"image {file!r} is empty (0 bytes); copy or download it again")
        if size > max_bytes:
            raise ImageError(
                f"image {file!r} has {size:,} bytes, more than the {max_bytes:,} allowed; "
                "shrink it or raise max_bytes"
            )
        return file, path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"image {file!r} cannot be read: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _nearby(path: Path) -> str:
    if not path.parent.is_dir():
        return f": there is no folder {os.fspath(path.parent)!r}"
    # Enough for a folder of pictures; comparing names with a million files takes minutes.
    names = [
        entry.name
        for entry in islice(path.parent.iterdir(), 2000)
        if entry.suffix.lower() in PICTURE_ENDINGS
    ]
    return did_you_mean(path.name, names) or f" in {os.fspath(path.parent.resolve())!r}"


def _fingerprint(pixels: Image) -> str:
    digest = hashlib.sha256(np.array(pixels.shape, dtype="<i8").tobytes())
    digest.update(pixels.astype("<f4", copy=False).data)
    return digest.hexdigest()
