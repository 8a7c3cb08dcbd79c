"""The numbers of a comparison: a column per measure, aligned, and what is best made plain.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from matplotlib.figure import Figure

from seewhy.errors import InputError
from seewhy.metrics.measures import Measure
from seewhy.show import palette
from seewhy.show.bars import SMALL
from seewhy.show.comparison_words import (
    MISSING,
    head,
    interval,
    interval_ends,
    written,
)
from seewhy.show.contestant import Contestant
from seewhy.show.lettering import measured, plain, wrapped, write
from seewhy.show.sheet import Slot, axes_in

MOST_COLUMNS = 10
HEAD_LINE = 0.155
"""From one line of a head to the next."""

ENTRY = 0.4
"""Height of a number, its interval and its mark."""

_NUMBER = 10.0
_INTERVAL = 7.2
_PAD = 0.16
_NARROWEST = 0.5
_DOT = 0.085
_MARK = 0.4
# Values outside are drawn as arrows at the ends: an R² of −30 must not squeeze the others.
_DRAWN = (-1.0, 1.0)


@dataclass(frozen=True)
class Column:
    """Where the numbers of one measure go.

    Attributes
    ----------
    measure : Measure
    x, width : float
        Left end and room, in inches.
    point : float
        Where whole parts of numbers end.
    joint : float
        Where lower ends of intervals end.
    low, high : float or None
        Ends of the scale of its marks; None where there are no marks.
    scale : float
        Of its letters: below 1 where many columns would not fit otherwise.
    """

    measure: Measure
    x: float
    width: float
    point: float
    joint: float
    low: float | None
    high: float | None
    scale: float

    @property
    def middle(self) -> float:
        """Half way across."""
        return self.x + self.width / 2


def columns_room(measures: Sequence[Measure], rows: Sequence[Contestant]) -> float:
    """Return the room that all columns need at least, in inches."""
    return sum(_needed(measure, rows) for measure in measures)


def lay_out(
    measures: Sequence[Measure], rows: Sequence[Contestant], x: float, width: float
) -> list[Column]:
    """Share out the room between columns: what each needs, and the rest evenly.

    Raises
    ------
    InputError
        If there are more columns than ten.
    """
    if len(measures) > MOST_COLUMNS:
        raise InputError(
            f"columns must be at most {MOST_COLUMNS}, or they cannot be read; got {len(measures)}: "
            "leave some out, or draw two figures"
        )
    needed = [_needed(measure, rows) for measure in measures]
    scale = min(1.0, width / sum(needed)) if needed else 1.0
    spare = (width - scale * sum(needed)) / max(1, len(needed))
    placed = []
    for measure, least in zip(measures, needed, strict=True):
        placed.append(_column(measure, rows, x, scale * least + spare, scale))
        x += scale * least + spare
    return placed


def heads_of(columns: Sequence[Column]) -> list[list[str]]:
    """Return the lines of every column's head, two at most."""
    return [
        wrapped(head(column.measure), column.width - 0.04, size=SMALL, lines=2)
        for column in columns
    ]


def draw_table_heads(figure: Figure, columns: Sequence[Column], y: float) -> None:
    """Write what is measured above each column; ``y`` is the baseline of the last line."""
    for column, lines in zip(columns, heads_of(columns), strict=True):
        for up, line in enumerate(reversed(lines)):
            base = y - up * HEAD_LINE
            write(figure, column.middle, base, line, size=SMALL, align="center")


def draw_numbers(
    figure: Figure,
    contestant: Contestant,
    columns: Sequence[Column],
    y: float,
    *,
    quiet: bool = False,
) -> None:
    """Write a method's numbers on one line, their intervals below, and mark them on a scale.

    Parameters
    ----------
    figure : Figure
        Where.
    contestant : Contestant
        What is best in it stands out.
    columns : sequence of Column
        See :func:`lay_out`.
    y : float
        Upper edge, in inches; see ``ENTRY``.
    quiet : bool
        All in grey: a reference.
    """
    for column in columns:
        best = not quiet and column.measure.key in contestant.best
        _write_number(figure, contestant, column, y + 0.12, best=best, quiet=quiet)
        _write_interval(figure, contestant, column, y + 0.26)
        _draw_mark(figure, contestant, column, y + _MARK - 0.06, best=best, quiet=quiet)


def _write_number(
    figure: Figure, contestant: Contestant, column: Column, y: float, *, best: bool, quiet: bool
) -> None:
    text = _text(contestant, column.measure)
    size = _NUMBER * column.scale
    if text == MISSING:
        write(figure, column.middle, y, text, size=size, align="center")
        return
    colour = palette.FOR if best else palette.SECONDARY if quiet else palette.INK
    left = column.point - column.scale * _before_point(text, best)
    write(figure, left, y, text, size=size, colour=colour, bold=best)


