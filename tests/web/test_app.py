"""The app in a real browser, before a real server: from a picture to an answer, and what fails."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from itertools import pairwise
from time import monotonic, sleep

import numpy as np
import pytest
from PIL import Image as pillow

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

import seewhy as sw
from seewhy.image.fill import parse_fill
from seewhy.image.read import read_picture
from seewhy.image.segmenters import parse_segmenter
from seewhy.run.case import open_case
from seewhy.run.question import Question, checked_methods
from seewhy.server.pictures import Pictures

CELLS = 5
HOSTILE = "<img src=x onerror=alert(1)>"


def pixels():
    return np.random.default_rng(3).integers(60, 250, (64, 64, 3), dtype=np.uint8)


def png(array=None):
    packed = io.BytesIO()
    pillow.fromarray(pixels() if array is None else array).save(packed, "PNG")
    return packed.getvalue()


def payload(name="photo.png", data=None):
    return {"name": name, "mimeType": "image/png", "buffer": png() if data is None else data}


def enter(page, app):
    page.goto(app.url)
    page.locator(".sample").first.wait_for()


def give(page, app, name="photo.png"):
    enter(page, app)
    page.set_input_files("#file", payload(name))
    page.locator("#work").wait_for()


def cut(page, *methods):
    """Methods, a grid of 5 × 5 regions, and black where one is hidden."""
    for chip in page.locator("[name=method]").all():
        chip.set_checked(chip.get_attribute("value") in methods, force=True)
    page.select_option("#segments", "grid")
    page.fill("#count", str(CELLS))
    page.select_option("#fill", "black")


def explained(page, app, *methods, name="photo.png"):
    give(page, app, name)
    cut(page, *(methods or ("lime",)))
    return answered(page, app)


def answered(page, app):
    """Press the button, wait for the answer, and return its id and the item that is shown."""
    before = job_of(page)
    page.click("#explain")
    until(lambda: job_of(page) != before)
    page.locator("[data-sw=canvas]").first.wait_for()
    job = job_of(page)
    return job, app.json(f"/api/jobs/{job}/view")["items"][0]


def job_of(page):
    found = re.search(r"/api/jobs/([\w-]+)/report", page.get_attribute("#report", "href") or "")
    return found and found[1]


def until(met):
    limit = monotonic() + 15
    while not met():
        assert monotonic() < limit
        sleep(0.02)


def cell(page, player):
    box = page.locator("[data-sw=canvas]").first.bounding_box()
    row, column = divmod(player, CELLS)
    return {
        "x": (column + 0.5) / CELLS * box["width"],
        "y": (row + 0.5) / CELLS * box["height"],
    }


def click(page, player):
    page.locator("[data-sw=canvas]").first.click(position=cell(page, player))


def probabilities(app, hidden):
    """What the model says with cells of the picture black, without a line of the app's."""
    image = pixels().astype(np.float32) / 255
    labels = parse_segmenter(f"grid:{CELLS}")(image).labels
    image[np.isin(labels, list(hidden))] = 0
    logits = app.corners(image[None])[0]
    return np.exp(logits) / np.exp(logits).sum()


def overflow(page):
    return page.evaluate("() => document.documentElement.scrollWidth - innerWidth")


def start_long(page, app):
    """A job that goes on for minutes unless it is stopped."""
    cut(page, "rise")
    if not page.locator("#budget").is_visible():
        page.get_by_text("More settings").click()
    page.fill("#budget", "60000")
    app.corners.pause = 0.005
    page.click("#explain")
    page.locator("#stage-text", has_text=" of ").wait_for()


def test_from_a_chosen_file_to_the_answer(page, seewhy_app):
    enter(page, seewhy_app)
    assert "corners" in page.inner_text("#model")
    assert "64 × 64" in page.inner_text("#model")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a picture").click()
    chooser.value.set_files(payload())
    page.locator("#work").wait_for()
    shown = page.locator("#predictions li").all_inner_texts()
    expected = probabilities(seewhy_app, ())
    assert len(shown) == 4
    assert f"{100 * expected.max():.0f} %" in shown[0]
    assert "64 × 64" in page.inner_text("#picture-facts")
    cut(page, "lime", "occlusion")
    seewhy_app.corners.pause = 0.2
    page.click("#explain")
    page.locator("#stage-text", has_text=" of ").wait_for()
    seen = []
    while page.locator("#progress").is_visible() and len(seen) < 500:
        seen.append(page.evaluate("() => document.getElementById('bar').position"))
    assert len({each for each in seen if each > 0}) >= 2
    page.locator("[data-sw=canvas]").wait_for()
    assert page.get_by_role("tab", name="occlusion").count() == 1
    assert page.locator("#idle").is_hidden()


