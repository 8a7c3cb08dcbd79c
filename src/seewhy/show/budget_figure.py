"""The figure of a budget: how good explanations are after so many pictures asked.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log10

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from seewhy.errors import InputError
from seewhy.metrics.measures import Measure, Number
from seewhy.show import palette
from seewhy.show.bars import SMALL
from seewhy.show.comparison_words import head, tick_words, written
from seewhy.show.headings import draw_header, header_height
from seewhy.show.layout import MARGIN, WIDTH
from seewhy.show.lettering import measured, plain, wrapped, write
from seewhy.show.series import REFERENCE, Look, is_reference, looks_of, spread_apart
from seewhy.show.sheet import ROOM, TEXT, Slot, axes_in, new_sheet
from seewhy.show.style import own_style

_LEFT = 0.52
_HEIGHT = 3.3
_ROOM_EACH = 0.28
_LABEL = 0.18
_LEADER = 0.5
_LONGEST_NAME = 2.2
_BELOW = 0.56
_MEANING = 0.19
_BETWEEN_TICKS = 0.22
# Points of one budget stand beside each other, so that their intervals can be seen.
_DODGE = 0.05
_WIDEST_DODGE = 0.34
# What lies below is not drawn: an R² of −30 must not squeeze the others.
_LOWEST = -1.0
_FAR = 0.85

Points = Sequence[tuple[int, Number]]


@dataclass(frozen=True)
class _Frame:
    """Places in inches of budgets and values, from the plot's lower left corner."""

    slot: Slot
    x_ends: tuple[float, float]
    y_ends: tuple[float, float]

    def x(self, budget: int) -> float:
        low, high = self.x_ends
        return self.slot.width * (log10(budget) - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.y_ends
        return self.slot.height * (value - low) / (high - low)


def budget_figure(
    curves: Mapping[str, Sequence[tuple[int, Number]]],
    *,
    measure: Measure,
    title: str,
    subtitle: str,
) -> Figure:
    """Show how good each method's explanations are after so many pictures asked.

    A line per method over the number of pictures the model classified, on a logarithmic
    axis, with a bar for every 95 % interval. Names stand where lines end; colour, marker
    and dashes tell them apart in print, too.

    Parameters
    ----------
    curves : mapping of str to sequence of (int, Number)
        Method to its budgets, 1 or more each, and what they gave; not finite is not drawn.
        Names that begin with "reference: " are grey.
    measure : Measure
        What the numbers are.
    title, subtitle : str
        On the left and, in grey, on the right of the header.

    Returns
    -------
    matplotlib Figure
        9.6 inches wide at 200 dots per inch.

    Raises
    ------
    InputError
        If a budget is less than 1, or there is no number at all.
    """
    shown = _checked(curves)
    with own_style():
        top = header_height(title, subtitle)
        meaning = wrapped(measure.meaning, ROOM, size=SMALL, lines=2)
        plot = top + len(meaning) * _MEANING + 0.12
        height = max(_HEIGHT, len(shown) * _ROOM_EACH)
        names = max(measured(plain(_called(name)), size=TEXT) for name in shown)
        right = _LEADER + min(names, _LONGEST_NAME) + 0.05
        slot = Slot(MARGIN + _LEFT, plot, ROOM - _LEFT - right, height)
        figure = new_sheet(plot + height + _BELOW)
        draw_header(figure, title, subtitle)
        wide = write(figure, MARGIN, top, head(measure), colour=palette.INK, bold=True, width=ROOM)
        for place, line in enumerate(meaning):
            write(figure, MARGIN, top + (place + 1) * _MEANING, line, size=SMALL)
        frame = _frame_of(shown, slot)
        axes = _draw_frame(figure, frame, shown, measure)
        looks = looks_of(shown)
        _draw_lines(axes, frame, shown, looks)
        _draw_names(figure, frame, shown, looks)
        if frame.y_ends[0] > _least(shown):
            said = f"not drawn: what is below {written(Number(_LOWEST), measure)}"
            write(figure, WIDTH - MARGIN, top, said, size=SMALL, align="right", width=ROOM - wide)
    return figure


def _checked(curves: Mapping[str, Points]) -> dict[str, list[tuple[int, Number]]]:
    """What can be drawn, by ascending budget."""
    for name, points in curves.items():
        for budget, _ in points:
            if budget < 1:
                raise InputError(f"budgets must be at least 1; {name!r} has {budget}")
    finite = {
        name: sorted(
            ((budget, number) for budget, number in points if isfinite(number.value)),
            key=lambda point: point[0],
        )
        for name, points in curves.items()
    }
    shown = {name: points for name, points in finite.items() if points}
    if not shown:
        raise InputError("curves must hold at least one finite number; got none")
    return shown


def _ends(number: Number) -> tuple[float, float]:
    """Where an interval ends; at the value itself where there is none."""
    low = number.value if number.low is None or not isfinite(number.low) else number.low
    high = number.value if number.high is None or not isfinite(number.high) else number.high
    return low, high


def _least(shown: Mapping[str, Points]) -> float:
    return min(number.value for points in shown.values() for _, number in points)


def _frame_of(shown: Mapping[str, Points], slot: Slot) -> _Frame:
    budgets = [budget for points in shown.values() for budget, _ in points]
    left, right = log10(min(budgets)), log10(max(budgets))
    around = 0.05 * (right - left) or 0.3
    ends = [end for points in shown.values() for _, number in points for end in _ends(number)]
    high = max(ends)
    low = max(min(ends), _LOWEST) if high > _LOWEST else min(ends)
    reach = 0.05 * (high - low) or 0.05
    return _Frame(slot, (left - around, right + around), (low - reach, high + reach))


def _draw_frame(
    figure: Figure, frame: _Frame, shown: Mapping[str, Points], measure: Measure
) -> Axes:
    """Axes in inches, with lines and words at round values and at the budgets asked."""
    slot = frame.slot
    axes = axes_in(figure, slot)
    axes.set_xlim(0, slot.width)
    axes.set_ylim(0, slot.height)
    low, high = frame.y_ends
    for tick in MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high):
        if low <= tick <= high:
            y = frame.y(float(tick))
            axes.plot([0, slot.width], [y, y], color=palette.HAIRLINE, lw=0.7, zorder=1)
            said = tick_words(float(tick), measure)
            write(figure, slot.x - 0.08, slot.bottom - y + 0.04, said, size=SMALL, align="right")
    end = 0.0
    for budget in sorted({budget for points in shown.values() for budget, _ in points}):
        text = f"{budget:,}".replace(",", " ")
        x, half = frame.x(budget), measured(text, size=SMALL) / 2
        if end and x - half < end + _BETWEEN_TICKS:
            continue
        end = x + half
        axes.plot([x, x], [0, -0.05], color=palette.SECONDARY, lw=0.7, clip_on=False)
        write(figure, slot.x + x, slot.bottom + 0.2, text, size=SMALL, align="center")
    said = "pictures the model classified (logarithmic)"
    write(figure, slot.x + slot.width / 2, slot.bottom + 0.4, said, size=SMALL, align="center")
    return axes


