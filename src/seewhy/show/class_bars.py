"""Probabilities of classes as bars on one scale.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from seewhy.show import palette
from seewhy.show.bars import SMALL
from seewhy.show.lettering import measured, plain, write
from seewhy.show.sheet import TEXT, Slot, axes_in
from seewhy.show.words import percent

PITCH = 0.25
"""From one bar to the next, in inches."""

_THICK = 0.13
_PERCENT = 0.62
_NAME_SHARE = 0.5
_GAP = 0.1


@dataclass(frozen=True)
class ClassBar:
    """A class and what the model gives it.

    Attributes
    ----------
    label : str
        Any text is safe.
    probability : float or None
        None where the model has none: then there is no bar.
    colour : str
        Of the bar, and of a bold name.
    bold : bool
        Whether the name stands out.
    note : str
        A word after the probability.
    """

    label: str
    probability: float | None
    colour: str
    bold: bool = False
    note: str = ""


def name_room(labels: Sequence[str], width: float) -> float:
    """Return the room for names beside bars, in inches: up to half of what there is."""
    widest = max((measured(plain(label), size=TEXT, bold=True) for label in labels), default=0.0)
    return min(widest + 0.02, _NAME_SHARE * width)


def name_colour(bar: ClassBar) -> str:
    """Return the colour of a name: its bar's where it stands out, unless that is grey."""
    return bar.colour if bar.bold and bar.colour != palette.UNSURE else palette.INK


def draw_class_bars(
    figure: Figure,
    bars: Sequence[ClassBar],
    x: float,
    y: float,
    *,
    width: float,
    names: float,
    largest: float,
) -> None:
    """Draw a line per class: its name, a bar, the probability.

    Parameters
    ----------
    figure : Figure
        Where.
    bars : sequence of ClassBar
        From top to bottom.
    x, y, width : float
        Upper left corner and width, in inches.
    names : float
        Room for the names, see :func:`name_room`; 0 leaves them out.
    largest : float
        The probability whose bar is as long as there is room for.
    """
    start = names + _GAP if names else 0.0
    slot = Slot(x, y, width, max(1, len(bars)) * PITCH)
    axes = axes_in(figure, slot)
    axes.set_xlim(0, width)
    axes.set_ylim(slot.height, 0)
    if any(bar.probability is not None for bar in bars):
        axes.plot([start, start], [0, slot.height], color=palette.SECONDARY, lw=0.8, zorder=4)
    notes = max((measured(plain(bar.note), size=SMALL) for bar in bars if bar.note), default=-_GAP)
    room = width - start - _PERCENT - notes - _GAP
    for place, bar in enumerate(bars):
        middle = (place + 0.5) * PITCH
        base = y + middle + 0.045
        if names:
            at = (figure, x, base, bar.label)
            write(*at, size=TEXT, colour=name_colour(bar), bold=bar.bold, width=names)
        end = start
        if bar.probability is not None:
            long = room * bar.probability / (largest or 1.0)
            axes.barh(middle, long, left=start, height=_THICK, color=bar.colour, zorder=2)
            at = (figure, x + start + long + 0.07, base, percent(bar.probability))
            colour = palette.INK if bar.bold else palette.SECONDARY
            end = start + long + 0.07 + write(*at, size=TEXT, colour=colour, bold=bar.bold)
        if bar.note:
            write(figure, x + end + _GAP, base, bar.note, size=SMALL)