def test_hovering_tells_what_the_answer_holds(page, seewhy_app):
    _, item = explained(page, seewhy_app)
    assert item["segmentation"]["method"] == "grid"
    assert item["fill"]["name"] == "black"
    column = item["methods"][0]["columns"][0]
    for player in (0, 7, 24):
        page.locator("[data-sw=canvas]").hover(position=cell(page, player))
        tip = page.locator("[data-sw=tip]")
        assert tip.get_attribute("data-player") == str(player)
        assert float(tip.get_attribute("data-value")) == column["values"][player]


def test_hiding_regions_asks_the_model_anew(page, seewhy_app):
    _, item = explained(page, seewhy_app, "occlusion")
    target = item["targets"][0]["index"]
    hidden = [0, 6, 12, 18, 24]
    for player in hidden:
        click(page, player)
    page.locator("[data-sw=whatif][data-kind=live][data-probability]").wait_for()
    told = float(page.get_attribute("[data-sw=whatif]", "data-probability"))
    assert told == pytest.approx(probabilities(seewhy_app, hidden)[target], abs=1e-6)
    assert told == pytest.approx(game_says(seewhy_app, hidden)[target], abs=1e-6)
    assert abs(told - item["targets"][0]["probability"]) > 0.01  # hiding them changes something


def game_says(app, hidden):
    question = Question(
        methods=checked_methods("occlusion", misclassified=False),
        top=3,
        target=None,
        against=None,
        true=None,
        segments=parse_segmenter(f"grid:{CELLS}"),
        fill=parse_fill("black"),
        score="log-odds",
        budget="auto",
        seed=None,
        backgrounds=None,
    )
    picture = read_picture(pixels())
    case = open_case(question, picture, app.model, tell=lambda event: None)
    mask = np.ones((1, CELLS**2), bool)
    mask[0, hidden] = False
    return np.exp(case.subject.game(mask)[0])


DROP = """([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, { type: "image/png" }));
  const at = document.getElementById("drop");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    at.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    if (kind === "dragover") window.veiled = !document.getElementById("veil").hidden;
  }
}"""
PASTE = """([name, text]) => {
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const clipboardData = new DataTransfer();
  clipboardData.items.add(new File([bytes], name, { type: "image/png" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}"""


@pytest.mark.parametrize(("how", "name"), [(DROP, "dropped.png"), (PASTE, "pasted.png")])
def test_a_picture_comes_by_drop_and_by_paste(page, seewhy_app, how, name):
    enter(page, seewhy_app)
    page.evaluate(how, [name, base64.b64encode(png()).decode()])
    page.locator("#work").wait_for()
    assert page.inner_text("#picture-name") == name
    if how == DROP:
        assert page.evaluate("() => window.veiled")
        assert page.locator("#veil").is_hidden()


def test_a_sample_needs_no_file(page, seewhy_app):
    enter(page, seewhy_app)
    page.get_by_role("button", name="coffee").click()
    page.locator("#work").wait_for()
    assert "coffee" in page.inner_text("#picture-name")
    assert page.evaluate("() => document.getElementById('preview').naturalWidth") > 100
    page.get_by_role("button", name="Another picture").click()
    page.get_by_role("button", name="Back to the picture").click()
    assert "coffee" in page.inner_text("#picture-name")


def test_cancel_stops_the_job(page, seewhy_app):
    give(page, seewhy_app)
    start_long(page, seewhy_app)
    job = running_job(page, seewhy_app)
    assert page.locator("#explain").is_disabled()
    page.get_by_role("button", name="Cancel").click()
    until(lambda: job.status.state == "cancelled")
    page.locator("#progress").wait_for(state="hidden")
    assert page.locator("#explain").is_enabled()
    assert page.locator("#error").is_hidden()
    assert page.inner_text("#said") == "Cancelled."


def running_job(page, app):
    """As the server knows it; to ask over the network would keep it alive."""
    job = page.evaluate("() => JSON.parse(sessionStorage.getItem('seewhy-running')).id")
    return app.hall.jobs[job]


