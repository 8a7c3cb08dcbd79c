"""Several methods from one design: what it costs, and that each is as good as alone."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.game import Game
from seewhy.game.toys import random_game
from seewhy.methods.banzhaf import Banzhaf
from seewhy.methods.kernel_shap import KernelShap
from seewhy.methods.lime import Lime
from seewhy.methods.occlusion import Occlusion
from seewhy.methods.partition_shap import PartitionShap
from seewhy.methods.permutation_shap import PermutationShap
from seewhy.methods.rise import Rise
from seewhy.methods.together import can_share, explain_together

ALL = (Lime(), KernelShap(), Banzhaf(), Rise())


def rng(seed=0):
    return np.random.default_rng(seed)


def game_of(n_players=40, seed=1):
    return random_game(n_players, rng(seed), interactions=100, largest=4)


def together(game, budget, methods=ALL, seed=0):
    counted = game.game()
    view = counted.view("raw", target=0)
    return explain_together(methods, view, rng(seed), budget=budget), counted


def relative_error(values, truth):
    return float(np.mean((values[:, 0] - truth) ** 2) / np.var(truth))


def test_all_answers_come_from_one_set_of_masks():
    answers, counted = together(game_of(), 384)
    assert counted.evaluations == 386
    assert [answer.evaluations for answer in answers] == [386] * 4
    assert [answer.name for answer in answers] == [method.name for method in ALL]


def test_each_is_about_as_near_as_alone_at_the_same_budget():
    ratios = {"lime": [], "kernel-shap": []}
    for seed in range(5):
        game = game_of(seed=seed)
        answers, _ = together(game, 384, seed=seed)
        for answer, method, truth in (
            (answers[0], Lime(budget=384), game.main_effects()),
            (answers[1], KernelShap(budget=384), game.shapley_values()),
        ):
            alone = method(game.game(), rng(seed))
            ratio = relative_error(answer.values, truth) / relative_error(alone.values, truth)
            ratios[answer.name].append(ratio)
    # the fold-over rows of the shared design are two thirds of its masks
    assert np.median(ratios["lime"]) < 2.5
    assert np.median(ratios["kernel-shap"]) < 1.5


def test_lime_and_banzhaf_and_rise_speak_with_one_voice():
    answers, _ = together(game_of(), 384)
    lime, _, banzhaf, rise = answers
    assert np.array_equal(lime.values, banzhaf.values)
    np.testing.assert_allclose(2 * rise.values, banzhaf.values, rtol=1e-12)


def test_few_superpixels_are_enumerated_for_all():
    game = game_of(8)
    answers, counted = together(game, "auto")
    assert counted.evaluations == 256
    assert all(answer.standard_error is None for answer in answers)
    np.testing.assert_allclose(answers[1].values[:, 0], game.shapley_values(), atol=1e-6)
    np.testing.assert_allclose(answers[2].values[:, 0], game.main_effects(), atol=1e-6)


def test_auto_goes_on_until_the_last_method_has_settled():
    game = game_of()
    strict = (Lime(), KernelShap(epsilon=1e-6, top_regions=40))
    answers, counted = together(game, "auto", strict)
    assert counted.evaluations == 1026
    assert not answers[1].converged.any()
    easy, cheap = together(game, "auto", (Lime(), KernelShap(epsilon=10.0)))
    assert cheap.evaluations < 500
    assert easy[1].converged.all()


def test_main_effects_alone_pay_for_no_other_sizes():
    paid = []
    game = game_of()

    def value(masks):
        paid.append(masks)
        return game(masks)

    view = Game(value, 40).view("raw", target=0)
    explain_together((Lime(), Banzhaf()), view, rng(), budget=256)
    sizes = np.concatenate(paid).sum(axis=1)
    assert set(sizes.tolist()) & {1, 2, 3, 37, 38, 39} == set()


def test_who_can_share():
    assert all(can_share(method) for method in ALL)
    loners = (
        Lime(design="random"),
        Lime(budget=256),
        KernelShap(estimator="regression"),
        PartitionShap(),
        PermutationShap(),
        Occlusion(),
    )
    assert not any(can_share(method) for method in loners)


def test_the_time_of_each_is_the_paying_and_its_own_estimate():
    answers, _ = together(game_of(), 256)
    assert all(answer.seconds > 0 for answer in answers)


def test_progress_is_told_in_masks():
    seen = []
    view = game_of().game().view("raw", target=0)
    explain_together(ALL, view, rng(), budget=256, progress=seen.append)
    assert seen[-1].done == seen[-1].total == 256
    assert "lime, kernel-shap" in seen[0].stage


@pytest.mark.parametrize("budget", [8, 30, 90])
def test_small_budgets_give_answers_with_wide_error_bars(budget):
    answers, counted = together(game_of(), budget)
    assert counted.evaluations == budget + 2
    for answer in answers:
        assert np.isfinite(answer.values).all()
        assert (answer.standard_error > 0).all()
