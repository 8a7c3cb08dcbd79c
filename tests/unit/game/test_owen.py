from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.game.contexts import context_blocks, context_masks, count_contexts
from seewhy.game.design import (
    Law,
    all_masks,
    bernoulli_pairs,
    ends,
    from_masks,
    join,
    singles,
    sized_pairs,
)
from seewhy.game.fidelity import PairedScores
from seewhy.game.hierarchy import Hierarchy, balanced_hierarchy, hierarchy_from_affinity
from seewhy.game.odd_kernel import OddKernel
from seewhy.game.owen import (
    hierarchical_orders,
    owen_covariances,
    owen_from_design,
    owen_from_process,
    owen_from_walks,
    owen_variances,
    share_down,
)
from seewhy.game.permutations import walk_contributions, walks
from seewhy.game.plans import for_groups_too
from seewhy.game.surrogate import fit_odd_process
from seewhy.game.toys import ToyGame, linear_game, random_game

truth = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def rng(seed=0):
    return np.random.default_rng(seed)


def random_hierarchy(n_players, seed):
    above = np.triu(rng(seed).random((n_players, n_players)), 1)
    return hierarchy_from_affinity(above + above.T)


def by_definition(value, hierarchy):
    """Owen values of all nodes by tossing every coin both ways; ``value`` takes masks."""
    found = []
    for node in range(hierarchy.n_nodes):
        blocks = hierarchy.members[hierarchy.path_siblings(node)]
        contexts = [
            blocks[list(coins)].any(axis=0)
            for coins in product([False, True], repeat=len(blocks))
            for coins in [np.flatnonzero(coins)]
        ]
        contexts = np.array(contexts, bool).reshape(-1, hierarchy.n_players)
        found.append((value(contexts | hierarchy.members[node]) - value(contexts)).mean(axis=0))
    return np.array(found)


@st.composite
def games(draw, smallest=2, largest=9):
    n_players, seed = draw(st.integers(smallest, largest)), draw(st.integers(0, 10**6))
    game = random_game(n_players, rng(seed), interactions=25, largest=min(4, n_players))
    return game, random_hierarchy(n_players, seed)


def paid(game, *designs):
    design = join([ends(designs[0].n_players), *designs])
    return design, game(design.masks)


@truth
@given(games())
def test_exact_values_are_those_of_the_definition(both):
    game, hierarchy = both
    design, scores = paid(game, context_masks(hierarchy))
    found = owen_from_design(design, scores, hierarchy)
    assert found.standard_error is None
    np.testing.assert_allclose(found.values, by_definition(game, hierarchy), atol=1e-10)


def test_a_toy_by_hand():
    # v = 8 if all three are kept; {0, 1} come and go together, so each of them has ¼ + ½·½ …
    game, hierarchy = ToyGame(3, {(0, 1, 2): 8.0}), Hierarchy(3, ((0, 1), (2, 3)))
    values = owen_from_design(*paid(game, context_masks(hierarchy)), hierarchy).values[:, 0]
    assert values.tolist() == [2.0, 2.0, 4.0, 4.0, 8.0]
    # … where the Shapley value shares 8 equally
    assert game.shapley_values().tolist() == pytest.approx([8 / 3] * 3)


@pytest.mark.parametrize("n_players", [1, 2])
def test_with_one_or_two_players_it_is_the_shapley_value(n_players):
    game = ToyGame(n_players, {(0,): 1.0, tuple(range(n_players)): 3.0, (): 9.0})
    hierarchy = balanced_hierarchy(n_players)
    found = owen_from_design(*paid(game, context_masks(hierarchy)), hierarchy)
    np.testing.assert_allclose(found.values[:n_players, 0], game.shapley_values(), atol=1e-12)


@truth
@given(games(), st.sampled_from(["exact", "walks", "surrogate"]))
def test_every_node_is_the_sum_of_its_parts_and_the_root_is_everything(both, how):
    game, hierarchy = both
    d = hierarchy.n_players
    design = {
        "exact": context_masks(hierarchy),
        "walks": walks(hierarchical_orders(hierarchy, 3, rng())),
        "surrogate": bernoulli_pairs(d, 4, rng()),
    }[how]
    design, scores = paid(game, design)
    values = owen_from_design(design, scores, hierarchy).values
    whole, empty = scores[:2]
    np.testing.assert_allclose(values[hierarchy.root], whole - empty, atol=1e-9)
    for node, (first, second) in hierarchy.downwards():
        np.testing.assert_allclose(values[node], values[first] + values[second], atol=1e-9)


