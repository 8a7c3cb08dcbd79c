"""Faithfulness of rankings in games whose curves follow by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.game.toys import linear_game, random_game, threshold_game
from seewhy.metrics.faithfulness import deletion, flip_area, insertion, ranked

WEIGHTS = np.array([4.0, 3.0, 2.0, 1.0])
shares_a_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def drawn(bench_for, seed, d=8):
    return bench_for(random_game(d, np.random.default_rng(seed)), d, seed=seed)


def test_srg_by_hand(bench_for):
    found = ranked(bench_for(linear_game(WEIGHTS), 4), WEIGHTS)
    # Σ w (i + ½) / d over Σ w: (2 + 4.5 + 5 + 3.5) / 40 and (.5 + 3 + 7.5 + 14) / 40
    assert found.first.area == pytest.approx(0.375)
    assert found.last.area == pytest.approx(0.625)
    assert found.gap == pytest.approx(0.25)
    assert found.first.scores[[0, -1]].tolist() == [1, 0]
    assert found.last.scores[[0, -1]].tolist() == [1, 0]


def test_srg_by_hand_with_unequal_areas(bench_for):
    """All in one superpixel of a tenth: that is the whole difference, but for half its width."""
    bench = bench_for(linear_game([5.0, 0.0]), 2, areas=np.array([0.1, 0.9]))
    found = ranked(bench, np.array([1.0, 0.0]))
    assert found.first.area == pytest.approx(0.05)
    assert found.last.area == pytest.approx(0.95)
    assert ranked(bench, np.array([0.0, 1.0])).gap == pytest.approx(-0.9)


def test_one_of_d_that_does_it_all_has_a_gap_of_nearly_one(bench_for):
    weights = np.append(2.0, np.zeros(19))
    values = weights - np.arange(20) / 1e3
    assert ranked(bench_for(linear_game(weights), 20), values).gap == pytest.approx(1 - 1 / 20)


@shares_a_fixture
@given(seed=st.integers(0, 10**6), level=st.floats(-3, 3), scale=st.floats(0.1, 10))
def test_scale_and_level_of_the_score_do_not_matter(bench_for, seed, level, scale):
    d = 6
    draw = np.random.default_rng(seed)
    weights = draw.random(d) + 0.1
    values = draw.permutation(d).astype(float)
    plain = ranked(bench_for(linear_game(weights), d), values).gap
    moved = bench_for(lambda masks: scale * (masks @ weights)[:, None] + level, d)
    # games remember in float32
    found = ranked(moved, values)
    if found is not None:
        assert found.gap == pytest.approx(plain, abs=1e-4)
        for walk in (found.first, found.last):
            assert walk.scores[[0, -1]].tolist() == pytest.approx([1, 0], abs=1e-12)


@shares_a_fixture
@given(seed=st.integers(0, 10**6))
def test_the_other_way_round_the_gap_changes_its_sign(bench_for, seed):
    bench = drawn(bench_for, seed)
    values = np.random.default_rng(seed).permutation(8).astype(float)
    found, reverse = ranked(bench, values), ranked(bench, -values)
    assert (found is None) == (reverse is None)
    if found is not None:
        assert reverse.gap == -found.gap
        again = ranked(bench, np.exp(values) - 100)  # only the order counts
        assert again.gap == found.gap


def test_only_the_asked_fill_is_walked(bench_for):
    bench = bench_for(linear_game([1.0, 0.0]), 2, other=linear_game([0.0, 1.0]))
    values = np.array([1.0, 0.0])
    assert ranked(bench, values).gap == pytest.approx(0.5)
    assert ranked(bench, values, other=True).gap == pytest.approx(-0.5)


@pytest.mark.parametrize(
    "value",
    [
        lambda masks: np.full((len(masks), 1), 0.3),
        lambda masks: -masks.sum(axis=1, keepdims=True).astype(float),
        lambda masks: 100.0 + 0.05 * masks.all(axis=1, keepdims=True),  # half a thousandth
    ],
    ids=["nothing changes", "hiding helps", "hardly anything changes"],
)
def test_what_hiding_does_not_lower_cannot_be_normalised(bench_for, value):
    assert ranked(bench_for(value, 3), np.array([1.0, 2.0, 3.0])) is None


def test_a_small_change_of_a_small_score_is_a_change(bench_for):
    bench = bench_for(lambda m: 1e-6 * (1 + m @ WEIGHTS)[:, None], 4)
    assert ranked(bench, WEIGHTS).gap == pytest.approx(0.25, abs=1e-4)


def test_equal_values_are_averaged_over_orders(bench_for):
    bench = bench_for(linear_game([1.0, 0.0]), 2, orders=400)
    assert abs(ranked(bench, np.zeros(2)).gap) < 4 * 0.5 * np.sqrt(2 / 400)
    half = bench_for(linear_game([3.0, 2.0, 0.0, 0.0]), 4, orders=200)
    # the last two add nothing, in whichever order
    assert ranked(half, np.array([2.0, 1.0, 0.0, 0.0])).gap == pytest.approx(
        ranked(half, np.array([2.0, 1.0, 0.0, -1.0])).gap
    )


@shares_a_fixture
@given(seed=st.integers(0, 10**6))
def test_what_ranks_nothing_has_no_gap_at_all(bench_for, seed):
    """Orders of equal values are drawn with their reverse, and the same from both ends."""
    found = ranked(drawn(bench_for, seed), np.full(8, 3.0))
    if found is not None:
        assert found.gap == pytest.approx(0.0, abs=1e-9)


def test_deletion_and_insertion_are_rises_sums(bench_for):
    """Step by step as in RISE, on games of their own."""
    d = 7
    removing, adding = (random_game(d, np.random.default_rng(seed)) for seed in (1, 2))
    bench = bench_for(linear_game(np.ones(d)), d, removing=removing, adding=adding)
    values = np.random.default_rng(3).standard_normal(d)
    order = np.argsort(-values)
    left, shown = np.ones(d, bool), np.zeros(d, bool)
    deleted = [removing(left[None])[0, 0]]
    inserted = [adding(shown[None])[0, 0]]
    for player in order:
        left[player], shown[player] = False, True
        deleted.append(removing(left[None])[0, 0])
        inserted.append(adding(shown[None])[0, 0])

    def auc(scores):  # RISE, evaluation.py
        scores = np.array(scores)
        return (scores.sum() - scores[0] / 2 - scores[-1] / 2) / (len(scores) - 1)

    assert deletion(bench, values).area == pytest.approx(auc(deleted), abs=1e-6)
    assert insertion(bench, values).area == pytest.approx(auc(inserted), abs=1e-6)
    # the curve of insertion is told by what is hidden: it begins with everything shown
    assert insertion(bench, values).scores[0] == pytest.approx(inserted[-1], abs=1e-6)


def test_steps_are_the_protocols(bench_for):
    bench = bench_for(linear_game(np.ones(40)), 40, steps=8)
    ranked(bench, np.arange(40.0))
    assert bench.evaluations == 2 + 7 + 7


def test_flip_area_by_hand(bench_for):
    areas = np.array([0.1, 0.2, 0.3, 0.4])
    bench = bench_for(threshold_game([1, 1, 1, 0], 1.5), 4, areas=areas)
    assert flip_area(bench, np.array([4.0, 3, 2, 1])) == pytest.approx(0.3)
    assert flip_area(bench, np.array([1.0, 2, 3, 4])) == pytest.approx(0.4 + 0.3 + 0.2)


def test_flip_area_averages_orders_of_equal_values(bench_for):
    bench = bench_for(threshold_game([1, 0, 0, 0], 0.5), 4, orders=800)
    # the one that counts comes first to fourth
    found = flip_area(bench, np.zeros(4))
    assert abs(found - 0.625) < 4 * np.std([0.25, 0.5, 0.75, 1]) / np.sqrt(800)


def test_where_hiding_all_changes_nothing_all_is_needed(bench_for):
    bench = bench_for(threshold_game([1, 1, 1], -0.5), 3)
    assert flip_area(bench, np.array([3.0, 2, 1])) == 1.0


def test_what_the_model_does_not_say_has_no_area_to_flip(bench_for):
    behind = bench_for(lambda m: np.stack([m[:, 0] - 2.0, m[:, 1] * 1.0], axis=1), 2)
    tied = bench_for(lambda m: np.ones((len(m), 2)), 2)
    alone = bench_for(linear_game([1.0, 1.0]), 2)
    assert [flip_area(b, np.array([1.0, 0])) for b in (behind, tied, alone)] == [None] * 3
