"""The scoreboard of a comparison, as an entry of a view document: written, as it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seewhy.metrics.measures import MEASURES, Measure
from seewhy.run.comparison_drawing import recommendation_of
from seewhy.show.comparison_words import interval, written

if TYPE_CHECKING:
    from seewhy.metrics.scoreboard import Scores
    from seewhy.run.comparison import Comparison

Json = dict[str, Any]


def comparison_entry(comparison: Comparison) -> Json:
    """Write every number of a scoreboard, and what to make of them.

    Returns
    -------
    dict
        A column per measure that was taken, in the order in which measures are told.
    """
    board = comparison.scoreboard
    known = {key for scores in board.scores for key in scores.numbers}
    measures = [measure for measure in MEASURES if measure.key in known]
    return {
        "columns": [_column(measure) for measure in measures],
        "rows": [_row(scores, measures, comparison) for scores in board.scores],
        "references": [_row(scores, measures, comparison) for scores in board.references],
        "recommendation": recommendation_of(comparison),
        "refused": dict(comparison.refused),
        "budget": comparison.budget,
        "repeats": comparison.repeats,
        "protocol": comparison.protocol.hash,
    }


def _column(measure: Measure) -> Json:
    return {
        "key": measure.key,
        "label": measure.label,
        "meaning": measure.meaning,
        "better": measure.better,
        "unit": measure.unit,
    }


def _row(scores: Scores, measures: Sequence[Measure], comparison: Comparison) -> Json:
    numbers = scores.numbers
    between = {each.key: interval(numbers.get(each.key), each) for each in measures}
    return {
        "name": scores.name,
        "texts": {each.key: written(numbers.get(each.key), each) for each in measures},
        "intervals": {key: ends for key, ends in between.items() if ends},
        "best": [each.key for each in measures if scores.name in comparison.best.get(each.key, ())],
    }
