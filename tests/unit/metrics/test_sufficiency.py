"""How little of a picture is enough: the planted answer, and what is said where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from seewhy.game.toys import threshold_game
from seewhy.metrics.sufficiency import (
    Enough,
    one_order,
    precision_of,
    sufficient_area,
    top_of_area,
)

D = 20
AREAS = np.arange(1, D + 1) / (D * (D + 1) / 2)
MEMBERS = (3, 8, 15)
FALLING = -np.arange(D, dtype=float)


def all_needed(*members):
    votes = np.zeros(D)
    votes[list(members)] = 1
    return threshold_game(votes, len(members) - 0.5)


def behind(masks):
    return np.stack([np.zeros(len(masks)), np.ones(len(masks))], axis=1)


def test_the_members_are_enough_and_nothing_less(bench_for):
    bench = bench_for(all_needed(*MEMBERS), D, areas=AREAS)
    oracle = np.isin(np.arange(D), MEMBERS) * 5.0 + FALLING / 100
    found = sufficient_area(bench, oracle)
    assert (found.count, found.certified) == (3, True)
    assert found.area == pytest.approx(AREAS[list(MEMBERS)].sum())


def test_an_order_that_finds_the_last_of_them_late_needs_all_before(bench_for):
    bench = bench_for(all_needed(*MEMBERS), D, areas=AREAS)
    found = sufficient_area(bench, FALLING)
    assert found.count == 16
    assert found.area == pytest.approx(AREAS[:16].sum())


def test_the_sign_counts(bench_for):
    bench = bench_for(all_needed(*MEMBERS), D)
    values = np.isin(np.arange(D), MEMBERS) * 5.0 + FALLING / 100
    assert sufficient_area(bench, -values) == Enough(1.0, D, certified=False)


def test_a_budget_that_is_too_small_certifies_nothing(bench_for):
    bench = bench_for(all_needed(*MEMBERS), D, certificate_budget=60)
    assert sufficient_area(bench, FALLING) == Enough(1.0, D, certified=False)
    assert bench.evaluations <= 61  # and the whole picture


def test_it_costs_no_more_than_its_budget(bench_for):
    bench = bench_for(threshold_game(np.ones(40), 25.5), 40, certificate_budget=300)
    for seed in range(6):
        before = bench.evaluations
        sufficient_area(bench, np.random.default_rng(seed).standard_normal(40))
        assert bench.evaluations - before <= 301


def test_a_higher_precision_takes_more(bench_for):
    game = threshold_game(np.ones(30), 16.5)
    counts = [
        sufficient_area(bench_for(game, 30, precision=p, certificate_budget=4000), -np.arange(30.0))
        for p in (0.6, 0.8, 0.95)
    ]
    assert all(found.certified for found in counts)
    assert counts[0].count < counts[1].count < counts[2].count


def test_precision_is_wilsons(bench_for):
    bench = bench_for(threshold_game(np.ones(D), 9.5), D)
    seen = set()
    for kept in range(0, D, 3):
        found = precision_of(bench, tuple(range(kept)), draws=64)
        hits = round(found.value * 64)
        wilson = binomtest(hits, 64).proportion_ci(method="wilson")
        assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), abs=1e-12)
        seen.add(hits)
    assert len(seen) > 3


def test_precision_of_what_is_enough_is_one(bench_for):
    bench = bench_for(all_needed(*MEMBERS), D)
    assert precision_of(bench, MEMBERS).value == 1.0
    without = precision_of(bench, MEMBERS[:2], draws=400)
    assert abs(without.value - 0.5) < 4 * 0.5 / 20
    assert without.low < 0.5 < without.high


def test_sets_are_compared_in_the_same_surroundings(bench_for):
    """So that of two sets the larger can never come out worse in a monotone game."""
    bench = bench_for(threshold_game(np.ones(D), 9.5), D)
    shares = [precision_of(bench, tuple(range(kept))).value for kept in range(D)]
    assert (np.diff(shares) >= 0).all()
    assert precision_of(bench, (1, 2)) == precision_of(bench, (1, 2))


def test_precision_is_covered(bench_for):
    """Keeping 4 of 20, 9 more of 16 are needed for more than 12.5 of them."""
    from scipy.stats import binom

    true = binom.sf(8, 16, 0.5)
    game = threshold_game(np.ones(D), 12.5)
    found = [precision_of(bench_for(game, D, seed=seed), (0, 1, 2, 3)) for seed in range(200)]
    assert 0.9 <= np.mean([each.low <= true <= each.high for each in found]) <= 0.995


def test_what_the_model_does_not_say_cannot_be_kept(bench_for):
    bench = bench_for(behind, D)
    assert sufficient_area(bench, FALLING) is None
    assert precision_of(bench, (1, 2)) is None


def test_the_top_is_as_near_to_the_share_as_can_be():
    areas = np.array([0.4, 0.3, 0.2, 0.1])
    order = np.array([1, 2, 3, 0])  # they cover .3, .5, .6, 1
    tops = {s: top_of_area(order, areas, s) for s in (0.01, 0.39, 0.41, 0.54, 0.56, 0.79, 0.81)}
    assert [len(top) for top in tops.values()] == [1, 1, 2, 2, 3, 3, 4]
    assert tops[0.81] == (1, 2, 3, 0)
    assert top_of_area(order, 7 * areas, 0.5) == (1, 2)


def test_the_top_is_of_what_speaks_for_the_class(bench_for):
    bench = bench_for(behind, 4)
    order = one_order(bench, np.array([-9.0, 1.0, 0.5, 0.0]))
    assert order.tolist() == [1, 2, 3, 0]


def test_equal_values_are_ranked_at_random_but_always_alike(bench_for):
    bench = bench_for(behind, D)
    order = one_order(bench, np.zeros(D)).tolist()
    assert order == one_order(bench, np.zeros(D)).tolist()
    assert order != list(range(D))
