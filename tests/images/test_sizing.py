from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as pillow

from seewhy.errors import InputError
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show.sizing import crop_to_view, for_display


def noise(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).random((height, width, channels)).astype(np.float32)


def cells(height, width, down, across):
    rows, columns = np.arange(height) * down // height, np.arange(width) * across // width
    return Segmentation(rows[:, None] * across + columns)


def test_tiny_pictures_are_enlarged_pixel_by_pixel():
    image, cut = noise(28, 28, 1), cells(28, 28, 4, 4)
    pixels, shown = for_display(image, cut)
    assert pixels.shape == (224, 224, 3)
    np.testing.assert_array_equal(pixels[::8, ::8, 0], np.rint(image[:, :, 0] * 255.0))
    np.testing.assert_array_equal(pixels[7::8, 7::8], pixels[::8, ::8])
    np.testing.assert_array_equal(shown.labels, cut.labels.repeat(8, 0).repeat(8, 1))


def test_small_photos_are_doubled_and_stairs_cut_at_their_corners():
    labels = np.zeros((150, 225), int)
    labels[np.add.outer(np.arange(150), np.arange(225)) > 200] = 1
    cut = Segmentation(labels)
    pixels, shown = for_display(noise(150, 225), cut)
    assert pixels.shape == (300, 450, 3)
    assert shown.shape == (300, 450)
    # along a diagonal, doubling makes steps of two pixels; EPX makes steps of one of them
    ends = (shown.labels == 0).sum(axis=1)[2:-2]
    steps = np.diff(ends[(ends > 4) & (ends < 446)])
    assert set(np.unique(steps)) == {-1}
    # a straight border stays where it is
    _, straight = for_display(noise(150, 225), cells(150, 225, 3, 5))
    np.testing.assert_array_equal(
        straight.labels, cells(150, 225, 3, 5).labels.repeat(2, 0).repeat(2, 1)
    )


def test_doubling_loses_no_superpixel():
    labels = np.random.default_rng(1).permutation(130 * 130).reshape(130, 130)
    _, shown = for_display(noise(130, 130), Segmentation(labels))
    assert shown.count == 130 * 130


def test_usual_sizes_are_left_alone():
    image, cut = noise(450, 900), cells(450, 900, 2, 2)
    pixels, shown = for_display(image, cut)
    assert shown is cut
    np.testing.assert_array_equal(pixels, np.rint(image.astype(np.float64) * 255))


def test_large_pictures_shrink_to_900_and_keep_every_superpixel_and_its_number():
    labels = cells(1200, 1800, 3, 3).labels.copy()
    labels[701, 901] = 20  # a single pixel that nearest neighbour would skip
    labels[0, 0] = 21
    outside = np.zeros(labels.shape, bool)
    outside[:, 1700:] = True
    cut = Segmentation(labels, outside=outside)
    pixels, shown = for_display(noise(1200, 1800), cut)
    assert pixels.shape == (600, 900, 3)
    assert shown.count == cut.count == 11
    assert shown.labels[350, 450] == 9
    assert shown.labels[0, 0] == 10
    assert (shown.labels[:, 850:] == OUTSIDE).all()
    agree = shown.labels == cut.labels[1::2, 1::2]
    assert agree.mean() > 0.9999
    expected = pillow.fromarray(
        np.rint(noise(1200, 1800).astype(np.float64) * 255).astype(np.uint8)
    ).resize((900, 600), pillow.Resampling.LANCZOS)
    np.testing.assert_array_equal(pixels, np.asarray(expected))


def test_more_superpixels_than_there_is_room_for_stay_at_full_size():
    cut = Segmentation(np.arange(1000 * 2).reshape(1000, 2))
    pixels, shown = for_display(noise(1000, 2), cut)
    assert shown is cut
    assert pixels.shape == (1000, 2, 3)


def test_cropping_keeps_all_superpixels_and_a_margin():
    labels = np.arange(16).reshape(4, 4).repeat(25, 0).repeat(25, 1)
    whole = np.pad(labels, ((0, 0), (50, 150)))
    outside = np.ones(whole.shape, bool)
    outside[:, 50:150] = False
    image = noise(100, 300)
    part, cut, box = crop_to_view(image, Segmentation(whole, outside=outside))
    assert box == (slice(0, 100), slice(50, 150))
    np.testing.assert_array_equal(part, image[:, 44:156])
    assert cut.count == 16
    assert (cut.labels[:, :6] == OUTSIDE).all()
    np.testing.assert_array_equal(cut.labels[:, 6:-6], labels)


def test_sizes_must_agree():
    with pytest.raises(InputError, match="height and width"):
        for_display(noise(4, 4), cells(4, 5, 1, 1))
