from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.game.contexts import (
    ContextDraws,
    context_blocks,
    context_masks,
    contexts_of,
    count_contexts,
    joins_of,
)
from seewhy.game.design import Law, all_masks, bernoulli_pairs, join, singles
from seewhy.game.hierarchy import Hierarchy, balanced_hierarchy, hierarchy_from_affinity

truth = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

CHAIN = Hierarchy(30, ((0, 1), *((i, 28 + i) for i in range(2, 30))))


def rng(seed=0):
    return np.random.default_rng(seed)


@st.composite
def hierarchies(draw, smallest=1, largest=14):
    n_players, seed = draw(st.integers(smallest, largest)), draw(st.integers(0, 10**6))
    above = np.triu(rng(seed).random((n_players, n_players)), 1)
    return hierarchy_from_affinity(above + above.T)


def joins_split(hierarchy, masks):
    """Number of the join that each mask splits: its lowest node that is neither kept nor hidden."""
    inside = masks @ hierarchy.members.T.astype(int)
    sizes = hierarchy.members.sum(axis=1)
    split = (inside > 0) & (inside < sizes)
    return split.argmax(axis=1) - hierarchy.n_players


@truth
@given(hierarchies())
def test_there_are_as_many_as_counted_none_twice_and_in_pairs(h):
    design = context_masks(h)
    assert len(design) == count_contexts(h) == len(np.unique(design.masks, axis=0))
    assert np.array_equal(design.masks[1::2], ~design.masks[::2])
    assert design.masks.any(axis=1).all()
    assert set(design.laws.tolist()) <= {Law.CONTEXTS}


@truth
@given(hierarchies(smallest=2))
def test_every_join_is_split_in_all_its_contexts(h):
    masks = context_masks(h).masks
    joins = joins_split(h, masks)
    for row, (first, second) in enumerate(h.merges):
        node = h.n_players + row
        mine = masks[joins == row]
        assert len(mine) == 2 << h.depths[node]
        one = mine[:, h.members[first]]
        assert (one.all(axis=1) ^ ~one.any(axis=1)).all()
        assert np.array_equal(mine[:, h.members[second]].any(axis=1), ~one.any(axis=1))
        for block in h.path_siblings(node):
            kept = mine[:, h.members[block]]
            assert np.array_equal(kept.any(axis=1), kept.all(axis=1))


def test_contexts_of_a_node_keep_or_hide_whole_blocks():
    h = Hierarchy(5, ((0, 3), (1, 4), (6, 2), (5, 7)))
    found = contexts_of(h, 6).astype(int).tolist()
    assert found == [[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 0, 1, 0], [1, 0, 1, 1, 0]]
    assert contexts_of(h, h.root).tolist() == [[False] * 5]


@truth
@given(hierarchies(smallest=2, largest=20), st.integers(2, 600), st.booleans(), st.integers(0, 99))
def test_a_number_is_spent_in_pairs_that_all_are_contexts_none_twice(h, most, growing, seed):
    design = join(context_blocks(h, most, rng(seed), growing=growing))
    spent = min(most - most % 2, count_contexts(h))
    assert design.budget == spent == len(np.unique(design.masks, axis=0))
    assert np.array_equal(design.masks[1::2], ~design.masks[::2])
    if count_contexts(h) < 5000:
        wanted = {row.tobytes() for row in context_masks(h).masks}
        assert {row.tobytes() for row in design.masks} <= wanted


@pytest.mark.parametrize("growing", [True, False])
@pytest.mark.parametrize("most", [60, 290, 512, 1024, 1500])
def test_joins_get_equal_shares_up_to_all_they_have(most, growing):
    h = balanced_hierarchy(50)
    masks = join(context_blocks(h, most, rng(most), growing=growing)).masks[::2]
    counts = np.bincount(joins_split(h, masks), minlength=len(h.merges))
    short = counts < 2 ** h.depths[h.n_players :]
    assert np.ptp(counts[short]) <= 1
    assert counts[~short].max(initial=0) <= counts[short].max()


