"""``seewhy report``: one page of many saved results, and what is said when it cannot be."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from typer.testing import CliRunner

import seewhy as sw
from seewhy.cli.app import app

MODEL = "py:quick_model:quick"


def run(*args):
    return CliRunner().invoke(app, ["report", *map(str, args)])


def items_of(page):
    text = page.read_text(encoding="utf-8")
    (data,) = re.findall('id="seewhy-data">(.*?)</script>', text, re.DOTALL)
    return json.loads(data)["items"]


@pytest.fixture
def explained(here):
    """Three results below ``explained/``."""
    for name in ("cat", "bus", "dog"):
        result = sw.explain(here / "picture.png", MODEL, segments="grid:2", top=1)
        result.save(here / "explained" / name)
    return here / "explained"


@pytest.fixture
def compared(here):
    """A comparison in ``compared/bus``."""
    place = here / "compared" / "bus"
    settings = {"methods": "lime,occlusion", "segments": "grid:2", "budget": 32, "repeats": 1}
    sw.compare(here / "picture.png", MODEL, **settings).save(place)
    return place


def test_a_folder_of_results_gets_one_page_beside_them(here, explained):
    done = run("explained")
    assert done.exit_code == 0
    assert done.stdout == "→ explained/report.html\n"
    items = items_of(here / "explained" / "report.html")
    assert len(items) == 3
    assert {item["name"] for item in items} == {"picture.png"}
    # once more, over the earlier one
    assert run("explained").exit_code == 0


def test_results_are_in_the_order_named_each_once(here, explained):
    for name in ("cat", "bus"):
        place = explained / name
        told = json.loads((place / "explanation.json").read_text())
        told["seed"] = {"cat": 1, "bus": 2}[name]
        _rewrite(place, told)
    done = run("explained/cat", "explained/bus", "explained", "--out", "two.html")
    assert done.stdout == "→ two.html\n"
    assert [item["seed"] for item in items_of(here / "two.html")][:2] == [1, 2]
    assert len(items_of(here / "two.html")) == 3


def _rewrite(place, told):
    """Change a number of a saved result, and its manifest with it."""
    from seewhy.run.directory import MANIFEST, to_json, write_manifest

    (place / "explanation.json").write_text(to_json(told), encoding="utf-8")
    (place / MANIFEST).unlink()
    write_manifest(place, kind="seewhy explanation")


def test_one_result_goes_here(here, explained):
    done = run("explained/bus", "--title", "my bus")
    assert done.stdout == "→ report.html\n"
    page = here / "report.html"
    assert "<title>my bus</title>" in page.read_text(encoding="utf-8")
    assert items_of(page)[0]["methods"][0]["name"] == "lime"
    # the result's own files are as they were
    sw.Explained.load(explained / "bus")


def test_a_comparison_brings_its_scoreboard(here, compared):
    assert run("compared", "--out", "pages").stdout == "→ pages/report.html\n"
    (item,) = items_of(here / "pages" / "report.html")
    assert [row["name"] for row in item["comparison"]["rows"]] == ["lime", "occlusion"]
    own = items_of(compared / "report.html")
    assert own[0]["comparison"] == item["comparison"]


def test_every_result_has_a_page_of_its_own(explained):
    (item,) = items_of(explained / "bus" / "report.html")
    assert item["comparison"] is None
    assert item["picture"]["width"] == 32


def test_what_cannot_be_read_is_named_and_the_rest_is_shown(here, explained):
    (explained / "dog" / "segments.png").write_bytes(b"damaged")
    done = run("explained")
    assert done.exit_code == 3
    assert done.stdout == "→ explained/report.html\n"
    assert "explained/dog is damaged: segments.png" in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(items_of(here / "explained" / "report.html")) == 2


def test_nothing_readable_is_bad_input_and_writes_nothing(here, explained):
    for name in ("cat", "bus", "dog"):
        (explained / name / "figure.png").unlink()
    done = run("explained")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.count("is damaged") == 3
    assert not (explained / "report.html").exists()


def test_what_is_being_written_and_statistics_are_passed_over(here, explained):
    shutil.copytree(explained / "bus", explained / ".bus-draft")
    field = explained / "pictures"
    field.mkdir()
    (field / "manifest.json").write_text("{}")
    (field / "field.json").write_text("{}")
    assert run("explained").exit_code == 0
    assert len(items_of(explained / "report.html")) == 3


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere"], "a saved result is a directory; nowhere is none"),
        (["picture.png"], "a saved result is a directory; picture.png is none"),
        (["empty"], "empty holds no saved result (manifest.json is nowhere in it)"),
        (["explained", "--out", "explained/bus"], "explained/bus holds a saved result"),
        (["explained", "--out", "explained/bus/new.html"], "explained/bus holds a saved result"),
        (["explained", "--out", "mine.html"], "mine.html is there already"),
        (["explained", "--out", "picture.png/report.html"], "cannot be written"),
    ],
)
def test_refusals_are_one_sentence(here, explained, args, says):
    (here / "empty").mkdir()
    (here / "mine.html").write_text("my own page")
    done = run(*args)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("seewhy: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert (here / "mine.html").read_text() == "my own page"
    sw.Explained.load(explained / "bus")


def test_a_file_of_another_kind_is_no_folder(here, explained):
    done = run(explained, "--out", "x.pdf")
    assert done.exit_code == 2
    assert "a page that ends in .html, or a folder for it; got 'x.pdf'" in done.stderr
    assert not (here / "x.pdf").exists()
    assert run(explained, "--out", "v1.2").exit_code == 0
    assert (here / "v1.2" / "report.html").is_file()


def test_many_results_make_a_folder(here, explained, monkeypatch):
    monkeypatch.setattr("seewhy.show.report_files.MOST_ITEMS", 2)
    done = run("explained")
    assert done.stdout == "→ explained/report/index.html\n"
    assert (explained / "report" / "data-0001.js").is_file()
    # the page is no result, and is passed over the next time
    assert run("explained").exit_code == 0


def test_from_python_one_or_several(here, explained, compared):
    one, two = sw.Explained.load(explained / "bus"), sw.Comparison.load(compared)
    assert one.report(here / "one.html") == here / "one.html"
    assert len(items_of(here / "one.html")) == 1
    assert two.report(here / "pages") == here / "pages" / "report.html"
    assert items_of(here / "pages" / "report.html")[0]["comparison"]
    sw.write_report([one, two], here / "both.html", title="both")
    assert len(items_of(here / "both.html")) == 2
    sw.write_report(one, here / "again.html")
    assert (here / "again.html").read_bytes() == (here / "one.html").read_bytes()


@pytest.mark.parametrize(
    ("results", "says"), [([], "got none"), (["explained/bus"], "got str"), ([None], "NoneType")]
)
def test_what_is_no_result_is_refused(here, results, says):
    with pytest.raises(sw.InputError, match=f"results must .*{says}"):
        sw.write_report(results, here / "report.html")
    assert not (here / "report.html").exists()


def test_page_is_the_same_each_time(explained):
    result = sw.Explained.load(explained / "bus")
    for name in ("first", "second"):
        result.save(explained / name)
    first, second = (explained / name / "report.html" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
