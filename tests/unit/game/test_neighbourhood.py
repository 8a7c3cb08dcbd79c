"""Masks around a rule: how they are drawn, what they cost, and all of them with their chances."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.decision import decision_of
from seewhy.game.design import all_masks
from seewhy.game.neighbourhood import Draws, Neighbourhood
from seewhy.game.toys import network_game, threshold_game


def rng(seed=0):
    return np.random.default_rng(seed)


def around(game, hidden=0.5, *others):
    decision = decision_of(game)
    return Neighbourhood((decision, *map(decision.elsewhere, others)), hidden)


@pytest.mark.parametrize("hidden", [0.1, 0.5, 0.8])
def test_players_outside_the_rule_are_hidden_as_often_as_asked_each_on_its_own(hidden):
    drawn = around(network_game(12, rng()), hidden).draw((1, 4), 20_000, rng(1))
    shown = drawn.masks
    assert shown[:, [1, 4]].all()
    outside = np.delete(shown, [1, 4], axis=1)
    error = np.sqrt(hidden * (1 - hidden) / len(shown))
    assert np.abs(outside.mean(axis=0) - (1 - hidden)).max() < 4.5 * error
    correlation = np.corrcoef(outside.T) - np.eye(10)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(shown))


def test_one_can_be_hidden_every_time():
    drawn = around(network_game(6, rng())).draw((1, 4), 200, rng(1), off=3)
    assert not drawn.masks[:, 3].any()
    assert drawn.masks[:, [1, 4]].all()
    assert 0 < drawn.masks[:, 0].mean() < 1


def test_with_everything_hidden_the_rule_stands_alone():
    nearby = around(network_game(6, rng()), 1.0)
    drawn = nearby.draw((0, 5), 9, rng())
    assert drawn.masks.sum() == 9 * 2
    assert nearby.count((0, 5)) == 1
    draws, chances = nearby.everything((0, 5))
    assert (draws.masks.tolist(), chances.tolist()) == ([[True, *[False] * 4, True]], [1.0])


def test_verdicts_are_those_of_the_masks_before_their_own_background():
    games = [network_game(5, rng(seed)) for seed in range(3)]
    drawn = around(games[0], 0.5, *games[1:]).draw((2,), 3000, rng(7))
    for number, game in enumerate(games):
        rows = drawn.backgrounds == number
        assert abs(rows.mean() - 1 / 3) < 0.04
        values = game(drawn.masks[rows]).astype(np.float64)
        np.testing.assert_array_equal(
            drawn.verdicts.margins[rows], np.subtract.reduce(values, axis=1)
        )
        np.testing.assert_array_equal(drawn.verdicts.winners[rows], values.argmax(axis=1))


def test_hits_are_what_kept_the_prediction_in_all_rounds():
    nearby = around(threshold_game([1, 1, 1, 1], 1.5))
    parts = [nearby.draw((0,), 50, rng(seed)) for seed in range(2)]
    joined = Draws.joined(parts)
    assert len(joined) == 100
    assert joined.hits == parts[0].hits + parts[1].hits == (joined.masks.sum(axis=1) > 1).sum()


def test_no_more_is_paid_than_allowed_and_what_is_known_is_free():
    nearby = around(network_game(20, rng()))
    assert len(nearby.draw((0,), 100, rng(3), most=30)) == 30
    assert nearby.evaluations == 30
    assert len(nearby.draw((0,), 30, rng(3), most=0)) == 30  # the same once more
    assert len(nearby.draw((0,), 30, rng(4), most=0)) == 0
    assert nearby.evaluations == 30
    small = around(network_game(3, rng()))
    small.draw((0,), 200, rng())
    assert small.evaluations == 4
    assert len(small.draw((0,), 200, rng(1), most=0)) == 200


def test_a_background_is_a_picture_of_its_own():
    nearby = around(network_game(3, rng()), 0.5, network_game(3, rng(1)))
    nearby.draw((0,), 300, rng())
    assert nearby.evaluations == 2 * 4
    assert nearby.count((0,)) == 2 * 4
    assert nearby.count_all() == 2 * 8


@pytest.mark.parametrize("hidden", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("kept", [(), (1,), (0, 3, 4), (0, 1, 2, 3, 4)])
def test_everything_is_every_mask_with_the_chance_that_it_is_drawn(hidden, kept):
    games = [network_game(5, rng(seed)) for seed in range(2)]
    nearby = around(games[0], hidden, games[1])
    draws, chances = nearby.everything(kept)
    assert chances.sum() == pytest.approx(1)
    assert len(draws) == nearby.count(kept) or len(kept) == 5
    rows = {(row.tobytes(), b) for row, b in zip(draws.masks, draws.backgrounds, strict=True)}
    assert len(rows) == len(draws)
    expected = 0.0
    for game in games:
        for mask in all_masks(5).masks:
            shown = mask | np.isin(np.arange(5), kept)
            chance = np.prod(np.where(mask, 1 - hidden, hidden))
            expected += chance / 2 * (game(shown[None])[0, 0] > 0)
    assert chances[draws.verdicts.kept].sum() == pytest.approx(expected)


def test_draws_are_as_frequent_as_their_chances():
    nearby = around(network_game(4, rng()), 0.3)
    draws, chances = nearby.everything((2,))
    wanted = {row.tobytes(): chance for row, chance in zip(draws.masks, chances, strict=True)}
    drawn = nearby.draw((2,), 20_000, rng(5)).masks
    for key, chance in wanted.items():
        share = np.mean([row.tobytes() == key for row in drawn])
        assert abs(share - chance) < 4.5 * np.sqrt(chance * (1 - chance) / len(drawn))
