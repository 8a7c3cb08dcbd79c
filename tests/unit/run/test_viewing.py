"""What a page is given of a result: everything that can be checked against the result itself."""

from __future__ import annotations

import base64
import io
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as pillow

import seewhy as sw
from seewhy.image.segmentation import OUTSIDE
from seewhy.run.comparison_drawing import columns_of
from seewhy.run.record import Record
from seewhy.run.view_pictures import encoded, encoded_labels
from seewhy.run.view_record import MOST_MASKS, record_entry
from seewhy.run.viewing import side_for, unit_of, view_document, view_item
from seewhy.show.words import whereabouts


def picture_of(source):
    head, _, data = source.partition(",")
    picture = pillow.open(io.BytesIO(base64.b64decode(data)))
    assert head == f"data:image/{picture.format.lower()};base64"
    return picture


def labels_of(entry, width, height):
    stored = zlib.decompress(base64.b64decode(entry["deflated"]))
    labels = np.frombuffer(stored, f"<u{entry['bits'] // 8}").reshape(height, width)
    return np.where(labels == 2 ** entry["bits"] - 1, OUTSIDE, labels.astype(int))


def masks_of(record, count):
    rows = zlib.decompress(base64.b64decode(record["masks"]))
    packed = np.frombuffer(rows, np.uint8).reshape(record["n"], -(-count // 8))
    return np.unpackbits(packed, axis=1, count=count, bitorder="little").astype(bool)


def outputs_of(record):
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(record["outputs"])), "<f4")
    return numbers.reshape(record["n"], len(record["classes"]))


@pytest.fixture
def explained(model, picture):
    def explain(**settings):
        usual = {"segments": "grid:4", "curves": True, "top": 2}
        return sw.explain(picture, model, **(usual | settings))

    return explain


@pytest.fixture
def wide():
    """A picture twice as wide as high, of which the model sees the middle."""
    model = sw.CallableModel(
        lambda images: images.mean(axis=(1, 2))[:, :2],
        labels=["red", "green"],
        output="raw",
        input_size=(32, 32),
        preprocess=sw.Preprocessing((32, 32), shorter_side=32),
    )
    pixels = np.random.default_rng(1).integers(0, 256, (300, 600, 3), dtype=np.uint8)
    return sw.explain(pixels, model, segments="grid:3", score="raw")


def test_item_says_what_the_result_says(explained):
    result = explained(methods="lime,kernel-shap")
    item = view_item(result, side=256)
    assert item["count"] == result.segmentation.count == 16
    assert [each["label"] for each in item["targets"]] == [t.label for t in result.targets]
    assert item["fingerprint"] == result.fingerprint
    assert sum(item["areas"]) == pytest.approx(1, abs=1e-4)
    for method, explanation in zip(item["methods"], result.explanations, strict=True):
        assert method["name"] == explanation.name
        assert method["reading"] == explanation.method.reading
        said = result.sentences(explanation.name)
        assert [column["sentence"] for column in method["columns"]] == said
        for t, column in enumerate(method["columns"]):
            np.testing.assert_allclose(column["values"], explanation.values[:, t], rtol=1e-5)
            np.testing.assert_allclose(column["error"], explanation.standard_error[:, t], rtol=1e-5)
            assert column["certain"] == explanation.certain()[:, t].astype(int).tolist()
            assert column["base"] == pytest.approx(explanation.base_value[t], rel=1e-5)
            assert column["fidelity"]["r2"] == pytest.approx(explanation.fidelity[t].r2, rel=1e-5)


def test_badges_are_those_of_the_figure(explained):
    from seewhy.show.badges import number_regions

    result = explained(segments="grid:2", fill="black")
    (method,) = view_item(result, side=256)["methods"]
    expected = number_regions(result.rows("lime"))
    assert expected
    assert {int(player): number for player, number in method["numbers"].items()} == expected


def test_item_is_plain_json_of_six_digits(explained):
    item = view_item(explained(methods="lime,anchors,counterfactual"), side=256)
    assert json.loads(json.dumps(item, allow_nan=False)) == item
    numbers = []

    def collect(value):
        if isinstance(value, float):
            numbers.append(value)
        elif isinstance(value, dict | list):
            for part in value.values() if isinstance(value, dict) else value:
                collect(part)

    collect(item)
    assert len(numbers) > 100
    assert all(float(f"{number:.6g}") == number for number in numbers)


