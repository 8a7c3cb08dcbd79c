"""Real files of every kind, made by Pillow, and damaged ones."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pillow

from seewhy.errors import ImageError
from seewhy.image.read import read_image

RED, GREEN = (255, 0, 0), (0, 255, 0)


def colours(height: int = 6, width: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(picture: pillow.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm", "webp"])
def test_lossless_formats_give_the_exact_pixels(tmp_path: Path, suffix: str) -> None:
    pixels = colours()
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(pillow.fromarray(pixels), tmp_path / f"a.{suffix}", **options)
    np.testing.assert_array_equal(read_image(path), pixels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("name", ["a.jpg", "a.jfif", "a.dat"])
def test_jpeg_is_recognised_by_its_content(tmp_path: Path, name: str) -> None:
    flat = pillow.new("RGB", (16, 16), (200, 100, 50))
    image = read_image(saved(flat, tmp_path / name, format="JPEG", quality=95))
    np.testing.assert_allclose(image, np.broadcast_to([200, 100, 50], (16, 16, 3)) / 255, atol=0.02)


@pytest.mark.parametrize(
    ("mode", "value", "expected"),
    [
        ("1", 1, [1.0]),
        ("L", 51, [0.2]),
        ("LA", (51, 255), [0.2]),
        ("LA", (51, 0), [1.0]),
        ("RGB", (51, 102, 255), [0.2, 0.4, 1.0]),
        ("RGBA", (51, 102, 255, 255), [0.2, 0.4, 1.0]),
        ("RGBA", (255, 0, 0, 51), [1.0, 0.8, 0.8]),
    ],
)
def test_modes_become_grey_or_rgb(
    tmp_path: Path, mode: str, value: object, expected: list[float]
) -> None:
    image = read_image(saved(pillow.new(mode, (3, 2), value), tmp_path / "a.png"))
    assert image.shape == (2, 3, len(expected))
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, np.broadcast_to(expected, image.shape), atol=1e-6)


def test_transparency_is_laid_over_the_background_asked_for(tmp_path: Path) -> None:
    path = saved(pillow.new("RGBA", (2, 2), (255, 0, 0, 51)), tmp_path / "a.png")
    np.testing.assert_allclose(
        read_image(path, background=(0.0, 0.0, 1.0))[0, 0], [0.2, 0, 0.8], atol=1e-6
    )
    grey = saved(pillow.new("LA", (2, 2), (0, 51)), tmp_path / "grey.png")
    np.testing.assert_allclose(
        read_image(grey, background=(0.0, 0.5, 1.0))[0, 0], [0, 0.4, 0.8], atol=1e-6
    )


def test_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    picture = pillow.new("P", (2, 1))
    picture.putpalette([*RED, *GREEN])
    picture.putpixel((1, 0), 1)
    opaque = saved(picture, tmp_path / "opaque.png")
    np.testing.assert_array_equal(read_image(opaque)[0], [[1, 0, 0], [0, 1, 0]])
    holed = saved(picture, tmp_path / "holed.png", transparency=0)
    np.testing.assert_array_equal(read_image(holed)[0], [[1, 1, 1], [0, 1, 0]])


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_are_scaled_by_their_own_range(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 13107, 65535]], dtype=np.uint16)
    image = read_image(saved(pillow.fromarray(values), tmp_path / f"a.{suffix}"))
    np.testing.assert_allclose(image[:, :, 0], [[0, 0.2, 1]], atol=1e-6)


def test_sixteen_bit_portable_greymap(tmp_path: Path) -> None:
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5 3 1 1000\n" + struct.pack(">3H", 0, 200, 1000))
    np.testing.assert_allclose(read_image(path)[0, :, 0], [0, 0.2, 1], atol=1e-4)


def test_sixteen_bit_rgb_png(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00" + struct.pack(">3H", 13107, 39321, 65535))
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    )
    np.testing.assert_allclose(read_image(path)[0, 0], [0.2, 0.6, 1], atol=1e-3)


def test_float_tiff_must_lie_in_zero_to_one(tmp_path: Path) -> None:
    values = np.array([[0.0, 0.25, 1.0]], dtype=np.float32)
    image = read_image(saved(pillow.fromarray(values), tmp_path / "a.tiff"))
    np.testing.assert_array_equal(image[:, :, 0], values)
    with pytest.raises(ImageError, match="divide by 255"):
        read_image(saved(pillow.fromarray(values * 255), tmp_path / "b.tiff"))


def test_whole_numbers_of_unknown_range_are_refused(tmp_path: Path) -> None:
    values = np.array([[0, 1 << 20]], dtype=np.int32)
    with pytest.raises(ImageError, match="0 to 1048576, whose range is not known"):
        read_image(saved(pillow.fromarray(values), tmp_path / "a.tiff"))


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    cyan = pillow.new("CMYK", (8, 8), (255, 0, 0, 0))
    image = read_image(saved(cyan, tmp_path / "a.jpg", quality=95))
    np.testing.assert_allclose(image[4, 4], [0, 1, 1], atol=0.02)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_an_animation_gives_its_first_frame(tmp_path: Path, suffix: str) -> None:
    frames = [pillow.new("RGB", (4, 4), colour) for colour in (RED, GREEN)]
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(read_image(path)[0, 0], [1, 0, 0])


# Where the top left corner of the upright picture is stored, for each EXIF orientation.
CORNERS = {
    1: (0, 0),
    2: (0, -1),
    3: (-1, -1),
    4: (-1, 0),
    5: (0, 0),
    6: (-1, 0),
    7: (-1, -1),
    8: (0, -1),
}


@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    # The upright picture is 32 wide, 16 high, with a white corner top left.
    stored = np.zeros((16, 32) if orientation < 5 else (32, 16), dtype=np.uint8)
    row, column = CORNERS[orientation]
    stored[slice(0, 8) if row == 0 else slice(-8, None), :][
        :, slice(0, 8) if column == 0 else slice(-8, None)
    ] = 255
    exif = pillow.Exif()
    exif[0x0112] = orientation
    picture = pillow.fromarray(np.stack([stored] * 3, axis=2))
    image = read_image(saved(picture, tmp_path / f"a.{suffix}", exif=exif))
    assert image.shape == (16, 32, 3)
    assert image[2, 2].min() > 0.9
    assert image[8:].max() < 0.1
    assert image[:, 16:].max() < 0.1


def test_broken_metadata_does_not_hide_intact_pixels(tmp_path: Path) -> None:
    path = saved(pillow.fromarray(colours()), tmp_path / "a.png", exif=b"Exif\x00\x00nonsense")
    assert read_image(path).shape == (6, 8, 3)


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    image = read_image(saved(pillow.new("RGB", (1, 1), RED), tmp_path / "a.gif"))
    np.testing.assert_array_equal(image, [[[1, 0, 0]]])


def png_bomb(side: int) -> bytes:
    """A valid header and nothing behind it: only a reader that decodes would notice."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    parts = b"\x89PNG\r\n\x1a\n"
    for chunk in (header, data):
        parts += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return parts


