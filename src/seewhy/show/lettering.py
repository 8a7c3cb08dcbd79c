"""Text in figures: any string is safe to draw, measured before it is placed, and fits.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from seewhy.show import palette
from seewhy.show.style import FONT

_REPLACEMENT = "□"
_WEIGHTS = (False, True)


def plain(text: str) -> str:
    r"""Make any text safe to draw on one line.

    White space of any kind becomes a space, invisible and direction-changing characters go,
    and what the font has no picture of becomes □ (matplotlib would warn).

    Examples
    --------
    >>> plain("a\nb \u202e\u732b")
    'a b □'
    """
    drawable = _drawable()
    kept = []
    for character in " ".join(str(text).split()):
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            continue
        kept.append(character if ord(character) in drawable else _REPLACEMENT)
    return "".join(kept)


def write(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    *,
    size: float = 9.5,
    colour: str = palette.SECONDARY,
    bold: bool = False,
    align: str = "left",
    width: float | None = None,
) -> float:
    """Write one line at a place in inches from the figure's upper left corner.

    Parameters
    ----------
    figure : Figure
        Where.
    x, y : float
        Place of the baseline's left, centre or right end, as ``align`` says.
    text : str
        Anything.
    width : float, optional
        Inches available: what does not fit is cut with an ellipsis.

    Returns
    -------
    float
        The width of what was written, in inches.
    """
    safe = plain(text)
    if width is not None:
        safe = fitted(safe, width, size=size, bold=bold)
    wide, high = figure.get_size_inches()
    figure.text(
        x / wide,
        1 - y / high,
        safe,
        fontsize=size,
        fontweight="bold" if bold else "normal",
        color=colour,
        ha=align,
        va="baseline",
    )
    return measured(safe, size=size, bold=bold)


def measured(text: str, *, size: float, bold: bool = False) -> float:
    """Return the width of a line in inches."""
    points = text_to_path.get_text_width_height_descent(text, _properties(bold, size), False)[0]
    return float(points) / 72


def fitted(text: str, width: float, *, size: float, bold: bool = False) -> str:
    """Cut a line to a width in inches, an ellipsis in place of the rest."""
    if measured(text, size=size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measured(text[:middle].rstrip() + "…", size=size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def wrapped(text: str, width: float, *, size: float, lines: int) -> list[str]:
    """Break a text between words into lines of a width in inches, the last one cut."""
    done: list[str] = []
    rest = plain(text)
    while rest and len(done) < lines - 1 and measured(rest, size=size) > width:
        words = rest.split(" ")
        count = len(words) - 1
        while count > 1 and measured(" ".join(words[:count]), size=size) > width:
            count -= 1
        done.append(fitted(" ".join(words[:count]), width, size=size))
        rest = " ".join(words[count:])
    return [*done, fitted(rest, width, size=size)]


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    regular, bold = (get_font(findfont(_properties(is_bold))).get_charmap() for is_bold in _WEIGHTS)
    return frozenset(regular) & frozenset(bold)


def _properties(bold: bool, size: float = 10) -> FontProperties:
    return FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")
