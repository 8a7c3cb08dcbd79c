"""Sentences for a person who reads only words: factors and points instead of log-odds."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from math import exp

import numpy as np

from seewhy.game.fidelity import Fidelity
from seewhy.game.scores import Score
from seewhy.game.statistics import interval_factor
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.methods.explanation import Reading
from seewhy.show.row import Row

NOTHING_CERTAIN = "no region's effect is distinguishable from zero"

# R² from which a sum of separate effects tells most of the story, or only half of it.
_GOOD_FIDELITY = 0.8
_FAIR_FIDELITY = 0.5

_PLACES = (
    ("upper left", "top", "upper right"),
    ("left", "centre", "right"),
    ("lower left", "bottom", "lower right"),
)


def percent(share: float) -> str:
    """Say a share as a percentage, finer where it is small; never a rounded 0 or 100 %.

    Examples
    --------
    >>> percent(0.412), percent(0.0704), percent(0.9996), percent(0.0001), percent(1.0)
    ('41 %', '7.0 %', '> 99.9 %', '< 0.1 %', '100 %')
    """
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    fine = share not in (0.0, 1.0) and (share < 0.0995 or share >= 0.995)
    return f"{100 * share:.{int(fine)}f} %"


def whole_percent(share: float) -> str:
    """Say a share in whole percent, without the sign; 100 only where nothing at all is missing.

    Examples
    --------
    >>> whole_percent(0.924), whole_percent(0.998), whole_percent(1.0), whole_percent(-0.2)
    ('92', '99', '100', '0')
    """
    clipped = min(max(share, 0.0), 1.0)
    return "100" if clipped > 1 - 1e-9 else str(min(round(100 * clipped), 99))


def right_to_left(text: str) -> bool:
    """Tell whether a text has letters written from right to left."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def class_name(label: str) -> str:
    """Put a class's name on one line; one from right to left does not reorder what follows."""
    line = " ".join(label.split())
    return (
        f"\N{FIRST STRONG ISOLATE}{line}\N{POP DIRECTIONAL ISOLATE}"
        if right_to_left(line)
        else line
    )


def factor(effect: float) -> str:
    """Say an effect on log-odds, or on a log-probability, as the factor it is: exp |effect|.

    Examples
    --------
    >>> factor(0.8), factor(-0.8), factor(0.05), factor(3.0), factor(50.0)
    ('2.2', '2.2', '1.05', '20', 'over 1000')
    """
    if abs(effect) > 6.9:
        return "over 1000"
    ratio = exp(abs(effect))
    digits = 2 if ratio < 1.095 else 1 if ratio < 9.95 else 0
    return f"{ratio:.{digits}f}"


def amount(effect: float, score: Score) -> str:
    """Say the size of an effect, without its sign, to stand after "lowers the odds of a class".

    Examples
    --------
    >>> amount(-0.8, "log-odds"), amount(0.12, "probability"), amount(1.31, "raw")
    ('2.2-fold', 'by 12 points', 'by 1.3')
    """
    if score in ("log-odds", "log-probability"):
        return factor(effect) + "-fold"
    if score == "probability":
        points = _number(100 * abs(effect))
        return f"by {points} point" + ("" if points == "1" else "s")
    return f"by {_number(abs(effect))}"


def signed(effect: float, score: Score) -> str:
    """Say an effect with its direction, short enough for the end of a bar.

    Examples
    --------
    >>> signed(0.8, "log-odds"), signed(-0.8, "log-odds"), signed(-0.12, "probability")
    ('×2.2', '÷2.2', '−12')
    """
    if score in ("log-odds", "log-probability"):
        return ("×" if effect > 0 else "÷") + factor(effect).replace("over ", "")
    sign = "+" if effect > 0 else "−"
    return sign + _number(abs(effect) * (100 if score == "probability" else 1))


def scale(score: Score, *, against: bool, reading: Reading = "hiding") -> Score:
    """Return what values are in units of: against another class, log-odds unless raw.

    Such values are differences of log-probabilities whatever the score. Weights have
    no unit, and are written as raw numbers.
    """
    if reading == "weight":
        return "raw"
    return "log-odds" if against and score != "raw" else score


def unit_of(row: Row, score: Score) -> Score:
    """Return what the values of a row are in units of."""
    return scale(score, against=row.against is not None, reading=row.reading)


def whereabouts(segmentation: Segmentation, player: int) -> str:
    """Say where a superpixel lies within what the model sees, such as "upper left" or "centre".

    Parameters
    ----------
    segmentation : Segmentation
        Its centre of gravity falls into one of nine equal fields.
    player : int
        The superpixel.
    """
    return all_whereabouts(segmentation)[player]


