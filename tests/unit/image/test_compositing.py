"""Compositing against np.where, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.image import compositing
from seewhy.image.compositing import Compositor

LAYOUTS = ("NHWC", "NCHW")


def bits(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).view(np.uint32)


def pair(shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures of arbitrary bits: every float there is, −0.0 and NaN payloads included."""
    rng = np.random.default_rng(1)
    image, fill = rng.integers(0, 2**32, (2, *shape), dtype=np.uint32).view(np.float32)
    image[0, 0, 0], fill[0, 0, 0] = -0.0, 0.0
    return image, fill


def by_where(
    image: np.ndarray, fill: np.ndarray, labels: np.ndarray, masks: np.ndarray, layout: str
) -> np.ndarray:
    always = np.concatenate([masks, np.ones((len(masks), 1), dtype=bool)], axis=1)
    shown = np.where(always[:, labels][..., None], bits(image), bits(fill))
    return shown if layout == "NHWC" else shown.transpose(0, 3, 1, 2)


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([1, 3, 5]),
    st.integers(0, 9),
    st.sampled_from(LAYOUTS),
    st.integers(0, 2**32 - 1),
)
def test_it_is_np_where(
    height: int, width: int, channels: int, count: int, layout: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image, fill = pair((height, width, channels))
    labels = rng.integers(-1, 6, (height, width)).astype(np.int32)
    masks = rng.random((count, 6)) < 0.5
    compositor = Compositor(image, fill, labels, layout=layout, n_players=6)
    pictures = compositor(masks)
    assert pictures.shape == (count, *compositor.shape)
    np.testing.assert_array_equal(bits(pictures), by_where(image, fill, labels, masks, layout))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scratch", [1, 3000, 1 << 20])
def test_slices_do_not_show(layout: str, scratch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compositing, "_SCRATCH_BYTES", scratch)
    image, fill = pair((12, 11, 3))
    labels = (np.arange(132).reshape(12, 11) // 9).astype(np.int32)
    masks = np.random.default_rng(0).random((37, 15)) < 0.5
    out = np.full((37, *Compositor(image, fill, labels, layout=layout).shape), 7, np.float32)
    assert Compositor(image, fill, labels, layout=layout)(masks, out) is out
    np.testing.assert_array_equal(bits(out), by_where(image, fill, labels, masks, layout))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_two_extremes_are_the_two_pictures(layout: str) -> None:
    image, fill = pair((6, 5, 3))
    labels = np.arange(30).reshape(6, 5).astype(np.int32)
    shown, hidden = Compositor(image, fill, labels, layout=layout)(
        np.array([[True] * 30, [False] * 30])
    )
    order = (0, 1, 2) if layout == "NHWC" else (2, 0, 1)
    np.testing.assert_array_equal(bits(shown), bits(image.transpose(order)))
    np.testing.assert_array_equal(bits(hidden), bits(fill.transpose(order)))


def test_exactly_the_hidden_superpixels_differ() -> None:
    image, fill = np.zeros((4, 4, 1), np.float32), np.ones((4, 4, 1), np.float32)
    labels = np.array([[0, 0, 1, 1], [0, 2, 2, 1], [-1, 2, 2, -1], [3, 3, 3, 3]], np.int32)
    masks = ~np.eye(4, dtype=bool)
    for player, picture in enumerate(Compositor(image, fill, labels, layout="NHWC")(masks)):
        np.testing.assert_array_equal(picture[:, :, 0] == 1, labels == player)


def test_players_without_pixels_change_nothing() -> None:
    image, fill = pair((2, 2, 1))
    labels = np.array([[0, 0], [2, 2]], np.int32)
    compositor = Compositor(image, fill, labels, layout="NHWC", n_players=5)
    masks = np.ones((2, 5), dtype=bool)
    masks[1, [1, 3, 4]] = False
    first, second = compositor(masks)
    np.testing.assert_array_equal(bits(first), bits(second))
    assert Compositor(image, fill, labels, layout="NHWC").n_players == 3


def test_all_outside_is_always_the_image() -> None:
    image, fill = pair((2, 2, 1))
    compositor = Compositor(image, fill, np.full((2, 2), -1, np.int32), layout="NHWC")
    assert compositor.n_players == 0
    np.testing.assert_array_equal(bits(compositor(np.ones((1, 0), bool)))[0], bits(image))


def test_any_strides_can_be_written() -> None:
    image, fill = pair((4, 6, 3))
    labels = np.arange(24).reshape(4, 6).astype(np.int32)
    masks = np.random.default_rng(0).random((5, 24)) < 0.5
    channels_last = np.zeros((5, 4, 6, 3), np.float32).transpose(0, 3, 1, 2)
    Compositor(image, fill, labels, layout="NCHW")(masks, channels_last)
    np.testing.assert_array_equal(bits(channels_last), by_where(image, fill, labels, masks, "NCHW"))


def test_the_pictures_given_may_change_afterwards() -> None:
    image, fill = np.zeros((2, 2, 1), np.float32), np.ones((2, 2, 1), np.float32)
    compositor = Compositor(image, fill, np.zeros((2, 2), np.int32), layout="NHWC")
    image[:], fill[:] = 5, 6
    np.testing.assert_array_equal(
        compositor(np.array([[True], [False]])).ravel(), [0] * 4 + [1] * 4
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout": "HWC"}, "'NHWC' or 'NCHW'"),
        ({"image": np.zeros((2, 2, 1))}, "image must be float32"),
        ({"fill": np.zeros((2, 2), np.float32)}, "fill must be float32"),
        ({"fill": np.zeros((2, 2, 3), np.float32)}, "fill must have the image's shape"),
        ({"labels": np.zeros((3, 2), np.int32)}, "labels must be integers"),
        ({"labels": np.zeros((2, 2))}, "labels must be integers"),
        ({"labels": np.full((2, 2), 4), "n_players": 4}, "at least 5"),
    ],
)
def test_parts_that_do_not_fit(change: dict[str, object], message: str) -> None:
    parts: dict[str, object] = {
        "image": np.zeros((2, 2, 1), np.float32),
        "fill": np.zeros((2, 2, 1), np.float32),
        "labels": np.zeros((2, 2), np.int32),
        "layout": "NHWC",
    }
    with pytest.raises(InputError, match=message):
        Compositor(**(parts | change))  # type: ignore[arg-type]


def test_masks_and_out_that_do_not_fit() -> None:
    image = np.zeros((2, 2, 1), np.float32)
    compositor = Compositor(image, image, np.zeros((2, 2), np.int32), layout="NHWC")
    with pytest.raises(InputError, match=r"bool of shape \(n, 1\).*got bool of shape \(3, 2\)"):
        compositor(np.ones((3, 2), bool))
    with pytest.raises(InputError, match="got int64 of shape"):
        compositor(np.ones((3, 1), np.int64))
    masks = np.ones((3, 1), bool)
    with pytest.raises(InputError, match=r"out must be .*\(3, 2, 2, 1\)"):
        compositor(masks, np.zeros((2, 2, 2, 1), np.float32))
    with pytest.raises(InputError, match="got float64"):
        compositor(masks, np.zeros((3, 2, 2, 1)))
    frozen = np.zeros((3, 2, 2, 1), np.float32)
    frozen.flags.writeable = False
    with pytest.raises(InputError, match="writeable"):
        compositor(masks, frozen)
