"""Banzhaf, RISE and occlusion: what people compare with."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.game import Game
from seewhy.game.toys import ToyGame, random_game
from seewhy.methods.banzhaf import Banzhaf
from seewhy.methods.lime import Lime
from seewhy.methods.occlusion import Occlusion
from seewhy.methods.rise import Rise


def rng(seed=0):
    return np.random.default_rng(seed)


def game_of(n_players, seed=0):
    return random_game(n_players, rng(seed), interactions=40, largest=3)


def test_banzhaf_values_are_exact_when_every_mask_is_asked():
    game = game_of(8)
    found = Banzhaf()(game.game(), rng())
    np.testing.assert_allclose(found.values[:, 0], game.main_effects(), atol=1e-6)
    assert found.standard_error is None
    assert found.interactions.shape == (8, 8, 1)


def test_sampled_banzhaf_values_are_limes_without_its_weights():
    game = game_of(24)
    found = Banzhaf(budget=128)(game.game(), rng())
    assert np.array_equal(found.values, Lime(budget=128)(game.game(), rng()).values)
    error = np.mean((found.values[:, 0] - game.main_effects()) ** 2)
    assert error < 0.05 * np.var(game.main_effects())


def test_rise_is_the_mean_score_of_the_pictures_that_show_a_superpixel():
    game = game_of(8)
    found = Rise()(game.game(), rng())
    masks = (np.arange(256)[:, None] >> np.arange(8) & 1).astype(bool)
    scores = game(masks)[:, 0]
    for player in range(8):
        mean = scores[masks[:, player]].mean()
        assert found.base_value[0] + found.values[player, 0] == pytest.approx(mean, abs=1e-5)
    assert found.base_value[0] == pytest.approx(scores.mean(), abs=1e-5)


def test_sampled_rise_is_half_of_banzhaf_with_half_its_error():
    game = game_of(24)
    banzhaf, rise = (m(budget=128)(game.game(), rng()) for m in (Banzhaf, Rise))
    np.testing.assert_allclose(2 * rise.values, banzhaf.values, rtol=1e-12)
    np.testing.assert_allclose(2 * rise.standard_error, banzhaf.standard_error, rtol=1e-12)


def test_occlusion_hides_one_superpixel_at_a_time():
    game = ToyGame(5, {(0,): 1.0, (1, 2): 3.0, (3,): -2.0})
    counted = game.game()
    found = Occlusion()(counted, rng())
    np.testing.assert_allclose(found.values[:, 0], [1.0, 3.0, 3.0, -2.0, 0.0], atol=1e-6)
    assert found.evaluations == counted.evaluations == 7
    assert found.standard_error is None
    assert found.converged.all()


def test_occlusion_is_blind_where_two_superpixels_show_the_same():
    either = Game(lambda masks: masks.any(axis=1, keepdims=True).astype(float), 2)
    assert np.array_equal(Occlusion()(either, rng()).values, np.zeros((2, 1)))


def test_occlusion_tells_how_far_it_is():
    seen = []
    game = Game(game_of(20), 20, portion=8)
    Occlusion()(game, rng(), progress=seen.append)
    assert [event.done for event in seen] == [8, 16, 21]
    assert {event.total for event in seen} == {21}


@pytest.mark.parametrize("method", [Banzhaf, Rise])
def test_bad_budgets_are_refused(method):
    with pytest.raises(InputError, match="budget must be 'auto' or a whole number"):
        method(budget=1.5)
