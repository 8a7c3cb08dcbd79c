"""A result and its directory: whole or not at all, and the same after a round trip."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image as pillow

import seewhy as sw
from seewhy.errors import StoreError
from seewhy.run import store
from seewhy.run.directory import write_manifest
from seewhy.run.document import to_document

SCHEMA = json.loads(files("seewhy.run").joinpath("explanation.schema.json").read_text("utf-8"))


@pytest.fixture
def result(model, picture) -> sw.Explained:
    return sw.explain(picture, model, segments="grid:4x5", budget=64, target="rest", against=0)


def test_round_trip_keeps_every_number(result, tmp_path):
    result.save(tmp_path / "out")
    back = sw.Explained.load(tmp_path / "out")
    assert to_document(back) == to_document(result)
    assert back["lime"].values.tobytes() == result["lime"].values.tobytes()
    assert back["lime"].method == result["lime"].method
    assert (back.segmentation.labels == result.segmentation.labels).all()
    assert (back["lime"].converged == result["lime"].converged).all()
    assert back.against == result.against


def test_document_follows_the_schema(result, model, picture):
    jsonschema.validate(to_document(result), SCHEMA)
    exact = sw.explain(picture, model, segments="grid:2")
    jsonschema.validate(to_document(exact), SCHEMA)
    broken = to_document(result)
    broken["explanations"][0]["values"][0] = "one"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_directory_holds_what_the_manifest_says(result, tmp_path):
    result.save(tmp_path / "out")
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {
        "explanation.json",
        "segments.png",
        "picture.png",
        "hidden.png",
        "asked.npz",
        "figure.png",
        "report.html",
        "manifest.json",
    }
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(manifest["files"]) == names - {"manifest.json"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_unseen_pixels_are_65535(model, tmp_path):
    seen = replace(model.preprocessing, shorter_side=40)
    cropped = sw.CallableModel(
        lambda images: images.mean(axis=(1, 2))[:, :2],
        labels=["red", "green"],
        output="raw",
        input_size=(32, 32),
        preprocess=seen,
    )
    rng = np.random.default_rng(0)
    result = sw.explain(rng.random((40, 80, 3)), cropped, segments="grid:2", score="raw")
    result.save(tmp_path / "out")
    with pillow.open(tmp_path / "out" / "segments.png") as png:
        stored = np.array(png)
    assert stored.shape == (40, 80)
    assert (stored[:, :20] == 65535).all()
    assert set(np.unique(stored[4:36, 24:56])) == {0, 1, 2, 3}
    assert (sw.Explained.load(tmp_path / "out").segmentation.labels[:, :20] == -1).all()


def test_earlier_result_is_replaced(result, tmp_path):
    result.save(tmp_path / "out")
    replace(result, seed=99).save(tmp_path / "out")
    assert sw.Explained.load(tmp_path / "out").seed == 99
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_empty_directory_is_used_and_foreign_one_refused(result, tmp_path):
    (tmp_path / "empty").mkdir()
    result.save(tmp_path / "empty")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="not part of an earlier result, and nothing of yours"):
        result.save(tmp_path / "mine")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="must be a directory"):
        result.save(tmp_path / "file")


@pytest.mark.parametrize("failing", ["store._write_files", "directory.write_manifest"])
def test_failure_leaves_the_earlier_result_and_no_litter(result, tmp_path, monkeypatch, failing):
    result.save(tmp_path / "out")

    def die(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(f"seewhy.run.{failing}", die)
    with pytest.raises(OSError, match="disk full"):
        replace(result, seed=99).save(tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert sw.Explained.load(tmp_path / "out").seed == result.seed


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda d: (d / "manifest.json").unlink(), "no finished result"),
        (lambda d: (d / "segments.png").unlink(), "segments.png is missing or was changed"),
        (lambda d: _truncate(d / "explanation.json"), "explanation.json is missing or was changed"),
        (lambda d: (d / "manifest.json").write_text("{"), "no finished result"),
    ],
)
def test_damage_is_named(result, tmp_path, damage, sentence):
    result.save(tmp_path / "out")
    damage(tmp_path / "out")
    with pytest.raises(StoreError, match=sentence):
        sw.Explained.load(tmp_path / "out")


def test_other_schema_is_refused(result, tmp_path):
    result.save(tmp_path / "out")
    file = tmp_path / "out" / "explanation.json"
    file.write_text(file.read_text().replace('"schema": 1', '"schema": 2'))
    (tmp_path / "out" / "manifest.json").unlink()
    write_manifest(tmp_path / "out", kind=store.KIND)
    with pytest.raises(StoreError, match="must be of schema 1; got 2"):
        sw.Explained.load(tmp_path / "out")


def test_missing_directory(tmp_path):
    with pytest.raises(StoreError, match="a result is a directory"):
        sw.Explained.load(tmp_path / "nowhere")


def test_hostile_names_stay_inside(model, picture, tmp_path):
    evil = sw.CallableModel(
        lambda images: images.mean(axis=(1, 2))[:, :2],
        labels=["</script><img src=x onerror=alert(1)>", "$\\frac{1}{0}$\nnew line \u202eRTL"],
        output="raw",
        input_size=(32, 32),
    )
    result = sw.explain(picture, evil, segments="grid:2", score="raw")
    result.save(tmp_path / "out")
    assert sw.Explained.load(tmp_path / "out").targets == result.targets


def test_files_put_beside_a_result_are_never_deleted(result, tmp_path):
    result.save(tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"holds 'notes.txt', which is not part of"):
        result.save(tmp_path / "out")
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_the_directory_one_stands_in_stays_the_same(result, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = tmp_path.stat().st_ino
    result.save(".")
    replace(result, seed=99).save(".")
    assert tmp_path.stat().st_ino == before
    assert sw.Explained.load(".").seed == 99
    assert len(list(tmp_path.iterdir())) == 8


def test_a_link_to_a_directory_is_followed(result, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    result.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert sw.Explained.load(tmp_path / "disk").seed == result.seed


@pytest.mark.parametrize(
    "spoil",
    [
        lambda files: None,
        lambda files: {},
        lambda files: [],
        lambda files: {**files, "segments.png": "abc"},
        lambda files: {**files, "../secret": {"sha256": "0"}},
    ],
)
def test_a_manifest_that_we_did_not_write_is_no_result(result, tmp_path, spoil):
    result.save(tmp_path / "out")
    (tmp_path / "secret").write_text("")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    manifest["files"] = spoil(manifest["files"])
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match="no finished result"):
        sw.Explained.load(tmp_path / "out")