def test_equal_results_give_equal_documents(explained):
    result = explained()
    first, second = (view_document([view_item(result, side=256)], title="t") for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    assert first["v"] == 1
    assert first["seewhy"] == sw.__version__
    assert first["title"] == "t"


def test_what_the_model_does_not_see_is_marked_at_the_shown_size(wide):
    item = view_item(wide, side=100)
    width, height = item["picture"]["width"], item["picture"]["height"]
    assert (width, height) == (100, 50)
    assert picture_of(item["picture"]["src"]).size == (width, height)
    assert picture_of(item["hidden"]["src"]).size == (width, height)
    labels = labels_of(item["labels"], width, height)
    assert (labels[:, :25] == OUTSIDE).all()
    assert (labels[:, 75:] == OUTSIDE).all()
    assert set(np.unique(labels[:, 25:75])) == set(range(wide.segmentation.count))
    # a pixel of the small picture is whose the middle of what it covers is
    assert (labels == wide.segmentation.labels[3::6, 3::6]).all()


def test_small_pictures_stay_as_they_are_to_the_pixel(explained, picture):
    item = view_item(explained(), side=256)
    assert (item["picture"]["width"], item["picture"]["height"]) == (32, 32)
    shown = picture_of(item["picture"]["src"]).convert("RGB")
    assert (np.asarray(shown) == picture).all()
    labels = labels_of(item["labels"], 32, 32)
    assert (labels == explained().segmentation.labels).all()


def test_hidden_picture_is_what_the_model_saw(explained, picture):
    result = explained(fill="black")
    item = view_item(result, side=256)
    assert (np.asarray(picture_of(item["hidden"]["src"]).convert("RGB")) == 0).all()
    assert picture.any()


def test_hidden_picture_lies_where_the_model_looks(wide):
    half = np.zeros_like(wide.hidden)
    half[:, 16:] = 1
    shown = [
        np.asarray(
            picture_of(view_item(replace(wide, hidden=hidden), side=100)["hidden"]["src"])
        ).astype(int)
        for hidden in (half, np.zeros_like(half), np.ones_like(half))
    ]
    middle, black, white = (picture[:, 25:75].mean(axis=(0, 2)) for picture in shown)
    assert black.max() == 0
    assert white.min() == 255
    assert middle[:22].max() < 60
    assert middle[28:].min() > 195


def test_jpeg_where_pillow_has_no_webp(monkeypatch):
    monkeypatch.setattr("seewhy.run.view_pictures.features.check", lambda kind: False)
    noise = np.random.default_rng(0).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    assert picture_of(encoded(noise, quality=75)).format == "JPEG"
    tiny = picture_of(encoded(noise[:20, :20], quality=75))
    assert tiny.format == "PNG"
    assert (np.asarray(tiny) == noise[:20, :20]).all()


def test_many_superpixels_take_two_bytes():
    labels = np.arange(400).reshape(20, 20)
    labels[0, 0] = OUTSIDE
    entry = encoded_labels(labels, 400)
    assert entry["bits"] == 16
    assert (labels_of(entry, 20, 20) == labels).all()
    few = np.clip(labels, OUTSIDE, 254)
    assert encoded_labels(few, 255)["bits"] == 8
    assert (labels_of(encoded_labels(few, 255), 20, 20) == few).all()
    assert encoded_labels(few, 256)["bits"] == 16


def test_superpixels_without_room_keep_their_places(model):
    pixels = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    result = sw.explain(pixels, model, segments="grid:16", budget=64)
    item = view_item(result, side=8)
    cut = result.segmentation
    assert cut.count == 256 > 64
    assert item["places"] == [whereabouts(cut, player) for player in range(cut.count)]
    assert len(item["areas"]) == cut.count


def test_places_are_those_of_sentences(wide):
    item = view_item(wide, side=600)
    places = [whereabouts(wide.segmentation, p) for p in range(wide.segmentation.count)]
    assert item["places"] == places
    assert places[0] == "upper left"
    assert places[4] == "centre"


def test_every_recorded_mask_has_what_the_model_said(explained, model, picture):
    result = explained(methods="lime,occlusion")
    record = view_item(result, side=256)["record"]
    masks, outputs = masks_of(record, 16), outputs_of(record)
    assert record["kind"] == "log-probability"
    assert record["names"] == [model.labels[index] for index in record["classes"]]
    assert len({mask.tobytes() for mask in masks}) == len(masks) == record["n"] > 20
    assert np.ones(16, bool).tobytes() in {mask.tobytes() for mask in masks}
    game = sw.masking_game(model, sw.read_image(picture), result.segmentation)
    np.testing.assert_allclose(outputs, game(masks)[:, record["classes"]], rtol=2e-4)


def test_a_ranking_can_be_followed_from_both_ends(explained):
    result = explained(methods="kernel-shap")
    record = view_item(result, side=256)["record"]
    held = {mask.tobytes() for mask in masks_of(record, 16)}
    for t in range(2):
        walk = np.argsort(-result["kernel-shap"].values[:, t], kind="stable")
        for size in (1, 2, 3, 5, 8):
            mask = np.ones(16, bool)
            mask[walk[:size]] = False
            assert mask.tobytes() in held
            assert (~mask).tobytes() in held


def test_a_record_is_cut_to_what_few_clicks_reach():
    rng = np.random.default_rng(0)
    masks = np.unique(rng.random((2000, 40)) < rng.random((2000, 1)), axis=0)
    outputs = rng.random((len(masks), 2), np.float32)
    doubled = Record(
        masks=np.concatenate([masks, masks]),
        classes={3: "three", 7: "seven"},
        outputs=np.concatenate([outputs, outputs]),
        kind="raw",
    )
    entry = record_entry(doubled)
    assert entry["n"] == MOST_MASKS < len(masks)
    assert (entry["classes"], entry["names"]) == ([3, 7], ["three", "seven"])
    chosen = masks_of(entry, 40)
    clicks = np.minimum(masks.sum(axis=1), 40 - masks.sum(axis=1))
    told = np.minimum(chosen.sum(axis=1), 40 - chosen.sum(axis=1))
    assert sorted(told) == sorted(clicks)[:MOST_MASKS]
    where = {mask.tobytes(): row for row, mask in enumerate(masks)}
    rows = [where[mask.tobytes()] for mask in chosen]
    np.testing.assert_allclose(outputs_of(entry), outputs[rows], rtol=2**-13)


def test_results_without_a_record_are_shown_too(explained):
    assert view_item(replace(explained(), record=None), side=256)["record"] is None
    empty = Record(
        masks=np.zeros((0, 16), bool), classes={}, outputs=np.zeros((0, 0), np.float32), kind="raw"
    )
    assert record_entry(empty) is None


def test_rules_and_changes_are_told_in_full(explained):
    result = explained(methods="anchors,counterfactual")
    rule, change = view_item(result, side=256)["methods"]
    assert (rule["kind"], change["kind"]) == ("rule", "counterfactual")
    assert (rule["key"], change["key"]) == ("anchors", "counterfactual")
    assert rule["superpixels"] == list(result["anchors"].superpixels)
    assert rule["status"] == result["anchors"].status
    assert change["hide"] == list(result["counterfactual"].hide)
    assert change["becomes"]["label"] == result.names[result["counterfactual"].becomes]
    assert rule["sentences"] == result.sentences("anchors")
    assert change["sentences"] == result.sentences("counterfactual")


def test_units(explained):
    assert unit_of(explained()) == "log-odds"
    assert unit_of(explained(score="probability")) == "probability"
    against = explained(score="probability", target="corner", against="rest")
    assert unit_of(against) == "log-odds"
    assert unit_of(replace(against, score="probability")) == "log-odds"
    assert unit_of(replace(against, score="raw")) == "raw"
    item = view_item(against, side=256)
    assert item["against"]["label"] == "rest"
    assert item["unit"] == "log-odds"


def test_story_and_true_class(explained):
    result = explained(true="rest", top=1)
    item = view_item(result, side=256)
    assert item["true"]["label"] == "rest"
    assert item["true"]["rank"] == result.true.rank
    assert item["story"] == (result.story() if result.tells_story else None)
    assert item["story"]
    assert view_item(explained(), side=256)["story"] is None


def test_cautions_name_what_is_not_settled(explained):
    result = explained()
    doubtful = replace(result["lime"], converged=np.array([True, False]))
    item = view_item(replace(result, explanations=(doubtful,)), side=256)
    (caution,) = item["cautions"]
    assert "lime has not settled for" in caution
    assert result.targets[1].label in caution
    assert result.targets[0].label not in caution


def test_a_comparison_brings_its_scoreboard(model, picture):
    compared = sw.compare(
        picture, model, methods="lime,occlusion", segments="grid:4", budget=64, repeats=2
    )
    board = view_item(compared.result, side=256, comparison=compared)["comparison"]
    assert [row["name"] for row in board["rows"]] == ["lime", "occlusion"]
    assert [row["name"] for row in board["references"]]
    assert board["protocol"] == compared.protocol.hash
    assert board["recommendation"] == compared.recommendation()
    keys = [column["key"] for column in board["columns"]]
    assert {measure.key for measure in columns_of(compared)} <= set(keys)
    assert {"evaluations", "seconds"} <= set(keys)
    lime = board["rows"][0]
    shown = compared["lime"].numbers["evaluations"].value
    assert lime["texts"]["evaluations"] == f"{shown:.0f}"
    assert set(lime["texts"]) == set(keys)
    for row in board["rows"]:
        assert row["best"] == [key for key in keys if row["name"] in compared.best.get(key, ())]
    assert view_item(compared.result, side=256)["comparison"] is None


def test_the_more_pictures_the_smaller():
    sides = [side_for(count) for count in (1, 2, 10, 11, 1000)]
    assert sides == [720, 512, 512, 256, 256]


def test_hostile_names_pass_through_unchanged(model, picture):
    evil = "</script><img src=x onerror=alert(1)>\n\u202eevil"
    result = sw.explain(picture, model, segments="grid:2")
    renamed = replace(result, picture=replace(result.picture, name=evil))
    assert view_item(renamed, side=256)["name"] == evil


def test_labels_of_a_segmentation_with_gaps_are_not_renumbered():
    labels = np.arange(12).reshape(3, 4)
    labels[labels == 5] = 4
    assert (labels_of(encoded_labels(labels, 12), 4, 3) == labels).all()
