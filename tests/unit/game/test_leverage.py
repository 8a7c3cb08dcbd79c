from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.game.design import Law, all_masks, ends
from seewhy.game.fidelity import PairedScores
from seewhy.game.leverage import (
    constrained_shapley_regression,
    count_pairs,
    leverage_blocks,
    leverage_pairs,
)
from seewhy.game.toys import linear_game, random_game

truth = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def rng(seed=0):
    return np.random.default_rng(seed)


def fitted(game, masks):
    """Values and standard errors of one toy game from pairs of masks."""
    pairs = PairedScores.of(masks, game(masks))
    whole, empty = game(ends(masks.shape[1]).masks)
    return constrained_shapley_regression(pairs.signs, pairs.odd, (whole - empty) / 2)


def sizes_of(masks):
    kept = masks[::2].sum(axis=1)
    return np.bincount(np.minimum(kept, masks.shape[1] - kept), minlength=masks.shape[1] // 2 + 1)


@truth
@given(st.integers(2, 40), st.integers(1, 300), st.integers(0, 10**6))
def test_pairs_are_complements_none_twice_and_as_many_as_asked(n_players, n_pairs, seed):
    masks = leverage_pairs(n_players, n_pairs, rng(seed))
    assert len(masks) == 2 * min(n_pairs, count_pairs(n_players))
    assert np.array_equal(masks[1::2], ~masks[::2])
    assert len(np.unique(masks, axis=0)) == len(masks)
    assert masks.any(axis=1).all()
    assert not masks.all(axis=1).any()


@truth
@given(st.integers(2, 30), st.integers(1, 200), st.integers(1, 200), st.integers(0, 10**6))
def test_what_was_drawn_is_not_drawn_again(n_players, first, second, seed):
    draw = rng(seed)
    one = leverage_pairs(n_players, first, draw)
    two = leverage_pairs(n_players, second, draw, avoid=~one[::2])
    assert len(one) + len(two) == 2 * min(first + second, count_pairs(n_players))
    assert len(np.unique(np.vstack([one, two]), axis=0)) == len(one) + len(two)


def test_all_sizes_get_equal_shares_and_small_ones_are_used_up():
    drawn = np.mean([sizes_of(leverage_pairs(12, 90, rng(seed))) for seed in range(100)], axis=0)
    # 12 single players are fewer than a sixth of 90; the other sizes share the rest, and
    # half as many pairs hold two masks of size 6
    rest = (90 - 12) / 4.5
    np.testing.assert_allclose(drawn, [0, 12, rest, rest, rest, rest, rest / 2], atol=0.2)
    counts = [sizes_of(leverage_pairs(12, 90, rng(seed))) for seed in range(20)]
    assert np.ptp(counts, axis=0).max() <= 1


def test_a_second_draw_keeps_the_balance():
    draw = rng()
    one = leverage_pairs(30, 60, draw)
    both = sizes_of(np.vstack([one, leverage_pairs(30, 140, draw, avoid=one)]))
    assert both[1:-1].min() >= 12
    assert both[1:-1].max() <= 15
    assert both.sum() == 200


def test_masks_of_one_size_are_uniform():
    masks = leverage_pairs(20, 4000, rng())[::2]
    tens = masks[masks.sum(axis=1) == 7]
    assert np.abs(tens.mean(axis=0) - 7 / 20).max() < 4 * 0.5 / np.sqrt(len(tens))
    assert len(tens) > 300


def test_players_are_equally_often_in_an_enumerated_part():
    # 55 of the 66 pairs of two: drawn from the list of all
    counts = np.zeros(12)
    for seed in range(150):
        masks = leverage_pairs(12, 280, rng(seed))[::2]
        counts += masks[masks.sum(axis=1) == 2].sum(axis=0)
    assert counts.sum() < 150 * 66 * 2
    assert np.ptp(counts) / counts.mean() < 0.03


@pytest.mark.parametrize("n_players", [2, 3, 6, 9, 10])
def test_all_pairs_are_every_mask_but_the_ends_and_give_shapley_values(n_players):
    masks = leverage_pairs(n_players, 10**6, rng())
    assert len(masks) == 2**n_players - 2
    game = random_game(n_players, rng(n_players), largest=min(4, n_players), interactions=30)
    values, error = fitted(game, masks)
    np.testing.assert_allclose(values[:, 0], game.shapley_values(), atol=1e-9)
    assert np.array_equal(error, np.zeros((n_players, 1)))


def test_values_add_up_whatever_was_drawn():
    for n_players, n_pairs in [(20, 3), (20, 19), (20, 60), (7, 63)]:
        game = random_game(n_players, rng(n_pairs))
        values, _ = fitted(game, leverage_pairs(n_players, n_pairs, rng()))
        whole, empty = game(ends(n_players).masks)
        np.testing.assert_allclose(values.sum(axis=0), whole - empty, atol=1e-9)


def test_linear_games_are_exact_from_as_many_pairs_as_players():
    weights = rng().standard_normal(25)
    values, error = fitted(linear_game(weights), leverage_pairs(25, 40, rng()))
    np.testing.assert_allclose(values[:, 0], weights, atol=1e-9)
    assert error.max() < 1e-8


def test_weights_and_constraint_are_those_of_textbook_least_squares():
    n_players = 7
    game = random_game(n_players, rng(3), interactions=40)
    masks = leverage_pairs(n_players, 30, rng(1))
    values, _ = fitted(game, masks)
    # by hand: Kernel SHAP over both masks of every pair, one row per mask, divided by the
    # share of its size that was drawn, with the last value eliminated by the constraint
    kept = masks.sum(axis=1)
    everything = all_masks(n_players).masks.sum(axis=1)
    there_are = np.bincount(everything, minlength=n_players + 1)
    kernel = (n_players - 1) / (there_are[kept] * kept * (n_players - kept))
    share = np.bincount(kept, minlength=n_players + 1)[kept] / there_are[kept]
    whole, empty = game(ends(n_players).masks)[:, 0]
    z = masks.astype(float)
    rows = z[:, :-1] - z[:, -1:]
    targets = game(masks)[:, 0] - empty - z[:, -1] * (whole - empty)
    root = np.sqrt(kernel / share)
    by_hand = np.linalg.lstsq(rows * root[:, None], targets * root)[0]
    np.testing.assert_allclose(values[:-1, 0], by_hand, rtol=1e-9)


def test_targets_are_solved_side_by_side():
    games = [random_game(15, rng(seed)) for seed in range(3)]
    masks = leverage_pairs(15, 50, rng())
    together = fitted(lambda m: np.hstack([game(m) for game in games]), masks)
    for column, game in enumerate(games):
        for both, alone in zip(together, fitted(game, masks), strict=True):
            np.testing.assert_allclose(both[:, column], alone[:, 0], rtol=1e-9)


@pytest.mark.parametrize(
    ("n_players", "n_pairs"), [(12, 8), (12, 40), (12, 200), (12, 700), (30, 40), (30, 250)]
)
def test_intervals_of_ninety_percent_cover(n_players, n_pairs):
    covered = []
    for seed in range(40):
        game = random_game(n_players, rng(seed), interactions=100)
        values, error = fitted(game, leverage_pairs(n_players, n_pairs, rng(seed)))
        covered.append(np.abs(values[:, 0] - game.shapley_values()) <= 1.645 * error[:, 0])
    # near as many pairs as players the fit without a pair is wild, and intervals err widely
    assert 0.85 < np.mean(covered) < (0.95 if n_pairs > 2 * n_players else 1.0)


def test_with_fewer_pairs_than_players_the_error_says_that_little_is_known():
    missed, told, spread = 0.0, 0.0, 0.0
    for seed in range(30):
        game = random_game(40, rng(seed), interactions=0, largest=2)
        values, error = fitted(game, leverage_pairs(40, 10, rng(seed)))
        missed += ((values[:, 0] - game.shapley_values()) ** 2).mean()
        told += (error**2).mean()
        spread += game.shapley_values().var()
    assert missed > 0.5 * spread
    assert 0.7 < told / missed < 1.5


def test_residuals_left_out_are_those_of_fits_without_the_pair():
    game = random_game(9, rng(2), interactions=40)
    masks = leverage_pairs(9, 30, rng())
    pairs = PairedScores.of(masks, game(masks))
    whole = np.zeros(1)
    _, error = constrained_shapley_regression(pairs.signs, pairs.odd, whole)
    # the sandwich by hand: moving a pair's score by one moves the values by its influence
    pushed = [
        constrained_shapley_regression(pairs.signs, pairs.odd + step[:, None], whole)[0]
        for step in np.eye(30)
    ]
    base = constrained_shapley_regression(pairs.signs, pairs.odd, whole)[0]
    influence = np.hstack([moved - base for moved in pushed])
    slack = 1 - np.einsum("nd,dn->n", pairs.signs / 2, influence)
    residual = (pairs.odd - pairs.signs @ base / 2)[:, 0] / slack
    size = np.minimum(masks[::2].sum(axis=1), 9 - masks[::2].sum(axis=1))
    left = 1 - np.bincount(size)[size] / np.array([0, 9, 36, 84, 126])[size]
    expected = np.sqrt((influence**2 * left * residual**2).sum(axis=1))
    np.testing.assert_allclose(error[:, 0], expected, rtol=1e-8)


@pytest.mark.parametrize(
    ("n_players", "most", "sizes"),
    [(30, 2001, [256, 256, 512, 976]), (30, 300, [300]), (5, 2001, [30]), (40, 512, [256, 256])],
)
def test_blocks_double_what_there_is_and_repeat_nothing(n_players, most, sizes):
    blocks = list(leverage_blocks(n_players, most, rng()))
    assert [len(block) for block in blocks] == sizes
    masks = np.concatenate([block.masks for block in blocks])
    assert len(np.unique(masks, axis=0)) == len(masks)
    assert set(np.concatenate([block.laws for block in blocks]).tolist()) == {Law.LEVERAGE}
    assert sum(block.budget for block in blocks) == sum(sizes)


def test_more_coalitions_than_a_float_can_count_are_no_problem():
    masks = leverage_pairs(1500, 100, rng())
    assert len(masks) == 200
    game = linear_game(np.zeros(1500))
    assert np.isfinite(fitted(game, masks)[1]).all()


@pytest.mark.parametrize(
    ("n_players", "n_pairs", "message"),
    [
        (1, 5, r"n_players must be at least 2 to draw coalitions; got 1"),
        (5, 0, r"n_pairs must be at least 1; got 0"),
    ],
)
def test_too_few_are_refused(n_players, n_pairs, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        leverage_pairs(n_players, n_pairs, rng())
