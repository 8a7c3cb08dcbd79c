from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from seewhy.errors import InputError
from seewhy.game.hierarchy import Hierarchy, balanced_hierarchy, hierarchy_from_affinity

truth = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)

TWO_AND_THREE = Hierarchy(5, ((0, 3), (1, 4), (6, 2), (5, 7)))


def random_affinity(n_players, seed, density=0.5):
    rng = np.random.default_rng(seed)
    above = np.triu(
        rng.random((n_players, n_players)) * (rng.random((n_players,) * 2) < density), 1
    )
    return above + above.T


@st.composite
def hierarchies(draw):
    n_players = draw(st.integers(1, 20))
    return hierarchy_from_affinity(random_affinity(n_players, draw(st.integers(0, 10**6))))


def test_nodes_know_members_siblings_parents_and_depths():
    h = TWO_AND_THREE
    assert (h.n_nodes, h.root) == (9, 8)
    members = [set(np.flatnonzero(row).tolist()) for row in h.members]
    assert members[5:] == [{0, 3}, {1, 4}, {1, 2, 4}, {0, 1, 2, 3, 4}]
    assert members[:5] == [{i} for i in range(5)]
    assert h.siblings.tolist() == [3, 4, 6, 0, 1, 7, 2, 5, -1]
    assert h.parents.tolist() == [5, 6, 7, 5, 6, 8, 7, 8, -1]
    assert h.depths.tolist() == [2, 3, 2, 2, 3, 1, 2, 1, 0]
    assert h.path_siblings(1) == [4, 2, 5]
    assert h.path_siblings(h.root) == []
    assert list(h.downwards()) == [(8, (5, 7)), (7, (6, 2)), (6, (1, 4)), (5, (0, 3))]


@truth
@given(hierarchies())
def test_siblings_on_the_way_up_hold_everyone_else(h):
    for node in range(h.n_nodes):
        blocks = h.members[h.path_siblings(node)]
        assert len(blocks) == h.depths[node]
        assert np.array_equal(blocks.sum(axis=0) + h.members[node], np.ones(h.n_players, int))


@truth
@given(hierarchies(), st.integers(0, 10**6))
def test_sums_over_nodes_are_sums_over_members_and_add_up_to_the_last_bit(h, seed):
    values = np.random.default_rng(seed).standard_normal((h.n_players, 2))
    sums = h.sum_over_nodes(values)
    np.testing.assert_allclose(sums, h.members @ values, atol=1e-12)
    for node, (first, second) in h.downwards():
        assert np.array_equal(sums[node], sums[first] + sums[second])


@truth
@given(hierarchies())
def test_a_cut_shares_out_all_players(h):
    for count in range(1, h.n_players + 1):
        nodes = h.cut(count)
        assert len(nodes) == count
        assert np.array_equal(h.members[nodes].sum(axis=0), np.ones(h.n_players, int))
    assert h.cut(h.n_players) == list(range(h.n_players))


@truth
@given(st.integers(2, 25), st.integers(0, 10**6))
def test_with_everyone_a_neighbour_it_is_average_linkage(n_players, seed):
    affinity = random_affinity(n_players, seed, density=2.0) + 0.01
    np.fill_diagonal(affinity, 0)
    ours = hierarchy_from_affinity(affinity)
    theirs = linkage(squareform(2 - affinity, checks=False), method="average")

    def groups(merges):
        return {tuple(row.tolist()) for row in Hierarchy(n_players, merges).members}

    assert groups(ours.merges) == groups(theirs[:, :2].astype(int))


def test_neighbours_come_first_and_strangers_last():
    affinity = np.zeros((6, 6))
    for i, j, strength in [(0, 1, 0.2), (1, 2, 0.9), (3, 4, 0.5)]:
        affinity[i, j] = affinity[j, i] = strength
    # 1 + 2, 3 + 4, 0 joins the first; nobody touches 5, nor one group the other
    assert hierarchy_from_affinity(affinity).merges == ((1, 2), (3, 4), (0, 6), (5, 7), (8, 9))


