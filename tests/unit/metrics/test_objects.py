from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image as pillow

from seewhy.errors import ImageError, InputError
from seewhy.metrics.localisation import object_mask
from seewhy.metrics.objects import Annotation, annotation_of, read_boxes, read_object

DISC = np.hypot(*np.mgrid[-10:11, -12:13]) < 7
BOX, OTHER = (1.0, 2.0, 5.0, 9.0), (3.0, 3.0, 4.0, 4.0)


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "boxes.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.mark.parametrize("level", [1, 3, 255])
@pytest.mark.parametrize("ending", ["png", "bmp", "tif"])
def test_what_is_not_zero_is_the_object(tmp_path, ending, level):
    path = tmp_path / f"mask.{ending}"
    pillow.fromarray(DISC.astype(np.uint8) * np.uint8(level)).save(path)
    assert (read_object(path) == DISC).all()
    assert (read_object(str(path)) == DISC).all()


def test_any_channel_counts_and_what_is_transparent_does_not(tmp_path):
    colours = np.zeros((*DISC.shape, 3), np.uint8)
    colours[DISC, 2] = 7
    pillow.fromarray(colours).save(tmp_path / "blue.png")
    assert (read_object(tmp_path / "blue.png") == DISC).all()
    clear = np.full((*DISC.shape, 4), 200, np.uint8)
    clear[..., 3] = DISC * 255
    pillow.fromarray(clear).save(tmp_path / "clear.png")
    assert (read_object(tmp_path / "clear.png") == DISC).all()
    palette = pillow.fromarray(DISC.astype(np.uint8))
    palette.putpalette([0, 0, 0, 128, 0, 0])
    palette.save(tmp_path / "palette.png")
    assert (read_object(tmp_path / "palette.png") == DISC).all()


def test_a_jpeg_is_cut_at_half(tmp_path):
    path = tmp_path / "mask.jpg"
    pillow.fromarray(DISC.astype(np.uint8) * 255).save(path, quality=60)
    assert (np.asarray(pillow.open(path)) > 0).sum() > 1.2 * DISC.sum()  # it does blur
    assert (read_object(path) == DISC).mean() > 0.99


@pytest.mark.parametrize("kind", [bool, np.int64, np.float32])
def test_an_array_is_a_mask(kind):
    assert (read_object(DISC.astype(kind)) == DISC).all()
    assert (read_object(-3 * DISC.astype(float)[..., None]) == DISC).all()


def test_a_mask_without_an_object_or_a_background_is_refused(tmp_path):
    path = tmp_path / "mask.png"
    pillow.new("L", (4, 4)).save(path)
    with pytest.raises(InputError, match=r"mask\.png' is empty"):
        read_object(path)
    pillow.new("L", (4, 4), 9).save(path)
    with pytest.raises(InputError, match="every pixel as the object"):
        read_object(path)
    with pytest.raises(InputError, match=r"got \(5,\)"):
        read_object(np.ones(5))
    with pytest.raises(ImageError, match="does not exist"):
        read_object(tmp_path / "none.png")


@pytest.mark.parametrize(
    ("content", "boxes", "labels"),
    [
        ({"a.jpg": BOX}, [BOX], [None]),
        ({"a.jpg": [BOX, OTHER]}, [BOX, OTHER], [None, None]),
        ({"a.jpg": {"box_xyxy": BOX, "label": 7, "name": "owl"}}, [BOX], [7]),
        ({"a.jpg": {"boxes": [BOX, OTHER], "class": "owl"}}, [BOX, OTHER], ["owl", "owl"]),
        ({"a.jpg": {"boxes": [BOX, OTHER], "labels": [1, 2]}}, [BOX, OTHER], [1, 2]),
        ({"a.jpg": [{"bbox": BOX, "class": 1}, {"bbox": OTHER}]}, [BOX, OTHER], [1, None]),
        ({"a.jpg": {"box_xywh": [1, 2, 4, 7]}}, [BOX], [None]),
        ([{"file": "a.jpg", "box": BOX, "category": "owl"}], [BOX], ["owl"]),
        ([{"file_name": "a.jpg", "box_xyxy": BOX, "label": 0}], [BOX], [0]),
        ([{"image": "a.jpg", "boxes": [OTHER, BOX]}], [OTHER, BOX], [None, None]),
        (
            [{"image": "a.jpg", "bbox": BOX, "label": 1}, {"image": "a.jpg", "bbox": OTHER}],
            [BOX, OTHER],
            [1, None],
        ),
        (
            [{"filename": "a.jpg", "xmin": 1, "ymin": 2, "xmax": 5, "ymax": 9, "class": "owl"}],
            [BOX],
            ["owl"],
        ),
        (
            {
                "images": [{"id": 3, "file_name": "a.jpg"}, {"id": 4, "file_name": "b.jpg"}],
                "annotations": [
                    {"image_id": 3, "bbox": [1, 2, 4, 7], "category_id": 16},
                    {"image_id": 3, "bbox": [3, 3, 1, 1], "category_id": 17},
                ],
                "categories": [{"id": 16, "name": "bird"}],
            },
            [BOX, OTHER],
            ["bird", 17],
        ),
    ],
)
def test_forms_of_boxes(written, content, boxes, labels):
    found = read_boxes(written(content))
    assert found == {"a.jpg": Annotation(tuple(boxes), tuple(labels))}


