"""Drawing marks and reading them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from seewhy.metrics import planting
from seewhy.metrics.planted_rule import additive, all_of


def test_cells_fill_the_square_in_irregular_pieces():
    labels = planting.cells(96, 30, np.random.default_rng(0))
    areas = np.bincount(labels.ravel())
    assert len(areas) == 30
    assert areas.min() > 96 * 96 / 30 / 4
    assert areas.max() > 1.5 * areas.min()
    largest = [np.bincount(label(labels == cell)[0].ravel())[1:].max() for cell in range(30)]
    assert np.sum(largest) > 0.98 * labels.size  # waves may cut off a few pixels


@pytest.mark.parametrize("count", [1, 2, 7, 40, 200])
def test_as_many_cells_as_asked_for(count):
    assert len(np.unique(planting.cells(128, count, np.random.default_rng(1)))) == count


def test_texture_is_smooth_noise():
    rng = np.random.default_rng(0)
    smooth, rough = (planting.texture(64, rng, steepness=s) for s in (1.3, 0.5))
    steps = [np.abs(np.diff(t, axis=1)).mean() / t.std() for t in (smooth, rough)]
    assert steps[0] < 0.7 * steps[1]
    assert smooth.std(axis=(0, 1)).min() > 0.05
    assert smooth.min() >= 0
    assert smooth.max() <= 1


def test_no_background_has_a_channel_full_on_or_off():
    ends = np.array([[[0.0, 0.5, 1.0]]], np.float32)
    assert planting.quietened(ends).tolist() == [[[26, 128, 229]]]


def test_every_mark_has_colours_of_its_own():
    pairs = planting.colours(12)
    flat = pairs.reshape(-1, 3)
    assert len(np.unique(flat, axis=0)) == 24
    assert (flat.max(axis=1) == 255).all()
    assert (flat.min(axis=1) == 0).all()


def test_marks_are_seen_where_more_than_half_of_them_is_shown():
    rule = additive(3.0, -1.0)
    palette = planting.colours(2)
    canvas = np.full((40, 40, 3), 128, np.uint8)
    marks = planting.stamp(canvas, [(10, 10), (28, 22)], planting.shapes(rule, 4), palette)
    sizes = np.bincount(marks[marks >= 0])
    read = planting.reader(rule, palette, sizes)

    def seen(*shown):
        picture = np.full((40, 40, 3), 0.5, np.float32)
        for mark, share in enumerate(shown):
            pixels = np.argwhere(marks == mark)
            for row, column in pixels[: round(share * len(pixels))]:
                picture[row, column] = canvas[row, column] / np.float32(255)
        return picture

    shown = [(1, 1), (0.6, 0), (0.4, 1), (0, 0.6), (0.45, 0.45)]
    expected = [(1, 1), (1, 0), (0, 1), (0, 1), (0, 0)]
    answers = read(np.stack([seen(*shares) for shares in shown]))
    np.testing.assert_array_equal(answers, rule.logits(np.array(expected, bool)))


def test_places_lie_inside_and_apart():
    rng = np.random.default_rng(3)
    rule = all_of(3, distractors=2, off_object=1)
    labels = planting.cells(128, 40, rng)
    _, inside = planting.scene(128, rng)
    centres = planting.places(labels, inside, rule, 4, rng)
    owners = [labels[centre] for centre in centres]
    assert len(set(owners)) == 5
    assert [bool(inside[centre]) for centre in centres] == [False, True, True, False, False]
    for row, column in centres:
        around = labels[row - 4 : row + 5, column - 4 : column + 5]
        near = np.add.outer(np.arange(-4, 5) ** 2, np.arange(-4, 5) ** 2) <= 16
        assert len(np.unique(around[near])) == 1


def test_no_room():
    rng = np.random.default_rng(0)
    _, inside = planting.scene(64, rng)
    assert planting.places(np.zeros((64, 64), np.int32), inside, all_of(2), 3, rng) is None
