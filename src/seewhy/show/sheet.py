"""An empty figure and what is put on it: pictures, badges, heads, paragraphs, in inches.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Shaped
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show import palette
from seewhy.show.badges import place_badges
from seewhy.show.bars import BADGE_POINTS, SMALL, draw_badge
from seewhy.show.layout import GUTTER, MARGIN, WIDTH
from seewhy.show.lettering import fitted, measured, plain, write
from seewhy.show.render import RGB
from seewhy.show.scene import show_pixels
from seewhy.show.sizing import for_display, view_of
from seewhy.show.stage import Stage

ROOM = WIDTH - 2 * MARGIN
"""Between the margins."""

TEXT = 9.5
LINE = 0.185
"""From one baseline of a paragraph to the next."""

THIRD = (ROOM - 2 * GUTTER) / 3
"""Width of a picture, three of which stand beside each other."""

TALLEST = 3.4
BELOW_HEADS = 0.12
"""From the baseline of a head to the picture below it."""

BELOW_PICTURE = 0.17
"""From a picture's lower edge to the baseline of its caption."""

MOST_BADGES = 12

Pieces = list[tuple[str, str, bool]]
"""Text, colour and whether it is bold: a name."""

_DPI = 200
# Line breaks are found by adding up words, which leaves out what kerning does across spaces.
_TOLERANCE = 0.99
# Between a name written by itself and the comma after it.
_HAIR = 0.005
# A space at which no line is broken.
_GLUE = "\N{NO-BREAK SPACE}"
_ISOLATES = ("\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}")


