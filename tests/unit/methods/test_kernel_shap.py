"""KernelShap as a method; accuracy on real networks is in benchmarks/kernel_shap.py."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_expit

from seewhy.errors import InputError
from seewhy.game.design import Law, join
from seewhy.game.game import Game
from seewhy.game.toys import ToyGame, random_game
from seewhy.methods.kernel_shap import KernelShap
from seewhy.methods.lime import Lime


def rng(seed=0):
    return np.random.default_rng(seed)


def hard_game(n_players=30, seed=1):
    return random_game(n_players, rng(seed), interactions=100, largest=4)


def relative_error(found, truth):
    return float(np.mean((found.values[:, 0] - truth) ** 2) / np.var(truth))


def test_few_superpixels_are_answered_exactly_with_their_interactions():
    game = hard_game(9)
    found = KernelShap()(game.game(), rng())
    # the game stores float32
    np.testing.assert_allclose(found.values[:, 0], game.shapley_values(), atol=1e-6)
    assert found.standard_error is None
    assert found.evaluations == 512
    assert found.interactions.shape == (9, 9, 1)
    assert found.converged.all()


@pytest.mark.parametrize("estimator", ["surrogate", "regression"])
@pytest.mark.parametrize("budget", [40, 101, 200])
def test_shares_add_up_to_what_hiding_everything_changes(estimator, budget):
    game = hard_game()
    whole, empty = game(np.repeat([[True], [False]], 30, axis=1))[:, 0].astype(np.float32)
    found = KernelShap(estimator=estimator, budget=budget)(game.game(), rng())
    assert found.evaluations == 2 + budget // 2 * 2
    assert found.values.sum() == pytest.approx(float(whole) - float(empty), abs=1e-9)
    assert found.base_value[0] == empty


def test_the_surrogate_is_nearer_than_the_regression_and_both_tell_how_near():
    errors = {"surrogate": [], "regression": []}
    hits = {"surrogate": [], "regression": []}
    for seed in range(6):
        game = hard_game(seed=seed)
        truth = game.shapley_values()
        for estimator in errors:
            found = KernelShap(estimator=estimator, budget=256)(game.game(), rng(seed))
            errors[estimator].append(relative_error(found, truth))
            distance = np.abs(found.values[:, 0] - truth) / found.standard_error[:, 0]
            hits[estimator].append(np.mean(distance < 1.645))
    assert np.median(errors["surrogate"]) < 0.7 * np.median(errors["regression"])
    for estimator in errors:
        assert 0.8 <= np.mean(hits[estimator]) <= 0.99


def test_auto_stops_when_the_answer_is_settled():
    clear = ToyGame(30, {(j,): float(j < 5) * (8 - j) for j in range(30)})
    quick = KernelShap()(clear.game(), rng())
    assert quick.converged.all()
    hard = random_game(40, rng(3), interactions=2000, largest=4, strength=1.0)
    slow = KernelShap(epsilon=1e-6, top_regions=40)(hard.game(), rng())
    assert quick.evaluations < 400
    assert slow.evaluations == 1026
    assert not slow.converged.any()


def test_the_same_random_numbers_give_the_same_bytes():
    game = hard_game()
    first, second = (KernelShap(budget=128)(game.game(), rng(5)) for _ in range(2))
    assert first.values.tobytes() == second.values.tobytes()
    assert first.standard_error.tobytes() == second.standard_error.tobytes()


def test_all_targets_come_from_one_set_of_masks():
    games = [hard_game(seed=seed) for seed in (1, 2)]
    both = Game(lambda masks: np.hstack([game(masks) for game in games]), 30)
    found = KernelShap(budget=128)(both, rng())
    assert both.evaluations == 130
    for column, game in enumerate(games):
        alone = KernelShap(budget=128)(game.game(), rng())
        np.testing.assert_allclose(found.values[:, [column]], alone.values, rtol=1e-9, atol=1e-9)


def test_probabilities_are_shared_out_by_way_of_log_odds():
    """A sigmoid of a linear game is steep in probability and simple in log-odds."""
    weights = rng(0).standard_normal(24) * 1.5
    ratios = []
    for seed in range(4):

        def value(masks):
            log_odds = masks @ weights - weights.sum() / 2
            return np.stack([log_expit(-log_odds), log_expit(log_odds)], axis=1)

        game = Game(value, 24, columns="log-probability")
        view = game.view("probability", target=1)
        truth = KernelShap(estimator="regression", budget=20_000)(view, rng(99)).values
        with_links = KernelShap(budget=128)(view, rng(seed))
        design = join(KernelShap(budget=128).plan(24, rng(seed)))
        without = KernelShap(budget=128).estimate(design, view(design.masks))
        errors = [np.sum((found.values - truth) ** 2) for found in (with_links, without)]
        ratios.append(errors[0] / errors[1])
        assert with_links.values.sum() == pytest.approx(
            float(np.subtract(*view(np.repeat([[True], [False]], 24, axis=1))[:, 0])), abs=1e-9
        )
    assert np.median(ratios) < 0.3


def test_it_answers_from_the_design_of_another_method():
    game = hard_game()
    design = join(Lime(budget=128).plan(30, rng()))
    found = KernelShap().estimate(design, game(design.masks))
    assert np.isfinite(found.values).all()
    assert not design.rows(Law.SINGLES).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"budget": 7}, "budget must be 'auto' or a whole number of at least 8 masks; got 7"),
        ({"budget": 10_001}, "at most 10000 masks .* got 10001: use estimator='regression'"),
        ({"estimator": "magic"}, "must be 'surrogate' or 'regression'; got 'magic'"),
        ({"epsilon": 0}, "epsilon must be positive; got 0"),
        ({"top_regions": 0}, "top_regions must be a whole number of at least 1; got 0"),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(settings, message):
    with pytest.raises(InputError, match=message):
        KernelShap(**settings)


def test_a_large_budget_is_for_the_regression():
    assert KernelShap(estimator="regression", budget=10_001).budget == 10_001
