"""Our LIME against the ``lime`` package itself, on pictures with one pixel per superpixel."""

from __future__ import annotations

import numpy as np
import pytest
from lime.lime_image import LimeImageExplainer
from sklearn.metrics import pairwise_distances

from seewhy.game.design import Law, ends, from_masks
from seewhy.game.toys import random_game
from seewhy.methods.lime import Lime


class OnePixelPerPlayer:
    """A toy game as a classifier of (1, d) pictures: white where kept, black where hidden."""

    def __init__(self, game):
        self.game = game
        self.image = np.ones((1, game.n_players, 3))
        self.segments = np.arange(game.n_players)[None]

    def __call__(self, images):
        return self.game(np.asarray(images)[:, 0, :, 0] > 0.5)


def dense_game(n_players, seed):
    rng = np.random.default_rng([n_players, seed])
    return random_game(n_players, rng, interactions=300, largest=3, strength=0.5)


def explained_by_lime(game, n_masks, seed):
    """Coefficients of ``LimeImageExplainer.explain_instance``, which asks ``n_masks`` pictures."""
    classifier = OnePixelPerPlayer(game)
    explanation = LimeImageExplainer(random_state=seed).explain_instance(
        classifier.image,
        classifier,
        labels=(0,),
        top_labels=None,
        hide_color=0,
        num_samples=n_masks,
        segmentation_fn=lambda image: classifier.segments,
    )
    values = np.zeros(game.n_players)
    for player, weight in explanation.local_exp[0]:
        values[player] = weight
    return values, explanation.intercept[0]


def neighbourhood_of_lime(game, n_masks, seed):
    classifier = OnePixelPerPlayer(game)
    explainer = LimeImageExplainer(random_state=seed)
    data, labels = explainer.data_labels(
        classifier.image, np.zeros_like(classifier.image), classifier.segments, classifier, n_masks
    )
    return explainer, data, labels


def relative_error(values, truth):
    return ((values - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()


@pytest.mark.parametrize(("n_players", "n_masks"), [(6, 60), (30, 100), (40, 20)])
def test_the_papers_design_is_limes_own_fit_of_the_same_masks(n_players, n_masks):
    game = dense_game(n_players, 0)
    explainer, data, labels = neighbourhood_of_lime(game, n_masks, seed=3)
    distances = pairwise_distances(data, data[:1], metric="cosine").ravel()
    intercept, weights, *_ = explainer.base.explain_instance_with_data(
        data, labels, distances, 0, num_features=n_players, feature_selection="none"
    )
    theirs = np.zeros(n_players)
    for player, weight in weights:
        theirs[player] = weight
    assert data[0].all()  # lime begins with the whole picture, and so do we
    design = ends(n_players) | from_masks(data[1:].astype(bool), Law.BERNOULLI)
    ours = Lime(design="random").estimate(design, game(design.masks))
    np.testing.assert_allclose(ours.values[:, 0], theirs, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.base_value[0], intercept, rtol=1e-8, atol=1e-8)


def test_the_papers_design_of_our_own_errs_as_much_as_limes():
    ratios = []
    for seed in range(40):
        game = dense_game(30, seed)
        truth = game.main_effects()
        found = Lime(design="random", budget=199)(game.game(), np.random.default_rng(seed))
        ours = relative_error(found.values[:, 0], truth)
        ratios.append(ours / relative_error(explained_by_lime(game, 200, seed)[0], truth))
    assert abs(np.mean(np.log(ratios))) < 0.25


@pytest.mark.parametrize(("n_players", "budget"), [(20, 64), (40, 128), (50, 256)])
def test_the_default_has_less_than_a_third_of_limes_squared_error_at_equal_calls(n_players, budget):
    ratios = []
    for seed in range(15):
        game = dense_game(n_players, seed)
        found = Lime(budget=budget)(game.game(), np.random.default_rng(seed))
        theirs, _ = explained_by_lime(game, found.evaluations, seed)
        ours = relative_error(found.values[:, 0], game.main_effects())
        ratios.append(ours / relative_error(theirs, game.main_effects()))
    assert np.median(ratios) < 1 / 3
