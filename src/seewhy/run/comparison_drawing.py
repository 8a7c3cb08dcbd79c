"""A comparison as figures and sentences: what they need of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seewhy.game.curves import Curve
from seewhy.methods.explanation import Attribution
from seewhy.methods.rule import Rule
from seewhy.metrics.measures import BY_KEY, Measure
from seewhy.metrics.scoreboard import Scores
from seewhy.run.answering import Explanation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seewhy.run.comparison import Comparison
    from seewhy.show.contestant import Contestant
    from seewhy.show.recommendation import Verdict

SHOWN = ("srg", "insertion", "deletion", "r2", "sufficient_area", "flip_area", "stability")
WITH_OBJECT = "localisation"
"""In the place of the last one but three, where the object is known."""


def recommendation_of(comparison: Comparison) -> list[str]:
    """Say in sentences which method to take here, and why."""
    return _verdict(comparison).sentences()


def contestants_of(comparison: Comparison) -> list[Contestant]:
    """Return what the figure's rows show."""
    found = zip(comparison.result.explanations, comparison.scoreboard.scores, strict=True)
    return [_contestant(comparison, explanation, scores) for explanation, scores in found]


def references_of(comparison: Comparison) -> list[Contestant]:
    """Return the rows that explain nothing."""
    return [_reference(comparison, scores) for scores in comparison.scoreboard.references]


def columns_of(comparison: Comparison) -> list[Measure]:
    """Return the measures that the figure has room for, of those that were taken."""
    keys = list(SHOWN)
    known = {key for scores in comparison.scoreboard.scores for key in scores.numbers}
    if WITH_OBJECT in known:
        keys.append(WITH_OBJECT)
    return [BY_KEY[key] for key in keys if key in known]


def figure_of(comparison: Comparison) -> Figure:
    """Draw a row per method."""
    from seewhy.show.comparison_figure import comparison_figure

    result = comparison.result
    costs = comparison.costs
    return comparison_figure(
        result.picture.pixels,
        result.segmentation,
        contestants_of(comparison),
        title=f"{_asked(comparison)} · {result.model.spec} · {result.picture.name}",
        subtitle=f"budget {comparison.budget} · {costs.total} pictures classified in all · "
        f"{result.segmentation.count} regions · fill: {result.fill['name']} · "
        f"protocol {comparison.protocol.hash}",
        columns=columns_of(comparison),
        verdict=recommendation_of(comparison),
        target=comparison.target.label,
        references=references_of(comparison),
    )


def consensus_figure_of(comparison: Comparison) -> Figure | None:
    """Draw where voices agree and where they do not; None without two of them."""
    found = comparison.consensus
    if found is None:
        return None
    from seewhy.show.consensus_figure import consensus_figure

    result = comparison.result
    return consensus_figure(
        result.picture.pixels,
        result.segmentation,
        agreed=found.agreed,
        disputed=[player for player in found.disputed if player not in found.agreed],
        voices=[voice.name for voice in found.voices],
        values={voice.name: voice.values for voice in found.voices},
        intervals={
            voice.name: voice.interval()
            for voice in found.voices
            if voice.standard_error is not None
        },
        title=f"{_asked(comparison)} · {result.model.spec} · {result.picture.name}",
        subtitle=f"Kendall's W {found.concordance:.2f} · {result.segmentation.count} regions",
        sentences=_consensus_sentences(comparison),
    )


def budget_figure_of(comparison: Comparison) -> Figure | None:
    """Draw quality against pictures asked; None where that was not measured."""
    curve = comparison.budget_curve
    if curve is None:
        return None
    from seewhy.show.budget_figure import budget_figure

    result = comparison.result
    return budget_figure(
        curve.points,
        measure=BY_KEY["srg"],
        title=f"{_asked(comparison)} · {result.model.spec} · {result.picture.name}",
        subtitle=f"{result.segmentation.count} regions · fill: {result.fill['name']} · "
        f"protocol {comparison.protocol.hash}",
    )


def _consensus_sentences(comparison: Comparison) -> list[str]:
    said = _verdict(comparison).agreement()
    spoken = comparison.consensus
    assert spoken is not None  # as there is a figure to be explained
    told = [f"{voice.name}: {voice.method}" for voice in spoken.voices]
    return [*said, f"Who speaks for them: {'; '.join(told)}."]


def _asked(comparison: Comparison) -> str:
    against = comparison.result.against
    label = comparison.target.label
    return label if against is None else f"{label} rather than {against.label}"


def _verdict(comparison: Comparison) -> Verdict:
    from seewhy.show.recommendation import Verdict

    rules = [each for each in comparison.result.explanations if isinstance(each, Rule)]
    certified = [rule.name for rule in rules if rule.status == "sufficient"]
    return Verdict(
        scoreboard=comparison.scoreboard,
        consensus=comparison.consensus,
        n_players=comparison.result.segmentation.count,
        repeats=comparison.repeats,
        rule=certified[0] if certified else None,
    )


def _contestant(comparison: Comparison, explanation: Explanation, scores: Scores) -> Contestant:
    from seewhy.show.contestant import Contestant

    first, last = _curves(scores)
    best = frozenset(key for key, names in comparison.best.items() if scores.name in names)
    if isinstance(explanation, Attribution):
        error = explanation.standard_error
        return Contestant(
            name=explanation.name,
            values=explanation.values[:, 0],
            standard_error=None if error is None else error[:, 0],
            members=None,
            kind="attribution",
            first=first,
            last=last,
            numbers=scores.numbers,
            best=best,
        )
    rule = isinstance(explanation, Rule)
    members = explanation.superpixels if isinstance(explanation, Rule) else explanation.hide
    values = np.zeros(comparison.result.segmentation.count)
    values[list(members)] = 1.0
    return Contestant(
        name=explanation.name,
        values=values,
        standard_error=None,
        members=members,
        kind="rule" if rule else "change",
        first=first,
        last=last,
        numbers=scores.numbers,
        best=best,
    )


def _reference(comparison: Comparison, scores: Scores) -> Contestant:
    from seewhy.show.contestant import Contestant

    first, last = _curves(scores)
    return Contestant(
        name=scores.name,
        values=np.zeros(comparison.result.segmentation.count),
        standard_error=None,
        members=None,
        kind="attribution",
        first=first,
        last=last,
        numbers=scores.numbers,
        best=frozenset(),
    )


def _curves(scores: Scores) -> tuple[Curve | None, Curve | None]:
    return (None, None) if scores.walks is None else (scores.walks.first, scores.walks.last)
