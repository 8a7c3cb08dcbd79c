"""Anchors, counterfactuals and ``--true`` as a user types them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image as pillow
from typer.testing import CliRunner

from seewhy.cli.app import app

RUN = CliRunner()
QUICK = ["--model", "py:quick_model:quick", "--segments", "grid:4", "--fill", "black"]


def run(*arguments: str):
    return RUN.invoke(app, ["explain", "picture.png", *arguments])


def test_rules_are_told_in_words(here):
    done = run(*QUICK, "--method", "anchors,counterfactual", "--out", "out")
    assert done.exit_code == 0, done.output
    assert "anchors" in done.stdout
    assert "counterfactual" in done.stdout
    assert "corner" in done.stdout
    kinds = [
        e["kind"] for e in json.loads((here / "out/explanation.json").read_text())["explanations"]
    ]
    assert kinds == ["rule", "counterfactual"]
    assert (here / "out/figure-counterfactual.png").is_file()


def test_a_misread_picture_is_told_as_a_story(here):
    done = run(*QUICK, "--true", "rest", "--out", "out")
    assert done.exit_code == 0, done.output
    told = " ".join(done.stdout.split())
    assert "The model says corner" in told
    assert "rest" in told
    files = {file.name for file in (here / "out").iterdir()}
    assert {"figure.png", "figure-lime.png", "figure-anchors.png"} <= files
    document = json.loads((here / "out/explanation.json").read_text())
    assert document["true"]["label"] == "rest"


def test_backgrounds_come_from_folders_and_files(here):
    (here / "others").mkdir()
    for number in range(3):
        pixels = np.full((20, 20, 3), 10 * number, np.uint8)
        pillow.fromarray(pixels).save(here / "others" / f"{number}.png")
    done = run(
        *QUICK,
        "--method",
        "anchors",
        "--backgrounds",
        "others",
        "--backgrounds",
        "picture.png",
        "--json",
    )
    rule = json.loads(done.stdout)["explanations"][0]
    names = [told["background"] for told in rule["transplants"]]
    assert names == ["0.png", "1.png", "2.png"]  # not the picture itself


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--method", "anchors:precision=1.5"], "precision must lie between 0 and 1"),
        (["--method", "anchors:precision=1"], "precision must lie between 0 and 1"),
        (["--method", "anchors:confidence=0"], "confidence must lie between 0 and 1"),
        (["--method", "anchors:hidden=0"], "hidden must be a probability"),
        (["--method", "anchors:budget=20"], "budget must be at least"),
        (
            ["--method", "anchors:background=pictures", "--backgrounds", "missing.png"],
            "missing.png",
        ),
        (["--method", "counterfactual:target=nobody"], "nobody"),
        (["--method", "counterfactual:budget=3"], "one for each superpixel alone"),
        (["--true", "nobody"], "nobody"),
        (["--true", "rest", "--against", "neither"], "true already says"),
    ],
)
def test_bad_input_is_one_sentence(here, options, says):
    done = run(*QUICK, *options)
    assert done.exit_code == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (here / "explained").exists()


def test_a_search_that_fails_says_the_way_out(here):
    done = run(*QUICK, "--method", "counterfactual:target=neither")
    assert done.exit_code == 0, done.output
    assert "counterfactual:budget=" in " ".join(done.stdout.split())


def test_no_hint_to_hide_more_where_everything_hidden_holds(here):
    (here / "fixed.py").write_text(
        "import numpy as np\n"
        "def fixed(images):\n    return np.tile([3.0, 1.0], (len(images), 1))\n"
        "fixed.labels, fixed.output, fixed.input_size = ['a', 'b'], 'logits', (32, 32)\n"
    )
    done = run("--model", "py:fixed:fixed", "--segments", "grid:4", "--method", "anchors")
    told = " ".join(done.stdout.split())
    assert "found nothing to point at: try --method anchors:background=pictures" in told
