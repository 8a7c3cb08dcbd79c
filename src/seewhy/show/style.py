"""Matplotlib's settings while a figure is made or written: always the same, never the user's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

FONT = "DejaVu Sans"

_SETTINGS = {
    "font.family": FONT,
    "text.usetex": False,
    "text.parse_math": False,
    # What would otherwise be random in a file, or depend on fonts that a viewer has.
    "svg.hashsalt": "seewhy",
    "svg.fonttype": "path",
    "pdf.fonttype": 3,
}


@contextmanager
def own_style() -> Iterator[None]:
    """Set matplotlib's settings aside within a ``with`` block, and put them back after it."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield
