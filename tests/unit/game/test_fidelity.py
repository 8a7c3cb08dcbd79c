from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.design import all_masks, bernoulli_pairs
from seewhy.game.fidelity import (
    PairedScores,
    exhaustive_fidelity,
    paired_fidelity,
    variance_shares,
)

SHARES = np.array([0.5, 0.3, 0.2])
RNG = np.random.default_rng(0)


def all_pairs(n_players):
    first = all_masks(n_players).masks[: 2 ** (n_players - 1)]
    return np.stack([first, ~first], axis=1).reshape(-1, n_players)


def test_scores_split_into_what_negates_and_what_stays():
    masks = bernoulli_pairs(6, 5, RNG).masks
    scores = RNG.standard_normal((10, 2))
    pairs = PairedScores.of(masks, scores)
    assert np.array_equal(pairs.signs, np.where(masks[::2], 1, -1))
    np.testing.assert_allclose(pairs.odd + pairs.even, scores[::2])
    np.testing.assert_allclose(pairs.even - pairs.odd, scores[1::2])


def test_a_pair_is_counted_once_however_it_is_turned():
    masks = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1]], bool)
    scores = np.arange(6.0)[:, None]
    assert PairedScores.of(masks, scores).distinct().tolist() == [True, False, True]
    assert PairedScores.of(masks[2:], scores[2:]).distinct().tolist() == [True, True]


def test_exhaustive_shares_are_the_spectrum_of_the_game():
    masks = all_pairs(5)
    x = np.where(masks, 1.0, -1.0)
    # characters are orthonormal: the variance of each is its coefficient squared
    main, odd, even = 2 * x[:, 0] - x[:, 1], 3 * x[:, :3].prod(axis=1), x[:, 0] * x[:, 4]
    scores = (7 + main + odd + even)[:, None]
    values = np.array([[4.0], [-2.0], [0.0], [0.0], [0.0]])
    shares = variance_shares(PairedScores.of(masks, scores), values**2, exhaustive=True)
    np.testing.assert_allclose(shares[:, 0], np.array([5, 9, 1]) / 15, rtol=1e-12)


def test_main_effects_carry_a_quarter_of_their_squares():
    masks = all_pairs(10)
    x = np.where(masks, 1.0, -1.0)
    scores = x[:, [0]] / 2 + x[:, 1:4].prod(axis=1, keepdims=True) / 2
    squares = np.array([1.0] + [0.0] * 9)[:, None]
    shares = variance_shares(PairedScores.of(masks, scores), squares)
    assert shares[:, 0] == pytest.approx([0.5, 0.5, 0.0])


def test_shares_sum_to_one_and_a_constant_is_all_main():
    masks = bernoulli_pairs(8, 20, RNG).masks
    scores = np.column_stack([RNG.standard_normal(40), np.full(40, 3.0)])
    values = np.column_stack([RNG.standard_normal(8), np.zeros(8)])
    shares = variance_shares(PairedScores.of(masks, scores), values**2)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=0), 1.0)
    assert shares[:, 1].tolist() == [1, 0, 0]


@pytest.mark.parametrize("kind", ["held-out", "leave-one-pair-out"])
def test_r_squared_over_pairs_is_that_over_masks(kind):
    masks = bernoulli_pairs(8, 50, RNG).masks
    scores = RNG.standard_normal(100)
    slopes, intercept = RNG.standard_normal(8) * 0.3, 0.1
    pairs = PairedScores.of(masks, scores[:, None])
    level = intercept + slopes.sum() / 2
    fidelity = paired_fidelity(
        kind,
        pairs.odd[:, 0],
        pairs.even[:, 0],
        pairs.signs @ slopes / 2,
        np.full(50, level),
        SHARES,
    )
    residuals = scores - intercept - masks @ slopes
    # the variance of the 50 even parts is estimated about their own mean
    even = pairs.even[:, 0]
    total = 2 * (pairs.odd**2).sum() + 2 * 50 * even.var(ddof=1)
    assert fidelity.r2 == pytest.approx(1 - (residuals**2).sum() / total, abs=1e-12)
    assert fidelity.low < fidelity.r2 < fidelity.high
    assert (fidelity.kind, fidelity.masks) == (kind, 100)
    assert (fidelity.main, fidelity.odd, fidelity.even) == tuple(SHARES)


def test_a_wrong_intercept_costs_fidelity():
    masks = bernoulli_pairs(8, 50, RNG).masks
    pairs = PairedScores.of(masks, (masks[:, :1] + 0.0))
    odd, even = pairs.odd[:, 0], pairs.even[:, 0]
    right = paired_fidelity("held-out", odd, even, odd, np.full(50, 0.5), SHARES)
    wrong = paired_fidelity("held-out", odd, even, odd, np.full(50, 0.7), SHARES)
    assert (right.r2, right.low, right.high) == (1.0, 1.0, 1.0)
    assert wrong.r2 == pytest.approx(1 - 0.2**2 / 0.25)


def test_a_constant_met_exactly_is_explained_and_one_missed_is_not():
    zero, one = np.zeros(20), np.ones(20)
    assert paired_fidelity("held-out", zero, one, zero, one, SHARES).r2 == 1.0
    assert paired_fidelity("held-out", zero, one, zero, 2 * one, SHARES).r2 == 0.0


def test_on_all_masks_the_interval_is_a_point():
    scores, predicted = RNG.standard_normal((2, 16))
    fidelity = exhaustive_fidelity(scores, predicted, SHARES)
    expected = 1 - ((scores - predicted) ** 2).sum() / ((scores - scores.mean()) ** 2).sum()
    assert fidelity.low == fidelity.r2 == fidelity.high == pytest.approx(expected)
    assert (fidelity.kind, fidelity.masks) == ("all masks", 16)
