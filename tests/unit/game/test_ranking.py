"""Rankings by what a superpixel adds to the lead: exact for votes, and what they cost."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.decision import decision_of
from seewhy.game.game import Game
from seewhy.game.neighbourhood import Neighbourhood
from seewhy.game.ranking import fewest_for_ranking, rank_by_margin
from seewhy.game.toys import network_game, threshold_game


def rng(seed=0):
    return np.random.default_rng(seed)


def around(game, hidden=0.5, *others):
    decision = decision_of(game)
    return Neighbourhood((decision, *map(decision.elsewhere, others)), hidden)


@pytest.mark.parametrize("n_players", [5, 14, 40])
def test_votes_are_ranked_by_their_weights_which_are_measured_nearly_exactly(n_players):
    weights = rng(n_players).standard_normal(n_players) + 0.4
    nearby = around(threshold_game(weights, weights.sum() / 2 - 1))
    ranking = rank_by_margin(nearby, fewest_for_ranking(n_players), rng(1))
    # a lead counts twice; the surrogate shrinks a little
    np.testing.assert_allclose(ranking.effects, 2 * weights, rtol=0.05, atol=0.01)
    assert ranking.order() == np.argsort(-weights).tolist()
    assert ranking.level == pytest.approx(2.0, abs=1e-5)
    assert 0 <= ranking.rest < 0.05 * np.sum(weights**2)


def test_it_costs_a_block_and_the_two_ends_and_no_more_than_allowed():
    for n_players, most in [(14, 500), (40, 500), (40, 16), (40, 63)]:
        nearby = around(network_game(n_players, rng()))
        ranking = rank_by_margin(nearby, most, rng(1))
        spent = min(most, fewest_for_ranking(n_players))
        assert spent - 1 <= nearby.evaluations - 2 <= spent
        assert len(ranking.draws) == nearby.evaluations - 2
        sizes = ranking.draws.masks.sum(axis=1)
        assert sizes.min() > 0
        assert sizes.max() < n_players


def test_few_masks_still_show_who_dictates():
    nearby = around(threshold_game([0.1] * 20 + [5.0] + [0.1] * 19, 4.0))
    assert rank_by_margin(nearby, 16, rng(1)).order()[0] == 20


def test_the_draws_are_half_hidden_pairs_before_one_background_each():
    games = [network_game(12, rng(seed)) for seed in range(3)]
    draws = rank_by_margin(around(games[0], 0.5, *games[1:]), 64, rng(2)).draws
    first, second = slice(0, None, 2), slice(1, None, 2)
    assert (draws.masks[first] == ~draws.masks[second]).all()
    assert (draws.backgrounds[first] == draws.backgrounds[second]).all()
    assert set(draws.backgrounds) == {0, 1, 2}
    for mask, number, margin in zip(
        draws.masks, draws.backgrounds, draws.verdicts.margins, strict=True
    ):
        assert margin == pytest.approx(2 * games[number](mask[None])[0, 0], rel=1e-6)


def test_what_effects_leave_over_is_the_rest_of_the_variance():
    def product(masks):
        signs = np.where(masks, 1.0, -1.0)
        lead = 2 * signs[:, 0] + 0.5 * signs[:, 1] * signs[:, 2] + 0.5
        return np.stack([lead / 2, -lead / 2], axis=1)

    ranking = rank_by_margin(around(Game(product, 30)), 256, rng(1))
    assert ranking.effects[0] == pytest.approx(4.0, abs=0.2)
    assert ranking.rest == pytest.approx(0.25, abs=0.15)
    assert ranking.level == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("hidden", [0.3, 0.5, 0.8])
def test_votes_of_many_are_foreseen(hidden):
    weights = rng(3).uniform(0.2, 1.0, 40)
    game = threshold_game(weights, 0.55 * weights.sum())
    nearby = around(game, hidden)
    ranking = rank_by_margin(nearby, 500, rng(1))
    foreseen, order = ranking.foreseen_precision(hidden), ranking.order()
    assert foreseen.shape == (41,)
    for count in (0, 3, 8, 15, 40):
        drawn = nearby.draw(order[:count], 4000, rng(count))
        assert foreseen[count] == pytest.approx(drawn.hits / len(drawn), abs=0.05)
