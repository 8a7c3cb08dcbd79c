"""The viewer in a real browser: what is hovered, hidden and chosen is what the document says."""

from __future__ import annotations

import base64
import copy
import io
import json
import re
import zlib
from importlib.resources import files
from math import exp

import numpy as np
import pytest
from PIL import Image as pillow

import seewhy as sw
from seewhy.game.statistics import interval_factor
from seewhy.run.viewing import view_document, view_item

ROWS, COLUMNS = 4, 5
HOSTILE = "</script><img src=x onerror=alert(1)>"


def classify(images):
    """Four classes that look at four corners, and act together a little."""
    means = images.mean(axis=3)
    corners = [means[:, :16, :20], means[:, :16, 40:], means[:, 48:, :20], means[:, 48:, 40:]]
    light = np.stack([corner.mean(axis=(1, 2)) for corner in corners], axis=1)
    centre = means[:, 24:40, 24:40].mean(axis=(1, 2))
    logits = 6 * light - 2 * centre[:, None] * np.array([1, -1, 0.5, 0]) + [0.6, 0, -0.2, -0.4]
    return logits + light[:, :1] * light[:, 3:] * np.array([2, 0, 0, 0])


LABELS = ["upper left lamp", "scooter", "disc brake", "crash helmet"]


def model(labels=LABELS):
    return sw.CallableModel(classify, labels=labels, output="logits", input_size=(64, 64))


def picture():
    rng = np.random.default_rng(8)
    return rng.integers(60, 250, (64, 64, 1), dtype=np.uint8).repeat(3, axis=2)


def explained(**settings):
    asked = {"segments": f"grid:{ROWS}x{COLUMNS}", "fill": "black", "top": 3, "curves": True}
    names = settings.pop("labels", LABELS)
    return sw.explain(picture(), model(names), **{**asked, **settings})


def document_of(*results, side=320, comparison=None):
    items = [view_item(result, side=side, comparison=comparison) for result in results]
    return json.loads(json.dumps(view_document(items, title="pictures")))


@pytest.fixture(scope="module")
def rich():
    """Three classes by four methods of which two name regions."""
    methods = "lime:budget=64,occlusion,anchors,counterfactual"
    return document_of(explained(methods=methods))


@pytest.fixture
def opened(open_document):
    """Open a document and wait until it can be used."""

    def show(document):
        page = open_document(copy.deepcopy(document))
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


def hover(page, player, canvas=0):
    page.locator("[data-sw=canvas]").nth(canvas).hover(position=cell(page, player, canvas))
    return page.locator("[data-sw=tip]")


def click(page, player):
    page.locator("[data-sw=canvas]").first.click(position=cell(page, player))


def answer(page):
    """What the what-if panel says: its kind, and the probability of the chosen class."""
    panel = page.locator("[data-sw=whatif]")
    told = panel.get_attribute("data-probability")
    return panel.get_attribute("data-kind"), None if told is None else float(told)


def state(page):
    return page.evaluate("window.handle ? window.handle.state() : null")


