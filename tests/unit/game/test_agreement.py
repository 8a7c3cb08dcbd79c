from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, spearmanr

from seewhy.errors import InputError
from seewhy.game.agreement import gini, kendall_w, pairwise_rank_agreement, top_overlap
from seewhy.game.statistics import top_agreement

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("m", [3, 7])
def test_concordance_is_friedmans_statistic_in_other_units(ties, m):
    maps = np.random.default_rng(m).standard_normal((m, 12)) + np.arange(12) / 4
    maps = maps.round() if ties else maps
    expected = friedmanchisquare(*maps.T).statistic / (m * 11)
    assert 0.2 < expected < 0.95
    assert kendall_w(maps) == pytest.approx(expected, abs=1e-12)


@given(seed=st.integers(0, 10**6), m=st.integers(2, 6), d=st.integers(2, 15))
def test_concordance_without_ties_is_the_mean_correlation(seed, m, d):
    maps = np.random.default_rng(seed).standard_normal((m, d))
    pairs = pairwise_rank_agreement(maps)[np.triu_indices(m, 1)]
    assert (m * kendall_w(maps) - 1) / (m - 1) == pytest.approx(pairs.mean(), abs=1e-9)


def test_concordance_is_one_for_one_ranking_and_a_share_for_unrelated_ones():
    one = RNG.standard_normal(20)
    assert kendall_w(np.stack([one, 3 * one, np.exp(one)])) == pytest.approx(1.0)
    assert kendall_w(one[None]) == pytest.approx(1.0)
    assert kendall_w(np.stack([one.round(), one.round()])) == pytest.approx(1.0)
    unrelated = [kendall_w(np.random.default_rng(s).standard_normal((4, 20))) for s in range(300)]
    assert np.mean(unrelated) == pytest.approx(1 / 4, abs=0.02)


def test_a_constant_map_agrees_with_nothing():
    one, flat = RNG.standard_normal(9), np.full(9, 3.0)
    assert kendall_w(np.stack([one, flat])) == pytest.approx(0.5)
    assert kendall_w(np.stack([flat, flat])) == 0.0
    assert pairwise_rank_agreement(np.stack([one, flat])).tolist() == [
        [pytest.approx(1.0), 0.0],
        [0.0, 0.0],
    ]


def test_many_superpixels_do_not_overflow():
    maps = np.arange(400_000.0)[None] * [[1], [1]]
    assert kendall_w(maps) == pytest.approx(1.0)
    assert kendall_w(np.where(maps > 9, 1.0, 0.0)) == pytest.approx(1.0)


def test_pairs_are_spearmans():
    maps = RNG.standard_normal((4, 30)).round(1)
    expected = spearmanr(maps.T).statistic
    assert pairwise_rank_agreement(maps) == pytest.approx(expected, abs=1e-12)


def test_the_top_is_taken_until_its_share_is_reached():
    areas = np.array([10.0, 20, 30, 40])
    first, second = np.array([4.0, 3, 2, 1]), np.array([-4.0, 1, 3, 2])
    # 10 % is superpixel 0 alone; 30 %: {0, 1} against {0} (0 and 2 would be 40, as far off).
    assert top_overlap(first, second, areas, share=0.1) == 1.0
    assert top_overlap(first, second, areas, share=0.34) == pytest.approx(10 / 60)
    # 50 %: {0, 1} and {0, 2}: 30 and 60 are 20 and 10 off 50, so 2 comes in; {0, 2} is 40.
    assert top_overlap(first, second, areas, share=0.5) == pytest.approx(40 / 60)
    assert top_overlap(first, second[::-1], areas, share=0.01) == 0.0


@given(seed=st.integers(0, 10**6), count=st.integers(1, 9))
def test_with_equal_areas_it_is_the_overlap_of_so_many(seed, count):
    first, second = np.random.default_rng(seed).standard_normal((2, 10))
    found = top_overlap(first, second, np.full(10, 7.0), share=count / 10)
    assert found == pytest.approx(top_agreement(first, second, count))