def all_whereabouts(segmentation: Segmentation) -> list[str]:
    """Say of every superpixel where it lies; see `whereabouts`."""
    inside = segmentation.labels != OUTSIDE
    fields = []
    for axis, centres in enumerate(segmentation.centroids().T):
        extent = inside.any(axis=1 - axis).nonzero()[0]
        along = (centres - extent[0] + 0.5) / (extent[-1] - extent[0] + 1)
        fields.append(np.minimum(2, (3 * along).astype(int)).tolist())
    return [_PLACES[row][column] for row, column in zip(*fields, strict=True)]


def subject(row: Row, score: Score) -> str:
    """Say what the values of a row change: "the odds of minibus against passenger car"."""
    against = "" if row.against is None else f" against {class_name(row.against)}"
    return f"{_noun(row, score)} of {class_name(row.label)}{against}"


def row_sentence(row: Row, numbers: Mapping[int, int], *, score: Score, brief: bool = False) -> str:
    """Say what a class's strongest certain region does.

    Parameters
    ----------
    row : Row
        The class.
    numbers : mapping of int to int
        Superpixel to the number on its badge, see
        :func:`~seewhy.show.badges.number_regions`.
    score : str
        What the values are in units of.
    brief : bool
        Leave the class's name out, where it stands nearby.

    Returns
    -------
    str
        "Hiding region 1 lowers the odds of minibus 2.2-fold." An effect is an
        average over hiding and showing the other regions; on log-odds it is a factor,
        exp |value|. A share reads "Region 1 raises the odds of minibus 2.2-fold."
    """
    if not row.values.any():
        return _nothing(row.reading, "anything")
    drawn = _drawn(row, numbers)
    if not drawn:
        return NOTHING_CERTAIN[0].upper() + NOTHING_CERTAIN[1:] + "."
    effect = float(row.values[drawn[0]])
    region = f"region {numbers[drawn[0]]}"
    if row.reading == "weight":
        whose = "" if brief else f" for {class_name(row.label)}"
        return f"{region.capitalize()} weighs most{whose}: {_part(row, drawn[0])} of the map."
    what = _noun(row, score) if brief else subject(row, score)
    does = f"{_verb(effect, row.reading)} {what} {amount(effect, unit_of(row, score))}"
    acting = {"hiding": f"Hiding {region}", "showing": f"Showing {region}"}
    return f"{acting.get(row.reading, region.capitalize())} {does}."


def fidelity_sentence(fidelity: Fidelity, reading: Reading = "hiding") -> str:
    """Say how much of the model's answers the values explain: "linear part explains 92 % (89–94)".

    Parameters
    ----------
    fidelity : Fidelity
        R² and its 95 % interval; below zero the average predicts better.
    reading : str
        Of the values: shares are not made to predict half-hidden pictures, but may.
    """
    what = "sums of shares explain" if reading == "share" else "linear part explains"
    if fidelity.r2 <= 0:
        return f"{what} nothing" + (" of half-hidden pictures" if reading == "share" else "")
    r2 = whole_percent(fidelity.r2)
    between = "" if fidelity.kind == "all masks" else f" ({_range(fidelity)})"
    return f"{what} {r2} %{between} of the change"


def carried_sentence(row: Row) -> str:
    """Say how much of everything the drawn regions carry."""
    of = {"share": "all shares", "weight": "all weight"}.get(
        row.reading, "the linear part" if row.fidelity is None else "that"
    )
    return f"drawn regions carry {whole_percent(row.drawn_share())} % of {of}"


def summary(
    row: Row,
    numbers: Mapping[int, int],
    *,
    score: Score,
    segmentation: Segmentation | None = None,
) -> str:
    """Say in two plain sentences what spoke for and against a class, and whether to trust it.

    Parameters
    ----------
    row : Row
        The class.
    numbers : mapping of int to int
        Superpixel to the number on its badge.
    score : str
        What the values are in units of.
    segmentation : Segmentation, optional
        To say where the regions lie.

    Returns
    -------
    str
        The strongest region on each side, with its 95 % interval; then the R² in words.
    """
    if not row.values.any():
        return _nothing(row.reading, f"what the model says about {class_name(row.label)}")
    drawn = _drawn(row, numbers)
    sides = [
        next((player for player in drawn if row.values[player] * sign > 0), None)
        for sign in (1, -1)
    ]
    name = class_name(row.label)
    if row.against is None:
        heads = (f"for {name}", f"against {name}")
    else:
        heads = (
            f"for {name} rather than {class_name(row.against)}",
            f"for {class_name(row.against)}",
        )
    told = [
        f"{head}: {_region(row, numbers[player], player, score, segmentation)}"
        for head, player in zip(heads, sides, strict=True)
        if player is not None
    ]
    if not told:
        first = f"For {class_name(row.label)}, {NOTHING_CERTAIN}."
    else:
        joined = "; ".join(told)
        first = "What spoke most " + joined + "."
    return f"{first} {_trust(row)}"