def outputs_of(item):
    """The record of an item as Python reads it: hidden regions to outputs."""
    record = item["record"]
    step = -(-item["count"] // 8)
    packed = np.frombuffer(zlib.decompress(base64.b64decode(record["masks"])), np.uint8)
    masks = np.unpackbits(packed.reshape(-1, step), axis=1, bitorder="little")[:, : item["count"]]
    raw = np.frombuffer(zlib.decompress(base64.b64decode(record["outputs"])), "<f4")
    rows = raw.reshape(record["n"], len(record["classes"]))
    return {
        frozenset(np.flatnonzero(mask == 0).tolist()): dict(
            zip(record["classes"], row, strict=True)
        )
        for mask, row in zip(masks, rows, strict=True)
    }


def test_hover_tells_the_value_of_the_document(opened, rich):
    page = opened(rich)
    column = rich["items"][0]["methods"][0]["columns"][0]
    for player in (0, 4, 7, 19):
        tip = hover(page, player)
        assert tip.is_visible()
        assert tip.get_attribute("data-player") == str(player)
        assert float(tip.get_attribute("data-value")) == column["values"][player]
        assert float(tip.get_attribute("data-error")) == column["error"][player]


def test_hover_says_it_in_words_and_numbers(opened, rich):
    page = opened(rich)
    item = rich["items"][0]
    column = item["methods"][0]["columns"][0]
    ranked = sorted(range(20), key=lambda p: (not column["certain"][p], -abs(column["values"][p])))
    player = ranked[0]
    text = hover(page, player).inner_text()
    value, error = column["values"][player], column["error"][player]
    assert f"{value:+.3g}"[:5].replace("-", "−") in text
    assert item["places"][player] in text
    assert "rank 1 of 20" in text
    share = abs(value) / sum(map(abs, column["values"]))
    assert f"{100 * share:.0f} %" in text or f"{100 * share:.1f} %" in text
    assert f"{exp(abs(value)):.1f}-fold" in text or f"{exp(abs(value)):.0f}-fold" in text
    low = exp(abs(value) - interval_factor() * error)
    assert f"{low:.1f}" in text or f"{low:.0f}" in text
    assert "hiding it " in text


def test_every_method_and_class_has_its_own_values(opened, rich):
    page = opened(rich)
    item = rich["items"][0]
    page.get_by_role("tab", name="occlusion").click()
    page.get_by_role("tab", name=re.compile(f"^{item['targets'][1]['label']}")).click()
    column = item["methods"][1]["columns"][1]
    for player in (0, 11):
        tip = hover(page, player)
        assert float(tip.get_attribute("data-value")) == column["values"][player]
        assert tip.get_attribute("data-error") == ""  # exact
    assert page.locator("[role=tab][aria-selected=true]").count() == 2


def test_hiding_what_was_asked_about_is_measured(opened, rich):
    page = opened(rich)
    item = rich["items"][0]
    target = item["targets"][0]
    assert answer(page) == ("measured", target["probability"])
    known = outputs_of(item)
    singles = [next(iter(hidden)) for hidden in known if len(hidden) == 1]
    assert len(singles) == 20  # occlusion asked about them all
    for player in singles[:3]:
        click(page, player)
        kind, probability = answer(page)
        assert kind == "measured"
        assert probability == pytest.approx(
            exp(known[frozenset([player])][target["index"]]), abs=1e-9
        )
        click(page, player)
    assert answer(page) == ("measured", target["probability"])


def unknown_pair(item):
    known = outputs_of(item)
    pairs = [(a, b) for a in range(20) for b in range(a) if frozenset((a, b)) not in known]
    return pairs[0]


def test_hiding_anything_else_is_an_estimate_and_says_so(opened, rich):
    page = opened(rich)
    item = rich["items"][0]
    pair = unknown_pair(item)
    for player in pair:
        click(page, player)
    values = item["methods"][0]["columns"][0]["values"]
    score = item["targets"][0]["score"] - sum(values[player] for player in pair)
    kind, probability = answer(page)
    assert kind == "estimate"
    assert probability == pytest.approx(1 / (1 + exp(-score)), abs=1e-9)
    said = page.locator("[data-sw=whatif]").inner_text()
    assert "not asked" in said
    assert f"R² {item['methods'][0]['columns'][0]['fidelity']['r2']:.2f}" in said
    page.locator("[data-sw=reset]").click()
    assert answer(page) == ("measured", item["targets"][0]["probability"])
    assert page.locator("[data-sw=reset]").count() == 0


def test_weights_and_averages_are_not_added_up(opened):
    page = opened(document_of(explained(methods="rise", budget=64)))
    item = document_of(explained(methods="rise", budget=64))["items"][0]
    for player in unknown_pair(item):
        click(page, player)
    assert answer(page) == ("none", None)


def test_a_probability_is_estimated_on_its_own_scale(opened):
    document = document_of(explained(methods="lime", budget=64, score="probability", curves=False))
    item = document["items"][0]
    page = opened(document)
    pair = unknown_pair(item)
    for player in pair:
        click(page, player)
    values = item["methods"][0]["columns"][0]["values"]
    expected = item["targets"][0]["score"] - sum(values[player] for player in pair)
    assert answer(page)[1] == pytest.approx(min(1, max(0, expected)), abs=1e-9)


def test_a_contrast_is_told_as_how_much_likelier(opened):
    document = document_of(
        explained(methods="lime", budget=64, target="scooter", against="disc brake", curves=False)
    )
    item = document["items"][0]
    page = opened(document)
    assert "rather than disc brake" in page.locator(".sw-classes").inner_text()
    pair = unknown_pair(item)
    for player in pair:
        click(page, player)
    values = item["methods"][0]["columns"][0]["values"]
    before = np.log(item["targets"][0]["probability"] / item["against"]["probability"])
    score = before - sum(values[player] for player in pair)
    assert answer(page)[1] == pytest.approx(score, abs=1e-5)
    assert "likelier than disc brake" in page.locator("[data-sw=whatif]").inner_text().replace(
        "less likely", "likelier"
    )


def test_raw_outputs_have_scores_and_no_percentages(opened):
    raw = sw.CallableModel(
        lambda images: classify(images)[:, :2],
        labels=["red", "green"],
        output="raw",
        input_size=(64, 64),
    )
    result = sw.explain(
        picture(), raw, segments="grid:4x5", score="raw", fill="black", budget=64, curves=True
    )
    document = document_of(result)
    page = opened(document)
    assert "%" not in page.locator("[data-sw=predictions]").inner_text()
    click(page, 3)
    assert page.locator("[data-sw=curve]").count() == 1


def test_the_prediction_list_is_what_the_model_said(opened, rich):
    page = opened(rich)
    rows = page.locator("[data-sw=predictions] li")
    item = rich["items"][0]
    assert rows.count() == len(item["predictions"])
    for at, prediction in enumerate(item["predictions"]):
        assert prediction["label"] in rows.nth(at).inner_text()
    rows.nth(1).get_by_role("button").click()
    selected = page.locator(".sw-classes [aria-selected=true]")
    assert item["predictions"][1]["label"] in selected.inner_text()


def test_by_keyboard_alone(opened, rich):
    page = opened(rich)
    item = rich["items"][0]
    page.keyboard.press("Tab")
    page.locator(".sw-methods [role=tab]").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("[role=tab][aria-selected=true]").first.inner_text() == "occlusion"
    assert page.evaluate("document.activeElement.textContent") == "occlusion"
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.textContent") == "counterfactual"
    page.keyboard.press("Home")
    page.keyboard.press("Tab")  # the classes
    page.keyboard.press("ArrowRight")
    assert item["targets"][1]["label"] in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Tab")  # the picture
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    column = item["methods"][0]["columns"][0]
    ranked = sorted(range(20), key=lambda p: (not column["certain"][p], -abs(column["values"][p])))
    tip = page.locator("[data-sw=tip]")
    for player in ranked[:3]:
        page.keyboard.press("ArrowRight")
        assert tip.get_attribute("data-player") == str(player)
    page.keyboard.press("ArrowLeft")
    assert tip.get_attribute("data-player") == str(ranked[1])
    assert page.locator("[data-sw=status]").inner_text() != ""
    page.keyboard.press("Enter")
    assert page.locator("[data-sw=whatif] h2").inner_text() == "With 1 region hidden"
    page.keyboard.press(" ")
    assert page.locator("[data-sw=whatif] h2").inner_text() == "What the model says"
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.locator("[data-sw=whatif] h2").inner_text() == "What the model says"
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()


def test_controls_keep_the_focus(opened, rich):
    page = opened(rich)
    page.get_by_role("radio", name="Overlay").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "Heat map"
    page.get_by_role("button", name="Side by side").click()
    assert page.evaluate("document.activeElement.textContent") == "Side by side"


def test_bars_and_picture_are_linked_both_ways(opened, rich):
    page = opened(rich)
    bars = page.locator("[data-sw=bars] [data-region]")
    player = int(bars.nth(1).get_attribute("data-region"))
    bars.nth(1).hover()
    assert page.locator("[data-sw=tip]").get_attribute("data-player") == str(player)
    other = int(bars.nth(3).get_attribute("data-region"))
    hover(page, other)
    lit = page.locator("[data-sw=bars] .sw-on")
    assert lit.count() == 1
    assert lit.get_attribute("data-region") == str(other)
    bars.nth(0).click()
    assert bars.nth(0).get_attribute("aria-pressed") == "true"
    assert page.locator("[data-sw=whatif] h2").inner_text() == "With 1 region hidden"


def test_the_slider_and_the_sides_choose_the_regions(opened, rich):
    page = opened(rich)
    values = rich["items"][0]["methods"][0]["columns"][0]["values"]
    bars = page.locator("[data-sw=bars] [data-region]")
    page.locator("[data-sw=top-n]").fill("3")
    assert bars.count() == 3
    page.locator("[data-sw=top-n]").fill("20")
    for side, sign in (("For", 1), ("Against", -1)):
        page.get_by_role("radio", name=side, exact=True).click()
        players = [int(one.get_attribute("data-region")) for one in bars.all()]
        assert players
        assert {np.sign(values[player]) for player in players} == {sign}


def colours(page, player, canvas=0):
    """The mean colour that is painted on a region."""
    return page.evaluate(
        """([at, fx, fy]) => {
        const canvas = document.querySelectorAll("[data-sw=canvas]")[at];
        const x = Math.round(fx * canvas.width), y = Math.round(fy * canvas.height);
        const data = canvas.getContext("2d").getImageData(x - 20, y - 14, 8, 8).data;
        const sum = [0, 0, 0];
        for (let i = 0; i < data.length; i += 1) if (i % 4 < 3) sum[i % 4] += data[i] / 64;
        return sum;
    }""",
        [canvas, (player % COLUMNS + 0.5) / COLUMNS, (player // COLUMNS + 0.5) / ROWS],
    )


def test_only_what_is_certain_is_tinted(opened, rich):
    page = opened(rich)
    column = rich["items"][0]["methods"][0]["columns"][0]
    certain = np.array(column["certain"], bool)
    assert certain.any()
    assert not certain.all()
    strongest = max(range(20), key=lambda p: certain[p] * column["values"][p])
    against = min(range(20), key=lambda p: certain[p] * column["values"][p])
    red, green, blue = colours(page, strongest)
    assert green > red + 15  # teal
    red, green, blue = colours(page, against)
    assert red > blue + 15  # orange
    unsure = [player for player in range(20) if not certain[player]]
    spread = [np.ptp(colours(page, player)) for player in unsure[:4]]
    assert max(spread) < 6  # the softened picture, which is grey


def test_hidden_regions_show_the_fill(opened, rich):
    page = opened(rich)
    click(page, 7)
    page.mouse.move(2, 2)
    assert max(colours(page, 7)) < 8  # black
    page.get_by_role("radio", name="Picture").click()
    assert max(colours(page, 7)) < 8
    assert min(colours(page, 8)) > 60


def test_hide_the_rest_hides_it_in_the_question_too(opened, rich):
    page = opened(rich)
    item = rich["items"][0]
    column = item["methods"][0]["columns"][0]
    page.locator("[data-sw=top-n]").fill("2")
    page.get_by_role("radio", name="Hide the rest").click()
    assert page.locator("[data-sw=whatif] h2").inner_text() == "With 18 regions hidden"
    ranked = sorted(range(20), key=lambda p: (not column["certain"][p], -abs(column["values"][p])))
    page.mouse.move(2, 2)
    assert min(colours(page, ranked[0])) > 60
    assert max(colours(page, ranked[5])) < 8


def test_side_by_side_is_linked(opened, rich):
    page = opened(rich)
    page.get_by_role("radio", name="Hide the rest").click()
    page.get_by_role("button", name="Side by side").click()
    assert page.get_by_role("radio", name="Hide the rest").count() == 0
    assert page.locator("[data-sw=whatif] h2").inner_text() == "What the model says"
    canvases = page.locator("[data-sw=canvas]")
    assert canvases.count() == 4
    before = [
        page.evaluate(f"document.querySelectorAll('[data-sw=canvas]')[{at}].toDataURL()")
        for at in range(4)
    ]
    hover(page, 6, canvas=1)
    after = [
        page.evaluate(f"document.querySelectorAll('[data-sw=canvas]')[{at}].toDataURL()")
        for at in range(4)
    ]
    assert all(one != two for one, two in zip(before, after, strict=True))
    canvases.nth(1).click(position=cell(page, 6, 1))
    page.mouse.move(2, 2)
    assert all(max(colours(page, 6, at)) < 8 for at in range(4))


def test_the_curve_shows_what_was_measured(opened, rich):
    page = opened(rich)
    item = rich["items"][0]
    known = outputs_of(item)
    values = np.array(item["methods"][0]["columns"][0]["values"])
    walk = np.argsort(-values, kind="stable").tolist()
    away = sum(frozenset(walk[:size]) in known for size in range(21))
    shown = sum(frozenset(walk[size:]) in known for size in range(21))
    curve = page.locator("[data-sw=curve]")
    assert curve.locator("circle.sw-deletion").count() == away > 5
    assert curve.locator("circle.sw-insertion").count() == shown > 5
    assert curve.locator("circle.sw-here").count() == 1
    assert curve.locator(".sw-guess").count() == 0


def test_a_curve_that_was_not_asked_for_is_dashed_and_says_so(opened):
    page = opened(document_of(explained(methods="lime", budget=64, curves=False)))
    curve = page.locator("[data-sw=curve]")
    assert curve.locator("polyline.sw-guess").count() == 1
    assert "not asked" in curve.inner_text()


def test_a_rule_shows_its_members_and_its_examples(opened, rich):
    page = opened(rich)
    rule = rich["items"][0]["methods"][2]
    page.get_by_role("tab", name="anchors").click()
    assert rule["sentences"][0] in page.locator(".sw-words").inner_text()
    assert "precision" in page.locator(".sw-words").inner_text()
    assert rule["superpixels"]
    strip = page.locator(".sw-strip").get_attribute("aria-label")
    assert "asked 95 %" in strip
    assert "at least" in strip
    bars = page.locator("[data-sw=bars] [data-region]")
    measured = [at for at, share in enumerate(rule["without"]) if share is not None]
    assert bars.count() == len(measured) > 0
    assert bars.first.get_attribute("data-region") == str(rule["superpixels"][measured[0]])
    other = next(player for player in range(20) if player not in rule["superpixels"])
    assert np.ptp(colours(page, other)) < 25  # stepped back
    examples = page.locator(".sw-examples [role=radio]")
    assert examples.count() == 1 + len(rule["keeps"]) + len(rule["breaks"])
    examples.nth(1).click()
    page.mouse.move(2, 2)
    assert max(colours(page, rule["keeps"][0]["hidden"][0])) < 8
    hidden = frozenset(rule["keeps"][0]["hidden"])
    kind, probability = answer(page)
    known = outputs_of(rich["items"][0])
    assert kind == "measured"
    target = rich["items"][0]["targets"][0]["index"]
    assert probability == pytest.approx(exp(known[hidden][target]), abs=1e-9)


def test_a_change_shows_before_and_after(opened, rich):
    page = opened(rich)
    change = rich["items"][0]["methods"][3]
    assert change["hide"]
    page.get_by_role("tab", name="counterfactual").click()
    canvases = page.locator("[data-sw=canvas]")
    assert canvases.count() == 3
    first = change["hide"][0]
    assert min(colours(page, first, 0)) > 60
    assert max(colours(page, first, 2)) < 8
    told = page.locator(".sw-change").inner_text()
    for row in change["probabilities"]:
        assert row["label"] in told
    assert change["sentences"][0] in page.locator(".sw-words").inner_text()


def test_the_table_holds_every_region_in_rank_order(opened, rich):
    page = opened(rich)
    column = rich["items"][0]["methods"][0]["columns"][0]
    rows = page.locator("[data-sw=table] tbody tr")
    assert rows.count() == 20
    cells = [row.locator("td").all_inner_texts() for row in rows.all()]
    players = [int(cell[1]) for cell in cells]
    assert sorted(players) == list(range(20))
    for player, told in zip(players, cells, strict=True):
        assert float(told[5].replace("−", "-")) == column["values"][player]
        assert told[7] == ("yes" if column["certain"][player] else "no")
    page.get_by_role("button", name="Show as a table").click()
    assert page.locator("[data-sw=table]").bounding_box()["height"] > 200


def test_the_scoreboard_marks_the_best(opened):
    compared = sw.compare(
        picture(), model(), methods="lime,occlusion", segments="grid:4x5", fill="black", budget=64,
        repeats=2,
    )  # fmt: skip
    document = document_of(compared.result, comparison=compared)
    page = opened(document)
    board = document["items"][0]["comparison"]
    table = page.locator(".sw-board")
    assert table.locator("tbody tr").count() == len(board["rows"]) + len(board["references"])
    best = sum(len(row["best"]) for row in board["rows"])
    keys = {column["key"] for column in board["columns"]}
    best = sum(len(set(row["best"]) & keys) for row in board["rows"])
    assert table.locator(".sw-best").count() == best > 0
    assert board["recommendation"][0] in page.locator(".sw-scores").inner_text()
    table.get_by_role("button", name="occlusion").click()
    assert page.locator("[role=tab][aria-selected=true]").first.inner_text() == "occlusion"


def test_settings_seed_and_fingerprint_can_be_unfolded(opened, rich):
    page = opened(rich)
    item = rich["items"][0]
    panel = page.locator("[data-sw=panel]")
    panel.locator("summary").click()
    told = panel.inner_text()
    for part in (item["fingerprint"], str(item["seed"]), item["model"]["fingerprint"], "R² "):
        assert part in told


def test_light_and_dark(opened, rich, new_page, tmp_path):
    page = opened(rich)
    ground = "getComputedStyle(document.querySelector('.sw')).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.locator("[data-sw=theme]").click()
    assert page.evaluate(ground) == "rgb(20, 23, 28)"
    dark = new_page(color_scheme="dark")
    dark.goto((tmp_path / "report.html").as_uri())
    dark.wait_for_selector("[data-sw-ready]")
    assert dark.evaluate(ground) == "rgb(20, 23, 28)"


CONTRAST = """() => {
    const lumen = (text) => {
        const parts = text.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
            .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const ground = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (!/^rgba\\(.*, 0\\)$/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const found = [];
    for (const node of document.querySelectorAll(".sw *")) {
        const own = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
        if (!own || !node.checkVisibility() || node instanceof SVGElement) continue;
        const [a, b] = [lumen(getComputedStyle(node).color), lumen(ground(node))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) found.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)}`);
    }
    return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(opened, rich, new_page, tmp_path, scheme):
    opened(rich)
    page = new_page(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector("[data-sw-ready]")
    assert page.evaluate(CONTRAST) == []


def test_on_a_phone_nothing_is_wider_than_the_screen(opened, rich, new_page, tmp_path):
    opened(rich)
    phone = new_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    phone.goto((tmp_path / "report.html").as_uri())
    phone.wait_for_selector("[data-sw-ready]")
    for name in ("lime", "anchors", "counterfactual"):
        phone.get_by_role("tab", name=name).click()
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    phone.get_by_role("tab", name="lime").click()
    order = [".sw-stage", ".sw-predictions", ".sw-controls", ".sw-bars", ".sw-curve"]
    tops = [phone.locator(part).bounding_box()["y"] for part in order]
    assert tops == sorted(tops)  # what a tap changes stands below the picture
    box = phone.locator("[data-sw=canvas]").first.bounding_box()
    at = (box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    phone.touchscreen.tap(*at)
    assert phone.locator("[data-sw=tip]").get_attribute("data-player") == "0"
    assert phone.locator("[data-sw=whatif] h2").inner_text() == "What the model says"
    phone.touchscreen.tap(*at)
    assert phone.locator("[data-sw=whatif] h2").inner_text() == "With 1 region hidden"


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE,
        "two\nlines\r\tand \u2028 more",
        "\u202eevil \u05e9\u05dc\u05d5\u05dd",
        "long " * 2048,
        "x" * 10_240,
    ],
)
def test_hostile_names_are_inert_and_readable(opened, name):
    labels = [f"{name}{number}" for number in range(4)]
    result = explained(methods="lime,anchors,counterfactual", budget=64, labels=labels)
    document = document_of(result)
    document["items"][0]["name"] = document["title"] = name
    page = opened(document)
    visible = " ".join(name.split())[:60]
    for tab in ("lime", "anchors", "counterfactual"):
        page.get_by_role("tab", name=tab).click()
        hover(page, 3)
        assert page.evaluate("document.querySelectorAll('img, .sw script').length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        assert visible in page.locator("h1").inner_text()
    assert page.locator(".sw-head").bounding_box()["height"] < 160


def light_items(document, count):
    """Many items of which only pictures and predictions are there; one shard holds the rest."""
    whole = document["items"][0]
    items = [
        {
            "name": f"picture {at}.png",
            "thumb": whole["picture"]["src"],
            "predictions": [{**whole["predictions"][0], "label": f"kind{at % 3}"}],
            "shard": 1,
            "at": at,
        }
        for at in range(count)
    ]
    return {**document, "items": items}, [
        {**whole, "name": f"picture {at}.png"} for at in range(count)
    ]


def mounted(page, document, host):
    """Mount a document anew, with a host written in JavaScript."""
    page.evaluate(
        f"""(view) => {{
        window.calls = [];
        const host = {host};
        const root = document.querySelector(".sw");
        root.removeAttribute("data-sw-ready");
        window.handle = window.Seewhy.mount(root, view, host);
    }}""",
        document,
    )
    page.wait_for_selector("[data-sw-ready]")


def test_a_gallery_finds_opens_and_comes_back(opened, rich):
    page = opened(rich)
    light, whole = light_items(rich, 30)
    page.evaluate("(items) => { window.whole = items; }", whole)
    mounted(page, light, "{loadShard: async (k) => { window.calls.push(k); return window.whole; }}")
    cards = page.locator("[data-sw=gallery] button:visible")
    assert cards.count() == 30
    page.get_by_role("searchbox").fill("kind1")
    assert cards.count() == 10
    page.get_by_role("searchbox").fill("picture 17")
    assert cards.count() == 1
    page.get_by_role("searchbox").fill("")
    cards.nth(4).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-sw=canvas]")
    assert page.locator("h1").inner_text() == "picture 5.png"
    assert page.evaluate("window.calls") == [1]
    assert state(page)["opened"] == 5
    page.get_by_role("button", name="All pictures").click()
    assert cards.count() == 30
    assert "picture 5.png" in page.evaluate("document.activeElement.textContent")


def test_a_shard_that_is_missing_is_named(opened, rich, page_watch):
    page = opened(rich)
    light, _ = light_items(rich, 3)
    page_watch.expected = ["data-0001.js"]
    mounted(page, light, "{}")
    page.locator("[data-sw=gallery] button").first.click()
    page.wait_for_selector("[role=alert]")
    assert "data-0001.js must lie beside this page" in page.locator("[role=alert]").inner_text()


WHAT_IF = """{whatIf: (item, hidden) => new Promise((done, failed) => {
    window.calls.push({hidden, done, failed});
})}"""
TOLD = "{probabilities: [[1, 'live', %s, 1], [0, 'other', 0.1, -1]], scores: {1: 1}}"


def test_live_answers_are_asked_and_late_ones_are_dropped(opened, rich):
    page = opened(rich)
    assert rich["items"][0]["targets"][0]["index"] == 1
    mounted(page, rich, WHAT_IF)
    for player in unknown_pair(rich["items"][0]):
        click(page, player)
    calls = "window.calls.map((call) => call.hidden)"
    asked = page.evaluate(calls)
    assert asked[-1] == sorted(unknown_pair(rich["items"][0]))
    click(page, 12)
    assert len(page.evaluate(calls)) == len(asked) + 1
    page.evaluate(f"window.calls.at(-1).done({TOLD % 0.25})")
    page.wait_for_selector("[data-sw=whatif][data-kind=live][data-probability='0.25']")
    page.evaluate(f"window.calls.at(-2).done({TOLD % 0.75})")
    page.wait_for_timeout(50)
    assert answer(page) == ("live", 0.25)


def test_a_model_that_cannot_be_asked_is_told(opened, rich):
    page = opened(rich)
    mounted(page, rich, WHAT_IF)
    for player in unknown_pair(rich["items"][0]):
        click(page, player)
    page.evaluate("window.calls.at(-1).failed(new Error('the app is gone'))")
    page.wait_for_selector("[data-sw=whatif][data-kind=none]")
    assert "the app is gone" in page.locator("[data-sw=whatif]").inner_text()


def relabelled(item, count, bits):
    """The same item whose regions are the columns of a picture of ``count`` pixels' width."""
    item = copy.deepcopy(item)
    dtype = np.dtype("<u2" if bits == 16 else "u1")
    labels = np.tile(np.arange(count, dtype=dtype), (8, 1))
    labels[0] = np.iinfo(dtype).max
    file = io.BytesIO()
    pillow.fromarray(np.full((8, count, 3), 128, np.uint8)).save(file, "png")
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    item["picture"] = {"src": source, "width": count, "height": 8}
    item["hidden"] = {"src": source}
    deflated = base64.b64encode(zlib.compress(labels.tobytes())).decode()
    item["labels"] = {"bits": bits, "deflated": deflated}
    item |= {
        "count": count,
        "areas": [1 / count] * count,
        "places": ["top"] * count,
        "record": None,
    }
    column = item["methods"][0]["columns"][0]
    grown = {"values": list(range(count)), "error": None, "certain": [1] * count}
    method = {**item["methods"][0], "numbers": {}, "columns": [{**column, **grown}]}
    return {**item, "methods": [method], "targets": item["targets"][:1], "cautions": []}


@pytest.mark.parametrize(("count", "bits"), [(200, 8), (700, 16)])
def test_labels_of_one_byte_and_of_two(opened, rich, count, bits):
    document = {**rich, "items": [relabelled(rich["items"][0], count, bits)]}
    page = opened(document)
    canvas = page.locator("[data-sw=canvas]")
    box = canvas.bounding_box()
    for player in (3, count // 2, count - 2):
        at = {"x": (player + 0.5) / count * box["width"], "y": 0.7 * box["height"]}
        canvas.hover(position=at)
        assert page.locator("[data-sw=tip]").get_attribute("data-value") == str(player)
    canvas.hover(position={"x": box["width"] / 2, "y": 1})  # where the model does not look
    assert page.locator("[data-sw=tip]").is_hidden()


def test_the_viewer_is_small_and_takes_no_text_for_markup():
    folder = files("seewhy.show").joinpath("viewer")
    script = folder.joinpath("viewer.js").read_text("utf-8")
    style = folder.joinpath("viewer.css").read_text("utf-8")
    assert len(script.splitlines()) + len(style.splitlines()) <= 1500
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                      "new Function", "fetch(", "XMLHttpRequest", "localStorage"):  # fmt: skip
        assert forbidden not in script
    addresses = set(re.findall(r"https?://[^\"' ]+", script + style))
    assert addresses == {"http://www.w3.org/2000/svg"}
