"""Reference maps: what they are of pictures whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from seewhy.errors import InputError
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Grid
from seewhy.metrics.references import centre_map, constant_map, edge_map, random_map


def grid(rows, columns, side=60):
    return Grid(rows=rows, columns=columns)(np.zeros((side, side, 3), np.float32))


def test_a_random_map_is_the_generators():
    first, again, other = (random_map(2000, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.1
    assert 0.45 < (first > 0).mean() < 0.55


def test_a_constant_map_is_constant():
    assert constant_map(3).tolist() == [1.0, 1.0, 1.0]


def test_the_centre_weighs_most_and_corners_least():
    values = centre_map(grid(5, 5)).reshape(5, 5)
    assert values[2, 2] == 1.0
    assert values.argmax() == 12
    corners = values[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, values.min())
    # cells are a fifth wide: the neighbour's centre is 0.2 away, in widths of 0.25
    np.testing.assert_allclose(values[2, 1], np.exp(-0.5 * (0.2 / 0.25) ** 2))


def test_the_centre_is_that_of_what_the_model_sees():
    outside = np.zeros((60, 100), bool)
    outside[:, 60:] = True
    labels = np.zeros((60, 100), int)
    labels[:, :60] = grid(3, 3).labels
    seen = centre_map(Segmentation(labels, outside=outside))
    np.testing.assert_allclose(seen, centre_map(grid(3, 3)))


def test_the_centre_of_a_wide_picture_is_as_wide():
    wide = Grid(rows=3, columns=3)(np.zeros((60, 180, 3), np.float32))
    np.testing.assert_allclose(centre_map(wide), centre_map(grid(3, 3)))


def test_edges_lie_where_the_picture_changes():
    picture = np.zeros((60, 60, 3), np.float32)
    picture[:, 30:] = 1.0
    values = edge_map(picture, grid(1, 3)).round(4)
    # σ = 1 leaves the sum of slopes across the step at 1, over 20 columns
    np.testing.assert_allclose(values, [0, 1 / 20, 0], atol=2e-3)


def test_edges_are_means_so_area_does_not_count():
    photo = (data.chelsea() / 255).astype(np.float32)
    halves = np.zeros(photo.shape[:2], int)
    halves[:, 200:] = 1
    quarters = halves.copy()
    quarters[150:, 200:] = 2
    two, three = (edge_map(photo, Segmentation(labels)) for labels in (halves, quarters))
    assert two[0] == three[0]
    np.testing.assert_allclose(two[1], three[1:].mean())


def test_edges_of_a_grey_picture():
    photo = (data.camera() / 255).astype(np.float32)[..., None]
    cut = Grid(rows=4, columns=4)(photo)
    np.testing.assert_allclose(edge_map(photo, cut), edge_map(photo.repeat(3, axis=2), cut))


def test_another_size_is_refused():
    with pytest.raises(InputError, match=r"image must have shape \(60, 60\) and channels"):
        edge_map(np.zeros((30, 60, 3), np.float32), grid(2, 2))
