"""How a picture becomes a model's input: resize, crop, channels, normalise.

The geometry follows torchvision's ``Resize`` and ``CenterCrop`` on PIL images
to the pixel. A picture of 8 bits is resized in 8 bits, by Pillow, exactly as
the networks' own pipelines do it; any other in float32, where nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
from jaxtyping import Float, Float32, Int32, Shaped

from seewhy.errors import InputError, did_you_mean
from seewhy.models.json_file import read_json_object
from seewhy.models.resizing import (
    Interpolation,
    crop,
    crop_offset,
    in_8_bits,
    luma,
    nearest_pixels,
    resize,
)

SECTIONS = frozenset({"input", "resize", "normalise", "output", "labels"})
"""What a sidecar has; the first three are preprocessing."""

Channels: TypeAlias = Literal["RGB", "BGR", "L", "bands"]
Crop: TypeAlias = Literal["centre", "centre-low"]


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes what the model sees.

    Parameters
    ----------
    size : tuple of int
        Height and width of the model's input, in pixels.
    shorter_side : int, optional
        Resize so that the shorter side has this length, then crop the centre to `size`
        (padding with black where the picture is smaller). None stretches.
    interpolation : {"bilinear", "bicubic", "nearest", "lanczos", "box"}
        Resampling filter, antialiased when shrinking.
    mean, std : tuple of float
        Subtracted from and divided out of pixels in [0, 1], one per channel, in the order in
        which the model takes its channels (so blue first for ``"BGR"``).
    channels : {"RGB", "BGR", "L", "bands"}
        What the model takes. ``"L"`` is grey; ``"bands"`` takes as many channels as `mean` has
        entries, as they come (satellite or microscope pictures).
    stretch : tuple of int, optional
        Without `shorter_side`: the height and width to stretch to before the centre is cropped to
        `size`. None: `size` itself, so that nothing is cropped.
    crop : {"centre", "centre-low"}
        Where half a pixel goes when the margins of a crop cannot be equal: torchvision rounds it
        to the even one, Transformers always towards the beginning.

    Raises
    ------
    InputError
        When a size is not positive, a name is unknown, or `mean` and `std` do not fit `channels`.

    Examples
    --------
    >>> Preprocessing((224, 224), shorter_side=256).view(512, 768)
    (32.0, 160.0, 480.0, 608.0)
    """

    size: tuple[int, int]
    shorter_side: int | None = None
    interpolation: Interpolation = "bilinear"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    channels: Channels = "RGB"
    stretch: tuple[int, int] | None = None
    crop: Crop = "centre"

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _pair(self.size, "size"))
        object.__setattr__(self, "mean", _numbers(self.mean, "mean"))
        object.__setattr__(self, "std", _numbers(self.std, "std"))
        if self.shorter_side is not None:
            _positive(self.shorter_side, "shorter_side")
        if self.stretch is not None:
            object.__setattr__(self, "stretch", _pair(self.stretch, "stretch"))
            if self.shorter_side is not None:
                raise InputError("a picture has either a shorter_side or a stretch; got both.")
        _known(self.interpolation, get_args(Interpolation), "interpolation")
        _known(self.channels, get_args(Channels), "channels")
        _known(self.crop, get_args(Crop), "crop")
        count = {"RGB": 3, "BGR": 3, "L": 1}.get(self.channels, len(self.mean))
        if not len(self.mean) == len(self.std) == count > 0:
            raise InputError(
                f"mean and std must have one entry per channel, {count} for {self.channels}; "
                f"got {len(self.mean)} and {len(self.std)}."
            )
        if not all(0 < deviation < np.inf for deviation in self.std):
            raise InputError(f"std must be positive in every channel; got {self.std}.")
        if not np.isfinite(self.mean).all():
            raise InputError(f"mean must be a number in every channel; got {self.mean}.")

    @property
    def input_size(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture at the model's input."""
        return (*self.size, len(self.mean))

    def view(self, height: int, width: int) -> tuple[float, float, float, float]:
        """Say which part of a picture the model sees.

        Parameters
        ----------
        height, width : int
            Of the picture.

        Returns
        -------
        top, left, bottom, right : float
            In the picture's own pixels, within its frame.
        """
        (tall, wide), (top, left) = self._geometry(height, width)
        h, w = self.size
        up, across = height / tall, width / wide
        return (
            max(top, 0) * up,
            max(left, 0) * across,
            min(top + h, tall) * up,
            min(left + w, wide) * across,
        )

    def apply(self, image: Float32[np.ndarray, "H W C"]) -> Float32[np.ndarray, "h w c"]:
        """Resize and crop a picture as the model wants it, without normalising it.

        Parameters
        ----------
        image : (H, W, C) float32 in [0, 1]
            RGB, grey, or what a ``"bands"`` model takes. Grey is replicated for a colour
            model; colour becomes ITU-R 601 luma for a grey one.

        Returns
        -------
        (h, w, c) float32 in [0, 1]
            Still RGB for a ``"BGR"`` model: `normalise` reverses the channels.

        Raises
        ------
        InputError
            When the picture has another number of channels.
        """
        resized, (top, left) = self._geometry(*image.shape[:2])
        pixels = resize(self._with_channels(in_8_bits(image)), resized, self.interpolation)
        cropped = crop(pixels, (top, left), self.size, outside=0.0)
        c = len(self.mean)
        return np.ascontiguousarray(np.broadcast_to(cropped, (*self.size, c)), dtype=np.float32)

    def labels(self, labels: Int32[np.ndarray, "H W"]) -> Int32[np.ndarray, "h w"]:
        """Bring superpixel labels to the model's input by nearest neighbour.

        Parameters
        ----------
        labels : (H, W) int32
            In the picture's own pixels.

        Returns
        -------
        (h, w) int32
            Small superpixels may vanish; where the picture was padded stands -1.
        """
        height, width = labels.shape
        (tall, wide), offset = self._geometry(height, width)
        nearest = np.ix_(nearest_pixels(tall, height), nearest_pixels(wide, width))
        return crop(labels[nearest], offset, self.size, outside=-1.0).astype(np.int32)

    def normalise(self, image: Float[np.ndarray, "... c"]) -> Float32[np.ndarray, "... c"]:
        """Turn pixels in [0, 1] into what the network was trained on, (pixel - mean) / std.

        Parameters
        ----------
        image : (..., c)
            One picture or many, as `apply` returns them.

        Returns
        -------
        (..., c) float32
            A new array, blue first for ``"BGR"``.
        """
        ordered = image[..., ::-1] if self.channels == "BGR" else image
        shifted = np.subtract(ordered, np.array(self.mean, np.float32), dtype=np.float32)
        shifted /= np.array(self.std, np.float32)
        return cast(Float32[np.ndarray, "... c"], shifted)

    def to_json(self) -> dict[str, Any]:
        """Write the settings in the grammar of an ONNX sidecar.

        Returns
        -------
        dict
            With the keys ``input``, ``resize`` and ``normalise``.
        """
        resize: dict[str, Any] = {"stretch": list(self.stretch or self.size)}
        if self.shorter_side is not None:
            resize = {"shorter_side": self.shorter_side}
        resize["interpolation"] = self.interpolation
        if self.shorter_side is not None or self.stretch is not None:
            resize["crop"] = self.crop
        return {
            "input": {"channels": self.channels, "size": list(self.size)},
            "resize": resize,
            "normalise": {"mean": list(self.mean), "std": list(self.std)},
        }

    @classmethod
    def stretched(cls, input_size: tuple[int, ...]) -> Preprocessing:
        """Stretch pictures to a size and leave their pixels in [0, 1].

        Parameters
        ----------
        input_size : (h, w) or (h, w, c)
            c is 3 (RGB) unless said; 1 means grey, another number bands.

        Returns
        -------
        Preprocessing

        Raises
        ------
        InputError
            When it is not two or three numbers.
        """
        if not isinstance(input_size, tuple | list) or len(input_size) not in (2, 3):
            raise InputError(f"input_size must be (h, w) or (h, w, c); got {input_size!r}.")
        h, w, c = (*input_size, 3)[:3]
        named: dict[int, Channels] = {1: "L", 3: "RGB"}
        return cls((h, w), mean=(0.0,) * c, std=(1.0,) * c, channels=named.get(c, "bands"))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Preprocessing:
        """Read settings written by `to_json`, or a whole sidecar.

        Parameters
        ----------
        document : mapping
            ``{"input": {"channels", "size"}, "resize": {"shorter_side", "interpolation", "crop"} |
            {"stretch": [h, w]}, "normalise": {"mean", "std"}}``; other keys of a sidecar are left
            alone. Without ``resize`` the picture is stretched, without ``normalise`` it stays in
            [0, 1].

        Returns
        -------
        Preprocessing

        Raises
        ------
        InputError
            When a key is missing, unknown or of the wrong kind.
        """
        for key in document:
            if key not in SECTIONS:
                raise InputError(
                    f"the preprocessing knows the keys {sorted(SECTIONS)}; got {key!r}"
                    f"{did_you_mean(key, SECTIONS) or '.'}"
                )
        entry = _section(document, "input", {"name", "layout", "channels", "size"})
        resize = _section(document, "resize", {"shorter_side", "interpolation", "crop", "stretch"})
        normalise = _section(document, "normalise", {"mean", "std"})
        given = {name: _numbers(value, name) for name, value in normalise.items()}
        size = entry.get("size", resize.get("stretch"))
        if size is None:
            raise InputError(
                'the preprocessing does not say how large the input is: add "size": [height, '
                'width] to its "input".'
            )
        size = _pair(size, "input size")
        _check_resize(resize, size)
        stretch = resize.get("stretch")
        if stretch is not None and _pair(stretch, "stretch") == size:
            stretch = None
        channels = entry.get("channels", "RGB")
        told = given.get("mean", given.get("std", ()))
        count = len(told) or (1 if channels == "L" else 3)
        return cls(
            size=size,
            shorter_side=resize.get("shorter_side"),
            interpolation=resize.get("interpolation", "bilinear"),
            mean=given.get("mean", (0.0,) * count),
            std=given.get("std", (1.0,) * count),
            channels=channels,
            stretch=stretch,
            crop=resize.get("crop", "centre"),
        )

    def _geometry(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Size after resizing, and where the crop begins in it (negative: padding)."""
        if self.shorter_side is None:
            resized = self.stretch or self.size
        else:
            short, long = sorted((height, width))
            longer = int(self.shorter_side * long / short)
            portrait = height > width
            resized = (longer, self.shorter_side) if portrait else (self.shorter_side, longer)
        down = self.crop == "centre-low"
        return resized, (
            crop_offset(resized[0], self.size[0], down=down),
            crop_offset(resized[1], self.size[1], down=down),
        )

    def _with_channels(self, image: Shaped[np.ndarray, "H W C"]) -> Shaped[np.ndarray, "H W c"]:
        """Reduce colour to grey where the model is grey; grey is widened after resizing."""
        have, want = image.shape[2], len(self.mean)
        if have == want or (have == 1 and self.channels in ("RGB", "BGR")):
            return image
        if have == 3 and self.channels == "L":
            return luma(image)[:, :, None]
        raise InputError(
            f"the model takes pictures with {want} channel{'s' * (want > 1)} ({self.channels}); "
            f"this one has {have}: pick the channels that the model was trained on."
        )


def load_preprocessing(path: str | Path) -> Preprocessing:
    """Read preprocessing from a JSON file, as ``--preprocess FILE.json`` does.

    Parameters
    ----------
    path : str or Path
        A file in the grammar of `Preprocessing.from_json`; an ONNX sidecar is one.

    Returns
    -------
    Preprocessing

    Raises
    ------
    InputError
        When the file is missing or is not such a document.
    """
    return Preprocessing.from_json(read_json_object(path, what="preprocessing"))


def _section(document: Mapping[str, Any], name: str, keys: set[str]) -> Mapping[str, Any]:
    section = document.get(name, {})
    if not isinstance(section, Mapping):
        raise InputError(f'"{name}" of the preprocessing must be a JSON object; got {section!r}.')
    for key in section:
        if key not in keys:
            raise InputError(
                f'"{name}" of the preprocessing knows {sorted(keys)}; got {key!r}'
                f"{did_you_mean(key, keys) or '.'}"
            )
    return section


def _check_resize(resize: Mapping[str, Any], size: tuple[int, int]) -> None:
    if "stretch" in resize and "shorter_side" in resize:
        raise InputError('"resize" takes either "shorter_side" or "stretch"; got both.')
    if "crop" not in resize and "stretch" in resize and _pair(resize["stretch"], "stretch") != size:
        raise InputError(
            f'"stretch" must equal the input size {list(size)}, unless "crop" says "centre"; got '
            f"{resize['stretch']!r}."
        )


def _known(value: object, choices: tuple[str, ...], name: str) -> None:
    if value not in choices:
        near = did_you_mean(str(value), choices)
        raise InputError(f"{name} must be one of {', '.join(choices)}; got {value!r}{near or '.'}")


def _positive(value: object, name: str) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise InputError(f"{name} must be a positive number of pixels; got {value!r}.")
    return int(value)


def _pair(value: object, name: str) -> tuple[int, int]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise InputError(f"{name} must be a height and a width; got {value!r}.")
    return _positive(value[0], name), _positive(value[1], name)


def _numbers(value: object, name: str) -> tuple[float, ...]:
    try:
        if isinstance(value, str):
            raise TypeError
        return tuple(float(number) for number in cast(tuple[float, ...], value))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a list of numbers; got {value!r}.") from error
