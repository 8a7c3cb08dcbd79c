from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.game import hadamard
from seewhy.game.hadamard import _Assignment, fold_over, neighbour_triples, smallest_order

truth = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def grid_affinity(height, width):
    """4-neighbourhood of a grid, like superpixels that touch."""
    place = np.arange(height * width).reshape(height, width)
    affinity = np.zeros((place.size, place.size))
    for a, b in [(place[:, 1:], place[:, :-1]), (place[1:], place[:-1])]:
        affinity[a.ravel(), b.ravel()] = affinity[b.ravel(), a.ravel()] = 1
    return affinity


def signs_of(design):
    return np.where(design.masks, 1, -1)


def aliased_load(design, affinity):
    """Weight of the neighbour triples whose product is, up to its sign, a player's column."""
    columns = signs_of(design)[::2]
    triples, weights = neighbour_triples(affinity > 0)
    products = columns[:, triples].prod(axis=2)
    return weights[(np.abs(products.T @ columns) == len(columns)).any(axis=1)].sum()


def state_of(order, affinity, seed):
    columns = np.random.default_rng(seed).permutation(order)
    return _Assignment(columns, *neighbour_triples(affinity > 0), len(affinity))


def cost(state):
    return sum(load for load, used in zip(state.load, state.used, strict=True) if used)


@truth
@given(st.integers(1, 40), st.integers(0, 2), st.booleans(), st.integers(0, 10**6))
def test_columns_are_exactly_orthogonal_and_rows_come_with_their_complements(
    n_players, spare, with_affinity, seed
):
    order = smallest_order(n_players) << spare
    affinity = grid_affinity(1, n_players) if with_affinity else None
    design = fold_over(n_players, order, np.random.default_rng(seed), affinity=affinity)
    x = signs_of(design)
    assert x.shape == (2 * order, n_players)
    assert np.array_equal(x[1::2], -x[::2])
    assert np.array_equal(x[::2].T @ x[::2], order * np.eye(n_players, dtype=int))
    assert set(design.laws.tolist()) == {"fold-over"}
    assert not design.held_out.any()


@pytest.mark.parametrize("affinity", [None, grid_affinity(3, 4)], ids=["random", "chosen"])
def test_every_interaction_of_even_order_cancels_exactly(affinity):
    x = signs_of(fold_over(12, 16, np.random.default_rng(0), affinity=affinity))
    for size in (0, 2, 4, 6):
        for players in combinations(range(12), size):
            assert not (x.T @ x[:, list(players)].prod(axis=1)).any()


def test_interactions_of_third_order_reach_one_column_or_none():
    x = signs_of(fold_over(12, 16, np.random.default_rng(0)))
    reached = [
        np.count_nonzero(x.T @ x[:, list(triple)].prod(axis=1))
        for triple in combinations(range(12), 3)
    ]
    assert set(reached) == {0, 1}


@pytest.mark.parametrize("seed", range(5))
def test_choosing_columns_unloads_the_players(seed):
    affinity = grid_affinity(6, 7)
    plain = aliased_load(fold_over(42, 64, np.random.default_rng(seed)), affinity)
    chosen = fold_over(42, 64, np.random.default_rng(seed), affinity=affinity)
    assert aliased_load(chosen, affinity) < 0.5 * plain


@truth
@given(st.integers(0, 10**6), st.sampled_from([(3, 4, 16), (3, 3, 16), (4, 4, 16), (2, 3, 64)]))
def test_the_running_load_is_what_a_recount_finds(seed, shape):
    height, width, order = shape
    affinity = grid_affinity(height, width)
    state = state_of(order, affinity, seed)
    rng = np.random.default_rng(seed)
    for _ in range(60):
        player, place = int(rng.integers(height * width)), int(rng.integers(order))
        if player == place:
            continue
        before, columns = cost(state), list(state.column)
        limit = float(rng.exponential())
        state.swap_if_cheaper_than(limit, player, place)
        swapped = list(columns)
        swapped[player], swapped[place] = swapped[place], swapped[player]
        triples = neighbour_triples(affinity > 0)
        trial = _Assignment(np.array(swapped), *triples, height * width)
        assert state.column == (swapped if cost(trial) - before <= limit else columns)
        recount = _Assignment(np.array(state.column), *triples, height * width)
        assert state.alias == recount.alias
        assert state.load == recount.load
        assert state.used == recount.used
    assert sorted(state.column) == list(range(order))


@pytest.mark.parametrize("row", [0, 5])
def test_every_row_is_uniform_over_all_masks(row, monkeypatch):
    monkeypatch.setattr(hadamard, "ANNEALING_STEPS", 20)
    affinity = grid_affinity(1, 3)
    counts = np.zeros(8)
    for seed in range(1600):
        mask = fold_over(3, 4, np.random.default_rng(seed), affinity=affinity).masks[row]
        counts[int(mask @ [1, 2, 4])] += 1
    chi_square = ((counts - 200) ** 2 / 200).sum()
    assert chi_square < 24.3  # 99.9 % of a chi-square with 7 degrees of freedom


@pytest.mark.parametrize("affinity", [None, grid_affinity(4, 5)], ids=["random", "chosen"])
def test_a_block_is_deterministic_for_a_seed(affinity):
    first, second = (
        fold_over(20, 32, np.random.default_rng(3), affinity=affinity).masks for _ in range(2)
    )
    other = fold_over(20, 32, np.random.default_rng(4), affinity=affinity).masks
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("at_least", "order"), [(0, 1), (1, 1), (1.25, 2), (2, 2), (40, 64), (64, 64), (64.5, 128)]
)
def test_smallest_order_is_the_next_power_of_two(at_least, order):
    assert smallest_order(at_least) == order


def test_triples_hang_together_and_count_double_when_all_three_touch():
    touching = np.zeros((5, 5), bool)
    for a, b in [(0, 1), (1, 2), (0, 2), (2, 3)]:
        touching[a, b] = touching[b, a] = True
    triples, weights = neighbour_triples(touching)
    found = {tuple(t): w for t, w in zip(triples.tolist(), weights.tolist(), strict=True)}
    assert found == {(0, 1, 2): 2.0, (0, 2, 3): 1.0, (1, 2, 3): 1.0}


def test_players_without_neighbours_have_no_triples():
    triples, weights = neighbour_triples(np.zeros((4, 4), bool))
    assert triples.shape == (0, 3)
    assert weights.shape == (0,)
    design = fold_over(4, 8, np.random.default_rng(0), affinity=np.zeros((4, 4)))
    assert design.masks.shape == (16, 4)
