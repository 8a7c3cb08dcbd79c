from __future__ import annotations

from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.game.contexts import context_masks, count_contexts, joins_of
from seewhy.game.design import Law, all_masks, join
from seewhy.game.hierarchy import Hierarchy, balanced_hierarchy
from seewhy.game.plans import (
    all_but_ends,
    fitted_to_budget,
    for_groups_too,
    for_main_effects,
    growing_blocks,
    random_blocks,
    shared_blocks,
)

truth = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def rng(seed=0):
    return np.random.default_rng(seed)


def check_pairs(design, law):
    masks = design.masks[design.rows(law, held_out=None)]
    assert np.array_equal(masks[1::2], ~masks[::2])


@truth
@given(st.integers(4, 70), st.integers(8, 1500), st.integers(0, 10**6))
def test_a_number_is_spent_fully(n_players, budget, seed):
    budget = min(budget, 2**n_players - 1)
    design = fitted_to_budget(n_players, budget, rng(seed), None)
    assert design.budget == budget - budget % 2
    check_pairs(design, Law.FOLD_OVER)
    check_pairs(design, Law.PAIRS)
    assert not design.held_out[design.laws == Law.FOLD_OVER].any()


@truth
@given(st.integers(4, 70), st.integers(8, 1500))
def test_blocks_are_whole_and_sixteen_pairs_of_what_is_left_are_held_out(d, budget):
    budget = min(budget, 2**d - 1)
    design = fitted_to_budget(d, budget, rng(), None)
    rows = int(design.rows(Law.FOLD_OVER).sum())
    smallest = 2 * 2 ** int(np.ceil(np.log2(d)))
    assert rows % smallest == 0
    left = budget - rows
    assert left < smallest
    held = int(design.held_out.sum())
    assert held == (32 if rows and left >= 32 else 0)
    assert len(design) == budget - budget % 2


def test_a_power_of_two_is_one_block_and_a_budget_below_one_block_is_random_pairs():
    one = fitted_to_budget(40, 256, rng(), None)
    x = np.where(one.masks[::2], 1, -1)
    assert np.array_equal(x.T @ x, 128 * np.eye(40, dtype=int))
    # one block, not two of 64: a triple aliases to a player fully or not at all
    triples = x[:, :38] * x[:, 1:39] * x[:, 2:40]
    assert set(np.abs(triples.T @ x).ravel().tolist()) == {0, 128}
    few = fitted_to_budget(40, 127, rng(), None)
    assert set(few.laws.tolist()) == {"pairs"}
    assert len(few) == 126
    assert not few.held_out.any()


@pytest.mark.parametrize("seed", range(20))
def test_random_pairs_are_none_that_a_block_holds(seed):
    for design in (
        fitted_to_budget(6, 63, rng(seed), None),
        next(growing_blocks(11, 1024, rng(seed), None)),
    ):
        block = {row.tobytes() for row in design.masks[design.laws == Law.FOLD_OVER]}
        pairs = {row.tobytes() for row in design.masks[design.laws == Law.PAIRS]}
        assert pairs
        assert not block & pairs


@pytest.mark.parametrize("n_players", [11, 20, 40, 50, 64, 100, 300, 600])
@pytest.mark.parametrize("most", [1024, 500])
def test_growing_blocks_spend_all_but_an_odd_mask(n_players, most):
    blocks = list(growing_blocks(n_players, most, rng(), None))
    assert sum(block.budget for block in blocks) == most
    for block in blocks:
        check_pairs(block, Law.FOLD_OVER)


@pytest.mark.parametrize(("n_players", "first"), [(20, 96), (40, 160), (52, 288), (100, 288)])
def test_the_first_block_has_spare_columns_and_sixteen_held_out_pairs(n_players, first):
    blocks = list(growing_blocks(n_players, 1024, rng(), None))
    assert len(blocks[0]) == first
    assert blocks[0].held_out.sum() == 32
    order = (first - 32) // 2
    assert order >= 1.25 * n_players
    fitted = list(accumulate(int((~block.held_out).sum()) for block in blocks))
    assert fitted[:2] == [2 * order, 4 * order]
    assert all(b == 2 * a for a, b in pairwise(fitted[:-1]))


def test_random_blocks_are_coin_tosses_with_sixteen_pairs_held_out_of_a_large_budget():
    blocks = list(random_blocks(30, 600, rng()))
    assert [block.budget for block in blocks] == [160, 128, 128, 128, 56]
    whole = join(blocks)
    assert whole.held_out.sum() == 32
    check_pairs(whole, Law.PAIRS)
    assert whole.rows(Law.BERNOULLI).sum() == 568
    small = list(random_blocks(30, 511, rng()))
    assert [block.budget for block in small] == [128, 128, 128, 127]
    assert not join(small).held_out.any()


def test_all_but_ends_is_every_mask_but_two():
    design = all_but_ends(4)
    ends = {(True,) * 4, (False,) * 4}
    assert {*map(tuple, design.masks.tolist())} | ends == {*map(tuple, all_masks(4).masks.tolist())}
    assert design.budget == len(design) == 14
    assert all_but_ends(1).masks.shape == (0, 1)


def test_plans_hand_the_affinity_to_their_blocks():
    chain = np.eye(20, k=1) + np.eye(20, k=-1)
    for plan in (
        lambda a: [fitted_to_budget(20, 64, rng(), a)],
        lambda a: list(growing_blocks(20, 512, rng(), a)),
    ):
        assert not np.array_equal(plan(None)[0].masks, plan(chain)[0].masks)


