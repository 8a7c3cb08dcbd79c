from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest

from seewhy.methods.anchors import Anchors
from seewhy.show.row import Row
from seewhy.show.story_words import TrueClass, ordinal, story, story_numbers

PREDICTIONS = [("minibus", 0.61), ("passenger car", 0.22), ("cab", 0.05)]
TRUE = TrueClass("passenger car", 0.22, 2)


VALUES = (0, log(3), 0, 0, 0, 0, 0, 0, -log(2))


def row(values=VALUES, **settings):
    usual = {"against": "passenger car", "errors": 0.01} | settings
    errors = np.full(len(values), usual.pop("errors"))
    return Row("minibus", 0.61, np.array(values, float), errors, None, **usual)


@pytest.fixture
def tell(make_rule, make_change, make_cells, names):
    def paragraph(why=None, rule=None, change=None, *, true=TRUE, predictions=PREDICTIONS):
        why = row() if why is None else why
        rule = make_rule() if rule is None else rule
        change = make_change() if change is None else change
        return story(
            why,
            rule,
            change,
            true=true,
            predictions=predictions,
            names=names,
            numbers=story_numbers(why, rule, change),
            segmentation=make_cells(),
        )

    return paragraph


def test_a_misread_picture_in_full(tell):
    assert tell() == (
        "The model says minibus (61 %), but the true class is passenger car, its second guess, at "
        "22 %. Region 1 (top) speaks most for minibus rather than passenger car, region 2 (lower "
        "right) most for passenger car. Hiding region 1 lowers the odds of minibus against "
        "passenger car 3.0-fold. Regions 3 and 4 (centre, lower left) are enough to keep minibus: "
        "with them in place and the other regions hidden at random, it stayed in 98 % of cases. "
        "Hiding regions 3 and 5 (centre, upper left) turns the answer into passenger car, at 48 %. "
        "Region 3 is part of both."
    )


def test_one_region_has_one_number(make_rule, make_change):
    numbers = story_numbers(row(), make_rule(superpixels=(8, 6)), make_change(hide=(1, 0, 6)))
    assert numbers == {1: 1, 8: 2, 6: 3, 0: 4}


def test_when_the_model_is_right_the_rival_is_named(tell):
    said = tell(true=TrueClass("minibus", 0.61, 1))
    start = "The model says minibus (61 %), and that is right; its rival is passenger car (22 %)."
    assert said.startswith(start)
    assert tell(row(against=None), true=TrueClass("minibus", None, 1)).startswith(
        "The model says minibus (61 %), and that is right. Region 1 (top) speaks most for minibus, "
        "region 2 (lower right) most against it."
    )


@pytest.mark.parametrize(
    ("true", "said"),
    [
        (TrueClass("tram", 0.0004, 31), "tram, its 31st guess, at < 0.1 %."),
        (TrueClass("tram", None, 9), "tram, its 9th guess."),
        (TrueClass("tram", 0.01, 9), "tram, its 9th guess, at 1.0 %."),
    ],
)
def test_a_true_class_far_down(tell, true, said):
    assert f"but the true class is {said}" in tell(true=true)


def test_nothing_certain_speaks(tell):
    assert "No single region surely speaks for minibus rather than passenger car." in tell(
        row(errors=9.0)
    )


def test_only_one_side_speaks(tell):
    against = tell(row((-1.0, *[0.0] * 8)))
    assert (
        ". Region 1 (upper left) speaks most for passenger car. Hiding region 1 raises" in against
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"status": "trivially_robust", "superpixels": (), "without": (), "precision": 1.0},
            "No region is needed for that: with regions hidden at random, it stayed in all 214 "
            "cases.",
        ),
        (
            {"status": "not_found"},
            "No small set of regions was found that surely keeps minibus.",
        ),
        (
            {"superpixels": (4,), "without": (0.1,), "exact": True, "precision": 1.0},
            "Region 3 (centre) is enough to keep minibus: with it in place and the other regions "
            "hidden at random, it always stayed.",
        ),
        (
            {"against": 1, "method": Anchors(background="pictures")},
            "are enough to keep minibus ahead of passenger car: with them in place and the other "
            "regions exchanged at",
        ),
        (
            {"superpixels": tuple(range(7)), "without": (0.5,) * 7},
            "7 regions (in many places) are enough to keep minibus",
        ),
    ],
)
def test_what_keeps_the_answer(tell, make_rule, settings, said):
    assert said in tell(rule=make_rule(**settings))


def test_hiding_cannot_turn_it(tell, make_change):
    failed = make_change(status="not_found", becomes=0)
    said = tell(change=failed)
    assert said.endswith(
        "Hiding regions did not turn the answer into passenger car; nearest to it, hiding regions "
        "3 and 5 (centre, upper left) gives it 48 %."
    )
    assert "part of both" not in said
    assert tell(change=replace(failed, hide=())).endswith("turn the answer into passenger car.")
    assert tell(change=replace(failed, wanted=None)).endswith("turn the answer into anything else.")


def test_places_in_order():
    assert [ordinal(n) for n in (2, 12, 21, 32, 43, 111)] == [
        "second", "12th", "21st", "32nd", "43rd", "111th",
    ]  # fmt: skip


def test_hostile_names_stay_on_one_line(make_rule, make_change, make_cells, hostile_names):
    name = hostile_names[0]
    why = replace(row(), label=name, against=name)
    rule, change = make_rule(), make_change()
    said = story(
        why,
        rule,
        change,
        true=TrueClass(name, None, 2),
        predictions=[(name, None)],
        names=hostile_names,
        numbers=story_numbers(why, rule, change),
        segmentation=make_cells(),
    )
    assert "\n" not in said
    assert "its second guess." in said


def test_a_change_that_may_not_be_the_smallest_says_so(tell, make_change):
    assert "at 48 % (a smaller set was not ruled out)." in tell(change=make_change(smallest=False))
