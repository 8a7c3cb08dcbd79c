"""``seewhy explain`` as a user types it: what is printed, written, and returned."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pillow
from typer.testing import CliRunner

from seewhy.cli.app import app

RUN = CliRunner()
QUICK = ["--model", "py:quick_model:quick", "--segments", "grid:2"]


def run(*arguments: str | Path):
    return RUN.invoke(app, [str(a) for a in arguments])


def test_one_picture(here):
    done = run("explain", "picture.png", *QUICK, "--out", "out")
    assert done.exit_code == 0, done.output
    assert "corner" in done.stdout
    assert "3 classes" in done.stdout
    last = done.stdout.rstrip().splitlines()[-1]
    assert last == "→ out/report.html, figure.png and explanation.json"
    document = json.loads((here / "out" / "explanation.json").read_text())
    assert len(document["explanations"]) == 3
    assert max(document["explanations"][0]["values"]) == document["explanations"][0]["values"][0]


def test_default_directory_and_quiet(here):
    done = run("explain", "picture.png", *QUICK, "--quiet")
    assert done.stdout == "→ explained/picture/report.html, figure.png and explanation.json\n"
    assert (here / "explained" / "picture" / "manifest.json").is_file()


def test_json_is_the_document_and_nothing_else(here):
    done = run("explain", "picture.png", *QUICK, "--json")
    document = json.loads(done.stdout)
    assert document["schema"] == 1
    assert not (here / "explained").exists()
    both = run("explain", "picture.png", *QUICK, "--json", "--out", "out")
    written = json.loads((here / "out" / "explanation.json").read_text())
    assert json.loads(both.stdout) == written
    for entry, again in zip(document["explanations"], written["explanations"], strict=True):
        assert entry["values"] == again["values"]


def test_several_pictures_one_directory_each(here):
    (here / "other").mkdir()
    pillow.open("picture.png").transpose(pillow.Transpose.ROTATE_90).save("other/picture.png")
    done = run("explain", "picture.png", "other/picture.png", *QUICK, "--out", "out", "-q")
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (here / "out").iterdir()) == ["picture", "picture-2"]
    lines = run("explain", "picture.png", "other/picture.png", *QUICK, "--json").stdout
    assert [json.loads(line)["schema"] for line in lines.splitlines()] == [1, 1]


def test_some_pictures_fail_others_are_done(here):
    done = run("explain", "missing.png", "picture.png", *QUICK, "-q")
    assert done.exit_code == 3
    assert "missing.png" in done.stderr
    assert (here / "explained" / "picture" / "manifest.json").is_file()


def test_against_and_targets(here):
    done = run("explain", "picture.png", *QUICK, "--target", "rest", "--against", "2", "--json")
    entry = json.loads(done.stdout)["explanations"][0]
    assert entry["target"]["label"] == "rest"
    assert entry["against"]["label"] == "neither"
    np.testing.assert_allclose(entry["values"], 0, atol=1e-6)


def test_several_methods_from_one_design(here):
    methods = "lime,kernel-shap,partition-shap:epsilon=0.2,occlusion"
    done = run("explain", "picture.png", *QUICK, "--method", methods, "--top", "2", "--out", "out")
    assert done.exit_code == 0, done.output
    document = json.loads((here / "out" / "explanation.json").read_text())
    names = [name.partition(":")[0] for name in methods.split(",")]
    assert [entry["name"] for entry in document["explanations"][::2]] == names
    assert document["explanations"][4]["settings"]["epsilon"] == 0.2
    figures = {file.name for file in (here / "out").glob("figure*.png")}
    assert figures == {"figure.png", *(f"figure-{name}.png" for name in names[1:])}
    # each method's first class in words
    for name in names:
        assert f"\n{name}\n• " in done.stdout
    assert done.stdout.count("•") == 4


def test_a_model_without_gradients_is_refused_before_anything_is_paid(here):
    done = run("explain", "picture.png", *QUICK, "--method", "lime,gradient-shap", "--out", "out")
    assert done.exit_code == 2
    assert "gradient-shap needs a model with gradients; py:quick_model:quick" in done.stderr
    assert not (here / "out").exists()


def test_values_are_the_same_in_another_process(here):
    command = [sys.executable, "-m", "seewhy", "explain", "picture.png", *QUICK, "--json"]
    there = subprocess.run(command, capture_output=True, check=True, text=True)
    here_ = run("explain", "picture.png", *QUICK, "--json").stdout
    values = [
        [entry["values"] for entry in json.loads(text)["explanations"]]
        for text in (there.stdout, here_)
    ]
    assert values[0] == values[1]


def _bomb(path: Path) -> None:
    """A PNG that says 20 000 × 20 000, in a few hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + check

    size = (20_000).to_bytes(4, "big")
    header = chunk(b"IHDR", size + size + b"\x08\x02\x00\x00\x00")
    body = chunk(b"IDAT", zlib.compress(bytes(100_000)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + body + chunk(b"IEND", b""))


class Exploit:
    def __reduce__(self):
        return (os.system, ("touch exploited",))


def _make_bad_files(here: Path) -> None:
    (here / "text.jpg").write_text("I am no picture")
    (here / "empty.jpg").write_bytes(b"")
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    pillow.fromarray(pixels).save(here / "whole.jpg")
    whole = (here / "whole.jpg").read_bytes()
    (here / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    pillow.fromarray(pixels[:1, :1]).save(here / "pixel.png")
    (here / "folder").mkdir()
    _bomb(here / "bomb.png")
    (here / "evil.pth").write_bytes(pickle.dumps(Exploit()))
    (here / "broken_model.py").write_text("1 / 0")
    (here / "names.txt").write_text("only one name")


BAD_INPUT = [
    (["nowhere.png"], "nowhere.png"),
    (["pictur.png"], "did you mean 'picture.png'"),
    (["folder"], "folder"),
    (["text.jpg"], "text.jpg"),
    (["truncated.jpg"], "truncated.jpg"),
    (["empty.jpg"], "empty.jpg"),
    (["pixel.png"], "1×1 pixels"),
    (["bomb.png"], "too large"),
    (["picture.png", "--model", "py:quick_model:nan"], "NaN"),
    (["picture.png", "--model", "py:quick_model:flat"], "(2, 2, 2)"),
    (["picture.png", "--model", "py:quick_model:quik"], "quik"),
    (["picture.png", "--model", "py:quick_modle:quick"], "quick_modle"),
    (["picture.png", "--target", "cornr"], "did you mean 'corner'"),
    (["picture.png", "--target", "9"], "0 to 2"),
    (["picture.png", "--against", "cornr"], "did you mean 'corner'"),
    (["picture.png", "--model", "torchvison:resnet34"], "did you mean"),
    (["picture.png", "--model", "missing.onnx"], "missing.onnx"),
    (["picture.png", "--model", "builtin:imagnet"], "did you mean"),
    (["picture.png", "--labels", "names.txt"], "labels"),
    (["picture.png", "--labels", "nowhere.txt"], "nowhere.txt"),
    (["picture.png", "--preprocess", "nowhere.json"], "nowhere.json"),
    (["picture.png", "--segments", "slik"], "did you mean 'slic'"),
    (["picture.png", "--segments", "slic:0"], "count must be a whole number"),
    (["picture.png", "--fill", "picture:nowhere.png"], "nowhere.png"),
    (["picture.png", "--fill", "meen"], "did you mean 'mean'"),
    (["picture.png", "--score", "odds"], "score must be one of"),
    (["picture.png", "--method", "lim"], "did you mean 'lime'"),
    (["picture.png", "--method", "lime,kernel-shap:estimator=x"], "'surrogate' or 'regression'"),
    (["picture.png", "--method", "rise:budgt=9"], "did you mean 'budget'"),
    (["picture.png", "--method", "lime,lime"], "'lime' twice"),
    (["picture.png", "--budget", "-3"], "--budget must be"),
    (["picture.png", "--budget", "2"], "at least 8"),
    (["picture.png", "--seed", "-1"], "seed must be"),
    (["picture.png", "--out", "text.jpg/sub"], "is a file"),
    (["picture.png", "--out", "x" * 300], "too long"),
    (["picture.png", "--model", "py:broken_model:f"], "ZeroDivisionError"),
    (["picture.png", "--model", "py:quick_model:fails"], "KeyError: 'weights' (quick_model.py"),
    (["picture.png", "--batch", "many"], "--batch must be"),
    (["picture.png", "--top", "0"], "top must be a whole number"),
    (["picture.png", "--out", "text.jpg"], "text.jpg is a file"),
    (["picture.png", "--out", "folder/../."], "not part of an earlier result"),
]
NEEDS_TORCH = [
    (["--model", "torchvision:squeezenet1_1", "--weights", "evil.pth"], "evil.pth"),
    (["--model", "torchvision:squeezenet1_1", "--weights", "nowhere.pth"], "nowhere.pth"),
    (["--model", "torchvision:squeezenet1_1", "--weights", "other.pth"], "other.pth"),
    (["--model", "torchvision:squeezenet"], "did you mean"),
]


def _refused(done, names: list[str], here: Path, word: str) -> None:
    assert done.exit_code == 2, done.output
    assert word in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "Traceback" not in done.output
    assert sorted(p.name for p in here.iterdir() if p.name != "__pycache__") == names


@pytest.mark.parametrize(("arguments", "word"), BAD_INPUT, ids=lambda v: " ".join(v)[-40:])
def test_bad_input_is_one_sentence_and_code_2(here, arguments, word):
    _make_bad_files(here)
    names = sorted(p.name for p in here.iterdir())
    model = [] if "--model" in arguments else ["--model", "py:quick_model:quick"]
    _refused(run("explain", *arguments, *model), names, here, word)


@pytest.mark.parametrize(("arguments", "word"), NEEDS_TORCH, ids=lambda v: " ".join(v)[-30:])
def test_bad_weights_are_one_sentence_and_code_2(here, arguments, word):
    torch = pytest.importorskip("torch")
    _make_bad_files(here)
    torch.save({"other.weight": torch.zeros(3)}, here / "other.pth")
    names = sorted(p.name for p in here.iterdir())
    _refused(run("explain", "picture.png", "-q", *arguments), names, here, word)
    assert not (here / "exploited").exists()


def test_unknown_option_is_usage(here):
    done = run("explain", "picture.png", "--bugdet", "3")
    assert done.exit_code == 2
    assert "--budget" in done.stderr


def test_interrupt_exits_130_and_leaves_nothing(here):
    slow = "import time\nfrom quick_model import quick as fast\n"
    slow += "def quick(images):\n    open('asked', 'w').close()\n    time.sleep(1)\n"
    slow += "    return fast(images)\n"
    slow += "quick.labels, quick.output, quick.input_size = fast.labels, 'logits', (32, 32)\n"
    (here / "slow_model.py").write_text(slow)
    command = [sys.executable, "-m", "seewhy", "explain", "picture.png", "--model"]
    process = subprocess.Popen(
        [*command, "py:slow_model:quick", "--batch", "8"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    for _ in range(600):
        time.sleep(0.1)
        if (here / "asked").exists():
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Interrupted; nothing is half-written." in said
    assert not (here / "explained").exists()


def test_hostile_file_name_is_one_line(here):
    name = "a\n\x1b[31mb.png"
    os.rename("picture.png", name)
    done = run("explain", name, *QUICK)
    assert done.exit_code == 0, done.output
    assert "\x1b[31m" not in done.stdout


def test_names_that_would_collide_get_numbers_of_their_own(here):
    for name in ("dup.jpg", "dup.png", "dup-2.jpg"):
        pillow.open("picture.png").save(name)
    done = run("explain", "dup.jpg", "dup.png", "dup-2.jpg", *QUICK, "--out", "out", "-q")
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (here / "out").iterdir()) == ["dup", "dup-2", "dup-2-2"]


def test_several_pictures_do_not_go_into_one_result(here):
    assert run("explain", "picture.png", *QUICK, "--out", "out", "-q").exit_code == 0
    done = run("explain", "picture.png", "picture.png", *QUICK, "--out", "out", "-q")
    assert done.exit_code == 2
    assert "holds one result" in done.stderr


def test_a_closed_pipe_costs_no_result(here):
    command = (
        f"{sys.executable} -m seewhy explain picture.png {' '.join(QUICK)} --out out | head -1; "
        "echo ${PIPESTATUS[0]} >&2"
    )
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert (here / "out" / "manifest.json").is_file()
    assert done.stderr == "141\n"  # neither the 1 of a fault nor the 2 of bad input
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_is_one_sentence(here):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "seewhy", "explain", "picture.png", *QUICK, "--json"],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr == "seewhy: the system refuses: [Errno 28] No space left on device\n"