def test_contexts_are_drawn_uniformly():
    h = balanced_hierarchy(32)
    drawn = np.zeros(32)
    rounds = 200
    for seed in range(rounds):
        masks = join(context_blocks(h, 200, rng(seed), growing=False)).masks[::2]
        mine = masks[joins_split(h, masks) == 0]  # 0 and 1, of 16 contexts
        drawn += mine.mean(axis=0) / rounds
    assert np.abs(drawn[2:] - 0.5).max() < 0.1
    np.testing.assert_allclose(drawn[:2], [1, 0])


@pytest.mark.parametrize(
    ("most", "sizes"), [(1024, [256, 256, 512]), (1500, [256, 256, 988]), (300, [300]), (40, [40])]
)
def test_blocks_double_what_there_is(most, sizes):
    h = balanced_hierarchy(50)
    assert [len(block) for block in context_blocks(h, most, rng(), growing=True)] == sizes
    assert [len(block) for block in context_blocks(h, most, rng(), growing=False)] == [most]


def test_very_deep_hierarchies_are_no_problem():
    deep = Hierarchy(300, ((0, 1), *((i, 298 + i) for i in range(2, 300))))
    design = join(context_blocks(deep, 2000, rng(), growing=True))
    assert len(np.unique(design.masks, axis=0)) == 2000
    assert count_contexts(deep) == 2 * (2**299 - 1)


def test_too_many_to_list_are_refused():
    with pytest.raises(
        InputError,
        match=r"^hierarchy must need at most 1048576 masks for exact Owen values; this one needs "
        r"1073741822: use a sampled design$",
    ):
        context_masks(CHAIN)


@truth
@given(hierarchies(smallest=1, largest=9))
def test_every_context_is_known_for_its_join_and_no_other_mask_for_one(h):
    everything = all_masks(h.n_players).masks
    expected = {}
    for row, (first, _) in enumerate(h.merges):
        for context in contexts_of(h, h.n_players + row) | h.members[first]:
            expected[context.tobytes()] = expected[(~context).tobytes()] = row
    assert len(expected) == count_contexts(h)
    found = joins_of(h, everything)
    assert found.tolist() == [expected.get(mask.tobytes(), -1) for mask in everything]


@truth
@given(hierarchies(smallest=2), st.integers(0, 300), st.integers(0, 99))
def test_what_is_there_already_is_not_drawn_and_counts_for_its_join(h, pairs, seed):
    there = singles(h.n_players) | bernoulli_pairs(h.n_players, 5, rng(seed))
    draws = ContextDraws(h, rng(seed), besides=there)
    known = {row.tobytes() for row in context_masks(h).masks}
    held = len({row.tobytes() for row in there.masks} & known) // 2
    assert draws.taken == held >= h.n_players - (h.n_players == 2)
    design = draws.draw(pairs)
    assert len(design) == 2 * min(pairs, count_contexts(h) // 2 - held)
    assert {row.tobytes() for row in design.masks} <= known - {r.tobytes() for r in there.masks}
    assert draws.taken + draws.left == count_contexts(h) // 2


@pytest.mark.parametrize("pairs", [60, 100, 300])
def test_joins_that_have_some_get_fewer_more(pairs):
    h = balanced_hierarchy(50)
    drawn = ContextDraws(h, rng(), besides=singles(50)).draw(pairs)
    counts = np.bincount(joins_of(h, (singles(50) | drawn).masks[::2]), minlength=49)
    short = counts < 2 ** h.depths[h.n_players :]
    assert np.ptp(counts[short]) <= 1
    there = np.bincount(joins_of(h, singles(50).masks[::2]), minlength=49)
    more = counts - there
    assert more[short & (there == 0)].min() > more[short & (there == 2)].max()
