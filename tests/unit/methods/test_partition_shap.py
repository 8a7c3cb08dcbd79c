from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from seewhy.errors import InputError
from seewhy.game.contexts import count_contexts
from seewhy.game.design import Law, ends, join
from seewhy.game.game import Game
from seewhy.game.hierarchy import Hierarchy, balanced_hierarchy, hierarchy_from_affinity
from seewhy.game.plans import shared_blocks
from seewhy.game.toys import linear_game, random_game
from seewhy.methods.explanation import method_settings
from seewhy.methods.partition_shap import PartitionShap

truth = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def rng(seed=0):
    return np.random.default_rng(seed)


def hard_game(n_players, seed=0):
    return random_game(n_players, rng(seed), interactions=300, largest=3, strength=0.5)


def chain_affinity(n_players, seed=0):
    strength = rng(seed).random(n_players - 1) + 0.1
    above = np.diag(strength, 1)
    return above + above.T


def exact(game, hierarchy):
    found = PartitionShap(budget=100_000, hierarchy=hierarchy, estimator="walks")(
        game.game(), rng()
    )
    assert found.node_standard_error is None
    return found.node_values


def same(first, second):
    """Byte-equal but for the seconds."""
    for field in fields(first):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, np.ndarray):
            assert a.tobytes() == b.tobytes(), field.name
        elif field.name != "seconds":
            assert a == b, field.name


@truth
@given(st.integers(1, 45), st.integers(8, 400), st.sampled_from(["surrogate", "walks"]))
def test_a_number_is_spent_fully_and_never_exceeded(n_players, budget, estimator):
    game = linear_game(np.arange(1.0, n_players + 1)).game()
    method = PartitionShap(budget=budget, estimator=estimator)
    contexts = count_contexts(balanced_hierarchy(n_players))
    pair = 2 * (n_players - 1)
    if contexts > budget and estimator == "walks" and budget < pair:
        with pytest.raises(InputError, match=rf"^budget must be at least {pair} masks"):
            method(game, rng())
        return
    found = method(game, rng())
    assert game.evaluations <= found.evaluations <= budget + 2
    if contexts <= budget:
        assert found.evaluations == game.evaluations == contexts + (2 if n_players > 0 else 0)
        assert found.standard_error is None
    elif estimator == "surrogate":
        assert found.evaluations == budget - budget % 2 + 2
    else:
        assert found.evaluations == budget // pair * pair + 2


@pytest.mark.parametrize("estimator", ["surrogate", "walks"])
def test_values_are_owen_values_within_their_error_bars(estimator):
    covered, groups = [], []
    for seed in range(12):
        game, affinity = hard_game(24, seed), chain_affinity(24, seed)
        hierarchy = hierarchy_from_affinity(affinity)
        truth_ = exact(game, hierarchy)
        found = PartitionShap(budget=230, estimator=estimator)(
            Game(game, 24, affinity=affinity), rng(seed)
        )
        assert found.hierarchy == hierarchy
        inside = np.abs(found.node_values - truth_) <= 1.645 * found.node_standard_error + 1e-5
        covered.append(inside[:24])
        groups.append(inside[24:])
    assert 0.85 < np.mean(covered) < 0.98
    assert np.mean(groups) > 0.85


def test_the_surrogate_has_less_error_than_walks_at_equal_cost():
    ratios = []
    for seed in range(10):
        game, hierarchy = hard_game(24, seed), balanced_hierarchy(24)
        truth_ = exact(game, hierarchy)[:24]
        missed = [
            (
                (
                    PartitionShap(budget=200, estimator=estimator)(game.game(), rng(seed)).values
                    - truth_
                )
                ** 2
            ).sum()
            for estimator in ("surrogate", "walks")
        ]
        ratios.append(missed[0] / missed[1])
    assert np.median(ratios) < 0.7


@pytest.mark.parametrize("estimator", ["surrogate", "walks"])
@pytest.mark.parametrize("budget", [100, 300, "auto"])
def test_groups_are_sums_of_their_parts_and_everything_adds_up(estimator, budget):
    game = hard_game(40)
    found = PartitionShap(budget=budget, estimator=estimator)(game.game(), rng())
    whole, empty = game.game()(ends(40).masks)[:, 0].astype(float)
    assert abs(found.values.sum() - (whole - empty)) < 1e-9
    np.testing.assert_allclose(
        found.node_values, found.hierarchy.sum_over_nodes(found.values), atol=1e-9
    )
    assert np.array_equal(found.node_values[:40], found.values)
    assert np.array_equal(found.node_standard_error[:40], found.standard_error)
    assert found.node_standard_error[-1] == 0
    assert found.base_value[0] == empty


def test_neighbours_make_the_hierarchy_unless_one_is_set():
    affinity = chain_affinity(20, 3)
    game = Game(hard_game(20), 20, affinity=affinity)
    assert PartitionShap()(game, rng()).hierarchy == hierarchy_from_affinity(affinity)
    mine = hierarchy_from_affinity(chain_affinity(20, 8))
    found = PartitionShap(hierarchy=mine)(game, rng())
    assert found.hierarchy == mine
    assert PartitionShap()(hard_game(20).game(), rng()).hierarchy == balanced_hierarchy(20)


