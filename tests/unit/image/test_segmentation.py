"""Renumbering, painting, pooling, neighbours, slivers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seewhy.errors import InputError
from seewhy.image.segmentation import OUTSIDE, Segmentation, merge_slivers

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=7)
LABELS = st.sampled_from([np.int8, np.uint8, np.int32, np.int64, np.uint64]).flatmap(
    lambda dtype: hnp.arrays(dtype, SHAPES)
)
FEW = hnp.arrays(np.int64, SHAPES, elements=st.integers(-2, 3))

CUT = Segmentation(np.array([[5, 5, 9], [5, 2, 9]]))


@given(LABELS)
def test_labels_are_renumbered_in_order(labels: np.ndarray) -> None:
    cut = Segmentation(labels)
    known, expected = np.unique(labels, return_inverse=True)
    np.testing.assert_array_equal(cut.labels, expected.reshape(labels.shape))
    assert cut.count == len(known)
    assert cut.labels.dtype == np.int32


@given(LABELS)
def test_outside_pixels_take_no_part(labels: np.ndarray) -> None:
    outside = np.zeros(labels.shape, dtype=bool)
    outside.flat[: labels.size // 2] = True
    cut = Segmentation(labels, outside=outside)
    assert (cut.labels[outside] == OUTSIDE).all()
    np.testing.assert_array_equal(
        cut.labels[~outside], np.unique(labels[~outside], return_inverse=True)[1].ravel()
    )
    assert cut.count == len(np.unique(labels[~outside]))


@given(FEW)
def test_renumbering_twice_changes_nothing(labels: np.ndarray) -> None:
    once = Segmentation(labels)
    np.testing.assert_array_equal(Segmentation(once.labels).labels, once.labels)


def test_far_apart_labels_are_renumbered_too() -> None:
    cut = Segmentation(np.array([[-(2**62), 2**62, 7]]))
    assert cut.labels.tolist() == [[0, 2, 1]]


def test_a_bool_mask_is_a_segmentation_in_two() -> None:
    assert Segmentation(np.array([[True, False]])).labels.tolist() == [[1, 0]]


def test_a_segmentation_cannot_be_changed() -> None:
    given_labels = np.array([[0, 1]], dtype=np.int32)
    cut = Segmentation(given_labels)
    with pytest.raises(ValueError, match="read-only"):
        cut.labels[0, 0] = 1
    with pytest.raises(AttributeError):
        cut.count = 3  # type: ignore[misc]
    given_labels[0, 0] = 5
    assert cut.labels.tolist() == [[0, 1]]


def test_it_says_what_it_is_and_survives_pickling() -> None:
    cut = Segmentation(np.array([[1, 2]]), method="grid", settings={"rows": 1})
    assert repr(cut) == "Segmentation(2 superpixels by grid, 1×2 pixels)"
    again = pickle.loads(pickle.dumps(cut))
    np.testing.assert_array_equal(again.labels, cut.labels)
    assert (again.method, again.settings) == ("grid", {"rows": 1})


@pytest.mark.parametrize(
    ("labels", "got"),
    [
        (np.zeros((2, 2)), "float64"),
        (np.zeros((2, 2, 1), int), r"\(2, 2, 1\)"),
        (np.zeros(4, int), r"\(4,\)"),
        (np.zeros((0, 3), int), r"\(0, 3\)"),
    ],
)
def test_labels_must_be_whole_numbers_in_a_plane(labels: np.ndarray, got: str) -> None:
    with pytest.raises(InputError, match=f"whole numbers of shape .*{got}"):
        Segmentation(labels)


def test_outside_must_fit() -> None:
    labels = np.zeros((2, 2), int)
    with pytest.raises(InputError, match="labels' shape"):
        Segmentation(labels, outside=np.zeros((3, 2), bool))
    with pytest.raises(InputError, match="bool array"):
        Segmentation(labels, outside=np.zeros((2, 2), int))
    with pytest.raises(InputError, match="at least one pixel inside"):
        Segmentation(labels, outside=np.ones((2, 2), bool))


@given(FEW, st.booleans())
def test_pooling_paint_gives_value_times_area(labels: np.ndarray, cropped: bool) -> None:
    outside = np.zeros(labels.shape, dtype=bool)
    outside[0, 1:] = cropped
    cut = Segmentation(labels, outside=outside)
    values = np.random.default_rng(0).normal(size=cut.count)
    painted = cut.paint(values, outside=100.0)
    np.testing.assert_allclose(cut.pool(painted), values * cut.areas())
    assert cut.areas().sum() == (~outside).sum()
    assert (painted[outside] == 100).all()
    for player in range(cut.count):
        assert (painted[cut.selected([player])] == values[player]).all()


def test_paint_takes_rows_and_keeps_float32() -> None:
    colours = np.eye(3, dtype=np.float32)
    painted = CUT.paint(colours)
    assert (painted.shape, painted.dtype) == ((2, 3, 3), np.float32)
    np.testing.assert_array_equal(painted[0, 2], [0, 0, 1])
    assert CUT.paint(np.arange(3)).dtype == np.float64
    outside = Segmentation(np.array([[1, 2]]), outside=np.array([[True, False]]))
    assert np.isnan(outside.paint(np.array([7]), outside=np.nan)[0, 0])


def test_paint_and_pool_refuse_what_does_not_fit() -> None:
    with pytest.raises(InputError, match=r"shape \(3,\) or \(3, c\).*got \(4,\)"):
        CUT.paint(np.zeros(4))
    with pytest.raises(InputError, match=r"shape \(2, 3\); got \(3, 2\)"):
        CUT.pool(np.zeros((3, 2)))


def test_a_cut_small_enough_to_check_by_hand() -> None:
    assert CUT.shape == (2, 3)
    assert CUT.areas().tolist() == [1, 3, 2]
    assert CUT.centroids().tolist() == [[1, 1], [1 / 3, 1 / 3], [0.5, 2]]
    assert CUT.adjacency().astype(int).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert CUT.selected([0, 2]).tolist() == [[False, False, True], [False, True, True]]
    assert not CUT.selected([]).any()
    with pytest.raises(InputError, match="0 to 2; got -1"):
        CUT.selected([-1])


def test_corners_do_not_touch_and_the_outside_is_nobodys_neighbour() -> None:
    board = Segmentation(np.array([[0, 1], [2, 3]]))
    assert not board.adjacency()[0, 3]
    apart = Segmentation(np.array([[0, 8, 1]]), outside=np.array([[False, True, False]]))
    assert not apart.adjacency().any()
    assert apart.boundaries().all()


@given(FEW)
def test_neighbours_and_boundaries_agree_with_a_plain_loop(labels: np.ndarray) -> None:
    cut = Segmentation(labels)
    near = np.zeros((cut.count, cut.count), dtype=bool)
    edge = np.zeros(labels.shape, dtype=bool)
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            for v, u in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                if 0 <= v < height and 0 <= u < width and labels[v, u] != labels[y, x]:
                    near[cut.labels[y, x], cut.labels[v, u]] = edge[y, x] = True
    np.testing.assert_array_equal(cut.adjacency(), near)
    np.testing.assert_array_equal(cut.boundaries(), edge)


def test_a_sliver_joins_the_neighbour_with_the_longest_border() -> None:
    labels = np.zeros((10, 10), int)
    labels[:, 5:] = 1
    labels[2:6, 5] = 2
    # Region 2 touches region 0 along four edges and region 1 along six.
    merged = merge_slivers(labels, minimum_share=0.07)
    expected = np.where(labels == 2, 1, labels)
    np.testing.assert_array_equal(merged, expected)


def merged_plainly(labels: np.ndarray, share: float, at_most: int) -> np.ndarray:
    """The definition, borders counted anew for every merger."""
    labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    while True:
        areas = {player: int((labels == player).sum()) for player in np.unique(labels)}
        smallest = min(areas, key=lambda player: (areas[player], player))
        enough = areas[smallest] >= share * labels.size * (1 - 1e-12) and len(areas) <= at_most
        if enough or len(areas) == 1:
            return Segmentation(labels).labels
        border = dict.fromkeys(areas, 0)
        for here, there in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
            for one, two in ((here, there), (there, here)):
                for other in two[(one == smallest) & (two != smallest)]:
                    border[other] += 1
        labels[labels == smallest] = max(border, key=lambda player: (border[player], -player))


@given(
    hnp.arrays(np.int64, (6, 7), elements=st.integers(0, 11)), st.floats(0, 1), st.integers(1, 12)
)
def test_merging_follows_its_definition(labels: np.ndarray, share: float, at_most: int) -> None:
    np.testing.assert_array_equal(
        merge_slivers(labels, minimum_share=share, at_most=at_most),
        merged_plainly(labels, share, at_most),
    )


def test_merging_keeps_what_is_exactly_large_enough() -> None:
    # .07 × 100 is a little more than 7 in floating point.
    seven = (np.arange(100) < 7).reshape(10, 10)
    assert merge_slivers(seven, minimum_share=0.07).any()
    labels = np.arange(4).repeat(25).reshape(10, 10)
    np.testing.assert_array_equal(merge_slivers(labels, minimum_share=0.25), labels)
    assert merge_slivers(labels, minimum_share=0.26).max() == 1


@given(FEW, st.floats(0, 1), st.integers(1, 4))
def test_merging_only_joins_and_honours_both_limits(
    labels: np.ndarray, share: float, at_most: int
) -> None:
    merged = Segmentation(merge_slivers(labels, minimum_share=share, at_most=at_most))
    before = Segmentation(labels)
    for player in range(before.count):
        assert len(np.unique(merged.labels[before.selected([player])])) == 1
    # Every region touches another in a full frame, so merging is never stuck.
    assert merged.count <= at_most
    assert merged.count == 1 or merged.areas().min() >= share * labels.size * (1 - 1e-9)


def test_chains_of_slivers_end_in_one_superpixel() -> None:
    labels = np.arange(12).reshape(1, 12)
    assert merge_slivers(labels, minimum_share=0.5).max() <= 1
    assert not merge_slivers(labels, minimum_share=0, at_most=1).any()
