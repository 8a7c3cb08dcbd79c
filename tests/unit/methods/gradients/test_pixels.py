"""What a gradient method is called with agrees with the game of the same picture."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.scores import ClassScores
from seewhy.image.fill import BlurFill
from seewhy.image.segmentation import Segmentation
from seewhy.methods.gradients.pixels import PixelView, completeness_gap
from seewhy.models.callable_model import CallableModel
from seewhy.models.masking_game import game_of, masked_picture


def logits(images):
    return 5 * np.stack(
        [
            images[:, :4].mean(axis=(1, 2, 3)),
            images.std(axis=(1, 2, 3)),
            images[..., 0].max(axis=(1, 2)),
        ],
        axis=1,
    )


def picture_of(model, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.repeat(np.arange(4).reshape(2, 2), 4, axis=0), 4, axis=1)
    outside = np.zeros((8, 8), bool)
    outside[:, 7] = True
    image = rng.random((8, 8, 3), dtype=np.float32)
    return masked_picture(model, image, Segmentation(labels, outside=outside), fill=BlurFill(0.2))


@pytest.mark.parametrize(
    "asked",
    [
        ClassScores("log-odds", (2, 0)),
        ClassScores("probability", (1,)),
        ClassScores("log-probability", (1, 2), 0),
    ],
)
def test_scores_are_the_games(asked):
    model = CallableModel(logits, labels=list("abc"), output="logits", input_size=(8, 8, 3))
    picture = picture_of(model)
    view = PixelView(model, picture, asked)
    game = game_of(model, picture).view(asked.score, target=asked.targets, against=asked.against)
    found = view.scores(np.stack([view.pixels, view.reference]))
    np.testing.assert_array_equal(found, game(np.array([[True] * 4, [False] * 4])))


def test_maps_are_summed_over_superpixels_and_nothing_else():
    model = CallableModel(logits, labels=list("abc"), output="logits", input_size=(8, 8, 3))
    view = PixelView(model, picture_of(model), ClassScores("log-odds", (0, 1)))
    maps = np.stack([np.ones((8, 8)), np.arange(64.0).reshape(8, 8)]).astype(np.float32)
    pooled = view.pool(maps)
    assert pooled.shape == (4, 2)
    assert pooled[:, 0].tolist() == [16, 12, 16, 12]
    assert pooled[:, 1].sum() == maps[1, :, :7].sum()


def test_the_gap_is_relative_to_the_difference_but_not_to_nothing():
    values = np.array([[1.0, 0.5, 0.0, 2.0], [1.0, 0.5, 0.0, 1.0]])
    whole, base = np.array([2.0, 3.0, 0.0, 1000.0]), np.array([0.0, 1.0, 0.0, 1000.0])
    assert completeness_gap(values, whole, base).tolist() == [0.0, 0.5, 0.0, 3.0]
