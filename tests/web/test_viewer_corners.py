"""The viewer where it is easily wrong: rare classes, examples, focus, ties, damage, dark, paper."""

from __future__ import annotations

import copy
import io
import json

import numpy as np
import pytest
from PIL import Image as pillow

import seewhy as sw
from seewhy.run.viewing import view_document, view_item
from seewhy.show import report_files, words
from seewhy.show.report_files import write_report

ROWS, COLUMNS = 4, 5
COUNT = ROWS * COLUMNS
LABELS = ["lamp", "scooter", "disc brake", "helmet", "bus", "tram", "ferry"]
DARK, WHITE = (20, 23, 28), (255, 255, 255)


def classify(images):
    """Four classes that look at four corners and act together a little, and three that are rare."""
    means = images.mean(axis=3)
    corners = [means[:, :16, :20], means[:, :16, 40:], means[:, 48:, :20], means[:, 48:, 40:]]
    light = np.stack([corner.mean(axis=(1, 2)) for corner in corners], axis=1)
    common = 6 * light + [0.6, 0, -0.2, -0.4] + light[:, :1] * light[:, 3:] * [2, 0, 0, 0]
    return np.concatenate([common, 2 * light[:, :3] + [1.2, 0.9, 0.6]], axis=1)


def explained(**settings):
    pixels = np.random.default_rng(3).integers(60, 250, (64, 64, 3), dtype=np.uint8)
    model = sw.CallableModel(classify, labels=LABELS, output="logits", input_size=(64, 64))
    asked = {"segments": f"grid:{ROWS}x{COLUMNS}", "fill": "black", "curves": True}
    result = sw.explain(pixels, model, **{**asked, **settings})
    return json.loads(json.dumps(view_document([view_item(result, side=320)], title="pictures")))


@pytest.fixture(scope="module")
def whole():
    """Two classes by four methods; copied for every test, which may then change it."""
    return explained(methods="lime:budget=64,occlusion,anchors,counterfactual", top=2)


@pytest.fixture
def document(whole):
    return copy.deepcopy(whole)


@pytest.fixture
def opened(open_document):
    """Open a document and wait until it can be used."""

    def show(document):
        page = open_document(document)
        page.wait_for_selector("[data-sw-ready]")
        return page

    return show


@pytest.fixture
def mounted(page, opened):
    """Show a document anew with a host written in JavaScript, as ``window.handle``."""

    def show(document, host="{}", before=""):
        opened(document)
        page.evaluate(
            f"""(view) => {{
            window.calls = [];
            {before}
            const root = document.querySelector(".sw");
            root.removeAttribute("data-sw-ready");
            window.handle = window.Seewhy.mount(root, view, {host});
        }}""",
            document,
        )
        page.wait_for_selector("[data-sw-ready]")
        return page

    return show


def cell(page, player, canvas=0):
    """Where a region of the grid lies on a canvas."""
    box = page.locator("[data-sw=canvas]").nth(canvas).bounding_box()
    row, column = divmod(player, COLUMNS)
    return {
        "x": (column + 0.5) / COLUMNS * box["width"],
        "y": (row + 0.5) / ROWS * box["height"],
    }


def click(page, player):
    page.locator("[data-sw=canvas]").first.click(position=cell(page, player))