def _drawn(row: Row, numbers: Mapping[int, int]) -> list[int]:
    sure = row.certain()
    strongest = row.strongest(len(row.values))
    return [player for player in strongest if sure[player] and player in numbers]


def _noun(row: Row, score: Score) -> str:
    return {"log-odds": "the odds", "raw": "the score"}.get(unit_of(row, score), "the probability")


def _verb(effect: float, reading: Reading) -> str:
    return "lowers" if (effect > 0) == (reading == "hiding") else "raises"


def _part(row: Row, player: int) -> str:
    """How much of all weight a region has."""
    return percent(float(abs(row.values[player]) / np.abs(row.values).sum()))


def _region(
    row: Row, number: int, player: int, score: Score, segmentation: Segmentation | None
) -> str:
    effect = float(row.values[player])
    unit = unit_of(row, score)
    where = "" if segmentation is None else f" ({whereabouts(segmentation, player)})"
    between = ""
    if row.standard_error is not None:
        reach = interval_factor() * float(row.standard_error[player])
        low, high = abs(effect) - reach, abs(effect) + reach
        between = f" ({_bare(low, unit)}–{_bare(high, unit)})"
    if row.reading == "weight":
        return f"region {number}{where}, with {_part(row, player)} of the map"
    does = f"{_verb(effect, row.reading)} {_noun(row, score)} {amount(effect, unit)}{between}"
    acting = {"hiding": "hiding it", "showing": "showing it"}.get(row.reading, "which")
    return f"region {number}{where}, {acting} {does}"


def _bare(effect: float, unit: Score) -> str:
    if unit in ("log-odds", "log-probability"):
        return factor(effect)
    return _number(effect * (100 if unit == "probability" else 1))


def _trust(row: Row) -> str:
    fidelity = row.fidelity
    if fidelity is None or row.reading == "share":
        return _sum_of_values(row)
    if fidelity.r2 <= 0:
        return (
            "Added up, the effects predict no better than the average does: ask about more "
            "masked pictures before reading anything into them."
        )
    explains = f"Added up, the effects explain {whole_percent(fidelity.r2)} %"
    if fidelity.kind != "all masks":
        explains += f" ({_range(fidelity)})"
    if fidelity.low >= _GOOD_FIDELITY:
        verdict = "so they can be read one by one"
    elif fidelity.r2 >= _FAIR_FIDELITY:
        verdict = "so regions also act together: read them as averages"
    else:
        verdict = "so regions act mostly together: do not read them one by one"
    return f"{explains} of what hiding regions changes, {verdict}."


def _nothing(reading: Reading, what: str) -> str:
    """Say that every value is zero."""
    if reading == "weight":
        return "The map is empty: no region speaks for it."
    if reading == "share":
        return f"No region has a share in {what}."
    return f"Hiding regions does not change {what}."


def _sum_of_values(row: Row) -> str:
    if row.reading == "weight":
        return "Weights rank regions; they do not add up to anything."
    if row.reading != "share":
        return "How well these effects add up was not measured."
    sums = "The shares of all regions add up to what hiding everything changes"
    if row.completeness_gap is not None:
        sums = "The shares of all regions add up to the difference from the reference"
        if row.completeness_gap >= 1e-6:
            sums += f", within {percent(row.completeness_gap)}"
    if row.fidelity is None:
        return sums + "."
    if row.fidelity.r2 <= 0:
        return sums + "; of half-hidden pictures their sums explain nothing: regions act together."
    r2 = whole_percent(row.fidelity.r2)
    between = "" if row.fidelity.kind == "all masks" else f" ({_range(row.fidelity)})"
    return f"{sums}; of half-hidden pictures their sums explain {r2} %{between}."


def _range(fidelity: Fidelity) -> str:
    return f"{whole_percent(fidelity.low)}–{whole_percent(fidelity.high)}"


def _number(size: float) -> str:
    """Two digits that matter, whole numbers from 10 on."""
    if size == 0:
        return "0"
    text = f"{size:.2g}" if abs(size) < 10 else f"{size:.0f}"
    return text.replace("-", "−")