def test_large_groups_with_a_short_border_wait():
    # a chain of equals is halved again and again, not eaten up from one end
    chain = np.eye(16, k=1) + np.eye(16, k=-1)
    assert hierarchy_from_affinity(chain).depths.max() == 4


def test_ties_are_broken_by_number_and_scale_makes_no_difference():
    affinity = random_affinity(12, 3)
    one = hierarchy_from_affinity(affinity)
    assert one == hierarchy_from_affinity(affinity * 8)
    assert one == hierarchy_from_affinity(affinity)
    equal = np.ones((4, 4)) - np.eye(4)
    assert hierarchy_from_affinity(equal).merges[0] == (0, 1)
    assert hierarchy_from_affinity(np.zeros((4, 4))).merges == ((0, 1), (2, 3), (4, 5))


def test_bool_adjacency_and_a_diagonal_are_fine():
    adjacency = random_affinity(9, 1) > 0
    plain = hierarchy_from_affinity(adjacency)
    np.fill_diagonal(adjacency, True)
    assert hierarchy_from_affinity(adjacency) == plain


@pytest.mark.parametrize("n_players", [1, 2, 3, 6, 7, 50])
def test_balanced_is_as_shallow_as_can_be_and_keeps_numbers_together(n_players):
    h = balanced_hierarchy(n_players)
    assert h.depths.max() == int(np.ceil(np.log2(n_players)))
    for row in h.members:
        assert np.ptp(np.flatnonzero(row)) == row.sum() - 1


def test_a_hierarchy_is_a_value():
    merges = np.array([[0, 1], [2, 3]])
    assert Hierarchy(3, merges) == Hierarchy(3, ((0, 1), (2, 3)))
    assert hash(Hierarchy(3, merges)) == hash(Hierarchy(3, ((0, 1), (2, 3))))
    assert Hierarchy(3, ((0, 1), (3, 2))) != Hierarchy(3, merges)
    assert Hierarchy(1, ()).members.tolist() == [[True]]


@pytest.mark.parametrize(
    ("n_players", "merges", "message"),
    [
        (3, ((0, 1),), r"merges must be whole numbers of shape \(2, 2\) for 3 players, one pair"),
        (3, ((0.0, 1.0), (2.0, 3.0)), r"merges must be whole .* got float64 of shape \(2, 2\)"),
        (0, (), r"merges must be whole numbers of shape \(-1, 2\) for 0 players"),
        (3, ((0, 1), (1, 2)), r"merges must join every node once, and only nodes made before"),
        (3, ((0, 4), (1, 2)), r"merges must join every node once, .* 0 to 2, and join i makes"),
        (3, ((0, 3), (1, 2)), r"merges must join every node once, and only nodes made before"),
    ],
)
def test_what_is_no_hierarchy_is_refused(n_players, merges, message):
    with pytest.raises(InputError, match=f"^{message}"):
        Hierarchy(n_players, merges)


@pytest.mark.parametrize(
    ("affinity", "message"),
    [
        (np.ones((2, 3)), r"affinity must be square, players by players; got shape \(2, 3\)"),
        (np.empty((0, 0)), r"affinity must be square, players by players; got shape \(0, 0\)"),
        (np.array([[0, 1], [2, 0]]), r"affinity must be symmetric and non-negative"),
        (np.array([[0, -1], [-1, 0]]), r"affinity must be symmetric and non-negative"),
        (np.full((2, 2), np.nan), r"affinity must be symmetric and non-negative"),
    ],
)
def test_a_wrong_affinity_is_refused(affinity, message):
    with pytest.raises(InputError, match=f"^{message}"):
        hierarchy_from_affinity(affinity)


def test_wrong_counts_are_refused():
    with pytest.raises(InputError, match=r"^count must be from 1 to 5 groups; got 6$"):
        TWO_AND_THREE.cut(6)
    with pytest.raises(InputError, match=r"^n_players must be at least 1; got 0$"):
        balanced_hierarchy(0)