@truth
@given(games(largest=16), st.integers(0, 10**6))
def test_groups_stay_together_in_hierarchical_orders(both, seed):
    _, hierarchy = both
    orders = hierarchical_orders(hierarchy, 5, rng(seed))
    place = orders.argsort(axis=1)
    assert np.array_equal(orders[1::2], orders[::2, ::-1])
    for members in hierarchy.members:
        assert (np.ptp(place[:, members], axis=1) == members.sum() - 1).all()


def test_at_every_join_either_side_comes_first_half_the_time():
    hierarchy = random_hierarchy(7, 0)
    place = hierarchical_orders(hierarchy, 4000, rng())[::2].argsort(axis=1)
    first_ones = []
    for _, (first, second) in hierarchy.downwards():
        before = place[:, hierarchy.members[first]].min(axis=1)
        first_ones.append(before < place[:, hierarchy.members[second]].min(axis=1))
    coins = np.array(first_ones, float)
    assert np.abs(coins.mean(axis=1) - 0.5).max() < 4 * 0.5 / np.sqrt(4000)
    assert np.abs(np.corrcoef(coins) - np.eye(6)).max() < 4 / np.sqrt(4000)


def test_walks_over_all_coins_average_to_the_exact_values():
    hierarchy = random_hierarchy(6, 1)
    game = random_game(6, rng(1), interactions=25)
    drawn = hierarchical_orders(hierarchy, 800, rng())
    orders = np.unique(drawn, axis=0)
    assert len(orders) == 2**5  # every outcome of five coins was met
    masks = walks(np.repeat(orders, 2, axis=0)).masks
    whole, empty = game(ends(6).masks)
    added = walk_contributions(masks, game(masks), empty, whole)
    mean, _ = owen_from_walks(added, hierarchy)
    np.testing.assert_allclose(mean, by_definition(game, hierarchy), atol=1e-10)


@pytest.mark.parametrize("n_pairs", [2, 3, 8])
def test_intervals_of_walks_cover_players_and_groups(n_pairs):
    covered, groups = [], []
    for seed in range(60):
        hierarchy = random_hierarchy(12, seed)
        game = random_game(12, rng(seed), interactions=100)
        exact = owen_from_design(*paid(game, context_masks(hierarchy)), hierarchy).values
        design, scores = paid(game, walks(hierarchical_orders(hierarchy, n_pairs, rng(seed))))
        found = owen_from_design(design, scores, hierarchy)
        inside = np.abs(found.values - exact) <= 1.645 * found.standard_error + 1e-12
        sampled = found.standard_error > 0
        covered.append(inside[:12][sampled[:12]])
        groups.append(inside[12:][sampled[12:]])
    assert 0.87 < np.mean(np.concatenate(covered)) < 0.97
    # few pairs of walks often agree on a large group of a dozen players: it has few contexts
    assert {2: 0.7, 3: 0.75, 8: 0.86}[n_pairs] < np.mean(np.concatenate(groups)) < 0.97


@st.composite
def kernels(draw, largest=9):
    n_players = draw(st.integers(1, largest))
    decay = draw(st.lists(st.floats(0.01, 2.5), min_size=n_players, max_size=n_players))
    kernel = OddKernel(draw(st.floats(0.001, 3.0)), draw(st.floats(0.001, 3.0)), np.array(decay))
    return kernel, random_hierarchy(n_players, draw(st.integers(0, 10**6)))


@truth
@given(kernels())
def test_owen_values_covary_with_the_data_as_enumeration_says(both):
    kernel, hierarchy = both
    masks = all_masks(hierarchy.n_players).masks
    sets = masks[masks.sum(axis=1) % 2 == 1]

    def characters(rows):
        return np.stack([np.where(rows, 1.0, -1.0)[:, t].prod(axis=1) for t in sets], axis=1)

    interaction = np.where(sets, np.tanh(kernel.decay), 1.0).prod(axis=1)
    constant = 2 * np.exp(-kernel.decay.sum()) * np.cosh(kernel.decay).prod()
    prior = kernel.product * constant * interaction + kernel.linear * (sets.sum(axis=1) == 1)
    functionals = by_definition(characters, hierarchy)
    x = np.where(masks, 1.0, -1.0)
    expected = functionals * prior @ characters(masks).T
    np.testing.assert_allclose(
        owen_covariances(kernel, x, hierarchy), expected, rtol=1e-8, atol=1e-10
    )
    np.testing.assert_allclose(
        owen_variances(kernel, hierarchy), (functionals**2 * prior).sum(axis=1), rtol=1e-9
    )


