"""Write figures to files: the same figure gives the same bytes, and never half a file."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy.errors import InputError
from seewhy.show.style import own_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What matplotlib would write by itself: the time, and its own version.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": "Seewhy"},
    "svg": {"Creator": "Seewhy", "Date": None},
    "pdf": {"Creator": "Seewhy", "Producer": "Seewhy", "CreationDate": None},
}


def figure_bytes(figure: Figure, ending: str = "png") -> bytes:
    """Return a figure as the bytes of a PNG, SVG or PDF file; equal figures give equal bytes.

    Parameters
    ----------
    figure : matplotlib Figure
        Drawn at its own resolution.
    ending : str
        "png", "svg" or "pdf".

    Raises
    ------
    InputError
        If the ending is another one.
    """
    if ending not in _METADATA:
        raise InputError(f"ending must be png, svg or pdf; got {ending!r}")
    drawn = BytesIO()
    with own_style():
        figure.savefig(drawn, format=ending, dpi=figure.dpi, metadata=_METADATA[ending])
    return drawn.getvalue()


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG, SVG or PDF.

    Equal figures give equal bytes: no date is written, and identifiers in SVG are derived
    from the content. The file appears complete or not at all.

    Parameters
    ----------
    figure : matplotlib Figure
        Written at its own resolution.
    path : str or Path
        Ending in .png, .svg or .pdf; the folder must exist.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    InputError
        If the ending is another one.
    """
    target = Path(path)
    ending = target.suffix.lower().removeprefix(".")
    if ending not in _METADATA:
        raise InputError(f"path must end in .png, .svg or .pdf; got {target.name!r}")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(figure_bytes(figure, ending))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target
