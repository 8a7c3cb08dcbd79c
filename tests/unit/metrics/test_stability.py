"""Stability: numbers by hand, intervals, and chance that is not mistaken for fragility."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr, t

from seewhy.metrics.measures import Number
from seewhy.metrics.stability import (
    lost_to_noise,
    over_repeats,
    repeat_agreement,
    repeat_overlap,
)

THREE = np.array([[1.0, 2, 3, 4], [1, 2, 4, 3], [4, 3, 2, 1]])
# Spearman: .8 of the first two, −1 of first and last, −.8 of second and last.


def test_agreement_by_hand():
    found = repeat_agreement(THREE)
    assert found.value == pytest.approx(-1 / 3)
    # Leaving a run out leaves one pair: −.8, −1, .8.
    left_out = np.array([-0.8, -1.0, 0.8])
    reach = t.ppf(0.975, 2) * np.sqrt(2 / 3 * np.sum((left_out - left_out.mean()) ** 2))
    assert found.low == -1.0 == max(-1 / 3 - reach, -1)
    assert found.high == 1.0 == min(-1 / 3 + reach, 1)


def test_agreement_is_the_mean_spearman_of_all_pairs():
    rng = np.random.default_rng(0)
    maps = rng.standard_normal(30) + 0.3 * rng.standard_normal((8, 30))
    pairs = [spearmanr(maps[a], maps[b]).statistic for a in range(8) for b in range(a)]
    found = repeat_agreement(maps)
    assert found.value == pytest.approx(np.mean(pairs))
    left_out = np.array(
        [
            np.mean(
                [
                    spearmanr(maps[a], maps[b]).statistic
                    for a in range(8)
                    for b in range(a)
                    if out not in (a, b)
                ]
            )
            for out in range(8)
        ]
    )
    reach = t.ppf(0.975, 7) * np.sqrt(7 / 8 * np.sum((left_out - left_out.mean()) ** 2))
    assert found.low == pytest.approx(found.value - reach)
    assert found.high == pytest.approx(min(found.value + reach, 1))


def test_two_runs_have_no_interval_and_one_run_no_agreement():
    assert repeat_agreement(THREE[:2]) == Number(pytest.approx(0.8))
    assert repeat_agreement(THREE[:1]) is None
    assert repeat_overlap(THREE[:1], np.ones(4), 0.1) is None


def test_a_method_without_chance_repeats_itself():
    same = np.tile(THREE[0], (3, 1))
    assert repeat_agreement(same) == Number(1.0, 1.0, 1.0)
    assert repeat_overlap(same, np.ones(4), 0.25) == Number(1.0, 1.0, 1.0)
    assert lost_to_noise(same, same[:2]) == Number(0.0)


def test_what_ranks_nothing_agrees_with_nothing():
    """Or a constant map would be the most stable of all."""
    constant = np.ones((3, 4))
    assert repeat_agreement(constant).value == 0.0
    assert repeat_overlap(constant, np.ones(4), 0.25).value == 0.0


def test_rounding_is_not_ranked():
    """Regions of which nothing is said, but for the last bit, would agree like chance."""
    said = np.append([5.0, 3.0, 2.0], np.zeros(40))
    draws = 1e-12 * np.random.default_rng(0).standard_normal((3, 43))
    assert repeat_agreement(said + draws) == Number(*[pytest.approx(1.0)] * 3)
    assert lost_to_noise(np.tile(said, (2, 1)), said + draws).value == pytest.approx(0.0)


def test_overlap_by_hand():
    areas = np.array([1.0, 1, 1, 1])
    found = repeat_overlap(THREE, areas, 0.5)
    # Tops {2, 3}, {2, 3}, {0, 1}: 1, 0, 0.
    assert found.value == pytest.approx(1 / 3)
    assert 0 <= found.low < 1 / 3 < found.high <= 1


def test_overlap_counts_area_and_not_superpixels():
    one, two = np.array([9.0, 8.0, 0.1, 0.0]), np.array([9.0, 0.1, 8.0, 0.0])
    areas = np.array([3.0, 1.0, 1.0, 5.0])
    assert repeat_overlap(np.stack([one, two]), areas, 0.4).value == pytest.approx(3 / 5)


def test_lost_by_hand():
    maps = np.tile(THREE[0], (2, 1))
    found = lost_to_noise(maps, THREE)  # 1, .8, −1 against 1 among themselves
    assert found.value == pytest.approx(1 - 0.8 / 3)
    reach = t.ppf(0.975, 2) * np.std([1, 0.8, -1], ddof=1) / np.sqrt(3)
    assert (found.low, found.high) == pytest.approx((found.value - reach, found.value + reach))
    assert lost_to_noise(maps, THREE[:2]) == Number(pytest.approx(1 - 0.9))


def test_nothing_is_lost_where_nothing_was_repeated():
    assert lost_to_noise(THREE[:1], THREE) is None
    assert lost_to_noise(THREE, THREE[:0]) is None


def draws_of(map_, count, rng, sampling):
    return map_ + sampling * rng.standard_normal((count, len(map_)))


def test_a_method_that_merely_samples_loses_nothing():
    lost, agreement = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        truth = rng.standard_normal(12)
        maps = draws_of(truth, 3, rng, 0.8)
        lost.append(lost_to_noise(maps, draws_of(truth, 2, rng, 0.8)).value)
        agreement.append(repeat_agreement(maps).value)
    error = np.std(lost, ddof=1) / np.sqrt(len(lost))
    assert abs(np.mean(lost)) < 3.5 * error
    assert np.mean(agreement) < 0.7  # though it is far from repeating itself


def test_what_noise_changes_is_told_beyond_what_sampling_costs():
    lost = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        truth = rng.standard_normal(12)
        elsewhere = [truth + rng.standard_normal(12) for _ in range(2)]
        noisy = np.vstack([draws_of(each, 1, rng, 0.4) for each in elsewhere])
        lost.append(lost_to_noise(draws_of(truth, 3, rng, 0.4), noisy).value)
    assert np.mean(lost) > 0.1
    assert np.mean(lost) > 5 * np.std(lost, ddof=1) / np.sqrt(len(lost))


def test_a_mean_over_runs_has_students_interval():
    values = np.array([1.0, 2.0, 4.0])
    found = over_repeats(values)
    low, high = t.interval(0.95, 2, values.mean(), values.std(ddof=1) / np.sqrt(3))
    assert (found.value, found.low, found.high) == pytest.approx((7 / 3, low, high))
    assert over_repeats(values[:1]) == Number(1.0)
    assert over_repeats(np.full(3, 2.5)) == Number(2.5)


def test_students_interval_covers():
    hits = 0
    for seed in range(1000):
        found = over_repeats(np.random.default_rng(seed).normal(3.0, 2.0, 3))
        hits += found.low <= 3.0 <= found.high
    assert 0.93 <= hits / 1000 <= 0.97


def test_the_jackknife_over_runs_covers_the_agreement_of_many():
    """With five runs: broad limits, as runs share their pairs."""
    rng = np.random.default_rng(0)
    truth = rng.standard_normal(20)
    true = repeat_agreement(draws_of(truth, 300, rng, 0.7)).value
    found = [repeat_agreement(draws_of(truth, 5, rng, 0.7)) for _ in range(200)]
    assert 0.85 <= np.mean([each.low <= true <= each.high for each in found]) <= 1.0
    assert np.median([each.high - each.low for each in found]) < 0.6
