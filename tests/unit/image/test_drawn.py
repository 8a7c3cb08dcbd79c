"""Digits drawn by us."""

from __future__ import annotations

import numpy as np

from seewhy.image.drawn import SEVEN, drawn


def test_a_line_is_as_thick_as_its_brush():
    picture = drawn([[(0.2, 0.5), (0.8, 0.5)]], side=100, brush=0.1)
    assert picture.shape == (100, 100)
    assert picture.dtype == np.uint8
    assert (picture[:, 50] > 127).sum() == 20
    assert picture[50, 5] == 0
    assert picture[50, 15] == 255  # its end is round


def test_a_dot_is_a_disc():
    picture = drawn([[(0.5, 0.5), (0.5, 0.5)]], side=100, brush=0.2)
    assert abs((picture > 127).sum() - np.pi * 20**2) < 20


def test_the_seven_has_a_gap():
    picture = drawn(SEVEN)
    assert picture[70, 145] == 0
    assert picture.max() == 255
