"""Ways of feeding: what the network sees, and the preprocessing that makes it see the same."""

from __future__ import annotations

import numpy as np
import pytest

import seewhy as sw
from seewhy.run.checkup.feeding import DECLARED, Feeding, alternatives, declared_scale

SETTINGS = {
    "RGB": sw.Preprocessing((8, 8), mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7)),
    "BGR": sw.Preprocessing((8, 8), mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7), channels="BGR"),
    "grey": sw.Preprocessing((8, 9), mean=(0.1,), std=(0.5,), channels="L"),
    "bands": sw.Preprocessing((8, 9), mean=(0.1,) * 5, std=(0.5,) * 5, channels="bands"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_remedy_shows_the_network_what_was_tried(name):
    declared = SETTINGS[name]
    pixels = np.random.default_rng(0).random((2, *declared.input_size), np.float32)
    tried = 0
    for feeding in alternatives(declared):
        remedy = feeding.remedy(declared)
        if remedy is None:
            continue
        seen = declared.normalise(feeding.images(pixels, declared))
        again = sw.Preprocessing.from_json(remedy.to_json()).normalise(pixels)
        np.testing.assert_allclose(again, seen, atol=1e-4 * np.abs(seen).max(), err_msg=feeding)
        assert not np.allclose(again, declared.normalise(pixels), atol=1e-3)
        tried += 1
    assert tried == {"RGB": 13, "BGR": 13, "grey": 4, "bands": 3}[name]


def test_where_no_preprocessing_is_a_remedy():
    assert DECLARED.remedy(SETTINGS["RGB"]) is None
    assert Feeding(layout="turned").remedy(SETTINGS["RGB"]) is None
    assert Feeding(inverted=True).remedy(SETTINGS["grey"]) is None


def test_what_is_tried_of_which_network():
    grey = list(alternatives(SETTINGS["grey"]))
    assert Feeding("mnist") in grey
    assert Feeding(inverted=True) in grey
    assert not any(feeding.swapped for feeding in grey)
    large = sw.Preprocessing((224, 224), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    assert declared_scale(large) == "imagenet"
    scales = {feeding.scale for feeding in alternatives(large)}
    assert scales == {None, "0 to 1", "0 to 255", "-1 to 1", "caffe"}  # not its own, nor CIFAR's
