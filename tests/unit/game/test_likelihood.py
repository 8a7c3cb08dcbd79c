"""The choice of the kernel; its mathematics is tested in laws/test_surrogate_laws.py."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.design import Design, bernoulli_pairs, sized_pairs
from seewhy.game.fidelity import PairedScores
from seewhy.game.functionals import SHAPLEY
from seewhy.game.likelihood import (
    Evidence,
    _first_parameters,
    inverse_and_log_determinant,
    likeliest_kernel,
)
from seewhy.game.plans import shared_blocks
from seewhy.game.surrogate import fit_odd_process
from seewhy.game.toys import ToyGame, random_game


def pairs_of(game, design):
    pairs = PairedScores.of(design.masks, game(design.masks))
    return pairs.signs, pairs.odd[:, 0]


def scaled(x, odd):
    return x, odd / np.sqrt(np.mean(odd**2))


def some_pairs(n_pairs=80, seed=0):
    rng = np.random.default_rng(seed)
    game = random_game(10, rng, interactions=30, strength=1.0)
    return scaled(*pairs_of(game, bernoulli_pairs(10, n_pairs, rng)))


def shared(n_players: int, budget: int, seed: int) -> Design:
    (design,) = shared_blocks(n_players, budget, np.random.default_rng(seed), None)
    return design


def sized(n_players: int, budget: int, seed: int) -> Design:
    return sized_pairs(n_players, budget // 2, np.random.default_rng(seed), smallest=1)


@pytest.mark.parametrize("design", [shared, sized])
@pytest.mark.parametrize("seed", range(2))
def test_an_and_of_ten_of_forty_players_is_seen_through(design, seed):
    members = np.random.default_rng(seed).permutation(40)[:10].tolist()
    game = ToyGame(40, {tuple(sorted(members)): 1.0})
    process = fit_odd_process(*pairs_of(game, design(40, 500, seed)), 0.5)
    truth = game.shapley_values()
    error = np.mean((process.shapley_values()[0] - truth) ** 2) / np.var(truth)
    assert error < 1e-3
    decay = process.kernel.decay
    assert decay[members].min() > 5 * np.delete(decay, members).max()


def test_a_nearly_linear_game_of_one_sign_is_learned_and_doubted_rightly():
    # one level common to all effects explains nearly everything: the rest must not drown in it
    rng = np.random.default_rng(0)
    coefficients = {(j,): 1 + 0.25 * rng.standard_normal() for j in range(50)}
    for _ in range(60):
        players = rng.choice(50, int(rng.integers(2, 5)), replace=False)
        coefficients[tuple(sorted(players.tolist()))] = 0.05 * rng.standard_normal()
    game = ToyGame(50, coefficients)
    x, odd = pairs_of(game, shared(50, 1000, 0))
    values, error = fit_odd_process(x, odd, float(np.sum(game.shapley_values())) / 2).answer(
        SHAPLEY
    )
    missed = values - game.shapley_values()
    assert np.mean(missed**2) < 5e-4 * np.var(game.shapley_values())
    assert np.mean(np.abs(missed) < 1.645 * error) > 0.8
    assert np.sqrt(np.mean(missed**2) / np.mean(error**2)) > 0.6


def test_the_search_ends_above_where_it_began():
    x, y = some_pairs()
    kernel, noise = likeliest_kernel(x, y)
    evidence = Evidence(x, y)
    found = np.log([kernel.linear, kernel.product, noise, *kernel.decay])
    first = _first_parameters(x, y)
    assert evidence(found)[0] < evidence(first)[0] - 5
    assert np.abs(evidence(found)[1]).max() < 0.3 * np.abs(evidence(first)[1]).max()


def test_the_kernel_of_known_pairs_is_remembered_and_cannot_be_changed():
    x, y = some_pairs()
    kernel, noise = likeliest_kernel(x, y)
    again, noise_again = likeliest_kernel(x.copy(), y.copy())
    assert again is kernel
    assert noise_again == noise
    with pytest.raises(ValueError, match="read-only"):
        kernel.decay[0] = 1.0
    assert likeliest_kernel(x, y[::-1])[0] is not kernel


@pytest.mark.parametrize("n_pairs", [1, 2, 3])
def test_a_handful_of_pairs_is_enough_to_choose(n_pairs):
    x, y = some_pairs(n_pairs)
    kernel, noise = likeliest_kernel(x, y)
    assert np.isfinite([kernel.linear, kernel.product, noise, *kernel.decay]).all()


def test_a_matrix_that_is_no_covariance_is_refused():
    with pytest.raises(np.linalg.LinAlgError, match="2 pairs"):
        inverse_and_log_determinant(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_inverse_and_log_determinant_are_those_of_the_matrix():
    a = np.random.default_rng(0).standard_normal((6, 9))
    inverse, log_determinant = inverse_and_log_determinant(a @ a.T)
    np.testing.assert_allclose(inverse @ (a @ a.T), np.eye(6), atol=1e-10)
    np.testing.assert_allclose(log_determinant, np.linalg.slogdet(a @ a.T)[1])
