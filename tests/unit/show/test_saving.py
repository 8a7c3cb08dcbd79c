from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image as pillow

from seewhy.errors import InputError
from seewhy.image.segmentation import Segmentation
from seewhy.show.figures import Row, attribution_figure
from seewhy.show.saving import figure_bytes, save_figure


@pytest.fixture(scope="module")
def make():
    def figure():
        cut = Segmentation(np.arange(4).reshape(2, 2).repeat(20, 0).repeat(20, 1))
        image = np.random.default_rng(0).random((40, 40, 3)).astype(np.float32)
        row = Row("cat", 0.5, np.array([1.0, -0.5, 0.2, 0.0]), np.full(4, 0.1), None)
        return attribution_figure(image, cut, [row], title="t", subtitle="s", score="log-odds")

    return figure


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_equal_figures_give_equal_bytes_without_dates(make, ending, tmp_path):
    first = save_figure(make(), tmp_path / f"a.{ending}").read_bytes()
    second = save_figure(make(), str(tmp_path / f"b.{ending.upper()}")).read_bytes()
    assert first == second == figure_bytes(make(), ending)
    assert b"CreationDate" not in first
    assert b"<dc:date>" not in first
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"a.{ending}",
        f"b.{ending.upper()}",
    ]


def test_png_has_the_figures_own_resolution(make, tmp_path):
    figure = make()
    with pillow.open(save_figure(figure, tmp_path / "f.png")) as png:
        assert png.size == tuple(round(200 * inches) for inches in figure.get_size_inches())
        assert png.info["Software"] == "Seewhy"


def test_text_in_svg_needs_no_font(make):
    svg = figure_bytes(make(), "svg").decode()
    assert "<text" not in svg
    assert "http-equiv" not in svg


def test_another_ending_is_refused(make, tmp_path):
    with pytest.raises(InputError, match=r"end in \.png, \.svg or \.pdf"):
        save_figure(make(), tmp_path / "f.jpg")
    with pytest.raises(InputError, match="must be png, svg or pdf"):
        figure_bytes(make(), "jpg")


def test_a_failed_write_leaves_what_was_there(make, tmp_path, monkeypatch):
    target = tmp_path / "f.png"
    target.write_bytes(b"before")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_figure(make(), target)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["f.png"]
