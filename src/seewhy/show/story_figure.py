"""The figure of a story: what the model said, why, what is enough to keep it, and what turns it.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped, UInt8
from matplotlib.figure import Figure

from seewhy.errors import InputError
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show import palette
from seewhy.show.bars import SMALL, bar_colour
from seewhy.show.change_figure import draw_numbered
from seewhy.show.class_bars import PITCH, ClassBar, draw_class_bars, name_room
from seewhy.show.headings import draw_header, header_height
from seewhy.show.layout import GUTTER, MARGIN, WIDTH
from seewhy.show.lettering import write
from seewhy.show.render import RGB, outline, tint
from seewhy.show.row import Row
from seewhy.show.rule_figure import draw_rule, rule_head
from seewhy.show.rule_words import bound_percent, called, precision_percent
from seewhy.show.sheet import (
    BELOW_HEADS,
    BELOW_PICTURE,
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
    put_original,
    put_paragraph,
    put_picture,
    put_words,
    third_left,
)
from seewhy.show.stage import Stage, checked_players
from seewhy.show.story_words import TrueClass, ordinal, story_numbers
from seewhy.show.style import own_style
from seewhy.show.words import NOTHING_CERTAIN, percent

if TYPE_CHECKING:
    from seewhy.methods.change import Change
    from seewhy.methods.rule import Rule

_TALLEST_ORIGINAL = 2.2
_BELOW_ORIGINAL = 0.4
_BELOW_PANELS = 0.5
_BOTTOM = 0.16
_BARS = MARGIN + THIRD + GUTTER


def story_figure(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    row: Row,
    rule: Rule,
    change: Change,
    *,
    names: Mapping[int, str],
    predictions: Sequence[tuple[str, float | None]],
    true: TrueClass,
    blank: UInt8[np.ndarray, "h w 3"],
    title: str,
    subtitle: str,
    paragraph: str,
    top: int = 6,
) -> Figure:
    """Show a misread picture at one glance: said, why, kept by what, turned by what.

    The likeliest classes with the true one marked; what spoke for P rather than Q; what
    is enough to keep P; the smallest change that turns it; and the story in words. One region
    has one number in all panels.

    Parameters
    ----------
    image : (h, w, c) array
        Floats in [0, 1] or uint8, 1 to 16 channels.
    segmentation : Segmentation
        Of the same height and width, d superpixels.
    row : Row
        Why the model says P rather than Q, d values.
    rule, change : Rule, Change
        What is enough to keep P, and what turns it into Q.
    names : mapping of int to str
        Class to its name; any text is safe.
    predictions : sequence of (label, probability or None)
        Likeliest first; at least one.
    true : TrueClass
        What the picture really shows.
    blank : uint8 array (h, w, 3)
        The picture with everything hidden.
    title, subtitle : str
        On the left and, in grey, on the right of the header.
    paragraph : str
        The story; see :func:`~seewhy.show.story_words.story`.
    top : int
        How many of the strongest regions of ``row`` are numbered.

    Returns
    -------
    matplotlib Figure
        9.6 inches wide at 200 dots per inch.

    Raises
    ------
    InputError
        If sizes do not agree, or there are no predictions.
    """
    _check(segmentation, row, rule, change, predictions)
    with own_style():
        stage = Stage.of(image, segmentation)
        bars = _bars(row, predictions, true)
        words = broken(paragraph, ROOM, size=TEXT)
        first = header_height(title, subtitle) + BELOW_HEADS
        original = fit(image.shape, THIRD, _TALLEST_ORIGINAL)[1]
        framed = BELOW_PICTURE if (segmentation.labels == OUTSIDE).any() else 0.0
        heads = first + max(original + framed, len(bars) * PITCH) + _BELOW_ORIGINAL
        panels = heads + BELOW_HEADS
        below = panels + fit(stage.pixels.shape, THIRD, TALLEST)[1]
        caption = below + _BELOW_PANELS
        figure = new_sheet(caption + len(words) * LINE + _BOTTOM)
        draw_header(figure, title, subtitle)
        _draw_first(figure, image, segmentation, bars, first)
        _draw_heads(figure, row, rule, change, names, heads)
        slots = [Slot(third_left(column), panels, THIRD, TALLEST) for column in range(3)]
        numbers = story_numbers(row, rule, change, top=top)
        _draw_contrast(figure, stage, row, numbers, slots[0], top)
        draw_rule(figure, stage, rule, numbers, slots[1])
        after = stage.hiding(change.hide, stage.like(blank))
        _draw_change(figure, stage, after, change, numbers, slots[2])
        _draw_asides(figure, rule, change, names, below + BELOW_PICTURE)
        put_paragraph(figure, words, MARGIN, caption)
    return figure


def _check(
    segmentation: Segmentation,
    row: Row,
    rule: Rule,
    change: Change,
    predictions: Sequence[tuple[str, float | None]],
) -> None:
    if len(row.values) != segmentation.count:
        raise InputError(
            f"row must have one value for each of the {segmentation.count} superpixels; "
            f"it has {len(row.values)}"
        )
    if not predictions:
        raise InputError("predictions must hold at least the class that the model puts first")
    checked_players("rule", rule.superpixels, segmentation)
    checked_players("change", change.hide, segmentation)


def _bars(
    row: Row, predictions: Sequence[tuple[str, float | None]], true: TrueClass
) -> list[ClassBar]:
    """The likeliest classes, and the true one below them where it is not among them."""
    bars = []
    for place, (label, probability) in enumerate(predictions, start=1):
        rival = place == true.rank or (true.rank == 1 and label == row.against)
        colour = palette.AGAINST if rival else palette.UNSURE
        if place == 1:
            colour = palette.FOR
        note = "true class" if place == true.rank else ""
        bars.append(ClassBar(label, probability, colour, place in (1, true.rank), note))
    if true.rank > len(predictions):
        note = f"true class, {ordinal(true.rank)}"
        bars.append(ClassBar(true.label, true.probability, palette.AGAINST, True, note))
    return bars


def _draw_first(
    figure: Figure,
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    bars: Sequence[ClassBar],
    y: float,
) -> None:
    """The picture, and what the model says about it."""
    write(figure, MARGIN, y - BELOW_HEADS, "picture", size=TEXT)
    put_original(figure, image, segmentation, Slot(MARGIN, y, THIRD, _TALLEST_ORIGINAL))
    write(figure, _BARS, y - BELOW_HEADS, "what the model says", size=TEXT)
    width = WIDTH - MARGIN - _BARS
    largest = max((bar.probability or 0.0 for bar in bars), default=0.0)
    room = name_room([bar.label for bar in bars], width)
    draw_class_bars(figure, bars, _BARS, y, width=width, names=room, largest=largest)


def _draw_heads(
    figure: Figure, row: Row, rule: Rule, change: Change, names: Mapping[int, str], y: float
) -> None:
    quiet = palette.SECONDARY
    against = "against it" if row.against is None else row.against
    contrast: Pieces = [(row.label, palette.FOR, True)]
    # the shortest word, so that two long names have room
    contrast += [("over", quiet, False)] if row.against is not None else []
    contrast += [(against, palette.AGAINST, True)]
    anchor = rule_head(rule, names)
    if rule.status == "sufficient":
        anchor[0] = ("enough for", quiet, False)
    becomes = called(change.becomes, names)
    wanted = change.becomes if change.wanted is None else change.wanted
    colour = palette.FOR if change.becomes == change.target else palette.INK
    turned = (becomes, palette.AGAINST if change.becomes == wanted else colour, True)
    said = "with these hidden:" if change.status == "found" else "nearest, not enough:"
    if change.becomes == change.target:
        said += " still"
        turned = (becomes, palette.FOR, True)
    for column, pieces in enumerate((contrast, anchor, [(said, quiet, False), turned])):
        put_words(figure, third_left(column), y, pieces, width=THIRD)


def _draw_contrast(
    figure: Figure, stage: Stage, row: Row, numbers: Mapping[int, int], slot: Slot, top: int
) -> None:
    """What spoke for either class, the strongest certain regions outlined and numbered."""
    sure = row.certain()
    drawn = [player for player in row.strongest(top) if sure[player]]
    colours = {player: bar_colour(float(row.values[player]), True) for player in drawn}
    cut = stage.segmentation
    tinted = tint(stage.pixels, cut, row.values, row.standard_error)
    axes = put_picture(figure, outline(tinted, cut, colours), slot)
    width, _ = fit(tinted.shape, slot.width, slot.height)
    shown = {player: numbers[player] for player in drawn}
    put_badges(axes, stage, shown, colours, width=width)
    if not sure.any():
        put_note(axes, NOTHING_CERTAIN, width - 0.3)


def _draw_change(
    figure: Figure,
    stage: Stage,
    after: RGB,
    change: Change,
    numbers: Mapping[int, int],
    slot: Slot,
) -> None:
    if change.hide:
        draw_numbered(figure, stage, after, change.hide, numbers, slot)
        return
    axes = put_picture(figure, after, slot)
    width, _ = fit(after.shape, slot.width, slot.height)
    put_note(axes, "nothing that was hidden brought it nearer", width - 0.3)


def _draw_asides(
    figure: Figure, rule: Rule, change: Change, names: Mapping[int, str], y: float
) -> None:
    """A quiet line below the rule and the change: how sure, how likely."""
    write(figure, third_left(0), y, "numbered: the strongest regions", size=SMALL, width=THIRD)
    precision = precision_percent(rule.precision)
    bound = "exactly" if rule.exact else f"at least {bound_percent(rule.precision_lower_bound)}"
    said = f"precision {precision}, {bound}"
    write(figure, third_left(1), y, said, size=SMALL, width=THIRD)
    after = change.probabilities
    wanted = change.becomes if change.wanted is None else change.wanted
    pieces: Pieces = []
    for index, colour in ((wanted, palette.AGAINST), (change.target, palette.FOR)):
        if index in after:
            pieces.append((called(index, names), colour, True))
            pieces.append((percent(after[index]), palette.SECONDARY, False))
    put_words(figure, third_left(2), y, pieces, width=THIRD, size=SMALL)
