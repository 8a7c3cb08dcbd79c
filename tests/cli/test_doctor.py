"""``seewhy doctor``: what it prints, and how it ends."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from seewhy.cli.app import app

RUN = CliRunner()
QUICK = "py:quick_model:quick"


@pytest.fixture
def restless(here):
    """A model that gives another answer every time."""
    (here / "restless_model.py").write_text(
        "import numpy as np\n"
        "rng = np.random.default_rng(0)\n"
        "def restless(images):\n"
        "    return rng.random((len(images), 3))\n"
        "restless.labels, restless.output = ['a', 'b', 'c'], 'logits'\n"
        "restless.input_size = (32, 32)\n"
    )
    return "py:restless_model:restless"


def doctor(*arguments: str):
    return RUN.invoke(app, ["doctor", *arguments])


def test_a_sound_model(here):
    done = doctor("--model", QUICK)
    assert done.exit_code == 0, done.output
    said = done.stdout
    assert f"{QUICK}: 3 classes, RGB, stretched to 32×32" in said
    assert "run by python" in said
    assert "weights out of reach" in said
    assert "sample photo" in said
    assert "✗" not in said
    for check in ("numbers", "outputs", "same answer twice", "range and normalisation", "layout"):
        assert check in said
    assert "pictures a second" in said
    for method in ("lime", "kernel-shap", "partition-shap", "anchors", "occlusion"):
        assert method in said
    assert "Estimates from the speed just measured" in said
    assert said.rstrip().splitlines()[-1].startswith("No fault found")


def test_a_picture_and_what_it_shows(here):
    done = doctor("picture.png", "--model", QUICK, "--true", "corner")
    assert done.exit_code == 0, done.output
    assert "picture.png: the model says" in done.stdout
    assert "picture.png is called corner, as --true says." in done.stdout


def test_a_fault_ends_with_1(restless):
    done = doctor("--model", restless)
    assert done.exit_code == 1, done.output
    assert "✗  same answer twice" in done.stdout
    assert "1 fault found: same answer twice" in done.stdout
    document = json.loads(doctor("--model", restless, "--json").stdout)
    assert document["ok"] is False
    [fault] = [each for each in document["findings"] if each["verdict"] == "fault"]
    assert "dropout" in fault["says"]


@pytest.mark.parametrize(
    ("name", "said"), [("nan", "returned NaN or infinity"), ("fails", "KeyError: 'weights'")]
)
def test_a_model_that_fails_at_loading_is_what_was_looked_for(here, name, said):
    done = doctor("--model", f"py:quick_model:{name}")
    assert done.exit_code == 1, done.output
    assert "✗  loading" in done.stdout
    assert said in " ".join(done.stdout.split())
    document = json.loads(doctor("--model", f"py:quick_model:{name}", "--json").stdout)
    assert document["model"] is None
    assert document["findings"][0]["check"] == "loading"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "builtin:imagnet"], "did you mean 'imagenet'"),
        (["nowhere.png", "--model", QUICK], "does not exist"),
        (["--model", QUICK, "--true", "corner"], "--true says what IMAGE shows"),
        (["picture.png", "--model", QUICK, "--true", "edge"], "is called 'edge'"),
        (["--model", QUICK, "--returns", "logit"], "did you mean 'logits'"),
        (["--model", QUICK, "--batch", "many"], "--batch must be"),
    ],
)
def test_bad_input_ends_with_2(here, arguments, said):
    done = doctor(*arguments)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == "" or "--true" in arguments


def test_what_is_printed_cannot_steer_the_terminal(here):
    (here / "hostile_model.py").write_text(
        "def hostile(images):\n"
        "    return images.mean((1, 2))\n"
        "hostile.labels = ['\\x1b[31mred', 'green', 'blue']\n"
        "hostile.output, hostile.input_size = 'logits', (32, 32)\n"
    )
    done = doctor("--model", "py:hostile_model:hostile")
    assert "\x1b" not in done.stdout
    assert "[31mred" in done.stdout
