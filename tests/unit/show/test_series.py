from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seewhy.show import palette
from seewhy.show.series import looks_of, spread_apart


def luminance(colour):
    channels = np.array(palette.rgb(colour)) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_many_methods_are_told_apart_without_colour():
    looks = looks_of(map(str, range(44)))
    in_grey = {(look.marker, look.dashes) for look in looks.values()}
    in_colour = {(look.marker, look.colour) for look in looks.values()}
    assert len(in_colour) == 44
    # two methods that look alike in grey differ in colour
    assert len(in_grey) >= 22
    first = list(looks.values())[:8]
    assert len({look.marker for look in first}) == len({look.colour for look in first}) == 8


def test_what_shares_a_colour_differs_in_marker_and_dashes():
    looks = list(looks_of(map(str, range(24))).values())
    for place in range(8):
        same = looks[place::8]
        assert len({look.colour for look in same}) == 1
        assert len({look.marker for look in same}) == len({look.dashes for look in same}) == 3


def test_every_colour_can_be_seen_on_white():
    for look in looks_of(map(str, range(8))).values():
        assert 1.05 / (luminance(look.colour) + 0.05) >= 3


def test_references_are_grey():
    looks = looks_of(["lime", "reference: random order"])
    assert looks["reference: random order"].colour == palette.SECONDARY
    assert looks["lime"].colour != palette.SECONDARY


@given(
    st.lists(st.floats(-1, 6), min_size=1, max_size=30).map(sorted),
    st.floats(0.01, 0.6),
)
def test_places_keep_their_order_and_their_distance(wanted, apart):
    places = spread_apart(wanted, apart, 0.0, 5.0)
    room = min(apart, 5.0 / max(1, len(wanted) - 1))
    assert len(places) == len(wanted)
    assert min(places) >= -1e-9
    assert max(places) <= 5.0 + 1e-9
    for one, two in pairwise(places):
        assert two - one >= room - 1e-9


def test_who_is_apart_already_stays():
    assert spread_apart([0.5, 1.0, 2.0], 0.4, 0.0, 5.0) == pytest.approx([0.5, 1.0, 2.0])
    # of least squares: two at one place part evenly
    assert spread_apart([2.0, 2.0], 1.0, 0.0, 5.0) == pytest.approx([1.5, 2.5])
    assert spread_apart([4.9, 5.0], 1.0, 0.0, 5.0) == pytest.approx([4.0, 5.0])
    assert spread_apart([], 1.0, 0.0, 5.0) == []
