"""What an image processor of Transformers does, as a `Preprocessing`: derived, then tried out.

There are dozens of classes of processors with a shared vocabulary of settings.
The few ways in which they resize and crop are tried one after the other, and
the processor itself decides: on noise, ours must make what it makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, Float64
from PIL import Image as PILImage

from seewhy.errors import InputError, ModelError
from seewhy.models.preprocessing import Channels, Preprocessing
from seewhy.models.reproduction import reproduces
from seewhy.models.resizing import Interpolation

_FILTERS: Mapping[int, Interpolation] = {
    0: "nearest",
    1: "lanczos",
    2: "bilinear",
    3: "bicubic",
    4: "box",
}
_LEVIT = 256 / 224  # LeViT's own enlargement, written in its code and not in its settings
_DIGITS = 9  # what is left of numbers such as 255 · 0.00392156862745098


def processor_preprocessing(processor: Any, *, channels: int, name: str) -> Preprocessing:
    """Translate an image processor, and try the translation against it.

    Parameters
    ----------
    processor : transformers.BaseImageProcessor
        Any, also timm's behind Transformers.
    channels : int
        What the network takes: 3 or 1.
    name : str
        How the network is called in messages.

    Returns
    -------
    Preprocessing

    Raises
    ------
    ModelError
        When `Preprocessing` cannot do what the processor does.
    """
    if hasattr(processor, "data_config"):
        from seewhy.models.timm_models import data_config_preprocessing  # it needs timm

        return data_config_preprocessing(processor.data_config, name=name)

    def pipeline(picture: PILImage.Image) -> Float32[np.ndarray, "h w c"]:
        pixels = processor(picture, return_tensors="pt")["pixel_values"][0]
        return np.asarray(pixels, np.float32).transpose(1, 2, 0)

    if channels in (1, 3):
        for candidate in _candidates(processor.to_dict(), channels):
            if reproduces(candidate, pipeline, exactly=_uses_pillow(processor)):
                return candidate
    pictures = {3: "pictures", 1: "grey pictures"}.get(channels, f"{channels}-channel pictures")
    raise ModelError(
        f"Seewhy cannot prepare {pictures} for {name} as its {type(processor).__name__} does; give "
        "the preprocessing yourself: --preprocess FILE.json (in Python preprocess=, or a "
        "Preprocessing in place of the processor)."
    )


def _uses_pillow(processor: Any) -> bool:
    """Not with torchvision for a back end, of which Transformers 4 speaks as fast."""
    fast = type(processor).__name__.endswith("Fast")
    return not fast and getattr(processor, "backend", "pil") == "pil"


def _candidates(settings: Mapping[str, Any], channels: int) -> Iterator[Preprocessing]:
    if not settings.get("do_resize") or settings.get("resample") not in _FILTERS:
        return
    try:
        mean, std = _normalisation(settings, channels)
    except (TypeError, ValueError):  # no numbers, or not one per channel
        return
    flipped = settings.get("do_flip_channel_order")
    kind: Channels = "L" if channels == 1 else "BGR" if flipped else "RGB"
    for size, shorter_side, stretch in _geometries(settings):
        try:
            yield Preprocessing(
                size,
                shorter_side=shorter_side,
                stretch=stretch,
                crop="centre" if shorter_side is None and stretch is None else "centre-low",
                interpolation=_FILTERS[settings["resample"]],
                mean=mean,
                std=std,
                channels=kind,
            )
        except InputError:  # numbers that make no sense
            return


_Size: TypeAlias = tuple[int, int]


def _geometries(
    settings: Mapping[str, Any],
) -> Iterator[tuple[_Size, int | None, _Size | None]]:
    """Size, shorter side and stretch of each way to prepare that these settings may mean."""
    size = _pixels(settings.get("size"))
    crop = _pixels(settings.get("crop_size")) if settings.get("do_center_crop") else None
    edge = (settings.get("size") or {}).get("shortest_edge")
    if edge is None:
        if size is not None:
            yield crop or size, None, None if crop in (None, size) else size
        return
    window = (edge, edge) if crop is None else crop
    percent = settings.get("crop_pct")
    if percent:
        yield window, int(edge / percent), None
    yield window, edge, None
    yield window, int(edge * _LEVIT), None
    yield (edge, edge), None, None


def _pixels(size: Mapping[str, int] | None) -> tuple[int, int] | None:
    if size is None or not (size.get("height") and size.get("width")):
        return None
    return int(size["height"]), int(size["width"])


def _normalisation(
    settings: Mapping[str, Any], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Put rescaling and normalisation into one mean and deviation of pixels in [0, 1]."""
    factor = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale") else 1.0
    scale = 255 * factor  # of a pixel before it is normalised
    if not scale:
        raise ValueError("every picture becomes black")
    shift = 1.0 if settings.get("do_rescale") and settings.get("rescale_offset") else 0.0
    mean, std = np.zeros(channels), np.ones(channels)
    if settings.get("do_normalize"):
        mean = np.broadcast_to(np.float64(settings.get("image_mean")), channels)
        std = np.broadcast_to(np.float64(settings.get("image_std")), channels)
    again = std if settings.get("include_top") else 1.0  # EfficientNet: twice
    return _rounded((mean + shift) / scale), _rounded(std * again / scale)


def _rounded(values: Float64[np.ndarray, " c"]) -> tuple[float, ...]:
    return tuple(round(float(value), _DIGITS) for value in values)
