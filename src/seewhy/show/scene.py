"""What every row of a figure shares, made once: sizes, numbers, scales.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped, UInt8
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from seewhy.game.scores import Score
from seewhy.game.statistics import interval_factor
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show.badges import number_regions
from seewhy.show.bars import BarScale
from seewhy.show.layout import BARS_WIDTH, WIDTH, Layout
from seewhy.show.render import strongest_of
from seewhy.show.row import Row
from seewhy.show.sizing import Box, crop_to_view, for_display, view_of
from seewhy.show.words import unit_of

_DPI = 200


@dataclass(frozen=True, eq=False)
class Scene:
    """What every row of one figure shares.

    ``frame`` is (left, top, right, bottom) of the model's view as shares of the original;
    ``part`` the rows and columns of it that are shown. ``strongest`` ends the colours of
    superpixels, ``strongest_pixel`` those of pixel maps.
    """

    figure: Figure
    layout: Layout
    original: UInt8[np.ndarray, "h w 3"]
    frame: tuple[float, float, float, float] | None
    pixels: UInt8[np.ndarray, "h2 w2 3"]
    segmentation: Segmentation
    numbers: Mapping[int, int]
    scale: BarScale
    strongest: float
    strongest_pixel: float
    score: Score
    top: int
    part: Box


def make_scene(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    rows: Sequence[Row],
    *,
    score: Score,
    top: int,
    header: float,
) -> Scene:
    """Bring the picture to size, number the regions, lay the figure out and create it.

    ``header`` is how far down, in inches, the column heads stand.
    """
    original, _ = for_display(image, segmentation)
    part, part_segmentation, view = crop_to_view(image, segmentation)
    pixels, small = for_display(part, part_segmentation)
    bars = max(len(row.strongest(top)) for row in rows)
    layout = Layout.of(small.shape, len(rows), bars=bars, header=header)
    figure = Figure(figsize=(WIDTH, layout.height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return Scene(
        figure,
        layout,
        original,
        _frame(segmentation, view),
        pixels,
        small,
        number_regions(rows, top=top),
        BarScale.of(rows, top, BARS_WIDTH),
        max(map(_strongest, rows)),
        strongest_of([row.pixel_map.values for row in rows if row.pixel_map is not None]),
        unit_of(rows[0], score),
        top,
        view_of(segmentation)[1],
    )


def _strongest(row: Row) -> float:
    """Where the colours of a row end: far off when nothing is certain, so that all stay pale."""
    size = np.abs(row.values)
    if row.standard_error is not None and not row.certain().any():
        size = size + interval_factor() * row.standard_error
    return float(size.max())


def _frame(
    segmentation: Segmentation, view: tuple[slice, slice]
) -> tuple[float, float, float, float] | None:
    """The model's view as shares of the picture; None when it is the whole picture."""
    if not (segmentation.labels == OUTSIDE).any():
        return None
    (height, width), (rows, columns) = segmentation.shape, view
    return columns.start / width, rows.start / height, columns.stop / width, rows.stop / height


def axes_at(scene: Scene, x: float, y: float, width: float, height: float) -> Axes:
    """Return bare axes at a place in inches from the figure's upper left corner."""
    total = scene.layout.height
    box = (x / WIDTH, 1 - (y + height) / total, width / WIDTH, height / total)
    axes = scene.figure.add_axes(box)
    axes.set_axis_off()
    return axes


def show_pixels(axes: Axes, pixels: UInt8[np.ndarray, "h w 3"]) -> None:
    """Fill axes with a picture; what is drawn on it later is placed in its pixels."""
    axes.imshow(pixels, aspect="auto")
    # What is drawn on top must not widen the axes.
    axes.autoscale(False)
