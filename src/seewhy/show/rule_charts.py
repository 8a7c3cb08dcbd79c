"""The numbers of a rule as small charts: its precision, how far it holds, what each member does.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seewhy.game.statistics import interval_factor
from seewhy.show import palette
from seewhy.show.bars import SMALL, draw_badge
from seewhy.show.lettering import write
from seewhy.show.rule_words import bound_percent, precision_percent
from seewhy.show.sheet import Slot, axes_in, put_words

if TYPE_CHECKING:
    from seewhy.methods.rule import Rule

MOST_BARS = 6

_PRECISION_HEIGHT = 0.92
_LEVELS_HEIGHT = 1.5
_BARS_TOP = 0.22
_BAR_PITCH = 0.21
_BETWEEN = 0.14
_AROUND = ("hidden of what is not in the rule", "hidden of the picture")
_LEFT = 0.42
_RIGHT = 0.24
_PERCENT = 0.56
# Where an axis of shares may begin, so that what is near 100 % can be told apart.
_BEGINNINGS = (0.999, 0.995, 0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.0)


@dataclass(frozen=True)
class Scale:
    """An axis of shares: which place in inches belongs to a value.

    Attributes
    ----------
    low, high : float
        Values at its ends.
    start, end : float
        Places of its ends.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return a value's place, at an end where it lies beyond."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def beginning(least: float) -> float:
    """Return where an axis up to 100 % begins so that ``least`` is well within.

    Examples
    --------
    >>> beginning(0.95), beginning(0.85), beginning(0.2)
    (0.9, 0.8, 0.0)
    """
    return next(low for low in _BEGINNINGS if low == 0 or 1 - least <= 0.8 * (1 - low))


def charts_height(rule: Rule) -> float:
    """Return the room that the charts of how often a rule holds take, in inches."""
    levels = _BETWEEN + _LEVELS_HEIGHT if len(rule.levels) > 1 else 0.0
    return _PRECISION_HEIGHT + levels


def members_height(rule: Rule) -> float:
    """Return the room that the chart of what every member does takes; 0 if there is none."""
    count = len(_measured(rule))
    return _BARS_TOP + count * _BAR_PITCH if count else 0.0


def draw_charts(figure: Figure, rule: Rule, x: float, y: float, width: float) -> None:
    """Draw a rule's precision against the threshold and, below, its levels if there are some.

    Parameters
    ----------
    figure : Figure
        Where.
    rule : Rule
        Certified or not.
    x, y, width : float
        In inches from the figure's upper left corner.
    """
    _draw_precision(figure, rule, Slot(x, y, width, _PRECISION_HEIGHT))
    y += _PRECISION_HEIGHT + _BETWEEN
    if len(rule.levels) > 1:
        _draw_levels(figure, rule, Slot(x, y, width, _LEVELS_HEIGHT))


def draw_members(
    figure: Figure, rule: Rule, numbers: Mapping[int, int], x: float, y: float, width: float
) -> None:
    """Draw the precision without each of up to six members, as far as it was measured.

    Parameters
    ----------
    figure : Figure
        Where.
    rule : Rule
        Certified or not.
    numbers : mapping of int to int
        Superpixel to the number on its badge.
    x, y, width : float
        In inches from the figure's upper left corner.
    """
    members = _measured(rule)
    if not members:
        return
    slot = Slot(x, y, width, members_height(rule))
    few = f", first {len(members)}" if len(members) < len(rule.superpixels) else ""
    said = f"precision without one region{few}"
    write(figure, slot.x, slot.y + 0.1, said, width=slot.width)
    axes = _inches(figure, slot)
    scale = Scale(0.0, 1.0, _LEFT, slot.width - _PERCENT)
    asked = scale(rule.method.precision)
    bottom = slot.height
    axes.plot([_LEFT, _LEFT], [_BARS_TOP, bottom], color=palette.SECONDARY, lw=0.8, zorder=4)
    _dashed(axes, [asked, asked], [_BARS_TOP, bottom])
    colour = rule_colour(rule)
    for place, (player, precision) in enumerate(members):
        y = _BARS_TOP + (place + 0.5) * _BAR_PITCH
        end = scale(precision)
        axes.barh(y, end - _LEFT, left=_LEFT, height=0.6 * _BAR_PITCH, color=colour, zorder=2)
        draw_badge(axes, _LEFT - 0.16, y, colour, numbers[player])
        at = (figure, slot.x + slot.width, slot.y + y + 0.045, precision_percent(precision))
        write(*at, size=SMALL, align="right")


def rule_colour(rule: Rule) -> str:
    """Return the colour of a rule: grey unless it is certified."""
    return palette.SECONDARY if rule.status == "not_found" else palette.FOR


