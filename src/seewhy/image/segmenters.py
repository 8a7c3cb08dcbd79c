"""Ways of cutting a picture into superpixels.

Each is a frozen value, its settings; calling it with a picture cuts. Whatever the
algorithm, every superpixel is one connected piece, slivers join a neighbour, and a large
photo is cut at 640 pixels, where its objects are as visible as at 6 000.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import inf
from typing import ClassVar, Protocol

import numpy as np
from jaxtyping import Float, Int

from seewhy.errors import InputError, SpecError, did_you_mean
from seewhy.image.cutting import SLIVER_SHARE, WORKING_SIDE, connected, cut_into, cut_small
from seewhy.image.read import Image, as_image
from seewhy.image.segmentation import Segmentation, merge_slivers

_QUICKSHIFT_SIDE = 224
_MOST = 10_000
# Lightness runs from 0 to 100 in the colour space CIELAB, channels from 0 to 1.
_LAB_RANGE = 100


class Segmenter(Protocol):
    """Anything that cuts a picture into superpixels."""

    name: ClassVar[str]

    def __call__(self, image: Image) -> Segmentation:
        """Cut one picture."""
        ...


@dataclass(frozen=True)
class Slic:
    """Cut into a stated number of compact superpixels that follow contours (the default).

    SLIC clusters pixels by colour and place. It is asked for a fifth more than wanted;
    fragments, then the smallest superpixels, join the neighbour with the longest common
    border, until exactly ``count`` are left. Tiny or nearly flat pictures may give fewer.

    Attributes
    ----------
    count : int
        How many superpixels.
    compactness : float
        Weight of place against colour (CIELAB units): larger is squarer, smaller hugs
        contours and becomes ragged.
    smoothing : float
        Standard deviation of the blur before cutting, as a fraction of the longer side;
        it keeps fur and foliage from fraying the borders.

    References
    ----------
    Achanta et al., SLIC superpixels compared to state-of-the-art superpixel methods,
    IEEE TPAMI 34(11), 2012.
    """

    count: int = 60
    compactness: float = 20.0
    smoothing: float = 0.0025
    name: ClassVar[str] = "slic"

    def __post_init__(self) -> None:
        _check_count(self.count)
        _check_positive("compactness", self.compactness)
        _check_not_negative("smoothing", self.smoothing)

    def __call__(self, image: Image) -> Segmentation:
        """Cut a picture; the same picture is always cut alike."""
        labels = cut_small(image, lambda small: cut_into(small, self.count, self._slic))
        return _recorded(self, labels)

    def _slic(self, image: Image, count: int) -> Int[np.ndarray, "h w"]:
        from skimage.segmentation import slic

        channels = image.shape[2]
        scale = 1.0 if channels == 3 else channels**0.5 / _LAB_RANGE
        return np.asarray(
            slic(
                image,
                n_segments=count,
                compactness=self.compactness * scale,
                sigma=self.smoothing * max(image.shape[:2]),
                convert2lab=channels == 3,
                enforce_connectivity=False,
                start_label=0,
                channel_axis=-1,
            )
        )


@dataclass(frozen=True)
class Quickshift:
    """Cut along the modes of colour and place: LIME's historical choice, ragged and slow.

    The number of superpixels follows from the picture. It is cut at half the working
    size, near the 224 to 299 pixels for which the usual settings were chosen.

    Attributes
    ----------
    kernel_size : float
        Width of the density estimate, in pixels; on pictures less than 224 across it
        shrinks along, down to one pixel.
    max_dist : float
        Farthest link within a superpixel, in pixels and colour units.
    ratio : float
        Weight of colour against place, in [0, 1].

    References
    ----------
    Vedaldi & Soatto, Quick shift and kernel methods for mode seeking, ECCV 2008.
    """

    kernel_size: float = 4.0
    max_dist: float = 200.0
    ratio: float = 0.2
    name: ClassVar[str] = "quickshift"

    def __post_init__(self) -> None:
        _check_positive("kernel_size", self.kernel_size)
        _check_positive("max_dist", self.max_dist)
        if not 0 <= self.ratio <= 1:
            raise InputError(f"ratio must be in [0, 1]; got {self.ratio}")

    def __call__(self, image: Image) -> Segmentation:
        """Cut a picture; the same picture is always cut alike."""
        return _recorded(self, cut_small(image, self._quickshift, side=WORKING_SIDE // 2))

    def _quickshift(self, image: Image) -> Int[np.ndarray, "h w"]:
        from skimage.segmentation import quickshift

        shrink = min(1.0, max(image.shape[:2]) / _QUICKSHIFT_SIDE)
        kernel_size = max(self.kernel_size * shrink, min(self.kernel_size, 1.0))
        labels = quickshift(
            _perceptual(image),
            ratio=self.ratio,
            kernel_size=kernel_size,
            max_dist=self.max_dist,
            convert2lab=False,
            rng=0,
            channel_axis=-1,
        )
        return merge_slivers(connected(labels), minimum_share=SLIVER_SHARE)


@dataclass(frozen=True)
class Felzenszwalb:
    """Cut where colour changes more than within: few large and many small superpixels.

    Attributes
    ----------
    scale : float
        Larger gives larger superpixels.
    sigma : float
        Standard deviation of the blur before cutting, in pixels.

    References
    ----------
    Felzenszwalb & Huttenlocher, Efficient graph-based image segmentation, IJCV 59(2), 2004.
    """

    scale: float = 100.0
    sigma: float = 0.8
    name: ClassVar[str] = "felzenszwalb"

    def __post_init__(self) -> None:
        _check_positive("scale", self.scale)
        _check_not_negative("sigma", self.sigma)

    def __call__(self, image: Image) -> Segmentation:
        """Cut a picture; the same picture is always cut alike."""
        return _recorded(self, cut_small(image, self._felzenszwalb))

    def _felzenszwalb(self, image: Image) -> Int[np.ndarray, "h w"]:
        from skimage.segmentation import felzenszwalb

        smallest = round(SLIVER_SHARE * image.shape[0] * image.shape[1])
        labels = felzenszwalb(
            image, scale=self.scale, sigma=self.sigma, min_size=smallest, channel_axis=-1
        )
        return merge_slivers(connected(labels), minimum_share=SLIVER_SHARE)


@dataclass(frozen=True)
class Watershed:
    """Flood the picture's edges from a grid of sources: a stated number, smooth outlines.

    Of the segmentations people were asked about, they agreed with this one most
    (Schallner et al., arXiv 1910.07856).

    Attributes
    ----------
    count : int
        How many superpixels.
    compactness : float
        Larger is squarer.

    References
    ----------
    Neubert & Protzel, Compact watershed and preemptive SLIC, ICPR 2014.
    """

    count: int = 60
    compactness: float = 0.001
    name: ClassVar[str] = "watershed"

    def __post_init__(self) -> None:
        _check_count(self.count)
        _check_not_negative("compactness", self.compactness)

    def __call__(self, image: Image) -> Segmentation:
        """Cut a picture; the same picture is always cut alike."""
        labels = cut_small(image, lambda small: cut_into(small, self.count, self._watershed))
        return _recorded(self, labels)

    def _watershed(self, image: Image, count: int) -> Int[np.ndarray, "h w"]:
        from skimage.filters import sobel
        from skimage.segmentation import watershed

        edges = np.asarray(sobel(image, axis=(0, 1))).max(axis=2)
        return np.asarray(watershed(edges, markers=count, compactness=self.compactness))


@dataclass(frozen=True)
class Grid:
    """Cut into equal rectangles, whatever the picture shows: for transformers and digits.

    Attributes
    ----------
    rows, columns : int
        Rectangles down and across; sides differ by at most one pixel.
    """

    rows: int = 8
    columns: int = 8
    name: ClassVar[str] = "grid"

    def __post_init__(self) -> None:
        _check_count(self.rows, "rows")
        _check_count(self.columns, "columns")

    def __call__(self, image: Image) -> Segmentation:
        """Cut a picture, which must have a pixel for every rectangle."""
        height, width = as_image(image).shape[:2]
        if self.rows > height or self.columns > width:
            raise InputError(
                f"grid must have at most one rectangle per pixel of the {height} × {width} "
                f"picture; got {self.rows} × {self.columns}"
            )
        row = np.arange(height) * self.rows // height
        column = np.arange(width) * self.columns // width
        labels = row[:, None] * self.columns + column[None, :]
        return _recorded(self, labels)


def _perceptual(image: Image) -> Float[np.ndarray, "h w c"]:
    """Colours in CIELAB units: true CIELAB for RGB, scaled alike for other channels."""
    from skimage.color import rgb2lab

    if image.shape[2] == 3:
        return np.asarray(rgb2lab(image))
    return image * np.float32(_LAB_RANGE / image.shape[2] ** 0.5)


def _recorded(
    segmenter: Slic | Quickshift | Felzenszwalb | Watershed | Grid, labels: Int[np.ndarray, "h w"]
) -> Segmentation:
    settings = {
        # Counts from np.arange are fine, but not in JSON.
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in asdict(segmenter).items()
    }
    return Segmentation(labels, method=segmenter.name, settings=settings)


def _check_count(count: int, called: str = "count") -> None:
    whole = isinstance(count, int | np.integer) and not isinstance(count, bool)
    if not whole or count < 1:
        raise InputError(f"{called} must be a whole number of at least 1; got {count!r}")
    if count > _MOST:
        raise InputError(f"{called} must be at most {_MOST}, more than anyone reads; got {count}")


def _check_positive(called: str, value: float) -> None:
    if not 0 < value < inf:
        raise InputError(f"{called} must be positive and finite; got {value!r}")


def _check_not_negative(called: str, value: float) -> None:
    if not 0 <= value < inf:
        raise InputError(f"{called} must be zero or more, and finite; got {value!r}")


def parse_segmenter(spec: str) -> Segmenter:
    """Turn the command line's spelling of a segmenter into the object.

    Parameters
    ----------
    spec : str
        ``"slic:60"``, ``"watershed:60"`` (count), ``"felzenszwalb:100"`` (scale),
        ``"quickshift"``, ``"grid:7x9"`` (rows × columns) or ``"grid:8"``; without a number,
        the default.

    Returns
    -------
    Segmenter

    Raises
    ------
    SpecError
        If the name is unknown or what follows it is not such a number.
    InputError
        If the number is out of range.

    Examples
    --------
    >>> parse_segmenter("grid:7x9")
    Grid(rows=7, columns=9)
    """
    name, colon, argument = spec.strip().lower().partition(":")
    if name not in _BUILD:
        raise SpecError(
            f"segments must be one of {', '.join(_EXAMPLES.values())}; "
            f"got {spec!r}{did_you_mean(name, _BUILD)}"
        )
    try:
        return _BUILD[name](argument if colon else None)
    except InputError:
        raise
    except ValueError:
        raise SpecError(f"segments must look like {_EXAMPLES[name]!r}; got {spec!r}") from None


def _parsed_grid(argument: str | None) -> Grid:
    if argument is None:
        return Grid()
    sides = [int(side) for side in argument.split("x")]
    if len(sides) > 2:
        raise ValueError(argument)
    return Grid(sides[0], sides[-1])


def _parsed_quickshift(argument: str | None) -> Quickshift:
    if argument is not None:
        raise ValueError(argument)
    return Quickshift()


_BUILD: dict[str, Callable[[str | None], Segmenter]] = {
    "slic": lambda count: Slic() if count is None else Slic(int(count)),
    "quickshift": _parsed_quickshift,
    "felzenszwalb": lambda n: Felzenszwalb() if n is None else Felzenszwalb(float(n)),
    "watershed": lambda count: Watershed() if count is None else Watershed(int(count)),
    "grid": _parsed_grid,
}
_EXAMPLES = {
    "slic": "slic:60",
    "quickshift": "quickshift",
    "felzenszwalb": "felzenszwalb:100",
    "watershed": "watershed:60",
    "grid": "grid:7x9",
}
