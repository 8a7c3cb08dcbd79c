"""A result in a notebook: a frame that works, and from which nothing reaches the notebook."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import seewhy as sw

EVIL = '</script></iframe><img src=x onerror="parent.ran = true"> "\' &quot;'


def bright(images):
    left = images[:, :, :16].mean(axis=(1, 2, 3))
    return np.stack([left, 1 - left], axis=1)


@pytest.fixture(scope="module")
def result():
    model = sw.CallableModel(
        bright, labels=[EVIL, "dark"], output="probabilities", input_size=(32, 32)
    )
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return sw.explain(pixels, model, segments="grid:3", fill="black", curves=True)


@pytest.fixture
def notebook(page, result, tmp_path):
    """A page that shows a cell's output as a notebook does, and the frame in it."""
    path = tmp_path / "notebook.html"
    path.write_text(
        "<!DOCTYPE html><meta charset=utf-8><link rel=icon href='data:,'>"
        f"<title>notebook</title><div id=output>{result._repr_html_()}</div>",
        encoding="utf-8",
    )
    page.goto(path.as_uri())
    frame = page.frames[1]
    frame.wait_for_selector(".sw")
    return page, frame


def test_the_frame_shows_the_result(notebook, result):
    page, frame = notebook
    assert len(page.frames) == 2
    assert "dark" in frame.locator(".sw").inner_text()
    box = page.locator("iframe").bounding_box()
    assert box["height"] == 640
    assert box["width"] > 1000
    assert result.picture.name in frame.title()


def test_the_frame_reaches_nothing_of_the_notebook(notebook):
    page, frame = notebook
    reached = frame.evaluate(
        """() => {
            const tries = {
                document: () => parent.document.title,
                variable: () => { parent.ran = true; },
                storage: () => localStorage.length,
                cookie: () => document.cookie,
            };
            return Object.entries(tries).filter(([, attempt]) => {
                try { attempt(); return true; } catch { return false; }
            }).map(([name]) => name);
        }"""
    )
    assert reached == []
    assert frame.evaluate("origin") == "null"
    assert page.evaluate("window.ran") is None


def test_a_hostile_class_stays_in_its_place(notebook):
    page, frame = notebook
    assert page.locator("img").count() == 0
    assert frame.locator("img[src=x]").count() == 0
    assert frame.locator("script").count() == 3


def test_the_frame_runs_no_script_but_the_viewer(notebook, page_watch):
    _, frame = notebook
    page_watch.expected += ["inline script"]
    frame.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
        }"""
    )
    assert frame.evaluate("window.ran") is None


def test_where_frames_are_taken_out_a_sentence_says_so(page, result, tmp_path):
    html = result._repr_html_()
    path = tmp_path / "untrusted.html"
    left = html[: html.index("<iframe")] + html[html.index("</iframe>") :]
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{left}", encoding="utf-8")
    page.goto(path.as_uri())
    assert ".show()" in page.locator("body").inner_text()


def test_the_sentence_is_behind_the_frame(notebook):
    page, _ = notebook
    frame, sentence = (page.locator(name).bounding_box() for name in ("iframe", "p"))
    assert frame["y"] <= sentence["y"]
    assert sentence["y"] + sentence["height"] <= frame["y"] + frame["height"]
    middle = [sentence["x"] + sentence["width"] / 2, sentence["y"] + sentence["height"] / 2]
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).tagName", middle) == "IFRAME"


def test_a_figure_goes_with_it(result):
    assert result._repr_png_().startswith(b"\x89PNG")
    assert "data:image/webp;base64," in result._repr_html_()
    base64.b64decode(result._repr_html_().split("base64,")[1].split("&")[0], validate=True)