def test_pictures_without_a_box_are_left_out(written):
    assert list(read_boxes(written({"a.jpg": [], "b.jpg": BOX}))) == ["b.jpg"]


def test_the_class_is_told_when_there_is_one():
    assert Annotation((BOX,), ("owl",)).label == "owl"
    assert Annotation((BOX, OTHER), (4, 4)).label == 4
    two = Annotation((BOX, OTHER), (4, 5))
    assert two.label is None
    assert two.of_class(5) == (OTHER,)
    assert two.of_class("owl") == ()


def test_a_picture_is_found_by_the_most_of_its_path():
    one, two, three = (Annotation((BOX,), (label,)) for label in "abc")
    known = {"1.jpg": one, "cats/1.jpg": two, "cats/2.jpg": three}
    assert annotation_of(known, "photos/cats/1.jpg") is two
    assert annotation_of(known, "photos/dogs/1.jpg") is one
    assert annotation_of(known, "cats/2.jpg") is three
    assert annotation_of(known, "dogs/2.jpg") is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "cannot be read as JSON"),
        ("3", "must hold an object or a list; it holds 3"),
        ([{"box": BOX}], "must name its picture under file or file_name"),
        ([BOX], "must name its picture"),
        ({"a.jpg": {"where": BOX}}, "under box_xyxy, box, boxes or bbox"),
        ({"a.jpg": [1, 2, 3]}, r"must be four numbers each.*got \[1, 2, 3\]"),
        ({"a.jpg": "here"}, "must be four numbers"),
        ({"a.jpg": [[1, 2, 3, 4], [1]]}, "must be four numbers"),
        ({"a.jpg": [1, 2, None, 4]}, "must be four numbers"),
        ({"a.jpg": [100, 120, 30, 40]}, "x0 < x1 and y0 < y1; boxes of x, y, width and height"),
        ({"a.jpg": {"box_xywh": [1, 2, 0, 4]}}, "positive width and height"),
        ({"images": [{"id": 3}], "annotations": []}, "lacks 'file_name'"),
        (
            {"images": [], "annotations": [{"image_id": 8, "bbox": [1, 2, 3, 4]}]},
            "looks like COCO, but a picture or annotation lacks 8",
        ),
    ],
)
def test_what_is_no_list_of_boxes_is_refused(written, content, complaint):
    path = written(content)
    with pytest.raises(InputError, match=complaint) as caught:
        read_boxes(path)
    assert "boxes.json" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.json' cannot be read"):
        read_boxes(tmp_path / "none.json")


def test_boxes_of_real_photos_fit_them(shared_data):
    folder = shared_data / "imagenet" / "val"
    found = read_boxes(folder / "annotations.json")
    assert len(found) == 300
    chow = annotation_of(found, folder / "ILSVRC2012_val_00000355.jpg")
    assert chow == Annotation(((51.81, 61.29, 199.05, 214.74),), (260,))
    shares = [object_mask((227, 227), annotation.boxes).mean() for annotation in found.values()]
    assert min(shares) > 0.001
    assert 0.3 < np.median(shares) < 0.6


def test_a_real_mask_of_labels(shared_data):
    mask = read_object(shared_data / "photos" / "bird_segmentation_mask.bmp")
    assert mask.shape == (513, 513)
    assert mask.mean() == pytest.approx(52614 / 513**2)
