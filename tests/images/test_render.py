"""Pictures, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show import palette, render

TEAL = np.array([11, 122, 117])
ORANGE = np.array([209, 87, 10])


def flat(height, width, colour):
    return np.full((height, width, 3), colour, np.uint8)


def soft(colour):
    colour = np.asarray(colour, float)
    grey = colour @ [0.299, 0.587, 0.114]
    half = colour + 0.5 * (grey - colour)
    return half + 0.25 * (255 - half)


@pytest.mark.parametrize("channels", range(1, 17))
def test_any_number_of_channels_can_be_shown(channels):
    image = np.random.default_rng(channels).random((3, 4, channels)).astype(np.float32)
    shown = render.to_rgb(image)
    source = image[:, :, :3] if channels >= 3 else image[:, :, [0, 0, 0]]
    np.testing.assert_array_equal(shown, np.rint(source.astype(np.float64) * 255))
    assert shown.dtype == np.uint8


def test_bytes_stay_what_they_are_and_overshoot_is_cut():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    np.testing.assert_array_equal(render.to_rgb(image), image)
    assert render.to_rgb(np.array([[[-0.5], [1.7]]])).ravel().tolist() == [0] * 3 + [255] * 3
    with pytest.raises(InputError, match=r"shape \(h, w, c\)"):
        render.to_rgb(np.zeros((2, 2)))


def test_soften_desaturates_by_half_and_lightens_by_a_quarter():
    assert render.soften(flat(1, 1, 0))[0, 0].tolist() == [64, 64, 64]
    assert render.soften(flat(1, 1, 255))[0, 0].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(
        render.soften(flat(2, 2, (200, 40, 90)))[1, 1], np.rint(soft((200, 40, 90)))
    )


def test_tint_strength_follows_the_effect_and_stops_at_uncertainty():
    cut = Segmentation(np.array([[0, 1, 2, 3, 4]]))
    values = np.array([2.0, -1.0, 0.5, -2.0, 0.0])
    errors = np.array([0.1, 0.1, 0.3, 1.5, 0.1])
    background = soft((100, 150, 200))
    tinted = render.tint(flat(1, 5, (100, 150, 200)), cut, values, errors)[0]
    full, half = 0.72, 0.72 * 0.5**0.7
    np.testing.assert_array_equal(tinted[0], np.rint(background + full * (TEAL - background)))
    np.testing.assert_array_equal(tinted[1], np.rint(background + half * (ORANGE - background)))
    # 0.5 ± 1.96 × 0.3 and −2 ± 1.96 × 1.5 include zero
    for region in (2, 3, 4):
        np.testing.assert_array_equal(tinted[region], np.rint(background))


def test_exact_values_are_certain_and_a_common_scale_compares_pictures():
    cut = Segmentation(np.array([[0, 1]]))
    image, background = flat(1, 2, 80), soft([80] * 3)
    values = np.array([1.0, 0.0])
    alone = render.tint(image, cut, values, None)
    np.testing.assert_array_equal(alone[0, 0], np.rint(background + 0.72 * (TEAL - background)))
    shared = render.tint(image, cut, values, None, strongest=4.0)
    alpha = 0.72 * 0.25**0.7
    np.testing.assert_array_equal(shared[0, 0], np.rint(background + alpha * (TEAL - background)))
    nothing = render.tint(image, cut, np.zeros(2), None)
    np.testing.assert_array_equal(nothing, render.soften(image))


def test_outside_the_models_view_is_dimmed_and_never_tinted():
    cut = Segmentation(np.zeros((1, 2), int), outside=np.array([[False, True]]))
    tinted = render.tint(flat(1, 2, 50), cut, np.array([1.0]), None)
    background = soft([50] * 3)
    np.testing.assert_array_equal(tinted[0, 1], np.rint(background + 0.6 * (255 - background)))


def test_the_ramp_is_linear_through_white():
    colours = render.ramp(np.array([-9.0, -1.0, -0.5, 0.0, 0.5, 1.0, 9.0]))
    np.testing.assert_array_equal(colours[[0, 1]], [ORANGE, ORANGE])
    np.testing.assert_array_equal(colours[[5, 6]], [TEAL, TEAL])
    assert colours[3].tolist() == [255, 255, 255]
    np.testing.assert_array_equal(colours[2], np.rint((255 + ORANGE) / 2))
    np.testing.assert_array_equal(colours[4], np.rint((255 + TEAL) / 2))


def test_a_heat_map_shows_uncertain_effects_too_and_greys_what_was_not_seen():
    outside = np.array([[False, False, True]])
    cut = Segmentation(np.array([[5, 9, 9]]), outside=outside)
    shown = render.heat_map(cut, np.array([3.0, -1.5]))[0]
    assert shown[0].tolist() == TEAL.tolist()
    np.testing.assert_array_equal(shown[1], np.rint((255 + ORANGE) / 2))
    assert shown[2].tolist() == [243, 244, 246]
    assert (render.heat_map(cut, np.zeros(2))[0, :2] == 255).all()
    with pytest.raises(InputError, match=r"shape \(2,\)"):
        render.heat_map(cut, np.zeros(3))


def test_hide_rest_keeps_chosen_pixels_and_leaves_the_image_alone():
    image = np.random.default_rng(0).integers(0, 255, (4, 6, 3), np.uint8)
    before = image.copy()
    labels = np.arange(24).reshape(4, 6) // 8
    cut = Segmentation(labels, outside=np.eye(4, 6, dtype=bool))
    shown = render.hide_rest(image, cut, [1])
    kept = cut.labels == 1
    np.testing.assert_array_equal(shown[kept], image[kept])
    assert (shown[~kept] == 0xE9).all()
    np.testing.assert_array_equal(image, before)
    assert (render.hide_rest(image, cut, [], "#010203")[0, 0] == [1, 2, 3]).all()


def test_an_outline_runs_inside_the_region_with_a_halo_outside():
    labels = np.zeros((9, 9), int)
    labels[2:7, 2:7] = 1
    pixels = flat(9, 9, 100)
    drawn = render.outline(pixels, Segmentation(labels), {1: palette.FOR}, width=1)
    ring = np.zeros((9, 9), bool)
    ring[2:7, 2:7] = True
    ring[3:6, 3:6] = False
    assert (drawn[ring] == TEAL).all()
    assert (drawn[3:6, 3:6] == 100).all()
    # 100 + .9 (255 − 100), the four sides but not the corners, which are √2 away
    halo = np.zeros((9, 9), bool)
    halo[[1, 7], 2:7] = halo[2:7, [1, 7]] = True
    assert (drawn[halo] == np.rint(239.5)).all()
    untouched = ~halo & ~ring
    assert (drawn[untouched] == 100).all()
    assert (pixels == 100).all()


def test_the_pictures_edge_closes_a_region_and_lines_cover_halos():
    cut = Segmentation(np.array([[0] * 5 + [1] * 5] * 8))
    drawn = render.outline(flat(8, 10, 100), cut, {0: palette.FOR, 1: palette.AGAINST}, width=1)
    assert (drawn[0, :5] == TEAL).all()
    assert (drawn[:, 0] == TEAL).all()
    assert (drawn[:, 4] == TEAL).all()
    assert (drawn[:, 5] == ORANGE).all()
    assert (drawn[3, 2] == 100).all()


def test_lines_widen_with_the_picture():
    assert [render.line_width(shape) for shape in ((28, 28), (300, 500), (900, 2))] == [1, 2, 4]


def test_sizes_must_agree():
    cut = Segmentation(np.zeros((3, 4), int))
    for call in (
        lambda image: render.tint(image, cut, np.zeros(1), None),
        lambda image: render.hide_rest(image, cut, [0]),
        lambda image: render.outline(image, cut, {}),
    ):
        with pytest.raises(InputError, match="height and width"):
            call(flat(4, 3, 0))


def test_inner_distance_counts_from_beyond_the_edge():
    distance = render.inner_distance(np.ones((5, 7), bool))
    assert distance[2, 3] == 3
    assert (distance[0] == 1).all()
    assert OUTSIDE == -1


def test_a_pixel_map_lies_where_the_model_looked():
    heatmap = np.array([[1.0, -0.5], [0.0, 2.0]], np.float32)
    labels = np.zeros((6, 8), int)
    labels[:, :2] = labels[:, 6:] = OUTSIDE
    cut = Segmentation(labels, outside=labels < 0)
    shown = render.pixel_heat_map(heatmap, cut, (1.0, 2.0, 5.0, 6.0), strongest=1.0)
    assert (shown[:, :2] == palette.rgb(palette.OUTSIDE_VIEW)).all()
    assert (shown[:, 6:] == palette.rgb(palette.OUTSIDE_VIEW)).all()
    # corners of the window show the nearest value in full; what is beyond the scale stays
    assert shown[1, 2].tolist() == TEAL.tolist()
    np.testing.assert_allclose(shown[1, 5], 255 + 0.5 * (ORANGE - 255), atol=1)
    assert shown[4, 2].tolist() == [255, 255, 255]
    assert shown[4, 5].tolist() == TEAL.tolist()
    # nothing is drawn above and below it
    assert (shown[0, 2:6] == 255).all()
    assert (shown[5, 2:6] == 255).all()


def test_a_pixel_map_of_zeros_is_white():
    cut = Segmentation(np.zeros((4, 4), int))
    shown = render.pixel_heat_map(np.zeros((2, 2)), cut, (0, 0, 4, 4), strongest=0.0)
    assert (shown == 255).all()


def test_few_strong_pixels_do_not_make_the_others_pale():
    heatmap = np.full((100, 100), -0.1)
    heatmap[0, :10] = 50.0
    assert render.strongest_of([heatmap]) == pytest.approx(0.1)
    assert render.strongest_of([]) == 0.0