def colours(page, player, canvas=0):
    """The mean colour that is painted on a region, away from its number."""
    return page.evaluate(
        """([at, fx, fy]) => {
        const canvas = document.querySelectorAll("[data-sw=canvas]")[at];
        const [x, y] = [Math.round(fx * canvas.width), Math.round(fy * canvas.height)];
        const data = canvas.getContext("2d").getImageData(x - 3, y, 6, 6).data;
        const sum = [0, 0, 0];
        for (let i = 0; i < data.length; i += 1) if (i % 4 < 3) sum[i % 4] += data[i] / 36;
        return sum;
    }""",
        [canvas, (player % COLUMNS + 0.5) / COLUMNS, (player // COLUMNS + 0.2) / ROWS],
    )


def answer(page):
    """What the what-if panel says: its kind, and the probability of the explained class."""
    panel = page.locator("[data-sw=whatif]")
    told = panel.get_attribute("data-probability")
    return panel.get_attribute("data-kind"), None if told is None else float(told)


def in_focus(page):
    return page.evaluate(
        """() => {
        const { activeElement: node } = document;
        return [node.tagName, node.getAttribute("role"), node.textContent,
            node.getAttribute("aria-checked") || node.getAttribute("aria-selected")];
    }"""
    )


# ---- a class that the model hardly thinks of


def test_a_rare_class_has_its_probability_and_a_curve_from_the_start(opened):
    document = explained(methods="occlusion", target="ferry")
    item = document["items"][0]
    target = item["targets"][0]
    assert target["index"] not in {each["index"] for each in item["predictions"]}
    page = opened(document)
    assert answer(page) == ("measured", target["probability"])
    chart = page.locator("[data-sw=curve]")
    left = chart.locator(".sw-grid").first.get_attribute("x1")
    starts = chart.locator("circle.sw-deletion").evaluate_all(
        "all => all.map((one) => one.getAttribute('cx'))"
    )
    assert starts[0] == left  # nothing hidden
    assert chart.locator("circle.sw-here").get_attribute("cx") == left


# ---- examples of a rule


def rule_of(page, document, example=1):
    """Open the rule's tab and one of its examples."""
    page.get_by_role("tab", name="anchors").click()
    page.locator(".sw-examples [role=radio]").nth(example).click()
    page.mouse.move(2, 2)
    return document["items"][0]["methods"][2]


def probability_of(document):
    return document["items"][0]["targets"][0]["probability"]


def test_an_example_before_another_picture_is_not_painted_with_the_fill(opened, document):
    rule = document["items"][0]["methods"][2]
    rule["keeps"][0]["background"] = "bus\nstop.jpg"
    page = opened(document)
    rule_of(page, document)
    gone = rule["keeps"][0]["hidden"]
    assert gone
    for player in gone[:3]:
        assert min(colours(page, player)) > 150  # pale; the fill is black
    assert "before bus stop.jpg" in page.locator("[data-sw=whatif]").inner_text()
    assert answer(page) == ("measured", probability_of(document))  # of this picture
    thumb = page.locator(".sw-examples [role=radio] canvas").nth(1)
    darkest = thumb.evaluate(
        """(canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
            .data.reduce((least, value) => Math.min(least, value), 255)"""
    )
    assert darkest > 40


def test_side_by_side_leaves_the_example(opened, document):
    page = opened(document)
    rule = rule_of(page, document)
    gone = rule["keeps"][0]["hidden"]
    assert max(colours(page, gone[0])) < 8
    assert answer(page)[1] != probability_of(document)
    page.get_by_role("button", name="Side by side").click()
    for canvas in range(4):
        assert min(colours(page, gone[0], canvas)) > 20
    assert answer(page) == ("measured", probability_of(document))
    assert page.locator("[data-sw=whatif] h2").inner_text() == "What the model says"
    page.get_by_role("button", name="Side by side").click()
    assert max(colours(page, gone[0])) < 8
    said = page.locator("[data-sw=whatif] h2").inner_text()
    assert said == f"With {len(gone)} regions hidden"


def test_escape_drops_the_example(opened, document):
    page = opened(document)
    gone = rule_of(page, document)["keeps"][0]["hidden"]
    assert max(colours(page, gone[0])) < 8
    page.keyboard.press("Escape")
    assert min(colours(page, gone[0])) > 20
    assert answer(page) == ("measured", probability_of(document))
    examples = page.locator(".sw-examples [role=radio]")
    assert examples.first.get_attribute("aria-checked") == "true"


# ---- what is told of a region


def walked(page):
    """Walk to the strongest region by keyboard, so that no pointer lies on it."""
    page.mouse.move(2, 2)
    page.locator("[data-sw=canvas]").first.focus()
    page.keyboard.press("ArrowRight")
    tip = page.locator("[data-sw=tip]")
    assert tip.is_visible()
    return tip


def test_a_tip_does_not_outlive_its_method(opened, document):
    page = opened(document)
    tip = walked(page)
    page.locator(".sw-methods [role=tab]").nth(1).dispatch_event("click")
    assert tip.is_hidden()
    assert page.locator(".sw-on").count() == 0


def test_a_tip_does_not_outlive_the_focus(opened, document):
    page = opened(document)
    tip = walked(page)
    page.keyboard.press("Tab")
    assert in_focus(page)[0] != "CANVAS"
    assert tip.is_hidden()


def test_a_tip_goes_when_a_finger_taps_elsewhere(opened, document, new_page, tmp_path):
    opened(document)
    phone = new_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    phone.goto((tmp_path / "report.html").as_uri())
    phone.wait_for_selector("[data-sw-ready]")
    tip = phone.locator("[data-sw=tip]")
    for canvas in (0, 1):  # of several pictures only the first can have the focus
        phone.locator("[data-sw=canvas]").nth(canvas).tap(position=cell(phone, 7, canvas))
        assert tip.is_visible()
        phone.locator(".sw-facts").tap()
        assert tip.is_hidden()
        if canvas == 0:
            phone.get_by_role("button", name="Side by side").tap()


def test_a_tip_of_a_table_row_is_beside_the_pointer(opened, document):
    page = opened(document)
    page.get_by_role("button", name="Show as a table").click()
    for at in (0, 9, 19):
        row = page.locator("[data-sw=table] tbody tr").nth(at)
        row.hover()
        tip = page.locator("[data-sw=tip]")
        assert tip.get_attribute("data-player") == row.get_attribute("data-region")
        box, beside = tip.bounding_box(), row.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 1280
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 900
        gap = max(beside["y"] - box["y"] - box["height"], box["y"] - beside["y"] - beside["height"])
        assert gap < 20


def test_beside_a_rule_a_region_is_told_of_the_class_it_explains(opened, document):
    page = opened(document)
    item = document["items"][0]
    first, second = (column["values"] for column in item["methods"][0]["columns"])
    assert item["methods"][2]["target"]["index"] == item["targets"][0]["index"]
    page.locator(".sw-classes [role=tab]").nth(1).click()
    page.locator("[data-sw=canvas]").hover(position=cell(page, 7))
    tip = page.locator("[data-sw=tip]")
    assert float(tip.get_attribute("data-value")) == second[7] != first[7]
    page.get_by_role("tab", name="anchors").click()
    page.locator("[data-sw=canvas]").hover(position=cell(page, 7))
    assert float(tip.get_attribute("data-value")) == first[7]


def test_a_heat_map_of_one_side_leaves_the_other_white(opened, document):
    values = document["items"][0]["methods"][0]["columns"][0]["values"]
    against = min(range(COUNT), key=lambda player: values[player])
    page = opened(document)
    page.get_by_role("radio", name="Heat map").click()
    page.mouse.move(2, 2)
    assert min(colours(page, against)) < 240
    page.get_by_role("radio", name="For", exact=True).click()
    page.mouse.move(2, 2)
    assert min(colours(page, against)) > 250


# ---- by keyboard, and by ear


def test_a_change_can_be_walked_by_keyboard(opened, document):
    page = opened(document)
    page.get_by_role("tab", name="counterfactual").click()
    tip = walked(page)
    player = tip.get_attribute("data-player")
    page.keyboard.press("Enter")
    assert page.locator("[data-sw=whatif] h2").inner_text() == "With 1 region hidden"
    bar = page.locator(f"[data-sw=bars] [data-region='{player}']")
    assert bar.get_attribute("aria-pressed") == "true"


def test_what_the_model_says_is_announced(opened, document):
    page = opened(document)
    click(page, 7)
    told = page.locator("[data-sw=status]").inner_text()
    first = page.locator("[data-sw=predictions] li").first
    assert told.startswith("1 region hidden. ")
    assert first.locator("bdi").inner_text() in told
    assert first.locator(".sw-number").inner_text() in told
    assert told.endswith("asked before: what the model said")


def test_the_keys_are_shown_before_anything_has_the_focus(opened, document):
    page = opened(document)
    assert in_focus(page)[0] == "BODY"
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()


# ---- the focus stays where the reader is


def test_an_example_chosen_by_keyboard_keeps_the_focus(opened, document):
    page = opened(document)
    page.get_by_role("tab", name="anchors").click()
    page.locator(".sw-examples [role=radio]").nth(1).focus()
    page.keyboard.press("Enter")
    tag, role, text, checked = in_focus(page)
    assert (tag, role, checked) == ("BUTTON", "radio", "true")
    assert text.startswith("✓ kept")


def test_a_class_chosen_in_the_predictions_takes_the_focus(opened, document):
    page = opened(document)
    label = document["items"][0]["targets"][1]["label"]
    page.locator("[data-sw=predictions]").get_by_role("button", name=label).focus()
    page.keyboard.press("Enter")
    _, role, text, selected = in_focus(page)
    assert (role, selected) == ("tab", "true")
    assert text.startswith(label)


def test_a_method_chosen_beside_the_others_takes_the_focus(opened, document):
    page = opened(document)
    page.get_by_role("button", name="Side by side").click()
    page.locator("figcaption").get_by_role("button", name="occlusion").focus()
    page.keyboard.press("Enter")
    assert in_focus(page)[1:] == ["tab", "occlusion", "true"]


def many(document, count):
    item = document["items"][0]
    return {**document, "items": [{**item, "name": f"picture {at}.png"} for at in range(count)]}


def test_an_opened_card_leaves_the_focus_on_the_way_back(opened, document):
    page = opened(many(document, 3))
    page.locator("[data-sw=gallery] button").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-sw=canvas]")
    assert in_focus(page)[2] == "← All pictures"
    page.keyboard.press("Enter")
    assert "picture 1.png" in in_focus(page)[2]


def test_the_search_is_kept_on_the_way_back(opened, document):
    page = opened(many(document, 12))
    cards = page.locator("[data-sw=gallery] button:visible")
    page.get_by_role("searchbox").fill("picture 1")
    assert cards.count() == 3
    cards.nth(2).click()
    page.wait_for_selector("[data-sw=canvas]")
    page.get_by_role("button", name="All pictures").click()
    assert page.get_by_role("searchbox").input_value() == "picture 1"
    assert cards.count() == 3


# ---- numbers read as they do in the figures

SIZES = [0.125, 0.625, 2.5, 12.5, 13.5, 62.5, 99.5, 100.5, 999.5, 1000.5, 1234.5, 4124.56]
VALUES = {
    "raw": [*SIZES, -0.375, -12.5, -1280.07, 0.0625, 0.00012, -9.96, 9.95, 1e6],
    "probability": [k / 64 for k in (1, 2, 3, 5, 8, 9, 11, 24, 40, 56)]
    + [-0.125, -0.625, -0.01, 0.0101, 0.25, 0.095, 0.0995, -0.995, 1.0, 0.35],
    "log-odds": [0.05, -0.09, 0.1, 0.8, -0.8, 2.2, 2.3, 3.0, 6.8, 6.9, 6.95, 12.5, -7.5, 0.125]
    + [0.01 * k for k in (62, -37, 150, -125, 450, 1)],
}


def valued(document, values, unit):
    """The document whose first method found these values for its first class."""
    item = document["items"][0]
    column = item["methods"][0]["columns"][0]
    column.update(values=values, error=None, certain=[1] * COUNT)
    return {**document, "items": [{**item, "unit": unit, "score": unit, "record": None}]}


@pytest.mark.parametrize("unit", sorted(VALUES))
def test_bars_say_what_the_figures_say(opened, document, unit):
    values = VALUES[unit]
    assert len(values) == COUNT
    page = opened(valued(document, values, unit))
    page.locator("[data-sw=top-n]").fill(str(COUNT))
    bars = page.locator("[data-sw=bars] [data-region]").evaluate_all(
        """all => all.map((one) => [Number(one.dataset.region),
            one.querySelector(".sw-number").textContent, one.getAttribute("aria-label")])"""
    )
    assert sorted(player for player, *_ in bars) == list(range(COUNT))
    for player, short, long in bars:
        assert short == words.signed(values[player], unit)
        assert long.endswith(f" {words.amount(values[player], unit)}")


def test_percentages_are_those_of_the_figures(opened, document):
    shares = [0.625, 0.375, 0.125, 0.0625, 0.00625, 0.995, 0.9995, 0.0995, 0.095, 0.0009, 1.0, 0.0]
    item = document["items"][0]
    first = item["targets"][0]
    item["targets"] = [{**first, "index": at, "probability": p} for at, p in enumerate(shares)]
    item["predictions"] = item["targets"][:5]
    item["methods"] = item["methods"][:1]
    item["methods"][0]["columns"] = [item["methods"][0]["columns"][0]] * len(shares)
    page = opened(document)
    said = page.locator("[data-sw=predictions] .sw-number").all_inner_texts()
    assert said == [words.percent(share) for share in shares]


def test_large_scores_are_written_out(opened, document):
    item = document["items"][0]
    item["predictions"] = [
        {**each, "probability": None, "score": score}
        for each, score in zip(
            item["predictions"], [4124.56, 1000.4, 12.345, -1280.07], strict=False
        )
    ]
    item["targets"] = item["predictions"][:2]
    page = opened(valued(document, VALUES["raw"], "raw"))
    said = page.locator("[data-sw=predictions] .sw-number").all_inner_texts()
    assert said == ["+4125", "+1000", "+12.3", "−1280"]
    page.locator("[data-sw=canvas]").hover(position=cell(page, SIZES.index(4124.56)))
    tip = page.locator("[data-sw=tip]")
    assert tip.get_attribute("data-value") == "4124.56"
    assert "+4125" in tip.inner_text()


# ---- memory, and questions to the model

COUNTING = """
    const Real = window.Decompressing = window.Decompressing || window.DecompressionStream;
    window.decoded = 0;
    window.DecompressionStream = function (format) {
        window.decoded += 1;
        return new Real(format);
    };
"""


def test_of_many_opened_pictures_the_last_four_stay_decoded(mounted, document):
    page = mounted(many(document, 6), before=COUNTING)

    def decodes(at):
        before = page.evaluate("window.decoded")
        page.evaluate("(at) => window.handle.open(at)", at)
        assert page.locator("h1").inner_text() == f"picture {at}.png"
        return page.evaluate("window.decoded") > before

    assert [decodes(at) for at in range(6)] == [True] * 6
    assert [decodes(at) for at in (5, 2, 3, 4, 2)] == [False] * 5
    assert decodes(0)  # the oldest had gone
    assert [decodes(at) for at in (2, 3, 4)] == [False] * 3
    assert decodes(5)  # … and then the one that was used longest ago


LIVE = """{ whatIf: async (item, hidden) => {
    window.calls.push(hidden);
    return { probabilities: [[item.targets[0].index, "live", 0.25, 1]], scores: {} };
} }"""


def test_a_window_of_another_size_asks_nothing_again(mounted, document):
    page = mounted(document, LIVE)
    for player in (6, 7, 8, 13):
        click(page, player)
    assert page.evaluate("window.calls.at(-1)") == [6, 7, 8, 13]
    page.wait_for_selector("[data-sw=whatif][data-kind=live][data-probability='0.25']")
    asked = page.evaluate("window.calls.length")
    wide = page.locator("[data-sw=curve] svg").get_attribute("viewBox")
    page.set_viewport_size({"width": 420, "height": 900})
    page.wait_for_selector(f"[data-sw=curve] svg:not([viewBox='{wide}'])")
    assert page.evaluate("window.calls.length") == asked
    assert answer(page) == ("live", 0.25)
    assert page.locator("[data-sw=curve] circle.sw-here").count() == 1


# ---- pictures in files beside the page


@pytest.fixture
def folder(document, tmp_path, monkeypatch):
    """A report of six pictures of known classes, two in a file."""
    monkeypatch.setattr(report_files, "MOST_ITEMS", 5)
    monkeypatch.setattr(report_files, "SHARD_ITEMS", 2)
    told = many(document, 6)
    truth = {**document["items"][0]["predictions"][1], "label": "tricycle", "rank": 2}
    told["items"][3]["true"] = truth
    return write_report(tmp_path / "report.html", told)


def test_a_damaged_file_is_told_and_can_be_left(folder, page, page_watch):
    page_watch.expected = ["uncaught"]
    damaged = folder.parent / "data-0002.js"
    text = damaged.read_text("utf-8")
    damaged.write_text(text[: len(text) // 2], "utf-8")
    page.goto(folder.as_uri())
    cards = page.locator("[data-sw=gallery] button")
    cards.nth(2).click()
    page.wait_for_selector("[role=alert]")
    told = page.locator("[role=alert]").inner_text()
    assert "data-0002.js must lie beside this page; it is damaged" in told
    page.get_by_role("button", name="All pictures").click()
    assert cards.count() == 6
    damaged.write_text(text, "utf-8")
    cards.nth(3).click()
    page.wait_for_selector("[data-sw=canvas]")
    assert page.locator("h1").inner_text() == "picture 3.png"


def test_cards_of_a_folder_know_the_true_class(folder, page):
    page.goto(folder.as_uri())
    cards = page.locator("[data-sw=gallery] button:visible")
    assert "truly tricycle" in cards.nth(3).inner_text()
    assert "truly" not in cards.nth(2).inner_text()
    page.get_by_role("searchbox").fill("tricycle")
    assert cards.count() == 1
    assert "picture 3.png" in cards.inner_text()


# ---- dark, and on paper


def lowest(page):
    """The colour of the window far below what is written in it."""
    with pillow.open(io.BytesIO(page.screenshot())) as shot:
        return shot.convert("RGB").getpixel((shot.width // 2, shot.height - 10))


@pytest.mark.parametrize("asked", ["system", "button"])
def test_dark_reaches_below_what_is_written(opened, document, new_page, tmp_path, asked):
    opened(many(document, 2))
    scheme = "dark" if asked == "system" else "light"
    page = new_page(viewport={"width": 900, "height": 1600}, color_scheme=scheme)
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector("[data-sw-ready]")
    assert page.locator(".sw").bounding_box()["height"] < 1200
    if asked == "button":
        assert lowest(page) == WHITE
        page.locator("[data-sw=theme]").click()
    assert lowest(page) == DARK


INKS = """() => [...document.querySelectorAll(".sw :is(h1, h2, p, td, dd, .sw-number)")]
    .filter((node) => node.checkVisibility())
    .map((node) => Math.max(...getComputedStyle(node).color.match(/\\d+/g).map(Number)))"""


@pytest.mark.parametrize("asked", ["system", "button"])
def test_on_paper_it_is_dark_on_white(opened, document, new_page, tmp_path, asked):
    document["items"][0]["cautions"] = ["take care"]
    opened(document)
    page = new_page(color_scheme="dark" if asked == "system" else "light")
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector("[data-sw-ready]")
    if asked == "button":
        page.locator("[data-sw=theme]").click()
    assert max(page.evaluate(INKS)) > 200  # light on dark
    page.emulate_media(media="print")
    inks = page.evaluate(INKS)
    assert len(inks) > 20
    assert max(inks) < 150
    for place in ("body", ".sw"):
        ground = page.locator(place).evaluate("(node) => getComputedStyle(node).backgroundColor")
        assert ground == "rgb(255, 255, 255)"
    with pillow.open(io.BytesIO(page.screenshot())) as shot:
        assert shot.convert("RGB").getpixel((2, 2)) == WHITE
