from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from scipy.stats import norm

from seewhy.game import bootstrap
from seewhy.game.bootstrap import bca_of_means, expanded_tail


def rng(seed=0):
    return np.random.default_rng(seed)


DRAWS = {
    "normal": (lambda g, shape: g.standard_normal(shape), 0.0),
    "exponential": (lambda g, shape: g.exponential(size=shape), 1.0),
    "yes or no": (lambda g, shape: (g.random(shape) < 0.3).astype(float), 0.3),
}


@pytest.mark.parametrize(
    ("values", "level"),
    [
        (np.exp(1.3 * rng(2).standard_normal(30)), 0.95),
        (rng(3).standard_normal(8), 0.95),
        (-np.exp(rng(4).standard_normal(50)), 0.8),
        (np.array([1.0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0]), 0.9),
    ],
    ids=["skewed", "few", "skewed down", "yes or no"],
)
def test_intervals_are_scipys(monkeypatch, values, level):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 60_000)
    (found,) = bca_of_means(values[:, None], rng(1), level=level)
    confidence = 1 - 2 * expanded_tail(len(values), level)
    peer, percentile = (
        scipy.stats.bootstrap(
            (values,),
            np.mean,
            method=method,
            n_resamples=60_000,
            confidence_level=confidence,
            random_state=rng(2),
        ).confidence_interval
        for method in ("BCa", "percentile")
    )
    width = peer.high - peer.low
    slack = 0.03 * width if np.unique(values).size > 2 else 1 / len(values) + 1e-9
    assert found == pytest.approx([peer.low, peer.high], abs=slack)
    if abs(scipy.stats.skew(values)) > 2:
        assert np.abs(found - [percentile.low, percentile.high]).max() > 0.08 * width


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("n", [8, 20, 60])
def test_intervals_cover_the_true_mean(monkeypatch, name, n):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 999)
    draw, truth = DRAWS[name]
    ends = np.concatenate(
        [bca_of_means(draw(rng(seed), (n, 1)), rng(10**6 + seed)) for seed in range(500)]
    )
    below, above = np.mean(ends[:, 1] < truth), np.mean(ends[:, 0] > truth)
    assert 0.895 < 1 - below - above < 0.985
    assert max(below, above) < 0.085


def test_tails_are_hesterbergs():
    # Student's t of n − 1 from a table, times √(n / (n − 1)), in the normal distribution.
    for n, t in ((5, 2.776), (10, 2.262), (30, 2.045)):
        assert expanded_tail(n, 0.95) == pytest.approx(norm.sf(t * np.sqrt(n / (n - 1))), rel=0.002)
    assert expanded_tail(10**6, 0.9) == pytest.approx(0.05, rel=1e-4)


def test_columns_do_not_change_each_others_intervals():
    table = rng().random((25, 4)) * [1, 1000, 0.001, 1]
    together = bca_of_means(table, rng(1))
    for column in range(4):
        alone = bca_of_means(table[:, [column]], rng(1))
        assert together[column] == pytest.approx(alone[0], rel=1e-9)


def test_resamples_of_the_very_same_mean_lean_to_neither_side(monkeypatch):
    # Of ten coins on ±1, a quarter of the resamples have mean 0 again; a skewed bias would move
    # the ends by whole steps of .2.
    monkeypatch.setattr(bootstrap, "RESAMPLES", 60_000)
    values = np.repeat([-1.0, 1.0], 5)[:, None]
    low, high = bca_of_means(values, rng(1), level=0.8)[0]
    assert low == pytest.approx(-high, abs=1e-9)
    assert bca_of_means(values + 0.1, rng(1), level=0.8)[0] == pytest.approx(
        [low + 0.1, high + 0.1]
    )


def test_shifting_and_scaling_the_values_does_the_same_to_the_interval():
    table = rng().exponential(size=(15, 1))
    low, high = bca_of_means(table, rng(1))[0]
    assert bca_of_means(3 * table + 7, rng(1))[0] == pytest.approx([3 * low + 7, 3 * high + 7])
    assert bca_of_means(-table, rng(1))[0] == pytest.approx([-high, -low], rel=0.02)


def test_equal_values_leave_nothing_open():
    table = np.stack([np.full(9, 0.1), 0.1 + 1e-17 * np.arange(9), np.zeros(9), np.eye(9)[0]], 1)
    ends = bca_of_means(table, rng())
    assert ends[:3] == pytest.approx(np.array([[0.1, 0.1], [0.1, 0.1], [0, 0]]))
    assert (ends[:3, 0] == ends[:3, 1]).all()
    assert 0 <= ends[3, 0] < 1 / 9 < ends[3, 1] <= 1


def test_resamples_in_parts_are_the_same(monkeypatch):
    table = rng().random((40, 3))
    whole = bca_of_means(table, rng(1))
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 1000)
    assert bca_of_means(table, rng(1)) == pytest.approx(whole, rel=1e-12)


def test_many_values_take_fewer_resamples_and_the_same_interval():
    table = rng().standard_normal((20_000, 1))
    (low, high) = bca_of_means(table, rng(1))[0]
    reach = norm.ppf(0.975) * table.std() / np.sqrt(len(table))
    assert high - low == pytest.approx(2 * reach, rel=0.15)


@pytest.mark.parametrize("level", [0.5, 0.9999])
def test_any_level_stays_among_the_values_and_holds_the_mean(level):
    for seed in range(40):
        table = rng(seed).exponential(size=(5, 1)) ** 3
        low, high = bca_of_means(table, rng(seed), level=level)[0]
        slack = 1e-12 * table.max()
        assert table.min() - slack <= low < high <= table.max() + slack
        if level > 0.9:
            assert low < table.mean() < high
