"""The figure of a consensus: on which regions methods agree, and on which they do not.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seewhy.errors import InputError
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show import palette, render
from seewhy.show.bars import SMALL, bar_colour, draw_badge
from seewhy.show.headings import draw_header, header_height
from seewhy.show.layout import GUTTER, MARGIN, WIDTH
from seewhy.show.lettering import measured, plain, write
from seewhy.show.render import RGB, line_width
from seewhy.show.series import looks_of
from seewhy.show.sheet import (
    BELOW_HEADS,
    LINE,
    TALLEST,
    TEXT,
    Slot,
    axes_in,
    broken,
    fit,
    new_sheet,
    put_badges,
    put_note,
    put_original,
    put_paragraph,
    put_picture,
    put_words,
)
from seewhy.show.stage import Stage, checked_players
from seewhy.show.style import own_style

MOST_ROWS = 12
"""So many regions have a line in the chart, agreed ones first."""

_PICTURE = 2.62
_BOTH = 2 * _PICTURE + GUTTER
_CHART = MARGIN + _BOTH + GUTTER + 0.2
_BADGES = 0.3
_BESIDE = 0.2
_KEY_LINE = 0.17
_KEY_GAP = 0.16
_SAMPLE = 0.14
_VOICE = 0.078
_LEAST_ROW = 0.28
_SCALE = 0.24
_BELOW_ORIGINAL = 0.25
_ABOVE_CAPTION = 0.27
_BOTTOM = 0.18
_STRIPES = 0.45

Values = Mapping[str, Float[np.ndarray, " d"]]
Intervals = Mapping[str, tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]]


@dataclass(frozen=True, eq=False)
class _Regions:
    """What has badges: superpixels with their marks and colours, agreed ones first."""

    marks: Mapping[int, str]
    colours: Mapping[int, str]


def consensus_figure(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    *,
    agreed: Mapping[int, float],
    disputed: Sequence[int],
    voices: Sequence[str],
    values: Mapping[str, Float[np.ndarray, " d"]],
    intervals: Mapping[str, tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]] | None = None,
    title: str,
    subtitle: str,
    sentences: Sequence[str],
) -> Figure:
    """Show on which regions methods agree, and on which they do not.

    The picture; beside it the regions on which all agree, tinted by how strong they are, and those
    in dispute, striped in grey with a question mark. On the right a line per region, a
    marker per voice: where the markers lie together, methods agree.

    Parameters
    ----------
    image : (h, w, c) array
        Floats in [0, 1] or uint8, 1 to 16 channels.
    segmentation : Segmentation
        Of the same height and width, d superpixels.
    agreed : mapping of int to float
        Superpixel to its mean strength in [−1, 1]; positive spoke for the class.
    disputed : sequence of int
        Superpixels on which voices differ, most important first; none of those agreed.
    voices : sequence of str
        One or more names, one for each distinct question that methods ask.
    values : mapping of str to (d,) array
        Voice to what it gives every superpixel, in [−1, 1].
    intervals : mapping of str to ((d,) array, (d,) array), optional
        Lower and upper ends of 95 % intervals, of voices that have some.
    title, subtitle : str
        On the left and, in grey, on the right of the header.
    sentences : sequence of str
        The same in words, below.

    Returns
    -------
    matplotlib Figure
        9.6 inches wide at 200 dots per inch.

    Raises
    ------
    InputError
        If sizes do not agree, a voice has no values, or a superpixel is both.
    """
    _check(segmentation, agreed, disputed, voices, values)
    with own_style():
        stage = Stage.of(image, segmentation)
        regions = _regions(agreed, disputed)
        words = broken(" ".join(sentences), _BOTH, size=TEXT)
        top = header_height(title, subtitle) + BELOW_HEADS
        keys = _key_lines(voices)
        rows = list(regions.marks)[:MOST_ROWS]
        chart = top + (len(keys) - 1) * _KEY_LINE
        caption = top + _pictures_height(stage, image.shape) + _ABOVE_CAPTION
        below = chart + len(rows) * _pitch(voices) + _SCALE
        figure = new_sheet(max(caption + (len(words) - 1) * LINE, below) + _BOTTOM)
        draw_header(figure, title, subtitle)
        _draw_pictures(figure, stage, image, agreed, regions, top)
        if rows:
            _draw_key(figure, voices, keys, top - BELOW_HEADS)
            _draw_chart(figure, regions, voices, values, intervals or {}, chart)
        put_paragraph(figure, words, MARGIN, caption)
    return figure


def _check(
    segmentation: Segmentation,
    agreed: Mapping[int, float],
    disputed: Sequence[int],
    voices: Sequence[str],
    values: Values,
) -> None:
    if not voices:
        raise InputError("voices must hold at least one name; got none")
    for voice in voices:
        shape = values[voice].shape if voice in values else None
        if shape != (segmentation.count,):
            raise InputError(
                f"values must have one number for each of the {segmentation.count} superpixels "
                f"for every voice; {voice!r} has {'none' if shape is None else f'shape {shape}'}"
            )
    checked_players("agreed", agreed, segmentation)
    checked_players("disputed", disputed, segmentation)
    both = sorted(set(agreed) & set(disputed))
    if both:
        raise InputError(f"disputed must hold no superpixel that is agreed on; got {both[0]}")


def _regions(agreed: Mapping[int, float], disputed: Sequence[int]) -> _Regions:
    """Number the regions: agreed ones by strength, then those in dispute as they come."""
    order = sorted(agreed, key=lambda player: (-abs(agreed[player]), player))
    marks = {player: str(place) for place, player in enumerate(order, start=1)}
    colours = {player: bar_colour(agreed[player], agreed[player] != 0) for player in order}
    for player in dict.fromkeys(disputed):
        marks[player] = f"{len(marks) + 1}?"
        colours[player] = palette.SECONDARY
    return _Regions(marks, colours)


def _pictures_height(stage: Stage, image_shape: tuple[int, ...]) -> float:
    """Of the higher picture, and what stands below the original."""
    part, whole = (fit(shape, _PICTURE, TALLEST)[1] for shape in (stage.pixels.shape, image_shape))
    framed = (stage.source.labels == OUTSIDE).any()
    return max(part, whole + _BELOW_ORIGINAL * framed)


def _draw_pictures(
    figure: Figure,
    stage: Stage,
    image: Shaped[np.ndarray, "h w c"],
    agreed: Mapping[int, float],
    regions: _Regions,
    top: float,
) -> None:
    write(figure, MARGIN, top - BELOW_HEADS, "picture", size=TEXT)
    put_original(figure, image, stage.source, Slot(MARGIN, top, _PICTURE, TALLEST))
    slot = Slot(MARGIN + _PICTURE + GUTTER, top, _PICTURE, TALLEST)
    pieces = [("agreed:", palette.SECONDARY, False), ("for it", palette.FOR, True)]
    pieces += [("against it", palette.AGAINST, True), ("in dispute", palette.SECONDARY, True)]
    put_words(figure, slot.x, top - BELOW_HEADS, pieces, width=_PICTURE)
    axes = put_picture(figure, agreement(stage, agreed, regions.marks), slot)
    width, _ = fit(stage.pixels.shape, slot.width, slot.height)
    put_badges(axes, stage, regions.marks, regions.colours, width=width)
    if not regions.marks:
        put_note(axes, "no region matters to any of them", max(width - 0.3, 0.5))


def agreement(stage: Stage, agreed: Mapping[int, float], shown: Mapping[int, str]) -> RGB:
    """Return the picture, agreed regions tinted and disputed ones striped, all outlined.

    Parameters
    ----------
    stage : Stage
        The picture.
    agreed : mapping of int to float
        Superpixel to its strength in [−1, 1].
    shown : mapping of int to str
        Superpixels that are drawn; what is not agreed on is in dispute.
    """
    values = np.zeros(stage.segmentation.count)
    values[list(agreed)] = list(agreed.values())
    tinted = render.tint(stage.pixels, stage.segmentation, values, None, strongest=1.0)
    disputed = [player for player in shown if player not in agreed]
    down, across = np.indices(stage.segmentation.shape)
    step = 3 * line_width(stage.segmentation.shape)
    stripes = ((down + across) // step) % 2 == 0
    striped = stage.segmentation.selected(disputed) & stripes
    grey = np.array(palette.rgb(palette.SECONDARY))
    drawn = tinted + striped[..., None] * _STRIPES * (grey - tinted.astype(np.float64))
    colours = {player: bar_colour(values[player], values[player] != 0) for player in agreed}
    colours |= dict.fromkeys(disputed, palette.SECONDARY)
    return render.outline(np.rint(drawn).astype(np.uint8), stage.segmentation, colours)


def _key_lines(voices: Sequence[str]) -> list[list[str]]:
    """Voices on as many lines as their names need above the chart."""
    lines: list[list[str]] = [[]]
    end, room = 0.0, WIDTH - MARGIN - _CHART
    for voice in voices:
        wide = _SAMPLE + min(measured(plain(voice), size=SMALL), room - _SAMPLE) + _KEY_GAP
        if lines[-1] and end + wide - _KEY_GAP > room:
            lines.append([])
            end = 0.0
        lines[-1].append(voice)
        end += wide
    return lines


def _draw_key(
    figure: Figure, voices: Sequence[str], lines: Sequence[Sequence[str]], y: float
) -> None:
    looks = looks_of(voices)
    room = WIDTH - MARGIN - _CHART - _SAMPLE
    for place, line in enumerate(lines):
        x, base = _CHART, y + place * _KEY_LINE
        for voice in line:
            look = looks[voice]
            axes = axes_in(figure, Slot(x, base - 0.1, 0.1, 0.1))
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1)
            axes.plot([0.5], [0.4], look.marker, ms=5.5, mfc=look.colour, mec="none", clip_on=False)
            x += _SAMPLE + write(figure, x + _SAMPLE, base, voice, size=SMALL, width=room)
            x += _KEY_GAP


def _pitch(voices: Sequence[str]) -> float:
    """From one region's line to the next, in inches."""
    return max(_LEAST_ROW, (len(voices) + 1) * _VOICE)