def test_closing_the_tab_stops_the_job(page, seewhy_app):
    give(page, seewhy_app)
    start_long(page, seewhy_app)
    job = running_job(page, seewhy_app)
    page.close()
    until(lambda: job.status.state == "cancelled")


def test_a_reload_loses_neither_job_nor_answer(page, seewhy_app):
    first, _ = explained(page, seewhy_app)
    start_long(page, seewhy_app)
    page.reload()
    page.locator("[data-sw=canvas]").wait_for()
    assert job_of(page) == first
    page.locator("#stage-text", has_text=" of ").wait_for()
    assert running_job(page, seewhy_app).status.state == "running"
    page.get_by_role("button", name="Cancel").click()
    page.locator("#progress").wait_for(state="hidden")


def test_two_tabs_take_turns(page, new_page, seewhy_app):
    give(page, seewhy_app)
    start_long(page, seewhy_app)
    other = new_page()
    give(other, seewhy_app, "other.png")
    cut(other, "occlusion")
    other.click("#explain")
    other.locator("#stage-text", has_text="Waiting, 1 ahead").wait_for()
    page.get_by_role("button", name="Cancel").click()
    seewhy_app.corners.pause = 0.0
    other.locator("[data-sw=canvas]").wait_for()
    assert job_of(page) is None
    assert "other.png" in other.inner_text("#viewer")


def test_methods_are_compared(page, seewhy_app):
    give(page, seewhy_app)
    cut(page, "lime", "occlusion")
    page.get_by_role("button", name="Compare").click()
    page.locator("[data-sw=canvas]").first.wait_for(timeout=60_000)
    item = seewhy_app.json(f"/api/jobs/{job_of(page)}/view")["items"][0]
    rows = item["comparison"]["rows"]
    assert {row["name"] for row in rows} == {"lime", "occlusion"}
    key = item["comparison"]["columns"][0]["key"]
    shown = page.inner_text("#viewer")
    for row in rows:
        assert row["texts"][key] in shown


def test_answers_can_be_kept(page, new_page, seewhy_app, tmp_path):
    _, item = explained(page, seewhy_app)
    with page.expect_download() as download:
        page.get_by_role("link", name="Report").click()
    report = tmp_path / download.value.suggested_filename
    download.value.save_as(report)
    assert report.suffix == ".html"
    page_of_it = new_page()
    page_of_it.goto(report.as_uri())
    page_of_it.locator("[data-sw=canvas]").wait_for()
    assert "photo.png" in page_of_it.inner_text(".sw")
    with page.expect_download() as download:
        page.get_by_role("link", name="All files").click()
    download.value.save_as(tmp_path / "result.zip")
    with zipfile.ZipFile(tmp_path / "result.zip") as archive:
        archive.extractall(tmp_path / "result")
    (folder,) = (tmp_path / "result").iterdir()
    kept = sw.Explained.load(folder)
    assert kept.fingerprint == item["fingerprint"]
    values = np.array(item["methods"][0]["columns"][0]["values"])
    np.testing.assert_allclose(kept["lime"].values[:, 0], values, rtol=1e-5, atol=1e-6)


def test_a_broken_file_is_told_in_one_sentence(page, page_watch, seewhy_app):
    page_watch.expected.append("status of 4")
    enter(page, seewhy_app)
    page.set_input_files("#file", payload("torn.png", png()[:60]))
    trouble = page.get_by_role("alert")
    trouble.wait_for()
    assert "torn.png" in trouble.inner_text()
    with page.expect_file_chooser() as chooser:
        trouble.get_by_role("button", name="Choose another picture").click()
    chooser.value.set_files(payload())
    page.locator("#work").wait_for()
    assert trouble.is_hidden()


