"""Reports in a real browser, opened from a disk: they work, and nothing foreign runs in them."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace

import numpy as np
import pytest

import seewhy as sw
from seewhy.run.viewing import view_document, view_item
from seewhy.show import report_files
from seewhy.show.report_files import write_report

HOSTILE = [
    "</script><img src=x onerror=alert(1)>",
    "<script>alert(1)</script><b onclick=alert(1)>bold</b>",
    "two\nlines\r\n\ttab \u2028\u2029 <!-- --> ]]>",
    "\u202eevil שלום مرحبا",
    "${alert(1)} {{alert(1)}} ' \" ` \\",
    "long name " * 1024,
]

RUN_INLINE = """() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    const image = document.createElement("img");
    image.setAttribute("onerror", "window.ran = true");
    image.src = "data:,";
    document.body.append(image);
}"""

MARKUP = """<script>window.ran = true</script><script src="foreign.js"></script>
<img src="data:," onerror="window.ran = true">"""


def patches(images):
    corner = images[:, :16, :16].mean(axis=(1, 2, 3))
    return np.stack([4 * corner, 1 + 0 * corner, 0 * corner], axis=1)


@pytest.fixture(scope="module")
def result():
    """Of a photo-sized picture, by two methods for two classes, with its curves."""
    import skimage

    return sw.explain(skimage.data.coffee(), model(), methods="lime,occlusion", **settings())


def model(label="corner"):
    return sw.CallableModel(
        patches, labels=[label, "rest", "neither"], output="logits", input_size=(32, 32)
    )


def settings():
    return {"segments": "grid:4", "fill": "black", "top": 2, "curves": True}


@pytest.fixture
def from_disk(page, page_watch):
    """Open a page of the disk, and be sure that it asked for nothing but what lies beside it."""

    def show(path):
        page.goto(path.as_uri())
        page.wait_for_selector(".sw")
        asked = [url for url in page_watch.asked if url.startswith("file:")]
        assert asked[0] == path.as_uri()
        return page, asked[1:]

    return show


def test_a_report_is_one_file_that_asks_for_nothing(result, from_disk, tmp_path):
    page, more = from_disk(result.report(tmp_path / "report.html"))
    assert more == []
    assert page.title() == result.picture.name
    assert result.targets[0].label in page.locator(".sw").inner_text()


def test_the_report_of_a_saved_result_works(result, from_disk, tmp_path):
    result.save(tmp_path / "out")
    page, more = from_disk(tmp_path / "out" / "report.html")
    assert more == []
    assert result.picture.name in page.locator("body").inner_text()


def test_the_policy_stops_scripts_that_get_into_the_page(result, from_disk, page_watch, tmp_path):
    page, _ = from_disk(result.report(tmp_path / "report.html"))
    page_watch.expected += ["inline script", "inline event handler"]
    page.evaluate(RUN_INLINE)
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None


@pytest.fixture
def listener():
    """A server that counts who connects; its address."""
    taken = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def callers():
            with contextlib.suppress(TimeoutError):
                while True:
                    taken.append(server.accept()[1])
            return taken

        yield f"127.0.0.1:{server.getsockname()[1]}", callers


def test_the_policy_stops_what_would_leave_the_page(
    result, from_disk, page_watch, listener, tmp_path
):
    address, callers = listener
    page, _ = from_disk(result.report(tmp_path / "report.html"))
    page_watch.expected += ["connect", "img-src"]
    page_watch.allowed_hosts.append(address)  # the browser tells of what it then does not ask
    stopped = page.evaluate(
        """async (address) => {
            const image = new Image();
            const failed = new Promise((done) => { image.onerror = () => done("image"); });
            image.src = `http://${address}/pixel.png`;
            const asked = fetch(`http://${address}/`).then(() => "fetched", () => "fetch");
            return [await failed, await asked];
        }""",
        address,
    )
    assert stopped == ["image", "fetch"]
    assert callers() == []


@pytest.mark.parametrize("evil", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_are_shown_and_never_run(result, from_disk, tmp_path, evil):
    found = sw.explain(result.picture, model(evil), methods="lime,anchors", **settings())
    named = replace(found, picture=replace(found.picture, name=evil))
    page, more = from_disk(named.report(tmp_path / "report.html"))
    assert more == []
    assert page.locator("img[src=x], b[onclick]").count() == 0
    assert page.locator("script").count() == 3
    shown = page.locator(".sw").inner_text() + " ".join(
        page.locator(".sw [title]").evaluate_all("all => all.map((one) => one.title)")
    )
    assert "".join(evil.split())[:20] in "".join(shown.split())


@pytest.fixture
def folder(result, tmp_path, monkeypatch):
    """A report of 120 pictures, in three files beside its page."""
    monkeypatch.setattr(report_files, "MOST_ITEMS", 100)
    item = view_item(result, side=96)
    items = [{**item, "name": f"picture {number}"} for number in range(120)]
    items[60]["name"] = HOSTILE[0]
    return write_report(tmp_path / "report.html", view_document(items, title="many"))


def test_a_picture_of_a_later_file_opens(folder, from_disk):
    page, more = from_disk(folder)
    assert more == []
    assert page.locator("[data-sw=gallery]").count() == 1
    assert "picture 119" in page.locator("[data-sw=gallery]").inner_text()
    page.evaluate("window.seewhy.open(60)")
    page.wait_for_selector("[data-sw=canvas]")
    page.wait_for_function(
        "(name) => document.querySelector('.sw').innerText.includes(name)", arg=HOSTILE[0]
    )
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("script[src]").count() == 1


def test_further_files_are_loaded_on_demand(folder, from_disk, page_watch):
    page, _ = from_disk(folder)
    for opened, file in ((60, "data-0002.js"), (61, None), (119, "data-0003.js")):
        before = len(page_watch.asked)
        page.evaluate(f"window.seewhy.open({opened})")
        page.wait_for_timeout(500)
        asked = [url for url in page_watch.asked[before:] if url.startswith("file:")]
        wanted = [] if file is None else [(folder.parent / file).as_uri()]
        assert asked == wanted


def test_a_folder_stops_scripts_that_get_into_the_page(folder, from_disk, page_watch):
    (folder.parent / "foreign.js").write_text("window.ran = true")
    page, _ = from_disk(folder)
    page_watch.expected += ["inline script", "inline event handler", "foreign.js"]
    page.evaluate("(markup) => document.write(markup)", MARKUP)
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_telephone(result, new_page, tmp_path, scheme):
    page = new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page.goto(result.report(tmp_path / "report.html").as_uri())
    page.wait_for_selector("[data-sw=canvas]")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