@dataclass(frozen=True)
class Slot:
    """A place for a picture.

    Attributes
    ----------
    x, y, width, height : float
        In inches from the figure's upper left corner.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.y + self.height

    def fitting(self, shape: tuple[int, ...]) -> Slot:
        """Return the largest part, from the upper left on, in which a picture keeps its shape."""
        width, height = fit(shape, self.width, self.height)
        return Slot(self.x, self.y, width, height)


def fit(shape: tuple[int, ...], width: float, height: float) -> tuple[float, float]:
    """Return the largest width and height within some, for a picture of this (height, width)."""
    scale = min(width / shape[1], height / shape[0])
    return shape[1] * scale, shape[0] * scale


def new_sheet(height: float) -> Figure:
    """Return an empty figure of the usual width and resolution; ``height`` in inches."""
    figure = Figure(figsize=(WIDTH, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def axes_in(figure: Figure, slot: Slot) -> Axes:
    """Return bare axes in a slot."""
    wide, high = figure.get_size_inches()
    left, bottom = slot.x / wide, 1 - slot.bottom / high
    axes = figure.add_axes((left, bottom, slot.width / wide, slot.height / high))
    axes.set_axis_off()
    return axes


def put_picture(figure: Figure, pixels: RGB, slot: Slot) -> Axes:
    """Show a picture, as large as fits into a slot."""
    axes = axes_in(figure, slot.fitting(pixels.shape))
    show_pixels(axes, pixels)
    return axes


def put_original(
    figure: Figure, image: Shaped[np.ndarray, "h w c"], segmentation: Segmentation, slot: Slot
) -> None:
    """Show a whole picture, with a frame around what the model saw of it, and a word on that."""
    pixels, _ = for_display(image, segmentation)
    axes = put_picture(figure, pixels, slot)
    if not (segmentation.labels == OUTSIDE).any():
        return
    (rows, columns), _ = view_of(segmentation)
    height, width = segmentation.shape
    x = np.array([columns.start, columns.stop, columns.stop, columns.start, columns.start]) / width
    y = 1 - np.array([rows.start, rows.start, rows.stop, rows.stop, rows.start]) / height
    for colour, line in (("white", 2.4), (palette.INK, 0.9)):
        axes.plot(x, y, color=colour, lw=line, transform=axes.transAxes, clip_on=False, zorder=3)
    below = slot.fitting(pixels.shape).bottom + BELOW_PICTURE
    said = "in the frame: what the model saw"
    write(figure, slot.x, below, said, size=SMALL, width=slot.width)


def put_badges(
    axes: Axes,
    stage: Stage,
    marks: Mapping[int, int | str],
    colours: Mapping[int, str],
    *,
    width: float,
    points: float = BADGE_POINTS,
) -> None:
    """Put a number or another short mark on superpixels of a picture.

    Parameters
    ----------
    axes : Axes
        Where the picture is shown, ``width`` inches wide.
    stage : Stage
        The picture's superpixels.
    marks, colours : mapping of int to int or str, and to str
        Superpixel to what stands on its badge, most important first, and to its colour.
        Beyond twelve there are no badges: they would hide the picture.
    points : float
        Diameter of a badge.
    """
    radius = points / 2 / 72 * stage.pixels.shape[1] / width
    for badge in place_badges(stage.segmentation, list(marks)[:MOST_BADGES], radius=radius):
        colour = colours[badge.player]
        if badge.has_leader:
            ends = [badge.anchor_column, badge.column], [badge.anchor_row, badge.row]
            axes.plot(*ends, color="white", lw=2.6, zorder=4)
            axes.plot(*ends, "o-", color=colour, lw=1.2, ms=2.5, zorder=5)
        draw_badge(axes, badge.column, badge.row, colour, marks[badge.player], points=points)


def put_note(axes: Axes, text: str, width: float) -> None:
    """Write a few words across the middle of a picture, on a light ground."""
    lines = broken(text, width, size=TEXT)
    axes.text(
        0.5,
        0.5,
        "\n".join(lines),
        transform=axes.transAxes,
        color=palette.INK,
        fontsize=TEXT,
        ha="center",
        va="center",
        zorder=8,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.88, "pad": 5},
    )


def put_paragraph(figure: Figure, lines: Sequence[str], x: float, y: float) -> None:
    """Write lines below each other; ``y`` is the baseline of the first.

    What is isolated, as names written from right to left are, is written by itself, so
    that it does not reorder what stands beside it.
    """
    for index, line in enumerate(lines):
        at = x
        for part in re.split(f"[{''.join(_ISOLATES)}]", line):
            at += _wide(" ", TEXT) * part.startswith(" ")
            if part.strip():
                write(figure, at, y + index * LINE, part, size=TEXT, colour=palette.INK)
                at += figure.texts[-1].get_window_extent().width / figure.dpi + _HAIR
                at += _wide(" ", TEXT) * part.endswith(" ")


def third_left(column: int) -> float:
    """Return where the first, second or third of three pictures begins."""
    return MARGIN + column * (THIRD + GUTTER)


def put_words(
    figure: Figure,
    x: float,
    y: float,
    pieces: Sequence[tuple[str, str, bool]],
    *,
    width: float,
    size: float = TEXT,
) -> None:
    """Write pieces of text in their colours beside each other.

    Parameters
    ----------
    figure : Figure
        Where.
    x, y : float
        The baseline's left end, in inches.
    pieces : sequence of (text, colour, bold)
        Bold ones, which are names, are cut with an ellipsis where room is short.
    width : float
        Inches available.
    """
    gap = 0.07 * size / TEXT
    safe = [(plain(text), colour, bold) for text, colour, bold in pieces if plain(text)]
    wide = [measured(text, size=size, bold=bold) for text, _, bold in safe]
    spare = width - gap * (len(safe) - 1) - sum(wide)
    names = [index for index, (_, _, bold) in enumerate(safe) if bold]
    if spare < 0 and names:
        left = width - gap * (len(safe) - 1)
        left -= sum(wide[index] for index in range(len(safe)) if index not in names)
        for index, share in zip(names, shared([wide[i] for i in names], left), strict=True):
            wide[index] = share
    for (text, colour, bold), each in zip(safe, wide, strict=True):
        room = max(0.2, min(each + 0.01, width))
        x += gap + write(figure, x, y, text, size=size, colour=colour, bold=bold, width=room)


def shared(wanted: Sequence[float], total: float) -> list[float]:
    """Share out room: nobody gets more than is wanted, and the rest goes to those who want more.

    Examples
    --------
    >>> shared([1.0, 5.0, 9.0], 9.0)
    [1.0, 4.0, 4.0]
    """
    left, given = total, [0.0] * len(wanted)
    for place, index in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        given[index] = min(wanted[index], left / (len(wanted) - place))
        left -= given[index]
    return given


def broken(text: str, width: float, *, size: float) -> list[str]:
    """Break a text between words into lines of a width in inches; a longer word is cut.

    Unlike :func:`~seewhy.show.lettering.wrapped` it takes as many lines as there are,
    measures every word once, and leaves the marks around isolated names in place.
    """
    lines: list[str] = []
    end = 0.0
    space = _wide(" ", size)
    glued = " ".join(text.split()).replace(" %", _GLUE + "%")
    for word in filter(None, glued.split(" ")):
        wide = _wide(plain(word), size)
        if lines and end + space + wide <= _TOLERANCE * width:
            lines[-1] += f" {word}"
            end += space + wide
        else:
            lines.append(word if wide <= width else fitted(plain(word), width, size=size))
            end = wide
    return [line.replace(_GLUE, " ") for line in lines]


@lru_cache(maxsize=4096)
def _wide(word: str, size: float) -> float:
    # Alone, a space has no width in some versions of matplotlib.
    if word == " ":
        return measured("a a", size=size) - measured("aa", size=size)
    return measured(word, size=size)
