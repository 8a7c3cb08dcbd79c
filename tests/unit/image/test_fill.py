"""What hidden superpixels show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pillow
from scipy.ndimage import gaussian_filter
from skimage import data

from seewhy.errors import ImageError, InputError, SpecError
from seewhy.image.fill import (
    BlackFill,
    BlurFill,
    Fill,
    GreyFill,
    MeanColourFill,
    MeanFill,
    NoiseFill,
    PictureFill,
    parse_fill,
)
from seewhy.image.read import read_image, read_picture

IMAGE = read_image(data.chelsea())[:40, :50]
LABELS = (np.arange(40)[:, None] // 10 * 5 + np.arange(50)[None, :] // 10).astype(np.int32)
LABELS[:3] = -1
OTHER = read_picture(data.coffee())
FILLS = [
    MeanFill(),
    MeanColourFill(),
    GreyFill(0.3),
    BlackFill(),
    BlurFill(),
    NoiseFill(),
    PictureFill(OTHER),
]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.name)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_fill_is_a_picture_that_leaves_the_outside_alone(fill: Fill, channels: int) -> None:
    image = np.ascontiguousarray(IMAGE[:, :, :channels])
    before = image.copy()
    filled = fill(image, LABELS, rng())
    assert (filled.shape, filled.dtype) == (image.shape, np.float32)
    assert filled.min() >= 0
    assert filled.max() <= 1
    np.testing.assert_array_equal(filled[LABELS == -1], image[LABELS == -1])
    assert (filled[LABELS >= 0] != image[LABELS >= 0]).mean() > 0.5
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(filled, fill(image, LABELS, rng()))


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.name)
def test_settings_are_json_and_name_the_fill(fill: Fill) -> None:
    settings = fill.settings()
    assert json.loads(json.dumps(settings)) == settings
    assert settings["name"] == fill.name


@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.name)
def test_labels_must_fit_the_image(fill: Fill) -> None:
    with pytest.raises(InputError, match=r"\(40, 50\); got \(40, 49\)"):
        fill(IMAGE, LABELS[:, 1:], rng())


def test_mean_is_every_superpixels_own() -> None:
    filled = MeanFill()(IMAGE, LABELS, rng())
    for player in range(LABELS.max() + 1):
        inside = np.equal(LABELS, player)
        expected = IMAGE[inside].mean(axis=0, dtype=np.float64)
        np.testing.assert_allclose(filled[inside], np.tile(expected, (inside.sum(), 1)), atol=1e-6)


def test_mean_with_players_that_have_no_pixel() -> None:
    filled = MeanFill()(IMAGE, np.where(LABELS == 7, 8, LABELS), rng())
    assert np.isfinite(filled).all()


def test_mean_colour_is_of_what_lies_inside() -> None:
    filled = MeanColourFill()(IMAGE, LABELS, rng())
    np.testing.assert_allclose(filled[-1, -1], IMAGE[LABELS >= 0].mean(axis=0), atol=1e-5)
    assert (filled[LABELS >= 0] == filled[-1, -1]).all()
    nothing = np.full_like(LABELS, -1)
    np.testing.assert_array_equal(MeanColourFill()(IMAGE, nothing, rng()), IMAGE)


def test_grey_and_black() -> None:
    assert (GreyFill(0.25)(IMAGE, LABELS, rng())[LABELS >= 0] == 0.25).all()
    assert (BlackFill()(IMAGE, LABELS, rng())[LABELS >= 0] == 0).all()


def test_blur_is_gaussian_within_a_channel_and_relative_to_the_size() -> None:
    filled = BlurFill(0.1)(IMAGE, LABELS, rng())
    for channel in range(3):
        expected = gaussian_filter(IMAGE[:, :, channel], sigma=4, mode="nearest")
        np.testing.assert_allclose(filled[3:, :, channel], expected[3:], atol=1e-6)


def test_noise_comes_from_the_generator_given() -> None:
    first, second = (NoiseFill()(IMAGE, LABELS, np.random.default_rng(seed)) for seed in (1, 2))
    assert (first[LABELS >= 0] != second[LABELS >= 0]).mean() > 0.99
    assert abs(first[LABELS >= 0].mean() - 0.5) < 0.02


def test_a_picture_is_stretched_and_its_channels_follow() -> None:
    colour = np.zeros((2, 2, 3), np.float32)
    colour[:, 1] = [1, 0.5, 0]
    fill = PictureFill(read_picture(colour))
    inside = np.zeros((4, 8), np.int32)
    filled = fill(np.full((4, 8, 3), 0.9, np.float32), inside, rng())
    np.testing.assert_allclose(filled[2, [0, -1]], [[0, 0, 0], [1, 0.5, 0]], atol=1e-6)
    grey = fill(np.full((4, 8, 1), 0.9, np.float32), inside, rng())
    np.testing.assert_allclose(grey[2, -1], [0.299 + 0.587 / 2], atol=1e-6)
    camera = PictureFill(read_picture(data.camera()))
    five = camera(np.zeros((4, 8, 5), np.float32), inside, rng())
    np.testing.assert_array_equal(five, five[:, :, :1].repeat(5, axis=2))
    with pytest.raises(InputError, match="image's 5 channels, or one; got 3"):
        fill(np.zeros((4, 8, 5), np.float32), inside, rng())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GreyFill(1.5), "black to white; got 1.5"),
        (lambda: GreyFill(float("nan")), "got nan"),
        (lambda: BlurFill(0), "positive"),
        (lambda: BlurFill(float("inf")), "got inf"),
        (lambda: PictureFill("a.jpg"), r"read_picture\(\.\.\.\); got str"),
    ],
)
def test_settings_out_of_range(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("mean", MeanFill()),
        ("mean-colour", MeanColourFill()),
        ("Mean-Color", MeanColourFill()),
        ("grey", GreyFill()),
        ("gray:0.25", GreyFill(0.25)),
        ("black", BlackFill()),
        ("blur", BlurFill(0.05)),
        ("blur:0.1", BlurFill(0.1)),
        (" noise ", NoiseFill()),
    ],
)
def test_spellings(spec: str, expected: Fill) -> None:
    assert parse_fill(spec) == expected


def test_a_picture_is_read_from_its_spelling(tmp_path: Path) -> None:
    pillow.new("RGB", (3, 2)).save(tmp_path / "a:b.png")
    fill = parse_fill(f"picture:{tmp_path}/a:b.png")
    assert isinstance(fill, PictureFill)
    assert fill.settings()["picture"] == "a:b.png"
    with pytest.raises(ImageError, match="does not exist"):
        parse_fill("picture:nowhere.png")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("blurr", r"one of mean, .*picture:file\.jpg; got 'blurr'; did you mean 'blur'\?"),
        ("", "got ''"),
        ("blur:wide", r"must look like 'blur:0\.05'; got 'blur:wide'"),
        ("blur:", r"must look like 'blur:0\.05'"),
        ("mean:3", "must look like 'mean'"),
        ("picture", r"must look like 'picture:file\.jpg'"),
    ],
)
def test_misspellings(spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_fill(spec)


def test_numbers_out_of_range_say_so_in_a_spelling_too() -> None:
    with pytest.raises(InputError, match=r"\[0, 1\], black to white"):
        parse_fill("grey:3")
