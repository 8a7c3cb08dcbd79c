"""Several methods from one design: what it costs, and that each is as good as alone."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game import plans
from seewhy.game.contexts import count_contexts
from seewhy.game.design import join
from seewhy.game.game import Game
from seewhy.game.hierarchy import Hierarchy, balanced_hierarchy
from seewhy.game.toys import random_game
from seewhy.methods.banzhaf import Banzhaf
from seewhy.methods.kernel_shap import KernelShap
from seewhy.methods.lime import Lime
from seewhy.methods.occlusion import Occlusion
from seewhy.methods.partition_shap import PartitionShap
from seewhy.methods.permutation_shap import PermutationShap
from seewhy.methods.rise import Rise
from seewhy.methods.together import (
    can_share,
    explain_together,
    total_budget,
    worth_sharing,
)

ALL = (Lime(), KernelShap(), Banzhaf(), Rise())
WITH_GROUPS = (*ALL, PartitionShap())
CHAIN = Hierarchy(40, ((0, 1), *((i, 38 + i) for i in range(2, 40))))


def rng(seed=0):
    return np.random.default_rng(seed)


def game_of(n_players=40, seed=1):
    return random_game(n_players, rng(seed), interactions=100, largest=4)


def together(game, budget, methods=ALL, seed=0):
    counted = game.game()
    view = counted.view("raw", target=0)
    return explain_together(methods, view, rng(seed), budget=budget).attributions, counted


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
    assert all(can_share(method) for method in WITH_GROUPS)
    loners = (
        Lime(design="random"),
        Lime(budget=256),
        KernelShap(estimator="regression"),
        PartitionShap(estimator="walks"),
        PartitionShap(budget=256),
        PermutationShap(),
        Occlusion(),
    )
    assert not any(can_share(method) for method in loners)


def test_sharing_is_worth_it_for_two_that_have_masks_in_common():
    other = PartitionShap(name="other", hierarchy=CHAIN)
    assert worth_sharing((Lime(), PartitionShap()))
    assert worth_sharing((Lime(), PartitionShap(), other))
    assert not worth_sharing((PartitionShap(), other))
    assert not worth_sharing((Lime(),))
    assert not worth_sharing(())


@pytest.mark.parametrize(
    ("methods", "total"),
    [
        (WITH_GROUPS, 576),
        ((Lime(), PartitionShap()), 576),
        (ALL, 384),
        ((PartitionShap(),), 384),
        ((PartitionShap(), PartitionShap(name="b")), 384),
    ],
)
def test_groups_cost_half_as_much_again(methods, total):
    assert total_budget(methods, 384) == total


@pytest.mark.parametrize("budget", [128, 255, 384])
def test_main_effects_are_those_of_lime_alone_when_groups_are_asked_too(budget):
    game = game_of()
    answers, counted = together(game, total_budget(WITH_GROUPS, budget), WITH_GROUPS)
    alone = Lime(budget=budget)(game.game(), rng())
    assert answers[0].values.tobytes() == alone.values.tobytes()
    assert answers[0].standard_error.tobytes() == alone.standard_error.tobytes()
    assert answers[2].values.tobytes() == alone.values.tobytes()
    assert counted.evaluations == answers[4].evaluations
    assert 1.48 * budget < counted.evaluations <= 1.5 * budget + 2


def test_shares_of_players_and_groups_are_about_as_near_as_alone():
    ratios = {"kernel-shap": [], "partition-shap": []}
    for seed in range(6):
        game = game_of(seed=seed)
        answers, _ = together(game, total_budget(WITH_GROUPS, 300), WITH_GROUPS, seed)
        exact = PartitionShap(budget=100_000)(game.game(), rng())
        assert exact.standard_error is None
        for answer, method, truth in (
            (answers[1], KernelShap(budget=300), game.shapley_values()),
            (answers[4], PartitionShap(budget=300), exact.values[:, 0]),
        ):
            alone = method(game.game(), rng(seed))
            ratio = relative_error(answer.values, truth) / relative_error(alone.values, truth)
            ratios[answer.name].append(ratio)
    assert np.median(ratios["kernel-shap"]) < 1.1
    # a third as many contexts; on photos, where fold-over pairs tell more, they are no worse
    assert np.median(ratios["partition-shap"]) < 1.7


def test_owen_values_are_exact_where_alone_they_would_be():
    game, contexts = game_of(20), count_contexts(balanced_hierarchy(20))
    answers, counted = together(game, total_budget(WITH_GROUPS, contexts), WITH_GROUPS)
    alone = PartitionShap(budget=contexts)(game.game(), rng())
    assert alone.node_standard_error is None
    assert answers[4].node_standard_error is None
    np.testing.assert_allclose(answers[4].node_values, alone.node_values, atol=1e-6)
    assert counted.evaluations <= 1.5 * contexts + 2
    fewer, _ = together(game, total_budget(WITH_GROUPS, contexts - 2), WITH_GROUPS)
    assert fewer[4].node_standard_error.max() > 0


def test_occlusion_finds_its_masks_beside_groups():
    game = game_of()
    answers, counted = together(game, 576, WITH_GROUPS)
    paid = counted.evaluations
    found = Occlusion()(counted.view("raw", target=0), rng())
    assert counted.evaluations == paid == answers[0].evaluations
    expected = game(np.ones((1, 40), bool))[0] - game(~np.eye(40, dtype=bool))
    np.testing.assert_allclose(found.values, expected, atol=1e-5)


def test_every_hierarchy_gets_contexts_and_its_own_values():
    methods = (Lime(), PartitionShap(), PartitionShap(name="chain", hierarchy=CHAIN))
    answers, counted = together(game_of(), 600, methods)
    assert counted.evaluations == 602
    assert answers[1].hierarchy == balanced_hierarchy(40)
    assert answers[2].hierarchy == CHAIN
    for answer in answers[1:]:
        assert answer.node_standard_error[-1] == 0
        np.testing.assert_allclose(
            answer.node_values, answer.hierarchy.sum_over_nodes(answer.values), atol=1e-9
        )


def test_auto_with_groups_stops_when_all_have_settled_and_never_exceeds_1024():
    game = game_of()
    strict = (Lime(), PartitionShap(epsilon=1e-9, top_regions=40))
    answers, counted = together(game, "auto", strict)
    assert not answers[1].converged.any()
    assert counted.evaluations == 1026
    easy, cheap = together(game, "auto", (Lime(epsilon=10.0), PartitionShap(epsilon=10.0)))
    assert all(answer.converged.all() for answer in easy)
    assert cheap.evaluations == easy[1].evaluations < 300


def test_masks_of_main_effects_come_first_and_do_not_hang_on_the_hierarchy():
    first, other = (
        join(plans.for_groups_too(40, 576, rng(3), None, hierarchies=[hierarchy], growing=False))
        for hierarchy in (balanced_hierarchy(40), CHAIN)
    )
    assert np.array_equal(first.masks[:466], other.masks[:466])  # 2 ends, 384, 80 of single ones
    assert not np.array_equal(first.masks, other.masks)


def test_what_groups_cannot_use_is_refused_before_anything_is_paid():
    view = game_of().game().view("raw", target=0)
    with pytest.raises(InputError, match=r"^hierarchy must have the game's 40 players; got one of"):
        explain_together(
            (Lime(), PartitionShap(hierarchy=balanced_hierarchy(30))), view, rng(), budget=384
        )
    chain = (Lime(), PartitionShap(hierarchy=CHAIN))
    with pytest.raises(InputError, match=r"^budget must be at most 10000 masks for estimator='su"):
        explain_together(chain, view, rng(), budget=20_000)
    assert view.game.evaluations == 0


def test_the_time_of_each_is_the_paying_and_its_own_estimate():
    answers, _ = together(game_of(), 256)
    assert all(answer.seconds > 0 for answer in answers)


def test_progress_is_told_in_masks():
    seen = []
    view = game_of().game().view("raw", target=0)
    explain_together(ALL, view, rng(), budget=256, progress=seen.append)
    assert seen[-1].done == seen[-1].total == 256
    assert "lime, kernel-shap" in seen[0].stage


@pytest.mark.parametrize("methods", [ALL, WITH_GROUPS])
@pytest.mark.parametrize("budget", [8, 30, 90])
def test_small_budgets_give_answers_with_wide_error_bars(budget, methods):
    answers, counted = together(game_of(), budget, methods)
    assert counted.evaluations == budget + 2
    for answer in answers:
        assert np.isfinite(answer.values).all()
        assert (answer.standard_error > 0).all()
