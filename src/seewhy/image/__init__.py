"""Pictures and their superpixels: reading, segmenting, filling, compositing.

Names are fetched on first use, so that importing this folder costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "BlackFill": "fill",
    "BlurFill": "fill",
    "Compositor": "compositing",
    "Felzenszwalb": "segmenters",
    "Fill": "fill",
    "GreyFill": "fill",
    "Grid": "segmenters",
    "Image": "read",
    "MeanColourFill": "fill",
    "MeanFill": "fill",
    "NoiseFill": "fill",
    "OUTSIDE": "segmentation",
    "Picture": "read",
    "PictureFill": "fill",
    "Quickshift": "segmenters",
    "Segmentation": "segmentation",
    "Segmenter": "segmenters",
    "Slic": "segmenters",
    "Watershed": "segmenters",
    "as_image": "read",
    "merge_slivers": "segmentation",
    "parse_fill": "fill",
    "parse_segmenter": "segmenters",
    "read_image": "read",
    "read_picture": "read",
    "resize": "resizing",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
