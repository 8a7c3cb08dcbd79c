"""Curves of games whose areas follow from a formula, and the orders along which they are walked."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.game.curves import (
    DUST,
    GRID,
    Curve,
    Walk,
    curve_along,
    first_change,
    orders_of,
    without_dust,
)
from seewhy.game.toys import linear_game, random_game, threshold_game

WEIGHTS = np.array([3.0, 1.0, -1.0, 2.0])
UNEQUAL = np.array([0.5, 0.25, 0.125, 0.125])


def rng(*seed):
    return np.random.default_rng(seed)


def scores_of(game):
    return lambda masks: game(masks)[:, 0]


def ranked_first(values):
    return orders_of(np.asarray(values, float), rng(0), most=1)[0]


def drawn(seed, d):
    """A game of d players, shares of the picture, and a ranking without equals."""
    draw = rng(seed)
    areas = draw.uniform(0.1, 1.0, d)
    return random_game(d, draw), areas / areas.sum(), draw.permutation(d).astype(float)


def test_a_curve_by_hand():
    curve = curve_along([ranked_first(WEIGHTS)], UNEQUAL, scores_of(linear_game(WEIGHTS)), steps=4)
    # 5 with all, 2 without the first (half of the picture), 0 without the fourth (an eighth),
    # −1 without the second (a quarter), 0 with nothing.
    assert curve.area == 0.5 * 3.5 + 0.125 * 1.0 + 0.25 * -0.5 + 0.125 * -0.5
    told = np.interp(GRID, [0, 0.5, 0.625, 0.875, 1], [5, 2, 0, -1, 0])
    np.testing.assert_allclose(curve.scores, told, atol=1e-12)
    assert curve.scores[[0, 25, 50, -1]].tolist() == [5, 3.5, 2, 0]


def test_a_walk_by_hand():
    walk = Walk.along(np.array([2, 0, 1]), np.array([2.0, 1.0, 5.0]), steps=9)
    assert walk.masks.astype(int).tolist() == [[1, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]]
    np.testing.assert_allclose(walk.hidden, [0, 5 / 8, 7 / 8, 1])


@pytest.mark.parametrize(
    ("steps", "hidden"),
    [(1, [0, 6]), (2, [0, 3, 6]), (3, [0, 2, 4, 6]), (5, [0, 1, 2, 4, 5, 6]), (6, range(7))],
)
def test_fewer_steps_hide_several_at_once(steps, hidden):
    walk = Walk.along(np.arange(6)[::-1], np.full(6, 1.0), steps=steps)
    assert (~walk.masks).sum(axis=1).tolist() == list(hidden)
    np.testing.assert_allclose(walk.hidden, np.array(hidden) / 6)
    for mask, count in zip(walk.masks, hidden, strict=True):
        assert np.flatnonzero(~mask).tolist() == list(range(6 - count, 6))


def test_superpixels_without_any_area_count_alike():
    walk = Walk.along(np.arange(4), np.zeros(4), steps=4)
    assert walk.hidden.tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_one_without_area_leaves_the_area_under_a_curve_alone():
    """It is a step without width: what it changes in the score is not averaged over anything."""
    game = scores_of(linear_game([1.0, 100.0, 1.0]))
    areas = np.array([0.5, 0.0, 0.5])
    curve = curve_along([np.array([0, 1, 2])], areas, game, steps=3)
    assert curve.area == 0.5 * (102 + 101) / 2 + 0.5 * (1 + 0) / 2


@given(seed=st.integers(0, 10**6), d=st.integers(1, 12), equal=st.booleans())
def test_the_area_of_a_linear_game_is_a_sum_over_where_each_is_hidden(seed, d, equal):
    draw = rng(seed)
    weights, order = draw.standard_normal(d), draw.permutation(d)
    areas = np.full(d, 1 / d) if equal else draw.dirichlet(np.ones(d))
    found = curve_along([order], areas, lambda masks: masks @ weights, steps=d).area
    ends = np.cumsum(areas[order])
    middles = (ends + np.append(0, ends[:-1])) / 2  # (i + ½) / d where areas are equal
    assert found == pytest.approx(weights[order] @ middles, abs=1e-9)


@given(seed=st.integers(0, 10**6), d=st.integers(4, 9))
def test_names_do_not_matter(seed, d):
    game, areas, values = drawn(seed, d)
    plain = curve_along([ranked_first(values)], areas, scores_of(game), steps=d)
    renamed = rng(seed, 1).permutation(d)  # new player j is old player renamed[j]

    def score(masks):
        old = np.empty_like(masks)
        old[:, renamed] = masks
        return game(old)[:, 0]

    again = curve_along([ranked_first(values[renamed])], areas[renamed], score, steps=d)
    assert again.area == pytest.approx(plain.area, abs=1e-9)
    np.testing.assert_allclose(again.scores, plain.scores, atol=1e-9)


@given(seed=st.integers(0, 10**6), d=st.integers(4, 9))
def test_least_first_is_most_first_seen_from_the_other_end(seed, d):
    """What is kept in one walk is what is hidden in the other, in reverse."""
    game, areas, values = drawn(seed, d)
    most, least = ranked_first(values), orders_of(values, rng(0), most=1, least_first=True)[0]
    assert least.tolist() == most[::-1].tolist() == ranked_first(-values).tolist()
    one = curve_along([least], areas, scores_of(game), steps=d)
    other = curve_along([most], areas, lambda masks: game(~masks)[:, 0], steps=d)
    assert one.area == pytest.approx(other.area, abs=1e-9)
    np.testing.assert_allclose(one.scores, other.scores[::-1], atol=1e-9)


@given(seed=st.integers(0, 10**6), d=st.integers(1, 10), steps=st.integers(1, 12))
def test_a_monotone_game_has_monotone_curves(seed, d, steps):
    draw = rng(seed)
    weights = draw.random((d, 3))

    def score(masks):  # of every part of a masked picture the part is no larger
        return np.sqrt(masks @ weights).sum(axis=1) + masks.all(axis=1)

    curve = curve_along([draw.permutation(d)], draw.random(d) + 0.01, score, steps=steps)
    assert (np.diff(curve.scores) <= 1e-12).all()
    assert curve.scores[0] > curve.area > curve.scores[-1] == 0


def test_a_random_order_has_no_gap_on_average():
    for seed in range(5):
        d = 9
        game, areas, _ = drawn(seed, d)
        gaps = []
        for again in range(300):
            values = rng(seed, again).standard_normal(d)
            last, first = (
                curve_along(
                    orders_of(values, rng(0), most=1, least_first=least),
                    areas,
                    scores_of(game),
                    steps=d,
                ).area
                for least in (True, False)
            )
            gaps.append(last - first)
        error = np.std(gaps, ddof=1) / np.sqrt(len(gaps))
        assert abs(np.mean(gaps)) < 3.5 * error
        assert np.std(gaps) > 0.1  # single orders do have one


def test_the_best_and_the_worst_order_of_an_additive_game_are_those_of_its_weights():
    weights = np.array([2.0, -1.0, 0.5, 1.0])
    areas = np.full(4, 0.25)
    found = {
        order: curve_along([np.array(order)], areas, lambda m: m @ weights, steps=4).area
        for order in permutations(range(4))
    }
    assert min(found, key=found.__getitem__) == tuple(ranked_first(weights).tolist())
    assert max(found, key=found.__getitem__) == tuple(ranked_first(-weights).tolist())


def test_several_walks_are_averaged():
    weights = np.array([1.0, 3.0])
    walks = [np.array([0, 1]), np.array([1, 0])]
    areas = np.array([0.25, 0.75])
    both = curve_along(walks, areas, lambda m: m @ weights, steps=2)
    each = [curve_along([order], areas, lambda m: m @ weights, steps=2) for order in walks]
    assert both.area == np.mean([curve.area for curve in each])
    np.testing.assert_allclose(both.scores, np.mean([c.scores for c in each], axis=0))
    # 4, 3, 0 after shares of ¼ and 1; 4, 1, 0 after ¾ and 1
    assert [c.area for c in each] == [0.875 + 1.125, 1.875 + 0.125]


def test_all_walks_are_one_question():
    asked = []

    def score(masks):
        asked.append(len(masks))
        return masks.sum(axis=1).astype(float)

    curve_along([np.arange(5), np.arange(5)[::-1]], np.full(5, 0.2), score, steps=5)
    assert asked == [12]


def test_walks_and_scores_must_match():
    walk = Walk.along(np.arange(3), np.ones(3), steps=3)
    with pytest.raises(ValueError, match="zip"):
        Curve.of([walk, walk], [np.zeros(4)])


def test_equal_values_are_walked_in_random_orders_and_others_keep_their_place():
    values = np.array([1.0, 5.0, 1.0, 1.0, -2.0])
    orders = orders_of(values, rng(0), most=600)
    assert len(orders) == 600
    assert {(order[0], order[4]) for order in orders} == {(1, 4)}
    middles = [tuple(order[1:4].tolist()) for order in orders]
    counts = np.array([middles.count(each) for each in permutations([0, 2, 3])])
    assert counts.sum() == 600
    assert (abs(counts - 100) < 4 * np.sqrt(600 * (1 / 6) * (5 / 6))).all()
    # ties are not turned into an order by walking from the other end
    least = orders_of(values, rng(0), most=600, least_first=True)
    assert {(order[0], order[4]) for order in least} == {(4, 1)}
    assert len({tuple(order[1:4].tolist()) for order in least}) == 6


def test_the_mean_over_tied_orders_is_the_mean_over_all_of_them():
    values, weights, areas = np.ones(3), np.array([6.0, 0.0, 3.0]), np.array([0.2, 0.5, 0.3])
    game = scores_of(linear_game(weights))
    every = [
        curve_along([np.array(order)], areas, game, steps=3).area
        for order in permutations(range(3))
    ]
    orders = orders_of(values, rng(1), most=2000)
    found = curve_along(orders, areas, game, steps=3).area
    assert abs(found - np.mean(every)) < 4 * np.std(every) / np.sqrt(2000)
    assert np.std(every) > 0.2


def test_without_equal_values_there_is_one_order():
    assert [o.tolist() for o in orders_of(np.array([0.0, 2, -3]), rng(0), most=9)] == [[1, 0, 2]]
    assert len(orders_of(np.array([0.0, -0.0]), rng(0), most=9)) == 9  # zeros are equal


def test_rounding_is_no_order():
    values = np.array([2.0, 1e-16, 0.0, -3e-17, 5e-6])
    orders = orders_of(values, rng(0), most=200)
    assert {order[0] for order in orders} == {0}
    assert {order[1] for order in orders} == {1, 2, 3, 4}
    assert orders_of(np.array([2.0, 1e-3]), rng(0), most=9)[0].tolist() == [0, 1]


@given(seed=st.integers(0, 10**6), scale=st.floats(1e-9, 1e9))
def test_dust_is_relative_and_moves_nothing_far(seed, scale):
    values = rng(seed).standard_normal(20)
    plain = without_dust(values)
    np.testing.assert_allclose(without_dust(scale * values), scale * plain, rtol=1e-9)
    largest = abs(values).max()
    assert abs(plain - values).max() <= DUST * largest / 2 + 1e-15
    order = np.argsort(values)
    assert (np.diff(plain[order]) >= 0).all()
    assert without_dust(np.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(wrong):
    with pytest.raises(InputError, match="finite to be ranked; got 2 that are not"):
        orders_of(np.array([1.0, wrong, wrong]), rng(0), most=1)


def test_the_first_change_is_told_by_the_area_hidden():
    game = threshold_game([1, 1, 1, 0], 1.5)  # two of the first three must stay
    areas = np.array([0.1, 0.2, 0.3, 0.4])

    def changed(masks):
        return game(masks)[:, 0] <= 0

    assert first_change(np.array([3, 0, 1, 2]), areas, changed) == pytest.approx(0.7)
    assert first_change(np.array([2, 1, 0, 3]), areas, changed) == pytest.approx(0.5)
    assert first_change(np.array([2, 1, 0, 3]), 8 * areas, changed) == pytest.approx(0.5)


def test_a_change_that_is_undone_later_counts_all_the_same():
    def changed(masks):  # only while two are hidden
        return (~masks).sum(axis=1) == 2

    assert first_change(np.arange(8), np.full(8, 1 / 8), changed) == 0.25


def test_what_never_changes_has_no_first_change():
    asked = []

    def changed(masks):
        asked.append(masks)
        return np.zeros(len(masks), bool)

    assert first_change(np.arange(50), np.full(50, 0.02), changed) is None
    # every beginning of the order is looked at, however many there are
    assert [len(masks) for masks in asked] == [51]
    assert first_change(np.arange(3), np.ones(3), lambda m: np.ones(len(m), bool)) == 0.0
