from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seewhy.game.robustness import Level, Transplant
from seewhy.methods.anchors import Anchors
from seewhy.methods.rule import Example
from seewhy.show.rule_words import (
    bound_percent,
    change_sentences,
    places,
    precision_percent,
    rule_sentences,
)


@pytest.fixture
def say(make_rule, make_cells, names):
    def sentences(**settings):
        return rule_sentences(make_rule(**settings), names, make_cells())

    return sentences


@pytest.fixture
def say_change(make_change, make_cells, names):
    def sentences(**settings):
        return change_sentences(make_change(**settings), names, make_cells())

    return sentences


def test_a_sufficient_rule_in_full(say):
    others = (Example((0, 1, 2, 3, 5), 1, -0.7),)
    assert say(breaks=others) == [
        "2 of 9 regions (22 % of what the model sees: centre, lower left) are enough for minibus: "
        "with them in place, the model kept saying so in 98 % of 214 pictures whose other regions "
        "were hidden at random (at least 95.2 % with 95 % confidence).",
        "With 80 % of the rest hidden it held in 61 of 64 pictures, with 90 % it held in 45 of "
        "64 pictures.",
        "None of them can be left out; without region 1 (centre), the rest held in only 62 %.",
        "The worst counterexample hides 5 of the 7 others and reads as passenger car.",
    ]


def test_one_region_is_one(say):
    first, _, needed, *_ = say(superpixels=(4,), without=(0.5,), area=1 / 9)
    assert first.startswith("1 of 9 regions (11 % of what the model sees: centre) is enough")
    assert ": with it in place, " in first
    assert needed == "It cannot be left out; without it, the rest held in only 50 %."


def test_all_draws_kept_and_one_draw(say):
    assert " in all 214 pictures whose " in say(precision=1.0)[0]
    assert " in all 1 picture whose " in say(precision=1.0, draws=1)[0]


@pytest.mark.parametrize(
    ("precision", "draws", "said"),
    [
        (1.0, 512, "kept saying so in all 512 pictures there are."),
        (1.0, 2, "kept saying so in both pictures there are."),
        (1.0, 1, "kept saying so in the only picture there is."),
        (0.96875, 128, "in 96.9 % of cases (all 128 pictures there are were asked)."),
    ],
)
def test_what_is_exact_has_no_bound(say, precision, draws, said):
    first = say(precision=precision, precision_lower_bound=precision, draws=draws, exact=True)[0]
    assert first.endswith(said)
    assert "at least" not in first


def test_with_everything_hidden_there_is_but_one_picture(say):
    first = say(exact=True, precision=1.0, draws=1, method=Anchors(hidden=1.0))[0]
    assert first.endswith(
        "are enough for minibus: with all others hidden, the model still says so."
    )


def test_a_rule_against_one_class(say):
    first = say(against=1)[0]
    assert (
        "are enough to keep minibus ahead of passenger car: with them in place, it stayed" in first
    )
    carried = say(against=1, transplants=(Transplant("a", 0, True),) * 2)[3]
    assert carried == "Put on 2 other pictures, they keep that lead in all 2."


def test_what_showed_through_and_how_often_it_was_hidden(say):
    method = Anchors(background="pictures", hidden=0.8)
    worst = (Example((0, 8), 2, -0.2, "golden retriever"),)
    told = say(method=method, breaks=worst)
    assert (
        " were exchanged at random for those of other pictures, 80 % of the time (at least"
        in told[0]
    )
    assert told[-1] == (
        "The worst counterexample hides 2 regions (upper left, lower right) behind parts of golden "
        "retriever and reads as cab."
    )


