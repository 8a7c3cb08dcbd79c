"""A result as figures and sentences: what each kind of explanation needs to be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, UInt8

from seewhy.errors import InputError
from seewhy.methods.change import Change
from seewhy.methods.explanation import Attribution
from seewhy.methods.rule import Rule
from seewhy.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seewhy.run.answering import Explanation
    from seewhy.run.explained import Explained
    from seewhy.show.row import PixelMap, Row
    from seewhy.show.story_words import TrueClass

FIGURE_ROWS = 10


def rows_of(result: Explained, chosen: Explanation) -> list[Row]:
    """Return what the figure of an attribution shows: a row per target."""
    from seewhy.show.row import Row

    chosen = checked_attribution(chosen)
    gap = chosen.completeness_gap
    return [
        Row(
            label=target.label,
            probability=target.probability,
            values=chosen.values[:, t],
            standard_error=None if chosen.standard_error is None else chosen.standard_error[:, t],
            fidelity=None if chosen.fidelity is None else chosen.fidelity[t],
            against=None if result.against is None else result.against.label,
            reading=chosen.method.reading,
            pixel_map=_pixel_map(result, chosen, t),
            completeness_gap=None if gap is None else float(gap[t]),
        )
        for t, target in enumerate(result.targets)
    ]


def checked_attribution(chosen: Explanation) -> Attribution:
    """Refuse a rule or a change where values are wanted."""
    if not isinstance(chosen, Attribution):
        raise InputError(
            f"name must be that of a method that gives every superpixel a value; {chosen.name!r} "
            "names superpixels: see its .superpixels or .hide"
        )
    return chosen


def sentences_of(result: Explained, chosen: Explanation) -> list[str]:
    """Say in plain words what an explanation shows."""
    from seewhy.show.badges import number_regions
    from seewhy.show.rule_words import change_sentences, rule_sentences
    from seewhy.show.words import summary

    if isinstance(chosen, Rule):
        return rule_sentences(chosen, result.names, result.segmentation)
    if isinstance(chosen, Change):
        return change_sentences(chosen, result.names, result.segmentation)
    rows = rows_of(result, chosen)
    numbers = number_regions(rows)
    return [
        summary(row, numbers, score=result.score, segmentation=result.segmentation) for row in rows
    ]


def tells_story(result: Explained) -> bool:
    """Whether the true class is known, and what a story is told from is all there."""
    return _story_parts(result) is not None


def story_of(result: Explained) -> str:
    """Tell in a paragraph why a picture was taken for what it is not."""
    from seewhy.show.story_words import story, story_numbers

    attribution, rule, change = _told_parts(result)
    row = rows_of(result, attribution)[0]
    return story(
        row,
        rule,
        change,
        true=_true_class(result),
        predictions=[(each.label, each.probability) for each in result.predictions],
        names=result.names,
        numbers=story_numbers(row, rule, change),
        segmentation=result.segmentation,
        score=result.score,
    )


def story_figure_of(result: Explained) -> Figure:
    """Draw the story: what was said, why, what keeps it and what would change it."""
    from seewhy.show.story_figure import story_figure

    attribution, rule, change = _told_parts(result)
    return story_figure(
        result.picture.pixels,
        result.segmentation,
        rows_of(result, attribution)[0],
        rule,
        change,
        names=result.names,
        predictions=[(each.label, each.probability) for each in result.predictions],
        true=_true_class(result),
        blank=_blank(result),
        title=f"{result.model.spec} · {result.picture.name}",
        subtitle=f"{result.evaluations} pictures asked · {_regions_and_fill(result)}",
        paragraph=story_of(result),
    )


def figure_of(result: Explained, chosen: Explanation) -> Figure:
    """Draw one explanation."""
    title = f"{chosen.name.upper()} · {result.model.spec} · {result.picture.name}"
    asked = f"{chosen.evaluations} picture{'s'[: chosen.evaluations > 1]} asked"
    if isinstance(chosen, Attribution):
        return _attribution_figure(result, chosen, title, asked)
    shown: dict[str, Any] = {
        "names": result.names,
        "title": title,
        "subtitle": f"{asked} · {_regions_and_fill(result)}",
    }
    if isinstance(chosen, Rule) and chosen.method.background == "pictures":
        regions = f"{result.segmentation.count} regions"
        shown["subtitle"] = f"{asked} · {regions} · other pictures behind"
    picture = (result.picture.pixels, result.segmentation)
    if isinstance(chosen, Rule):
        from seewhy.show.rule_figure import rule_figure

        return rule_figure(*picture, chosen, blanks=_blanks(result), **shown)
    from seewhy.show.change_figure import change_figure

    return change_figure(*picture, chosen, blank=_blank(result), **shown)


def _attribution_figure(result: Explained, chosen: Attribution, title: str, asked: str) -> Figure:
    from seewhy.show.figures import attribution_figure

    rows = rows_of(result, chosen)
    shown = "" if len(rows) <= FIGURE_ROWS else f"{FIGURE_ROWS} of {len(rows)} classes · "
    return attribution_figure(
        result.picture.pixels,
        result.segmentation,
        rows[:FIGURE_ROWS],
        title=title,
        subtitle=f"{shown}{asked} · {result.segmentation.count} regions · "
        f"{_compared_with(result, chosen)}",
        score=result.score,
    )


def _compared_with(result: Explained, chosen: Attribution) -> str:
    """What a method holds the picture against, or where it looks."""
    layer = getattr(chosen.method, "layer", None)
    if layer is not None:
        return f"layer: {layer}"
    reference = getattr(chosen.method, "reference", "fill")
    return f"fill: {result.fill['name']}" if reference == "fill" else f"reference: {reference}"


def _regions_and_fill(result: Explained) -> str:
    return f"{result.segmentation.count} regions · fill: {result.fill['name']}"


def _pixel_map(result: Explained, chosen: Attribution, column: int) -> PixelMap | None:
    from seewhy.show.row import PixelMap

    if chosen.pixel_map is None:
        return None
    return PixelMap(chosen.pixel_map[column], _window(result))


def _window(result: Explained) -> tuple[float, float, float, float]:
    steps = Preprocessing.from_json(result.model.preprocessing)
    return steps.view(result.picture.height, result.picture.width)


def _blank(result: Explained) -> UInt8[np.ndarray, "h w 3"]:
    return _blanks(result)[None]


def _blanks(result: Explained) -> dict[str | None, UInt8[np.ndarray, "h w 3"]]:
    """The picture with everything hidden: by the fill, or by another picture."""
    from seewhy.show.hidden import with_everything_hidden

    behind: dict[str | None, Float32[np.ndarray, "h2 w2 c"]] = {None: result.hidden}
    behind.update(result.backdrops)
    picture = (result.picture.pixels, result.segmentation)
    window = _window(result)
    return {
        name: with_everything_hidden(*picture, pixels, window) for name, pixels in behind.items()
    }


def _story_parts(result: Explained) -> tuple[Attribution, Rule, Change] | None:
    found = result.explanations
    attribution = next((each for each in found if isinstance(each, Attribution)), None)
    rule = next((each for each in found if isinstance(each, Rule)), None)
    change = next((each for each in found if isinstance(each, Change)), None)
    if result.true is None or attribution is None or rule is None or change is None:
        return None
    return attribution, rule, change


def _told_parts(result: Explained) -> tuple[Attribution, Rule, Change]:
    parts = _story_parts(result)
    if parts is None:
        raise InputError(
            "a story needs the true class and three explanations, one that values every "
            "superpixel, anchors and a counterfactual: explain(…, true=…) gives them"
        )
    return parts


def _true_class(result: Explained) -> TrueClass:
    from seewhy.show.story_words import TrueClass

    true = result.true
    assert true is not None  # as the story's parts are there
    return TrueClass(true.label, true.probability, true.rank)