def _draw_lines(
    axes: Axes, frame: _Frame, shown: Mapping[str, Points], looks: Mapping[str, Look]
) -> None:
    for name, points in shown.items():
        look = looks[name]
        shift = _shift(name, shown)
        x = [frame.x(budget) + shift for budget, _ in points]
        y = [frame.y(number.value) for _, number in points]
        order = 3 if is_reference(name) else 5
        axes.plot(x, y, color=look.colour, ls=look.dashes, lw=1.5, zorder=order)
        for at, (_, number) in zip(x, points, strict=True):
            ends = [frame.y(end) for end in _ends(number)]
            axes.plot([at, at], ends, color=look.colour, lw=0.9, alpha=0.75, zorder=order - 1)
        axes.plot(x, y, look.marker, ms=5, mfc=look.colour, mec="white", mew=0.7, zorder=order + 1)


def _shift(name: str, shown: Mapping[str, Points]) -> float:
    """How far a method's points stand beside their budget."""
    step = min(_DODGE, _WIDEST_DODGE / len(shown))
    return step * (list(shown).index(name) - (len(shown) - 1) / 2)


def _draw_names(
    figure: Figure, frame: _Frame, shown: Mapping[str, Points], looks: Mapping[str, Look]
) -> None:
    """Each name as near as can be to the height at which its line ends, and a line there."""
    slot = frame.slot
    ends = {
        name: (frame.x(points[-1][0]) + _shift(name, shown), frame.y(points[-1][1].value))
        for name, points in shown.items()
    }
    order = sorted(shown, key=lambda name: (ends[name][1], name))
    wanted = [min(max(ends[name][1], 0.0), slot.height) for name in order]
    places = spread_apart(wanted, _LABEL, 0.04, slot.height - 0.04)
    axes = axes_in(figure, Slot(slot.x, slot.y, slot.width + _LEADER, slot.height))
    axes.set_xlim(0, slot.width + _LEADER)
    axes.set_ylim(0, slot.height)
    for name, y in zip(order, places, strict=True):
        look = looks[name]
        x = slot.width + _LEADER - 0.12
        start, height = ends[name]
        line = [start, slot.width + 0.06, x], [height, height, y]
        # a long way from where a line ended, it must not look like one
        dots = (0, (1.0, 2.5)) if start < _FAR * slot.width else "-"
        axes.plot(*line, color=look.colour, lw=0.6, ls=dots, alpha=0.6, zorder=2)
        axes.plot([x], [y], look.marker, ms=5, mfc=look.colour, mec="none", zorder=3)
        colour = palette.SECONDARY if is_reference(name) else palette.INK
        at = (figure, slot.x + slot.width + _LEADER, slot.bottom - y + 0.045)
        write(*at, _called(name), size=TEXT, colour=colour, width=_LONGEST_NAME)


def _called(name: str) -> str:
    return name.removeprefix(REFERENCE)
