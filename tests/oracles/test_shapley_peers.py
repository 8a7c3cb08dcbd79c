"""Shapley, Banzhaf and Owen values, and pair interactions, against ``shap`` and ``shapiq``."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from seewhy.game.design import all_masks, join
from seewhy.game.hierarchy import balanced_hierarchy, hierarchy_from_affinity
from seewhy.game.semivalues import (
    banzhaf_values,
    banzhaf_weights,
    interactions,
    shapley_values,
    shapley_weights,
)
from seewhy.game.toys import random_game
from seewhy.methods.kernel_shap import KernelShap
from seewhy.methods.partition_shap import PartitionShap
from seewhy.methods.permutation_shap import PermutationShap

with warnings.catch_warnings():  # of matplotlib's, for what shap does to colour maps
    warnings.simplefilter("ignore")
    import shap
    import shapiq


def rng(seed=0):
    return np.random.default_rng(seed)


def dense_game(n_players, seed):
    return random_game(n_players, rng(seed), interactions=60, largest=min(4, n_players))


def answer(method, game, affinity=None):
    """Values from float64 scores."""
    design = join(method.plan(game.n_players, rng(), affinity=affinity))
    return method.estimate(design, game(design.masks), affinity=affinity)


def as_function(game):
    """The game as a model of rows of numbers, where 1 is kept and 0 is the background."""
    return lambda rows: game(np.asarray(rows) > 0.5)[:, 0]


def independent_masker(n_players):
    return shap.maskers.Independent(np.zeros((1, n_players)), max_samples=1)


def tree_masker(hierarchy):
    """The same tree as scipy's linkage matrix, which ``shap`` takes."""
    n_players = hierarchy.n_players
    linkage = np.zeros((n_players - 1, 4))
    linkage[:, :2] = hierarchy.merges
    linkage[:, 2] = np.arange(1, n_players)
    linkage[:, 3] = hierarchy.members[n_players:].sum(axis=1)
    return shap.maskers.Partition(np.zeros((1, n_players)), clustering=linkage)


class Peer(shapiq.Game):
    """A toy game as ``shapiq`` wants it."""

    def __init__(self, game):
        self.toy = game
        super().__init__(n_players=game.n_players, normalize=False)

    def value_function(self, coalitions):
        """Values of coalitions."""
        return self.toy(np.asarray(coalitions, bool))[:, 0]


def by_shapiq(game, index, order):
    """Exact values of one index, by tuple of players."""
    found = shapiq.ExactComputer(game=Peer(game), n_players=game.n_players)(index, order=order)
    return {players: found[players] for players in found.interaction_lookup}


@pytest.mark.parametrize("n_players", [3, 6, 8])
def test_exact_values_are_those_of_shaps_exact_explainer(n_players):
    game = dense_game(n_players, n_players)
    explainer = shap.explainers.Exact(as_function(game), independent_masker(n_players))
    theirs = explainer(np.ones((1, n_players))).values[0]
    ours = shapley_values(game(all_masks(n_players).masks))[:, 0]
    np.testing.assert_allclose(ours, theirs, atol=1e-10)
    for method in (KernelShap(), KernelShap(estimator="regression"), PermutationShap()):
        np.testing.assert_allclose(answer(method, game).values[:, 0], theirs, atol=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_walks_err_as_much_as_those_of_shap_at_equal_cost(seed):
    n_players, walks = 12, 8
    ratios = []
    for draw in range(10):
        game = dense_game(n_players, 10 * seed + draw)
        explainer = shap.explainers.Permutation(
            as_function(game), independent_masker(n_players), seed=draw
        )
        theirs = explainer(
            np.ones((1, n_players)), max_evals=walks * (2 * n_players + 1), silent=True
        )
        method = PermutationShap(budget=walks * 2 * (n_players - 1))
        ours = answer(method, game).values[:, 0]
        truth = game.shapley_values()
        ratios.append(((ours - truth) ** 2).sum() / ((theirs.values[0] - truth) ** 2).sum())
    assert abs(np.mean(np.log(ratios))) < 0.8


@pytest.mark.parametrize("n_players", [2, 5, 8])
@pytest.mark.parametrize("balanced", [True, False])
def test_owen_values_are_those_of_shaps_partition_explainer_on_the_same_tree(n_players, balanced):
    game = dense_game(n_players, n_players)
    above = np.triu(rng(n_players).random((n_players, n_players)), 1)
    hierarchy = (
        balanced_hierarchy(n_players) if balanced else hierarchy_from_affinity(above + above.T)
    )
    explainer = shap.explainers.Partition(as_function(game), tree_masker(hierarchy))
    theirs = explainer(np.ones((1, n_players)), max_evals=10**5, silent=True).values[0]
    ours = answer(PartitionShap(hierarchy=hierarchy), game)
    np.testing.assert_allclose(ours.values[:, 0], theirs, atol=1e-10)


def test_owen_values_from_part_of_the_masks_are_nearer_than_shaps_at_equal_cost():
    n_players, budget = 20, 120
    hierarchy = balanced_hierarchy(n_players)
    ratios = []
    for seed in range(8):
        game = dense_game(n_players, seed)
        exact = answer(PartitionShap(budget=1000, hierarchy=hierarchy), game).values[:, 0]
        ours = answer(PartitionShap(budget=budget, hierarchy=hierarchy), game).values[:, 0]
        explainer = shap.explainers.Partition(as_function(game), tree_masker(hierarchy))
        theirs = explainer(np.ones((1, n_players)), max_evals=budget, silent=True).values[0]
        ratios.append(((ours - exact) ** 2).sum() / ((theirs - exact) ** 2).sum())
    assert np.median(ratios) < 0.5


@pytest.mark.parametrize("n_players", [3, 6, 8])
def test_shapley_and_banzhaf_values_are_those_of_shapiq(n_players):
    game = dense_game(n_players, n_players)
    scores = game(all_masks(n_players).masks)
    for ours, index in ((shapley_values(scores), "SV"), (banzhaf_values(scores), "BV")):
        theirs = by_shapiq(game, index, 1)
        expected = [theirs[(player,)] for player in range(n_players)]
        np.testing.assert_allclose(ours[:, 0], expected, atol=1e-10)


@pytest.mark.parametrize("n_players", [3, 6, 8])
def test_interactions_of_pairs_are_those_of_shapiq(n_players):
    game = dense_game(n_players, n_players)
    scores = game(all_masks(n_players).masks)
    for weights, index in ((shapley_weights, "SII"), (banzhaf_weights, "BII")):
        ours = interactions(scores, weights)[:, :, 0]
        theirs = by_shapiq(game, index, 2)
        for first in range(n_players):
            for second in range(first + 1, n_players):
                expected = pytest.approx(theirs[(first, second)], abs=1e-10)
                assert ours[first, second] == ours[second, first] == expected
