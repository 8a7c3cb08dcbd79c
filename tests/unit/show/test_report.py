"""Pages of view documents: nothing in them can get out, and nothing else can get in."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image as pillow

from seewhy.errors import InputError, StoreError
from seewhy.show import report_files
from seewhy.show.report import inline_json, notebook_html, report_html
from seewhy.show.report_files import write_report
from seewhy.show.viewer import viewer_script, viewer_style

EVIL = [
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "]]>\n\r\u2028\u2029\x00",
    "\u202eevil שלום مرحبا",
    "'\"\\u003c\\",
    "name " * 2048,
    "caf\udce9",  # a file name that is no UTF-8
    "__proto__",
]


def picture(seed=0, side=160):
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    pillow.fromarray(pixels).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def item(name="bus.jpg", *, side=160, **more):
    said = {"index": 0, "label": name, "probability": 0.5, "score": 0.0}
    shown = {"src": picture(side=side), "width": side, "height": side}
    return {"name": name, "picture": shown, "predictions": [said, {**said, "index": 1}], **more}


def document(*items, title="title"):
    return {"v": 1, "seewhy": "0.1.0", "title": title, "items": list(items)}


class Page(HTMLParser):
    """What a browser would find: every start tag, and the text of scripts and styles."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.texts, self._open = [], {}, None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open = tag if tag in ("script", "style", "title") else None
        if self._open:
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        self._open = None

    def handle_data(self, data):
        if self._open:
            self.texts[self._open][-1] += data

    def attributes(self, tag, **wanted):
        found = [kept for name, kept in self.tags if name == tag]
        return [kept for kept in found if wanted.items() <= kept.items()]

    @property
    def policy(self):
        (meta,) = self.attributes("meta", **{"http-equiv": "Content-Security-Policy"})
        parts = (part.split() for part in meta["content"].split(";"))
        return {name: sources for name, *sources in parts}

    @property
    def data(self):
        return json.loads(self.texts["script"][0])