@pytest.mark.parametrize(
    ("side", "limit", "message"),
    [
        (20_000, {}, "too large"),
        (10_001, {}, "10001 × 10001 pixels, more than the 100,000,000 allowed"),
        (9_600, {}, "damaged or cut short"),
        (20_000, {"max_pixels": 10**9}, "too large"),
        (11, {"max_pixels": 120}, "11 × 11 pixels, more than the 120 allowed"),
    ],
)
def test_too_many_pixels_are_refused_from_the_header(
    tmp_path: Path, side: int, limit: dict[str, int], message: str
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_bomb(side))
    with pytest.raises(ImageError, match=message):
        read_image(path, **limit)


def jpeg(height: int = 200, width: int = 200) -> bytes:
    buffer = io.BytesIO()
    pillow.fromarray(colours(height, width)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95])
def test_a_truncated_jpeg_is_refused(tmp_path: Path, kept: float) -> None:
    path, data = tmp_path / "a.jpg", jpeg()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(ImageError, match=r"a\.jpg' is damaged or cut short: .*truncated"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["png", "gif", "tiff", "webp", "bmp", "ppm"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = saved(pillow.fromarray(colours(64, 64)), tmp_path / f"a.{suffix}")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError):
        read_image(path)


def test_random_damage_ends_in_a_picture_or_an_image_error(tmp_path: Path) -> None:
    rng, path, refused = np.random.default_rng(3), tmp_path / "a", 0
    for suffix in ("jpeg", "png", "gif", "tiff", "webp", "bmp", "ppm"):
        buffer = io.BytesIO()
        pillow.fromarray(colours(20, 20)).save(buffer, suffix)
        for _ in range(40):
            data = np.frombuffer(buffer.getvalue(), np.uint8).copy()
            data[rng.integers(0, len(data), 12)] = rng.integers(0, 256, 12)
            path.write_bytes(data.tobytes())
            try:
                read_image(path, max_pixels=10**6)
            except ImageError:
                refused += 1
    assert refused > 40


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"these are words\n" * 9, "a text file"),
        (b"<?xml?><svg></svg>", "an SVG drawing"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "HEIC"),
        (b"%PDF-1.7", "a PDF"),
        (bytes(200), "a file of unknown content"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=f"{message}.*convert it to PNG or JPEG"):
        read_image(path)


def test_formats_beyond_the_list_are_refused_though_pillow_knows_them(tmp_path: Path) -> None:
    path = saved(pillow.new("RGB", (16, 16)), tmp_path / "a.ico")
    with pillow.open(path) as opened:
        assert opened.size == (16, 16)
    with pytest.raises(ImageError, match="an icon, not a picture in one of the formats JPEG, PNG"):
        read_image(path)
