"""The photos a model is tried on, and the ways in which they are shown to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import gaussian_filter

from seewhy.image.read import Image, Picture, read_picture
from seewhy.image.samples import sample_path
from seewhy.models.protocol import Model
from seewhy.run.checkup.truths import SHOWN, shown_columns

SAMPLES = (*SHOWN, "astronaut", "coins")


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture at a model's input, and what it shows.

    Attributes
    ----------
    name : str
        Of the sample, or of the file.
    pixels : (h, w, c) float32 in [0, 1]
    truth : tuple of int
        Classes any of which is right; empty where unknown.
    given : bool
        Whether it is the user's own.
    """

    name: str
    pixels: Image
    truth: tuple[int, ...] = ()
    given: bool = False


def sample_photos(model: Model) -> tuple[Photo, ...]:
    """Bring the sample photos to a model's input; those that a packager left out are missed."""
    shown = shown_columns(model.labels)
    paths = {name: sample_path(name) for name in SAMPLES}
    return tuple(
        Photo(name, at_input(model, read_picture(path).pixels), shown.get(name, ()))
        for name, path in paths.items()
        if path.is_file()
    )


def given_photo(model: Model, picture: Picture, true: int | None) -> Photo:
    """Bring the user's own picture to a model's input."""
    pixels = model.preprocessing.apply(picture.pixels)
    return Photo(picture.name, pixels, () if true is None else (true,), given=True)


def at_input(model: Model, image: Image) -> Image:
    """Bring a photo to a model's input; one that takes other bands gets its colours in turn."""
    channels = model.input_size[2]
    if model.preprocessing.channels == "bands" and image.shape[2] != channels:
        image = image[:, :, np.arange(channels) % image.shape[2]]
    return model.preprocessing.apply(np.ascontiguousarray(image))


def _flat(image: Image) -> Image:
    return 0.5 + 0.3 * (image - 0.5)


def _dark(image: Image) -> Image:
    return 0.3 * image


def _mirrored(image: Image) -> Image:
    return image[:, ::-1]


def _noisy(image: Image) -> Image:
    noise = np.random.default_rng(0).normal(0, 0.1, image.shape)
    return (image + noise).clip(0, 1)


def _blurred(image: Image) -> Image:
    sigma = image.shape[0] / 112
    return gaussian_filter(image, (sigma, sigma, 0))


def _small(image: Image) -> Image:
    """Half as large, in a grey frame."""
    h, w, c = image.shape
    if min(h, w) < 4:
        return image
    half = image[: h // 2 * 2, : w // 2 * 2].reshape(h // 2, 2, w // 2, 2, c).mean((1, 3))
    framed = np.full_like(image, 0.5)
    top, left = h // 4, w // 4
    framed[top : top + h // 2, left : left + w // 2] = half
    return framed


# What is hard to recognise is the first to be missed by a network that is fed wrongly: a robust
# one reads easy photos whatever the order of its colours.
VIEWS: Mapping[str, Callable[[Image], Image]] = MappingProxyType(
    {
        "plain": lambda image: image,
        "small": _small,
        "dark": _dark,
        "flat": _flat,
        "blurred": _blurred,
        "mirrored": _mirrored,
        "noisy": _noisy,
    }
)
FIRST_VIEWS = ("plain", "small")
FURTHER_VIEWS = ("dark", "flat", "blurred", "noisy")
WITHOUT_TRUTH = ("plain", "small", "mirrored")
FURTHER_WITHOUT_TRUTH = ("dark", "flat", "blurred")


def shown(photos: Sequence[Photo], views: Sequence[str]) -> Float32[np.ndarray, "n h w c"]:
    """Show photos in several ways, photo by photo.

    Parameters
    ----------
    photos : sequence of Photo
    views : sequence of str
        Names among `VIEWS`.

    Returns
    -------
    (photos · views, h, w, c) float32 in [0, 1]
    """
    return np.stack([VIEWS[view](photo.pixels) for photo in photos for view in views]).astype(
        np.float32
    )
