"""A misread picture as a story: what the model said, why, what keeps it, and what would turn it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seewhy.game.scores import Score
from seewhy.image.segmentation import Segmentation
from seewhy.show.badges import number_regions
from seewhy.show.row import Row
from seewhy.show.rule_words import called, counted, places, precision_percent
from seewhy.show.words import class_name, percent, row_sentence, whereabouts

if TYPE_CHECKING:
    from seewhy.methods.change import Change
    from seewhy.methods.rule import Rule

# So many numbers can be listened to; of more regions their count and places are said.
_MOST_LISTED = 6

_ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass(frozen=True)
class TrueClass:
    """What a picture really shows, and what the model makes of that.

    Attributes
    ----------
    label : str
        Any text is safe.
    probability : float or None
        What the model gives it; None for raw outputs.
    rank : int
        Its place among the model's classes, from 1.
    """

    label: str
    probability: float | None
    rank: int


def story_numbers(row: Row, rule: Rule, change: Change, *, top: int = 6) -> dict[int, int]:
    """Number the regions of a story once: by what they did, then in the rule, then in the change.

    Parameters
    ----------
    row : Row
        Why the model says P rather than Q.
    rule, change : Rule, Change
        What keeps P, and what turns it.
    top : int
        Only regions among the so many strongest of ``row`` come first.

    Returns
    -------
    dict of int to int
        Superpixel to number 1, 2, …
    """
    first = number_regions([row], top=top)
    order = dict.fromkeys((*first, *rule.superpixels, *change.hide))
    return {player: number for number, player in enumerate(order, start=1)}


def story(
    row: Row,
    rule: Rule,
    change: Change,
    *,
    true: TrueClass,
    predictions: Sequence[tuple[str, float | None]],
    names: Mapping[int, str],
    numbers: Mapping[int, int],
    segmentation: Segmentation,
    score: Score = "log-odds",
    top: int = 6,
) -> str:
    """Tell in one paragraph why a picture was misread, and what it would take to read it right.

    Parameters
    ----------
    row : Row
        Why the model says its first class P rather than Q: the true class, or, where the
        model is right, its rival.
    rule : Rule
        What is enough to keep P.
    change : Change
        What turns P into Q.
    true : TrueClass
        What the picture really shows.
    predictions : sequence of (label, probability or None)
        Likeliest first; at least one.
    names : mapping of int to str
        Class to its name.
    numbers : mapping of int to int
        Superpixel to its number in the figure; see :func:`story_numbers`.
    segmentation : Segmentation
        To say where regions lie.
    score : str
        What the values of ``row`` are in units of.
    top : int
        How many of the strongest regions of ``row`` count.

    Returns
    -------
    str
        Four to six sentences.
    """
    told = [
        _said(row, true, predictions),
        *_contrast(row, numbers, segmentation, score, top),
        _kept(rule, numbers, segmentation, names),
        _turned(change, numbers, segmentation, names),
        _both(rule, change, numbers),
    ]
    return " ".join(sentence for sentence in told if sentence)


def ordinal(number: int) -> str:
    """Say a place: in words up to the fifth.

    Examples
    --------
    >>> [ordinal(number) for number in (1, 5, 11, 22, 103, 113)]
    ['first', 'fifth', '11th', '22nd', '103rd', '113th']
    """
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}" + {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def _said(row: Row, true: TrueClass, predictions: Sequence[tuple[str, float | None]]) -> str:
    label, probability = predictions[0]
    first = class_name(label)
    surely = "" if probability is None else f" ({percent(probability)})"
    if true.rank == 1:
        rival = "" if row.against is None else f"; its rival is {class_name(row.against)}"
        given = next((share for name, share in predictions[1:] if name == row.against), None)
        if rival and given is not None:
            rival += f" ({percent(given)})"
        return f"The model says {first}{surely}, and that is right{rival}."
    place = f"its {ordinal(true.rank)} guess"
    if true.probability is not None:
        place += f", at {percent(true.probability)}"
    name = class_name(true.label)
    return f"The model says {first}{surely}, but the true class is {name}, {place}."


def _contrast(
    row: Row,
    numbers: Mapping[int, int],
    segmentation: Segmentation,
    score: Score,
    top: int,
) -> list[str]:
    """What spoke most for the one class and for the other, and how much the stronger did."""
    sure = row.certain()
    drawn = [player for player in row.strongest(top) if sure[player] and player in numbers]
    one, other = (
        next((player for player in drawn if row.values[player] * sign > 0), None)
        for sign in (1, -1)
    )
    label = class_name(row.label)
    rather = "" if row.against is None else f" rather than {class_name(row.against)}"
    if not drawn:
        return [f"No single region surely speaks for {label}{rather}."]
    parts = []
    if one is not None:
        parts.append(f"{_region(one, numbers, segmentation)} speaks most for {label}{rather}")
    if other is not None:
        against = "against it" if row.against is None else f"for {class_name(row.against)}"
        speaks = "most" if parts else "speaks most"
        parts.append(f"{_region(other, numbers, segmentation)} {speaks} {against}")
    joined = ", ".join(parts)
    strongest = {player: numbers[player] for player in drawn[:1]}
    return [
        _capital(joined) + ".",
        row_sentence(row, strongest, score=score),
    ]


def _kept(
    rule: Rule, numbers: Mapping[int, int], segmentation: Segmentation, names: Mapping[int, str]
) -> str:
    """What is enough to keep the answer."""
    if rule.status == "trivially_robust":
        return f"No region is needed for that: with regions hidden at random, it {_stayed(rule)}."
    kept = called(rule.target, names)
    if rule.status == "not_found":
        return f"No small set of regions was found that surely keeps {kept}."
    what = _list(rule.superpixels, numbers, segmentation)
    are, them = ("is", "it") if len(rule.superpixels) == 1 else ("are", "them")
    ahead = "" if rule.against is None else f" ahead of {called(rule.against, names)}"
    around = "hidden" if rule.method.background == "fill" else "exchanged"
    return (
        f"{_capital(what)} {are} enough to keep {kept}{ahead}: with {them} in place and the other "
        f"regions {around} at random, it {_stayed(rule)}."
    )


def _stayed(rule: Rule) -> str:
    if rule.precision < 1:
        return f"stayed in {precision_percent(rule.precision)} of cases"
    return "always stayed" if rule.exact else f"stayed in all {rule.draws} cases"


def _turned(
    change: Change,
    numbers: Mapping[int, int],
    segmentation: Segmentation,
    names: Mapping[int, str],
) -> str:
    """The smallest change, or that hiding cannot do it."""
    if change.status == "found":
        what = _list(change.hide, numbers, segmentation)
        becomes = called(change.becomes, names)
        given = change.probabilities.get(change.becomes)
        surely = "" if given is None else f", at {percent(given)}"
        caveat = "" if change.smallest else " (a smaller set was not ruled out)"
        return f"Hiding {what} turns the answer into {becomes}{surely}{caveat}."
    wanted = "anything else" if change.wanted is None else called(change.wanted, names)
    start = f"Hiding regions did not turn the answer into {wanted}"
    share = None if change.wanted is None else change.probabilities.get(change.wanted)
    if share is None or not change.hide:
        return f"{start}."
    what = _list(change.hide, numbers, segmentation)
    return f"{start}; nearest to it, hiding {what} gives it {percent(share)}."


def _both(rule: Rule, change: Change, numbers: Mapping[int, int]) -> str:
    """The regions that keep the answer and must go to turn it, where they are few."""
    if rule.status != "sufficient" or change.status != "found":
        return ""
    both = sorted(numbers[player] for player in {*rule.superpixels} & {*change.hide})
    if not both or len(both) > _MOST_LISTED // 2:
        return ""
    return f"{_numbered(both)} {'is' if len(both) == 1 else 'are'} part of both."


def _region(player: int, numbers: Mapping[int, int], segmentation: Segmentation) -> str:
    return f"region {numbers[player]} ({whereabouts(segmentation, player)})"


def _list(players: Collection[int], numbers: Mapping[int, int], segmentation: Segmentation) -> str:
    """Regions by their numbers; of many, how many and where."""
    ordered = sorted(players, key=numbers.__getitem__)
    where = places(ordered, segmentation)
    if len(players) > _MOST_LISTED:
        return f"{counted(len(players), 'region')} ({where})"
    listed = _numbered([numbers[player] for player in ordered])
    return f"{listed[0].lower()}{listed[1:]} ({where})"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _numbered(numbers: Sequence[int]) -> str:
    """Such as "Region 2" or "Regions 1, 2 and 3"."""
    if len(numbers) == 1:
        return f"Region {numbers[0]}"
    return f"Regions {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
