"""Methods compared over many pictures."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image as pillow

import seewhy as sw
from seewhy.errors import InputError, StoreError
from seewhy.run.field import REFERENCE, Failure, Field, Line

CHEAP = {"segments": "grid:5", "fill": "black", "budget": 64}


@pytest.fixture(scope="module")
def patch_model():
    def patches(images):
        corner = images[:, :16, :16].mean(axis=(1, 2, 3))
        return np.stack([4 * corner, 0 * corner], axis=1)

    return sw.CallableModel(
        patches, labels=["corner", "rest"], output="logits", input_size=(32, 32)
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("photos")
    for number in range(7):
        rng = np.random.default_rng(number)
        pixels = rng.integers(128, 256, (32, 32, 3), dtype=np.uint8)
        pillow.fromarray(pixels).save(place / f"photo-{number}.png")
    (place / "broken.png").write_bytes(b"no picture")
    boxes = {f"photo-{number}.png": [0, 0, 16, 16] for number in range(6)}
    (place / "boxes.json").write_text(json.dumps({**boxes, "photo-6.png": [0, 0, 32, 32]}))
    return place


@pytest.fixture(scope="module")
def field(folder, patch_model):
    return sw.compare_many(
        folder,
        patch_model,
        methods="lime,kernel-shap,occlusion",
        boxes=folder / "boxes.json",
        **CHEAP,
    )


def test_every_picture_has_a_line_and_a_broken_one_a_reason(field):
    assert [line.picture for line in field.lines] == [f"photo-{n}.png" for n in range(7)]
    (failure,) = field.failures
    assert failure.picture == "broken.png"
    assert "broken.png" in failure.reason
    assert "1 picture could not be compared, such as broken.png" in field.sentences()[-1]


def test_the_object_that_fills_the_picture_is_left_out(field):
    on_object = field.table("localisation")
    assert np.isfinite(on_object[:6]).all()
    assert np.isnan(on_object[6]).all()
    assert np.isfinite(field.table("srg")).all()


def test_means_have_intervals_and_references_lose(field):
    lime = field.means["lime"]["srg"]
    assert lime.low <= lime.value <= lime.high
    assert field.references == (REFERENCE + "random order", REFERENCE + "blob in the middle")
    for reference in field.references:
        assert field.means[reference]["srg"].value < lime.value - 0.2


def test_each_line_is_what_compare_says_of_the_picture(field, folder, patch_model):
    one = sw.compare(
        folder / "photo-3.png",
        patch_model,
        methods="lime,kernel-shap,occlusion",
        repeats=1,
        **CHEAP,
    )
    line = field.lines[3]
    for scores in one.scoreboard.scores:
        for key, number in scores.numbers.items():
            if key != "seconds":
                assert line.values[scores.name][key] == number.value
    assert line.target == one.target.label


def test_it_saves_and_loads(field, tmp_path):
    field.save(tmp_path / "out")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        "field.json",
        "scores.csv",
        "figure.png",
        "manifest.json",
    }
    loaded = Field.load(tmp_path / "out")
    assert loaded.sentences() == field.sentences()
    assert loaded.means == field.means
    assert loaded.failures == field.failures
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7 * 5
    assert float(rows[0]["srg"]) == field.lines[0].values["lime"]["srg"]
    with pytest.raises(StoreError, match="seewhy compare --out"):
        Field.load(tmp_path)


def made_up(scores, names=("a", "b", "c"), key="srg"):
    """A field with known scores: a row per picture."""
    tables = [{name: {key: v} for name, v in zip(names, row, strict=True)} for row in scores]
    lines = tuple(Line(f"{n}.png", "cat", 0.9, 10, table) for n, table in enumerate(tables))
    return Field(
        model="made up",
        lines=lines,
        failures=(),
        methods=names,
        protocol=sw.Protocol(),
        budget=64,
        repeats=1,
    )


def test_what_is_better_on_every_picture_leads_alone():
    rng = np.random.default_rng(0)
    common = rng.normal(0.5, 0.2, 20)
    found = made_up(np.stack([common + 0.1, common, common + rng.normal(0, 0.01, 20)], axis=1))
    assert found.leader("srg") == "a"
    assert found.best("srg") == {"a"}
    assert "a leads with" in found.sentences()[0]
    assert "ahead of every other method" in found.sentences()[0]


def test_what_cannot_be_told_apart_is_said_with_the_pictures_it_takes():
    rng = np.random.default_rng(1)
    scores = rng.normal([0.53, 0.5], 0.2, (12, 2))
    found = made_up(scores, names=("a", "b"))
    assert found.best("srg") == {"a", "b"}
    sentence = found.sentences()[0]
    assert "not separable at 12 pictures" in sentence
    (pair,) = found.differences("srg")
    assert f"needs about {pair.pictures_needed} pictures" in sentence
    spread = np.std(scores[:, 0] - scores[:, 1], ddof=1)
    gap = abs(np.mean(scores[:, 0] - scores[:, 1]))
    assert pair.pictures_needed == pytest.approx(7.85 * spread**2 / gap**2, rel=0.01, abs=1)


def test_lower_is_better_where_it_is():
    found = made_up(np.tile([0.1, 0.4, 0.4], (10, 1)), key="deletion")
    assert found.leader("deletion") == "a"
    assert found.best("deletion") == {"a"}


def test_a_method_no_better_than_a_reference_is_named():
    names = ("a", "b", REFERENCE + "random order")
    found = made_up(np.tile([0.3, -0.1, 0.0], (8, 1)), names=names)
    found = Field(**{**found.__dict__, "methods": ("a", "b")})
    assert found.sentences()[-1].startswith("By SRG, b reaches no more than random order (0.00)")


def test_what_ranks_nothing_is_refused(field):
    with pytest.raises(InputError, match="'sparsity' ranks nothing; measures that do: srg"):
        field.differences("sparsity")


def test_no_picture_at_all_is_an_error():
    with pytest.raises(InputError, match=r"no picture could be compared \(a.png: torn\)"):
        Field(
            model="m",
            lines=(),
            failures=(Failure("a.png", "torn"),),
            methods=("lime",),
            protocol=sw.Protocol(),
            budget=64,
            repeats=1,
        )


def test_a_picture_that_comes_twice_counts_once(folder, patch_model):
    twice = [folder / "photo-0.png", folder / "photo-1.png", folder / "photo-0.png"]
    found = sw.compare_many(twice, patch_model, methods="occlusion", **CHEAP)
    assert [line.picture for line in found.lines] == ["photo-0.png", "photo-1.png"]
    assert found.failures == (Failure("photo-0.png", "is the same picture as photo-0.png"),)


def test_pictures_of_one_name_are_told_apart_by_their_folders(tmp_path, patch_model):
    for number, place in enumerate(("a", "b")):
        (tmp_path / place).mkdir()
        pixels = np.random.default_rng(number).integers(128, 256, (32, 32, 3), dtype=np.uint8)
        pillow.fromarray(pixels).save(tmp_path / place / "one.png")
    both = [tmp_path / "a" / "one.png", tmp_path / "b" / "one.png"]
    found = sw.compare_many(both, patch_model, methods="occlusion", **CHEAP)
    assert [line.picture for line in found.lines] == ["a/one.png", "b/one.png"]


def test_a_leader_by_rounding_alone_names_the_one_it_ties_with():
    scores = np.tile([0.3, 0.3], (8, 1))
    scores[:, 1] += 1e-17 + 1e-16
    found = made_up(scores, names=("a", "b"))
    leader = found.leader("srg")
    (rival,) = {"a", "b"} - {leader}
    assert f"not separable at 8 pictures: {rival}" in found.sentences()[0]


def test_a_rival_that_wins_where_both_are_defined_is_not_forgotten():
    scores = np.tile([0.5, 0.4], (8, 1))
    scores[:6, 1] = 0.51  # better on the common pictures …
    scores[6:, 0] = np.nan
    scores[6:, 1] = 0.0  # … and worse on average
    found = made_up(scores, names=("a", "b"))
    assert found.leader("srg") == "a"
    assert "ahead of every other method" not in found.sentences()[0]
    assert "not separable at 6 pictures: b" in found.sentences()[0]


def test_an_unknown_class_is_refused_once(folder, patch_model):
    with pytest.raises(InputError, match="cat"):
        sw.compare_many(folder, patch_model, methods="occlusion", target="cat", **CHEAP)
