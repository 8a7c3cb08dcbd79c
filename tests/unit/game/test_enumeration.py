"""Exact linear models of games whose every mask was asked."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game import enumeration
from seewhy.game.design import Design, ends
from seewhy.game.plans import all_but_ends
from seewhy.game.semivalues import banzhaf_weights, shapley_weights
from seewhy.game.toys import random_game


def asked(n_players, seed=0):
    game = random_game(n_players, np.random.default_rng(seed), interactions=60, largest=3)
    design = ends(n_players) | all_but_ends(n_players)
    return game, design, game(design.masks)


def shuffled(design, scores):
    order = np.random.default_rng(0).permutation(len(design))
    mixed = Design(design.masks[order], design.laws[order], design.held_out[order])
    return mixed, scores[order]


def test_all_masks_may_come_in_any_order():
    _, design, scores = asked(6)
    mixed = shuffled(design, scores)
    first = enumeration.lime_from_all_masks(design, scores, kernel_width=0.25)
    second = enumeration.lime_from_all_masks(*mixed, kernel_width=0.25)
    assert np.array_equal(first.values, second.values)
    assert first.standard_error is None
    assert first.fidelity == second.fidelity
    one, pairs = enumeration.semivalues_from_all_masks(design, scores, shapley_weights)
    other, same_pairs = enumeration.semivalues_from_all_masks(*mixed, shapley_weights)
    assert np.array_equal(one.values, other.values)
    assert np.array_equal(pairs, same_pairs)
    assert one.fidelity == other.fidelity


def test_with_a_wide_kernel_limes_regression_gives_the_main_effects():
    game, design, scores = asked(6)
    model = enumeration.lime_from_all_masks(design, scores, kernel_width=1e6)
    np.testing.assert_allclose(model.values[:, 0], game.main_effects(), rtol=1e-9, atol=1e-12)
    fidelity = model.fidelity[0]
    assert fidelity.r2 == pytest.approx(fidelity.main, abs=1e-9)


def test_shapley_values_start_from_the_empty_picture_and_end_at_the_whole_one():
    game, design, scores = asked(7)
    model, _ = enumeration.semivalues_from_all_masks(design, scores, shapley_weights)
    np.testing.assert_allclose(model.values[:, 0], game.shapley_values(), atol=1e-12)
    assert model.intercept[0] == scores[1, 0]
    assert model.intercept[0] + model.values.sum() == pytest.approx(scores[0, 0], abs=1e-9)


def test_banzhaf_values_are_the_best_line_so_their_r2_is_the_share_of_main_effects():
    game, design, scores = asked(7)
    model, _ = enumeration.semivalues_from_all_masks(design, scores, banzhaf_weights)
    np.testing.assert_allclose(model.values[:, 0], game.main_effects(), atol=1e-12)
    fidelity = model.fidelity[0]
    assert fidelity.kind == "all masks"
    assert fidelity.masks == 128
    assert fidelity.r2 == pytest.approx(fidelity.main, abs=1e-9)
    shapley, _ = enumeration.semivalues_from_all_masks(design, scores, shapley_weights)
    assert shapley.fidelity[0].r2 < fidelity.r2


def test_nobody_reads_interactions_of_many_players(monkeypatch):
    monkeypatch.setattr(enumeration, "MAX_PLAYERS_FOR_INTERACTIONS", 5)
    for n_players, there in ((5, True), (6, False)):
        _, design, scores = asked(n_players)
        _, pairs = enumeration.semivalues_from_all_masks(design, scores, shapley_weights)
        assert (pairs is not None) == there
