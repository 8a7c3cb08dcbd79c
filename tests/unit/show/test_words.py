from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from seewhy.game.fidelity import Fidelity
from seewhy.image.segmentation import Segmentation
from seewhy.show import words
from seewhy.show.row import Row

NUMBERS = {1: 1, 0: 2, 2: 3}


def fidelity(r2=0.92, low=0.89, high=0.94, kind="held-out"):
    return Fidelity(r2, low, high, kind, 64, 0.9, 0.02, 0.08)


def row(values, errors=0.05, *, against=None, fit=None, label="minibus"):
    values = np.array(values, float)
    return Row(label, 0.4, values, np.full(len(values), errors), fit, against)


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "0 %"),
        (0.0009, "< 0.1 %"),
        (0.0704, "7.0 %"),
        (0.0996, "10 %"),
        (0.104, "10 %"),
        (0.9949, "99 %"),
        (0.9951, "99.5 %"),
        (0.99999, "> 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_percentages_never_round_to_none_or_all(share, said):
    assert words.percent(share) == said


def test_effects_on_log_odds_read_as_factors():
    assert words.factor(log(2.2)) == words.factor(-log(2.2)) == "2.2"
    assert words.factor(log(1.04)) == "1.04"
    assert words.factor(log(9.96)) == "10"
    assert words.factor(800.0) == "over 1000"
    for effect in np.linspace(0.01, 6.9, 200):
        assert float(words.factor(effect)) == pytest.approx(exp(effect), rel=0.05)


@pytest.mark.parametrize(
    ("values", "score", "against", "said"),
    [
        ([0, log(2.2), 0], "log-odds", None, "lowers the odds of minibus 2.2-fold"),
        ([0, -log(3), 1], "log-odds", None, "raises the odds of minibus 3.0-fold"),
        ([0, 0.7, 0], "probability", "cab", "lowers the odds of minibus against cab 2.0-fold"),
        ([0, 0.12, 0.1], "probability", None, "lowers the probability of minibus by 12 points"),
        ([0, 0.01, 0], "probability", None, "lowers the probability of minibus by 1 point"),
        ([0, 0.7, 0], "log-probability", None, "lowers the probability of minibus 2.0-fold"),
        ([0, -1.31, 0], "raw", None, "raises the score of minibus by 1.3"),
        ([0, 21.0, 0], "raw", "cab", "lowers the score of minibus against cab by 21"),
    ],
)
def test_hiding_the_strongest_region_in_words(values, score, against, said):
    sentence = words.row_sentence(row(values, 1e-4, against=against), NUMBERS, score=score)
    assert sentence == f"Hiding region 1 {said}."


def test_the_name_can_be_left_out():
    sentence = words.row_sentence(row([0, 0.8, 0]), NUMBERS, score="log-odds", brief=True)
    assert sentence == "Hiding region 1 lowers the odds 2.2-fold."


def test_an_uncertain_region_is_passed_over_however_large():
    uneven = Row("x", None, np.array([0.5, 4.0, 0.0]), np.array([0.1, 3.0, 0.1]), None)
    assert words.row_sentence(uneven, NUMBERS, score="raw").startswith("Hiding region 2 lowers")
    nothing = words.row_sentence(row([0.5, 0.4, 0], 1.0), NUMBERS, score="raw")
    assert nothing == "No region's effect is distinguishable from zero."


def test_fidelity_in_words():
    assert words.fidelity_sentence(fidelity()) == "linear part explains 92 % (89–94) of the change"
    exact = words.fidelity_sentence(fidelity(1.0, 1.0, 1.0, "all masks"))
    assert exact == "linear part explains 100 % of the change"
    worse = fidelity(-0.2, -0.7, 0.11)
    assert words.fidelity_sentence(worse) == "linear part explains nothing"
    assert "no better than the average" in words.summary(
        row([-0.4, 0.8, 0.3], fit=worse), NUMBERS, score="log-odds"
    )
    assert "99 % (98–99)" in words.fidelity_sentence(fidelity(0.998, 0.98, 0.999))


def test_a_summary_names_both_sides_with_intervals_and_says_what_to_trust():
    cut = Segmentation(np.array([[0, 1, 2]]).repeat(3, 0).repeat(3, 1))
    said = words.summary(
        row([-0.4, 0.8, 0.3], fit=fidelity()), NUMBERS, score="log-odds", segmentation=cut
    )
    assert said == (
        "What spoke most for minibus: region 1 (centre), hiding it lowers the odds 2.2-fold "
        "(2.0–2.5); against minibus: region 2 (left), hiding it raises the odds 1.5-fold "
        "(1.4–1.6). Added up, the effects explain 92 % (89–94) of what hiding regions changes, "
        "so they can be read one by one."
    )


def test_a_contrast_speaks_for_either_class():
    contrast = row([-0.4, 0.8, 0.3], against="cab")
    said = words.summary(contrast, NUMBERS, score="log-odds")
    assert "for minibus rather than cab: region 1, hiding it lowers the odds" in said
    assert "; for cab: region 2, hiding it raises the odds" in said
    assert said.endswith("How well these effects add up was not measured.")


@pytest.mark.parametrize(
    ("r2", "low", "verdict"),
    [(0.9, 0.85, "one by one."), (0.9, 0.7, "as averages."), (0.3, 0.1, "do not read them")],
)
def test_trust_follows_the_fidelity(r2, low, verdict):
    told = row([0, 0.8, 0], fit=fidelity(r2, low, 0.95))
    assert verdict in words.summary(told, NUMBERS, score="log-odds")


def test_nothing_certain_is_said():
    said = words.summary(row([0.1, 0.2, 0.1], 1.0), NUMBERS, score="log-odds")
    assert said.startswith("For minibus, no region's effect is distinguishable from zero. ")


def test_nine_places_within_what_the_model_sees():
    labels = np.arange(9).reshape(3, 3).repeat(4, 0).repeat(4, 1)
    cut = Segmentation(
        np.pad(labels, ((0, 0), (20, 2))),
        outside=np.pad(labels * 0 > 1, ((0, 0), (20, 2)), constant_values=True),
    )
    assert [words.whereabouts(cut, player) for player in range(9)] == [
        "upper left", "top", "upper right",
        "left", "centre", "right",
        "lower left", "bottom", "lower right",
    ]  # fmt: skip


def test_hostile_names_stay_on_one_line_and_in_their_place():
    said = words.row_sentence(row([0, 0.8, 0], label="a\nb"), NUMBERS, score="log-odds")
    assert "a b 2.2-fold" in said
    hebrew = words.row_sentence(row([0, 0.8, 0], label="חתול"), NUMBERS, score="log-odds")
    assert "\u2068חתול\u2069 2.2-fold" in hebrew


def reading(how, values, *, fit=None, gap=None, errors=0.05):
    return replace(row(values, errors, fit=fit), reading=how, completeness_gap=gap)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("hiding", "Hiding region 1 lowers the odds of minibus 2.2-fold."),
        ("showing", "Showing region 1 raises the odds of minibus 2.2-fold."),
        ("share", "Region 1 raises the odds of minibus 2.2-fold."),
        ("weight", "Region 1 weighs most for minibus: 79 % of the map."),
    ],
)
def test_a_value_is_read_as_what_it_is(how, said):
    shown = reading(how, [0.2, log(2.2), 0.01])
    assert words.row_sentence(shown, NUMBERS, score="log-odds") == said


