"""Superpixels of real pictures: as many as asked, connected, no slivers, along contours."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from skimage import data
from skimage.measure import label

from seewhy.errors import InputError, SpecError
from seewhy.image.cutting import connected, cut_into, cut_small
from seewhy.image.read import Image, read_image
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import (
    Felzenszwalb,
    Grid,
    Quickshift,
    Segmenter,
    Slic,
    Watershed,
    parse_segmenter,
)

PICTURES = ("chelsea", "coffee", "camera", "rocket")
ALL = (Slic(), Watershed(), Felzenszwalb(), Quickshift(), Grid(7, 9))


@cache
def picture(name: str) -> Image:
    return read_image(getattr(data, name)())


def pieces(cut: Segmentation) -> int:
    return int(label(cut.labels, connectivity=1, background=-1).max())


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("count", [1, 2, 7, 25, 60, 150])
def test_slic_gives_the_number_asked_for(name: str, count: int) -> None:
    assert Slic(count)(picture(name)).count == count


@pytest.mark.parametrize("count", [2, 40, 100])
def test_watershed_gives_the_number_asked_for(count: int) -> None:
    assert Watershed(count)(picture("coffee")).count == count


@pytest.mark.parametrize("segmenter", ALL, ids=lambda segmenter: segmenter.name)
@pytest.mark.parametrize("name", ["chelsea", "camera"])
def test_superpixels_are_connected_visible_and_cover_the_picture(
    segmenter: Segmenter, name: str
) -> None:
    image = picture(name)
    cut = segmenter(image)
    assert cut.shape == image.shape[:2]
    assert cut.labels.min() == 0
    assert pieces(cut) == cut.count
    assert 10 < cut.count < 150
    assert cut.areas().min() >= 0.0039 * cut.labels.size


@pytest.mark.parametrize("segmenter", ALL, ids=lambda segmenter: segmenter.name)
def test_the_same_picture_is_cut_alike_and_left_alone(segmenter: Segmenter) -> None:
    image = picture("chelsea").copy()
    first = segmenter(image)
    np.testing.assert_array_equal(image, picture("chelsea"))
    np.testing.assert_array_equal(first.labels, segmenter(image).labels)


@pytest.mark.parametrize("segmenter", ALL, ids=lambda segmenter: segmenter.name)
def test_method_and_settings_are_recorded(segmenter: Segmenter) -> None:
    cut = segmenter(picture("camera"))
    assert cut.method == segmenter.name
    assert type(segmenter)(**json.loads(json.dumps(cut.settings))) == segmenter


def test_a_count_from_numpy_is_recorded_as_json() -> None:
    assert json.dumps(Slic(np.int64(5))(picture("camera")).settings["count"]) == "5"


@pytest.mark.parametrize("segmenter", ALL[:4], ids=lambda segmenter: segmenter.name)
def test_contours_are_followed(segmenter: Segmenter) -> None:
    height, width = np.mgrid[:240, :320]
    disc = (height - 120) ** 2 + (width - 150) ** 2 < 80**2
    image = np.where(disc[:, :, None], [0.8, 0.2, 0.1], [0.2, 0.4, 0.7])
    image = (image + np.random.default_rng(0).normal(0, 0.03, image.shape)).clip(0, 1)
    cut = segmenter(image.astype(np.float32))
    share = cut.pool(disc.astype(float)) / cut.areas()
    astray = (np.minimum(share, 1 - share) * cut.areas()).sum() / disc.size
    assert astray < 0.01
    grid = Grid()(image)
    share = grid.pool(disc.astype(float)) / grid.areas()
    assert (np.minimum(share, 1 - share) * grid.areas()).sum() / disc.size > 0.05


SHAPES = [
    (1, 1, 3),
    (1, 5, 1),
    (5, 1, 3),
    (2, 2, 3),
    (28, 28, 1),
    (32, 32, 3),
    (10, 12, 16),
    (30, 40, 2),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("flat", [False, True], ids=["noise", "flat"])
@pytest.mark.parametrize("segmenter", ALL[:4], ids=lambda segmenter: segmenter.name)
def test_any_size_and_any_channels(
    segmenter: Segmenter, shape: tuple[int, int, int], flat: bool
) -> None:
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    cut = segmenter(np.full_like(image, 0.5) if flat else image)
    pixels = shape[0] * shape[1]
    assert cut.shape == shape[:2]
    assert pieces(cut) == cut.count
    if segmenter.name in ("slic", "watershed"):
        assert cut.count == min(60, pixels)


def test_grey_in_three_channels_is_cut_much_like_grey() -> None:
    grey = picture("camera")
    one, three = Slic()(grey), Slic()(grey.repeat(3, axis=2))
    fifteen = Slic()(grey.repeat(15, axis=2))
    assert (fifteen.labels != one.labels).mean() < 0.001
    assert (one.boundaries() & three.boundaries()).sum() > 0.4 * one.boundaries().sum()


def test_large_photos_are_cut_small_and_enlarged() -> None:
    sizes = []

    def cut(image: Image) -> np.ndarray:
        sizes.append(image.shape)
        return np.arange(image.shape[0] * image.shape[1]).reshape(image.shape[:2])

    labels = cut_small(np.zeros((1000, 1280, 3), np.float32), cut)
    assert sizes == [(500, 640, 3)]
    np.testing.assert_array_equal(labels[:2, :4], [[0, 0, 1, 1]] * 2)
    assert labels.shape == (1000, 1280)
    cut_small(np.zeros((1, 5000, 1), np.float32), cut)
    cut_small(np.zeros((640, 9, 1), np.float32), cut)
    assert sizes[1:] == [(1, 640, 1), (640, 9, 1)]


def test_enlarged_superpixels_stay_connected() -> None:
    image = picture("rocket")[:401, :640].repeat(2, axis=0).repeat(3, axis=1)
    cut = Slic()(image)
    assert cut.shape == (802, 1920)
    assert pieces(cut) == cut.count == 60


def test_more_is_asked_until_there_is_enough() -> None:
    asked = []

    def stingy(image: Image, count: int) -> np.ndarray:
        asked.append(count)
        return np.arange(100)[None, :] * (count // 2) // 100 + np.zeros((100, 1), int)

    labels = cut_into(np.zeros((100, 100, 1), np.float32), 10, stingy)
    assert asked == [12, 15, 20]
    assert len(np.unique(labels)) == 10


def test_too_few_is_what_remains_when_nothing_gives_more() -> None:
    labels = cut_into(
        np.zeros((9, 9, 1), np.float32), 10, lambda image, count: np.zeros((9, 9), int)
    )
    assert not labels.any()


def test_pieces_of_a_label_are_told_apart() -> None:
    labels = np.array([[0, 1, 0], [1, 1, 0], [0, 1, 1]])
    assert len(np.unique(connected(labels))) == 4


def test_a_grid_is_a_grid() -> None:
    cut = Grid(2, 3)(np.zeros((4, 7, 1), np.float32))
    assert cut.labels[::2].tolist() == [[0, 0, 0, 1, 1, 2, 2], [3, 3, 3, 4, 4, 5, 5]]
    with pytest.raises(InputError, match="4 × 7 picture; got 5 × 3"):
        Grid(5, 3)(np.zeros((4, 7, 1), np.float32))


@pytest.mark.parametrize("segmenter", ALL, ids=lambda segmenter: segmenter.name)
def test_only_pictures_are_cut(segmenter: Segmenter) -> None:
    with pytest.raises(InputError, match="divide by 255"):
        segmenter(np.full((40, 40, 3), 255, np.float32))
    assert segmenter(np.zeros((40, 40), np.uint8)).shape == (40, 40)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Slic(0), "count must be a whole number of at least 1; got 0"),
        (lambda: Slic(60.5), "got 60.5"),
        (lambda: Slic(True), "got True"),
        (lambda: Slic(compactness=0), "compactness must be positive"),
        (lambda: Slic(smoothing=-1), "smoothing must be zero or more"),
        (lambda: Watershed(-3), "got -3"),
        (lambda: Watershed(compactness=float("nan")), "got nan"),
        (lambda: Felzenszwalb(0), "scale must be positive"),
        (lambda: Quickshift(kernel_size=0), "kernel_size"),
        (lambda: Quickshift(max_dist=-1), "max_dist"),
        (lambda: Quickshift(ratio=2), r"ratio must be in \[0, 1\]"),
        (lambda: Grid(0, 3), "rows"),
        (lambda: Grid(3, 0), "columns"),
    ],
)
def test_settings_out_of_range(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("slic:40", Slic(40)),
        (" SLIC ", Slic(60)),
        ("quickshift", Quickshift()),
        ("felzenszwalb:250", Felzenszwalb(250)),
        ("felzenszwalb", Felzenszwalb()),
        ("watershed:30", Watershed(30)),
        ("watershed", Watershed()),
        ("grid:7x9", Grid(7, 9)),
        ("grid:8", Grid(8, 8)),
        ("grid", Grid()),
    ],
)
def test_spellings(spec: str, expected: Segmenter) -> None:
    assert parse_segmenter(spec) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("slik:60", r"one of slic:60, .*; got 'slik:60'; did you mean 'slic'\?"),
        ("", "got ''"),
        ("slic:many", "must look like 'slic:60'; got 'slic:many'"),
        ("slic:", "must look like 'slic:60'"),
        ("quickshift:4", "must look like 'quickshift'"),
        ("grid:7x", "must look like 'grid:7x9'"),
        ("grid:7x8x9", "must look like 'grid:7x9'"),
    ],
)
def test_misspellings(spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_segmenter(spec)


def test_numbers_out_of_range_say_so_in_a_spelling_too() -> None:
    with pytest.raises(InputError, match="whole number of at least 1; got 0"):
        parse_segmenter("slic:0")


def test_every_shared_photo_gets_its_sixty(shared_data: Path) -> None:
    for photo in sorted((shared_data / "photos").glob("*.jpg")):
        cut = Slic(60)(read_image(photo))
        assert cut.count == pieces(cut) == 60, photo.name
        assert cut.areas().min() >= 0.0039 * cut.labels.size, photo.name
