"""Sources, arrays, limits, and what the errors say."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as pillow
from skimage import data

from seewhy.errors import ImageError, InputError
from seewhy.image.read import Picture, as_image, read_image, read_picture


@pytest.fixture
def bus(tmp_path: Path) -> Path:
    path = tmp_path / "school_bus.png"
    pillow.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3)).save(path)
    return path


def test_a_picture_knows_where_it_came_from(bus: Path) -> None:
    picture = read_picture(bus)
    assert (picture.name, picture.path) == ("school_bus.png", str(bus))
    assert (picture.height, picture.width) == (4, 5)
    assert not picture.pixels.flags.writeable
    assert read_picture(picture) is picture
    assert read_image(picture) is picture.pixels
    assert picture == read_picture(str(bus))


def test_the_fingerprint_is_of_the_pixels_only(bus: Path, tmp_path: Path) -> None:
    picture = read_picture(bus)
    pillow.open(bus).save(tmp_path / "copy.bmp")
    assert read_picture(tmp_path / "copy.bmp").sha256 == picture.sha256
    assert read_picture(np.array(picture.pixels)).sha256 == picture.sha256
    changed = np.array(picture.pixels)
    changed[0, 0, 0] += 0.5
    assert read_picture(changed).sha256 != picture.sha256
    assert read_picture(changed.reshape(5, 4, 3)).sha256 != read_picture(changed).sha256


def test_pillow_images_are_read_like_files(bus: Path) -> None:
    with pillow.open(bus) as opened:
        picture = read_picture(opened)
    assert picture.name == "school_bus.png"
    assert picture.path is None
    np.testing.assert_array_equal(picture.pixels, read_image(bus))
    assert read_picture(pillow.new("L", (3, 2))).name == "image"


def test_a_damaged_pillow_image_is_found_when_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    pillow.fromarray(np.random.default_rng(0).integers(0, 255, (50, 50), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:900])
    with pillow.open(path) as opened, pytest.raises(ImageError, match="image is damaged"):
        read_image(opened)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 51]], np.uint8), [0, 0.2]),
        (np.array([[0, 13107]], np.uint16), [0, 0.2]),
        (np.array([[False, True]]), [0, 1]),
        (np.array([[0, 0.2]], np.float64), [0, 0.2]),
        (np.array([[0, 0.25]], np.float16), [0, 0.25]),
        (np.array([[-1e-7, 1 + 1e-7]], np.float64), [0, 1]),
    ],
)
def test_arrays_are_scaled_by_their_type(array: np.ndarray, expected: list[float]) -> None:
    image = read_image(array)
    assert (image.shape, image.dtype) == ((1, 2, 1), np.float32)
    np.testing.assert_allclose(image[0, :, 0], expected, atol=1e-7)
    assert image.min() >= 0
    assert image.max() <= 1


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 16)),
        elements=st.floats(0, 1, width=32),
    )
)
def test_floats_in_range_pass_unchanged_and_are_copied(array: np.ndarray) -> None:
    image = read_image(array)
    np.testing.assert_array_equal(image, array)
    assert not np.shares_memory(image, array)


def test_any_number_of_channels_up_to_sixteen() -> None:
    assert read_image(np.zeros((3, 4, 16), np.uint8)).shape == (3, 4, 16)
    assert read_image(np.asfortranarray(np.zeros((3, 4, 2), np.uint8))).flags.c_contiguous


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[0.0, 255.0]]), r"floats in \[0, 1\], got values from 0 to 255; divide by 255"),
        (np.array([[0.0, 4095.0]]), "divide by 65535"),
        (np.array([[-1.0, 1.0]]), r"pass \(image \+ 1\) / 2"),
        (np.array([[-2.1, 2.6]]), "undo the normalisation"),
        (np.array([[0.0, np.nan]]), "NaN or infinite"),
        (np.array([[0.0, np.inf]]), "NaN or infinite"),
        (np.zeros((3, 224, 224)), r"channels last, got shape \(3, 224, 224\); .*transpose"),
        (np.zeros((1, 28, 28), np.uint8), "channels last"),
        (np.zeros((40, 40, 40)), "1 to 16 channels"),
        (np.zeros((1, 8, 8, 3)), "pass one of the batch"),
        (np.zeros(5), r"shape \(h, w\) or \(h, w, c\).* got shape \(5,\)"),
        (np.zeros((0, 4, 3)), "some pixels"),
        (np.zeros((4, 4), np.int64), r"got int64; .*astype\(np\.uint8\)"),
        (np.array([["a"]]), "got <U1"),
        (np.zeros((2, 2), complex), "got complex128"),
    ],
)
def test_arrays_that_are_no_pictures(array: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_image(array)


def test_anything_else_is_refused_by_name() -> None:
    with pytest.raises(ImageError, match=r"a path, a Pillow image or an array; got builtins\.int"):
        read_image(7)  # type: ignore[arg-type]


def test_a_missing_file_suggests_its_neighbours(bus: Path) -> None:
    with pytest.raises(ImageError, match=r"does not exist; did you mean 'school_bus\.png'\?"):
        read_image(bus.with_name("schoolbus.png"))
    with pytest.raises(ImageError, match=r"'.*xyzzy' does not exist in '"):
        read_image(bus.with_name("xyzzy"))
    with pytest.raises(ImageError, match=r"does not exist: there is no folder '.*nowhere'"):
        read_image(bus.parent / "nowhere" / "a.png")


def test_folders_empty_files_and_addresses(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path)
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ImageError, match=r"empty \(0 bytes\)"):
        read_image(tmp_path / "empty.jpg")
    with pytest.raises(ImageError, match="download the picture"):
        read_image("https://example.org/cat.jpg")
    with pytest.raises(ImageError, match="cannot be read"):
        read_image("a" * 400 + ".png")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="not a regular file"):
        read_image(tmp_path / "pipe.jpg")


def test_large_files_are_refused_before_they_are_read(bus: Path) -> None:
    size = bus.stat().st_size
    assert read_image(bus, max_bytes=size).shape == (4, 5, 3)
    with pytest.raises(ImageError, match=f"has {size} bytes, more than the {size - 1} allowed"):
        read_image(bus, max_bytes=size - 1)


@pytest.mark.parametrize("background", [(0, 0), (0, 0, 2), (0, 0, float("nan"))])
def test_background_must_be_a_colour(bus: Path, background: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="three numbers"):
        read_image(bus, background=background)  # type: ignore[arg-type]


def test_as_image_leaves_a_checked_image_alone() -> None:
    image = read_image(data.chelsea())
    assert as_image(image) is image


def test_every_shared_photo_is_read(shared_data: Path) -> None:
    photos = sorted((shared_data / "photos").iterdir())
    assert len(photos) > 20
    for photo in photos:
        picture = read_picture(photo)
        assert isinstance(picture, Picture)
        assert picture.pixels.shape[2] in (1, 3)
        assert picture.pixels.std() > 0


def test_only_pictures_are_suggested(tmp_path):
    for name in ("other.pth", "whole.jpg"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ImageError, match=r"did you mean 'whole\.jpg'\?$"):
        read_picture(tmp_path / "wholer.jpg")
    with pytest.raises(ImageError) as caught:
        read_picture(tmp_path / "other.jpg")
    assert "other.pth" not in str(caught.value)
