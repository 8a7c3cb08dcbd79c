"""R² and correlation on fresh masks: exact where the answer is known, intervals that cover it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.game.design import all_masks
from seewhy.game.game import Game
from seewhy.game.toys import ToyGame, linear_game, random_game
from seewhy.metrics.additivity import SLOPES, correlation_on_fresh, r_squared_on_fresh
from seewhy.metrics.bench import Bench
from seewhy.metrics.protocol import Protocol

WEIGHTS = np.array([3.0, -2.0, 0.5, 0.0, 1.0, -0.25])
shares_a_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_the_true_values_of_an_additive_game_explain_it_all(bench_for):
    bench = bench_for(linear_game(WEIGHTS), 6)
    for reading in ("hiding", "share"):
        found = r_squared_on_fresh(bench, WEIGHTS, reading)
        assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1), abs=1e-9)
    assert correlation_on_fresh(bench, WEIGHTS).value == pytest.approx(1, abs=1e-12)


def test_what_showing_adds_is_half_of_what_hiding_takes(bench_for):
    """E[v | kept] − E[v] = (E[v | kept] − E[v | hidden]) / 2, for every superpixel."""
    game = random_game(6, np.random.default_rng(0))
    masks = all_masks(6).masks
    values = game(masks)[:, 0]
    showing = np.array([values[masks[:, j]].mean() - values.mean() for j in range(6)])
    np.testing.assert_allclose(SLOPES["showing"] * showing, game.main_effects(), atol=1e-12)
    bench = bench_for(game, 6)
    one = r_squared_on_fresh(bench, showing, "showing")
    other = r_squared_on_fresh(bench, game.main_effects(), "hiding")
    assert one.value == pytest.approx(other.value, abs=1e-9)
    assert r_squared_on_fresh(bench, showing, "hiding").value < one.value


def test_the_slope_is_taken_at_its_word_and_the_level_is_not(bench_for):
    bench = bench_for(lambda masks: 7.0 + (masks @ WEIGHTS)[:, None], 6)
    for scale in (0.0, 0.5, 2.0, 3.0, -1.0):
        found = r_squared_on_fresh(bench, scale * WEIGHTS, "hiding")
        assert found.value == pytest.approx(1 - (1 - scale) ** 2, abs=1e-6)


def test_r_squared_by_hand(bench_for):
    game = random_game(6, np.random.default_rng(1))
    bench = bench_for(game, 6, fresh_pairs=16)
    masks, scores = bench.fresh
    assert masks.shape == (32, 6)
    assert (masks[::2] == ~masks[1::2]).all()
    np.testing.assert_allclose(scores, game(masks)[:, 0], atol=1e-6)
    residuals = scores - masks @ WEIGHTS
    by_hand = 1 - residuals.var() / scores.var()
    assert r_squared_on_fresh(bench, WEIGHTS, "share").value == pytest.approx(by_hand, abs=1e-12)
    by_hand = np.corrcoef(masks @ WEIGHTS, scores)[0, 1]
    assert correlation_on_fresh(bench, WEIGHTS).value == pytest.approx(by_hand, abs=1e-12)


def test_weights_claim_no_sum(bench_for):
    assert r_squared_on_fresh(bench_for(linear_game(WEIGHTS), 6), WEIGHTS, "weight") is None


@pytest.mark.parametrize("pairs", [16, 50, 64])
@pytest.mark.parametrize("level", [0.0, 0.1, -7.3])
def test_where_the_score_never_changes_only_nothing_is_right(bench_for, level, pairs):
    bench = bench_for(lambda masks: np.full((len(masks), 1), level), 6, fresh_pairs=pairs)
    assert r_squared_on_fresh(bench, np.zeros(6), "hiding").value == 1.0
    assert r_squared_on_fresh(bench, WEIGHTS, "hiding").value == 0.0
    found = correlation_on_fresh(bench, WEIGHTS)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_map_of_zeros_correlates_with_nothing(bench_for):
    found = correlation_on_fresh(bench_for(linear_game(WEIGHTS), 6), np.zeros(6))
    assert (found.value, found.low, found.high) == (0, 0, 0)


@shares_a_fixture
@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3))
def test_correlation_knows_no_scale_but_a_sign(bench_for, seed, scale):
    draw = np.random.default_rng(seed)
    bench = bench_for(random_game(6, draw), 6, seed=seed)
    values = draw.standard_normal(6)
    plain, scaled, turned = (
        correlation_on_fresh(bench, factor * values) for factor in (1, scale, -1)
    )
    assert scaled.value == pytest.approx(plain.value, abs=1e-9)
    assert scaled.low == pytest.approx(plain.low, abs=1e-6)
    assert turned.value == pytest.approx(-plain.value, abs=1e-9)
    assert turned.low == pytest.approx(-plain.high, abs=1e-6)
    assert -1 <= plain.low <= plain.value <= plain.high <= 1


@shares_a_fixture
@given(seed=st.integers(0, 1000))
def test_r_squared_is_at_most_the_squared_correlation(bench_for, seed):
    """Which is what the best slope would reach."""
    draw = np.random.default_rng(seed)
    bench = bench_for(random_game(6, draw), 6, seed=seed)
    values = draw.standard_normal(6)
    found = r_squared_on_fresh(bench, values, "hiding").value
    assert found <= correlation_on_fresh(bench, values).value ** 2 + 1e-9


def covered(bench_for, measure, true, game, d, seeds=200):
    hits, widths = 0, []
    for seed in range(seeds):
        found = measure(bench_for(game, d, seed=seed, fresh_pairs=64))
        hits += found.low <= true <= found.high
        widths.append(found.high - found.low)
    return hits / seeds, np.median(widths)


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_intervals_cover_what_all_masks_say(bench_for, kind):
    """Of the 95 % that they claim, a jackknife over 64 pairs may lose a few."""
    d = 10
    game = random_game(d, np.random.default_rng(kind), strength=[0.1, 0.3, 1.0][kind])
    values = game.main_effects() + 0.2 * np.random.default_rng([kind, 1]).standard_normal(d)
    masks = all_masks(d).masks
    scores = game(masks)[:, 0]
    true = 1 - (scores - masks @ values).var() / scores.var()
    share, width = covered(
        bench_for, lambda b: r_squared_on_fresh(b, values, "hiding"), true, game, d
    )
    assert 0.88 <= share <= 0.995
    assert 0 < width < 1
    true = np.corrcoef(masks @ values, scores)[0, 1]
    share, width = covered(bench_for, lambda b: correlation_on_fresh(b, values), true, game, d)
    assert 0.88 <= share <= 0.995
    assert 0 < width < 0.5


def test_a_pure_interaction_is_half_explained_by_its_main_effects(bench_for):
    """v = z₀z₁ has variance 3/16, its main effects ½ each explain 2/16 of it."""
    game = ToyGame(2, {(0, 1): 1.0})
    bench = bench_for(game, 2, fresh_pairs=4000)
    found = r_squared_on_fresh(bench, np.array([0.5, 0.5]), "hiding")
    assert found.value == pytest.approx(2 / 3, abs=0.02)
    assert found.low < 2 / 3 < found.high
    assert correlation_on_fresh(bench, np.ones(2)).value == pytest.approx(np.sqrt(2 / 3), abs=0.02)


@pytest.mark.parametrize("pairs", [17, 50, 64])
def test_rounding_of_a_constant_probability_is_no_behaviour(pairs):
    """Its mean over 34 or 100 pictures differs from it in the last bit."""
    log = np.log([0.05, 0.95])
    game = Game(lambda masks: np.tile(log, (len(masks), 1)), 6, columns="log-probability")
    view = game.view("probability", target=0)
    bench = Bench(view, view, view, view, Protocol(fresh_pairs=pairs))
    assert r_squared_on_fresh(bench, np.zeros(6), "hiding").value == 1.0
    assert r_squared_on_fresh(bench, WEIGHTS, "hiding").value == 0.0
    found = correlation_on_fresh(bench, WEIGHTS)
    assert (found.value, found.low, found.high) == (0, 0, 0)
