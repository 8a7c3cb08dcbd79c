from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from seewhy.game.design import all_masks
from seewhy.game.toys import ToyGame, linear_game, network_game, random_game, threshold_game


def value_of(game):
    masks = all_masks(game.n_players).masks
    values = game(masks)[:, 0]
    return {frozenset(np.flatnonzero(m)): v for m, v in zip(masks, values, strict=True)}


def shapley_by_permutations(game):
    """Average what a player adds when it joins, over all orders of joining."""
    value, total = value_of(game), np.zeros(game.n_players)
    orders = list(permutations(range(game.n_players)))
    for order in orders:
        joined = frozenset()
        for player in order:
            total[player] += value[joined | {player}] - value[joined]
            joined |= {player}
    return total / len(orders)


def main_effects_by_enumeration(game):
    masks = all_masks(game.n_players).masks
    values = game(masks)[:, 0]
    return np.array([values[kept].mean() - values[~kept].mean() for kept in masks.T])


GAMES = [
    random_game(6, np.random.default_rng(seed), interactions=12, largest=5, strength=1.0)
    for seed in range(3)
] + [ToyGame(4, {(): 3.0, (0, 1, 2, 3): 2.0, (1,): -1.0}), ToyGame(2, {})]


@pytest.mark.parametrize("game", GAMES)
def test_main_effects_are_those_of_all_masks(game):
    expected = main_effects_by_enumeration(game)
    np.testing.assert_allclose(game.main_effects(), expected, atol=1e-12)


@pytest.mark.parametrize("game", GAMES)
def test_shapley_values_are_those_of_all_orders(game):
    np.testing.assert_allclose(game.shapley_values(), shapley_by_permutations(game), atol=1e-12)


def test_a_coalition_counts_only_when_it_is_complete():
    game = ToyGame(3, {(): 1.0, (0, 2): 5.0})
    masks = np.array([[1, 0, 1], [1, 1, 0], [0, 0, 0], [1, 1, 1]], bool)
    assert game(masks).tolist() == [[6.0], [1.0], [1.0], [6.0]]


def test_players_of_a_linear_game_add_their_own_weight():
    game = linear_game([2.0, -1.0, 0.5])
    assert game(np.array([[True, True, False]])).item() == 1.0
    assert game.main_effects().tolist() == game.shapley_values().tolist() == [2.0, -1.0, 0.5]


def test_a_toy_becomes_a_game_that_counts():
    game = linear_game([1.0, 2.0]).game()
    game(np.ones((2, 2), bool))
    assert game.evaluations == 1


def test_random_games_have_the_interactions_asked_for_and_repeat():
    game = random_game(30, np.random.default_rng(1), interactions=50, largest=3)
    sizes = [len(players) for players in game.coefficients]
    assert sizes.count(1) == 30
    assert set(sizes) == {1, 2, 3}
    assert 45 <= len(sizes) - 30 <= 50  # a coalition may be drawn twice
    assert all(len(set(players)) == len(players) for players in game.coefficients)
    again = random_game(30, np.random.default_rng(1), interactions=50, largest=3)
    assert again == game


@pytest.mark.parametrize(
    ("weights", "quota", "first"),
    [
        ([1, 1, 1], 2.5, lambda m: m.all(axis=1)),
        ([1, 1, 1], 0.5, lambda m: m.any(axis=1)),
        ([1, 1, 1, 0], 1.5, lambda m: m[:, :3].sum(axis=1) >= 2),
        ([3, 1, -2], 1.5, lambda m: m[:, 0] & (m[:, 1] | ~m[:, 2])),  # all three: 2 for it
    ],
)
def test_votes_decide_as_they_are_weighed(weights, quota, first):
    game = threshold_game(weights, quota)
    masks = all_masks(len(weights)).masks
    values = game(masks)
    assert (values[:, 0] == -values[:, 1]).all()
    assert ((values[:, 0] > 0) == first(masks)).all()
    assert not (values == 0).any()
    assert game.evaluations == len(masks)


def test_a_vote_leads_by_what_exceeds_the_quota():
    game = threshold_game((weight for weight in (2.0, 1.0)), 1.25)
    assert game(np.array([[True, True], [False, True]])).tolist() == [[1.75, -1.75], [-0.25, 0.25]]


@pytest.mark.parametrize("n_players", [1, 2, 3, 8, 14, 40])
def test_networks_keep_the_first_class_of_half_of_the_masks_and_of_the_whole(n_players):
    for seed in range(12):
        game = network_game(n_players, np.random.default_rng(seed))
        few = n_players <= 12
        random = np.random.default_rng(99).random((4000, n_players)) < 0.5
        values = game(all_masks(n_players).masks if few else random)
        kept = float((values[:, 0] > 0).mean())
        assert kept == 0.5 if few else 0.4 < kept < 0.6
        assert game(np.ones((1, n_players), bool))[0, 0] > 0
        assert (values[:, 0] == -values[:, 1]).all()


def test_networks_interact_and_repeat():
    masks = all_masks(6).masks
    one, same, other = (network_game(6, np.random.default_rng(s))(masks)[:, 0] for s in (1, 1, 2))
    assert (one == same).all()
    assert not np.allclose(one, other)
    columns = np.column_stack([np.ones(len(masks)), masks])
    left = one - columns @ np.linalg.lstsq(columns, one)[0]
    assert left.std() > 0.05 * one.std()