@given(seed=st.integers(0, 10**6), d=st.integers(2, 12), share=st.floats(0.01, 0.99))
def test_overlap_is_a_share_symmetric_and_whole_with_itself(seed, d, share):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(-3, 4, (2, d)).astype(float)
    areas = rng.integers(1, 30, d).astype(float)
    found = top_overlap(first, second, areas, share=share)
    assert 0 <= found <= 1 + 1e-12
    assert found == pytest.approx(top_overlap(-second, 2 * first, areas / 9, share=share))
    varied = len(set(np.abs(first))) > 1
    assert top_overlap(first, first, areas, share=share) == pytest.approx(float(varied))
    order = rng.permutation(d)
    moved = top_overlap(first[order], second[order], areas[order], share=share)
    assert moved == pytest.approx(found)


def test_equal_values_belong_in_part_whatever_their_number():
    areas = np.ones(10)
    rule, other = np.zeros(10), np.zeros(10)
    rule[:4], other[2:6] = 1.0, 1.0
    # A fifth of the picture is half of each rule; they share two regions of six.
    assert top_overlap(rule, rule, areas, share=0.2) == pytest.approx(1.0)
    assert top_overlap(rule, other, areas, share=0.2) == pytest.approx((2 * 0.5) / (6 * 0.5))
    # Six tenths: the rule and two tenths of the picture from the six regions left.
    assert top_overlap(rule, other, areas, share=0.6) == pytest.approx(
        (2 + 4 / 3 + 4 / 3) / (2 + 4 + 4 / 3)
    )


def test_a_flat_map_has_no_top():
    flat, one = np.array([2.0, -2, 2, -2]), np.array([1.0, 2, 3, 4])
    assert top_overlap(flat, one, np.ones(4)) == 0.0
    assert top_overlap(flat, flat, np.ones(4)) == 0.0
    assert top_overlap(np.zeros(4), np.zeros(4), np.ones(4)) == 0.0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Quantus 0.6.0, Sparseness, which adds 1e-7 to every value: .46621327485706027,
        # .34049066385642646 and .31249994117648167, on 8×8 pixels in 2×2 patches of these values.
        (((5 * np.arange(16) + 3) % 16 - 6) / 8 * (((7 * np.arange(16)) % 16 + 1) / 16)
         + np.arange(16) / 1024, 0.46621327485706027),
        (((11 * np.arange(16) + 5) % 16) / 16 - 0.4, 0.34049066385642646),
        (((7 * np.arange(16)) % 16 + 1) / 16, 0.31249994117648167),
    ],
)  # fmt: skip
def test_gini_is_quantus_sparseness(values, expected):
    assert gini(values) == pytest.approx(expected, abs=3e-7)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=20))
def test_gini_is_half_the_relative_mean_difference(values):
    sizes = np.abs(np.array(values))
    if sizes.sum() < 1e-9:
        return
    expected = np.abs(sizes[:, None] - sizes).mean() / (2 * sizes.mean())
    assert gini(np.array(values)) == pytest.approx(expected, abs=1e-9)


def test_gini_runs_from_even_to_one_place():
    assert gini(np.array([2.0, -2, 2])) == pytest.approx(0.0)
    assert gini(np.eye(50)[7]) == pytest.approx(49 / 50)
    assert gini(np.zeros(6)) == 0.0


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: kendall_w(np.zeros(4)), r"got shape \(4,\)"),
        (lambda: kendall_w(np.zeros((0, 4))), r"got shape \(0, 4\)"),
        (lambda: pairwise_rank_agreement(np.array([[1.0, np.nan]])), "finite.*got 1 values"),
        (lambda: gini(np.array([1.0, np.inf])), "finite"),
        (lambda: top_overlap(np.ones(3), np.ones(4), np.ones(3)), r"\(3,\), \(4,\), \(3,\)"),
        (lambda: top_overlap(np.ones(3), np.ones(3), np.zeros(3)), "areas must be positive"),
        (lambda: top_overlap(np.ones(3), np.full(3, np.nan), np.ones(3)), "finite"),
        (lambda: top_overlap(np.ones(3), np.ones(3), np.ones(3), share=0.0), "share must lie"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, complaint):
    with pytest.raises(InputError, match=complaint):
        call()
