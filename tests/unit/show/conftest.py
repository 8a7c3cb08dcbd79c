"""Rules, changes and pictures that several tests of figures and words need."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from seewhy.game.robustness import Level
from seewhy.image.segmentation import Segmentation
from seewhy.methods.anchors import Anchors
from seewhy.methods.change import Change
from seewhy.methods.counterfactual import Counterfactual
from seewhy.methods.rule import Example, Rule

NAMES = {0: "minibus", 1: "passenger car", 2: "cab"}
HOSTILE = [
    "$\\frac{1}{0}$ \\undefined a_b^c",
    "line\nbreak\ttab",
    "\u202eevil שלום مرحبا",
    "猫 🐈 <script>",
    "a very long name " * 40,
    "",
]


def _cells(height=60, width=90, down=3, across=3, **kwargs):
    rows, columns = np.arange(height) * down // height, np.arange(width) * across // width
    return Segmentation(rows[:, None] * across + columns, **kwargs)


def _picture(height=60, width=90, channels=3):
    return np.random.default_rng(0).random((height, width, channels)).astype(np.float32)


def _rule(**settings):
    """Of the nine fields of a picture, the centre and the lower left."""
    usual = {
        "status": "sufficient",
        "superpixels": (4, 6),
        "target": 0,
        "against": None,
        "precision": 0.98,
        "precision_lower_bound": 0.9529,
        "exact": False,
        "draws": 214,
        "coverage": 0.25,
        "area": 2 / 9,
        "irreducible": True,
        "without": (0.62, 0.9),
        "breakdown": 0.8,
        "levels": (Level(0.5, 0.98, 214, 0.01), Level(0.8, 0.96, 64, 0.02),
                   Level(0.9, 0.7, 64, 0.05)),
        "transplants": (),
        "keeps": (Example((0, 1), 0, 0.5), Example((2,), 0, 0.4)),
        "breaks": (Example((0, 1, 2, 3, 5), 1, -0.7), Example((0, 8), 2, -0.2)),
        "found_after": 400,
        "evaluations": 500,
        "seconds": 1.0,
        "method": Anchors(),
    }  # fmt: skip
    return Rule(**(usual | settings))


def _change(**settings):
    usual = {
        "status": "found",
        "hide": (0, 4),
        "target": 0,
        "wanted": 1,
        "becomes": 1,
        "margin": 0.8,
        "before": {0: 0.61, 1: 0.2, 2: 0.1},
        "probabilities": {0: 0.22, 1: 0.48, 2: 0.1},
        "area": 2 / 9,
        "irreducible": True,
        "smallest": True,
        "evaluations": 300,
        "seconds": 1.0,
        "method": Counterfactual(),
    }
    return Change(**(usual | settings))


def _texts(figure):
    artists = figure.findobj(matplotlib.text.Text)
    return [artist.get_text() for artist in artists if artist.get_text() and artist.get_visible()]


def _check_texts(figure):
    """No text leaves the figure, none touches another, and none is taken for mathematics."""
    renderer = figure.canvas.get_renderer()
    width, height = figure.get_size_inches() * figure.dpi
    shown = [artist for artist in figure.texts if artist.get_text()]
    boxes = [(artist.get_text(), artist.get_window_extent(renderer)) for artist in shown]
    assert len(boxes) > 4
    for index, (text, box) in enumerate(boxes):
        assert "\n" not in text
        assert box.x0 >= 0, text
        assert box.x1 <= width, text
        assert box.y0 >= 0, text
        assert box.y1 <= height, text
        for other, second in boxes[index + 1 :]:
            assert not box.overlaps(second), (text, other)
    assert not any(artist.get_parse_math() for artist in shown)


@pytest.fixture
def names():
    return dict(NAMES)


@pytest.fixture(params=HOSTILE)
def hostile_names(request):
    return dict.fromkeys(NAMES, request.param)


@pytest.fixture
def make_cells():
    return _cells


@pytest.fixture
def make_picture():
    return _picture


@pytest.fixture
def make_rule():
    return _rule


@pytest.fixture
def make_change():
    return _change


@pytest.fixture
def texts():
    return _texts


@pytest.fixture
def check_texts():
    return _check_texts
