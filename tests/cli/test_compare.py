"""``seewhy compare`` as a user types it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image as pillow
from typer.testing import CliRunner

from seewhy.cli.app import app

RUN = CliRunner()
QUICK = [
    *("--model", "py:quick_model:quick", "--segments", "grid:4", "--fill", "black"),
    *("--budget", "64", "--method", "lime,occlusion,anchors"),
]


def run(*arguments: str):
    return RUN.invoke(app, ["compare", *arguments])


def other_picture(file):
    pixels = np.random.default_rng(1).integers(100, 255, (32, 32, 3), dtype=np.uint8)
    pillow.fromarray(pixels).save(file)


def test_one_picture(here):
    done = run("picture.png", *QUICK, "--out", "out")
    assert done.exit_code == 0, done.output
    told = " ".join(done.stdout.split())
    assert "picture.png: corner" in told
    for name in ("lime", "occlusion", "anchors", "random order", "blob in the middle"):
        assert name in told
    assert "SRG ↑" in told
    assert "• Take " in told
    assert "to repeat" in told
    assert "→ out/report.html, comparison.png" in told
    files = {file.name for file in (here / "out").iterdir()}
    assert {
        "comparison.json",
        "comparison.png",
        "consensus.png",
        "explanation.json",
        "report.html",
    } <= files
    assert json.loads((here / "out/comparison.json").read_text())["repeats"] == 3


def test_without_out_it_has_a_place_of_its_own(here):
    assert run("picture.png", *QUICK, "--repeats", "1", "-q").exit_code == 0
    assert (here / "compared/picture/comparison.json").is_file()


def test_the_budget_curve_is_drawn(here):
    done = run("picture.png", *QUICK, "--repeats", "1", "--budget-curve", "--out", "out")
    assert done.exit_code == 0, done.output
    assert (here / "out/budget.png").is_file()
    assert json.loads((here / "out/comparison.json").read_text())["budget_curve"]["lime"]


def test_an_object_and_boxes_measure_localisation(here):
    mask = np.zeros((32, 32), np.uint8)
    mask[:16, :16] = 255
    pillow.fromarray(mask).save(here / "mask.png")
    (here / "boxes.json").write_text(json.dumps({"picture.png": [0, 0, 16, 16]}))
    found = []
    for option in (["--object", "mask.png"], ["--boxes", "boxes.json"]):
        done = run("picture.png", *QUICK, "--repeats", "1", *option, "--json")
        assert done.exit_code == 0, done.output
        lime = json.loads(done.stdout)["scores"][0]
        found.append(lime["numbers"]["localisation"]["value"])
    assert found[0] == found[1] > 0.9


def test_a_folder_gives_statistics_and_goes_on_past_what_is_broken(here):
    (here / "photos").mkdir()
    shutil.copy(here / "picture.png", here / "photos/one.png")
    other_picture(here / "photos/two.png")
    (here / "photos/torn.png").write_bytes(b"torn")
    done = run("photos", *QUICK, "--out", "out")
    assert done.exit_code == 3
    assert "2 pictures: means" in done.stdout
    assert "SRG: " in done.stdout
    assert "torn.png" in done.stderr
    files = {file.name for file in (here / "out").iterdir()}
    assert files == {"field.json", "scores.csv", "figure.png", "manifest.json"}
    document = json.loads((here / "out/field.json").read_text())
    assert [line["picture"] for line in document["pictures"]] == ["one.png", "two.png"]


def test_several_pictures_are_a_field_too_and_json_is_the_document(here):
    other_picture(here / "other.png")
    done = run("picture.png", "other.png", *QUICK, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["methods"] == ["lime", "occlusion", "anchors"]
    assert not (here / "compared").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["picture.png", "--budget", "3"], "budget must be a whole number of at least 8"),
        (["picture.png", "--repeats", "0"], "repeats must be a whole number of at least 1"),
        (["nowhere.png"], "does not exist"),
        (["picture.png", "--method", "limee"], "did you mean 'lime'"),
        (["picture.png", "--boxes", "none.json"], "none.json"),
        (["picture.png", "picture.png", "--seed", "1"], "--seed is about one picture"),
        (["picture.png", "picture.png", "--object", "m.png"], "--object is about one picture"),
        (["picture.png", "picture.png", "--budget-curve"], "--budget-curve is about one"),
    ],
)
def test_bad_input_is_one_sentence(here, arguments, sentence):
    done = run(*arguments, "--model", "py:quick_model:quick")
    assert done.exit_code == 2, done.output
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (here / "compared").exists()


def test_an_interruption_keeps_the_pictures_that_are_done(here, monkeypatch):
    from seewhy.run import compare_many

    held = compare_many.hold_each

    def stops(*arguments, **settings):
        yield next(held(*arguments, **settings))
        raise KeyboardInterrupt

    monkeypatch.setattr(compare_many, "hold_each", stops)
    other_picture(here / "other.png")
    done = run("picture.png", "other.png", *QUICK, "--out", "out")
    assert done.exit_code == 130
    assert "Interrupted after 1 of 2 pictures" in done.stderr
    assert len(json.loads((here / "out/field.json").read_text())["pictures"]) == 1


def test_an_interruption_before_the_first_picture_writes_nothing(here, monkeypatch):
    def stops(*arguments, **settings):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("seewhy.run.compare_many.hold_each", stops)
    done = run("picture.png", "picture.png", *QUICK, "--out", "out")
    assert done.exit_code == 130
    assert not (here / "out").exists()


def test_several_pictures_have_a_place_of_their_own(here):
    other_picture(here / "other.png")
    assert run("picture.png", "other.png", *QUICK, "-q").exit_code == 0
    assert (here / "compared/pictures/field.json").is_file()
    assert not (here / "compared/picture").exists()


def test_an_unknown_class_is_one_sentence_before_anything_is_asked(here):
    other_picture(here / "other.png")
    done = run("picture.png", "other.png", *QUICK, "--target", "cat")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "cat" in done.stderr


def test_boxes_that_name_another_picture_are_refused(here):
    (here / "boxes.json").write_text(json.dumps({"other.png": [0, 0, 16, 16]}))
    done = run("picture.png", *QUICK, "--boxes", "boxes.json")
    assert done.exit_code == 2
    assert "names no box for picture.png" in done.stderr


def test_a_folder_of_yours_is_not_overwritten(here):
    (here / "mine").mkdir()
    (here / "mine/thesis.txt").write_text("years")
    done = run("picture.png", *QUICK, "--out", "mine")
    assert done.exit_code == 2
    assert "thesis.txt" in done.stderr


def test_help_names_every_option():
    told = run("--help").stdout
    for option in ("--budget-curve", "--repeats", "--object", "--boxes", "--method", "--json"):
        assert option in told
