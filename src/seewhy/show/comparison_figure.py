"""The figure of a comparison: what several methods say of one class, and how they were judged.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped
from matplotlib.figure import Figure

from seewhy.errors import InputError
from seewhy.image.segmentation import Segmentation
from seewhy.metrics.measures import Measure
from seewhy.show import palette, render
from seewhy.show.bars import SMALL, bar_colour
from seewhy.show.change_figure import hidden_tinted
from seewhy.show.comparison_curve import (
    FIRST,
    LAST,
    draw_curves,
    draw_hidden_scale,
    draw_sample,
    score_range,
)
from seewhy.show.comparison_table import (
    ENTRY,
    HEAD_LINE,
    Column,
    columns_room,
    draw_numbers,
    draw_table_heads,
    lay_out,
)
from seewhy.show.comparison_words import cost
from seewhy.show.contestant import Contestant, number_contested
from seewhy.show.headings import draw_header, header_height
from seewhy.show.layout import MARGIN, WIDTH
from seewhy.show.lettering import measured, plain, write
from seewhy.show.render import RGB
from seewhy.show.sheet import (
    LINE,
    ROOM,
    TEXT,
    Slot,
    axes_in,
    broken,
    fit,
    new_sheet,
    put_badges,
    put_note,
    put_paragraph,
    put_picture,
    put_words,
)
from seewhy.show.stage import Stage, checked_players, in_colour
from seewhy.show.style import own_style
from seewhy.show.words import NOTHING_CERTAIN

TOP = 4
"""So many regions of an attribution have badges."""

_SMALL_BADGE = 9.8

_NAME = 10.5
_PICTURE = 1.66
_TALLEST = 1.2
_TALLEST_OF_MANY = 1.02
_SHORTEST = 1.0
_NARROWEST = 1.1
_READING = {
    "attribution": "",
    "rule": "keeps what is in colour",
    "change": "hides what is tinted",
}
# More methods than this have smaller pictures.
_FEW = 6
_GAP = 0.16
# Of a panel's words at its left.
_LEVELS = 0.14
_CURVE = (1.2, 3.0)
_BEFORE_TABLE = 0.14
_AROUND = 0.09
_NAME_HIGH = 0.25
_SCALE = 0.16
_REFERENCE = 0.54
_ABOVE_VERDICT = 0.3
_BOTTOM = 0.14


@dataclass(frozen=True, eq=False)
class _Plan:
    """Where everything goes, in inches; rows begin at ``top``."""

    stage: Stage
    numbers: Mapping[int, int]
    picture: tuple[float, float]
    body: float
    curve: Slot
    ends: tuple[float, float]
    columns: Sequence[Column]
    head: float
    verdict: Sequence[str]

    @property
    def top(self) -> float:
        return self.head + 0.1

    @property
    def row(self) -> float:
        return self.body + 2 * _AROUND

    def body_top(self, row: int) -> float:
        return self.top + row * self.row + _AROUND

    def reference_top(self, rows: int) -> float:
        return self.top + rows * self.row + _SCALE


def comparison_figure(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    contestants: Sequence[Contestant],
    *,
    title: str,
    subtitle: str,
    columns: Sequence[Measure],
    verdict: Sequence[str],
    target: str,
    references: Sequence[Contestant] = (),
) -> Figure:
    """Show side by side what methods say of one class, and how well each does.

    A row per method: the picture tinted by every effect whose 95 % interval excludes zero, or
    what a rule keeps or a change hides; the score while regions are hidden, most and
    least relevant first; a number per measure with its interval and its place on the
    column's scale. What nothing is better than for certain is bold, in colour. A region
    has one number in all rows. References follow in grey, and a verdict in words.

    Parameters
    ----------
    image : (h, w, c) array
        Floats in [0, 1] or uint8, 1 to 16 channels.
    segmentation : Segmentation
        Of the same height and width, d superpixels.
    contestants : sequence of Contestant
        One or more, d values each.
    title, subtitle : str
        On the left and, in grey, on the right of the header.
    columns : sequence of Measure
        What is told of each, ten at most.
    verdict : sequence of str
        Sentences at the end.
    target : str
        The class's name; any text is safe.
    references : sequence of Contestant
        What knows nothing of the model, such as a random order: numbers alone, and thin
        lines in every panel.

    Returns
    -------
    matplotlib Figure
        9.6 inches wide at 200 dots per inch.

    Raises
    ------
    InputError
        If there are no methods or too many columns, or sizes do not agree.
    """
    _check(segmentation, contestants, references)
    with own_style():
        head = header_height(title, subtitle) + HEAD_LINE
        plan = _planned(
            Stage.of(image, segmentation), contestants, references, columns, verdict, head
        )
        below = plan.reference_top(len(contestants)) + len(references) * _REFERENCE
        ending = _ABOVE_VERDICT + len(plan.verdict) * LINE if plan.verdict else 0.06
        figure = new_sheet(below + ending + _BOTTOM)
        draw_header(figure, title, subtitle)
        _draw_heads(figure, plan, target)
        for row, contestant in enumerate(contestants):
            _draw_row(figure, plan, contestant, references, row)
        last = plan.body_top(len(contestants) - 1)
        draw_hidden_scale(figure, _panel(plan, last))
        for place, reference in enumerate(references):
            y = plan.reference_top(len(contestants)) + place * _REFERENCE
            _draw_reference(figure, plan, reference, place, y)
        put_paragraph(figure, plan.verdict, MARGIN, below + _ABOVE_VERDICT)
    return figure


def _check(
    segmentation: Segmentation,
    contestants: Sequence[Contestant],
    references: Sequence[Contestant],
) -> None:
    if not contestants:
        raise InputError("contestants must hold at least one method; got none")
    for each in (*contestants, *references):
        if len(each.values) != segmentation.count:
            raise InputError(
                f"contestants must have one value for each of the {segmentation.count} "
                f"superpixels; {each.name!r} has {len(each.values)}"
            )
        checked_players("members", each.members or (), segmentation)


def _planned(
    stage: Stage,
    contestants: Sequence[Contestant],
    references: Sequence[Contestant],
    measures: Sequence[Measure],
    verdict: Sequence[str],
    head: float,
) -> _Plan:
    """Give the table what it needs, pictures what they are wide, and curves what is left."""
    everyone = [*contestants, *references]
    tallest = _TALLEST if len(contestants) <= _FEW else _TALLEST_OF_MANY
    picture = fit(stage.pixels.shape, _PICTURE, tallest)
    body = max(picture[1], _SHORTEST)
    table = columns_room(measures, everyone)
    left = MARGIN + max(picture[0], _NARROWEST) + _GAP + _LEVELS
    room = WIDTH - MARGIN - left - _BEFORE_TABLE
    wide = min(max(room - 1.12 * table, _CURVE[0]), _CURVE[1])
    start = left + wide + _BEFORE_TABLE
    return _Plan(
        stage,
        number_contested(contestants, top=TOP),
        picture,
        body,
        Slot(left, _NAME_HIGH, wide, body - _NAME_HIGH),
        score_range(everyone),
        lay_out(measures, everyone, start, WIDTH - MARGIN - start),
        head,
        broken(" ".join(verdict), ROOM, size=TEXT),
    )


def _panel(plan: _Plan, body_top: float) -> Slot:
    """Where a row's curves go."""
    curve = plan.curve
    return Slot(curve.x, body_top + curve.y, curve.width, curve.height)


