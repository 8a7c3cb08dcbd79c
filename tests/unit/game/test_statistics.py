from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, spearmanr

from seewhy.game.statistics import (
    certain,
    interval_factor,
    jackknife_interval,
    r_squared,
    rank_agreement,
    top_agreement,
)

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
def test_an_interval_reaches_as_far_as_its_level_says(level):
    reach = interval_factor(level)
    assert norm.cdf(reach) - norm.cdf(-reach) == pytest.approx(level, abs=1e-12)


def test_a_sign_is_certain_when_the_interval_excludes_zero():
    values = np.array([1.0, -1.0, 1.0, 0.0])
    error = np.array([0.5, 0.5, 0.6, 0.0])
    assert certain(values, error).tolist() == [True, True, False, False]
    assert certain(values, error, level=0.5).tolist() == [True, True, True, False]
    assert certain(values, None).tolist() == [True, True, True, False]


def test_r_squared_is_the_share_explained():
    values = RNG.standard_normal(30)
    assert r_squared(np.zeros(30), values) == 1.0
    assert r_squared(values - values.mean(), values) == pytest.approx(0.0, abs=1e-12)
    assert r_squared(values, values - values.mean()) < 0
    assert r_squared(np.zeros(3), np.ones(3)) == 1.0
    assert r_squared(np.ones(3), np.ones(3)) == 0.0


@pytest.mark.parametrize("n", [10, 40])
def test_the_jackknife_interval_covers_the_true_share(n):
    # residual e ~ N(0, .3), signal s ~ N(0, 1) independent: 1 − E e² / E (s + e)²
    truth = 1 - 0.09 / 1.09
    covered = []
    for seed in range(600):
        signal, rest = np.random.default_rng(seed).standard_normal((2, n)) * [[1.0], [0.3]]
        low, high = jackknife_interval(rest**2, (signal + rest) ** 2)
        covered.append(low <= truth <= high)
        assert low < high <= 1
    assert 0.92 < np.mean(covered) < 0.98


def test_a_higher_level_is_a_wider_interval_round_the_same_point():
    left, total = RNG.random(20), 5 * RNG.random(20)
    point = 1 - left.sum() / total.sum()
    low, high = jackknife_interval(left, total)
    lower, higher = jackknife_interval(left, total, level=0.99)
    assert lower < low < point < high < higher <= 1


def test_intervals_of_perfect_and_of_hopeless_predictions_are_points():
    assert jackknife_interval(np.zeros(5), np.ones(5)) == (1.0, 1.0)
    assert jackknife_interval(np.ones(5), np.zeros(5)) == (0.0, 0.0)
    assert jackknife_interval(np.zeros(5), np.zeros(5)) == (1.0, 1.0)


@pytest.mark.parametrize("ties", [False, True])
def test_rank_agreement_is_spearmans(ties):
    first, second = RNG.standard_normal((2, 40))
    if ties:
        first, second = first.round(), second.round()
    expected = spearmanr(first, second).statistic
    assert rank_agreement(first, second) == pytest.approx(expected, abs=1e-12)
    assert rank_agreement(first, first) == pytest.approx(1.0)
    assert rank_agreement(first, -first) == pytest.approx(-1.0)


def test_a_constant_ranks_nothing():
    assert rank_agreement(np.ones(4), np.arange(4.0)) == 0.0


def test_top_agreement_is_the_jaccard_overlap_of_the_strongest():
    first = np.array([5.0, -4.0, 3.0, 0.1, 0.2])
    second = np.array([-5.0, 0.1, 3.0, 4.0, 0.2])
    assert top_agreement(first, second, 1) == 1.0
    assert top_agreement(first, second, 2) == pytest.approx(1 / 3)
    assert top_agreement(first, second, 3) == pytest.approx(2 / 4)
    assert top_agreement(first, second, 5) == 1.0
