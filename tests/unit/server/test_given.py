"""Pictures that come in, their names, and how many are kept."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image as pillow

import seewhy as sw
from seewhy.image.read import Picture, read_picture
from seewhy.server.offers import labels_like
from seewhy.server.pictures import (
    Given,
    Pictures,
    clean_name,
    decoded,
    predictions_for,
    taken,
)
from seewhy.server.refusal import RefusedError


def png(pixels, kind="PNG", **settings):
    packed = io.BytesIO()
    pillow.fromarray(pixels).save(packed, kind, **settings)
    return packed.getvalue()


@pytest.fixture
def pixels():
    return np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_an_upload_is_the_picture_that_python_reads(pixels, tmp_path):
    (tmp_path / "a.png").write_bytes(png(pixels))
    there = read_picture(tmp_path / "a.png")
    given = decoded(png(pixels), "a.png", max_pixels=10**6)
    assert given.picture.sha256 == there.sha256  # and so the same seed, the same numbers
    assert np.array_equal(given.picture.pixels, there.pixels)
    assert (given.picture.name, given.picture.path) == ("a.png", None)


def test_the_preview_is_a_small_jpeg(pixels):
    given = taken(read_picture(np.tile(pixels, (40, 40, 1))))
    head, _, data = given.preview.partition(",")
    assert head == "data:image/jpeg;base64"
    with pillow.open(io.BytesIO(base64.b64decode(data))) as shown:
        assert shown.size == (720, 480)


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        (b"", 400, "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "an SVG drawing"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", 415, "a text file"),
        (b"%PDF-1.7", 415, "a PDF"),
        (bytes(range(256)) * 4, 415, "unknown content"),
        (png(np.zeros((30, 30, 3), np.uint8))[:60], 422, "damaged"),
        (png(np.zeros((400, 400, 3), np.uint8)), 413, "more than the 90,000 allowed; shrink it"),
    ],
)
def test_what_is_no_good_picture_is_refused_in_a_sentence(data, status, sentence):
    with pytest.raises(RefusedError) as refusal:
        decoded(data, "x.png", max_pixels=90_000)
    assert refusal.value.status == status
    assert sentence in refusal.value.sentence
    assert "max_pixels" not in refusal.value.sentence  # nothing a browser could raise


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("bus.jpg", "bus.jpg"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\r\nSet-Cookie: x.png", "a Set-Cookie: x.png"),
        ("null\0byte.png", "null byte.png"),
        ("‮gnp.exe", "gnp.exe"),
        ("lone\ud800.png", "lone?.png"),
        ("", "picture"),
        ("..", "picture"),
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
    ],
)
def test_names_are_one_line_without_a_path(name, clean):
    assert clean_name(name) == clean


def test_a_name_of_ten_thousand_letters_is_cut():
    assert len(clean_name("x" * 10_000 + ".png")) == 120
    assert clean_name("x" * 10_000 + ".png").endswith(".png")


def held(size):
    pixels = np.zeros((1, size, 1), np.float32)
    return Given(Picture(pixels, "p", None, ""))


def test_the_oldest_pictures_are_dropped_by_count_unless_used():
    pictures = Pictures(most=2, memory=10**9)
    first, second, third = (held(1) for _ in range(3))
    for given in (first, second):
        pictures.keep(given)
    assert pictures[first.id] is first
    pictures.keep(third)
    assert pictures[first.id] is first
    with pytest.raises(RefusedError, match="no longer here"):
        pictures[second.id]


def test_the_oldest_pictures_are_dropped_by_memory_but_never_the_last():
    pictures = Pictures(most=9, memory=4 * 100)
    first, second, huge = held(60), held(60), held(1000)
    pictures.keep(first)
    pictures.keep(second)
    with pytest.raises(RefusedError):
        pictures[first.id]
    pictures.keep(huge)
    assert pictures[huge.id] is huge


def brightness(images):
    return images.mean(axis=(1, 2, 3))[:, None] * np.array([[1.0, 2.0, -1.0]])


@pytest.mark.parametrize("output", ["logits", "raw"])
def test_predictions_are_those_of_explain(pixels, output):
    model = sw.CallableModel(brightness, labels=["a", "b", "c"], output=output, input_size=(20, 30))
    score = "raw" if output == "raw" else "log-odds"
    result = sw.explain(pixels, model, segments="grid:2", score=score, methods="occlusion")
    found = predictions_for(read_picture(pixels), model)
    assert [one["label"] for one in found] == ["b", "a", "c"]
    for one, there in zip(found, result.predictions, strict=True):
        assert one["score"] == pytest.approx(there.score, abs=1e-5)
        assert one["probability"] == pytest.approx(there.probability, abs=1e-6)


def test_a_picture_that_the_model_cannot_take_is_refused():
    model = sw.CallableModel(
        brightness, labels=["a", "b", "c"], output="logits", input_size=(8, 8, 5)
    )
    with pytest.raises(RefusedError) as refusal:
        predictions_for(read_picture(np.zeros((9, 9, 3), np.uint8)), model)
    assert refusal.value.status == 422


def test_class_names_are_found_by_parts_words_first_and_no_more_than_twenty():
    labels = ["oscar", "car", "sports car", "carton", "bus"]
    assert [one["label"] for one in labels_like("CAR ", labels, {})] == [
        "car",
        "carton",
        "sports car",
        "oscar",
    ]
    assert labels_like("omni", labels, {"omnibus": 4}) == [{"index": 4, "label": "bus"}]
    assert labels_like("zzz", labels, {}) == []
    assert len(labels_like("", [f"class {n}" for n in range(99)], {})) == 20
