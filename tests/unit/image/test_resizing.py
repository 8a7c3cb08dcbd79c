"""Stretching a picture."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from seewhy.image.read import read_image
from seewhy.image.resizing import resize


def test_the_same_size_is_the_same_picture() -> None:
    image = read_image(data.coffee())
    np.testing.assert_array_equal(resize(image, 400, 600), image)


def test_shrinking_averages() -> None:
    stripes = np.tile(np.array([0, 1], np.float32), 32).reshape(1, 64, 1).repeat(64, axis=0)
    np.testing.assert_allclose(resize(stripes, 8, 8)[:, 1:-1], 0.5, atol=0.05)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_channels_are_resized_alike_and_stay_in_range(channels: int) -> None:
    image = np.repeat(read_image(data.camera())[:60, :70], channels, axis=2)
    resized = resize(image, 91, 33)
    assert (resized.shape, resized.dtype) == ((91, 33, channels), np.float32)
    np.testing.assert_array_equal(resized, resized[:, :, :1].repeat(channels, axis=2))
    assert image.min() <= resized.min()
    assert resized.max() <= image.max()
