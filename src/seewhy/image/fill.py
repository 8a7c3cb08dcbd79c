"""What a hidden superpixel shows.

Each fill is a frozen value, its settings; calling it with a picture computes a second
picture, of which compositing shows the hidden superpixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float32, Int32
from scipy.ndimage import gaussian_filter

from seewhy.errors import InputError, SpecError, did_you_mean
from seewhy.image.read import Image, Picture, read_picture
from seewhy.image.resizing import resize
from seewhy.image.segmentation import OUTSIDE

# The weights of luminance in ITU-R BT.601, which Pillow and most cameras use.
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)


class Fill(Protocol):
    """Anything that says what hidden superpixels show."""

    name: ClassVar[str]

    def __call__(
        self, image: Image, labels: Int32[np.ndarray, "h w"], rng: np.random.Generator
    ) -> Image:
        """Compute the picture shown where superpixels are hidden.

        Parameters
        ----------
        image : float32 array (h, w, c)
            Values in [0, 1].
        labels : int32 array (h, w)
            Superpixel of every pixel; pixels labelled
            :data:`~seewhy.image.segmentation.OUTSIDE` keep the image's value.
        rng : numpy.random.Generator
            Used by random fills only, once: hiding a superpixel always shows the same.

        Returns
        -------
        float32 array (h, w, c)
            Values in [0, 1].
        """
        ...

    def settings(self) -> dict[str, Any]:
        """Name and settings, as written to results."""
        ...


@dataclass(frozen=True)
class MeanFill:
    """Show every hidden superpixel in its own mean colour (the default).

    It stays near the photos a network knows; a superpixel that is one flat colour
    already cannot be hidden this way.
    """

    name: ClassVar[str] = "mean"

    def __call__(
        self, image: Image, labels: Int32[np.ndarray, "h w"], rng: np.random.Generator
    ) -> Image:
        """Compute the fill; see :class:`Fill`."""
        _check_labels(image, labels)
        players = labels.ravel() + 1
        # A superpixel may have lost its last pixel when labels were scaled down.
        areas = np.maximum(np.bincount(players), 1)
        sums = [
            np.bincount(players, weights=channel) for channel in image.reshape(-1, image.shape[2]).T
        ]
        means = (np.stack(sums, axis=1) / areas[:, None]).astype(np.float32)
        return _inside_only(image, labels, means[labels + 1])

    def settings(self) -> dict[str, Any]:
        """Name and settings, as written to results."""
        return {"name": self.name}


@dataclass(frozen=True)
class MeanColourFill:
    """Show every hidden superpixel in the mean colour of the whole picture."""

    name: ClassVar[str] = "mean-colour"

    def __call__(
        self, image: Image, labels: Int32[np.ndarray, "h w"], rng: np.random.Generator
    ) -> Image:
        """Compute the fill; see :class:`Fill`. What lies outside does not count."""
        _check_labels(image, labels)
        inside = image[labels != OUTSIDE]
        if not len(inside):
            return image.copy()
        mean = inside.mean(axis=0, dtype=np.float64).astype(np.float32)
        return _inside_only(image, labels, mean)

    def settings(self) -> dict[str, Any]:
        """Name and settings, as written to results."""
        return {"name": self.name}


@dataclass(frozen=True)
class GreyFill:
    """Show hidden superpixels in one shade of grey.

    Attributes
    ----------
    value : float
        From 0 (black) to 1 (white).
    """

    value: float = 0.5
    name: ClassVar[str] = "grey"

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise InputError(f"value must be in [0, 1], black to white; got {self.value!r}")

    def __call__(
        self, image: Image, labels: Int32[np.ndarray, "h w"], rng: np.random.Generator
    ) -> Image:
        """Compute the fill; see :class:`Fill`."""
        _check_labels(image, labels)
        return _inside_only(image, labels, np.float32(self.value))

    def settings(self) -> dict[str, Any]:
        """Name and settings, as written to results."""
        return {"name": self.name, "value": float(self.value)}


@dataclass(frozen=True)
class BlackFill:
    """Show hidden superpixels black, as many tutorials do; black shapes are evidence too."""

    name: ClassVar[str] = "black"

    def __call__(
        self, image: Image, labels: Int32[np.ndarray, "h w"], rng: np.random.Generator
    ) -> Image:
        """Compute the fill; see :class:`Fill`."""
        _check_labels(image, labels)
        return _inside_only(image, labels, np.float32(0))

    def settings(self) -> dict[str, Any]:
        """Name and settings, as written to results."""
        return {"name": self.name}


@dataclass(frozen=True)
class BlurFill:
    """Show hidden superpixels out of focus: colours stay, shapes and texture go.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, as a fraction of the shorter side.
    """

    sigma: float = 0.05
    name: ClassVar[str] = "blur"

    def __post_init__(self) -> None:
        if not 0 < self.sigma < inf:
            raise InputError(
                f"sigma must be positive, a fraction of the shorter side; got {self.sigma!r}"
            )

    def __call__(
        self, image: Image, labels: Int32[np.ndarray, "h w"], rng: np.random.Generator
    ) -> Image:
        """Compute the fill; see :class:`Fill`."""
        _check_labels(image, labels)
        width = self.sigma * min(image.shape[:2])
        blurred = gaussian_filter(image, sigma=width, axes=(0, 1), mode="nearest")
        return _inside_only(image, labels, blurred)

    def settings(self) -> dict[str, Any]:
        """Name and settings, as written to results."""
        return {"name": self.name, "sigma": float(self.sigma)}


@dataclass(frozen=True)
class NoiseFill:
    """Show hidden superpixels as noise, uniform in [0, 1] and drawn once per picture."""

    name: ClassVar[str] = "noise"

    def __call__(
        self, image: Image, labels: Int32[np.ndarray, "h w"], rng: np.random.Generator
    ) -> Image:
        """Compute the fill; see :class:`Fill`."""
        _check_labels(image, labels)
        return _inside_only(image, labels, rng.random(image.shape, dtype=np.float32))

    def settings(self) -> dict[str, Any]:
        """Name and settings, as written to results."""
        return {"name": self.name}


@dataclass(frozen=True)
class PictureFill:
    """Show another picture through hidden superpixels, stretched to the same size.

    Attributes
    ----------
    picture : Picture
        From :func:`~seewhy.image.read.read_picture`. Grey pictures serve any number of
        channels, colour pictures also grey images.
    """

    picture: Picture
    name: ClassVar[str] = "picture"

    def __post_init__(self) -> None:
        if not isinstance(self.picture, Picture):
            raise InputError(
                f"picture must come from read_picture(...); got {type(self.picture).__qualname__}"
            )

    def __call__(
        self, image: Image, labels: Int32[np.ndarray, "h w"], rng: np.random.Generator
    ) -> Image:
        """Compute the fill; see :class:`Fill`."""
        _check_labels(image, labels)
        height, width, channels = image.shape
        pixels = _with_channels(self.picture.pixels, channels)
        return _inside_only(image, labels, resize(pixels, height, width))

    def settings(self) -> dict[str, Any]:
        """Name and settings, as written to results."""
        return {"name": self.name, "picture": self.picture.name, "sha256": self.picture.sha256}


def parse_fill(spec: str) -> Fill:
    """Turn the command line's spelling of a fill into the object.

    Parameters
    ----------
    spec : str
        ``"mean"``, ``"mean-colour"``, ``"grey:0.5"``, ``"black"``, ``"blur:0.05"``, ``"noise"``
        or ``"picture:file.jpg"``; without a number, the default.

    Returns
    -------
    Fill

    Raises
    ------
    SpecError
        If the name is unknown or what follows it makes no sense.
    InputError
        If the number is out of range, or the picture cannot be read.

    Examples
    --------
    >>> parse_fill("blur:0.1")
    BlurFill(sigma=0.1)
    """
    name, colon, argument = spec.strip().partition(":")
    name = name.lower().replace("color", "colour").replace("gray", "grey")
    if name not in _BUILD:
        raise SpecError(
            f"fill must be one of {', '.join(_EXAMPLES.values())}; "
            f"got {spec!r}{did_you_mean(name, _BUILD)}"
        )
    try:
        return _BUILD[name](argument if colon else None)
    except InputError:
        raise
    except ValueError:
        raise SpecError(f"fill must look like {_EXAMPLES[name]!r}; got {spec!r}") from None


def _plain(fill: Callable[[], Fill]) -> Callable[[str | None], Fill]:
    def build(argument: str | None) -> Fill:
        if argument is not None:
            raise ValueError(argument)
        return fill()

    return build


def _parsed_picture(argument: str | None) -> PictureFill:
    if not argument:
        raise ValueError(argument)
    return PictureFill(read_picture(argument))


_BUILD: dict[str, Callable[[str | None], Fill]] = {
    "mean": _plain(MeanFill),
    "mean-colour": _plain(MeanColourFill),
    "grey": lambda value: GreyFill() if value is None else GreyFill(float(value)),
    "black": _plain(BlackFill),
    "blur": lambda sigma: BlurFill() if sigma is None else BlurFill(float(sigma)),
    "noise": _plain(NoiseFill),
    "picture": _parsed_picture,
}
_EXAMPLES = {name: name for name in _BUILD} | {
    "grey": "grey:0.5",
    "blur": "blur:0.05",
    "picture": "picture:file.jpg",
}


def _inside_only(
    image: Image, labels: Int32[np.ndarray, "h w"], fill: Float32[np.ndarray, "*any"] | np.float32
) -> Image:
    filled: Image = np.where((labels == OUTSIDE)[:, :, None], image, fill)
    return filled.clip(0, 1)


def _with_channels(pixels: Image, channels: int) -> Image:
    given = pixels.shape[2]
    if given == channels:
        return pixels
    if given == 1:
        return np.repeat(pixels, channels, axis=2)
    if given == 3 and channels == 1:
        grey: Image = (pixels @ _LUMINANCE)[:, :, None]
        return grey
    raise InputError(
        f"picture of the fill must have the image's {channels} channels, or one; got {given}"
    )


def _check_labels(image: Image, labels: Int32[np.ndarray, "h w"]) -> None:
    if labels.shape != image.shape[:2]:
        raise InputError(
            f"labels must have the image's shape {image.shape[:2]}; got {labels.shape}"
        )
