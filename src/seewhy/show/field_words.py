"""What a comparison over many pictures says, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seewhy.game.paired import Difference
from seewhy.metrics.measures import BY_KEY, Measure, Number
from seewhy.show.comparison_words import with_interval, written

WORTH_TELLING = 0.005
"""Smaller differences are written as none."""


def standing_sentence(
    measure: Measure, leader: str, mean: Number, pairs: Sequence[Difference]
) -> str:
    """Say who leads by a measure, from whom that cannot be told, and how many pictures would.

    Parameters
    ----------
    measure : Measure
    leader : str
    mean : Number
        The leader's.
    pairs : sequence of Difference
        Of the leader and every other method.
    """
    said = f"{measure.label}: {leader} leads with {with_interval(mean, measure)}"
    close = sorted((each for each in pairs if not each.separable), key=lambda each: each.mean)
    if not pairs:
        return said + "."
    if not close:
        return said + ", ahead of every other method."
    n = max(each.n for each in close)
    said += f"; not separable at {n} picture{'s' * (n != 1)}: {_listed([e.second for e in close])}"
    return said + "." + _power(measure, leader, close)


def _power(measure: Measure, leader: str, close: Sequence[Difference]) -> str:
    """The nearest rival that differs at all, and the pictures it takes to tell."""
    telling = [each for each in close if each.mean >= WORTH_TELLING and each.pictures_needed]
    if not telling:
        return ""
    nearest = telling[0]
    gap = written(Number(nearest.mean), measure)
    return (
        f" A difference of {gap} ({leader} over {nearest.second}) needs about "
        f"{nearest.pictures_needed} pictures where it alone is tested."
    )


def beaten_sentence(
    means: Mapping[str, Mapping[str, Number]], methods: Sequence[str], references: Sequence[str]
) -> str:
    """Say which methods rank no better than a map that knows nothing of the network, by SRG."""
    key = "srg"
    told = []
    for reference in references:
        if key not in means[reference]:
            continue
        bar = means[reference][key].value
        below = [name for name in methods if key in means[name] and means[name][key].value <= bar]
        if below:
            told.append(
                f"{_listed(below)} reach{'es' * (len(below) == 1)} no more than "
                f"{reference.removeprefix('reference: ')} "
                f"({written(means[reference][key], BY_KEY[key])})"
            )
    return f"By SRG, {'; '.join(told)}." if told else ""


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
