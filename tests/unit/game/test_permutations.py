from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.game.design import Law, end_scores, ends
from seewhy.game.permutations import (
    growing_rounds,
    mean_and_error,
    pair_cost,
    pairs_within,
    random_orders,
    walk_contributions,
    walks,
    with_reverses,
)
from seewhy.game.toys import linear_game, random_game

truth = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def rng(seed=0):
    return np.random.default_rng(seed)


def contributions(game, orders):
    masks = walks(orders).masks
    whole, empty = game(ends(orders.shape[1]).masks)
    return walk_contributions(masks, game(masks), empty, whole)


@truth
@given(st.integers(1, 30), st.integers(1, 20), st.integers(0, 10**6))
def test_orders_are_permutations_each_followed_by_its_reverse(n_players, n_pairs, seed):
    orders = random_orders(n_players, n_pairs, rng(seed))
    assert orders.shape == (2 * n_pairs, n_players)
    assert np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(n_players), (len(orders), 1)))
    assert np.array_equal(orders[1::2], orders[::2, ::-1])


def test_every_place_in_an_order_is_equally_likely():
    first = random_orders(6, 3000, rng())[::2]
    for place in range(6):
        counts = np.bincount(first[:, place], minlength=6)
        assert np.abs(counts - 500).max() < 4 * np.sqrt(500)


def test_a_walk_lets_players_join_one_by_one_and_its_reverse_asks_the_complements():
    design = walks(with_reverses(np.array([[2, 0, 3, 1]])))
    forth, back = design.masks[:3], design.masks[3:]
    assert forth.astype(int).tolist() == [[0, 0, 1, 0], [1, 0, 1, 0], [1, 0, 1, 1]]
    assert np.array_equal(back, ~forth[::-1])
    assert design.budget == 6
    assert set(design.laws.tolist()) == {Law.WALKS}


@truth
@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 10**6))
def test_what_players_add_is_what_a_loop_finds(n_players, n_pairs, seed):
    game = random_game(n_players, rng(seed), largest=min(n_players, 3), interactions=20)
    orders = random_orders(n_players, n_pairs, rng(seed))
    by_hand = np.zeros((2 * n_pairs, n_players))
    for walk, order in enumerate(orders):
        kept = np.zeros(n_players, bool)
        for player in order:
            before = game(kept[None])[0, 0]
            kept[player] = True
            by_hand[walk, player] = game(kept[None])[0, 0] - before
    expected = (by_hand[::2] + by_hand[1::2]) / 2
    np.testing.assert_allclose(contributions(game, orders)[:, :, 0], expected, atol=1e-12)


@truth
@given(st.integers(2, 25), st.integers(1, 5), st.integers(0, 10**6))
def test_every_pair_of_walks_adds_up(n_players, n_pairs, seed):
    game = random_game(n_players, rng(seed), largest=2)
    whole, empty = game(ends(n_players).masks)
    added = contributions(game, random_orders(n_players, n_pairs, rng(seed)))
    np.testing.assert_allclose(added.sum(axis=1), np.tile(whole - empty, (n_pairs, 1)), atol=1e-9)


def test_one_player_adds_everything():
    added = walk_contributions(np.empty((0, 1), bool), np.empty((0, 2)), np.zeros(2), np.ones(2))
    assert added.tolist() == [[[1.0, 1.0]]]


def test_interactions_of_two_are_shared_exactly_by_a_walk_and_its_reverse():
    game = random_game(20, rng(3), interactions=80, largest=2)
    values, error = mean_and_error(contributions(game, random_orders(20, 2, rng())))
    np.testing.assert_allclose(values[:, 0], game.shapley_values(), atol=1e-12)
    assert error.max() < 1e-12


@pytest.mark.parametrize(("n_players", "n_pairs"), [(12, 2), (12, 3), (12, 10), (30, 3), (30, 8)])
def test_intervals_cover_from_two_pairs_on(n_players, n_pairs):
    covered = []
    for seed in range(80):
        game = random_game(n_players, rng(seed), interactions=120)
        added = contributions(game, random_orders(n_players, n_pairs, rng(seed)))
        values, error = mean_and_error(added)
        covered.append(np.abs(values[:, 0] - game.shapley_values()) <= 1.645 * error[:, 0])
    assert 0.87 < np.mean(covered) < 0.98


def test_the_error_is_the_spread_over_pairs_shared_in_part_and_widened_by_students_t():
    added = rng().standard_normal((5, 3, 2)) * np.array([1.0, 2.0, 5.0])[:, None]
    values, error = mean_and_error(added)
    np.testing.assert_allclose(values, added.mean(axis=0))
    own = added.var(axis=0, ddof=1)
    variance = (4 * own + 2 * own.mean(axis=0)) / 6
    # the 97.5 % points of the normal, and of Student's t with 4 + 2 degrees of freedom
    np.testing.assert_allclose(1.959964 * error, 2.446912 * np.sqrt(variance / 5), rtol=1e-6)


def test_pairs_that_agree_by_accident_do_not_make_a_player_certain():
    added = rng().standard_normal((3, 10, 1))
    added[:, 4] = 1.0
    _, error = mean_and_error(added)
    assert error[4, 0] > 0.3 * np.median(error)


def test_one_pair_alone_knows_nothing_of_its_error_and_says_so():
    added = np.array([[[3.0], [-4.0]]])
    values, error = mean_and_error(added)
    assert values.tolist() == [[3.0], [-4.0]]
    np.testing.assert_allclose(error, np.sqrt(12.5))


def test_ends_are_found_wherever_they_stand():
    game = linear_game([1.0, 2.0, 4.0])
    design = walks(random_orders(3, 2, rng())) | ends(3)
    whole, empty = end_scores(design, game(design.masks))
    assert (whole.tolist(), empty.tolist()) == ([7.0], [0.0])


@pytest.mark.parametrize(("n_players", "n_pairs"), [(50, 10), (20, 26), (3, 100), (400, 1), (2, 8)])
def test_rounds_spend_all_pairs_and_begin_with_three(n_players, n_pairs):
    rounds = list(growing_rounds(n_players, n_pairs))
    assert sum(rounds) == n_pairs
    assert rounds[0] == min(n_pairs, max(3, 128 // pair_cost(n_players)))
    assert all(size * pair_cost(n_players) <= max(128, pair_cost(n_players)) for size in rounds[1:])


def test_as_many_walks_as_the_budget_affords():
    assert [pairs_within(50, budget) for budget in (98, 195, 196, 1024)] == [1, 1, 2, 10]
    assert pair_cost(1) == 0


def test_a_budget_below_one_walk_and_its_reverse_is_refused():
    with pytest.raises(
        InputError,
        match=r"^budget must be at least 98 masks for one walk through 50 players and its "
        r"reverse; got 97: raise it, or use fewer superpixels$",
    ):
        pairs_within(50, 97)