def laws_of(part):
    return set(part.laws.tolist())


def test_a_shared_design_begins_with_singles_and_a_fold_over_and_goes_on_with_sizes():
    parts = list(shared_blocks(50, 2000, np.random.default_rng(0), None, growing=True))
    assert laws_of(parts[0]) == {"singles", "fold-over"}
    assert len(parts[0]) == 100 + 256
    others = [laws_of(part) for part in parts[1:]]
    assert others == [{"sizes"}] * 3 + [{"fold-over"}] + [{"sizes"}] * 3
    assert sum(len(part) for part in parts) == 2000


@pytest.mark.parametrize(
    ("budget", "fold_over", "sizes"),
    [(200, 0, 200), (229, 128, 0), (384, 256, 28), (513, 256, 156)],
)
def test_what_a_shared_design_buys_depends_on_the_budget(budget, fold_over, sizes):
    (design,) = shared_blocks(50, budget, np.random.default_rng(0), None)
    assert (design.laws == "fold-over").sum() == fold_over
    assert (design.laws == "sizes").sum() == sizes
    assert len(np.unique(design.masks, axis=0)) >= len(design) - fold_over


def test_a_shared_design_of_few_players_ends_when_sizes_are_used_up():
    parts = list(shared_blocks(8, 5000, np.random.default_rng(0), None, growing=True))
    assert laws_of(parts[0]) == {"singles", "fold-over"}
    assert sum(len(part) for part in parts) < 5000


def with_groups(n_players, most, seed=0, *, growing=False, hierarchies=None):
    hierarchies = hierarchies or [balanced_hierarchy(n_players)]
    blocks = for_groups_too(
        n_players, most, rng(seed), None, hierarchies=hierarchies, growing=growing
    )
    return list(blocks)


@truth
@given(st.integers(2, 60), st.integers(8, 1200), st.booleans(), st.integers(0, 99))
def test_with_groups_a_number_is_spent_in_pairs(n_players, most, growing, seed):
    blocks = with_groups(n_players, most, seed, growing=growing)
    design = join(blocks)
    assert blocks[0].budget == 0 < min([block.budget for block in blocks[1:]])
    if 2**n_players <= most:
        assert len(design) == 2**n_players
        return
    assert most - 3 <= design.budget <= most or design.budget >= 2 ** (n_players - 1)
    rest = design.masks[design.rows(Law.ENDS, held_out=False) ^ True]
    assert np.array_equal(rest[1::2], ~rest[::2])


@truth
@given(st.integers(30, 60), st.integers(60, 800), st.integers(0, 99))
def test_with_groups_two_thirds_are_as_for_main_effects_and_no_mask_comes_twice(d, budget, seed):
    most = budget + budget // 2
    ours = with_groups(d, most, seed)[1:]
    main = join(for_main_effects(d, budget, rng(seed), None, growing=False))
    design = join(with_groups(d, most, seed))
    if count_contexts(balanced_hierarchy(d)) <= budget:
        return
    assert np.array_equal(design.masks[: len(main)], main.masks)
    assert np.array_equal(design.held_out[: len(main)], main.held_out)
    assert len(ours) == 1
    assert len(np.unique(design.masks, axis=0)) == len(design)
    rest = design.masks[len(main) :]
    assert (joins_of(balanced_hierarchy(d), rest) >= 0).all()
    alone = int(design.rows(Law.SINGLES).sum())
    assert alone == (2 * d if 2 * d <= most - budget else 0)


@pytest.mark.parametrize(("d", "most"), [(14, 330), (20, 500), (24, 1100)])
@pytest.mark.parametrize("growing", [True, False])
def test_all_contexts_are_paid_where_two_thirds_reach_them(d, most, growing):
    h = balanced_hierarchy(d)
    contexts = count_contexts(h)
    assert contexts <= most * 2 / 3
    design = join(with_groups(d, most, growing=growing))
    there = {row.tobytes() for row in design.masks}
    assert {row.tobytes() for row in context_masks(h).masks} <= there
    assert design.budget in (most, most - 1)
    fewer = join(with_groups(d, contexts * 3 // 2 - 3))
    assert not {row.tobytes() for row in context_masks(h).masks} <= {
        row.tobytes() for row in fewer.masks
    }


def test_every_part_of_a_growing_plan_has_its_share_of_contexts():
    blocks = with_groups(40, 1024, growing=True)
    main = list(for_main_effects(40, 683, rng(), None, growing=True))
    assert len(blocks) == len(main) > 3
    asked, groups = 0, 0
    for block, own in zip(blocks[1:], main[1:], strict=True):
        assert (block.masks[: len(own)] == own.masks).all() or asked
        asked += len(own)
        groups += len(block) - len(own)
        assert abs(groups - max(asked / 2, 80)) <= 2
    assert asked + groups == 1024


def test_hierarchies_share_the_contexts():
    chain = Hierarchy(40, ((0, 1), *((i, 38 + i) for i in range(2, 40))))
    halves = balanced_hierarchy(40)
    one = join(with_groups(40, 600, hierarchies=[halves, chain, halves]))
    assert np.array_equal(one.masks, join(with_groups(40, 600, hierarchies=[halves, chain])).masks)
    contexts = one.masks[one.rows(Law.CONTEXTS)]
    assert len(contexts) == 200 - 80
    of_halves, of_chain = (joins_of(h, contexts) >= 0 for h in (halves, chain))
    assert (of_halves | of_chain).all()
    assert min(of_halves.sum(), of_chain.sum()) >= 60
