"""Showing: pictures, figures and sentences that say what spoke for a class, and how surely.

Names are fetched on first use, so that importing this folder costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Row": "row",
    "attribution_figure": "figures",
    "image_and_mask": "lime_access",
    "number_regions": "badges",
    "save_figure": "saving",
    "summary": "words",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