def _draw_heads(figure: Figure, plan: _Plan, target: str) -> None:
    y, above = plan.head, plan.head - HEAD_LINE
    room = plan.curve.x - _LEVELS - MARGIN - 0.08
    pieces = [("for", palette.FOR, False), (target, palette.FOR, True)]
    put_words(figure, MARGIN, above, pieces, width=room, size=SMALL)
    write(figure, MARGIN, y, "against it", size=SMALL, colour=palette.AGAINST, width=room)
    for base, said, colour in (
        (above, "least relevant first", LAST),
        (y, "most relevant first", FIRST),
    ):
        room = plan.curve.width + _BEFORE_TABLE
        write(figure, plan.curve.x, base, said, size=SMALL, colour=colour, width=room)
    draw_table_heads(figure, plan.columns, y)


def _draw_row(
    figure: Figure,
    plan: _Plan,
    contestant: Contestant,
    references: Sequence[Contestant],
    row: int,
) -> None:
    _draw_rule_line(figure, plan.top + row * plan.row)
    body = plan.body_top(row)
    _draw_overlay(figure, plan, contestant, Slot(MARGIN, body, *plan.picture))
    paid = cost(contestant.numbers, but=[column.measure for column in plan.columns])
    paid = " · ".join(filter(None, [paid, _READING[contestant.kind]]))
    x, base = plan.curve.x - _LEVELS, body + 0.12
    room = WIDTH - MARGIN - x - measured(plain(paid), size=SMALL) - 0.1
    at = (figure, x, base, contestant.name)
    x += write(*at, size=_NAME, colour=palette.INK, bold=True, width=room) + 0.1
    write(figure, x, base, paid, size=SMALL)
    panel = _panel(plan, body)
    draw_curves(figure, contestant, references, panel, plan.ends)
    draw_numbers(figure, contestant, plan.columns, panel.y + (panel.height - ENTRY) / 2)


