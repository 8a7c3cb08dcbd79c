"""A field as a figure and sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from seewhy.game.paired import Difference
from seewhy.metrics.measures import BY_KEY
from seewhy.run.comparison_drawing import SHOWN, WITH_OBJECT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seewhy.run.field import Field


def figure_of(field: Field) -> Figure:
    """Draw a panel per measure, a row per method."""
    from seewhy.show.field_figure import field_figure

    shown = shown_of(field)
    return field_figure(
        field.means,
        columns=[BY_KEY[key] for key in shown],
        best={key: field.best(key) for key in shown},
        n=len(field.lines),
        title=f"{field.model} · {len(field.lines)} picture{'s' * (len(field.lines) != 1)}",
        subtitle=f"budget {field.budget} · {field.costs} pictures classified in all · "
        f"protocol {field.protocol.hash}",
        notes=_notes(field),
    )


def sentences_of(field: Field) -> list[str]:
    """Say by every measure that is drawn who leads, and what cannot be told apart."""
    return [*(_standing(field, key) for key in shown_of(field)), *_beaten(field), *_failed(field)]


def _notes(field: Field) -> list[str]:
    """What the figure has room for: the first measure in words; the others can be seen."""
    standing = [_standing(field, key) for key in shown_of(field)[:1]]
    return [*standing, *_beaten(field), *_failed(field)]


def _standing(field: Field, key: str) -> str:
    from seewhy.show.field_words import standing_sentence

    leader = field.leader(key)
    assert leader is not None  # as it was measured
    pairs = [_seen_from(each, leader) for each in field.differences(key)]
    pairs = [each for each in pairs if each.first == leader]
    return standing_sentence(BY_KEY[key], leader, field.means[leader][key], pairs)


def _seen_from(pair: Difference, leader: str) -> Difference:
    """Turn a pair that the leader of the means loses: by rounding, or on the common pictures."""
    if pair.second != leader:
        return pair
    return replace(
        pair,
        first=leader,
        second=pair.first,
        mean=-pair.mean,
        low=None,
        high=None,
        separable=False,
    )


def _beaten(field: Field) -> list[str]:
    from seewhy.show.field_words import beaten_sentence

    beaten = beaten_sentence(field.means, field.methods, field.references)
    return [beaten] if beaten else []


def shown_of(field: Field) -> list[str]:
    """Name the measures that are drawn and told."""
    return [key for key in (*SHOWN, "srg_other", WITH_OBJECT) if key in field.ranking]


def _failed(field: Field) -> list[str]:
    count = len(field.failures)
    if not count:
        return []
    first = field.failures[0]
    pictures = f"{count} picture{'s' * (count > 1)}"
    return [f"{pictures} could not be compared, such as {first.picture}: {first.reason}"]