def test_the_surrogate_finds_owen_values_and_its_intervals_cover_them():
    covered, missed, spread = [], 0.0, 0.0
    for seed in range(12):
        hierarchy = random_hierarchy(14, seed)
        game = random_game(14, rng(seed), interactions=100)
        exact = owen_from_design(*paid(game, context_masks(hierarchy)), hierarchy).values
        design, scores = paid(game, singles(14), sized_pairs(14, 60, rng(seed)))
        found = owen_from_design(design, scores, hierarchy)
        covered.append(np.abs(found.values - exact)[:-1] <= 1.645 * found.standard_error[:-1])
        missed += ((found.values - exact)[:14] ** 2).mean()
        spread += exact[:14].var()
        assert found.standard_error[-1] == 0
    assert missed < 0.03 * spread
    assert 0.85 < np.mean(covered) < 0.97


def test_the_error_of_a_group_is_that_of_the_sum_not_the_sum_of_errors():
    hierarchy, game = random_hierarchy(14, 1), random_game(14, rng(1), interactions=100)
    design, scores = paid(game, singles(14), sized_pairs(14, 60, rng(1)))
    pairs = PairedScores.of(design.masks[2:], scores[2:])
    process = fit_odd_process(pairs.signs, pairs.odd[:, 0], float(scores[0, 0] - scores[1, 0]) / 2)
    rows = owen_covariances(process.kernel, process.x, hierarchy)[:14]
    prior = np.diag(owen_variances(process.kernel, hierarchy)[:14])
    joint = prior - rows @ np.linalg.solve(
        process.kernel(process.x, process.x)
        + np.diag([process.noise] * process.pairs + [0.0])
        + 1e-9 * (process.kernel.linear * 14 + process.kernel.product) * np.eye(len(process.x)),
        rows.T,
    )
    variances = np.einsum("nd,de,ne->n", hierarchy.members, joint, hierarchy.members)
    _, error = owen_from_process(process, hierarchy)
    # one factor for all players, and one for all groups, is for the process to choose
    factors = error[:-1] / np.sqrt(variances[:-1])
    np.testing.assert_allclose(factors[:14], factors[0], rtol=1e-4)
    np.testing.assert_allclose(factors[14:], factors[14], rtol=1e-4)
    assert factors.min() > 0.5 * process.scale * process.amplitude


@pytest.mark.parametrize("n_players", [3, 8])
def test_all_masks_hold_all_contexts(n_players):
    hierarchy = random_hierarchy(n_players, 2)
    game = random_game(n_players, rng(2), largest=3)
    everything = all_masks(n_players)
    shuffled = everything.masks[rng().permutation(len(everything))]
    found = owen_from_design(
        *paid(game, type(everything)(shuffled, everything.laws, everything.held_out)), hierarchy
    )
    np.testing.assert_allclose(found.values, by_definition(game, hierarchy), atol=1e-10)
    assert found.standard_error is None


def test_a_shared_design_that_holds_all_contexts_gives_exact_values():
    hierarchy, game = random_hierarchy(16, 5), random_game(16, rng(5), interactions=100)
    exact = owen_from_design(*paid(game, context_masks(hierarchy)), hierarchy)
    most = 3 * count_contexts(hierarchy) // 2
    blocks = for_groups_too(16, most, rng(), None, hierarchies=[hierarchy], growing=False)
    design = join(blocks)
    assert not design.rows(Law.ALL).any()
    found = owen_from_design(design, game(design.masks), hierarchy)
    assert found.standard_error is None
    np.testing.assert_allclose(found.values, exact.values, atol=1e-10)


def test_other_pairs_and_contexts_together_are_nearer_than_either():
    missed = []
    for seed in range(8):
        hierarchy = random_hierarchy(30, seed)
        game = random_game(30, rng(seed), interactions=200)
        exact = owen_from_design(*paid(game, context_masks(hierarchy)), hierarchy).values[:30]
        some = join(context_blocks(hierarchy, 100, rng(seed), growing=False))
        other = bernoulli_pairs(30, 100, rng(seed))
        for parts in ((some,), (other,), (some, other)):
            found = owen_from_design(*paid(game, *parts), hierarchy).values[:30]
            missed.append(((found - exact) ** 2).mean() / exact.var())
    contexts, others, both = np.median(np.reshape(missed, (-1, 3)), axis=0)
    assert both < 0.8 * min(contexts, others)


