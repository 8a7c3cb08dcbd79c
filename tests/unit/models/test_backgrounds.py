"""The same superpixels before other pictures."""

from __future__ import annotations

import numpy as np
import pytest

import seewhy as sw
from seewhy.errors import InputError
from seewhy.image.read import read_picture
from seewhy.models.backgrounds import backdrops_of, background_games
from seewhy.models.masking_game import game_of, masked_picture

QUARTERS = np.kron(np.arange(4).reshape(2, 2), np.ones((8, 8), int))


@pytest.fixture
def model() -> sw.CallableModel:
    def levels(images: np.ndarray) -> np.ndarray:
        return (
            images.mean(axis=3).reshape(len(images), 8, 2, 8, 2).mean(axis=(2, 4)).reshape(-1, 64)
        )

    return sw.CallableModel(
        levels, labels=[f"c{i}" for i in range(64)], output="raw", input_size=(16, 16)
    )


def behind(model, masked, picture):
    backdrops = backdrops_of(model, [picture])
    (game,) = background_games(game_of(model, masked), model, masked, backdrops).values()
    return game


def test_hidden_superpixels_show_the_other_picture(model):
    rng = np.random.default_rng(0)
    here, there = rng.random((2, 16, 16, 3)).astype(np.float32)
    masked = masked_picture(model, here, QUARTERS)
    (game,) = background_games(
        game_of(model, masked), model, masked, backdrops_of(model, [read_picture(there)])
    ).values()
    mask = np.array([[True, False, False, True]])
    shown = np.where(np.isin(masked.labels, [0, 3])[..., None], here, there)
    np.testing.assert_allclose(game(mask), model(shown[None]), atol=1e-5)


def test_backgrounds_pass_through_the_models_own_preprocessing(model):
    here = np.zeros((16, 16, 3), np.float32)
    there = np.zeros((16, 64, 3), np.float32)
    there[:, 24:40] = 1.0  # all that a centre crop sees
    masked = masked_picture(model, here, QUARTERS)
    (game,) = background_games(
        game_of(model, masked), model, masked, backdrops_of(model, [read_picture(there)])
    ).values()
    expected = model(model.preprocessing.apply(there)[None])
    np.testing.assert_allclose(game(np.zeros((1, 4), bool)), expected, atol=1e-5)


def test_pictures_of_one_name_are_numbered(model):
    picture = read_picture(np.zeros((16, 16, 3), np.float32))
    names = list(backdrops_of(model, [picture, picture, picture]))
    assert names == ["image", "image (2)", "image (3)"]


def test_grey_backgrounds_serve_colour_models(model):
    masked = masked_picture(model, np.ones((16, 16, 3), np.float32), QUARTERS)
    grey = read_picture(np.full((9, 9), 0.25, np.float32))
    (game,) = background_games(
        game_of(model, masked), model, masked, backdrops_of(model, [grey])
    ).values()
    np.testing.assert_allclose(game(np.zeros((1, 4), bool)), 0.25, atol=1e-5)


def test_a_background_that_does_not_fit_is_named():
    bands = sw.CallableModel(
        lambda images: images.mean(axis=(1, 2)),
        labels=["a", "b", "c", "d"],
        output="raw",
        input_size=(16, 16, 4),
    )
    with pytest.raises(InputError, match="backgrounds: image"):
        backdrops_of(bands, [read_picture(np.zeros((16, 16, 3), np.float32))])


def test_neighbours_are_shared_with_the_pictures_own_game(model):
    masked = masked_picture(model, np.ones((16, 16, 3), np.float32), QUARTERS)
    own = game_of(model, masked)
    picture = read_picture(np.zeros((16, 16, 3), np.float32))
    (game,) = background_games(own, model, masked, backdrops_of(model, [picture])).values()
    assert game.affinity is own.affinity
    assert np.array_equal(game.areas, own.areas)