@pytest.mark.parametrize(
    ("kept", "total", "said"),
    [
        (3, 11, "Put on 11 other pictures, they keep the prediction in 3."),
        (11, 11, "Put on 11 other pictures, they keep the prediction in all 11."),
        (0, 11, "Put on 11 other pictures, they do not keep the prediction in any."),
        (1, 1, "Put on another picture, they keep the prediction."),
        (0, 1, "Put on another picture, they do not keep the prediction."),
    ],
)
def test_other_pictures(say, kept, total, said):
    put = tuple(Transplant(str(k), 0, k < kept) for k in range(total))
    assert said in say(transplants=put)
    alone = say(transplants=put, superpixels=(4,), without=(0.5,))
    expected = said.replace("they keep", "it keeps").replace("they do not", "it does not")
    assert expected in alone


def test_of_what_was_not_measured_nothing_is_said(say):
    told = say(without=(None, None), levels=(), breakdown=None, breaks=(), irreducible=False)
    assert told[1:] == ["Smaller rules were not ruled out."]
    shaky = {"irreducible": False, "breaks": ()}
    assert say(without=(0.6, 0.96), **shaky)[2] == (
        "Smaller rules were not ruled out: without region 2 (lower left), the rest held in 96 %."
    )
    assert say(without=(0.6, 0.94), **shaky)[2] == "Smaller rules were not ruled out."
    assert say(superpixels=(4,), without=(0.996,), **shaky)[2] == (
        "It may not be needed: without it, the rest held in 99.6 %."
    )
    assert say(without=(None, None))[2] == "None of them can be left out."
    one = {"superpixels": (4,), "without": (None,), "irreducible": False}
    assert len(say(**one, levels=(), breakdown=None, breaks=())) == 1


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (((1.0, 1, 1.0, 0.0),), "With all of the rest hidden it held."),
        (((1.0, 1, 0.0, 0.0),), "With all of the rest hidden it did not hold."),
        (
            ((0.8, 50, 0.96, 0.03), (0.9, 50, 0.9, 0.04)),
            "With 80 % of the rest hidden it held in 48 of 50 pictures, with 90 % it held in 45 of "
            "50 pictures.",
        ),
        (
            ((0.6, 48, 1.0, 0.01), (0.8, 48, 0.97, 0.03), (1.0, 1, 0.0, 0.0)),
            "With 80 % of the rest hidden it held in 47 of 48 pictures, with all it did not hold.",
        ),
        (((0.7, 32, 0.9, 0.0),), "With 70 % of the rest hidden it held in 90 % of cases."),
    ],
)
def test_how_far_it_holds(say, levels, said):
    beyond = tuple(Level(hidden, share, n, error) for hidden, n, share, error in levels)
    assert said in say(levels=(Level(0.5, 0.98, 200, 0.01), *beyond))


def test_its_own_level_is_not_told_twice(say):
    assert len(say(levels=(Level(0.5, 0.98, 200, 0.01),), breaks=())) == 2


def test_no_region_is_needed(say):
    empty = {"status": "trivially_robust", "superpixels": (), "without": (), "area": 0.0}
    told = say(**empty, breaks=(Example(tuple(range(9)), 1, -0.1),))
    assert told == [
        "No region is needed: with any of them hidden at random, the model kept saying minibus in "
        "98 % of 214 pictures (at least 95.2 % with 95 % confidence).",
        "With 80 % of the picture hidden it held in 61 of 64 pictures, with 90 % it held in 45 of "
        "64 pictures.",
        "So there is nothing to point at: hide more, or ask what keeps it ahead of one rival.",
        "The worst counterexample hides all 9 regions and reads as passenger car.",
    ]
    assert "it kept minibus ahead of cab in" in say(**empty, against=2)[0]
    assert "other pictures, or another fill" in say(**empty, breakdown=1.0)[2]


def test_nothing_was_certified(say):
    short = {"status": "not_found", "precision": 0.9, "precision_lower_bound": 0.8499}
    short |= {"levels": (), "breakdown": None, "breaks": ()}
    assert say(**short) == [
        "No rule that keeps minibus was certified within 500 pictures; the best found, 2 of 9 "
        "regions (22 % of what the model sees: centre, lower left), held in 90 % of 214 pictures "
        "whose other regions were hidden at random (at least 84.9 % with 95 % confidence)."
    ]
    best = say(**short, superpixels=(), without=())[0]
    assert "the best found, no region at all, held in 90 % of 214 pictures whose regions" in best


