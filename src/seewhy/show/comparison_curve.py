"""A score while regions are hidden, most and least relevant first, and the area between.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from seewhy.game.curves import GRID, Curve
from seewhy.show import palette
from seewhy.show.contestant import Contestant
from seewhy.show.lettering import measured, write
from seewhy.show.sheet import Slot, axes_in

FIRST, LAST = palette.INK, palette.FOR
"""Colours of the curve of the most relevant first, and of that of the least."""

REFERENCE_DASHES = ((0, (3.2, 1.6)), (0, (1.0, 1.3)))
"""Of the lines of the references, in their order."""

REFERENCE_LINE = 0.9

_LINE = 1.4
_SMALL = 7.6
_TEXT_HIGH = 0.11
# Beyond it a curve leaves the panel: the score of a masked picture may pass any end.
_FURTHEST = (-0.5, 1.5)
_AREA = 0.13
_NOTHING = "hiding all does not lower the score"


def score_range(contestants: Sequence[Contestant]) -> tuple[float, float]:
    """Return the ends of one axis of scores for all panels of a figure."""
    curves = [curve for each in contestants for curve in (each.first, each.last)]
    scores = [curve.scores for curve in curves if curve is not None] or [GRID]
    low, high = float(np.min(scores)), float(np.max(scores))
    return max(min(low, 0.0), _FURTHEST[0]) - 0.06, min(max(high, 1.0), _FURTHEST[1]) + 0.06


def draw_curves(
    figure: Figure,
    contestant: Contestant,
    references: Sequence[Contestant],
    slot: Slot,
    ends: tuple[float, float],
) -> None:
    """Draw both curves of a method, the area between, and the references behind.

    Parameters
    ----------
    figure : Figure
        Where.
    contestant : Contestant
        The method; the area is labelled with its SRG, as it was measured where it was.
    references : sequence of Contestant
        Thin grey lines, dashed each in its way.
    slot : Slot
        Room for the panel, without the words at its sides.
    ends : tuple of float
        Of the axis of scores, see :func:`score_range`.
    """
    axes = axes_in(figure, slot)
    axes.set_xlim(0, 1)
    axes.set_ylim(*ends)
    for level in (0.0, 1.0):
        axes.plot([0, 1], [level, level], color=palette.HAIRLINE, lw=0.7, zorder=1)
        share = (level - ends[0]) / (ends[1] - ends[0])
        base = slot.bottom - share * slot.height + 0.035
        write(figure, slot.x - 0.06, base, f"{level:.0f}", size=_SMALL, align="right")
    if contestant.first is None or contestant.last is None:
        middle = slot.bottom - slot.height / 2 + 0.035
        write(figure, slot.x + slot.width / 2, middle, _NOTHING, size=_SMALL, align="center")
        return
    first, last = contestant.first.scores, contestant.last.scores
    axes.fill_between(GRID, first, last, color=palette.FOR, alpha=_AREA, lw=0, zorder=2)
    for place, reference in enumerate(references):
        for curve in (reference.first, reference.last):
            if curve is not None:
                _draw_reference(axes, curve, place)
    axes.plot(GRID, last, color=LAST, lw=_LINE, zorder=5)
    axes.plot(GRID, first, color=FIRST, lw=_LINE, zorder=6)
    _label_area(figure, contestant, (contestant.first, contestant.last), slot, ends)


def draw_hidden_scale(figure: Figure, slot: Slot) -> None:
    """Write below the last panel what its axis is."""
    base = slot.bottom + 0.13
    write(figure, slot.x, base, "0", size=_SMALL, align="center")
    write(figure, slot.x + slot.width, base, "100 % hidden", size=_SMALL, align="right")


def draw_sample(figure: Figure, place: int, x: float, y: float, width: float) -> None:
    """Draw a piece of a reference's line, as a key to it."""
    axes = axes_in(figure, Slot(x, y, width, 0.1))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    dashes = REFERENCE_DASHES[place % len(REFERENCE_DASHES)]
    axes.plot([0, 1], [0.5, 0.5], color=palette.SECONDARY, lw=REFERENCE_LINE, ls=dashes)


def _draw_reference(axes: Axes, curve: Curve, place: int) -> None:
    dashes = REFERENCE_DASHES[place % len(REFERENCE_DASHES)]
    axes.plot(
        GRID,
        curve.scores,
        color=palette.SECONDARY,
        lw=REFERENCE_LINE,
        ls=dashes,
        alpha=0.8,
        zorder=3,
    )


def _label_area(
    figure: Figure,
    contestant: Contestant,
    curves: tuple[Curve, Curve],
    slot: Slot,
    ends: tuple[float, float],
) -> None:
    """Write the area where the gap between the curves is widest, or where no line runs."""
    measure = contestant.numbers.get("srg")
    first, last = curves
    value = last.area - first.area if measure is None else measure.value
    text = f"SRG {value:.2f}".replace("-", "−")
    wide = measured(text, size=_SMALL) / slot.width
    high = _TEXT_HIGH / slot.height * (ends[1] - ends[0])
    x, y = label_place(first.scores, last.scores, wide, high, ends)
    base = slot.bottom - (y - ends[0]) / (ends[1] - ends[0]) * slot.height + 0.035
    write(
        figure, slot.x + x * slot.width, base, text, size=_SMALL, colour=palette.INK, align="center"
    )
    # the lines of references may run behind it
    figure.texts[-1].set_path_effects([withStroke(linewidth=2.2, foreground="white", alpha=0.8)])


def label_place(
    first: Float[np.ndarray, " g"],
    last: Float[np.ndarray, " g"],
    width: float,
    height: float,
    ends: tuple[float, float],
) -> tuple[float, float]:
    """Return the centre of a label that is as far as can be from both curves.

    Between them if it fits there, else anywhere in the panel.

    Parameters
    ----------
    first, last : (101,) arrays
        The curves.
    width, height : float
        Of the label, in units of the axes.
    ends : tuple of float
        Of the axis of scores.
    """
    low, high = np.minimum(first, last), np.maximum(first, last)
    between, anywhere = [], []
    for x in np.linspace(width / 2 + 0.03, 1 - width / 2 - 0.03, 31):
        over = np.abs(GRID - x) <= width / 2 + 0.02
        bottom, top = float(low[over].max()), float(high[over].min())
        between.append((top - bottom - height, float(x), (top + bottom) / 2))
        for y in np.linspace(ends[0] + height, ends[1] - height, 15):
            gaps = np.abs(np.stack([first, last])[:, over] - y)
            anywhere.append((float(gaps.min()) - height / 2, float(x), float(y)))
    room, x, y = max(between)
    if room < 0.3 * height:
        _, x, y = max(anywhere)
    return x, y
