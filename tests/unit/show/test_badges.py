from __future__ import annotations

from itertools import combinations
from math import hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.image.segmentation import Segmentation
from seewhy.show.badges import number_regions, place_badges
from seewhy.show.row import Row


def row(values, errors=None):
    return Row("x", None, np.array(values, float), errors, None)


def test_regions_are_numbered_once_by_their_strongest_effect_on_any_class():
    first = row([0.1, -3.0, 0.0, 1.0])
    second = row([2.0, 0.5, 0.0, -1.5])
    assert number_regions([first, second]) == {1: 1, 0: 2, 3: 3}
    assert number_regions([second, first]) == {1: 1, 0: 2, 3: 3}
    assert number_regions([first, second], top=1) == {1: 1, 0: 2}


def test_uncertain_regions_get_no_number():
    assert number_regions([row([1.0, 5.0], np.array([0.1, 4.0]))]) == {0: 1}
    assert number_regions([row([0.0, 0.0])]) == {}


def test_equal_effects_are_numbered_in_the_regions_order():
    assert number_regions([row([1.0, -1.0, 1.0])]) == {0: 1, 1: 2, 2: 3}


def test_a_badge_sits_at_the_centre_of_the_largest_inscribed_circle():
    # an L: its centre of gravity lies near its corner, its widest place in the thick foot
    labels = np.ones((60, 60), int)
    labels[5:55, 5:11] = 0
    labels[34:55, 5:47] = 0
    (badge,) = place_badges(Segmentation(labels), [0], radius=5)
    assert not badge.has_leader
    assert badge.row == 44
    assert 15 <= badge.column <= 36


def test_the_edge_of_the_picture_counts_as_a_border():
    labels = np.zeros((21, 21), int)
    labels[:, 20] = 1
    (badge,) = place_badges(Segmentation(labels), [0], radius=4)
    assert (badge.row, badge.column) in {(10, 9), (10, 10)}


def test_a_thin_region_gets_a_leader_from_beside_it():
    labels = np.zeros((80, 80), int)
    labels[:, 40:42] = 1
    (badge,) = place_badges(Segmentation(labels), [1], radius=6)
    assert badge.has_leader
    assert badge.anchor_column in (40, 41)
    assert badge.anchor_row == pytest.approx(40, abs=1)
    assert 6 < hypot(badge.row - badge.anchor_row, badge.column - badge.anchor_column) < 15


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.integers(2, 6))
def test_badges_never_overlap_and_stay_within_a_picture_with_room(seed, down, across):
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.integers(0, 200, down - 1)).searchsorted(np.arange(200), "right")
    columns = np.sort(rng.integers(0, 300, across - 1)).searchsorted(np.arange(300), "right")
    cut = Segmentation(rows[:, None] * across + columns)
    players = rng.permutation(cut.count)[:8].tolist()
    badges = place_badges(cut, players, radius=8)
    assert [badge.player for badge in badges] == players
    for badge in badges:
        assert cut.labels[int(badge.anchor_row), int(badge.anchor_column)] == badge.player
        if badge.has_leader:
            assert 8 <= badge.row <= 191
            assert 8 <= badge.column <= 291
    for one, two in combinations(badges, 2):
        assert hypot(one.row - two.row, one.column - two.column) >= 16


def test_where_there_is_no_room_at_all_badges_stay_on_their_regions():
    cut = Segmentation(np.arange(6)[None].repeat(3, 0))
    badges = place_badges(cut, [0, 1, 2], radius=10)
    assert [badge.column for badge in badges] == [0, 1, 2]
    assert not any(badge.has_leader for badge in badges)
