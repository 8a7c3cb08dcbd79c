from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, rankdata, wilcoxon

from seewhy.errors import InputError
from seewhy.game import bootstrap, paired
from seewhy.game.bootstrap import bca_of_means
from seewhy.game.paired import (
    Estimate,
    holm,
    mean_with_interval,
    paired_differences,
    signed_rank_p,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_mean_has_its_bootstrap_interval():
    values = rng().exponential(size=30)
    found = mean_with_interval(values, rng(1))
    assert (found.mean, found.n) == (values.mean(), 30)
    assert (found.low, found.high) == tuple(bca_of_means(values[:, None], rng(1))[0])
    assert found.high - found.mean > 1.1 * (found.mean - found.low)  # it leans as the values do


def test_a_level_is_a_level():
    values = rng().standard_normal(60)
    half, most = (mean_with_interval(values, rng(1), level=level) for level in (0.5, 0.99))
    assert most.low < half.low < half.mean < half.high < most.high
    ratio = (most.high - most.low) / (half.high - half.low)
    assert ratio == pytest.approx(norm.ppf(0.995) / norm.ppf(0.75), rel=0.12)


def test_what_is_undefined_is_left_out():
    values = rng().standard_normal(12)
    gaps = np.insert(values, [0, 5, 12], np.nan)
    assert mean_with_interval(gaps, rng(1)) == mean_with_interval(values, rng(1))


def test_too_few_values_have_no_interval_and_equal_ones_a_point():
    assert mean_with_interval(np.array([3.0]), rng()) == Estimate(3.0, None, None, 1)
    assert mean_with_interval(np.array([3.0, 1, 2, 4]), rng()) == Estimate(2.5, None, None, 4)
    five = mean_with_interval(np.array([3.0, 1, 2, 4, 2]), rng())
    assert 1 <= five.low < five.mean == 2.4 < five.high <= 4
    none = mean_with_interval(np.array([np.nan, np.nan]), rng())
    assert np.isnan(none.mean)
    assert (none.low, none.high, none.n) == (None, None, 0)
    assert mean_with_interval(np.zeros(9), rng()) == Estimate(0.0, 0.0, 0.0, 9)
    nearly = 0.1 + 1e-16 * np.arange(9)
    found = mean_with_interval(nearly, rng())
    assert found.low == found.high == found.mean
    one_apart = mean_with_interval(np.array([1.0, *np.zeros(8)]), rng())
    assert 0 <= one_apart.low < 1 / 9 < one_apart.high <= 1


@pytest.mark.parametrize(
    ("values", "level", "complaint"),
    [
        (np.zeros((2, 2)), 0.95, r"got shape \(2, 2\)"),
        (np.array([1.0, np.inf, 2.0]), 0.95, "1 infinite"),
        (np.zeros(9), 1.0, "level must lie between 0 and 1; got 1.0"),
    ],
)
def test_no_mean_of_what_is_no_list_of_numbers(values, level, complaint):
    with pytest.raises(InputError, match=complaint):
        mean_with_interval(values, rng(), level=level)


@pytest.mark.parametrize("n", [5, 12, 40])
def test_the_signed_rank_test_is_scipys(n):
    differences = rng(n).standard_normal(n) + 0.3
    expected = wilcoxon(differences, method="exact").pvalue
    assert signed_rank_p(differences) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_with_ties_and_zeros_all_signs_are_counted(sizes):
    differences = np.array(sizes, float)
    ranks = rankdata(np.abs(differences))[differences != 0]
    given_sum = ranks[differences[differences != 0] > 0].sum()
    middle = ranks.sum() / 2
    sums = [ranks @ np.array(signs) for signs in product((0, 1), repeat=len(ranks))]
    far = abs(given_sum - middle)
    expected = np.mean([abs(one - middle) >= far - 1e-9 for one in sums])
    assert signed_rank_p(differences) == pytest.approx(expected, abs=1e-12)


def test_many_differences_follow_the_normal_distribution():
    exact = rng().standard_normal(paired.EXACT_UP_TO) + 0.15
    found, peer = signed_rank_p(exact), wilcoxon(exact, method="approx").pvalue
    assert found == pytest.approx(peer, rel=0.05)
    many = np.round(rng(1).standard_normal(500) + 0.1, 1)
    peer = wilcoxon(many, method="approx", zero_method="pratt").pvalue
    assert signed_rank_p(many) == pytest.approx(peer, rel=1e-6)
    assert signed_rank_p(np.r_[np.ones(150), -np.ones(150)]) == 1.0


def test_rounding_breaks_no_ties():
    clean = np.array([1, 1, 1, 1, -1, 1, 2, -2, 1.0])
    blurred = clean * 0.1 + np.array([0, 1, -1, 2, 0, 1, 0, -1, 1]) * 1e-16
    assert signed_rank_p(blurred) == signed_rank_p(clean)


def test_nothing_differs_in_nothing():
    assert signed_rank_p(np.zeros(30)) == 1.0
    assert signed_rank_p(np.zeros(0)) == 1.0


def test_the_signed_rank_test_finds_what_is_not_there_at_its_level():
    # Skewed but symmetric about nothing: differences of two equal distributions, with ties.
    draws = [np.round(rng(seed).gamma(1, size=(2, 15)), 1) for seed in range(2000)]
    found = np.array([signed_rank_p(one - two) for one, two in draws])
    assert 0.035 < np.mean(found <= 0.05) < 0.06
    assert 0.07 < np.mean(found <= 0.1) < 0.12


def test_holm_multiplies_the_smallest_most():
    # Holm (1979): .01 × 4, then .02 × 3 (already .06), .03 × 2 = .06, and .4 alone.
    assert holm(np.array([0.03, 0.01, 0.4, 0.02])) == pytest.approx([0.06, 0.04, 0.4, 0.06])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]
    assert holm(np.array([0.2])).tolist() == [0.2]
    assert holm(np.zeros(0)).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_what_stepping_down_rejects(ps):
    p, m = np.array(ps), len(ps)
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, m * p) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
    for level in (0.05, 0.2):
        rejected = set()
        for step, index in enumerate(np.argsort(p, kind="stable").tolist()):
            if p[index] * (m - step) >= level:
                break
            rejected.add(index)
        assert {i for i in range(m) if adjusted[i] < level} == rejected


