"""The figure of an attribution: picture, for and against, heat map and bars, a row per class.

Imports matplotlib: load it only where a figure is drawn. Figures are made without pyplot, and
leave matplotlib's settings as they were.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped, UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seewhy.errors import InputError
from seewhy.game.scores import SCORES, Score
from seewhy.image.segmentation import Segmentation
from seewhy.show import headings, lettering, palette, render
from seewhy.show.badges import place_badges
from seewhy.show.bars import BADGE_POINTS, SMALL, bar_colour, draw_badge, draw_bars
from seewhy.show.layout import BARS_WIDTH, BETWEEN_BARS, COLUMN, MARGIN, WIDTH, column_left
from seewhy.show.lettering import write
from seewhy.show.row import Row
from seewhy.show.saving import save_figure
from seewhy.show.scene import Scene, axes_at, make_scene, show_pixels
from seewhy.show.style import own_style
from seewhy.show.words import NOTHING_CERTAIN

__all__ = ["Row", "attribution_figure", "save_figure"]

_UNITS = {
    "log-odds": "log-odds (× ÷: {} the odds)",
    "log-probability": "log-probability (× ÷: {} the probability)",
    "probability": "the probability, in points",
    "raw": "the model's output",
}


def attribution_figure(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    rows: Sequence[Row],
    *,
    title: str,
    subtitle: str,
    score: Score,
    top: int = 6,
) -> Figure:
    """Show what spoke for and against each class, and how sure that is.

    A row per class: the picture (in later rows only what spoke for the class), the picture
    tinted by every effect whose 95 % interval excludes zero, all effects as a heat map, and the
    strongest regions as bars with 95 % intervals. Numbers tie regions and bars together; they,
    the x-axis and all colours mean the same in every row.

    Parameters
    ----------
    image : (h, w, c) array
        Floats in [0, 1] or uint8, 1 to 16 channels.
    segmentation : Segmentation
        Of the same height and width, d superpixels.
    rows : sequence of Row
        One or more, d values each.
    title, subtitle : str
        On the left and, in grey, on the right of the header.
    score : str
        What the values are in units of: "log-odds", "probability", "log-probability", "raw".
    top : int
        How many regions have bars, and numbers where they are certain.

    Returns
    -------
    matplotlib Figure
        9.6 inches wide at 200 dots per inch.

    Raises
    ------
    InputError
        If there are no rows, sizes do not agree or the score is unknown.
    """
    _check(segmentation, rows, score, top)
    with own_style():
        header = headings.header_height(title, subtitle)
        scene = make_scene(image, segmentation, rows, score=score, top=top, header=header)
        headings.draw_header(scene.figure, title, subtitle)
        headings.draw_heads(scene, rows)
        for index, row in enumerate(rows):
            _draw_row(scene, row, index)
        _draw_scales(scene, rows)
    return scene.figure


def _check(segmentation: Segmentation, rows: Sequence[Row], score: str, top: int) -> None:
    if not rows:
        raise InputError("rows must hold at least one class; got none")
    for row in rows:
        if len(row.values) != segmentation.count:
            raise InputError(
                f"rows must have one value for each of the {segmentation.count} superpixels; "
                f"{row.label!r} has {len(row.values)}"
            )
    if score not in SCORES:
        raise InputError(f"score must be one of {', '.join(SCORES)}; got {score!r}")
    if top < 1:
        raise InputError(f"top must be at least 1; got {top}")


def _draw_row(scene: Scene, row: Row, index: int) -> None:
    headings.draw_row_title(scene, row, index)
    layout, segmentation = scene.layout, scene.segmentation
    sure = row.certain()
    speak_for = [int(player) for player in np.flatnonzero(sure & (row.values > 0))]
    if index == 0:
        _draw_original(scene)
    else:
        _picture(scene, render.hide_rest(scene.pixels, segmentation, speak_for), 0, index)
        caption = "only what spoke for it" if speak_for else "nothing surely spoke for it"
        y = layout.body_top(index) + layout.picture_height + 0.17
        write(scene.figure, column_left(0), y, caption, size=SMALL, width=COLUMN)
    _draw_overlay(scene, row, index)
    heat = _heat(scene, row)
    _framed(_picture(scene, heat, 2, index), palette.HAIRLINE, 0.8)
    axes = axes_at(scene, column_left(3), layout.body_top(index), BARS_WIDTH, layout.body)
    draw_bars(
        axes,
        row,
        scene.numbers,
        scene.scale,
        score=scene.score,
        width=BARS_WIDTH,
        height=layout.body,
    )


def _heat(scene: Scene, row: Row) -> UInt8[np.ndarray, "h w 3"]:
    """The value of every pixel where there is one, else of every superpixel."""
    if row.pixel_map is None:
        return render.heat_map(scene.segmentation, row.values, strongest=scene.strongest)
    rows, columns = scene.part
    height, width = scene.segmentation.shape
    down, across = height / (rows.stop - rows.start), width / (columns.stop - columns.start)
    top, left, bottom, right = row.pixel_map.window
    area = (
        (top - rows.start) * down,
        (left - columns.start) * across,
        (bottom - rows.start) * down,
        (right - columns.start) * across,
    )
    return render.pixel_heat_map(
        row.pixel_map.values, scene.segmentation, area, strongest=scene.strongest_pixel
    )


def _draw_original(scene: Scene) -> None:
    """The whole picture in the space of a part of it, a frame around what the model saw."""
    layout = scene.layout
    height, width = scene.original.shape[:2]
    scale = min(layout.picture_width / width, layout.picture_height / height)
    axes = axes_at(scene, column_left(0), layout.body_top(0), width * scale, height * scale)
    show_pixels(axes, scene.original)
    if scene.frame is not None:
        left, top, right, bottom = scene.frame
        for colour, line in (("white", 2.4), (palette.INK, 0.9)):
            _framed(axes, colour, line, box=(left, 1 - bottom, right, 1 - top))
        y = layout.body_top(0) + height * scale + 0.17
        caption = "in the frame: what the model saw"
        write(scene.figure, column_left(0), y, caption, size=SMALL, width=COLUMN)


def _framed(
    axes: Axes,
    colour: str,
    line: float,
    *,
    box: tuple[float, float, float, float] = (0, 0, 1, 1),
) -> None:
    left, bottom, right, top = box
    corners = [left, right, right, left, left], [bottom, bottom, top, top, bottom]
    axes.plot(*corners, color=colour, lw=line, transform=axes.transAxes, clip_on=False, zorder=3)


def _draw_overlay(scene: Scene, row: Row, index: int) -> None:
    sure = row.certain()
    drawn = [player for player in row.strongest(scene.top) if sure[player]]
    colours = {player: bar_colour(float(row.values[player]), True) for player in drawn}
    tinted = render.tint(
        scene.pixels,
        scene.segmentation,
        row.values,
        row.standard_error,
        strongest=scene.strongest,
    )
    lined = render.outline(tinted, scene.segmentation, colours)
    axes = _picture(scene, lined, 1, index)
    pixels_per_inch = scene.pixels.shape[1] / scene.layout.picture_width
    radius = BADGE_POINTS / 2 / 72 * pixels_per_inch
    for badge in place_badges(scene.segmentation, drawn, radius=radius):
        if badge.has_leader:
            ends = [badge.anchor_column, badge.column], [badge.anchor_row, badge.row]
            axes.plot(*ends, color="white", lw=2.6, zorder=4)
            axes.plot(*ends, "o-", color=colours[badge.player], lw=1.2, ms=2.5, zorder=5)
        number = scene.numbers[badge.player]
        draw_badge(axes, badge.column, badge.row, colours[badge.player], number)
    if not sure.any():
        _say_nothing_certain(scene, axes)


def _say_nothing_certain(scene: Scene, axes: Axes) -> None:
    lines = lettering.wrapped(NOTHING_CERTAIN, COLUMN - 0.3, size=SMALL, lines=4)
    axes.text(
        0.5,
        0.5,
        "\n".join(lines),
        transform=axes.transAxes,
        color=palette.INK,
        fontsize=SMALL,
        ha="center",
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 4},
    )


def _unit(row: Row, score: Score) -> str:
    if row.reading == "weight":
        return "weight, without a unit"
    what, of = ("share of", "of") if row.reading == "share" else ("effect on", "on")
    return f"{what} {_UNITS[score].format(of)}"


def _picture(scene: Scene, pixels: UInt8[np.ndarray, "h w 3"], column: int, index: int) -> Axes:
    layout = scene.layout
    x, y = column_left(column), layout.body_top(index)
    axes = axes_at(scene, x, y, layout.picture_width, layout.picture_height)
    show_pixels(axes, pixels)
    return axes


def _draw_scales(scene: Scene, rows: Sequence[Row]) -> None:
    """The colour bar, and the unit of the bars, once below the last row."""
    if scene.strongest == 0:
        return
    layout = scene.layout
    last = len(rows) - 1
    below = layout.body_top(last) + layout.body
    x, width = column_left(2), layout.scale_width
    y = layout.body_top(last) + layout.picture_height + 0.08
    axes = axes_at(scene, x, y, width, 0.08)
    axes.imshow(render.ramp(np.linspace(-1, 1, 256))[None], aspect="auto")
    pixels = rows[0].pixel_map is not None
    limit = scene.strongest_pixel if pixels else scene.strongest
    limit *= 100 if scene.score == "probability" else 1
    for place, number, align in ((x, -limit, "left"), (x + width, limit, "right")):
        text = f"{number:+.2g}".replace("-", "−")
        write(scene.figure, place, y + 0.22, text, size=SMALL, align=align)
    write(scene.figure, x + width / 2, y + 0.22, "0", size=SMALL, align="center")
    left = column_left(3) - BETWEEN_BARS / 2
    room = WIDTH - MARGIN - left
    write(
        scene.figure,
        WIDTH - MARGIN,
        below + 0.4,
        _unit(rows[0], scene.score),
        size=SMALL,
        align="right",
        width=room,
    )