def _draw_precision(figure: Figure, rule: Rule, slot: Slot) -> None:
    """A dot for the estimate, a line down to its bound, a dashed line for what was asked for."""
    bound, asked = rule.precision_lower_bound, rule.method.precision
    surely = "exactly" if rule.exact else f"at least {bound_percent(bound)}"
    pieces = [
        ("precision", palette.SECONDARY, False),
        (precision_percent(rule.precision), palette.INK, True),
        (f"· {surely}", palette.SECONDARY, False),
    ]
    put_words(figure, slot.x, slot.y + 0.1, pieces, width=slot.width)
    low = beginning(min(bound, asked, rule.precision))
    scale = Scale(low, 1.0, 0.14, slot.width - _RIGHT)
    axes = _inches(figure, slot)
    line, dot = 0.66, 0.5
    axes.plot([scale.start, scale.end], [line, line], color=palette.SECONDARY, lw=0.8)
    for value in (low, (1 + low) / 2, 1.0):
        axes.plot([scale(value)] * 2, [line, line + 0.04], color=palette.SECONDARY, lw=0.8)
        at = (figure, slot.x + scale(value), slot.y + line + 0.17, _tick(value))
        write(*at, size=SMALL, align="center")
    _dashed(axes, [scale(asked)] * 2, [0.32, line])
    said = f"asked for: {_tick(asked)}"
    right = scale(asked) > slot.width / 2
    side = -0.05 if right else 0.05
    at = (figure, slot.x + scale(asked) + side, slot.y + 0.37, said)
    write(*at, size=SMALL, align="right" if right else "left")
    colour = rule_colour(rule)
    if not rule.exact:
        axes.plot([scale(bound), scale(rule.precision)], [dot, dot], color=colour, lw=2.2)
        axes.plot([scale(bound)] * 2, [dot - 0.05, dot + 0.05], color=colour, lw=2.2)
    axes.plot([scale(rule.precision)], [dot], "o", ms=6.5, mfc=colour, mec="white", mew=0.8)


def _draw_levels(figure: Figure, rule: Rule, slot: Slot) -> None:
    """How often the rule holds against how much of the rest is hidden."""
    write(figure, slot.x, slot.y + 0.1, "precision when more is hidden", width=slot.width)
    reach = interval_factor()
    levels = sorted(rule.levels, key=lambda level: level.hidden)
    ends = [level.precision - reach * level.standard_error for level in levels]
    low = beginning(max(0.0, min(*ends, rule.method.precision)))
    across = Scale(0.0, 1.0, _LEFT, slot.width - _RIGHT)
    up = Scale(low, 1.0, slot.height - 0.42, 0.26)
    axes = _inches(figure, slot)
    axes.plot(
        [across.start, across.start, across.end],
        [up.end, up.start, up.start],
        color=palette.SECONDARY,
        lw=0.8,
    )
    for value in (low, 1.0):
        at = (figure, slot.x + _LEFT - 0.07, slot.y + up(value) + 0.045, _tick(value))
        write(*at, size=SMALL, align="right")
    for value in (0.0, 0.5, 1.0):
        axes.plot([across(value)] * 2, [up.start, up.start + 0.04], color=palette.SECONDARY, lw=0.8)
        at = (figure, slot.x + across(value), slot.y + up.start + 0.17, _tick(value))
        write(*at, size=SMALL, align="center")
    middle = slot.x + (across.start + across.end) / 2
    at = (figure, middle, slot.y + up.start + 0.34, _AROUND[rule.status == "trivially_robust"])
    write(*at, size=SMALL, align="center")
    _dashed(axes, [across.start, across.end], [up(rule.method.precision)] * 2)
    colour = rule_colour(rule)
    for level in levels:
        x, error = across(level.hidden), reach * level.standard_error
        tips = [up(level.precision - error), up(level.precision + error)]
        axes.plot([x, x], tips, color=palette.INK, lw=1.1, zorder=3)
    points = [across(each.hidden) for each in levels], [up(each.precision) for each in levels]
    axes.plot(*points, "o-", color=colour, lw=1.4, ms=4.5, mec="white", mew=0.7, zorder=4)


def _measured(rule: Rule) -> list[tuple[int, float]]:
    """The first members of which the precision without them is known, and that."""
    pairs = zip(rule.superpixels, rule.without, strict=True)
    return [(player, precision) for player, precision in pairs if precision is not None][:MOST_BARS]


def _dashed(axes: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    axes.plot(x, y, color=palette.INK, lw=0.9, ls=(0, (3, 2.2)), zorder=3)


def _inches(figure: Figure, slot: Slot) -> Axes:
    """Axes in which a unit is an inch, downwards from the upper left."""
    axes = axes_in(figure, slot)
    axes.set_xlim(0, slot.width)
    axes.set_ylim(slot.height, 0)
    return axes


def _tick(share: float) -> str:
    return f"{100 * share:.6g} %"
