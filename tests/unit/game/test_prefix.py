"""The shortest beginning of an order that is enough: found, honest about it, within its budget."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from seewhy.game.decision import decision_of
from seewhy.game.neighbourhood import Neighbourhood
from seewhy.game.rule_search import certified_prefix
from seewhy.game.sufficient import Demands
from seewhy.game.toys import threshold_game

DEMANDS = Demands(0.95, 0.05, 640)
RUNS = 150


def rng(*seed):
    return np.random.default_rng(seed)


def around(game, hidden=0.5):
    return Neighbourhood((decision_of(game),), hidden)


def planted(order, places, quota):
    """The members are those at some places of an order."""
    votes = np.zeros(len(order))
    votes[order[list(places)]] = 1
    return threshold_game(votes, quota)


def gradual(d, quota):
    """Everyone counts alike: the precision of any k kept is a binomial probability."""
    precision = [float(binom.sf(np.floor(quota) - k, d - k, 0.5)) for k in range(d + 1)]
    return threshold_game(np.ones(d), quota), np.array(precision)


@pytest.mark.parametrize("d", [14, 20, 60, 200, 500])
@pytest.mark.parametrize("seed", range(4))
def test_it_ends_with_the_last_that_is_needed(d, seed):
    order = rng(seed).permutation(d)
    places = [0, 2, d // 4, d // 3]
    nearby = around(planted(order, places, 3.5))
    found = certified_prefix(nearby, order.tolist(), DEMANDS, rng(seed))
    assert found.kept == tuple(order[: d // 3 + 1].tolist())
    assert found.certified
    assert found.precision == 1.0
    assert nearby.evaluations <= DEMANDS.budget


def test_of_what_can_stand_in_for_each_other_the_first_ends_it():
    order = rng(0).permutation(40)
    nearby = around(planted(order, [5, 6, 30], 0.5))
    found = certified_prefix(nearby, order.tolist(), DEMANDS, rng(0))
    assert found.kept == tuple(order[:6].tolist())


def test_a_bad_order_needs_more():
    order = rng(1).permutation(40)
    game = planted(order, [0, 1, 2], 2.5)
    best, worst = (
        certified_prefix(around(game), list(way), DEMANDS, rng(1)) for way in (order, order[::-1])
    )
    assert len(best.kept) == 3
    assert worst is None  # all of them: that is no beginning, and needs no certificate


def test_what_holds_whatever_is_hidden_needs_nothing():
    game = threshold_game(np.append(np.ones(30), 100.0), -0.5)
    found = certified_prefix(around(game), list(range(31)), DEMANDS, rng(0))
    assert found.kept == ()
    assert found.certified


def test_the_bound_is_on_fresh_draws_around_that_beginning():
    order = rng(2).permutation(50)
    found = certified_prefix(around(planted(order, [0, 3], 1.5)), order.tolist(), DEMANDS, rng(2))
    assert found.draws.masks[:, list(found.kept)].all()
    outside = np.delete(found.draws.masks, list(found.kept), axis=1)
    assert abs(outside.mean() - 0.5) < 4.5 * 0.5 / np.sqrt(outside.size)
    assert found.bound >= 0.95
    assert len(found.draws) >= DEMANDS.reserve


@pytest.mark.parametrize(("d", "quota"), [(30, 16.5), (40, 25.5)])
@pytest.mark.parametrize("error", [0.05, 0.5])
def test_too_short_a_beginning_is_certified_no_more_often_than_allowed(d, quota, error):
    """Where precision grows by a little with each that is kept, so that near misses abound."""
    game, precision = gradual(d, quota)
    enough = int(np.argmax(precision >= 0.95))
    sizes = []
    for seed in range(RUNS):
        order = rng(seed).permutation(d).tolist()
        found = certified_prefix(around(game), order, Demands(0.95, error, 640), rng(seed, 1))
        if found is not None:
            sizes.append(len(found.kept))
    wrong = sum(size < enough for size in sizes)
    assert wrong <= error * RUNS + 3 * np.sqrt(error * (1 - error) * RUNS)
    # and it is no good to be safe by never answering, or by keeping nearly all
    assert len(sizes) > (0.97 if error == 0.05 else 0.8) * RUNS
    assert enough <= np.median(sizes) <= enough + 7


@pytest.mark.parametrize("error", [0.05, 0.5])
def test_nothing_short_of_enough_is_certified_where_that_is_sharp(error):
    """Without the last of three the precision is ½."""
    wrong = 0
    for seed in range(60):
        order = rng(seed).permutation(24)
        game = planted(order, [0, 4, 9], 2.5)
        demands = Demands(0.95, error, 640)
        found = certified_prefix(around(game), order.tolist(), demands, rng(seed))
        wrong += found is None or len(found.kept) < 10
    assert wrong == 0


@pytest.mark.parametrize("budget", [1, 40, 84])
def test_a_budget_that_ends_certifies_nothing(budget):
    order = rng(0).permutation(40)
    nearby = around(planted(order, [0, 2], 1.5))
    demands = Demands(0.95, 0.05, budget)
    assert budget < demands.reserve
    assert certified_prefix(nearby, order.tolist(), demands, rng(0)) is None
    assert nearby.evaluations <= budget


@pytest.mark.parametrize("budget", [150, 300, 640])
def test_no_more_is_spent_than_there_is(budget):
    for seed in range(20):
        game, _ = gradual(40, 25.5)
        nearby = around(game)
        order = rng(seed).permutation(40).tolist()
        certified_prefix(nearby, order, Demands(0.95, 0.05, budget), rng(seed))
        assert nearby.evaluations <= budget


@pytest.mark.parametrize(("d", "quota"), [(8, 5.5), (9, 4.5), (10, 6.5)])
def test_with_few_superpixels_every_mask_is_asked(d, quota):
    game, precision = gradual(d, quota)
    enough = int(np.argmax(precision >= 0.95))
    for seed in range(10):
        order = rng(seed).permutation(d).tolist()
        found = certified_prefix(around(game), order, DEMANDS, rng(seed))
        assert found.exact
        assert found.kept == tuple(order[: len(found.kept)])
        assert found.bound == pytest.approx(precision[len(found.kept)], abs=1e-12)
        assert len(found.kept) == enough


def test_an_order_of_some_may_need_all_of_them():
    order = rng(5).permutation(40)
    nearby = around(planted(order, [0, 2, 5], 2.5))
    found = certified_prefix(nearby, order[:6].tolist(), DEMANDS, rng(5))
    assert found.kept == tuple(order[:6].tolist())


@pytest.mark.parametrize("hidden", [0.2, 0.9, 1.0])
def test_others_may_be_hidden_as_often_as_one_likes(hidden):
    order = rng(3).permutation(30)
    nearby = around(planted(order, [0, 3, 5], 2.5), hidden)
    found = certified_prefix(nearby, order.tolist(), DEMANDS, rng(3))
    assert found.kept == tuple(order[:6].tolist())
    assert found.exact == (hidden == 1.0)


def test_a_seed_repeats_itself():
    order = rng(4).permutation(40).tolist()
    for seed in range(5):
        one, again = (
            certified_prefix(around(gradual(40, 25.5)[0]), order, DEMANDS, rng(seed))
            for _ in range(2)
        )
        assert (one is None) == (again is None)
        if one is not None:
            assert (one.kept, one.bound) == (again.kept, again.bound)
