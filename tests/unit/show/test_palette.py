from __future__ import annotations

import numpy as np
import pytest

from seewhy.show import palette


def luminance(colour):
    channels = np.array(palette.rgb(colour)) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, two):
    low, high = sorted([luminance(one), luminance(two)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colour", [palette.INK, palette.SECONDARY, palette.FOR])
def test_text_is_readable_on_white(colour):
    assert contrast(colour, "#ffffff") >= 4.5


def test_the_two_hues_are_told_apart_without_red_cones_without_green_and_without_blue():
    # Machado, Oliveira, Fernandes (2009), severity 1
    seen = {
        "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
        "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                   [-0.011820, 0.042940, 0.968881]],
        "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
    }  # fmt: skip
    one, two = (np.array(palette.rgb(colour)) for colour in (palette.FOR, palette.AGAINST))
    for matrix in seen.values():
        assert np.abs(np.array(matrix) @ (one - two)).max() > 60
