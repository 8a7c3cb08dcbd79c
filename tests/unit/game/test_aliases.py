from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from seewhy.game import aliases
from seewhy.game.aliases import alias_error
from seewhy.game.design import bernoulli_pairs, join
from seewhy.game.fidelity import PairedScores
from seewhy.game.hadamard import fold_over
from seewhy.game.surrogate import fit_odd_process

D, ORDER = 24, 64


def rng(seed=0):
    return np.random.default_rng(seed)


def signs_of(design):
    return np.where(design.masks[::2], 1.0, -1.0)


def alias_of(x, group):
    """The player whose column is that of a group, or None."""
    reached = np.abs(x.T @ x[:, group].prod(axis=1)) == len(x)
    return int(reached.argmax()) if reached.any() else None


def with_alias(seen, order=ORDER):
    """A block, and three players whose product is (or is not) another player's column."""
    for seed in range(50):
        x = signs_of(fold_over(D, order, rng(seed)))
        for group in map(list, combinations(range(6), 3)):
            if (alias_of(x, group) is None) == seen:
                return x, group
    raise AssertionError("no such block")


def errors(x, odd):
    process = fit_odd_process(x, odd)
    return alias_error(process, process.main_effects()[0]), process


def test_the_alias_of_three_strong_players_is_in_doubt_by_their_likeness():
    x, group = with_alias(seen=False)
    error, _ = errors(x, x[:, group].sum(axis=1))
    expected = np.zeros(D)
    expected[alias_of(x, group)] = 2 * aliases.LIKENESS
    np.testing.assert_allclose(error, expected, atol=0.05)


def test_players_without_a_strong_alias_are_in_no_doubt():
    x, group = with_alias(seen=True)
    error, _ = errors(x, x[:, group].sum(axis=1))
    assert error.max() < 0.05


def test_what_strong_players_do_together_elsewhere_sets_how_much_they_may_do_here():
    x = signs_of(fold_over(D, ORDER, rng(3)))
    strong = list(range(5))
    groups = [list(group) for group in combinations(strong, 3)]
    hidden = [group for group in groups if alias_of(x, group) is not None]
    open_ones = [group for group in groups if alias_of(x, group) is None]
    assert hidden
    assert open_ones
    linear = x[:, strong].sum(axis=1)
    interacting = linear + sum(0.9 * x[:, group].prod(axis=1) for group in open_ones)
    doubted = alias_of(x, hidden[0])
    assert errors(x, interacting)[0][doubted] > 1.2 * errors(x, linear)[0][doubted]


def test_a_second_block_settles_it():
    x, group = with_alias(seen=False)
    other = next(
        block
        for seed in range(100)
        if alias_of(block := signs_of(fold_over(D, ORDER, rng(seed))), group) is None
    )
    both = np.vstack([x, other])
    odd = both[:, group].sum(axis=1)
    assert errors(both, odd)[0].max() < 0.1
    assert errors(x, odd[:ORDER])[0].max() > 1


@pytest.mark.parametrize("factor", [-3.0, 1e-6, 1e6])
def test_errors_are_in_the_units_of_the_game(factor):
    x, group = with_alias(seen=False)
    odd = x[:, group].sum(axis=1) + 0.1 * rng().standard_normal(ORDER)
    np.testing.assert_allclose(errors(x, factor * odd)[0], abs(factor) * errors(x, odd)[0], 1e-6)


@pytest.mark.parametrize("pairs", [8, D])
def test_fewer_pairs_than_a_block_leave_no_alias(pairs):
    x = signs_of(bernoulli_pairs(D, pairs, rng()))
    assert not errors(x, x[:, 0])[0].any()


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_few_players_and_constant_games_are_finite(d):
    x = signs_of(fold_over(d, 8, rng()))
    distinct = PairedScores(x, x[:, :1], x[:, :1]).distinct()
    for odd in (x[distinct, 0], np.zeros(distinct.sum())):
        error, _ = errors(x[distinct], odd)
        assert np.isfinite(error).all()
        assert error.shape == (d,)
    assert not error.any()


def test_influence_is_how_values_move_with_the_data():
    design = join([fold_over(D, 32, rng()), bernoulli_pairs(D, 10, rng(1))])
    x = signs_of(design)
    _, process = errors(x, x[:, 0] + x[:, :3].prod(axis=1))
    values = process.scale * process.influence(aliases.MAIN_EFFECTS) @ process.y
    np.testing.assert_allclose(values, process.main_effects()[0], atol=1e-9)
