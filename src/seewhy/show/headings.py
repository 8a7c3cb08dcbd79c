"""The words of a figure: its header, the heads of its columns, the titles of its rows.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from seewhy.show import lettering, palette
from seewhy.show.bars import SMALL
from seewhy.show.layout import BETWEEN_BARS, COLUMN, MARGIN, WIDTH, column_left
from seewhy.show.lettering import measured, write
from seewhy.show.row import Row
from seewhy.show.scene import Scene
from seewhy.show.words import (
    carried_sentence,
    fidelity_sentence,
    percent,
    right_to_left,
    row_sentence,
)

_TITLE = 13.0
_ROW_TITLE = 12.5
_TEXT = 9.5
_ROOM = WIDTH - 2 * MARGIN


def header_height(title: str, subtitle: str) -> float:
    """Return how far down the column heads stand, in inches."""
    return 0.74 if _side_by_side(title, subtitle) else 0.96


def draw_header(figure: Figure, title: str, subtitle: str) -> None:
    """Write the title on the left, the subtitle on the right, or below where room is short."""
    at = (figure, MARGIN, 0.36, title)
    write(*at, size=_TITLE, colour=palette.INK, bold=True, width=_ROOM)
    if _side_by_side(title, subtitle):
        write(figure, WIDTH - MARGIN, 0.36, subtitle, size=_TEXT, align="right")
    else:
        write(figure, MARGIN, 0.58, subtitle, size=_TEXT, width=_ROOM)


def draw_heads(scene: Scene, rows: Sequence[Row]) -> None:
    """Say above each column what it shows."""
    y = scene.layout.top
    _head(scene, "picture", 0)
    words = _for_and_against(rows)
    x = column_left(1)
    for word, colour in zip(words, (palette.FOR, palette.AGAINST), strict=True):
        x += write(scene.figure, x, y, word, size=_TEXT, colour=colour, bold=True) + 0.12
    _head(scene, _heat_words(rows[0]), 2)
    bars, count = scene.scale.bars, scene.segmentation.count
    if bars:
        few = f"{bars} strongest of {count} regions" if count > bars else f"all {count} regions"
        _head(scene, few if count > 1 else "the only region", 3)


def _heat_words(row: Row) -> str:
    what = {"share": "share", "weight": "weight"}.get(row.reading, "effect")
    return f"{what} of every {'region' if row.pixel_map is None else 'pixel'}"


def _for_and_against(rows: Sequence[Row]) -> tuple[str, str]:
    if all(row.against is None for row in rows):
        return "for it", "against it"
    if len({(row.label, row.against) for row in rows}) == 1:
        one, other = f"for {rows[0].label}", f"for {rows[0].against}"
        long = lettering.plain(f"{one}  {other}")
        if measured(long, size=_TEXT, bold=True) + 0.12 <= COLUMN:
            return one, other
    return "for the first", "for the second"


def _head(scene: Scene, text: str, column: int) -> None:
    layout = scene.layout
    left = column_left(column) - (BETWEEN_BARS - 0.16 if column == 3 else 0)
    width = WIDTH - MARGIN - left if column == 3 else COLUMN
    write(scene.figure, left, layout.top, text, size=_TEXT, width=width)


def draw_row_title(scene: Scene, row: Row, index: int) -> None:
    """Write a row's class, its probability, and below, quietly, what the row amounts to."""
    y = scene.layout.row_top(index) + 0.17
    share = "" if row.probability is None else percent(row.probability)
    taken = measured(share, size=_ROW_TITLE) + 0.12 if share else 0.0
    colour, each = palette.INK, _ROOM - taken
    if row.against is not None:
        colour, each = palette.FOR, (_ROOM - taken - 1.4) / 2
    pieces = [(row.label, colour, True), (share, palette.SECONDARY, False)]
    if row.against is not None:
        pieces += [("rather than", palette.SECONDARY, False), (row.against, palette.AGAINST, True)]
    x = MARGIN
    for text, hue, bold in pieces:
        if text:
            width = each if bold else None
            at = (scene.figure, x, y, text)
            x += write(*at, size=_ROW_TITLE, colour=hue, bold=bold, width=width) + 0.12
    _draw_quiet_line(scene, row, y + 0.2)


def _draw_quiet_line(scene: Scene, row: Row, y: float) -> None:
    """What hiding does, and how far to trust it; the name, said above, goes if room is short."""
    told = []
    if row.fidelity is not None and row.values.any():
        told.append(fidelity_sentence(row.fidelity, row.reading))
    linear = row.fidelity if row.reading in ("hiding", "showing") else None
    sampled = row.standard_error is not None  # else every region is drawn
    if sampled and row.certain().any() and (linear is None or linear.r2 > 0):
        told.append(carried_sentence(row))
    size = SMALL + 0.5
    full, short = (
        " · ".join([row_sentence(row, scene.numbers, score=scene.score, brief=brief)[:-1], *told])
        for brief in (False, True)
    )
    # A name written from right to left would pull the numbers beside it along.
    fits = measured(lettering.plain(full), size=size) <= _ROOM and not right_to_left(full)
    write(scene.figure, MARGIN, y, full if fits else short, size=size, width=_ROOM)


def _side_by_side(title: str, subtitle: str) -> bool:
    wide = measured(lettering.plain(title), size=_TITLE, bold=True)
    return wide + measured(lettering.plain(subtitle), size=_TEXT) + 0.4 <= _ROOM
