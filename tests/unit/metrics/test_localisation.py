from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.image.segmentation import Segmentation
from seewhy.metrics.localisation import Localisation, inside_shares, localise, object_mask

RNG = np.random.default_rng(0)

# 16 patches of 2×2 pixels; the object is rows 1 to 5, columns 2 to 6.
PATCHES = Segmentation(np.kron(np.arange(16).reshape(4, 4), np.ones((2, 2), int)))
OBJECT = np.zeros((8, 8), bool)
OBJECT[1:6, 2:7] = True
K = np.arange(16)
BRIGHTNESS = ((7 * K) % 16 + 1) / 16
MAPS = {
    "signed": ((5 * K + 3) % 16 - 6) / 8 * BRIGHTNESS + K / 1024,
    "another order": ((11 * K + 5) % 16) / 16 - 0.4,
    "positive": BRIGHTNESS,
}


@pytest.mark.parametrize(
    ("name", "mass", "hit"),
    [
        ("signed", 0.28405212534905366, 1.0),
        ("another order", 0.3357487922705314, 0.0),
        ("positive", 0.4338235294117647, 1.0),
    ],
)
def test_energy_is_relevance_mass_of_the_positive_values(name, mass, hit):
    # Quantus 0.6.0: RelevanceMassAccuracy of the positive part of these maps as 8×8 pixels;
    # AttributionLocalisation(positive_attributions=True), the same but for 1e-9 in its
    # denominator: .28405212532649166, .3357487922380919, .43382352939900526; PointingGame.
    found = localise(MAPS[name], PATCHES.areas(), inside_shares(PATCHES, OBJECT))
    assert found.energy == pytest.approx(mass, abs=1e-12)
    assert found.points_at_object == hit
    assert found.area == 25 / 64
    assert found.corrected == pytest.approx((mass - 25 / 64) / (39 / 64), abs=1e-12)


def test_shares_count_pixels_on_the_object():
    shares = inside_shares(PATCHES, OBJECT)
    by_hand = [OBJECT[PATCHES.labels == player].mean() for player in range(16)]
    assert shares.tolist() == by_hand
    assert set(shares.tolist()) == {0.0, 0.25, 0.5, 1.0}


def test_what_the_model_does_not_see_does_not_count():
    labels = np.array([[0, 0, 1, 1], [0, 0, 1, 1]])
    outside = np.array([[False, False, False, True]] * 2)
    cut = Segmentation(labels, outside=outside)
    mask = np.array([[True, False, False, True]] * 2)
    shares = inside_shares(cut, mask)
    assert shares.tolist() == [0.5, 0.0]
    assert localise(np.array([1.0, 0.0]), cut.areas(), shares).area == pytest.approx(2 / 6)
    with pytest.raises(InputError, match="outside what the model sees"):
        inside_shares(cut, outside)
    with pytest.raises(InputError, match="covers everything the model sees"):
        inside_shares(cut, ~outside)


@pytest.mark.parametrize(
    ("mask", "complaint"),
    [
        (np.zeros((8, 8), bool), "empty"),
        (np.ones((8, 8), bool), "covers everything"),
        (np.ones((8, 7), bool), r"\(8, 8\); got bool of shape \(8, 7\)"),
        (np.ones((8, 8), int), "got int64"),
    ],
)
def test_a_mask_that_marks_no_object_is_refused(mask, complaint):
    with pytest.raises(InputError, match=complaint):
        inside_shares(PATCHES, mask)


@given(seed=st.integers(0, 10**6), d=st.integers(2, 12), shift=st.floats(0.1, 10))
def test_an_even_spread_is_zero_and_all_inside_is_one(seed, d, shift):
    rng = np.random.default_rng(seed)
    areas = rng.integers(1, 50, d)
    inside = rng.random(d)
    inside[0], inside[-1] = 1.0, 0.0
    even = localise(shift * areas, areas, inside)
    assert even.energy == pytest.approx(even.area)
    assert even.corrected == pytest.approx(0.0, abs=1e-9)
    wholly = localise(shift * areas * (inside == 1), areas, inside)
    assert wholly.corrected == pytest.approx(1.0)
    assert wholly.points_at_object == 1.0
    beside = localise(shift * areas * (inside == 0), areas, inside)
    assert beside.energy == 0.0
    assert beside.corrected == pytest.approx(-beside.area / (1 - beside.area))