def test_other_rules(say, make_rule):
    other = make_rule(superpixels=(0,), area=1 / 9, precision=0.9996)
    assert say(alternatives=(other,))[-1] == (
        "Another rule shares no region with it: 1 region (11 %: upper left) that held in > 99.9 %."
    )
    two = say(alternatives=(other, replace(other, superpixels=(1, 2), precision=1.0)))[-1]
    assert two.startswith(
        "2 more rules share no region with it or each other: 1 region (11 %: upper"
    )
    assert two.endswith("; and 2 regions (11 %: top, upper right) that held in 100 %.")


def test_a_precision_never_looks_below_its_bound():
    rng = np.random.default_rng(0)
    for _ in range(500):
        low, high = np.sort(rng.uniform(0.85, 1.0, 2))
        below, above = (
            float(text.strip("> %")) for text in (bound_percent(low), precision_percent(high))
        )
        assert below <= above
        assert below <= 100 * low
    assert bound_percent(0.57) == "57 %"


def test_places_are_named_once_and_not_too_many(make_cells):
    cut = make_cells()
    assert places((0, 4, 8), cut) == "upper left, centre, lower right"
    assert places((0, 1, 2, 4, 5), cut) == "upper left, top, upper right and elsewhere"
    assert places(range(6), cut) == "in many places"
    assert places((0, 1, 2, 3), make_cells(down=2, across=2)) == (
        "upper left, upper right, lower left, lower right"
    )


def test_a_change_in_full(say_change):
    assert say_change() == [
        "Hiding 2 of 9 regions (22 % of what the model sees: upper left, centre) turns minibus "
        "(61 %) into passenger car (48 %; minibus 22 %).",
        "Fewer do not: all smaller sets were tried.",
    ]
    assert say_change(smallest=False)[1] == (
        "Both are needed, but another, smaller set was not ruled out."
    )
    assert say_change(smallest=False, hide=(0, 4, 5))[1].startswith("All 3 are needed, but")
    assert say_change(smallest=False, irreducible=False)[1] == (
        "The search was cut short: fewer may do."
    )
    assert len(say_change(hide=(4,))) == 1


def test_a_model_with_raw_outputs_has_no_percentages(say_change):
    first = say_change(before={}, probabilities={})[0]
    assert first.endswith(" turns minibus into passenger car.")


def test_no_change_was_found(say_change):
    told = say_change(status="not_found", becomes=2, probabilities={0: 0.3, 1: 0.12, 2: 0.31})
    assert told == [
        "Hiding regions did not make it passenger car in any of 300 pictures; nearest: hiding 2 of "
        "9 regions (22 % of what the model sees: upper left, centre), where the model says cab "
        "(31 %; passenger car 12 %)."
    ]
    still = say_change(status="not_found", wanted=None, becomes=0, probabilities={0: 0.4})[0]
    assert still.startswith("Hiding regions did not turn minibus into anything else in any of 300")
    assert still.endswith("where the model still says minibus (40 %).")
    nothing = say_change(status="not_found", hide=(), evaluations=1)
    assert nothing == [
        "Hiding regions did not make it passenger car in any of 1 picture, and nothing that was "
        "hidden brought it nearer."
    ]


def test_classes_without_a_name_and_hostile_ones(make_rule, make_change, make_cells, hostile_names):
    assert "enough for class 0:" in rule_sentences(make_rule(), {}, make_cells())[0]
    told = rule_sentences(make_rule(), hostile_names, make_cells())
    told += change_sentences(make_change(), hostile_names, make_cells())
    assert all("\n" not in sentence and "\t" not in sentence for sentence in told)
    if not hostile_names[0].strip():
        assert "enough for class 0:" in told[0]
    if "שלום" in hostile_names[0]:
        assert "\N{FIRST STRONG ISOLATE}" in told[0]