def _draw_reference(
    figure: Figure, plan: _Plan, reference: Contestant, place: int, y: float
) -> None:
    _draw_rule_line(figure, y)
    base = y + 0.27
    draw_sample(figure, place, MARGIN, base - 0.085, 0.34)
    room = plan.curve.x + plan.curve.width - MARGIN - 0.44
    write(figure, MARGIN + 0.44, base, reference.name, size=TEXT, width=room)
    draw_numbers(figure, reference, plan.columns, y + (_REFERENCE - ENTRY) / 2 + 0.02, quiet=True)


def _draw_rule_line(figure: Figure, y: float) -> None:
    axes = axes_in(figure, Slot(MARGIN, y, ROOM, 0.02))
    axes.set_xlim(0, 1)
    axes.axhline(0, color=palette.HAIRLINE, lw=0.7)


def _draw_overlay(figure: Figure, plan: _Plan, contestant: Contestant, slot: Slot) -> None:
    drawn = contestant.drawn(TOP)
    colours = {player: _colour(contestant, player) for player in drawn}
    axes = put_picture(figure, _overlay(plan.stage, contestant, colours), slot)
    marks = {player: str(plan.numbers[player]) for player in drawn}
    put_badges(axes, plan.stage, marks, colours, width=slot.width, points=_SMALL_BADGE)
    if not drawn:
        put_note(axes, _nothing(contestant), max(slot.width - 0.2, 0.5))


def _nothing(contestant: Contestant) -> str:
    """Why there is nothing to show: a rule without members may be enough, or none at all."""
    if contestant.kind == "attribution":
        return NOTHING_CERTAIN
    enough = contestant.numbers.get("sufficient_area")
    needs_none = contestant.kind == "rule" and enough is not None and enough.value == 0
    return "no region is needed" if needs_none else "nothing was found"


def _colour(contestant: Contestant, player: int) -> str:
    if contestant.kind == "attribution":
        return bar_colour(float(contestant.values[player]), True)
    return palette.FOR if contestant.kind == "rule" else palette.AGAINST


def _overlay(stage: Stage, contestant: Contestant, colours: Mapping[int, str]) -> RGB:
    """The picture as the figure of each kind of explanation shows it."""
    if contestant.kind == "rule" and contestant.members:
        return in_colour(stage, contestant.members)
    if contestant.kind != "attribution":
        tinted = hidden_tinted(stage, contestant.members or ())
    else:
        tinted = render.tint(
            stage.pixels, stage.segmentation, contestant.values, contestant.standard_error
        )
    return render.outline(tinted, stage.segmentation, colours)