def _write_interval(figure: Figure, contestant: Contestant, column: Column, y: float) -> None:
    before, after = _interval_parts(contestant, column.measure)
    if before + after:
        text = interval(contestant.numbers.get(column.measure.key), column.measure)
        left = column.joint - column.scale * before
        write(figure, left, y, text, size=_INTERVAL * column.scale)


def _draw_mark(
    figure: Figure, contestant: Contestant, column: Column, y: float, *, best: bool, quiet: bool
) -> None:
    """The number and its interval on the scale that a column's rows share."""
    number = contestant.numbers.get(column.measure.key)
    if column.low is None or column.high is None or number is None or not isfinite(number.value):
        return
    wide = column.width - _PAD
    axes = axes_in(figure, Slot(column.x + _PAD / 2, y - 0.05, wide, 0.1))
    around = 0.04 * (column.high - column.low)
    low, high = column.low - around, column.high + around
    axes.set_xlim(low, high)
    axes.set_ylim(-1, 1)
    axes.plot([low, high], [0, 0], color=palette.HAIRLINE, lw=0.7, zorder=1)
    colour = palette.FOR if best else palette.UNSURE if quiet else palette.SECONDARY
    if number.low is not None and number.high is not None:
        ends = [max(number.low, low), min(number.high, high)]
        axes.plot(ends, [0, 0], color=colour, lw=1.3, zorder=2, solid_capstyle="butt")
    shape = "<" if number.value < low else ">" if number.value > high else "o"
    at = min(max(number.value, low), high)
    axes.plot([at], [0], shape, ms=3.8, mfc=colour, mec="none", clip_on=False, zorder=3)


def _column(
    measure: Measure, rows: Sequence[Contestant], x: float, width: float, scale: float
) -> Column:
    before, after = _parts(measure, rows)
    lows, highs = _widest([_interval_parts(row, measure) for row in rows])
    middle = x + width / 2
    low, high = _ends(measure, rows)
    return Column(
        measure,
        x,
        width,
        point=middle + scale * (before - after) / 2,
        joint=middle + scale * (lows - highs) / 2,
        low=low,
        high=high,
        scale=scale,
    )


def _needed(measure: Measure, rows: Sequence[Contestant]) -> float:
    """The widest of a column's numbers, its intervals, and the longest word of its head."""
    numbers = sum(_parts(measure, rows))
    intervals = sum(_widest([_interval_parts(row, measure) for row in rows]))
    words = (measured(word, size=SMALL) for word in _unbroken(head(measure)))
    return max(_NARROWEST, numbers, intervals, *words) + _PAD


def _unbroken(text: str) -> list[str]:
    """The words of a head; an arrow stays with the last one."""
    words = text.split()
    return [*words[:-2], " ".join(words[-2:])] if words[-1] in "↑↓" else words


def _text(contestant: Contestant, measure: Measure) -> str:
    """A number as it is drawn: spaces of another width become usual ones."""
    return plain(written(contestant.numbers.get(measure.key), measure))


def _parts(measure: Measure, rows: Sequence[Contestant]) -> tuple[float, float]:
    """How wide numbers are before and after where they are aligned, at their widest."""
    found = []
    for text in (_text(row, measure) for row in rows):
        if text != MISSING:
            before = _before_point(text, True)
            found.append((before, measured(text, size=_NUMBER, bold=True) - before))
    return _widest(found)


def _interval_parts(contestant: Contestant, measure: Measure) -> tuple[float, float]:
    """How wide an interval is before and after its lower end's right; zeros without one."""
    number = contestant.numbers.get(measure.key)
    ends = interval_ends(number, measure)
    if ends is None:
        return 0.0, 0.0
    before = measured(plain(ends[0]), size=_INTERVAL)
    return before, measured(plain(interval(number, measure)), size=_INTERVAL) - before


def _widest(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return max((one for one, _ in parts), default=0.0), max((two for _, two in parts), default=0.0)


def _before_point(text: str, bold: bool) -> float:
    """How wide a number is up to its decimal point, or else to the end of its digits."""
    end = text.find(".")
    if end < 0:
        end = max(place for place, each in enumerate(text) if each.isdigit()) + 1
    return measured(text[:end], size=_NUMBER, bold=bold)


def _ends(measure: Measure, rows: Sequence[Contestant]) -> tuple[float | None, float | None]:
    """The ends of the scale of a column's marks: all numbers and intervals within bounds."""
    if measure.unit in ("count", "seconds") or len(rows) < 2:
        return None, None
    told = [row.numbers[measure.key] for row in rows if measure.key in row.numbers]
    ends = [end for each in told for end in (each.low, each.value, each.high) if end is not None]
    drawn = [min(max(end, _DRAWN[0]), _DRAWN[1]) for end in ends if isfinite(end)]
    if not drawn or min(drawn) == max(drawn):
        return None, None
    return min(drawn), max(drawn)
