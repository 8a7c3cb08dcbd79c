"""Resizing and cropping as the networks' own pipelines do it, in 8 bits where a picture has 8."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float32, Int, Shaped, UInt8
from PIL import Image as PILImage

Interpolation: TypeAlias = Literal["nearest", "bilinear", "bicubic", "lanczos", "box"]

_RESAMPLING = {
    "nearest": PILImage.Resampling.NEAREST,
    "bilinear": PILImage.Resampling.BILINEAR,
    "bicubic": PILImage.Resampling.BICUBIC,
    "lanczos": PILImage.Resampling.LANCZOS,
    "box": PILImage.Resampling.BOX,
}
_ROUNDING = 1e-3  # of 255, what float32 leaves of a byte
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601-2, as PIL's convert("L")


def in_8_bits(
    image: Float32[np.ndarray, "H W C"],
) -> Float32[np.ndarray, "H W C"] | UInt8[np.ndarray, "H W C"]:
    """Give back the bytes that a picture was made from.

    Parameters
    ----------
    image : (H, W, C) float32 in [0, 1]

    Returns
    -------
    (H, W, C) uint8
        Or the picture itself, if it holds more than 8 bits say.
    """
    scaled = image * np.float32(255)
    whole = np.rint(scaled)
    if whole.size == 0 or np.abs(scaled - whole).max() > _ROUNDING:
        return image
    return whole.clip(0, 255).astype(np.uint8)


def luma(image: Shaped[np.ndarray, "H W 3"]) -> Shaped[np.ndarray, "H W"]:
    """Turn colour into grey, as ITU-R 601 weighs it.

    Parameters
    ----------
    image : (H, W, 3) uint8, or float32 in [0, 1]
        RGB.

    Returns
    -------
    (H, W) array
        Of the same kind.
    """
    if image.dtype == np.uint8:
        return np.asarray(PILImage.fromarray(image).convert("L"))
    return image @ _LUMA


def resize(
    pixels: Shaped[np.ndarray, "H W C"], size: tuple[int, int], interpolation: Interpolation
) -> Float32[np.ndarray, "h w C"]:
    """Resample a picture, antialiased when shrinking.

    Parameters
    ----------
    pixels : (H, W, C) uint8, or float32 in [0, 1]
        Bytes are resampled in bytes: what torchvision, timm, Transformers and Keras compute, to
        the bit.
    size : tuple of int
        Height and width to come.
    interpolation : {"bilinear", "bicubic", "nearest", "lanczos", "box"}

    Returns
    -------
    (h, w, C) float32 in [0, 1]
    """
    plane_of = _of_bytes if pixels.dtype == np.uint8 else _of_floats
    planes = [plane_of(pixels[:, :, c], size, interpolation) for c in range(pixels.shape[2])]
    return np.stack(planes, axis=2)


def nearest_pixels(count: int, among: int) -> Int[np.ndarray, " count"]:
    """Find the pixel under the centre of each of `count` resized ones, in whole numbers.

    Parameters
    ----------
    count, among : int
        Pixels along one side, after and before resizing.

    Returns
    -------
    (count,) array of int
    """
    return (2 * np.arange(count) + 1) * among // (2 * count)


def crop_offset(have: int, want: int, *, down: bool = False) -> int:
    """Say where a centre crop begins along one side.

    Parameters
    ----------
    have, want : int
        Pixels that there are, and that are wanted.
    down : bool
        Whether half a pixel is rounded down, as by Transformers; torchvision rounds to the even.

    Returns
    -------
    int
        Negative where the picture must be padded; torchvision's odd pixel goes to the end.
    """
    if down:
        return (have - want) // 2
    if have < want:
        return -((want - have) // 2)
    return round((have - want) / 2.0)


def crop(
    array: np.ndarray, offset: tuple[int, int], size: tuple[int, int], *, outside: float
) -> np.ndarray:
    """Cut a window that may stick out over the array's border.

    Parameters
    ----------
    array : (H, W, ...) array
    offset, size : tuple of int
        Where the window begins, possibly below 0, and how large it is.
    outside : float
        What stands beyond the border.

    Returns
    -------
    (h, w, ...) array
        A new one.
    """
    window = np.full((*size, *array.shape[2:]), outside, array.dtype)
    source, target = [], []
    for start, length, have in zip(offset, size, array.shape[:2], strict=True):
        first, last = max(start, 0), min(start + length, have)
        source.append(slice(first, last))
        target.append(slice(first - start, last - start))
    window[tuple(target)] = array[tuple(source)]
    return window


def _of_bytes(
    plane: UInt8[np.ndarray, "H W"], size: tuple[int, int], interpolation: Interpolation
) -> Float32[np.ndarray, "h w"]:
    picture = PILImage.fromarray(np.ascontiguousarray(plane))
    resized = picture.resize((size[1], size[0]), _RESAMPLING[interpolation])
    return np.asarray(resized, np.float32) / np.float32(255)


def _of_floats(
    plane: Float32[np.ndarray, "H W"], size: tuple[int, int], interpolation: Interpolation
) -> Float32[np.ndarray, "h w"]:
    """Columns first, then rows, clipped after each as Pillow does with 8 bits."""
    height, width = size
    for shape in ((plane.shape[0], width), (height, width)):
        if plane.shape != shape:
            picture = PILImage.fromarray(np.ascontiguousarray(plane, np.float32))
            resized = picture.resize((shape[1], shape[0]), _RESAMPLING[interpolation])
            plane = np.clip(np.asarray(resized, np.float32), 0.0, 1.0)  # cubic overshoots
    return plane
