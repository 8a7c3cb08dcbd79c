"""Results as pages: in a notebook, and where a report may go."""

from __future__ import annotations

import html
import json
import re

import pytest

import seewhy as sw
from seewhy.run.reporting import document_of, report_place


def shown_in(text):
    """The view document in a page, or in a frame that holds one."""
    (frame,) = re.findall('srcdoc="(.*?)"', text, re.DOTALL) or [html.escape(text)]
    (data,) = re.findall('id="seewhy-data">(.*?)</script>', html.unescape(frame), re.DOTALL)
    return json.loads(data)


@pytest.fixture
def result(model, picture):
    return sw.explain(picture, model, segments="grid:2", fill="black", curves=True)


def test_a_notebook_gets_the_viewer_and_a_figure(result):
    frame = result._repr_html_()
    assert frame.count("<iframe") == 1
    assert 'sandbox="allow-scripts"' in frame
    (item,) = shown_in(frame)["items"]
    assert item["fingerprint"] == result.fingerprint
    assert item["record"]["n"] > 4
    assert result._repr_png_().startswith(b"\x89PNG")


def test_a_comparison_in_a_notebook_has_its_scoreboard(model, picture):
    compared = sw.compare(
        picture, model, methods="lime,occlusion", segments="grid:2", budget=32, repeats=1
    )
    (item,) = shown_in(compared._repr_html_())["items"]
    assert [row["name"] for row in item["comparison"]["rows"]] == ["lime", "occlusion"]


def test_pictures_shrink_as_there_are_more(model):
    import skimage

    result = sw.explain(skimage.data.coffee(), model, segments="grid:2", fill="black")
    (alone,) = document_of([result])["items"]
    assert alone["picture"]["width"] == 600
    assert shown_in(result._repr_html_())["items"][0]["picture"]["width"] == 512
    many = document_of([result] * 11)
    assert {item["picture"]["width"] for item in many["items"]} == {256}
    assert many["title"] == "11 pictures"
    assert document_of([result])["title"] == result.picture.name
    assert document_of([result], title="t")["title"] == "t"


def test_a_folder_gets_a_page_and_a_saved_result_none(result, tmp_path, monkeypatch):
    assert report_place(tmp_path) == tmp_path / "report.html"
    assert report_place(tmp_path / "new.HTML") == tmp_path / "new.HTML"
    assert report_place(tmp_path / "v1.0") == tmp_path / "v1.0" / "report.html"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert report_place("~/x.html") == tmp_path / "x.html"
    result.save(tmp_path / "out")
    for place in (tmp_path / "out", tmp_path / "out" / "other.html"):
        with pytest.raises(sw.StoreError, match="holds a saved result"):
            result.report(place)
    sw.Explained.load(tmp_path / "out")


def test_a_loaded_result_makes_a_report_too(result, tmp_path):
    result.save(tmp_path / "out")
    back = sw.Explained.load(tmp_path / "out")
    own = shown_in((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert shown_in(back.report(tmp_path / "again.html").read_text(encoding="utf-8")) == own
