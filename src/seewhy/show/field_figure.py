"""The figure of a field: what methods reached over many pictures, a panel per measure.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seewhy.errors import InputError
from seewhy.metrics.measures import Measure, Number
from seewhy.show import palette
from seewhy.show.bars import SMALL
from seewhy.show.comparison_words import MISSING, head, tick_words
from seewhy.show.headings import draw_header, header_height
from seewhy.show.layout import MARGIN
from seewhy.show.lettering import measured, plain, wrapped, write
from seewhy.show.series import REFERENCE, is_reference
from seewhy.show.sheet import LINE, ROOM, TEXT, Slot, axes_in, broken, new_sheet, put_paragraph
from seewhy.show.style import own_style

MOST_PANELS = 6
"""Beside each other; further ones stand below."""

_PITCH = 0.26
_HEAD_LINE = 0.155
_SCALE = 0.26
_BETWEEN = 0.24
_BETWEEN_TIERS = 0.34
_LONGEST_NAME = 2.0
_WIDEST = 4.0
_OVERHANG = 0.09
_ABOVE_NOTES = 0.2
_BOTTOM = 0.14
_LOWEST = -1.0
_NARROWEST = 0.05
_DOT = 5.2


@dataclass(frozen=True)
class _Scale:
    """The axis of a panel."""

    low: float
    high: float


def field_figure(
    means: Mapping[str, Mapping[str, Number]],
    *,
    columns: Sequence[Measure],
    best: Mapping[str, frozenset[str]],
    n: int,
    title: str,
    subtitle: str,
    notes: Sequence[str],
) -> Figure:
    """Show what methods reached on average over many pictures, and how sure that is.

    A row per method, a panel per measure: a dot for the mean, a line for its 95 %
    interval. Dots are filled where nothing is better for certain.

    Parameters
    ----------
    means : mapping of str to mapping of str to Number
        Method to measure's key to mean. Names that begin with "reference: " are grey.
    columns : sequence of Measure
        One or more; six panels stand beside each other.
    best : mapping of str to frozenset of str
        Measure's key to the methods that are best, or not separable from the best.
    n : int
        How many pictures the means are over.
    title, subtitle : str
        On the left and, in grey, on the right of the header.
    notes : sequence of str
        Sentences at the end.

    Returns
    -------
    matplotlib Figure
        9.6 inches wide at 200 dots per inch.

    Raises
    ------
    InputError
        If there are no methods or no measures.
    """
    if not means or not columns:
        raise InputError(
            "means and columns must hold at least one method and one measure; "
            f"got {len(means)} and {len(columns)}"
        )
    with own_style():
        top = header_height(title, subtitle)
        tiers = _tiers(columns)
        tier = 2 * _HEAD_LINE + len(means) * _PITCH + _SCALE
        words = broken(" ".join([_legend(n), *notes]), ROOM, size=TEXT)
        below = top + len(tiers) * tier + (len(tiers) - 1) * _BETWEEN_TIERS
        figure = new_sheet(below + _ABOVE_NOTES + len(words) * LINE + _BOTTOM)
        draw_header(figure, title, subtitle)
        for place, measures in enumerate(tiers):
            _draw_tier(figure, means, measures, best, top + place * (tier + _BETWEEN_TIERS), tiers)
        put_paragraph(figure, words, MARGIN, below + _ABOVE_NOTES + 0.1)
    return figure


def _legend(n: int) -> str:
    pictures = "1 picture" if n == 1 else f"{n:,} pictures".replace(",", " ")
    return (
        f"Means over {pictures} with 95 % intervals; filled: the best, and what cannot be told "
        "from it."
    )


def _tiers(columns: Sequence[Measure]) -> list[Sequence[Measure]]:
    """Panels on as many lines as they need, evenly."""
    lines = -(-len(columns) // MOST_PANELS)
    each = -(-len(columns) // lines)
    return [columns[start : start + each] for start in range(0, len(columns), each)]


def _draw_tier(
    figure: Figure,
    means: Mapping[str, Mapping[str, Number]],
    measures: Sequence[Measure],
    best: Mapping[str, frozenset[str]],
    y: float,
    tiers: Sequence[Sequence[Measure]],
) -> None:
    """One line of panels; ``y`` is the baseline of the first line of their heads."""
    names = max(measured(plain(_called(name)), size=TEXT) for name in means)
    names = min(names, _LONGEST_NAME)
    rows = y + _HEAD_LINE + 0.1
    for place, name in enumerate(means):
        colour = palette.SECONDARY if is_reference(name) else palette.INK
        base = rows + (place + 0.5) * _PITCH + 0.045
        write(figure, MARGIN, base, _called(name), size=TEXT, colour=colour, width=names + 0.01)
    most = max(map(len, tiers))
    pitch = min((ROOM - names - _BETWEEN) / most, _WIDEST)
    for place, measure in enumerate(measures):
        x = MARGIN + names + _BETWEEN + place * pitch
        slot = Slot(x, rows, pitch - _BETWEEN, len(means) * _PITCH)
        lines = wrapped(head(measure), slot.width + 0.1, size=SMALL, lines=2)
        for up, line in enumerate(reversed(lines)):
            base = y + _HEAD_LINE - up * _HEAD_LINE
            write(figure, x, base, line, size=SMALL, colour=palette.INK)
        _draw_panel(figure, means, measure, best.get(measure.key, frozenset()), slot)


def _draw_panel(
    figure: Figure,
    means: Mapping[str, Mapping[str, Number]],
    measure: Measure,
    best: frozenset[str],
    slot: Slot,
) -> None:
    axes = axes_in(figure, slot)
    axes.set_ylim(slot.height, 0)
    scale = _scale([each.get(measure.key) for each in means.values()])
    if scale is not None:
        axes.set_xlim(scale.low, scale.high)
        _draw_ticks(figure, axes, measure, scale, slot)
    axes.axvspan(*axes.get_xlim(), color=palette.OUTSIDE_VIEW, alpha=0.6, lw=0, zorder=0)
    for place, (name, numbers) in enumerate(means.items()):
        y = (place + 0.5) * _PITCH
        axes.axhline(y, color="white", lw=1.0, zorder=0.5)
        number = numbers.get(measure.key)
        if number is None or not isfinite(number.value) or scale is None:
            at = (figure, slot.x + slot.width / 2, slot.y + y + 0.045)
            write(*at, MISSING, size=TEXT, align="center")
            continue
        _draw_dot(axes, number, scale, y, best=name in best, quiet=is_reference(name))


def _draw_dot(
    axes: Axes, number: Number, scale: _Scale, y: float, *, best: bool, quiet: bool
) -> None:
    colour = palette.FOR if best else palette.UNSURE if quiet else palette.INK
    if number.low is not None and number.high is not None:
        low, high = max(number.low, scale.low), min(number.high, scale.high)
        axes.plot([low, high], [y, y], color=colour, lw=1.5, zorder=3, solid_capstyle="butt")
    at = min(max(number.value, scale.low), scale.high)
    shape = "o" if at == number.value else "<" if number.value < at else ">"
    inner = colour if best or quiet else "white"
    axes.plot([at], [y], shape, ms=_DOT, mfc=inner, mec=colour, mew=1.2, clip_on=False, zorder=4)


def _draw_ticks(figure: Figure, axes: Axes, measure: Measure, scale: _Scale, slot: Slot) -> None:
    ticks = MaxNLocator(nbins=max(2, int(slot.width / 0.5)), steps=[1, 2, 5, 10])
    end = -1.0
    for tick in map(float, ticks.tick_values(scale.low, scale.high)):
        if not scale.low <= tick <= scale.high:
            continue
        colour = palette.SECONDARY if abs(tick) < 1e-9 else palette.HAIRLINE
        axes.plot([tick, tick], [0, slot.height], color=colour, lw=0.7, zorder=1)
        text = tick_words(tick, measure)
        x = slot.width * (tick - scale.low) / (scale.high - scale.low)
        half = measured(text, size=SMALL) / 2
        # not so far out that it meets the next panel's
        x = min(max(x, half - _OVERHANG), slot.width - half + _OVERHANG)
        if x - half > end + 0.08:
            at = (figure, slot.x + x, slot.bottom + 0.16)
            write(*at, text, size=SMALL, align="center")
            end = x + half


def _scale(numbers: Sequence[Number | None]) -> _Scale | None:
    """An axis that holds every mean and interval, not what is far below zero."""
    ends = [
        end
        for number in numbers
        if number is not None and isfinite(number.value)
        for end in (number.low, number.value, number.high)
        if end is not None and isfinite(end)
    ]
    if not ends:
        return None
    high = max(ends)
    low = max(min(ends), _LOWEST) if high > _LOWEST else min(ends)
    # differences that are written as none look like none
    around = max(0.06 * (high - low), _NARROWEST * max(abs(high), abs(low), 0.1))
    return _Scale(low - around, high + around)


def _called(name: str) -> str:
    return name.removeprefix(REFERENCE)