def test_negative_shares_lower_and_negative_effects_raise():
    values = [0.0, -log(2.2), 0.0]
    share = words.row_sentence(reading("share", values), NUMBERS, score="log-odds")
    assert share == "Region 1 lowers the odds of minibus 2.2-fold."
    hiding = words.row_sentence(reading("hiding", values), NUMBERS, score="log-odds")
    assert hiding == "Hiding region 1 raises the odds of minibus 2.2-fold."


@pytest.mark.parametrize(
    ("how", "fit", "gap", "said"),
    [
        ("share", None, None, "add up to what hiding everything changes."),
        ("share", None, 1e-9, "add up to the difference from the reference."),
        ("share", None, 0.013, "add up to the difference from the reference, within 1.3 %."),
        ("share", fidelity(), None, "of half-hidden pictures their sums explain 92 % (89–94)."),
        ("share", fidelity(-0.2, -0.3, -0.1), None, "explain nothing: regions act together."),
        ("weight", None, None, "Weights rank regions; they do not add up to anything."),
        ("hiding", None, None, "How well these effects add up was not measured."),
        ("showing", fidelity(), None, "so they can be read one by one."),
    ],
)
def test_what_the_sum_of_all_values_is_worth(how, fit, gap, said):
    shown = reading(how, [0.2, log(2.2), 0.01], fit=fit, gap=gap)
    summary = words.summary(shown, NUMBERS, score="log-odds")
    assert said in summary
    assert summary.count("hiding it") == (how == "hiding")


def test_weights_have_no_unit():
    shown = reading("weight", [0.2, 0.6, 0.2], errors=0.0)
    assert words.unit_of(shown, "log-odds") == "raw"
    assert "region 1, with 60 % of the map" in words.summary(shown, NUMBERS, score="log-odds")
    assert words.carried_sentence(shown) == "drawn regions carry 100 % of all weight"


def test_carried_is_a_share_of_shares_or_of_variance():
    values = [0.6, 0.3, 0.1]
    assert words.carried_sentence(reading("share", values, errors=0.1)) == (
        "drawn regions carry 90 % of all shares"
    )
    assert words.carried_sentence(reading("hiding", values, errors=0.1)) == (
        "drawn regions carry 98 % of the linear part"
    )


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("hiding", "Hiding regions does not change what the model says about minibus."),
        ("showing", "Hiding regions does not change what the model says about minibus."),
        ("share", "No region has a share in what the model says about minibus."),
        ("weight", "The map is empty: no region speaks for it."),
    ],
)
def test_where_every_value_is_zero_there_is_one_thing_to_say(how, said):
    assert words.summary(reading(how, [0.0, 0.0]), NUMBERS, score="log-odds") == said
    assert not words.row_sentence(reading(how, [0.0]), NUMBERS, score="log-odds").endswith("-fold.")
