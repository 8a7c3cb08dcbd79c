"""Edges of the surrogate; its mathematics is tested in laws/test_surrogate_laws.py."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game import surrogate
from seewhy.game.design import bernoulli_pairs
from seewhy.game.surrogate import _factor, _few_rows, _profiled_likelihood, fit_odd_process
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
    for values, error in (process.main_effects(), process.shapley_values()):
        assert np.array_equal(values, np.zeros(6))
        assert np.array_equal(error, np.zeros(6))
    assert np.array_equal(process.linear_left_out(), np.zeros(10))
    assert process.calibration == 1.0


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


def likelihood_of(process, kernel, noise):
    factor = _factor(kernel(process.x, process.x), kernel, noise, process.pairs)
    return _profiled_likelihood(factor, process.y)


def test_the_kernel_that_is_kept_is_the_likeliest_of_the_grid():
    x, odd, whole, _ = odd_data(12, 60)
    process = fit_odd_process(x, odd, whole)
    chosen = likelihood_of(process, process.kernel, process.noise)
    share = process.kernel.decay / process.kernel.decay.sum()
    for total in surrogate.TOTAL_DECAYS:
        for noise in surrogate.NOISES:
            other = surrogate._kernel(total * share)
            assert likelihood_of(process, other, noise) <= chosen + 1e-9


def test_the_profiled_likelihood_is_the_gaussian_one_at_its_best_variance():
    x, odd, whole, _ = odd_data(8, 20)
    process = fit_odd_process(x, odd, whole)
    covariance = process.kernel(process.x, process.x)
    found = likelihood_of(process, process.kernel, process.noise)
    n = len(process.y)
    noisy = covariance + np.diag(np.append(np.full(n - 1, process.noise), 0.0)) + 1e-9 * np.eye(n)

    def log_density(variance):
        quadratic = process.y @ np.linalg.solve(variance * noisy, process.y)
        return -0.5 * (quadratic + np.linalg.slogdet(2 * np.pi * variance * noisy)[1])

    best = max(log_density(v) for v in process.amplitude**2 * np.geomspace(0.5, 2.0, 201))
    np.testing.assert_allclose(found - n / 2 * (1 + np.log(2 * np.pi)), best, atol=1e-5)


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


def test_hyper_parameters_are_compared_on_random_pairs_and_the_known_row():
    few = _few_rows(2000, 2001, seed=0)
    assert len(few) == 501
    assert few[-1] == 2000
    assert len(set(few.tolist())) == 501
    assert np.array_equal(few, np.sort(few))
    steps = np.diff(few[:-1])
    assert len(set(steps.tolist())) > 3  # never evenly: rows of a Hadamard design alias
    assert np.array_equal(_few_rows(500, 501, seed=0), np.arange(501))
    assert not np.array_equal(few, _few_rows(2000, 2001, seed=1))


def test_without_the_known_row_pairs_are_all_there_is():
    x, odd, whole, weights = odd_data(12, 60)
    process = fit_odd_process(x, odd)
    assert process.pairs == len(process.x) == 60
    assert len(process.linear_left_out()) == 60
    with_outlier = fit_odd_process(x, odd, 50 * whole).main_effects()[0]
    error = np.abs(process.main_effects()[0] - weights).max()
    assert error < 0.2 * np.abs(with_outlier - weights).max()
    assert len(_few_rows(700, 700, seed=0)) == 500


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
    left_out = fit_odd_process(x, odd, game.main_effects().sum() / 2).linear_left_out()
    assert np.square(left_out - odd).sum() < 1e-3 * np.square(odd).sum()
