"""How a picture becomes a model's input: resize, crop, channels, normalise.

The geometry follows torchvision's ``Resize`` and ``CenterCrop`` on PIL images
to the pixel, but works on float32 channels, so nothing is rounded to 8 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np
from jaxtyping import Float, Float32, Int, Int32
from PIL import Image as PILImage

from seewhy.errors import InputError, did_you_mean
from seewhy.models.json_file import read_json_object

Interpolation: TypeAlias = Literal["nearest", "bilinear", "bicubic", "lanczos", "box"]
Channels: TypeAlias = Literal["RGB", "BGR", "L", "bands"]

_RESAMPLING = {
    "nearest": PILImage.Resampling.NEAREST,
    "bilinear": PILImage.Resampling.BILINEAR,
    "bicubic": PILImage.Resampling.BICUBIC,
    "lanczos": PILImage.Resampling.LANCZOS,
    "box": PILImage.Resampling.BOX,
}
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601-2, as PIL's convert("L")


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes what the model sees.

    Parameters
    ----------
    size : tuple of int
        Height and width of the model's input, in pixels.
    shorter_side : int, optional
        Resize so that the shorter side has this length, then crop the centre to `size`
        (padding with black where the picture is smaller). None stretches to `size`.
    interpolation : {"bilinear", "bicubic", "nearest", "lanczos", "box"}
        Resampling filter, antialiased when shrinking.
    mean, std : tuple of float
        Subtracted from and divided out of pixels in [0, 1], one per channel, in the order in
        which the model takes its channels (so blue first for ``"BGR"``).
    channels : {"RGB", "BGR", "L", "bands"}
        What the model takes. ``"L"`` is grey; ``"bands"`` takes as many channels as `mean` has
        entries, as they come (satellite or microscope pictures).

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

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _pair(self.size, "size"))
        object.__setattr__(self, "mean", _numbers(self.mean, "mean"))
        object.__setattr__(self, "std", _numbers(self.std, "std"))
        if self.shorter_side is not None:
            _positive(self.shorter_side, "shorter_side")
        _known(self.interpolation, get_args(Interpolation), "interpolation")
        _known(self.channels, get_args(Channels), "channels")
        count = {"RGB": 3, "BGR": 3, "L": 1}.get(self.channels, len(self.mean))
        if not len(self.mean) == len(self.std) == count > 0:
            raise InputError(
                f"mean and std must have one entry per channel, {count} for {self.channels}; "
                f"got {len(self.mean)} and {len(self.std)}."
            )
        if min(self.std) <= 0:
            raise InputError(f"std must be positive in every channel; got {self.std}.")

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
        image = self._with_channels(image)
        resized, (top, left) = self._geometry(*image.shape[:2])
        planes = [
            _resize(image[:, :, c], resized, self.interpolation) for c in range(image.shape[2])
        ]
        cropped = _crop(np.stack(planes, axis=2), (top, left), self.size, outside=0.0)
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
        nearest = np.ix_(_nearest(tall, height), _nearest(wide, width))
        return _crop(labels[nearest], offset, self.size, outside=-1.0).astype(np.int32)

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
        resize: dict[str, Any] = {"stretch": list(self.size), "interpolation": self.interpolation}
        if self.shorter_side is not None:
            resize = {
                "shorter_side": self.shorter_side,
                "interpolation": self.interpolation,
                "crop": "centre",
            }
        return {
            "input": {"channels": self.channels, "size": list(self.size)},
            "resize": resize,
            "normalise": {"mean": list(self.mean), "std": list(self.std)},
        }

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
        known = {"input", "resize", "normalise", "output", "labels"}
        for key in document:
            if key not in known:
                raise InputError(
                    f"the preprocessing knows the keys {sorted(known)}; got {key!r}"
                    f"{did_you_mean(key, known) or '.'}"
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
        channels = entry.get("channels", "RGB")
        count = len(given.get("mean", ())) or (1 if channels == "L" else 3)
        return cls(
            size=size,
            shorter_side=resize.get("shorter_side"),
            interpolation=resize.get("interpolation", "bilinear"),
            mean=given.get("mean", (0.0,) * count),
            std=given.get("std", (1.0,) * count),
            channels=channels,
        )

    def _geometry(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Size after resizing, and where the crop begins in it (negative: padding)."""
        if self.shorter_side is None:
            return self.size, (0, 0)
        short, long = sorted((height, width))
        longer = int(self.shorter_side * long / short)
        resized = (self.shorter_side, longer) if height <= width else (longer, self.shorter_side)
        return resized, (
            _crop_offset(resized[0], self.size[0]),
            _crop_offset(resized[1], self.size[1]),
        )

    def _with_channels(self, image: Float32[np.ndarray, "H W C"]) -> Float32[np.ndarray, "H W c"]:
        """Reduce colour to grey where the model is grey; grey is widened after resizing."""
        have, want = image.shape[2], len(self.mean)
        if have == want or (have == 1 and self.channels in ("RGB", "BGR")):
            return image
        if have == 3 and self.channels == "L":
            return (image @ _LUMA)[:, :, None]
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


def _resize(
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


def _nearest(count: int, among: int) -> Int[np.ndarray, " count"]:
    """Pixel under the centre of each of `count` resized ones, in whole numbers and so exact."""
    return (2 * np.arange(count) + 1) * among // (2 * count)


def _crop_offset(have: int, want: int) -> int:
    if have < want:  # torchvision pads, the odd pixel at the end
        return -((want - have) // 2)
    return round((have - want) / 2.0)


def _crop(
    array: np.ndarray, offset: tuple[int, int], size: tuple[int, int], *, outside: float
) -> np.ndarray:
    """Cut a window that may stick out over the array's border."""
    window = np.full((*size, *array.shape[2:]), outside, array.dtype)
    source, target = [], []
    for start, length, have in zip(offset, size, array.shape[:2], strict=True):
        first, last = max(start, 0), min(start + length, have)
        source.append(slice(first, last))
        target.append(slice(first - start, last - start))
    window[tuple(target)] = array[tuple(source)]
    return window


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
    if resize.get("crop", "centre") != "centre":
        raise InputError(f'the only "crop" known is "centre"; got {resize["crop"]!r}.')
    if "stretch" in resize and _pair(resize["stretch"], "stretch") != size:
        raise InputError(
            f'"stretch" must equal the input size {list(size)}; got {resize["stretch"]!r}.'
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
        return tuple(float(number) for number in cast(tuple[float, ...], value))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a list of numbers; got {value!r}.") from error
