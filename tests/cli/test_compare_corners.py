"""What ``seewhy compare`` says it has written is there, and no more."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from seewhy.cli.app import app

RUN = CliRunner()
QUICK = [
    *("picture.png", "--model", "py:quick_model:quick", "--segments", "grid:4"),
    *("--fill", "black", "--budget", "64", "--repeats", "1", "-q", "--out", "out"),
]


@pytest.mark.parametrize(
    ("asked", "files"),
    [
        (["--method", "lime"], "report.html, comparison.png and comparison.json"),
        (
            ["--method", "lime,occlusion", "--budget-curve"],
            "report.html, comparison.png, consensus.png, budget.png and comparison.json",
        ),
    ],
)
def test_every_picture_that_is_named_was_drawn(here, asked, files):
    done = RUN.invoke(app, ["compare", *QUICK, *asked])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == f"→ out/{files}"
    for name in files.replace(" and ", ", ").split(", "):
        assert (here / "out" / name).is_file()
