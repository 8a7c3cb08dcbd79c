from __future__ import annotations

import math

import pytest

from seewhy.metrics.measures import BY_KEY, MEASURES, Measure, Number
from seewhy.show.comparison_words import (
    cost,
    head,
    interval,
    interval_ends,
    tick_words,
    with_interval,
    written,
)

RATE = Measure("x", "x", "higher", "x.")
SHARE = Measure("x", "x", "lower", "x.", "share")
COUNT = Measure("x", "x", None, "x.", "count")
SECONDS = Measure("x", "x", None, "x.", "seconds")


@pytest.mark.parametrize(
    ("value", "measure", "said"),
    [
        (0.6249, RATE, "0.62"),
        (-0.1, RATE, "−0.10"),
        (-0.001, RATE, "0.00"),
        (1.0, RATE, "1.00"),
        (0.41, SHARE, "41 %"),
        (0.0, SHARE, "0 %"),
        (1.0, SHARE, "100 %"),
        (0.004, SHARE, "< 1 %"),
        (0.996, SHARE, "> 99 %"),
        (0.994, SHARE, "99 %"),
        (62, COUNT, "62"),
        (1052, COUNT, "1\N{NARROW NO-BREAK SPACE}052"),
        (1234567, COUNT, "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567"),
        (2.14, SECONDS, "2.1 s"),
        (9.97, SECONDS, "10 s"),
        (128.4, SECONDS, "128 s"),
        (0.004, SECONDS, "< 0.1 s"),
        (0.0, SECONDS, "0.0 s"),
        (math.nan, RATE, "–"),
        (math.inf, COUNT, "–"),
    ],
)
def test_numbers_are_written_in_the_unit_of_their_measure(value, measure, said):
    assert written(Number(value), measure) == said


def test_what_is_missing_is_a_dash():
    assert written(None, RATE) == "–"
    assert with_interval(None, SHARE) == "–"
    assert interval(None, RATE) == ""


@pytest.mark.parametrize(
    ("number", "measure", "said"),
    [
        (Number(0.62, 0.551, 0.68), RATE, "0.55–0.68"),
        (Number(0.62, -0.551, 0.68), RATE, "−0.55…0.68"),
        (Number(-0.62, -0.7, -0.5), RATE, "−0.70…−0.50"),
        (Number(0.41, 0.36, 0.48), SHARE, "36–48 %"),
        (Number(3.0, 2.5, 12.1), SECONDS, "2.5–12 s"),
        (Number(3000, 2500, 3500), COUNT, "2\u202f500–3\u202f500"),
        (Number(0.5, None, 0.7), RATE, ""),
        (Number(0.5), RATE, ""),
        (Number(0.5, -math.inf, 0.7), RATE, ""),
        (Number(math.nan, 0.1, 0.7), RATE, ""),
    ],
)
def test_intervals(number, measure, said):
    assert interval(number, measure) == said
    if said:
        assert with_interval(number, measure) == f"{written(number, measure)} ({said})"
    else:
        assert interval_ends(number, measure) is None
        assert with_interval(number, measure) == written(number, measure)


def test_every_measure_has_a_head_that_says_which_way_is_better():
    for measure in MEASURES:
        arrow = {"higher": " ↑", "lower": " ↓", None: ""}[measure.better]
        assert head(measure) == measure.label + arrow


@pytest.mark.parametrize(
    ("value", "measure", "said"),
    [
        (0.5, RATE, "0.5"),
        (-0.5, RATE, "−0.5"),
        (0.30000000000000004, RATE, "0.3"),
        (-1e-17, RATE, "0"),
        (0.3 * 0.5, SHARE, "15 %"),
        (2000.0, COUNT, "2\u202f000"),
        (0.2, SECONDS, "0.2 s"),
    ],
)
def test_ticks_have_no_needless_digits(value, measure, said):
    assert tick_words(value, measure) == said


def test_what_it_cost_is_said_unless_there_is_a_column_for_it():
    numbers = {"seconds": Number(2.13), "evaluations": Number(1)}
    assert cost(numbers) == "2.1 s · 1 picture"
    assert cost({**numbers, "evaluations": Number(1052)}) == "2.1 s · 1\u202f052 pictures"
    assert cost(numbers, but=[BY_KEY["seconds"]]) == "1 picture"
    assert cost(numbers, but=[BY_KEY["seconds"], BY_KEY["evaluations"]]) == ""
    assert cost({}) == ""
