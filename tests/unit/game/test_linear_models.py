from __future__ import annotations

import numpy as np
import pytest

from seewhy.game import linear_models
from seewhy.game.contexts import context_blocks
from seewhy.game.design import (
    Design,
    Law,
    all_masks,
    bernoulli,
    bernoulli_pairs,
    ends,
    from_masks,
    join,
    singles,
    sized_pairs,
)
from seewhy.game.functionals import SHAPLEY
from seewhy.game.hadamard import fold_over
from seewhy.game.hierarchy import balanced_hierarchy
from seewhy.game.plans import fitted_to_budget
from seewhy.game.toys import random_game


def game_of(n_players, seed=0):
    rng = np.random.default_rng(seed)
    return random_game(n_players, rng, interactions=60, largest=3, strength=0.3)


def relative_error(values, truth):
    return ((values - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()


def test_pairs_give_values_near_the_truth_and_an_honest_intercept():
    game = game_of(20)
    design = ends(20) | fold_over(20, 64, np.random.default_rng(0))
    model = linear_models.from_pairs(design, game(design.masks))
    assert relative_error(model.values[:, 0], game.main_effects()) < 0.02
    # on a fold-over design the mean of all scores estimates E[v], half of every value above empty
    mean = game(design.masks[2:]).mean()
    np.testing.assert_allclose(model.intercept + model.values.sum(axis=0) / 2, mean, rtol=1e-12)


def test_paying_twice_for_a_pair_teaches_nothing():
    game = game_of(12)
    rng = np.random.default_rng(0)
    once = ends(12) | bernoulli_pairs(12, 40, rng)
    turned = from_masks(once.masks[2:][::-1], Law.PAIRS)
    first = linear_models.from_pairs(once, game(once.masks))
    twice = once | turned
    second = linear_models.from_pairs(twice, game(twice.masks))
    assert np.array_equal(first.values, second.values)
    assert np.array_equal(first.standard_error, second.standard_error)


def test_nearly_whole_pictures_bend_no_main_effect():
    game = game_of(20)
    design = ends(20) | fold_over(20, 64, np.random.default_rng(0))
    shared = design | singles(20) | sized_pairs(20, 20, np.random.default_rng(1))
    half_hidden = shared.masks.mean(axis=1)
    kept = (half_hidden >= 0.3) & (half_hidden <= 0.7) | shared.rows(Law.ENDS, Law.FOLD_OVER)
    only = Design(shared.masks[kept], shared.laws[kept], shared.held_out[kept])
    first = linear_models.from_pairs(shared, game(shared.masks))
    second = linear_models.from_pairs(only, game(only.masks))
    assert np.array_equal(first.values, second.values)
    shapley = [linear_models.from_pairs(d, game(d.masks), SHAPLEY).values for d in (shared, only)]
    truth = game.shapley_values()
    errors = [relative_error(values[:, 0], truth) for values in shapley]
    assert errors[0] < 0.8 * errors[1]


def test_contexts_of_groups_teach_shapley_values_and_leave_main_effects_alone():
    game = game_of(20)
    design = ends(20) | fold_over(20, 32, np.random.default_rng(0))
    blocks = context_blocks(balanced_hierarchy(20), 60, np.random.default_rng(1), growing=False)
    with_groups = join([design, *blocks])
    first, second = (linear_models.from_pairs(d, game(d.masks)) for d in (design, with_groups))
    assert np.array_equal(first.values, second.values)
    assert np.array_equal(first.standard_error, second.standard_error)
    assert first.fidelity == second.fidelity
    truth = game.shapley_values()
    errors = []
    for d in (design, with_groups):
        scores = game(d.masks)
        found = linear_models.from_pairs(d, scores, SHAPLEY, links=scores)
        errors.append(relative_error(found.values[:, 0], truth))
    assert errors[1] < 0.7 * errors[0]


def test_without_half_hidden_pictures_main_effects_take_what_there_is():
    game = game_of(20)
    design = ends(20) | singles(20)
    found = linear_models.from_pairs(design, game(design.masks))
    assert found.values.any()
    assert found.fidelity is None


def test_held_out_pairs_change_no_value():
    game = game_of(12)
    rng = np.random.default_rng(0)
    fitted = ends(12) | bernoulli_pairs(12, 40, rng)
    with_held = fitted | bernoulli_pairs(12, 20, rng, held_out=True)
    first = linear_models.from_pairs(fitted, game(fitted.masks))
    second = linear_models.from_pairs(with_held, game(with_held.masks))
    assert np.array_equal(first.values, second.values)
    assert first.fidelity[0].kind == "leave-one-pair-out"
    assert second.fidelity[0].kind == "held-out"
    assert (first.fidelity[0].masks, second.fidelity[0].masks) == (80, 40)


def test_few_held_out_pairs_measure_nothing():
    game = game_of(12)
    rng = np.random.default_rng(0)
    design = ends(12) | bernoulli_pairs(12, 40, rng) | bernoulli_pairs(12, 15, rng, held_out=True)
    model = linear_models.from_pairs(design, game(design.masks))
    assert model.fidelity[0].kind == "leave-one-pair-out"


def share_missed_without_each_pair(design, scores):
    """Residual over total sum of squares, every pair predicted by a fit to the other pairs."""
    left = 0.0
    for row in range(2, len(design), 2):
        pair = [row, row + 1]
        rest = Design(*(np.delete(part, pair, axis=0) for part in vars(design).values()))
        without = linear_models.from_pairs(rest, np.delete(scores, pair, axis=0))
        predicted = without.intercept + design.masks[pair] @ without.values
        left += ((scores[pair] - predicted) ** 2).sum()
    odd, even = (scores[2::2] - scores[3::2]) / 2, (scores[2::2] + scores[3::2]) / 2
    return left / (2 * (odd**2).sum() + 2 * len(even) * even.var(ddof=1))


def test_leave_one_pair_out_is_r_squared_of_fits_without_the_pair():
    design = ends(10) | bernoulli_pairs(10, 30, np.random.default_rng(0))
    scores = game_of(10)(design.masks)
    r2 = linear_models.from_pairs(design, scores).fidelity[0].r2
    # hyper-parameters stay in one and are chosen anew in the other
    assert r2 == pytest.approx(1 - share_missed_without_each_pair(design, scores), abs=0.02)


@pytest.fixture
def few_pairs_for_the_process(monkeypatch):
    monkeypatch.setattr(linear_models, "MAX_PAIRS_FOR_PROCESS", 63)


def test_least_squares_takes_over_for_very_many_pairs(few_pairs_for_the_process):
    game = game_of(20)
    design = ends(20) | fold_over(20, 64, np.random.default_rng(0))
    scores = game(design.masks)
    model = linear_models.from_pairs(design, scores)
    x = np.where(design.masks[2:], 1.0, -1.0)
    np.testing.assert_allclose(model.values[:, 0], 2 * x.T @ scores[2:, 0] / 128, rtol=1e-9)
    standardised = (model.values[:, 0] - game.main_effects()) / model.standard_error[:, 0]
    assert 0.5 < np.sqrt(np.mean(standardised**2)) < 1.7
    assert model.fidelity[0].kind == "leave-one-pair-out"


def test_least_squares_knows_the_player_that_holds_the_constant_column(few_pairs_for_the_process):
    # all 64 columns are used, so one player is kept in every first mask, or in none
    game = game_of(64)
    design = ends(64) | fold_over(64, 64, np.random.default_rng(0))
    constant = np.flatnonzero((design.masks[2::2] == design.masks[2]).all(axis=0))
    assert len(constant) == 1
    scores = game(design.masks)
    model = linear_models.from_pairs(design, scores)
    x = np.where(design.masks[2:], 1.0, -1.0)
    np.testing.assert_allclose(model.values[:, 0], 2 * x.T @ scores[2:, 0] / 128, rtol=1e-9)


def test_least_squares_is_judged_by_fits_without_each_pair(monkeypatch):
    monkeypatch.setattr(linear_models, "MAX_PAIRS_FOR_PROCESS", 0)
    design = ends(20) | bernoulli_pairs(20, 40, np.random.default_rng(0))
    scores = game_of(20)(design.masks)
    r2 = linear_models.from_pairs(design, scores).fidelity[0].r2
    assert r2 == pytest.approx(1 - share_missed_without_each_pair(design, scores), abs=1e-9)


def test_several_targets_are_each_alone():
    first, second = game_of(15, 0), game_of(15, 1)
    design = ends(15) | fitted_to_budget(15, 100, np.random.default_rng(0), None)
    scores = np.hstack([first(design.masks), second(design.masks)])
    both = linear_models.from_pairs(design, scores)
    for column in range(2):
        alone = linear_models.from_pairs(design, scores[:, [column]])
        assert np.array_equal(both.values[:, [column]], alone.values)
        assert np.array_equal(both.standard_error[:, [column]], alone.standard_error)
        np.testing.assert_allclose(
            [both.fidelity[column].r2, both.fidelity[column].low, both.fidelity[column].main],
            [alone.fidelity[0].r2, alone.fidelity[0].low, alone.fidelity[0].main],
            rtol=1e-12,
        )


def test_independent_masks_are_judged_on_pairs_held_out_if_there_are_any():
    game = game_of(12)
    rng = np.random.default_rng(0)
    design = ends(12) | bernoulli(12, 300, rng)
    scores = game(design.masks)
    model = linear_models.from_independent_masks(design, scores, kernel_width=0.25, ridge=1.0)
    assert model.fidelity is None
    held = design | bernoulli_pairs(12, 200, rng, held_out=True)
    judged = linear_models.from_independent_masks(
        held, game(held.masks), kernel_width=0.25, ridge=1.0
    )
    assert np.array_equal(judged.values, model.values)
    masks = all_masks(12).masks
    every = game(masks)[:, 0]
    residuals = every - model.intercept - masks @ model.values[:, 0]
    r2 = 1 - (residuals**2).sum() / ((every - every.mean()) ** 2).sum()
    assert judged.fidelity[0].low < r2 < judged.fidelity[0].high
    assert judged.fidelity[0].r2 == pytest.approx(r2, abs=0.05)


def test_the_empty_picture_is_no_neighbour_of_the_papers_regression():
    game = game_of(12)
    design = ends(12) | bernoulli(12, 60, np.random.default_rng(0))
    scores = game(design.masks)
    disturbed = scores.copy()
    disturbed[1] += 100  # everything hidden
    first, second = (
        linear_models.from_independent_masks(design, part, kernel_width=0.25, ridge=1.0)
        for part in (scores, disturbed)
    )
    assert np.array_equal(first.values, second.values)
    disturbed[0] += 100  # everything kept
    third = linear_models.from_independent_masks(design, disturbed, kernel_width=0.25, ridge=1.0)
    assert not np.allclose(first.values, third.values)