def test_no_adjustment_of_what_is_no_p():
    for bad in (np.array([0.1, 1.2]), np.array([np.nan]), np.zeros((2, 2))):
        with pytest.raises(InputError, match="values in"):
            holm(bad)


def test_a_clear_difference_is_told_whichever_way_is_better():
    scores = rng().random((40, 1)) + np.array([0.0, 0.2, 0.21]) + rng(1).normal(0, 0.05, (40, 3))
    names = ("low", "high", "highest")
    up = {(d.first, d.second): d for d in paired_differences(scores, names, rng(), better="higher")}
    down = paired_differences(scores, names, rng(), better="lower")
    assert up["high", "low"].separable
    assert up["highest", "low"].separable
    assert up["high", "low"].mean == pytest.approx((scores[:, 1] - scores[:, 0]).mean())
    assert up["high", "low"].low > 0.15
    assert [(d.first, d.second) for d in down[:2]] == [("low", "high"), ("low", "highest")]
    for one, other in zip(up.values(), down, strict=True):
        assert (one.mean, one.p, one.spread) == pytest.approx((other.mean, other.p, other.spread))
        assert one.mean >= 0


def test_every_field_of_a_difference_is_what_it_says():
    scores = np.array([[1.0, 3, 4, 4, 5, 6, 7, 9], [1.0, 1, 1, 5, 2, 3, 3, 4]]).T
    differences = scores[:, 0] - scores[:, 1]
    (found,) = paired_differences(scores, "ab", rng(7), better="higher")
    assert (found.first, found.second, found.n) == ("a", "b", 8)
    assert found.mean == differences.mean()
    assert found.spread == pytest.approx(np.std(differences, ddof=1))
    assert found.win_share == 6.5 / 8  # six won, one lost, one tie
    assert found.p == found.p_adjusted == signed_rank_p(differences)
    estimate = mean_with_interval(differences, rng(7))
    assert (found.low, found.high) == (estimate.low, estimate.high)
    swapped = paired_differences(scores[:, ::-1], "ba", rng(7), better="higher")[0]
    assert swapped == found


def test_p_is_adjusted_over_all_pairs():
    scores = rng(5).random((12, 4)) + 0.1 * np.arange(4)
    found = paired_differences(scores, "abcd", rng(), better="higher")
    assert len(found) == 6
    adjusted = holm(np.array([one.p for one in found]))
    assert [one.p_adjusted for one in found] == adjusted.tolist()
    assert (adjusted >= 1.5 * np.array([one.p for one in found])).any()


def test_pictures_on_which_one_is_undefined_do_not_count():
    scores = rng(5).random((20, 3))
    scores[:, 1] += 0.1
    gaps = scores.copy()
    gaps[:4, 0], gaps[15:, 2] = np.nan, np.nan
    found = paired_differences(gaps, "abc", rng(), better="higher")
    assert [one.n for one in found] == [16, 11, 15]
    alone = paired_differences(scores[4:, :2], "ab", rng(), better="higher")[0]
    assert (found[0].mean, found[0].p) == (alone.mean, alone.p)
    gaps[:, 2] = np.nan
    left = paired_differences(gaps, "abc", rng(), better="higher")
    assert [(one.first, one.second) for one in left] == [("b", "a")]


