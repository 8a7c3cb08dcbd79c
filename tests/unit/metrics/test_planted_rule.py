"""Planted rules: what is said to be true of them is what their own decisions say."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.game.design import all_masks
from seewhy.metrics.planted_rule import PlantedRule, additive, all_of, any_of, at_least


@st.composite
def rules(draw):
    together = draw(st.integers(0, 4))
    weights = draw(st.lists(st.sampled_from([-1.0, 0.5, 2.0, 3.5]), max_size=3))
    if sum(weights) + 6 * (together > 0) < 2:
        weights = [3.5]
        together = 0
    needed = draw(st.integers(1, together)) if together else 0
    return PlantedRule(
        weights=tuple(weights),
        together=together,
        needed=needed,
        distractors=draw(st.integers(0, 2)),
    )


def log_odds(logits):
    rest = np.logaddexp(logits[:, 1], logits[:, 2])
    return logits[:, 0] - rest


@given(rules())
def test_the_game_is_the_log_odds_of_the_decision(rule):
    seen = all_masks(rule.n_marks).masks
    game = rule.game(range(rule.n_marks), rule.n_marks)
    np.testing.assert_allclose(game(seen)[:, 0], log_odds(rule.logits(seen)), atol=1e-12)


@given(rules(), st.integers(0, 2**32 - 1))
def test_marks_may_share_superpixels(rule, seed):
    owners = np.random.default_rng(seed).integers(0, 5, rule.n_marks)
    kept = all_masks(5).masks
    game = rule.game(owners.tolist(), 5)
    expected = log_odds(rule.logits(kept[:, owners]))
    np.testing.assert_allclose(game(kept)[:, 0], expected, atol=1e-12)


@given(rules())
def test_the_class_leads_with_everything_seen_and_not_with_nothing(rule):
    ends = np.array([[True], [False]]).repeat(rule.n_marks, axis=1)
    assert rule.leads(ends).tolist() == [True, False]


@pytest.mark.parametrize(
    ("rule", "main", "shapley"),
    [
        (additive(3.0, 2.0, -1.5), [3, 2, -1.5], [3, 2, -1.5]),
        (all_of(2), [3, 3], [3, 3]),
        (all_of(3), [1.5, 1.5, 1.5], [2, 2, 2]),
        (any_of(3), [1.5, 1.5, 1.5], [2, 2, 2]),
        (at_least(2, 3), [3, 3, 3], [2, 2, 2]),
        (PlantedRule(weights=(-2.0,), together=2, needed=2), [-2, 3, 3], [-2, 3, 3]),
        (any_of(2, distractors=1), [3, 3, 0], [3, 3, 0]),
    ],
)
def test_true_values(rule, main, shapley):
    game = rule.game(range(rule.n_marks), rule.n_marks)
    np.testing.assert_allclose(game.main_effects(), main, atol=1e-12)
    np.testing.assert_allclose(game.shapley_values(), shapley, atol=1e-12)


@pytest.mark.parametrize(
    ("rule", "precision", "expected"),
    [
        (all_of(3), 1.0, [(0, 1, 2)]),
        (all_of(3), 0.45, [(0, 1), (0, 2), (1, 2)]),
        (any_of(3), 1.0, [(0,), (1,), (2,)]),
        (any_of(3), 0.875, [()]),  # seven masks of eight show one of the three
        (any_of(3), 0.88, [(0,), (1,), (2,)]),
        (at_least(2, 3), 1.0, [(0, 1), (0, 2), (1, 2)]),
        (additive(3.0, 2.0, 2.0), 1.0, [(0, 1), (0, 2), (1, 2)]),
        (additive(4.0, -1.0), 1.0, [(0,)]),
        (additive(4.0, 1.0, -2.0), 1.0, [(0,)]),
        (any_of(2, distractors=2), 1.0, [(0,), (1,)]),
    ],
)
def test_smallest_sufficient_sets(rule, precision, expected):
    assert rule.smallest_sufficient(range(rule.n_marks), precision=precision) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (all_of(3), [(0,), (1,), (2,)]),
        (any_of(3), [(0, 1, 2)]),
        (at_least(2, 4), list(combinations(range(4), 3))),
        (additive(3.0, 2.0, 2.0), [(0, 1), (0, 2), (1, 2)]),
        (additive(4.0, 1.0, -1.0), [(0,)]),
    ],
)
def test_smallest_changes(rule, expected):
    assert rule.smallest_changes(range(rule.n_marks)) == expected


def test_what_hides_a_superpixel_hides_all_marks_in_it():
    assert any_of(3).smallest_changes([7, 2, 7]) == [(2, 7)]
    assert all_of(3).smallest_sufficient([7, 2, 7]) == [(2, 7)]


def test_precision_counts_how_often_others_are_hidden():
    # alone, the first of four decides whenever one other is seen: 1 − hidden³
    rule, owners = at_least(2, 4), range(4)
    assert len(rule.smallest_sufficient(owners, precision=0.875)[0]) == 1
    assert len(rule.smallest_sufficient(owners, precision=0.875, hidden=0.6)[0]) == 2
    assert len(rule.smallest_sufficient(owners, precision=0.78, hidden=0.6)[0]) == 1


def test_distractors_decide_between_the_other_classes():
    rule = additive(3.0, distractors=2)
    seen = np.array([[False, False, False], [False, True, True]])
    without, both = rule.logits(seen)
    assert without[2] > without[1]
    assert both[1] > both[2]
    assert both[0] == without[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": (3.0, 0.0)}, "weights must be finite and not 0"),
        ({"weights": (np.inf,)}, "weights must be finite"),
        ({"weights": (1.5,)}, "add up to at least 2 when all is seen; got 1.5"),
        ({"weights": (3.0, -2.0)}, "add up to at least 2"),
        ({}, "add up to at least 2"),
        ({"together": 9, "needed": 1}, "together must be 0 to 8; got 9"),
        ({"together": 3, "needed": 4}, "needed must be 1 to together, 3; got 4"),
        ({"together": 3}, "needed must be 1 to together, 3; got 0"),
        ({"together": 2, "needed": 1, "jump": -1.0}, "jump must be positive"),
        ({"together": 8, "needed": 1, "distractors": 5}, "at most 12 marks"),
        ({"weights": (3.0,), "distractors": -1}, "no negative number"),
        ({"weights": (4.0, -1.0), "off_object": 2}, "off_object must be 0 to .* 1; got 2"),
    ],
)
def test_refusals(settings, message):
    with pytest.raises(InputError, match=message):
        PlantedRule(**settings)
