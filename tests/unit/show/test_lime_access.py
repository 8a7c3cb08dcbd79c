from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.image.segmentation import Segmentation
from seewhy.show.lime_access import image_and_mask


def example(seed, d=9, dtype=np.float64):
    rng = np.random.default_rng(seed)
    labels = rng.permuted(np.arange(6 * d) % d).reshape(6, d)
    return rng.random((6, d, 3)).astype(dtype), Segmentation(labels), rng.normal(size=d)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 9999),
    st.sampled_from([(True, False), (False, True), (False, False)]),
    st.booleans(),
    st.integers(0, 12),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_equals_limes_own_function_where_that_is_right(seed, only, hide_rest, count, weight):
    lime_image = pytest.importorskip("lime.lime_image")
    image, cut, values = example(seed)
    theirs = lime_image.ImageExplanation(image, cut.labels)
    order = np.argsort(-np.abs(values))
    theirs.local_exp[0] = [(int(player), float(values[player])) for player in order]
    asked = {
        "positive_only": only[0],
        "negative_only": only[1],
        "hide_rest": hide_rest,
        "num_features": count,
        "min_weight": weight,
    }
    expected, expected_mask = theirs.get_image_and_mask(0, **asked)
    shown, mask = image_and_mask(image, cut, values, **asked)
    np.testing.assert_array_equal(shown, expected)
    np.testing.assert_array_equal(mask, expected_mask)


def test_negative_only_works_alone():
    image, cut, values = example(1)
    _, mask = image_and_mask(image, cut, values, negative_only=True, num_features=99)
    np.testing.assert_array_equal(mask, (values < 0)[cut.labels])
    assert mask.dtype == np.int64


def test_positive_is_the_default():
    image, cut, values = example(2)
    _, mask = image_and_mask(image, cut, values, num_features=2)
    best = np.argsort(-values)[:2]
    np.testing.assert_array_equal(mask, np.isin(cut.labels, best))


def test_both_at_once_contradict():
    image, cut, values = example(3)
    with pytest.raises(InputError, match="must not both be True"):
        image_and_mask(image, cut, values, positive_only=True, negative_only=True)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("hide_rest", [True, False])
def test_dtype_and_range_are_kept_and_the_image_is_left_alone(dtype, hide_rest):
    image, cut, values = example(4)
    image = (image * (255 if dtype == np.uint8 else 1)).astype(dtype)
    before = image.copy()
    shown, _ = image_and_mask(image, cut, values, positive_only=False, hide_rest=hide_rest)
    assert shown.dtype == dtype
    assert shown.max() <= image.max()
    np.testing.assert_array_equal(image, before)


def test_grey_pictures_are_marked_in_the_mask_alone():
    image, cut, values = example(5)
    grey = image[:, :, :1]
    shown, mask = image_and_mask(grey, cut, values, positive_only=False, num_features=99)
    np.testing.assert_array_equal(shown, grey)
    np.testing.assert_array_equal(mask, np.sign(values)[cut.labels])


def test_regions_of_no_effect_are_never_marked():
    image, cut, _ = example(6)
    for positive_only in (True, False):
        _, mask = image_and_mask(image, cut, np.zeros(9), positive_only=positive_only)
        assert not mask.any()


@pytest.mark.parametrize("wrong", ["image", "values"])
def test_sizes_must_agree(wrong):
    image, cut, values = example(7)
    with pytest.raises(InputError, match=wrong):
        image_and_mask(
            image[1:] if wrong == "image" else image,
            cut,
            values[1:] if wrong == "values" else values,
        )