def digest(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def shard_items(text, number):
    """What a script of data hands over, read as JavaScript reads a string in single quotes."""
    head, tail = f"window.Seewhy.shard({number}, JSON.parse('", "'));\n"
    assert text.startswith(head)
    assert text.endswith(tail)
    quoted = text[len(head) : -len(tail)]
    assert not re.search(r"[\n\r\u2028\u2029]|(?<!\\)(?:\\\\)*'", quoted)
    return json.loads(re.sub(r"\\(.)", r"\1", quoted))


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_texts_stay_data(evil):
    told = document(item(evil), title=evil)
    page = Page(report_html(told))
    assert [tag for tag, _ in page.tags].count("script") == 3
    assert not page.attributes("img")
    assert page.data == told
    assert len(page.texts["title"]) == 1


@pytest.mark.parametrize("evil", EVIL)
def test_inline_json_is_json_without_markup(evil):
    text = inline_json({evil: [evil]})
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == {evil: [evil]}
    text.encode("utf-8")


def test_numbers_that_are_none_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        inline_json([float("nan")])


@pytest.mark.parametrize("shards", [False, True])
def test_policy_allows_the_two_scripts_and_nothing_else(shards):
    page = Page(report_html(document(item()), shards=shards))
    _data, script, boot = page.texts["script"]
    beside = ["'strict-dynamic'"] if shards else []
    assert page.policy == {
        "default-src": ["'none'"],
        "img-src": ["data:"],
        "style-src": [digest(page.texts["style"][0])],
        "script-src": [digest(script), digest(boot), *beside],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert script == viewer_script()
    assert page.texts["style"] == [viewer_style()]
    assert "Seewhy.mount" in boot
    # a policy holds only for what comes after it
    names = [tag for tag, _ in page.tags]
    assert names.index("meta") < names.index("style")


def test_page_asks_for_nothing_and_styles_nothing_inline():
    page = Page(report_html(document(item())))
    for tag, attributes in page.tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for source in (attributes.get("src"), attributes.get("href")):
            assert source is None or source.startswith("data:"), tag


def test_the_viewer_can_stand_in_a_page():
    for text in (viewer_script(), viewer_style()):
        assert not re.search("</(script|style)|<!--", text, re.IGNORECASE)
        assert "\r" not in text
        assert not re.search(r"https?://(?!www\.w3\.org)", text)


def test_equal_documents_give_equal_pages():
    first, second = (report_html(document(item())) for _ in range(2))
    assert first == second
    assert first != report_html(document(item("other.jpg")))


def test_notebook_frame_is_cut_off_and_holds_the_page():
    told = document(item(EVIL[0]), title=EVIL[0])
    outer = Page(notebook_html(told, height=480))
    (frame,) = outer.attributes("iframe")
    assert frame["sandbox"] == "allow-scripts"
    assert frame["height"] == "480"
    assert "src" not in frame
    assert not outer.attributes("script")
    assert not outer.attributes("img")
    inner = Page(frame["srcdoc"])
    assert inner.data == told
    assert "compact: true" in inner.texts["script"][2]
    assert digest(inner.texts["script"][2]) in inner.policy["script-src"]
    assert "compact: false" in Page(report_html(told)).texts["script"][2]


def test_few_pictures_are_one_file(tmp_path):
    told = document(item("a.jpg"), item("b.jpg"))
    page = write_report(tmp_path / "deep" / "report.html", told)
    assert page == tmp_path / "deep" / "report.html"
    assert page.read_text(encoding="utf-8") == report_html(told)
    assert [file.name for file in page.parent.iterdir()] == ["report.html"]


def test_many_pictures_are_a_folder(tmp_path):
    items = [item(f"{number}.jpg", side=20, number=number) for number in range(301)]
    items[7]["name"] = EVIL[4]
    page = write_report(tmp_path / "report.html", document(*items))
    assert page == tmp_path / "report" / "index.html"
    files = sorted(file.name for file in page.parent.iterdir())
    assert files == [*(f"data-{k:04d}.js" for k in range(1, 8)), "index.html"]
    shown = Page(page.read_text(encoding="utf-8"))
    light = shown.data["items"]
    assert [entry["name"] for entry in light] == [entry["name"] for entry in items]
    assert "'strict-dynamic'" in shown.policy["script-src"]
    for number in range(1, 8):
        path = page.parent / f"data-{number:04d}.js"
        held = shard_items(path.read_text(encoding="utf-8"), number)
        assert len(held) == (50 if number < 7 else 1)
        for entry, told in zip(light, items, strict=True):
            if entry["shard"] == number:
                assert held[entry["at"]] == told


def test_light_items_have_a_small_picture_and_the_first_class(tmp_path, monkeypatch):
    monkeypatch.setattr(report_files, "MOST_ITEMS", 1)
    page = write_report(tmp_path / "report.html", document(item("a"), item("b")))
    (first, second) = Page(page.read_text(encoding="utf-8")).data["items"]
    assert set(first) == {"name", "thumb", "predictions", "shard", "at"}
    assert (first["shard"], first["at"], second["at"]) == (1, 0, 1)
    assert [said["index"] for said in first["predictions"]] == [0]
    _, _, data = first["thumb"].partition(",")
    thumb = pillow.open(io.BytesIO(base64.b64decode(data)))
    assert max(thumb.size) == report_files.THUMB_SIDE
    assert len(first["thumb"]) < len(picture()) / 4


def test_large_pictures_are_a_folder_too(tmp_path, monkeypatch):
    size = len(inline_json(item()))
    monkeypatch.setattr(report_files, "MOST_BYTES", 3 * size)
    monkeypatch.setattr(report_files, "SHARD_BYTES", int(2.5 * size))
    three = document(*[item() for _ in range(3)])
    assert write_report(tmp_path / "three.html", three).name == "three.html"
    page = write_report(tmp_path / "four.html", document(*[item() for _ in range(4)]))
    assert page == tmp_path / "four" / "index.html"
    light = Page(page.read_text(encoding="utf-8")).data["items"]
    assert [(entry["shard"], entry["at"]) for entry in light] == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_one_picture_is_one_file_however_large(tmp_path, monkeypatch):
    monkeypatch.setattr(report_files, "MOST_BYTES", 10)
    assert write_report(tmp_path / "report.html", document(item())).name == "report.html"


def test_an_earlier_report_is_replaced(tmp_path, monkeypatch):
    for name in ("first", "second"):
        page = write_report(tmp_path / "report.html", document(item(name)))
    assert Page(page.read_text(encoding="utf-8")).data["items"][0]["name"] == "second"
    monkeypatch.setattr(report_files, "MOST_ITEMS", 1)
    for count in (101, 3):
        page = write_report(tmp_path / "many.html", document(*[item() for _ in range(count)]))
    assert sorted(file.name for file in page.parent.iterdir()) == ["data-0001.js", "index.html"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["many", "report.html"]


def test_a_report_that_grew_takes_its_old_page_away(tmp_path, monkeypatch):
    monkeypatch.setattr(report_files, "MOST_ITEMS", 2)
    target = tmp_path / "report.html"
    assert write_report(target, document(item("first"))) == target
    index = write_report(target, document(*[item() for _ in range(3)]))
    assert index == tmp_path / "report" / "index.html"
    assert [file.name for file in tmp_path.iterdir()] == ["report"]


def test_a_report_that_grew_leaves_a_page_of_anyone_else(tmp_path, monkeypatch):
    monkeypatch.setattr(report_files, "MOST_ITEMS", 2)
    mine = tmp_path / "report.html"
    mine.write_text("<html>my own page</html>")
    assert write_report(mine, document(*[item() for _ in range(3)])).name == "index.html"
    assert mine.read_text() == "<html>my own page</html>"


def test_a_card_in_a_folder_knows_the_true_class(tmp_path, monkeypatch):
    monkeypatch.setattr(report_files, "MOST_ITEMS", 2)
    truth = {"index": 3, "label": EVIL[0], "probability": 0.1, "score": -2.2, "rank": 4}
    items = [item(true=truth), item(true=None), item()]
    page = write_report(tmp_path / "report.html", document(*items))
    first, *others = Page(page.read_text(encoding="utf-8")).data["items"]
    assert first["true"] == truth
    assert not any("true" in entry for entry in others)


def test_nothing_of_anyone_else_is_overwritten(tmp_path, monkeypatch):
    mine = tmp_path / "report.html"
    mine.write_text("<html>my own page</html>")
    with pytest.raises(StoreError, match=r"report\.html is there already"):
        write_report(mine, document(item()))
    assert mine.read_text() == "<html>my own page</html>"
    monkeypatch.setattr(report_files, "MOST_ITEMS", 1)
    folder = write_report(tmp_path / "many.html", document(item(), item())).parent
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="many is there already"):
        write_report(tmp_path / "many.html", document(item(), item()))
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    page = write_report(tmp_path / "report.html", document(item("first")))
    monkeypatch.setattr(report_files, "MOST_ITEMS", 1)
    index = write_report(tmp_path / "many.html", document(item("a"), item("b")))
    before = page.read_bytes(), index.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("pathlib.Path.write_text", full)
        for name, count in (("report.html", 1), ("many.html", 2)):
            with pytest.raises(StoreError, match="No space left on device"):
                write_report(tmp_path / name, document(*[item("new") for _ in range(count)]))
    assert (page.read_bytes(), index.read_bytes()) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["many", "report.html"]


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.html; got 'report\.pdf'"):
        write_report(tmp_path / "report.pdf", document(item()))


def test_places_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written .*: name another place"):
        write_report(tmp_path / "file" / "report.html", document(item()))


def test_title_is_on_one_line():
    page = Page(report_html(document(item(), title=" two\nlines & more ")))
    assert page.texts["title"] == ["two lines & more"]
    assert Page(report_html(document(item(), title="\n"))).texts["title"] == ["Seewhy"]
    assert html.escape("two lines & more") in report_html(
        document(item(), title="two lines & more")
    )