def test_linear_games_give_every_group_its_weight():
    weights = rng().standard_normal(30)
    hierarchy = random_hierarchy(30, 0)
    expected = hierarchy.sum_over_nodes(weights)
    game = linear_game(weights)
    design, scores = paid(game, walks(hierarchical_orders(hierarchy, 2, rng())))
    found = owen_from_design(design, scores, hierarchy)
    np.testing.assert_allclose(found.values[:, 0], expected, atol=1e-9)
    assert found.standard_error.max() < 1e-9


def test_targets_are_answered_side_by_side():
    hierarchy = random_hierarchy(10, 3)
    one, two = random_game(10, rng(1)), random_game(10, rng(2))
    for block in (bernoulli_pairs(10, 40, rng()), walks(hierarchical_orders(hierarchy, 3, rng()))):
        design, scores = paid(lambda m: np.hstack([one(m), two(m)]), block)
        both = owen_from_design(design, scores, hierarchy)
        for column in (0, 1):
            alone = owen_from_design(design, scores[:, [column]], hierarchy)
            np.testing.assert_allclose(both.values[:, [column]], alone.values, atol=1e-12)
            np.testing.assert_allclose(both.standard_error[:, [column]], alone.standard_error)


def test_held_out_pairs_change_nothing_and_what_repeats_them_is_not_fitted():
    hierarchy, game = random_hierarchy(12, 0), random_game(12, rng())
    fitted = bernoulli_pairs(12, 40, rng())
    held = bernoulli_pairs(12, 10, rng(1), held_out=True, avoid=fitted)
    repeated = from_masks(~held.masks, Law.SIZES)
    with_held = owen_from_design(*paid(game, fitted, held, repeated), hierarchy)
    without = owen_from_design(*paid(game, fitted), hierarchy)
    assert np.array_equal(with_held.values, without.values)


def test_a_hierarchy_of_other_players_is_refused():
    design, scores = paid(random_game(6, rng()), bernoulli_pairs(6, 4, rng()))
    with pytest.raises(
        InputError, match=r"^hierarchy must have the game's 6 players; got one of 5"
    ):
        owen_from_design(design, scores, balanced_hierarchy(5))


def test_sharing_down_undoes_sums_over_nodes():
    hierarchy = random_hierarchy(9, 0)
    values = rng().standard_normal((9, 2))
    nodes = hierarchy.sum_over_nodes(values)
    first, second = nodes[np.array(hierarchy.merges).T]
    found = share_down(hierarchy, first - second, nodes[hierarchy.root])
    np.testing.assert_allclose(found, nodes, atol=1e-12)


@pytest.mark.parametrize("how", ["surrogate", "walks"])
def test_joins_all_of_whose_contexts_were_asked_are_exact(how):
    hierarchy, game = balanced_hierarchy(16), random_game(16, rng(4), interactions=100)
    exact = owen_from_design(*paid(game, context_masks(hierarchy)), hierarchy).values
    block = {
        "surrogate": join(context_blocks(hierarchy, 100, rng(), growing=False)),
        "walks": walks(hierarchical_orders(hierarchy, 4, rng())),
    }[how]
    found = owen_from_design(*paid(game, block), hierarchy)
    off = np.abs(found.values - exact)[:, 0]
    # halves and quarters of 16, by 1 + 2 joins of 1 and 2 contexts
    for node in np.flatnonzero(hierarchy.depths <= 2):
        assert off[node] < 1e-9
        assert found.standard_error[node] == 0
    single = hierarchy.depths == 4
    assert off[single].max() > 1e-3
    assert (found.standard_error[single] > 0).all()


def test_more_contexts_mean_less_error_until_there_is_none():
    hierarchy, game = random_hierarchy(20, 1), random_game(20, rng(1), interactions=200)
    exact = owen_from_design(*paid(game, context_masks(hierarchy)), hierarchy).values
    missed = []
    for most in (60, 120, 200, count_contexts(hierarchy)):
        block = join(context_blocks(hierarchy, most, rng(), growing=False))
        found = owen_from_design(*paid(game, block), hierarchy)
        missed.append(((found.values - exact)[:20] ** 2).mean() / exact[:20].var())
    assert max(missed[:2]) > missed[2] > missed[3]
    assert max(missed) < 0.1
    assert missed[3] < 1e-20
    assert found.standard_error is None


def test_a_game_that_changes_by_rounding_alone_is_constant():
    hierarchy = random_hierarchy(10, 0)
    design = join([ends(10), *context_blocks(hierarchy, 40, rng(), growing=False)])
    scores = 5 + 1e-6 * rng().random((len(design), 1))
    found = owen_from_design(design, scores, hierarchy)
    assert np.array_equal(found.values, np.zeros((19, 1)))
    assert np.array_equal(found.standard_error, np.zeros((19, 1)))