def test_auto_stops_early_on_an_easy_game_and_spends_1024_on_a_hard_one():
    easy = PartitionShap()(linear_game(rng().standard_normal(45)).game(), rng())
    assert easy.converged.all()
    assert easy.evaluations == 2 + 256
    hard = PartitionShap(epsilon=1e-9, top_regions=45)(hard_game(45).game(), rng())
    assert not hard.converged.any()
    assert hard.evaluations == 1026
    walked = PartitionShap(estimator="walks")(linear_game(np.ones(45)).game(), rng())
    assert walked.evaluations == 2 + 3 * 88


def test_any_design_of_pairs_has_an_answer():
    game = hard_game(20)
    design = join([ends(20), *shared_blocks(20, 300, rng(), None)])
    found = PartitionShap().estimate(design, game(design.masks), affinity=chain_affinity(20))
    truth_ = exact(game, hierarchy_from_affinity(chain_affinity(20)))[:20]
    assert ((found.values - truth_) ** 2).sum() < 0.1 * ((truth_ - truth_.mean()) ** 2).sum()
    assert found.evaluations == len(design)


def test_every_target_is_answered_from_the_same_masks():
    one, two = hard_game(20, 1), hard_game(20, 2)
    both = Game(lambda masks: np.hstack([one(masks), two(masks)]), 20)
    found = PartitionShap(budget=100)(both, rng())
    alone = PartitionShap(budget=100)(two.game(), rng())
    np.testing.assert_allclose(found.node_values[:, [1]], alone.node_values, atol=1e-9)
    assert found.targets == (0, 1)


def test_planning_asks_nothing_and_estimating_is_the_rest_of_the_call():
    method, affinity = PartitionShap(budget=160), chain_affinity(30)
    game = Game(hard_game(30), 30, affinity=affinity)
    design = join(method.plan(30, rng(), affinity=affinity))
    assert set(design.laws.tolist()) == {Law.ENDS, Law.CONTEXTS}
    view = game.view("raw", target=0)
    by_hand = method.estimate(design, view(design.masks), targets=(0,), affinity=affinity)
    same(by_hand, method(view, rng()))


@pytest.mark.parametrize("estimator", ["surrogate", "walks"])
def test_one_seed_gives_equal_bytes_and_another_does_not(estimator):
    method = PartitionShap(budget=200, estimator=estimator)
    first, second, other = (method(hard_game(30).game(), rng(seed)) for seed in (1, 1, 2))
    same(first, second)
    assert not np.array_equal(first.values, other.values)


def test_the_number_of_blas_threads_changes_nothing():
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            found.append(PartitionShap(budget=300)(hard_game(30).game(), rng()))
    same(*found)


def test_settings_survive_a_document():
    method = PartitionShap(hierarchy=Hierarchy(3, ((0, 2), (1, 3))), budget=64)
    stored = json.loads(json.dumps(method_settings(method)))
    assert PartitionShap(**stored) == method
    assert hash(method) == hash(PartitionShap(**stored))


def test_it_is_a_frozen_value_whose_surrogate_shares_a_design():
    assert PartitionShap() == PartitionShap(budget="auto", estimator="surrogate")
    assert PartitionShap().name == "partition-shap"
    assert PartitionShap.reading == "share"
    assert PartitionShap().answers_from_any_pairs
    assert not PartitionShap(estimator="walks").answers_from_any_pairs
    with pytest.raises(FrozenInstanceError):
        PartitionShap().budget = 3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"budget": 7}, r"budget must be 'auto' or a whole number of at least 8 masks; got 7"),
        ({"estimator": "trees"}, r"estimator must be 'surrogate' or 'walks'; got 'trees'"),
        ({"hierarchy": [[0, 1]]}, r"hierarchy must be a Hierarchy or None; got a list"),
        ({"epsilon": -1}, r"epsilon must be positive; got -1"),
        ({"top_regions": 0}, r"top_regions must be a whole number of at least 1; got 0"),
    ],
)
def test_bad_settings_are_said_in_a_sentence(setting, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        PartitionShap(**setting)


def test_a_hierarchy_of_other_superpixels_is_refused_before_anything_is_paid():
    game = hard_game(20).game()
    with pytest.raises(
        InputError,
        match=r"^hierarchy must have the game's 20 players; got one of 19: make it from the same ",
    ):
        PartitionShap(hierarchy=balanced_hierarchy(19))(game, rng())
    assert game.evaluations <= 1  # as_view looked at the columns


def test_budgets_that_a_surrogate_cannot_use_are_refused():
    chain = Hierarchy(40, ((0, 1), *((i, 38 + i) for i in range(2, 40))))
    with pytest.raises(
        InputError,
        match=r"^budget must be at most 10000 masks for estimator='surrogate'; got 20000: use ",
    ):
        PartitionShap(budget=20_000, hierarchy=chain)(hard_game(40).game(), rng())
