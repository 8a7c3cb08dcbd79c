"""What a fresh process loads: asking for help must not wait for a deep-learning framework."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "matplotlib", "onnxruntime", "onnx", "skimage", "ray")
HEAVY += ("timm", "transformers", "keras", "tensorflow", "sklearn", "httpx")

REPORT = """
import json, sys
top = sorted({name.partition(".")[0] for name in sys.modules})
print("LOADED" + json.dumps(top))
"""


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


def loaded_by(code):
    """Top-level modules that a fresh process holds after ``code``, and what it printed."""
    done = run(code + REPORT)
    assert done.returncode == 0, done.stderr
    printed, _, names = done.stdout.rpartition("LOADED")
    return set(json.loads(names)), printed


def test_importing_the_package_loads_nothing_heavy():
    names, printed = loaded_by("import seewhy")
    assert not names & {*HEAVY, "scipy", "PIL"}
    assert printed == ""


def test_listing_the_public_names_loads_nothing_heavy():
    names, _ = loaded_by("import seewhy\ndir(seewhy)\nseewhy.__version__")
    assert not names & {*HEAVY, "scipy", "PIL"}


HELP = """
import sys
sys.argv = ["seewhy", "--help"]
try:
    {call}
except SystemExit as stop:
    assert not stop.code, stop.code
"""


@pytest.mark.parametrize(
    "call",
    [
        "from seewhy.cli import main; main()",
        "import runpy; runpy.run_module('seewhy', run_name='__main__')",
    ],
    ids=["seewhy --help", "python -m seewhy --help"],
)
def test_help_loads_nothing_heavy(call):
    names, printed = loaded_by(HELP.format(call=call))
    assert "explain" in printed
    assert not names & {*HEAVY, "scipy"}


@pytest.mark.parametrize("floor", ["game", "image", "models", "methods", "show", "run"])
def test_a_folder_only_hands_names_on(floor):
    names, _ = loaded_by(f"import seewhy.{floor}")
    assert not names & set(HEAVY)


def test_explaining_a_game_needs_no_framework():
    names, printed = loaded_by(
        "import numpy as np\n"
        "from seewhy.game.toys import linear_game\n"
        "from seewhy.methods.lime import Lime\n"
        "found = Lime()(linear_game(np.ones(30)).game(), np.random.default_rng(0))\n"
        "print(found.values.shape)"
    )
    assert printed.strip() == "(30, 1)"
    assert not names & set(HEAVY)


def test_what_is_watched_for_would_be_seen():
    names, printed = loaded_by("import scipy.special; print('hello')")
    assert {"scipy", "numpy"} <= names
    assert printed == "hello\n"
