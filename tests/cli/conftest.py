"""The command line on a quick model of three classes, in a directory of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pillow

QUICK = """
import numpy as np

def quick(images):
    corner = images[:, :16, :16].mean(axis=(1, 2, 3))
    return np.stack([4 * corner, 1 + 0 * corner, 0 * corner], axis=1)

quick.labels = ["corner", "rest", "neither"]
quick.output = "logits"
quick.input_size = (32, 32)

def nan(images):
    return np.full((len(images), 3), np.nan)

nan.labels, nan.output, nan.input_size = quick.labels, "logits", (32, 32)

def fails(images):
    raise KeyError("weights")

fails.labels, fails.output, fails.input_size = quick.labels, "logits", (32, 32)

def flat(images):
    return np.zeros((2, 2, 2))

flat.labels, flat.output, flat.input_size = quick.labels, "logits", (32, 32)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the model ``py:quick_model:quick`` and a picture."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "quick_model.py").write_text(QUICK)
    pixels = np.random.default_rng(0).integers(100, 255, (32, 32, 3), dtype=np.uint8)
    pillow.fromarray(pixels).save(tmp_path / "picture.png")
    return tmp_path
