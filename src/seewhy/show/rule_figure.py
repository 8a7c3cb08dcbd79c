"""The figure of a rule: what is enough to keep a prediction, how surely, and what breaks it.

Imports matplotlib: load it only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped, UInt8
from matplotlib.figure import Figure

from seewhy.image.segmentation import Segmentation
from seewhy.show import palette
from seewhy.show.headings import draw_header, header_height
from seewhy.show.layout import GUTTER, MARGIN, WIDTH
from seewhy.show.lettering import write
from seewhy.show.render import soften
from seewhy.show.rule_charts import (
    charts_height,
    draw_charts,
    draw_members,
    members_height,
    rule_colour,
)
from seewhy.show.rule_strip import draw_strip, sections_of, strip_height
from seewhy.show.rule_words import called, rule_sentences
from seewhy.show.sheet import (
    BELOW_HEADS,
    LINE,
    ROOM,
    TALLEST,
    TEXT,
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
)
from seewhy.show.stage import Stage, checked_players, in_colour
from seewhy.show.style import own_style

if TYPE_CHECKING:
    from seewhy.methods.rule import Rule

_PICTURE = 2.95
_CHARTS = MARGIN + 2 * (_PICTURE + GUTTER) + 0.14
# A chart's head stands on the line of the pictures' heads.
_ABOVE_CHARTS = BELOW_HEADS + 0.1
_BELOW_ORIGINAL = 0.42
_BETWEEN_CHARTS = 0.14
_ABOVE_CAPTION = 0.4
_ABOVE_STRIP = 0.22
_BOTTOM = 0.16


def rule_figure(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    rule: Rule,
    *,
    names: Mapping[int, str],
    blanks: Mapping[str | None, UInt8[np.ndarray, "h w 3"]],
    title: str,
    subtitle: str,
) -> Figure:
    """Show which superpixels are enough to keep a prediction, how surely and how far.

    The rule's superpixels stay in full colour within one outline, the rest is grey. Beside
    it the picture, and charts of the precision with its bound, of how much may be hidden and of
    what every member does. Below it the same in words; typical masked pictures that kept the
    prediction, the worst that broke it, and other rules.

    Parameters
    ----------
    image : (h, w, c) array
        Floats in [0, 1] or uint8, 1 to 16 channels.
    segmentation : Segmentation
        Of the same height and width.
    rule : Rule
        What was found, certified or not.
    names : mapping of int to str
        Class to its name; any text is safe.
    blanks : mapping of str or None to uint8 array (h, w, 3)
        The picture with everything hidden, by what hides it: None for the fill, else a
        background's name. Masked pictures with another background are not shown.
    title, subtitle : str
        On the left and, in grey, on the right of the header.

    Returns
    -------
    matplotlib Figure
        9.6 inches wide at 200 dots per inch.

    Raises
    ------
    InputError
        If sizes do not agree, or the rule has superpixels that the segmentation has not.
    """
    for each in (rule, *rule.alternatives):
        checked_players("rule", each.superpixels, segmentation)
    with own_style():
        stage = Stage.of(image, segmentation)
        hidden = {name: stage.like(blank) for name, blank in blanks.items()}
        sections = sections_of(stage, rule, names, hidden)
        words = broken(" ".join(rule_sentences(rule, names, segmentation)), ROOM, size=TEXT)
        top = header_height(title, subtitle) + BELOW_HEADS
        body, members = _body(stage, rule, image.shape)
        caption = top + body + _ABOVE_CAPTION
        strip = caption + len(words) * LINE + _ABOVE_STRIP
        height = strip + strip_height(sections) if sections else strip - _ABOVE_STRIP
        figure = new_sheet(height + _BOTTOM)
        draw_header(figure, title, subtitle)
        head = rule_head(rule, names)
        if rule.superpixels and rule.against is None:
            size = f"{len(rule.superpixels)} of {segmentation.count}"
            head.append((size, palette.SECONDARY, False))
        put_words(figure, MARGIN, top - BELOW_HEADS, head, width=_PICTURE)
        draw_rule(figure, stage, rule, _numbers(rule), Slot(MARGIN, top, _PICTURE, TALLEST))
        beside = MARGIN + _PICTURE + GUTTER
        write(figure, beside, top - BELOW_HEADS, "picture", size=TEXT)
        put_original(figure, image, segmentation, Slot(beside, top, _PICTURE, body))
        draw_charts(figure, rule, _CHARTS, top - _ABOVE_CHARTS, WIDTH - MARGIN - _CHARTS)
        draw_members(figure, rule, _numbers(rule), members.x, top + members.y, members.width)
        put_paragraph(figure, words, MARGIN, caption)
        draw_strip(figure, sections, strip)
    return figure


def _body(stage: Stage, rule: Rule, image_shape: tuple[int, ...]) -> tuple[float, Slot]:
    """How high the pictures and charts are, and where among them, from their top, members go.

    Below the original where there is room, else below the other charts.
    """
    picture = fit(stage.pixels.shape, _PICTURE, TALLEST)[1]
    original = fit(image_shape, _PICTURE, TALLEST)[1]
    charts = charts_height(rule) - _ABOVE_CHARTS
    members = members_height(rule)
    plain = max(picture, original, charts)
    if not members:
        return plain, Slot(_CHARTS, charts, 0.0, 0.0)
    below, beside = original + _BELOW_ORIGINAL, charts + _BETWEEN_CHARTS
    if max(plain, below + members) <= max(plain, beside + members):
        body = max(plain, below + members)
        return body, Slot(MARGIN + _PICTURE + GUTTER, body - members, _PICTURE, members)
    width = WIDTH - MARGIN - _CHARTS
    return max(plain, beside + members), Slot(_CHARTS, beside, width, members)


def draw_rule(
    figure: Figure,
    stage: Stage,
    rule: Rule,
    numbers: Mapping[int, int],
    slot: Slot,
) -> None:
    """Show a rule's superpixels in full colour and numbered, or say that there are none.

    Parameters
    ----------
    figure : Figure
        Where.
    stage : Stage
        The picture.
    rule : Rule
        Grey outlined where it is not certified.
    numbers : mapping of int to int
        Superpixel to the number on its badge.
    slot : Slot
        Room for the picture.
    """
    width, _ = fit(stage.pixels.shape, slot.width, slot.height)
    if not rule.superpixels:
        axes = put_picture(figure, soften(stage.pixels), slot)
        none = rule.status == "trivially_robust"
        put_note(axes, "no region is needed" if none else "no rule was found", width - 0.3)
        return
    axes = put_picture(figure, in_colour(stage, rule.superpixels, rule_colour(rule)), slot)
    shown = {player: numbers[player] for player in rule.superpixels}
    put_badges(axes, stage, shown, dict.fromkeys(shown, rule_colour(rule)), width=width)


def rule_head(rule: Rule, names: Mapping[int, str]) -> list[tuple[str, str, bool]]:
    """Say above a rule's picture what it shows, in pieces with colour and weight."""
    start = "nothing needed for" if rule.status == "trivially_robust" else "enough for"
    if rule.status == "not_found":
        start = "not certified: best for" if rule.superpixels else "nothing certified for"
    elif rule.against is not None and rule.superpixels:
        start = "keeps"
    pieces = [(start, palette.SECONDARY, False), (called(rule.target, names), palette.FOR, True)]
    if rule.against is not None:
        other = called(rule.against, names)
        pieces += [("ahead of", palette.SECONDARY, False), (other, palette.AGAINST, True)]
    return pieces


def _numbers(rule: Rule) -> dict[int, int]:
    return {player: number for number, player in enumerate(rule.superpixels, start=1)}
