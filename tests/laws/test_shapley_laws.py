"""The axioms of Shapley and Owen values, for every estimator of them, whatever it has sampled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.game.design import all_masks, ends, join
from seewhy.game.fidelity import PairedScores
from seewhy.game.hierarchy import hierarchy_from_affinity
from seewhy.game.leverage import constrained_shapley_regression, leverage_pairs
from seewhy.game.semivalues import shapley_values
from seewhy.game.toys import ToyGame, random_game
from seewhy.methods.kernel_shap import KernelShap
from seewhy.methods.partition_shap import PartitionShap
from seewhy.methods.permutation_shap import PermutationShap

law = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

FEW, MANY = 24, 2**13  # masks below and above what makes values of 6 to 9 players exact


def methods(budget):
    return [
        KernelShap(budget=budget),
        KernelShap(budget=budget, estimator="regression"),
        PermutationShap(budget=budget),
        PartitionShap(budget=budget),
        PartitionShap(budget=budget, estimator="walks"),
    ]


def named(method):
    return f"{method.name}-{getattr(method, 'estimator', 'walks')}"


@dataclass(frozen=True)
class WithSum:
    """Three columns: a game, another, and their sum."""

    first: Callable
    second: Callable

    def __call__(self, masks):
        return np.hstack(
            [self.first(masks), self.second(masks), self.first(masks) + self.second(masks)]
        )


def rng(seed=0):
    return np.random.default_rng(seed)


def random_affinity(n_players, seed):
    above = np.triu(rng(seed).random((n_players, n_players)), 1)
    return above + above.T


def answer(method, value, n_players, seed=0):
    """Plan and estimate by hand, on float64 scores."""
    affinity = random_affinity(n_players, n_players)
    design = join(method.plan(n_players, rng(seed), affinity=affinity))
    return method.estimate(design, value(design.masks), affinity=affinity)


games = st.builds(
    lambda n_players, seed: random_game(n_players, rng(seed), interactions=30, largest=4),
    st.integers(6, 9),
    st.integers(0, 10**6),
)


@pytest.mark.parametrize("budget", [FEW, MANY])
@pytest.mark.parametrize("index", range(5), ids=[named(method) for method in methods(FEW)])
@law
@given(game=games)
def test_efficiency_values_add_up_to_the_whole_minus_the_empty(index, budget, game):
    found = answer(methods(budget)[index], game, game.n_players)
    whole, empty = game(ends(game.n_players).masks)
    np.testing.assert_allclose(found.values.sum(axis=0), whole - empty, atol=1e-9)
    np.testing.assert_allclose(found.base_value, empty, atol=1e-12)


@pytest.mark.parametrize("index", range(5), ids=[named(method) for method in methods(FEW)])
@law
@given(game=games)
def test_a_null_player_gets_nothing_once_all_is_asked(index, game):
    null = game.n_players - 1
    rest = {players: c for players, c in game.coefficients.items() if null not in players}
    found = answer(methods(MANY)[index], ToyGame(game.n_players, rest), game.n_players)
    assert abs(found.values[null, 0]) < 1e-9


@pytest.mark.parametrize("index", [2, 4], ids=["permutation-shap", "partition-shap-walks"])
@law
@given(game=games)
def test_walks_give_a_null_player_nothing_however_few_they_are(index, game):
    null = game.n_players - 1
    rest = {players: c for players, c in game.coefficients.items() if null not in players}
    found = answer(methods(FEW)[index], ToyGame(game.n_players, rest), game.n_players)
    assert abs(found.values[null, 0]) < 1e-9


@pytest.mark.parametrize("index", range(3), ids=[named(method) for method in methods(FEW)[:3]])
@law
@given(game=games)
def test_symmetry_players_that_do_the_same_get_the_same(index, game):
    def swapped(players):
        return tuple(sorted({0: 1, 1: 0}.get(player, player) for player in players))

    both = {
        players: (game.coefficients.get(players, 0) + game.coefficients.get(swapped(players), 0))
        for players in {*game.coefficients, *map(swapped, game.coefficients)}
    }
    found = answer(methods(MANY)[index], ToyGame(game.n_players, both), game.n_players)
    np.testing.assert_allclose(found.values[0], found.values[1], atol=1e-9)


@law
@given(game=games)
def test_symmetry_siblings_of_a_hierarchy_that_do_the_same_get_the_same(game):
    # of Owen values only players that are joined with each other can be exchanged
    n_players = game.n_players
    first, second = hierarchy_from_affinity(random_affinity(n_players, n_players)).merges[0]

    def swapped(players):
        change = {first: second, second: first}
        return tuple(sorted(change.get(player, player) for player in players))

    both = {
        players: (game.coefficients.get(players, 0) + game.coefficients.get(swapped(players), 0))
        for players in {*game.coefficients, *map(swapped, game.coefficients)}
    }
    found = answer(PartitionShap(budget=MANY), ToyGame(n_players, both), n_players)
    np.testing.assert_allclose(found.values[first], found.values[second], atol=1e-9)


@pytest.mark.parametrize(
    "method",
    [
        KernelShap(budget=MANY),
        KernelShap(budget=FEW, estimator="regression"),
        PermutationShap(budget=FEW),
        PartitionShap(budget=MANY),
        PartitionShap(budget=FEW, estimator="walks"),
    ],
    ids=named,
)
@law
@given(game=games, seed=st.integers(0, 10**6))
def test_linearity_values_of_a_sum_are_sums_of_values(method, game, seed):
    # a surrogate chooses its smoothness by the data, so it is linear only where it is exact
    other = random_game(game.n_players, rng(seed), interactions=30, largest=4)
    one, two, both = answer(method, WithSum(game, other), game.n_players).values.T
    np.testing.assert_allclose(one + two, both, atol=1e-9)


@law
@given(game=games)
def test_with_all_masks_every_estimator_of_shapley_values_is_the_definition(game):
    n_players = game.n_players
    exact = shapley_values(game(all_masks(n_players).masks))
    np.testing.assert_allclose(exact[:, 0], game.shapley_values(), atol=1e-9)
    for method in methods(MANY)[:3]:
        np.testing.assert_allclose(answer(method, game, n_players).values, exact, atol=1e-9)


@law
@given(game=games)
def test_regression_on_all_coalitions_is_the_definition(game):
    masks = leverage_pairs(game.n_players, 10**6, rng())
    pairs = PairedScores.of(masks, game(masks))
    whole, empty = game(ends(game.n_players).masks)
    values, _ = constrained_shapley_regression(pairs.signs, pairs.odd, (whole - empty) / 2)
    np.testing.assert_allclose(values[:, 0], game.shapley_values(), atol=1e-9)


@law
@given(game=games)
def test_owen_values_are_shapley_values_where_groups_do_not_interact(game):
    # interactions within pairs of siblings alone: sharing within a pair is equal either way
    n_players = game.n_players
    hierarchy = hierarchy_from_affinity(random_affinity(n_players, n_players))
    pairs = [pair for pair in hierarchy.merges if max(pair) < n_players]
    inside = {(j,): 1.0 + j for j in range(n_players)} | {
        tuple(sorted(pair)): 3.0 for pair in pairs
    }
    toy = ToyGame(n_players, inside)
    found = answer(PartitionShap(budget=MANY), toy, n_players)
    np.testing.assert_allclose(found.values[:, 0], toy.shapley_values(), atol=1e-9)


@law
@given(game=games)
def test_the_score_of_the_game_moves_values_as_it_should(game):
    # v → 2 v + 7 doubles every value, whatever was sampled, surrogate included
    def moved(masks):
        return 2 * game(masks) + 7

    for method in methods(FEW):
        plain, doubled = (answer(method, value, game.n_players) for value in (game, moved))
        np.testing.assert_allclose(doubled.values, 2 * plain.values, atol=1e-8)
        np.testing.assert_allclose(doubled.standard_error, 2 * plain.standard_error, atol=1e-8)
