"""The bar chart beside the picture: strongest regions, their intervals, their numbers.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from seewhy.game.scores import Score
from seewhy.game.statistics import interval_factor
from seewhy.show import palette
from seewhy.show.lettering import measured
from seewhy.show.row import Row
from seewhy.show.words import signed

BADGE_POINTS = 12.5
"""Diameter of a badge, in points."""

SMALL = 8.5
_BADGE_TEXT = 7.8
_LABEL_ROOM = 0.46
_THICKEST_BAR = 0.19
_PITCH = 0.36


@dataclass(frozen=True)
class BarScale:
    """One x-axis for all classes of a figure, so that sizes compare.

    Attributes
    ----------
    low, high : float
        Ends of the axis, in units of the score.
    bars : int
        How many bars there is room for in every row; none when every effect is zero.
    ticks : tuple of float
        Round numbers within.
    """

    low: float
    high: float
    bars: int
    ticks: tuple[float, ...]

    @classmethod
    def of(cls, rows: Sequence[Row], top: int, width: float) -> BarScale:
        """Find the axis, ``width`` inches long, that holds every drawn bar, interval and label."""
        ends = [0.0]
        for row in rows:
            reach = _reach(row)
            for player in row.strongest(top):
                value = float(row.values[player])
                ends += [value - reach[player], value + reach[player]]
        low, high = min(ends), max(ends)
        if low == high:
            low, high = -1.0, 1.0
        # A bar's label stands beyond its interval, on the side to which it points.
        signs = {np.sign(row.values[p]) for row in rows for p in row.strongest(top)}
        left, right = (_LABEL_ROOM if sign in signs else 0.04 for sign in (-1, 1))
        unit = (high - low) / max(width - left - right, 0.5)
        locator = MaxNLocator(nbins=max(2, int(width / 0.34)), steps=[1, 2, 5, 10])
        ticks = tuple(float(t) for t in locator.tick_values(low, high) if low <= t <= high)
        bars = max(len(row.strongest(top)) for row in rows)
        return cls(low - left * unit, high + right * unit, bars, ticks)


def draw_bars(
    axes: Axes,
    row: Row,
    numbers: Mapping[int, int],
    scale: BarScale,
    *,
    score: Score,
    width: float,
    height: float,
) -> None:
    """Draw one class's strongest regions with their 95 % intervals, badges as tick labels.

    Parameters
    ----------
    axes : Axes
        As large as ``width`` × ``height`` inches.
    row : Row
        The class.
    numbers : mapping of int to int
        Superpixel to the number on its badge.
    scale : BarScale
        Shared by all classes.
    score : str
        What values are in units of.
    """
    axes.set_xlim(scale.low, scale.high)
    axes.set_ylim(height, 0)
    if not scale.bars:
        return
    pitch = min(height / scale.bars, _PITCH)
    thick = min(0.62 * pitch, _THICKEST_BAR)
    inch = (scale.high - scale.low) / width
    _draw_grid(axes, scale, bottom=pitch * scale.bars, score=score, inch=inch)
    sure, reach = row.certain(), _reach(row)
    for position, player in enumerate(row.strongest(scale.bars)):
        value, error = float(row.values[player]), float(reach[player])
        colour = bar_colour(value, bool(sure[player]))
        y = (position + 0.5) * pitch
        axes.barh(y, value, height=thick, color=colour, zorder=2)
        if error > 0:
            axes.plot([value - error, value + error], [y, y], color=palette.INK, lw=1.1, zorder=3)
        if sure[player]:
            sign = 1 if value > 0 else -1
            end = value + sign * (error + 0.05 * inch)
            _label(axes, end, y, signed(value, score), sign)
        draw_badge(axes, scale.low - 0.16 * inch, y, colour, numbers.get(player))


def bar_colour(value: float, sure: bool) -> str:
    """Return the colour of an effect: by its sign, grey where the sign is not known."""
    if not sure:
        return palette.UNSURE
    return palette.FOR if value > 0 else palette.AGAINST


def draw_badge(
    axes: Axes,
    x: float,
    y: float,
    colour: str,
    mark: int | str | None,
    *,
    points: float = BADGE_POINTS,
) -> None:
    """Draw a region's badge, so many points wide; without a mark, only a small dot."""
    if mark is None:
        axes.plot([x], [y], "o", ms=4, mfc=colour, mec="none", clip_on=False, zorder=6)
        return
    size = points / BADGE_POINTS
    axes.plot(
        [x],
        [y],
        "o",
        ms=points,
        mfc=colour,
        mec="white",
        mew=1.1 * size,
        clip_on=False,
        zorder=6,
    )
    axes.text(
        x,
        y,
        str(mark),
        color="white",
        fontsize=_BADGE_TEXT * size * (0.75 if len(str(mark)) > 2 else 1.0),
        fontweight="bold",
        ha="center",
        va="center_baseline",
        zorder=7,
    )


def _reach(row: Row) -> np.ndarray:
    if row.standard_error is None:
        return np.zeros(len(row.values))
    return interval_factor() * row.standard_error


def _label(axes: Axes, x: float, y: float, text: str, sign: int) -> None:
    axes.text(
        x,
        y,
        text,
        color=palette.SECONDARY,
        fontsize=SMALL,
        ha="left" if sign > 0 else "right",
        va="center_baseline",
        zorder=3,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )


def _draw_grid(axes: Axes, scale: BarScale, *, bottom: float, score: Score, inch: float) -> None:
    units = 100 if score == "probability" else 1
    taken: list[tuple[float, float]] = []
    # From zero outwards: where two numbers would touch, the one further out is left away.
    for tick in sorted(scale.ticks, key=abs):
        colour = palette.SECONDARY if tick == 0 else palette.HAIRLINE
        axes.plot([tick, tick], [0, bottom], color=colour, lw=0.8, zorder=1 if tick else 4)
        text = f"{tick * units:g}".replace("-", "−")
        half = (measured(text, size=SMALL) / 2 + 0.03) * inch
        if any(tick - half < right and left < tick + half for left, right in taken):
            continue
        taken.append((tick - half, tick + half))
        axes.text(
            tick,
            bottom + 0.16,
            text,
            color=palette.SECONDARY,
            fontsize=SMALL,
            ha="center",
            va="baseline",
        )
