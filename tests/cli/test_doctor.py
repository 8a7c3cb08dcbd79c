"""``seewhy doctor``: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image as pillow
from typer.testing import CliRunner

from seewhy.cli.app import app
from seewhy.cli.doctor import _marks

RUN = CliRunner()
QUICK = "py:quick_model:quick"
_COMMAND = "from seewhy.cli.app import app; app()"


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
    assert "·  range and normalisation  Not judged: sample photos say little" in said
    last = said.rstrip().splitlines()[-1]
    assert last.startswith("No fault found; ")
    assert "4 checks not judged (" in last


def test_a_picture_and_what_it_shows(here):
    done = doctor("picture.png", "--model", QUICK, "--true", "corner")
    assert done.exit_code == 0, done.output
    assert "picture.png: the model says" in done.stdout
    assert "picture.png is called corner, as --true says." in done.stdout
    assert "lime at most 1024 pictures at most < 1 s" in " ".join(done.stdout.split())


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
    ("name", "said"),
    [
        ("nan", "returned NaN or infinity"),
        ("fails", "KeyError: 'weights'"),
        ("flat", "got shape (2, 2, 2)"),
    ],
)
def test_a_model_that_fails_at_loading_is_what_was_looked_for(here, name, said):
    done = doctor("--model", f"py:quick_model:{name}")
    assert done.exit_code == 1, done.output
    assert "✗  loading" in done.stdout
    assert said in " ".join(done.stdout.split())
    document = json.loads(doctor("--model", f"py:quick_model:{name}", "--json").stdout)
    assert document["model"] is None
    assert document["findings"][0]["check"] == "loading"


def test_a_remedy_can_be_fed_back(here):
    (here / "blue_model.py").write_text(
        "import numpy as np\n"
        "def reads(images):\n"
        "    red, green, blue = np.moveaxis(images.mean((1, 2)), 1, 0)\n"
        "    return 30 * np.stack([red - blue, blue - red, green - red], 1)\n"
        "reads.labels, reads.output = ['warm', 'cold', 'green'], 'logits'\n"
        "reads.input_size = (16, 16)\n"
    )
    warm = np.full((16, 16, 3), (240, 20, 10), np.uint8)
    pillow.fromarray(warm).save(here / "warm.png")
    wrong = {"input": {"size": [16, 16], "channels": "BGR"}}
    (here / "wrong.json").write_text(json.dumps(wrong))
    asked = ("warm.png", "--true", "warm", "--model", "py:blue_model:reads", "--preprocess")
    done = doctor(*asked, "wrong.json")
    assert "order of colours" in done.stdout.splitlines()[-1]
    said = done.stdout.splitlines()
    remedy = said[said.index("The remedy, for FILE.json:") + 1]
    (here / "FILE.json").write_text(remedy)
    mended = doctor(*asked, "FILE.json")
    assert mended.exit_code == 0, mended.output
    assert "✓  order of colours" in mended.stdout
    document = json.loads(doctor(*asked, "wrong.json", "--json").stdout)
    [order] = [each for each in document["findings"] if each["check"] == "order of colours"]
    assert order["remedy"] == json.loads(remedy)


def test_a_name_with_brackets_is_shown_as_it_is(here):
    (here / "picture.png").rename(here / "a [red] one.png")
    done = doctor("a [red] one.png", "--model", QUICK)
    assert "a [red] one.png: the model says" in done.stdout


def test_words_where_marks_cannot_be_shown(here, restless):
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, "doctor", "--model", restless],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        timeout=60,
        check=False,
    )
    said = done.stdout.decode("utf-8")
    assert done.returncode == 1, done.stderr
    assert "FAULT   same answer twice" in said
    assert "ok      numbers" in said
    assert "-       layout" in said


def test_words_are_for_encodings_without_the_marks():
    assert [_marks(name)["fault"] for name in ("utf-8", "ascii", "cp1252", "cp437")] == [
        "✗",
        "FAULT",
        "FAULT",
        "FAULT",
    ]


def test_the_help_explains_marks_and_exit_codes():
    said = " ".join(doctor("--help").stdout.split())
    assert "doctor [OPTIONS] [IMAGE]" in said
    assert "✓ is fine, ! advice, ✗ a fault" in said
    assert "Exit code 0 without a fault, 1 with one, 2 when" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "damaged.onnx"], "damaged.onnx is not an ONNX model"),
        (["--model", "v2+http://127.0.0.1:9/v2/models/none"], "no connection could be made"),
        (["--model", "builtin:imagnet"], "did you mean 'imagenet'"),
        (["nowhere.png", "--model", QUICK], "does not exist"),
        (["--model", QUICK, "--true", "corner"], "--true says what IMAGE shows"),
        (["picture.png", "--model", QUICK, "--true", "edge"], "is called 'edge'"),
        (["--model", QUICK, "--returns", "logit"], "did you mean 'logits'"),
        (["--model", QUICK, "--batch", "many"], "--batch must be"),
    ],
)
def test_bad_input_ends_with_2(here, arguments, said):
    for name in ("onnx", "httpx"):
        if any(name[:4] in argument for argument in arguments):
            pytest.importorskip(name)
    (here / "damaged.onnx").write_bytes(b"no model")
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