@given(seed=st.integers(0, 10**6), factor=st.floats(0.01, 100))
def test_scale_does_not_matter_nor_does_what_speaks_against(seed, factor):
    rng = np.random.default_rng(seed)
    values, areas, inside = rng.standard_normal(9), rng.integers(1, 9, 9), rng.random(9)
    values[0] = 1.0
    plain = localise(values, areas, inside)
    scaled = localise(np.where(values > 0, factor, 3.0) * values, areas, inside)
    assert scaled.energy == pytest.approx(plain.energy)
    assert scaled.corrected == pytest.approx(plain.corrected)
    assert scaled.points_at_object == plain.points_at_object


def test_no_positive_value_has_no_place():
    areas, inside = np.ones(4), np.array([1.0, 0.0, 0.0, 0.0])
    for values in (np.zeros(4), np.array([-1.0, -2.0, 0.0, -3.0])):
        assert localise(values, areas, inside) == Localisation(None, None, None, 0.25)


def test_pointing_wants_half_of_the_region_and_averages_ties():
    areas, inside = np.ones(4), np.array([0.5, 0.49, 1.0, 0.0])
    pointing = [
        localise(np.array(values), areas, inside).points_at_object
        for values in ([2.0, 1, 0, 0], [1.0, 2, 0, 0], [2.0, 2, 2, 0], [0.0, 0, 1, 1])
    ]
    assert pointing == [1.0, 0.0, pytest.approx(2 / 3), 0.5]


@pytest.mark.parametrize(
    ("values", "areas", "inside", "complaint"),
    [
        (np.ones(3), np.ones(4), np.ones(4), r"\(3,\), \(4,\) and \(4,\)"),
        (np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2)), "of one length"),
        (np.array([1.0, np.nan]), np.ones(2), np.array([1.0, 0.0]), "finite; got 1"),
        (np.ones(2), np.array([1.0, 0.0]), np.array([1.0, 0.0]), "areas must be positive"),
        (np.ones(2), np.ones(2), np.array([1.5, 0.0]), "shares from 0 to 1"),
        (np.ones(2), np.ones(2), np.ones(2), "not all of it; it marks 100%"),
        (np.ones(2), np.ones(2), np.zeros(2), "it marks 0%"),
    ],
)
def test_what_cannot_be_localised_is_refused(values, areas, inside, complaint):
    with pytest.raises(InputError, match=complaint):
        localise(values, areas, inside)


def test_a_box_holds_the_pixels_whose_centre_it_holds():
    mask = object_mask((4, 6), [(0.6, 1.0, 3.4, 2.5)])
    assert np.argwhere(mask).tolist() == [[1, 1], [1, 2]]
    # An edge through a centre: the box on its right has the pixel, the one on its left has not.
    left, right = object_mask((1, 4), [(0, 0, 1.5, 1)]), object_mask((1, 4), [(1.5, 0, 4, 1)])
    assert (left ^ right).all()


def test_boxes_join_and_may_overshoot_by_a_pixel():
    both = object_mask((5, 5), [(0, 0, 2, 2), (3, 3, 6, 5.9)])
    assert both.sum() == 4 + 4
    assert (both == object_mask((5, 5), np.array([[3, 3, 5, 5], [-0.5, -1, 2, 2]]))).all()


@given(edges=st.lists(st.integers(0, 20), min_size=4, max_size=4))
def test_whole_boxes_have_their_area(edges):
    x0, x1 = sorted(edges[:2])
    y0, y1 = sorted(edges[2:])
    if x0 < x1 and y0 < y1:
        assert object_mask((20, 20), [(x0, y0, x1, y1)]).sum() == (x1 - x0) * (y1 - y0)


@pytest.mark.parametrize(
    ("boxes", "complaint"),
    [
        ([], "at least one box"),
        ([(0, 0, 2)], "four finite numbers"),
        ([(0, 0, 2, np.inf)], "four finite numbers"),
        ([(3, 0, 2, 2)], "x0 < x1"),
        ([(0, 2, 2, 2)], "y0 < y1"),
        ([(0, 0, 7.5, 2)], "beyond the picture of 6×4 pixels"),
        ([(-2, 0, 2, 2)], "beyond the picture"),
        ([(0, 0, 2, 60)], "beyond the picture"),
        ([(0.1, 0.2, 0.4, 0.9)], "holds no pixel"),
    ],
)
def test_a_box_that_cannot_be_is_refused(boxes, complaint):
    with pytest.raises(InputError, match=complaint):
        object_mask((4, 6), boxes)
