"""Edges of the surrogate; its mathematics is tested in laws/test_surrogate_laws.py."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.design import bernoulli_pairs
from seewhy.game.functionals import MAIN_EFFECTS, SHAPLEY
from seewhy.game.surrogate import few_pairs, fit_odd_process
from seewhy.game.toys import linear_game


def odd_data(n_players, n_pairs, seed=0):
    rng = np.random.default_rng(seed)
    masks = bernoulli_pairs(n_players, n_pairs, rng).masks[::2]
    x = np.where(masks, 1.0, -1.0)
    weights = rng.standard_normal(n_players)
    triples = 0.3 * x[:, 0] * x[:, 1] * x[:, 2] - 0.5 * x[:, 3] * x[:, 4] * x[:, 5]
    return x, x @ weights / 2 + triples, weights.sum() / 2 - 0.2, weights


def test_a_game_that_never_changes_has_no_effects_and_no_doubt():
    x = odd_data(6, 10)[0]
    process = fit_odd_process(x, np.zeros(10), 0.0)
    for functional in (MAIN_EFFECTS, SHAPLEY):
        values, error = process.answer(functional)
        assert np.array_equal(values, np.zeros(6))
        assert np.array_equal(error, np.zeros(6))
        assert process.calibration(functional.covariances(process.kernel, process.x)) == 1.0
    assert np.array_equal(process.left_out(MAIN_EFFECTS), np.zeros(10))


@pytest.mark.parametrize("factor", [1e-6, -3.0, 1e6])
def test_values_scale_with_the_game(factor):
    x, odd, whole, _ = odd_data(12, 40)
    plain = fit_odd_process(x, odd, whole)
    scaled = fit_odd_process(x, factor * odd, factor * whole)
    for ask in ("main_effects", "shapley_values"):
        values, error = getattr(plain, ask)()
        found, found_error = getattr(scaled, ask)()
        np.testing.assert_allclose(found, factor * values, rtol=1e-6)
        np.testing.assert_allclose(found_error, abs(factor) * error, rtol=1e-6)


def test_renaming_the_players_renames_the_values():
    x, odd, whole, _ = odd_data(12, 40)
    order = np.random.default_rng(1).permutation(12)
    values = fit_odd_process(x, odd, whole).shapley_values()[0]
    renamed = fit_odd_process(x[:, order], odd, whole).shapley_values()[0]
    np.testing.assert_allclose(renamed, values[order], rtol=1e-6, atol=1e-9)


def test_a_pair_turned_round_is_the_same_pair():
    x, odd, whole, _ = odd_data(12, 40)
    turn = np.where(np.random.default_rng(1).random(40) < 0.5, 1.0, -1.0)
    values, error = fit_odd_process(x, odd, whole).main_effects()
    turned, turned_error = fit_odd_process(x * turn[:, None], odd * turn, whole).main_effects()
    np.testing.assert_allclose(turned, values, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(turned_error, error, rtol=1e-6)


def test_pairs_that_never_change_share_the_end_equally():
    x = odd_data(6, 10)[0]
    values, error = fit_odd_process(x, np.zeros(10), 3.0).shapley_values()
    assert abs(values.sum() - 6.0) < 1e-9
    assert (error > 0).all()


def test_players_that_interact_get_longer_arms():
    # players 0…5 interact in threes, 6…11 are linear: the kernel must tell them apart
    rng = np.random.default_rng(0)
    x = np.where(bernoulli_pairs(12, 300, rng).masks[::2], 1.0, -1.0)

    def odd(rows):
        return (
            2 * rows[:, :3].prod(axis=1) + 2 * rows[:, 3:6].prod(axis=1) + 0.1 * rows[:, 6:].sum(1)
        )

    process = fit_odd_process(x, odd(x), float(odd(np.ones((1, 12)))[0]))
    assert process.kernel.decay[:6].min() > process.kernel.decay[6:].max()


def test_the_kernel_is_chosen_on_random_pairs():
    few = few_pairs(2000, seed=0)
    assert len(few) == 500
    assert len(set(few.tolist())) == 500
    assert np.array_equal(few, np.sort(few))
    steps = np.diff(few)
    assert len(set(steps.tolist())) > 3  # never evenly: rows of a Hadamard design alias
    assert np.array_equal(few_pairs(500, seed=0), np.arange(500))
    assert not np.array_equal(few, few_pairs(2000, seed=1))


def test_whatever_is_asked_of_some_pairs_the_kernel_is_the_same():
    x, odd, whole, _ = odd_data(12, 60)
    with_ends, without = fit_odd_process(x, odd, whole), fit_odd_process(x, odd)
    assert with_ends.kernel is without.kernel
    assert with_ends.noise == without.noise
    assert fit_odd_process(x, 2 * odd + x[:, 0]).kernel is not without.kernel


def test_without_the_known_row_pairs_are_all_there_is():
    x, odd, whole, weights = odd_data(12, 60)
    process = fit_odd_process(x, odd)
    assert process.pairs == len(process.x) == 60
    assert len(process.left_out(MAIN_EFFECTS)) == 60
    with_outlier = fit_odd_process(x, odd, 50 * whole).main_effects()[0]
    error = np.abs(process.main_effects()[0] - weights).max()
    assert error < 0.2 * np.abs(with_outlier - weights).max()


def test_the_known_row_counts_as_known():
    x, odd, whole, _ = odd_data(12, 40)
    process = fit_odd_process(x, odd, whole + 1.0)
    assert abs(process.shapley_values()[0].sum() - 2 * (whole + 1.0)) < 1e-9
    everything = process.kernel(np.ones((1, 12)), process.x) @ process._alpha * process.scale
    np.testing.assert_allclose(everything, whole + 1.0, rtol=1e-6)


def test_a_linear_game_leaves_pairs_predicted_without_themselves():
    game = linear_game(np.random.default_rng(0).standard_normal(10))
    x, *_ = odd_data(10, 60)
    odd = x @ game.main_effects() / 2
    left_out = fit_odd_process(x, odd, game.main_effects().sum() / 2).left_out(MAIN_EFFECTS)
    assert np.square(left_out - odd).sum() < 1e-3 * np.square(odd).sum()