def _draw_chart(
    figure: Figure,
    regions: _Regions,
    voices: Sequence[str],
    values: Values,
    intervals: Intervals,
    y: float,
) -> None:
    """A line per region, its badge at the left."""
    left = _CHART + _BADGES
    slot = Slot(left, y, WIDTH - MARGIN - left - 0.05, 0.0)
    rows, pitch = list(regions.marks)[:MOST_ROWS], _pitch(voices)
    axes = _draw_grid(figure, slot, len(rows), pitch)
    for place, player in enumerate(rows):
        middle = (place + 0.5) * pitch
        beside = -1 - _BESIDE * 2 / slot.width
        draw_badge(axes, beside, middle, regions.colours[player], regions.marks[player])
        _draw_voices(axes, player, middle, voices, values, intervals)


def _draw_grid(figure: Figure, slot: Slot, rows: int, pitch: float) -> Axes:
    """Axes from −1 to 1 across and in inches down, with a band for every other region."""
    height = rows * pitch
    place = Slot(slot.x, slot.y, slot.width, height)
    axes = axes_in(figure, place)
    axes.set_xlim(-1, 1)
    axes.set_ylim(height, 0)
    for row in range(0, rows, 2):
        axes.axhspan(row * pitch, (row + 1) * pitch, color=palette.OUTSIDE_VIEW, lw=0, zorder=0)
    for tick in (-1.0, -0.5, 0.0, 0.5, 1.0):
        colour = palette.HAIRLINE if tick else palette.SECONDARY
        axes.plot([tick, tick], [0, height], color=colour, lw=0.8, zorder=1)
    base = place.bottom + 0.17
    middle = slot.x + slot.width / 2
    write(figure, middle, base, "0", size=SMALL, align="center")
    left = (figure, slot.x, base, "← against it")
    write(*left, size=SMALL, colour=palette.AGAINST)
    right = (figure, slot.x + slot.width, base, "for it →")
    write(*right, size=SMALL, colour=palette.FOR, align="right")
    return axes


def _draw_voices(
    axes: Axes,
    player: int,
    y: float,
    voices: Sequence[str],
    values: Values,
    intervals: Intervals,
) -> None:
    """A marker per voice, each at its own height so that intervals can be seen."""
    looks = looks_of(voices)
    for place, voice in enumerate(voices):
        look = looks[voice]
        height = y + (place - (len(voices) - 1) / 2) * _VOICE
        if voice in intervals:
            ends = np.clip([ends[player] for ends in intervals[voice]], -1, 1)
            axes.plot(ends, [height, height], color=look.colour, lw=1.0, alpha=0.75, zorder=3)
        at = float(np.clip(values[voice][player], -1, 1))
        axes.plot(
            [at],
            [height],
            look.marker,
            ms=5,
            mfc=look.colour,
            mec="white",
            mew=0.6,
            clip_on=False,
            zorder=4,
        )
