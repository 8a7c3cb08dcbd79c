"""The sanity check: what ignores the network fails it, what listens passes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from skimage import data

import seewhy as sw
from seewhy.errors import InputError
from seewhy.metrics.references import centre_map, edge_map
from seewhy.metrics.sanity import most_similar, passes, similarity_to_shuffled
from seewhy.models.masking_game import view_segments
from seewhy.models.shuffled import shuffle_weights

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("ties", [False, True])
def test_similarity_is_the_larger_of_two_rank_correlations(ties):
    for _ in range(20):
        a, b = RNG.standard_normal((2, 30)) + RNG.standard_normal(30)
        if ties:
            a, b = a.round(), b.round()
        expected = max(
            abs(spearmanr(a, b).statistic), abs(spearmanr(np.abs(a), np.abs(b)).statistic)
        )
        assert similarity_to_shuffled(a, b) == pytest.approx(expected)


def test_neither_signs_nor_scales_count():
    values = RNG.standard_normal(20)
    signs = RNG.choice([-1.0, 1.0], 20)
    for other in (values, -values, 1e-3 * values, signs * values):
        assert similarity_to_shuffled(values, other) == pytest.approx(1.0)


def test_constant_maps():
    flat = np.ones(10)
    assert similarity_to_shuffled(flat, 2 * flat) == 1.0
    assert similarity_to_shuffled(flat, RNG.standard_normal(10)) == 0.0


@pytest.mark.parametrize("n_players", [3, 5, 10, 20, 60, 200])
def test_chance_seldom_fails_and_identity_always_does(n_players):
    limit = most_similar(n_players)
    assert 0.5 <= limit < 1
    assert not passes(1.0, n_players)
    draws = RNG.standard_normal((400, 2, n_players))
    failed = [not passes(similarity_to_shuffled(a, b), n_players) for a, b in draws]
    if n_players > 5:
        assert np.mean(failed) < 0.02


def test_nothing_can_be_told_of_two_superpixels():
    assert passes(1.0, 2)


def test_more_superpixels_tell_more():
    limits = [most_similar(d) for d in range(2, 100)]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == 0.5


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (np.ones(3), np.ones(4), r"one shape \(d,\).*\(3,\) and \(4,\)"),
        (np.ones((3, 1)), np.ones((3, 1)), r"one shape \(d,\)"),
        (np.ones(1), np.ones(1), "d at least 2"),
        (np.array([1.0, np.nan]), np.ones(2), "must be finite"),
    ],
)
def test_refusals(one, other, message):
    with pytest.raises(InputError, match=message):
        similarity_to_shuffled(one, other)


def test_methods_listen_to_a_real_network_and_maps_of_the_picture_do_not():
    model = sw.load_model("builtin:imagenet")
    shuffled = shuffle_weights(model, np.random.default_rng(0))
    photo = (data.coffee() / 255).astype(np.float32)
    segments = view_segments(model, photo, sw.Slic(40))
    games = [sw.masking_game(each, photo, segments) for each in (model, shuffled)]
    whole = np.ones((1, segments.count), bool)
    views = [game.view("log-odds", target=int(games[0](whole)[0].argmax())) for game in games]
    for method in (sw.Occlusion(), sw.Lime(budget=128)):
        maps = [method(view, np.random.default_rng(0)).values[:, 0] for view in views]
        assert passes(similarity_to_shuffled(*maps), segments.count), method.name
    grain = np.random.default_rng(0).normal(0, 0.03, photo.shape).astype(np.float32)
    edges = [edge_map(each, segments) for each in (photo, photo + grain)]
    assert not passes(similarity_to_shuffled(*edges), segments.count)
    centres = centre_map(segments)
    assert not passes(similarity_to_shuffled(centres, centres), segments.count)