def test_too_large_a_file_is_not_even_sent(page, page_watch, seewhy_app):
    enter(page, seewhy_app)
    sent = len(page_watch.asked)
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(33 * 2 ** 20)], "huge.png"));
          document.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }"""
    )
    page.get_by_role("alert").wait_for()
    assert "33 MB" in page.inner_text("#error")
    assert len(page_watch.asked) == sent


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("budget", "many", "whole number"),
        ("seed", "-1", "whole number"),
        ("target", "", "Name the class"),
        ("methods", "", "Choose at least one way"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_it_is_sent(
    page, page_watch, seewhy_app, setting, value, told
):
    give(page, seewhy_app)
    sent = len(page_watch.asked)
    page.get_by_text("More settings").click()
    if setting == "methods":
        page.locator("[value=lime]").uncheck(force=True)
    elif setting == "target":
        page.get_by_role("radio", name="One class").check(force=True)
    else:
        page.fill(f"#{setting}", value)
    page.click("#explain")
    assert told in page.get_by_role("alert").inner_text()
    assert len(page_watch.asked) == sent
    assert page.locator("#explain").is_enabled()


def test_what_the_server_refuses_is_told(page, page_watch, seewhy_app):
    page_watch.expected.append("status of 4")
    give(page, seewhy_app)
    seewhy_app.hall.pictures = Pictures(most=1, memory=1)  # as after many others
    page.click("#explain")
    assert "give it again" in page.get_by_role("alert").inner_text()


def test_a_class_that_is_none_fails_with_the_way_out(page, seewhy_app):
    give(page, seewhy_app)
    page.get_by_role("radio", name="One class").check(force=True)
    page.fill("#target", "scoter")
    page.click("#explain")
    trouble = page.get_by_role("alert")
    trouble.wait_for()
    assert "scooter" in trouble.inner_text()
    assert page.locator("#progress").is_hidden()


def test_a_class_is_found_by_typing(page, seewhy_app):
    give(page, seewhy_app)
    cut(page, "occlusion")
    page.get_by_role("radio", name="One class").check(force=True)
    options = page.locator("#target-list [role=option]")
    page.locator("#target").press_sequentially("r")
    options.first.wait_for()
    assert set(options.all_inner_texts()) >= {"scooter", "passenger car"}
    page.fill("#target", "passenger")
    until(lambda: options.all_inner_texts() == ["passenger car"])
    page.keyboard.press("ArrowDown")
    assert page.get_attribute("#target", "aria-activedescendant") == "target-list-0"
    page.keyboard.press("Enter")
    assert page.input_value("#target") == "passenger car"
    assert options.first.is_hidden()
    _, item = answered(page, seewhy_app)
    assert [target["label"] for target in item["targets"]] == ["passenger car"]


def test_gradient_methods_say_why_they_are_missing(page, seewhy_app):
    give(page, seewhy_app)
    about = seewhy_app.json("/api/about")
    missing = [one for one in about["methods"] if one["unavailable"]]
    assert {one["name"] for one in missing} >= {"grad-cam", "integrated-gradients"}
    for one in missing:
        chip = page.locator(f"[name=method][value={one['name']}]")
        assert chip.is_disabled()
        assert one["unavailable"] in page.locator(f"#what-{one['name']}").text_content()
    page.locator("label.chip", has_text="Occlusion").hover()
    what = next(one["what"] for one in about["methods"] if one["name"] == "occlusion")
    assert page.inner_text("#method-what") == f"Occlusion {what}"


HOSTILE_NAMES = [
    f"</script>{HOSTILE}.png",
    "ö" * 196 + ".png",
    "\u202egnp.exe \u05d0\u05d1\u05d2.png",
    "'\"`${alert(1)}&lt;b&gt;.png",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=["markup", "long", "rtl", "quotes"])
def test_names_are_only_ever_text(page, new_page, seewhy_app, name):
    _, item = explained(page, seewhy_app, "occlusion", name=name)
    shown = page.evaluate("() => document.getElementById('picture-name').textContent")
    assert shown == item["name"]
    assert shown.endswith("png")
    assert HOSTILE in page.text_content("#predictions")
    assert page.locator("img[src=x], img[onerror], b").count() == 0
    assert overflow(page) == 0
    with page.expect_download() as download:
        page.get_by_role("link", name="Report").click()
    assert re.fullmatch(r"[\w-]+\.html", download.value.suggested_filename)
    page.set_viewport_size({"width": 360, "height": 700})
    assert overflow(page) == 0


def test_the_keyboard_suffices(page, seewhy_app):
    enter(page, seewhy_app)

    def tab_to(selector):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.locator(f"{selector}:focus").count():
                return
        raise AssertionError(f"{selector} cannot be reached")

    page.keyboard.press("Tab")
    assert page.locator(".skip:focus").count() == 1
    tab_to(".sample")
    page.keyboard.press("Enter")
    page.locator("#explain:focus").wait_for()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#result:focus").wait_for()
    assert "ready" in page.inner_text("#said")
    tab_to("#report")
    tab_to("[data-sw=canvas], .sw [tabindex='0']")


def test_a_phone_shows_everything_in_its_width(new_page, seewhy_app):
    phone = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    enter(phone, seewhy_app)
    assert overflow(phone) == 0
    phone.set_input_files("#file", payload())
    phone.locator("#work").wait_for()
    phone.get_by_text("More settings").click()
    assert overflow(phone) == 0
    cut(phone, "lime", "occlusion")
    answered(phone, seewhy_app)
    assert overflow(phone) == 0
    assert phone.locator("#result").bounding_box()["y"] < 844  # scrolled to
    phone.set_viewport_size({"width": 320, "height": 640})
    assert overflow(phone) == 0
    heights = [box.bounding_box()["height"] for box in phone.locator(".actions button").all()]
    assert min(heights) >= 44


def test_results_of_the_session_can_be_gone_back_to(page, seewhy_app):
    first, _ = explained(page, seewhy_app, "lime")
    cut(page, "occlusion")
    second, _ = answered(page, seewhy_app)
    assert first != second
    entries = page.locator("#history button")
    assert entries.count() == 2
    assert entries.first.get_attribute("aria-current") == "true"
    entries.nth(1).click()
    until(lambda: job_of(page) == first)
    page.get_by_role("tab", name="lime").wait_for()
    assert entries.nth(1).get_attribute("aria-current") == "true"
    assert page.locator("#viewer .sw").count() == 1


def test_an_earlier_answer_stays_alive_while_the_next_is_made(page, seewhy_app):
    _, item = explained(page, seewhy_app, "occlusion")
    start_long(page, seewhy_app)
    hidden = [0, 6, 12, 18, 24]
    for player in hidden:
        click(page, player)
    page.locator("[data-sw=whatif][data-kind=live][data-probability]").wait_for()
    told = float(page.get_attribute("[data-sw=whatif]", "data-probability"))
    target = item["targets"][0]["index"]
    assert told == pytest.approx(probabilities(seewhy_app, hidden)[target], abs=1e-6)
    assert page.locator("#progress").is_visible()


def test_a_lost_connection_is_told_and_found_again(page, page_watch, seewhy_app):
    page_watch.expected.append("ERR_INTERNET_DISCONNECTED")
    enter(page, seewhy_app)
    page.context.set_offline(True)
    page.locator(".sample").first.click()
    page.locator("#connection").wait_for()
    assert "lost" in page.inner_text("#connection")
    assert "does not answer" in page.get_by_role("alert").inner_text()
    page.context.set_offline(False)
    page.locator("#connection").wait_for(state="hidden")
    assert page.inner_text("#said") == "Connected again."
    page.locator(".sample").first.click()
    page.locator("#work").wait_for()


def test_light_and_dark_are_one_for_page_and_viewer(new_page, seewhy_app):
    page = new_page(color_scheme="dark")
    explained(page, seewhy_app)
    themes = "() => ['html', '.sw'].map((one) => document.querySelector(one).dataset.theme)"
    assert page.evaluate(themes) == ["dark", "dark"]
    dark = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    assert page.evaluate(themes) == ["light", "light"]
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") != dark
    page.reload()
    page.locator("[data-sw=canvas]").wait_for()
    assert page.evaluate(themes) == ["light", "light"]
    assert page.locator("[data-sw=theme]:visible").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(new_page, seewhy_app, scheme):
    page = new_page(color_scheme=scheme)
    give(page, seewhy_app)
    for selector in ("#predictions li", ".hint", "#method-what", "legend", "#explain", "#another"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page, selector):
    """The ratio that WCAG 2 asks for, of the first such element."""
    told = page.evaluate(
        """(selector) => {
          const found = [...document.querySelectorAll(selector)].find((one) => one.offsetWidth);
          let ground = found;
          while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") {
            ground = ground.parentElement;
          }
          return [getComputedStyle(found).color, getComputedStyle(ground).backgroundColor];
        }""",
        selector,
    )
    light = []
    for colour in told:
        parts = np.array(re.findall(r"[\d.]+", colour)[:3], float) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        light.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_progress_only_grows_within_a_stage(page, seewhy_app):
    give(page, seewhy_app)
    start_long(page, seewhy_app)
    seen = [page.evaluate("() => document.getElementById('bar').value") for _ in range(20)]
    assert all(before <= after for before, after in pairwise(seen))
