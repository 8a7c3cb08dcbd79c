"""Measured numbers in words: one way to write them for figures and terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from seewhy.metrics.measures import BY_KEY, Measure, Number

MISSING = "–"
"""Where a measure does not apply."""

_THIN = "\N{NARROW NO-BREAK SPACE}"
_UNITS = {"": "", "share": " %", "count": "", "seconds": " s"}
_ARROWS = {"higher": " ↑", "lower": " ↓"}
# From here on seconds need no tenths.
_WHOLE_SECONDS = 9.95


def head(measure: Measure) -> str:
    """Return a measure's label, and an arrow that says which way is better.

    Examples
    --------
    >>> from seewhy.metrics.measures import BY_KEY
    >>> head(BY_KEY["deletion"]), head(BY_KEY["sparsity"])
    ('deletion ↓', 'Gini')
    """
    return measure.label + ("" if measure.better is None else _ARROWS[measure.better])


def written(number: Number | None, measure: Measure) -> str:
    """Write a number in the unit of its measure; a dash where there is none.

    Parameters
    ----------
    number : Number or None
        Not finite is as good as None.
    measure : Measure
        Rates have two decimals, shares are whole per cent, never a rounded 0 or 100 %.

    Examples
    --------
    >>> from seewhy.metrics.measures import BY_KEY
    >>> written(Number(0.618), BY_KEY["srg"]), written(Number(0.41), BY_KEY["flip_area"])
    ('0.62', '41 %')
    >>> written(Number(0.002), BY_KEY["flip_area"]), written(None, BY_KEY["srg"])
    ('< 1 %', '–')
    """
    if number is None or not isfinite(number.value):
        return MISSING
    if measure.unit == "share" and 0 < number.value < 0.005:
        return "< 1 %"
    if measure.unit == "share" and 0.995 <= number.value < 1:
        return "> 99 %"
    if measure.unit == "seconds" and 0 < number.value < 0.05:
        return "< 0.1 s"
    return _bare(number.value, measure) + _UNITS[measure.unit]


def tick_words(value: float, measure: Measure) -> str:
    """Write a round number at an axis: no more digits than it has.

    Examples
    --------
    >>> from seewhy.metrics.measures import BY_KEY
    >>> tick_words(-0.5, BY_KEY["srg"]), tick_words(0.25, BY_KEY["flip_area"])
    ('−0.5', '25 %')
    """
    if measure.unit == "count":
        return _grouped(value)
    # a locator's zero may be off in the last bit
    rounded = round(value * (100 if measure.unit == "share" else 1), 9)
    return f"{rounded:g}".replace("-", "−" if rounded else "") + _UNITS[measure.unit]


def interval(number: Number | None, measure: Measure) -> str:
    """Write the ends of a number's interval; nothing where there is none.

    A minus sign after a dash would be hard to read, so that dots stand between then.

    Examples
    --------
    >>> from seewhy.metrics.measures import BY_KEY
    >>> interval(Number(0.62, 0.551, 0.68), BY_KEY["srg"])
    '0.55–0.68'
    >>> interval(Number(0.0, -0.12, 0.11), BY_KEY["srg"])
    '−0.12…0.11'
    >>> interval(Number(0.41, 0.36, 0.48), BY_KEY["flip_area"])
    '36–48 %'
    """
    ends = interval_ends(number, measure)
    if ends is None:
        return ""
    low, high = ends
    return low + joint(low, high) + high + _UNITS[measure.unit]


def interval_ends(number: Number | None, measure: Measure) -> tuple[str, str] | None:
    """Return how the two ends of a number's interval are written, without a unit."""
    if number is None or number.low is None or number.high is None:
        return None
    if not (isfinite(number.value) and isfinite(number.low) and isfinite(number.high)):
        return None
    return _bare(number.low, measure), _bare(number.high, measure)


def joint(low: str, high: str) -> str:
    """Return what stands between two ends of an interval."""
    return "…" if "−" in low + high else "–"


def with_interval(number: Number | None, measure: Measure) -> str:
    """Write a number and, in brackets, its interval.

    Examples
    --------
    >>> from seewhy.metrics.measures import BY_KEY
    >>> with_interval(Number(0.62, 0.551, 0.68), BY_KEY["srg"])
    '0.62 (0.55–0.68)'
    """
    between = interval(number, measure)
    return written(number, measure) + (f" ({between})" if between else "")


def cost(numbers: Mapping[str, Number], *, but: Sequence[Measure] = ()) -> str:
    """Say what an explanation cost: "2.1 s · 384 pictures".

    Parameters
    ----------
    numbers : mapping of str to Number
        Of "seconds" and "evaluations", as far as they are there.
    but : sequence of Measure
        What is said elsewhere.
    """
    said = {measure.key for measure in but}
    told = []
    if "seconds" in numbers and "seconds" not in said:
        told.append(written(numbers["seconds"], BY_KEY["seconds"]))
    if "evaluations" in numbers and "evaluations" not in said:
        asked = written(numbers["evaluations"], BY_KEY["evaluations"])
        told.append(f"{asked} picture{'s' * (asked != '1')}")
    return " · ".join(told)


def _bare(value: float, measure: Measure) -> str:
    if measure.unit == "count":
        return _grouped(value)
    digits = 2
    if measure.unit == "share":
        value, digits = 100 * value, 0
    if measure.unit == "seconds":
        digits = int(abs(value) < _WHOLE_SECONDS)
    text = f"{value:.{digits}f}"
    # a rounded −0.00 is 0.00
    return text.replace("-", "−" if float(text) else "")


def _grouped(value: float) -> str:
    return f"{round(value):,}".replace(",", _THIN).replace("-", "−")
