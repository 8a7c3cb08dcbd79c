"""The figure of a change: before, what is hidden, after, and what the model gives each class.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped, UInt8
from matplotlib.figure import Figure

from seewhy.image.segmentation import Segmentation
from seewhy.show import palette
from seewhy.show.class_bars import PITCH, ClassBar, draw_class_bars, name_colour
from seewhy.show.headings import draw_header, header_height
from seewhy.show.layout import MARGIN
from seewhy.show.lettering import write
from seewhy.show.render import RGB, outline, soften, tint
from seewhy.show.rule_words import called, change_sentences, counted
from seewhy.show.sheet import (
    BELOW_HEADS,
    LINE,
    ROOM,
    TALLEST,
    TEXT,
    THIRD,
    Pieces,
    Slot,
    broken,
    fit,
    new_sheet,
    put_badges,
    put_note,
    put_paragraph,
    put_picture,
    put_words,
    third_left,
)
from seewhy.show.stage import Stage, checked_players
from seewhy.show.style import own_style
from seewhy.show.words import percent, signed

if TYPE_CHECKING:
    from seewhy.methods.change import Change

_ABOVE_BARS = 0.16
_ABOVE_CAPTION = 0.36
_BOTTOM = 0.16
# Of the full tint, so that what is hidden can still be seen.
_TINT = 3.5
_BESIDE_FACTOR = 0.1
# Beyond it factors are said to be over 1000.
_FACTORS_END = 6.9
# Factors that would read as 1.00.
_UNCHANGED = 0.005


def change_figure(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    change: Change,
    *,
    names: Mapping[int, str],
    blank: UInt8[np.ndarray, "h w 3"],
    title: str,
    subtitle: str,
) -> Figure:
    """Show what must be hidden for the model to say something else, and what it says then.

    Before, what is hidden, after; below, the probabilities before and after as bars on one
    scale, and the factor between them; then the same in words. Where nothing was found,
    the nearest is shown and said to be that.

    Parameters
    ----------
    image : (h, w, c) array
        Floats in [0, 1] or uint8, 1 to 16 channels.
    segmentation : Segmentation
        Of the same height and width.
    change : Change
        What was found, or the nearest to it.
    names : mapping of int to str
        Class to its name; any text is safe.
    blank : uint8 array (h, w, 3)
        The picture with everything hidden.
    title, subtitle : str
        On the left and, in grey, on the right of the header.

    Returns
    -------
    matplotlib Figure
        9.6 inches wide at 200 dots per inch.

    Raises
    ------
    InputError
        If sizes do not agree, or the change has superpixels that the segmentation has not.
    """
    checked_players("change", change.hide, segmentation)
    with own_style():
        stage = Stage.of(image, segmentation)
        after = stage.hiding(change.hide, stage.like(blank))
        sentences = change_sentences(change, names, segmentation)
        words = broken(" ".join(sentences), ROOM, size=TEXT)
        classes = _classes(change)
        top = header_height(title, subtitle) + BELOW_HEADS
        bars = top + fit(stage.pixels.shape, THIRD, TALLEST)[1] + _ABOVE_BARS
        caption = bars + len(classes) * PITCH + (_ABOVE_CAPTION if classes else 0.14)
        figure = new_sheet(caption + len(words) * LINE + _BOTTOM)
        draw_header(figure, title, subtitle)
        heads = _heads(change, segmentation.count, names)
        for column, (head, pixels) in enumerate(
            zip(heads, (stage.pixels, None, after), strict=True)
        ):
            slot = Slot(third_left(column), top, THIRD, TALLEST)
            put_words(figure, slot.x, top - BELOW_HEADS, head, width=THIRD)
            if pixels is None:
                draw_hidden(figure, stage, change, _numbers(change), slot)
            else:
                put_picture(figure, pixels, slot)
        _draw_bars(figure, change, classes, names, bars)
        put_paragraph(figure, words, MARGIN, caption)
    return figure


def draw_hidden(
    figure: Figure, stage: Stage, change: Change, numbers: Mapping[int, int], slot: Slot
) -> None:
    """Show the superpixels that a change hides, tinted and numbered on the softened picture.

    Parameters
    ----------
    figure : Figure
        Where.
    stage : Stage
        The picture.
    change : Change
        Found or not.
    numbers : mapping of int to int
        Superpixel to the number on its badge.
    slot : Slot
        Room for the picture.
    """
    width, _ = fit(stage.pixels.shape, slot.width, slot.height)
    if not change.hide:
        axes = put_picture(figure, soften(stage.pixels), slot)
        put_note(axes, "nothing brought it nearer", width - 0.3)
        return
    draw_numbered(figure, stage, hidden_tinted(stage, change.hide), change.hide, numbers, slot)


def draw_numbered(
    figure: Figure,
    stage: Stage,
    pixels: RGB,
    players: Sequence[int],
    numbers: Mapping[int, int],
    slot: Slot,
) -> None:
    """Outline and number superpixels in the colour of what goes against the class."""
    colours = dict.fromkeys(players, palette.AGAINST)
    axes = put_picture(figure, outline(pixels, stage.segmentation, colours), slot)
    shown = {player: numbers[player] for player in players}
    width, _ = fit(pixels.shape, slot.width, slot.height)
    put_badges(axes, stage, shown, colours, width=width)


def hidden_tinted(stage: Stage, players: Sequence[int]) -> RGB:
    """Return the softened picture, some superpixels lightly tinted."""
    values = np.zeros(stage.segmentation.count)
    values[list(players)] = -1.0
    return tint(stage.pixels, stage.segmentation, values, None, strongest=_TINT)


def class_colour(change: Change, index: int) -> str:
    """Return the colour of a class: of the one that was, of the one wanted, grey for others."""
    if index == change.target:
        return palette.FOR
    wanted = change.becomes if change.wanted is None else change.wanted
    return palette.AGAINST if index == wanted else palette.UNSURE


def _heads(change: Change, count: int, names: Mapping[int, str]) -> tuple[Pieces, Pieces, Pieces]:
    """What stands above the three pictures."""
    first, last = (
        [
            (called(index, names), _text_colour(class_colour(change, index)), True),
            (percent(shares[index]) if index in shares else "", palette.SECONDARY, False),
        ]
        for index, shares in (
            (change.target, change.before),
            (change.becomes, change.probabilities),
        )
    )
    still = "still" if change.becomes == change.target else ""
    hidden = f"hidden: {len(change.hide)} of {counted(count, 'region')}"
    if change.status == "not_found":
        hidden = f"nearest, not enough: {len(change.hide)} of {count} hidden"
        hidden = hidden if change.hide else "nearest: nothing hidden"
    return (
        [("before:", palette.SECONDARY, False), *first],
        [(hidden, palette.SECONDARY, False)],
        [(f"after: {still}".strip(), palette.SECONDARY, False), *last],
    )


def _text_colour(colour: str) -> str:
    return palette.INK if colour == palette.UNSURE else colour


def _classes(change: Change) -> list[int]:
    """The classes that have bars, likeliest before first."""
    before, after = change.before, change.probabilities
    known = {*before, *after}
    return sorted(known, key=lambda index: (-before.get(index, 0.0), -after.get(index, 0.0), index))


def _draw_bars(
    figure: Figure,
    change: Change,
    classes: Sequence[int],
    names: Mapping[int, str],
    y: float,
) -> None:
    """Probabilities before and after on one scale, and between them by what factor they changed."""
    if not classes:
        return
    before, after = change.before, change.probabilities
    largest = max(*before.values(), *after.values(), 0.0)
    for column, shares, winner in ((0, before, change.target), (2, after, change.becomes)):
        bars = [
            ClassBar("", shares.get(index), class_colour(change, index), index == winner)
            for index in classes
        ]
        draw_class_bars(
            figure, bars, third_left(column), y, width=THIRD, names=0.0, largest=largest
        )
    left, right = third_left(1), third_left(1) + THIRD - _BESIDE_FACTOR
    for place, index in enumerate(classes):
        base = y + (place + 0.5) * PITCH + 0.045
        factor = _factor(before.get(index, 0.0), after.get(index, 0.0))
        taken = write(figure, right, base, factor, size=TEXT, align="right") if factor else 0.0
        first = index in (change.target, change.becomes)
        bar = ClassBar(called(index, names), None, class_colour(change, index), first)
        room = THIRD - 2 * _BESIDE_FACTOR - taken
        write(figure, left, base, bar.label, colour=name_colour(bar), bold=first, width=room)


def _factor(one: float, two: float) -> str:
    """By what a probability changed: "×2.1"."""
    if not (one > 0 and two > 0):
        return ""
    effect = log(two / one)
    if abs(effect) < _UNCHANGED:
        return "×1"
    return signed(effect, "log-probability") + ("+" if abs(effect) > _FACTORS_END else "")


def _numbers(change: Change) -> dict[int, int]:
    return {player: number for number, player in enumerate(change.hide, start=1)}
