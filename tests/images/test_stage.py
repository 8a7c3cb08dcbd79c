"""Pictures of rules and changes, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.image.segmentation import Segmentation
from seewhy.show import palette, render
from seewhy.show.stage import Stage, checked_players, in_colour, keep_colours, outline_together


def quarters(size=40, **kwargs):
    half = (np.arange(size) >= size // 2).astype(int)
    return Segmentation(2 * half[:, None] + half, **kwargs)


def noise(height=40, width=40, channels=3):
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def far_back(pixels):
    grey = pixels.astype(float) @ [0.299, 0.587, 0.114]
    return np.rint(grey + 0.62 * (255 - grey))


def test_members_keep_their_colours_and_the_rest_is_grey():
    cut, pixels = quarters(), noise()
    shown = keep_colours(pixels, cut, [0, 3])
    inside = cut.selected([0, 3])
    np.testing.assert_array_equal(shown[inside], pixels[inside])
    for channel in range(3):
        np.testing.assert_array_equal(shown[~inside][:, channel], far_back(pixels)[~inside])


def test_no_members_leave_no_black_picture():
    shown = keep_colours(np.zeros((40, 40, 3), np.uint8), quarters(), [])
    assert (shown == np.rint(0.62 * 255)).all()


def test_outside_the_view_steps_back_twice():
    outside = np.zeros((40, 40), bool)
    outside[:, :4] = True
    pixels = noise()
    shown = keep_colours(pixels, quarters(outside=outside), [0])
    grey = pixels.astype(float) @ [0.299, 0.587, 0.114]
    grey += 0.62 * (255 - grey)
    grey += 0.6 * (255 - grey)
    np.testing.assert_array_equal(shown[:, :4, 0], np.rint(grey[:, :4]))


@pytest.mark.parametrize("channels", [1, 2, 4, 16])
def test_any_number_of_channels(channels):
    pixels = noise(channels=channels)
    shown = keep_colours(pixels, quarters(), [1])
    inside = quarters().selected([1])
    np.testing.assert_array_equal(shown[inside], render.to_rgb(pixels)[inside])


def test_one_line_goes_around_all_members():
    cut = quarters()
    white = np.full((40, 40, 3), 100, np.uint8)
    lined = outline_together(white, cut, [0, 1], palette.FOR, width=2)
    line = (lined == palette.rgb(palette.FOR)).all(axis=2)
    expected = np.zeros((40, 40), bool)
    expected[:20] = True
    expected[2:18, 2:38] = False
    np.testing.assert_array_equal(line, expected)
    # between the members: one column, halfway to white
    assert (lined[2:18, 19] == np.rint(100 + 0.5 * 155)).all()
    untouched = np.zeros((40, 40), bool)
    untouched[2:18, 2:38] = True
    untouched[22:] = True
    untouched[:, 19] &= np.arange(40) > 20
    assert (lined[untouched] == 100).all()


def test_a_line_without_hairlines_and_without_members():
    cut = quarters()
    plain = np.full((40, 40, 3), 100, np.uint8)
    lined = outline_together(plain, cut, [0, 1], palette.FOR, width=2, hairlines=False)
    assert (lined[2:18, 2:38] == 100).all()
    np.testing.assert_array_equal(outline_together(plain, cut, [], palette.FOR), plain)
    assert (plain == 100).all()


def test_all_superpixels_can_be_members():
    outside = np.zeros((40, 40), bool)
    outside[:4] = True
    for cut in (quarters(), quarters(outside=outside)):
        lined = outline_together(noise(), cut, [0, 1, 2, 3], palette.AGAINST, width=1)
        orange = (lined == palette.rgb(palette.AGAINST)).all(axis=2)
        inside = cut.selected(range(4))
        np.testing.assert_array_equal(orange, inside & (render.inner_distance(inside) <= 1))


def test_hiding_shows_the_other_picture_exactly_there():
    cut = quarters(450)
    image, blank = noise(450, 450), noise(450, 450)[::-1].copy()
    stage = Stage.of(image, cut)
    np.testing.assert_array_equal(stage.pixels, image)
    masked = stage.hiding([1, 2], stage.like(blank))
    hidden = cut.selected([1, 2])
    np.testing.assert_array_equal(masked[hidden], blank[hidden])
    np.testing.assert_array_equal(masked[~hidden], image[~hidden])


def test_a_stage_is_what_the_model_saw_and_a_little_around_it():
    outside = np.ones((600, 900), bool)
    outside[50:550, 200:700] = False
    cut = Segmentation(np.zeros((600, 900), int), outside=outside)
    image = noise(600, 900)
    stage = Stage.of(image, cut)
    np.testing.assert_array_equal(stage.pixels, image[20:580, 170:730])
    np.testing.assert_array_equal(stage.like(image[::-1]), image[::-1][20:580, 170:730])


def test_tiny_pictures_stay_squares_in_full_colour():
    cut = quarters(28)
    stage = Stage.of(noise(28, 28, 1), cut)
    assert stage.pixels.shape == (224, 224, 3)
    shown = in_colour(stage, [3])
    inner = np.zeros((224, 224), bool)
    inner[116:220, 116:220] = True
    np.testing.assert_array_equal(shown[inner], stage.pixels[inner])


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="height and width"):
        Stage.of(noise(41, 40), quarters())
    with pytest.raises(InputError, match="height and width"):
        Stage.of(noise(), quarters()).like(noise(41, 40))
    with pytest.raises(InputError, match="rule must be made of superpixels 0 to 3"):
        checked_players("rule", [4], quarters())
