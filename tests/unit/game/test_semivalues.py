"""Exact values from all masks; peers and axioms are in oracles/ and laws/."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.design import all_masks
from seewhy.game.semivalues import (
    banzhaf_values,
    banzhaf_weights,
    interactions,
    shapley_values,
    shapley_weights,
)
from seewhy.game.toys import ToyGame, random_game


def all_scores(game):
    return game(all_masks(game.n_players).masks)


@pytest.mark.parametrize("n_players", [1, 2, 3, 7])
def test_they_are_the_closed_forms_of_a_sum_of_unanimity_games(n_players):
    rng = np.random.default_rng(n_players)
    game = (
        random_game(n_players, rng, interactions=20, largest=min(4, n_players))
        if (n_players > 1)
        else ToyGame(1, {(): 0.5, (0,): -2.0})
    )
    scores = all_scores(game)
    np.testing.assert_allclose(shapley_values(scores)[:, 0], game.shapley_values(), atol=1e-12)
    np.testing.assert_allclose(banzhaf_values(scores)[:, 0], game.main_effects(), atol=1e-12)


def test_a_shapley_value_is_what_a_player_adds_averaged_over_all_orders():
    scores = np.random.default_rng(0).standard_normal((16, 2))
    added = np.zeros((4, 2))
    orders = list(permutations(range(4)))
    for order in orders:
        present = 0
        for player in order:
            added[player] += scores[present | 1 << player] - scores[present]
            present |= 1 << player
    np.testing.assert_allclose(shapley_values(scores), added / len(orders), atol=1e-12)


@pytest.mark.parametrize("n_others", [0, 1, 5, 40])
def test_weights_average_to_one(n_others):
    from math import comb

    sizes = [comb(n_others, size) for size in range(n_others + 1)]
    for weights in (shapley_weights, banzhaf_weights):
        assert np.dot(sizes, weights(n_others)) == pytest.approx(1.0, rel=1e-12)


def test_a_pair_that_only_counts_together_interacts_and_no_other_does():
    game = ToyGame(4, {(0,): 1.0, (1, 3): 2.0})
    for weights in (shapley_weights, banzhaf_weights):
        found = interactions(all_scores(game), weights)[:, :, 0]
        expected = np.zeros((4, 4))
        expected[1, 3] = expected[3, 1] = 2.0
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_three_that_count_together_share_their_interaction():
    # of unanimity on T, the Shapley interaction index of a pair in T is 1 / (|T| − 1)
    scores = all_scores(ToyGame(4, {(0, 1, 2): 1.0}))
    shapley = interactions(scores, shapley_weights)[:, :, 0]
    banzhaf = interactions(scores, banzhaf_weights)[:, :, 0]
    assert shapley[0, 1] == pytest.approx(1 / 2)
    assert banzhaf[0, 1] == pytest.approx(1 / 2)
    assert shapley[0, 3] == pytest.approx(0, abs=1e-12)
    assert np.array_equal(np.diag(shapley), np.zeros(4))


@pytest.mark.parametrize("rows", [0, 1, 3, 12])
def test_other_than_all_masks_are_refused(rows):
    with pytest.raises(InputError, match=rf"scores must hold .* 2\^d masks .* got {rows} rows"):
        shapley_values(np.zeros((rows, 1)))
