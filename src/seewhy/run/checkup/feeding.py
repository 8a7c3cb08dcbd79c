"""The usual ways to feed a network, tried beside the one that a model declares.

A model gets pixels x in [0, 1] and normalises them itself, (x − mean) / std. To make its network
see anything else, z, it is given z · std + mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float32

from seewhy.models.preprocessing import Preprocessing

Layout: TypeAlias = Literal["kept", "turned", "planes read as pixels", "pixels read as planes"]

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SAME_SCALE = 0.02  # relative: people round these numbers to two digits or three
_CIFAR_SIDE = 64  # pixels: at larger inputs no one normalises as for CIFAR's 32


@dataclass(frozen=True)
class Scale:
    """What is done to pixels in [0, 1] before a network gets them.

    Attributes
    ----------
    words : str
        As in "pixels …".
    mean, std : tuple of float
        (pixel − mean) / std, red first.
    """

    words: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def over(self, channels: int) -> tuple[Float32[np.ndarray, " c"], Float32[np.ndarray, " c"]]:
        """Mean and std for so many channels; colours' average where they are not three."""
        mean, std = self.of(channels)
        return np.array(mean, np.float32), np.array(std, np.float32)

    def of(self, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Likewise, as they are written."""
        if channels == len(self.mean):
            return self.mean, self.std
        if len(set(zip(self.mean, self.std, strict=True))) == 1:  # exact, as a mean is not
            return self.mean[:1] * channels, self.std[:1] * channels
        mean, std = float(np.mean(self.mean)), float(np.mean(self.std))
        return (mean,) * channels, (std,) * channels


SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        "0 to 1": Scale("from 0 to 1", (0.0,) * 3, (1.0,) * 3),
        "0 to 255": Scale("from 0 to 255", (0.0,) * 3, (1 / 255,) * 3),
        "-1 to 1": Scale("scaled to [-1, 1]", (0.5,) * 3, (0.5,) * 3),
        "imagenet": Scale("less ImageNet's mean, by its std", _IMAGENET_MEAN, _IMAGENET_STD),
        "caffe": Scale("from 0 to 255 less ImageNet's mean", _IMAGENET_MEAN, (1 / 255,) * 3),
        "cifar10": Scale(
            "less CIFAR-10's mean, by its std", (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
        ),
        "mnist": Scale("less MNIST's mean, by its std", (0.1307,), (0.3081,)),
    }
)


def scales_for(input_size: tuple[int, int, int]) -> tuple[str, ...]:
    """List the scales that networks with such an input are trained with.

    Examples
    --------
    >>> scales_for((28, 28, 1)), scales_for((224, 224, 3))[2:]
    (('0 to 1', '0 to 255', '-1 to 1', 'mnist'), ('-1 to 1', 'imagenet', 'caffe'))
    """
    height, width, channels = input_size
    usual = ("0 to 1", "0 to 255", "-1 to 1")
    if channels == 1:
        return (*usual, "mnist")
    if channels != 3:
        return usual
    small = ("cifar10",) if max(height, width) <= _CIFAR_SIDE else ()
    return (*usual, "imagenet", "caffe", *small)


@dataclass(frozen=True)
class Feeding:
    """One way to feed a network.

    Attributes
    ----------
    scale : str or None
        Among `SCALES`; None is the declared one.
    swapped : bool
        Whether red and blue change places, against what is declared.
    layout : str
        Whether the array is given as declared, with height and width exchanged, or so that code
        which reshapes where it should transpose gets what it takes for pixels.
    inverted : bool
        Whether dark and light change places.
    """

    scale: str | None = None
    swapped: bool = False
    layout: Layout = "kept"
    inverted: bool = False

    @property
    def changes(self) -> int:
        """In how many respects it differs from what is declared."""
        return (self.scale is not None) + self.swapped + (self.layout != "kept") + self.inverted

    def images(
        self, pixels: Float32[np.ndarray, "n h w c"], declared: Preprocessing
    ) -> Float32[np.ndarray, "n h w c"]:
        """Prepare pixels so that a network behind a declared preprocessing sees this feeding.

        Parameters
        ----------
        pixels : (n, h, w, c) float32 in [0, 1]
        declared : Preprocessing
            What the model does to whatever it is given.

        Returns
        -------
        (n, h, w, c) float32
            Not confined to [0, 1].
        """
        if self.changes == 0:
            return pixels
        blue_first = declared.channels == "BGR"
        pixels = 1 - pixels if self.inverted else pixels
        if self.scale is None:
            seen = declared.normalise(pixels)
        else:
            mean, std = SCALES[self.scale].over(pixels.shape[3])
            seen = (pixels - mean) / std
            seen = seen[..., ::-1] if blue_first else seen
        seen = _laid_out(seen[..., ::-1] if self.swapped else seen, self.layout)
        given = seen * np.array(declared.std, np.float32) + np.array(declared.mean, np.float32)
        return np.ascontiguousarray(given[..., ::-1] if blue_first else given, dtype=np.float32)

    def remedy(self, declared: Preprocessing) -> Preprocessing | None:
        """Return the preprocessing to declare instead; None where none can mend it."""
        if self.layout != "kept" or self.inverted or self.changes == 0:
            return None
        order = -1 if declared.channels == "BGR" else 1
        mean, std = declared.mean[::order], declared.std[::order]  # red first
        if self.scale is not None:
            mean, std = SCALES[self.scale].of(declared.input_size[2])
        channels = declared.channels
        if self.swapped:
            channels = "RGB" if channels == "BGR" else "BGR"
        order = -1 if channels == "BGR" else 1
        return replace(declared, mean=mean[::order], std=std[::order], channels=channels)


DECLARED = Feeding()


def alternatives(declared: Preprocessing) -> Iterator[Feeding]:
    """List the feedings to try for a model, those left out that its pictures cannot have.

    Parameters
    ----------
    declared : Preprocessing

    Yields
    ------
    Feeding
        Scales and colour orders in all combinations; layouts, and dark for light, each alone.
    """
    height, width, channels = declared.input_size
    orders = (False, True) if channels == 3 and declared.channels != "bands" else (False,)
    same = declared_scale(declared)
    for scale in (None, *(name for name in scales_for(declared.input_size) if name != same)):
        yield from (
            Feeding(scale, swapped) for swapped in orders if (scale, swapped) != (None, False)
        )
    if channels == 1:
        yield Feeding(inverted=True)
    if height == width:
        yield Feeding(layout="turned")
    if channels > 1:
        yield Feeding(layout="planes read as pixels")
        yield Feeding(layout="pixels read as planes")


def declared_scale(declared: Preprocessing) -> str | None:
    """Name the scale that a preprocessing amounts to, when it is one of the usual ones."""
    order = -1 if declared.channels == "BGR" else 1
    given = np.array([declared.mean, declared.std])[:, ::order]
    for name in scales_for(declared.input_size):
        usual = np.array(SCALES[name].over(given.shape[1]))
        if np.allclose(given, usual, rtol=_SAME_SCALE, atol=2e-4):
            return name
    return None


def _laid_out(
    pixels: Float32[np.ndarray, "n h w c"], layout: Layout
) -> Float32[np.ndarray, "n h w c"]:
    n, h, w, c = pixels.shape
    if layout == "turned":
        return pixels.transpose(0, 2, 1, 3)
    if layout == "planes read as pixels":  # for code that does reshape(n, c, h, w)
        return pixels.transpose(0, 3, 1, 2).reshape(n, h, w, c)
    if layout == "pixels read as planes":  # for code that does the reverse
        return pixels.reshape(n, c, h, w).transpose(0, 2, 3, 1)
    return pixels
