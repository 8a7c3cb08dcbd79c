"""Sentences about rules and changes: what is enough to keep a prediction, what turns it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import floor
from typing import TYPE_CHECKING

from seewhy.image.segmentation import Segmentation
from seewhy.show.words import class_name, percent, whereabouts

if TYPE_CHECKING:
    from seewhy.game.robustness import Level
    from seewhy.methods.change import Change
    from seewhy.methods.rule import Rule

# Of the nine fields of a picture; regions in more of them are "in many places".
_PLACES_NAMED = 3
_FIELDS_OF_MANY = 6
_EVENLY = 0.5
_NOTHING_TO_POINT_AT = "So there is nothing to point at: "
_HIDE_MORE = "hide more, or ask what keeps it ahead of one rival."
_HIDE_OTHERWISE = "let other pictures, or another fill, show where regions are hidden."


def rule_sentences(rule: Rule, names: Mapping[int, str], segmentation: Segmentation) -> list[str]:
    """Say what is enough to keep a prediction, how surely and how far, and what breaks it.

    Parameters
    ----------
    rule : Rule
        What was found.
    names : mapping of int to str
        Class to its name; any text is safe.
    segmentation : Segmentation
        To say how many regions there are and where those of the rule lie.

    Returns
    -------
    list of str
        The first holds alone; the others add to it. Of what was not measured nothing is
        said.
    """
    told = [_first(rule, names, segmentation)]
    if rule.status != "not_found":
        told.append(_reach(rule))
    if rule.status == "sufficient":
        told.append(_needed(rule, segmentation))
    if rule.status == "trivially_robust":
        everywhere = rule.breakdown is not None and rule.breakdown >= 1
        told.append(_NOTHING_TO_POINT_AT + (_HIDE_OTHERWISE if everywhere else _HIDE_MORE))
    else:
        told.append(_carried(rule))
    told += [_worst(rule, names, segmentation), _others(rule, segmentation)]
    return [sentence for sentence in told if sentence]


def change_sentences(
    change: Change,
    names: Mapping[int, str],
    segmentation: Segmentation,
) -> list[str]:
    """Say which regions must be hidden for the model to say something else.

    Parameters
    ----------
    change : Change
        What was found.
    names : mapping of int to str
        Class to its name; any text is safe.
    segmentation : Segmentation
        To say how many regions there are and where the hidden ones lie.

    Returns
    -------
    list of str
    """
    target = called(change.target, names)
    if change.status == "not_found":
        return [_not_turned(change, names, segmentation)]
    start = f"{target}{_bracketed(_share_of(change.target, change.before))}"
    after = _probabilities(change, change.becomes, change.target, names)
    what = _regions(change.hide, change.area, segmentation)
    turned = f"Hiding {what} turns {start} into {called(change.becomes, names)}{after}."
    count = len(change.hide)
    if count < 2:
        return [turned]
    if change.smallest:
        return [turned, "Fewer do not: all smaller sets were tried."]
    if not change.irreducible:
        return [turned, "The search was cut short: fewer may do."]
    needed = "Both are needed" if count == 2 else f"All {count} are needed"
    return [turned, f"{needed}, but another, smaller set was not ruled out."]


def called(index: int, names: Mapping[int, str]) -> str:
    """Name a class, by its number where it has no name.

    Examples
    --------
    >>> called(3, {3: "minibus"}), called(4, {})
    ('minibus', 'class 4')
    """
    return class_name(names.get(index, "")) or f"class {index}"


def places(players: Iterable[int], segmentation: Segmentation) -> str:
    """Say where some superpixels lie, in their order: "centre, lower left"."""
    fields = list(dict.fromkeys(whereabouts(segmentation, player) for player in players))
    if len(fields) >= _FIELDS_OF_MANY:
        return "in many places"
    if len(fields) > _PLACES_NAMED + 1:
        return ", ".join(fields[:_PLACES_NAMED]) + " and elsewhere"
    return ", ".join(fields)


def precision_percent(precision: float) -> str:
    """Say a precision to a tenth of a percent, so that it never looks below its own bound.

    Examples
    --------
    >>> precision_percent(0.98), precision_percent(0.9523), precision_percent(0.99996)
    ('98 %', '95.2 %', '> 99.9 %')
    """
    if 0.999 < precision < 1 or 0 < precision < 0.001:
        return percent(precision)
    return f"{100 * precision:.1f}".removesuffix(".0") + " %"


def bound_percent(bound: float) -> str:
    """Say a lower bound to a tenth of a percent, rounded down.

    Examples
    --------
    >>> bound_percent(0.9529), bound_percent(0.95), bound_percent(0.99999)
    ('95.2 %', '95 %', '99.9 %')
    """
    # A hair, as 1000 × 0.57 falls short of 570.
    return f"{floor(1000 * bound + 1e-9) / 10:.1f}".removesuffix(".0") + " %"


def counted(count: int, noun: str) -> str:
    """Say how many: "1 region", "2 regions"."""
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _first(rule: Rule, names: Mapping[int, str], segmentation: Segmentation) -> str:
    kept = called(rule.target, names)
    goal = kept if rule.against is None else f"{kept} ahead of {called(rule.against, names)}"
    if rule.status == "trivially_robust":
        said = f"the model kept saying {kept}" if rule.against is None else f"it kept {goal}"
        whose = "all" if rule.method.hidden == 1 else "any"
        return f"No region is needed: with {whose} of them {_lot(rule)}, {said} {_held(rule)}."
    if rule.status == "not_found":
        return _not_certified(rule, goal, segmentation)
    size = len(rule.superpixels)
    them, are = ("it", "is") if size == 1 else ("them", "are")
    enough = f"enough for {kept}" if rule.against is None else f"enough to keep {goal}"
    what = _regions(rule.superpixels, rule.area, segmentation)
    filled = rule.method.background == "fill"
    if rule.method.hidden == 1 and filled and rule.exact and rule.precision == 1:
        still = "the model still says so" if rule.against is None else "it stays ahead"
        return f"{what} {are} {enough}: with all others hidden, {still}."
    said = "the model kept saying so" if rule.against is None else "it stayed ahead"
    return f"{what} {are} {enough}: with {them} in place, {said} {_held(rule)}."


def _held(rule: Rule) -> str:
    """How often a rule held, of how many pictures, and how surely."""
    every = rule.precision == 1
    if rule.exact:
        there_are = {1: "the only picture there is", 2: "both pictures there are"}
        everything = there_are.get(rule.draws, f"all {rule.draws} pictures there are")
        if every:
            return f"in {everything}"
        return f"in {precision_percent(rule.precision)} of cases ({everything} were asked)"
    share = "all" if every else f"{precision_percent(rule.precision)} of"
    others = "other regions" if rule.superpixels else "regions"
    hidden = "" if rule.status == "trivially_robust" else f" whose {others} were {_lot(rule)}"
    return f"in {share} {counted(rule.draws, 'picture')}{hidden} ({_surely(rule)})"


def _surely(rule: Rule) -> str:
    bound = bound_percent(rule.precision_lower_bound)
    return f"at least {bound} with {percent(rule.confidence)} confidence"


def _lot(rule: Rule) -> str:
    """What became of regions outside the rule."""
    if rule.method.hidden == 1:
        return "hidden" if rule.method.background == "fill" else "those of another picture"
    often = "" if rule.method.hidden == _EVENLY else f", {percent(rule.method.hidden)} of the time"
    if rule.method.background == "pictures":
        return f"exchanged at random for those of other pictures{often}"
    return f"hidden at random{often}"


def _not_certified(rule: Rule, goal: str, segmentation: Segmentation) -> str:
    asked = counted(rule.evaluations, "picture")
    start = f"No rule that keeps {goal} was certified within {asked}"
    if rule.superpixels:
        best = _regions(rule.superpixels, rule.area, segmentation)
    else:
        best = "no region at all"
    return f"{start}; the best found, {best}, held {_held(rule)}."


def _needed(rule: Rule, segmentation: Segmentation) -> str:
    size = len(rule.superpixels)
    measured = [
        (precision, number, player)
        for number, (player, precision) in enumerate(
            zip(rule.superpixels, rule.without, strict=True), start=1
        )
        if precision is not None
    ]

    def without(which: tuple[float, int, int]) -> str:
        precision, number, player = which
        region = "it" if size == 1 else f"region {number} ({whereabouts(segmentation, player)})"
        how = "in only" if rule.irreducible else "in"
        return f"without {region}, the rest held {how} {precision_percent(precision)}"

    if not rule.irreducible:
        told = "It may not be needed" if size == 1 else "Smaller rules were not ruled out"
        if measured and max(measured)[0] >= rule.method.precision:
            return f"{told}: {without(max(measured))}."
        return "" if size == 1 else f"{told}."
    told = "It cannot be left out" if size == 1 else "None of them can be left out"
    return f"{told}; {without(min(measured))}." if measured else f"{told}."


def _carried(rule: Rule) -> str:
    """On how many other pictures the prediction went along."""
    total = len(rule.transplants)
    if not total:
        return ""
    kept = sum(each.keeps for each in rule.transplants)
    it = "it" if len(rule.superpixels) == 1 else "they"
    the_prediction = "the prediction" if rule.against is None else "that lead"
    if total == 1:
        verb = ("keeps" if it == "it" else "keep") if kept else _not(it)
        return f"Put on another picture, {it} {verb} {the_prediction}."
    if not kept:
        return f"Put on {total} other pictures, {it} {_not(it)} {the_prediction} in any."
    share = f"all {total}" if kept == total else str(kept)
    verb = "keeps" if it == "it" else "keep"
    return f"Put on {total} other pictures, {it} {verb} {the_prediction} in {share}."


def _not(subject: str) -> str:
    return "does not keep" if subject == "it" else "do not keep"


def _reach(rule: Rule) -> str:
    """How often it held with more hidden: at the last level that held, and at the next."""
    beyond = [level for level in rule.levels if level.hidden > rule.method.hidden]
    held = [level for level in beyond if level.precision >= rule.method.precision]
    told = [*held[-1:], *beyond[len(held) :][:1]]
    if not told:
        return ""
    rest = "the picture" if rule.status == "trivially_robust" else "the rest"
    gone = "hidden" if rule.method.background == "fill" else "exchanged"
    first = f"With {_share(told[0])} of {rest} {gone} it {_held_at(told[0])}"
    return (
        ", ".join([first, *(f"with {_share(level)} it {_held_at(level)}" for level in told[1:])])
        + "."
    )


def _share(level: Level) -> str:
    return "all" if level.hidden >= 1 else percent(level.hidden)


def _held_at(level: Level) -> str:
    hits = round(level.precision * level.draws)
    if level.draws == 1:
        return "held" if hits else "did not hold"
    if level.standard_error == 0 and hits < level.draws:  # not all are equally likely
        return f"held in {precision_percent(level.precision)} of cases"
    return f"held in {hits} of {counted(level.draws, 'picture')}"


def _worst(rule: Rule, names: Mapping[int, str], segmentation: Segmentation) -> str:
    if not rule.breaks:
        return ""
    worst = rule.breaks[0]
    count = len(worst.hidden)
    others = segmentation.count - len(rule.superpixels)
    if count <= _PLACES_NAMED:
        what = f"{counted(count, 'region')} ({places(worst.hidden, segmentation)})"
    else:
        noun = "others" if rule.superpixels else "regions"
        what = f"{count} of the {others} {noun}" if others > count else f"all {count} {noun}"
    behind = ""
    if worst.background is not None:
        behind = f" behind parts of {class_name(worst.background)}"
    reads = called(worst.becomes, names)
    return f"The worst counterexample hides {what}{behind} and reads as {reads}."


def _others(rule: Rule, segmentation: Segmentation) -> str:
    told = []
    for other in rule.alternatives:
        what = f"{counted(len(other.superpixels), 'region')} ({percent(other.area)}"
        where = f"{places(other.superpixels, segmentation)})"
        told.append(f"{what}: {where} that held in {precision_percent(other.precision)}")
    if not told:
        return ""
    if len(told) == 1:
        return f"Another rule shares no region with it: {told[0]}."
    return f"{len(told)} more rules share no region with it or each other: {_and(told)}."


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{'; '.join(parts[:-1])}; and {parts[-1]}"


def _regions(players: Sequence[int], area: float, segmentation: Segmentation) -> str:
    """How many regions, how large, and where."""
    count, total = len(players), segmentation.count
    many = f"{count} of {counted(total, 'region')}"
    seen = f"{percent(area)} of what the model sees"
    return f"{many} ({seen}: {places(players, segmentation)})"


def _not_turned(change: Change, names: Mapping[int, str], segmentation: Segmentation) -> str:
    asked = counted(change.evaluations, "picture")
    target = called(change.target, names)
    if change.wanted is None:
        start = f"Hiding regions did not turn {target} into anything else in any of {asked}"
    else:
        wanted = called(change.wanted, names)
        start = f"Hiding regions did not make it {wanted} in any of {asked}"
    if not change.hide:
        return f"{start}, and nothing that was hidden brought it nearer."
    what = _regions(change.hide, change.area, segmentation)
    other = change.target if change.wanted is None else change.wanted
    after = _probabilities(change, change.becomes, other, names)
    says = "still says" if change.becomes == change.target else "says"
    return f"{start}; nearest: hiding {what}, where the model {says} " + (
        f"{called(change.becomes, names)}{after}."
    )


def _probabilities(change: Change, first: int, second: int, names: Mapping[int, str]) -> str:
    """What two classes have after the change: " (48 %; minibus 22 %)"."""
    one, two = (_share_of(index, change.probabilities) for index in (first, second))
    parts = [one] if one else []
    if two and second != first:
        parts.append(f"{called(second, names)} {two}")
    return _bracketed("; ".join(parts))


def _share_of(index: int, probabilities: Mapping[int, float]) -> str:
    return percent(probabilities[index]) if index in probabilities else ""


def _bracketed(text: str) -> str:
    return f" ({text})" if text else ""