def test_equal_methods_cannot_be_told_apart():
    scores = np.repeat(rng().random((30, 1)), 2, axis=1)
    scores[:, 1] += 1e-17
    (found,) = paired_differences(scores, "ab", rng(), better="higher")
    assert (found.mean, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
    assert (found.win_share, found.separable, found.pictures_needed) == (0.5, False, None)


def test_five_pictures_are_too_few_and_six_may_do():
    scores = np.array([[0.9, 0.1]] * 6) + 0.01 * np.arange(6)[:, None] * [1, 2]
    told = [
        paired_differences(scores[:n], "ab", rng(), better="higher")[0].separable
        for n in range(1, 7)
    ]
    assert told == [False] * 5 + [True]
    single = paired_differences(scores[:1], "ab", rng(), better="higher")[0]
    assert np.isnan(single.spread)
    assert (single.low, single.pictures_needed, single.p) == (None, None, 1.0)


def test_ranks_alone_do_not_separate():
    # First is better on twenty pictures by little and worse on one by much.
    scores = np.zeros((21, 2))
    scores[:, 0] = 0.1 + 0.001 * np.arange(21)
    scores[20, 0] = -1.5
    (found,) = paired_differences(scores, "ab", rng(), better="higher")
    assert found.mean > 0
    assert found.p_adjusted < 0.001
    assert found.low < 0
    assert not found.separable


def test_a_lower_level_separates_sooner():
    scores = np.array([[0.9, 0.1]] * 5) + 0.01 * np.arange(5)[:, None] * [1, 2]
    (strict,) = paired_differences(scores, "ab", rng(), better="higher")
    (loose,) = paired_differences(scores, "ab", rng(), better="higher", level=0.9)
    assert strict.p_adjusted == loose.p_adjusted == 1 / 16
    assert (strict.separable, loose.separable) == (False, True)
    assert strict.low < loose.low < loose.high < strict.high


def test_pictures_needed_find_the_difference_in_four_studies_of_five():
    # sd .15, difference .02: 442 pictures; here a quicker case, by simulated z-tests.
    pair = np.array([0.15, -0.15] * 50)
    pair = 0.02 + pair / pair.std(ddof=1) * 0.15
    scores = np.stack([pair, np.zeros(100)], axis=1)
    (found,) = paired_differences(scores, "ab", rng(), better="higher")
    assert found.pictures_needed == 442
    (coarse,) = paired_differences(scores, "ab", rng(), better="higher", worthwhile=0.1)
    assert coarse.pictures_needed == 18
    (sure,) = paired_differences(scores, "ab", rng(), better="higher", worthwhile=5.0)
    assert sure.pictures_needed == 6
    draws = rng().normal(0.1, 0.15, (4000, 18))
    power = np.mean(draws.mean(axis=1) / (0.15 / np.sqrt(18)) > norm.ppf(0.975))
    assert power == pytest.approx(0.8, abs=0.03)


def test_false_finds_stay_rare_over_all_pairs(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 999)
    false, unadjusted = [], []
    for seed in range(400):
        scores = rng(seed).beta(2, 1, (15, 4))
        found = paired_differences(scores, "abcd", rng(10**6 + seed), better="higher")
        false.append(any(one.separable for one in found))
        unadjusted.append(any(one.p < 0.05 for one in found))
    assert np.mean(false) < 0.08
    assert np.mean(unadjusted) > 0.12  # what the adjustment is for


@pytest.mark.parametrize(
    ("scores", "settings", "complaint"),
    [
        (np.zeros((5, 3)), {}, r"\(pictures, 2\), a column per name; got \(5, 3\)"),
        (np.zeros(5), {}, "a column per name"),
        (np.array([[np.inf, 1.0]]), {}, "1 infinite"),
        (np.zeros((5, 2)), {"better": "more"}, "'higher' or 'lower'; got 'more'"),
        (np.zeros((5, 2)), {"worthwhile": 0.0}, "worthwhile must be a positive difference"),
        (np.zeros((9, 2)), {"level": 95}, "level must lie between 0 and 1; got 95"),
    ],
)
def test_what_cannot_be_compared_is_refused(scores, settings, complaint):
    with pytest.raises(InputError, match=complaint):
        paired_differences(scores, "ab", rng(), **{"better": "higher", **settings})
