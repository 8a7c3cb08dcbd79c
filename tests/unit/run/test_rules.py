"""Anchors, counterfactuals and the story of a misread picture, through the front door."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

import seewhy as sw
from seewhy.errors import InputError, StoreError
from seewhy.run.document import to_document

SCHEMA = json.loads(files("seewhy.run").joinpath("explanation.schema.json").read_text("utf-8"))
SIDE = 32


def two_corners(images: np.ndarray) -> np.ndarray:
    """Class "both" needs the two upper corners; "lower" wins without one of them."""
    left = images[:, :8, :8].mean(axis=(1, 2, 3))
    right = images[:, :8, -8:].mean(axis=(1, 2, 3))
    lower = images[:, 16:].mean(axis=(1, 2, 3))
    return np.stack([4 * (left + right) - 5, lower, 0 * lower + 0.2], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def corners() -> sw.CallableModel:
    return sw.CallableModel(
        two_corners, labels=["both", "lower", "none"], output="logits", input_size=(SIDE, SIDE)
    )


@pytest.fixture(scope="module")
def bright() -> np.ndarray:
    return np.full((SIDE, SIDE, 3), 255, np.uint8)


def explain(picture, model, methods=None, **settings):
    settings = {"segments": "grid:4", "fill": "black", "backgrounds": []} | settings
    return sw.explain(picture, model, methods=methods, **settings)


def test_the_rule_and_the_change_are_the_known_ones(bright, corners):
    result = explain(bright, corners, "counterfactual,anchors")
    rule, change = result["anchors"], result["counterfactual"]
    assert rule.status == "sufficient"
    assert sorted(rule.superpixels) == [0, 3]
    assert rule.irreducible
    assert rule.area == pytest.approx(2 / 16)
    assert change.status == "found"
    assert len(change.hide) == 1
    assert set(change.hide) <= {0, 3}
    assert change.smallest
    assert result.names[change.becomes] == "lower"


def test_order_and_company_change_nothing_about_an_anchor(bright, corners):
    alone = explain(bright, corners, "anchors")["anchors"]
    with_others = explain(bright, corners, "counterfactual,lime,anchors")["anchors"]
    assert replace(alone, seconds=0).__dict__ == replace(with_others, seconds=0).__dict__


def test_a_bigger_budget_for_attributions_is_not_one_for_rules(bright, corners):
    result = explain(bright, corners, "lime,anchors,counterfactual", budget=128)
    assert result["lime"].method.budget == 128
    assert result["anchors"].method.budget == "auto"
    assert result["counterfactual"].method.budget == "auto"


def test_against_keeps_ahead_of_one_class_and_turns_into_it(bright, corners):
    result = explain(bright, corners, "anchors,counterfactual", against="none")
    assert result["anchors"].against == 2
    assert result["counterfactual"].wanted == 2
    hidden = np.ones((1, 16), bool)
    hidden[0, list(result["counterfactual"].hide)] = False
    segments = sw.Segmentation(result.segmentation.labels)
    game = sw.masking_game(corners, bright, segments, fill=sw.BlackFill())
    assert game(hidden)[0].argmax() == 2


def test_a_class_held_against_the_prediction_is_turned_round(bright, corners):
    result = explain(bright, corners, "lime,anchors,counterfactual", target="lower", against="both")
    assert result["lime"].targets == (1,)
    assert (result["anchors"].target, result["anchors"].against) == (0, 1)
    assert (result["counterfactual"].target, result["counterfactual"].wanted) == (0, 1)


def test_counterfactual_takes_a_class_name(bright, corners):
    result = explain(bright, corners, [sw.Counterfactual(target="none")])
    assert result["counterfactual"].wanted == 2
    with pytest.raises(InputError, match="lower"):
        explain(bright, corners, [sw.Counterfactual(target="lowr")])


def test_rules_survive_a_round_trip(bright, corners, tmp_path):
    other = np.random.default_rng(0).integers(0, 255, (20, 24, 3), dtype=np.uint8)
    methods = [sw.Anchors(count=2), sw.Counterfactual(), sw.Anchors(hidden=0.9, name="harder")]
    result = explain(bright, corners, methods, backgrounds=[other, other // 2])
    document = to_document(result)
    jsonschema.validate(document, SCHEMA)
    assert len(document["explanations"][0]["transplants"]) == 2
    result.save(tmp_path / "out")
    back = sw.Explained.load(tmp_path / "out")
    assert to_document(back) == document
    assert back["harder"].method == methods[2]
    assert back.names == result.names
    np.testing.assert_allclose(back.hidden, result.hidden, atol=1 / 255)
    assert {f.name for f in (tmp_path / "out").glob("*.png")} == {
        "figure.png",
        "figure-counterfactual.png",
        "figure-harder.png",
        "hidden.png",
        "picture.png",
        "segments.png",
    }
    for name in ("anchors", "counterfactual", "harder"):
        assert back.figure(name).axes
        assert back.sentences(name) == result.sentences(name)


def test_the_schema_notices_a_broken_rule(bright, corners):
    document = to_document(explain(bright, corners, "anchors,counterfactual"))
    for entry, key in ((0, "precision"), (1, "hide")):
        broken = json.loads(json.dumps(document))
        broken["explanations"][entry][key] = "much"
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)


def test_pictures_paid_for_are_counted_once_backgrounds_included(bright, corners):
    dark = [np.full((SIDE, SIDE, 3), level, np.uint8) for level in (0, 40)]
    rule = explain(bright, corners, "anchors", backgrounds=dark)
    assert rule.evaluations == rule["anchors"].evaluations
    assert len(rule["anchors"].transplants) == 2
    assert all(each.keeps for each in rule["anchors"].transplants)


def test_a_picture_is_not_transplanted_onto_itself(bright, corners):
    result = explain(bright, corners, "anchors", backgrounds=[bright])
    assert result["anchors"].transplants == ()


def test_default_backgrounds_are_real_pictures(bright, corners):
    result = explain(bright, corners, "anchors", backgrounds=None)
    names = [each.background for each in result["anchors"].transplants]
    assert len(names) >= 8
    assert "coffee.png" in names


def test_a_misread_picture_has_a_story(bright, corners, tmp_path):
    result = explain(bright, corners, true="lower")
    assert [e.name for e in result.explanations] == ["lime", "anchors", "counterfactual"]
    assert (result.targets[0].label, result.against.label) == ("both", "lower")
    assert (result.true.label, result.true.rank) == ("lower", 2)
    assert result["anchors"].against is None  # the wrong answer, ahead of all classes
    assert result["counterfactual"].wanted == 1
    assert result.tells_story
    for word in ("both", "lower"):
        assert word in result.story()
    result.save(tmp_path / "out")
    names = {f.name for f in (tmp_path / "out").glob("figure*")}
    assert names == {
        "figure.png",
        "figure-lime.png",
        "figure-anchors.png",
        "figure-counterfactual.png",
    }
    back = sw.Explained.load(tmp_path / "out")
    assert back.story() == result.story()
    assert back.true == result.true


def test_where_the_model_is_right_the_runner_up_is_compared(bright, corners):
    result = explain(bright, corners, true="both")
    assert (result.targets[0].label, result.against.label) == ("both", "lower")
    assert result.true.rank == 1
    assert "right" in result.story()


def test_a_story_can_be_told_by_another_attribution(bright, corners):
    result = explain(bright, corners, "kernel-shap,anchors,counterfactual", true="lower")
    assert result.tells_story
    without = explain(bright, corners, "kernel-shap,anchors", true="lower")
    assert not without.tells_story
    with pytest.raises(InputError, match="true"):
        without.story()


def test_true_leaves_target_and_against_out(bright, corners):
    with pytest.raises(InputError, match="true already says"):
        explain(bright, corners, true="lower", against="none")
    with pytest.raises(InputError, match="lower"):
        explain(bright, corners, true="lowr")


def test_rules_have_no_values(bright, corners):
    result = explain(bright, corners, "anchors")
    with pytest.raises(InputError, match="superpixels"):
        result.rows("anchors")
    with pytest.raises(InputError, match="superpixels"):
        result.get_image_and_mask("both")


def test_a_result_without_the_hidden_picture_is_of_an_earlier_version(bright, corners, tmp_path):
    explain(bright, corners, "anchors").save(tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    del manifest["files"]["hidden.png"]
    (tmp_path / "out" / "hidden.png").unlink()
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match="earlier version"):
        sw.Explained.load(tmp_path / "out")


def test_a_budget_too_small_names_the_one_needed(bright, corners):
    with pytest.raises(InputError, match=r"at least \d+ masked pictures"):
        explain(bright, corners, [sw.Anchors(budget=50)], segments="grid:6")


def test_raw_outputs_have_rules_too(bright):
    raw = sw.CallableModel(
        two_corners, labels=["both", "lower", "none"], output="raw", input_size=(SIDE, SIDE)
    )
    result = explain(bright, raw, "anchors,counterfactual", score="raw")
    assert sorted(result["anchors"].superpixels) == [0, 3]
    assert result["counterfactual"].probabilities == {}
    assert result.figure("counterfactual").axes
    assert result.sentences("counterfactual")


def test_examples_before_other_pictures_are_kept_and_drawn(bright, corners, tmp_path):
    others = [np.full((SIDE, SIDE, 3), level, np.uint8) for level in (0, 60)]
    methods = [sw.Anchors(background="pictures")]
    result = explain(bright, corners, methods, backgrounds=others)
    shown = {example.background for example in result["anchors"].keeps}
    assert shown
    assert shown <= set(result.backdrops) <= {"image", "image (2)"}
    jsonschema.validate(to_document(result), SCHEMA)
    result.save(tmp_path / "out")
    back = sw.Explained.load(tmp_path / "out")
    assert to_document(back) == to_document(result)
    for name, pixels in result.backdrops.items():
        np.testing.assert_allclose(back.backdrops[name], pixels, atol=1 / 255)
    with_strip = result.figure("anchors").get_size_inches()[1]
    assert replace(result, backdrops={}).figure("anchors").get_size_inches()[1] < with_strip


@pytest.mark.parametrize(
    "asked", [{"target": "none"}, {"target": ["both", "lower"]}, {"target": ["both", "none"]}]
)
def test_rules_about_what_was_not_said_are_refused(bright, corners, asked):
    with pytest.raises(InputError, match="explain what the model said, 'both'"):
        explain(bright, corners, "lime,anchors", **asked)
    assert explain(bright, corners, "lime", budget=64, **asked)["lime"].values.shape[0] == 16


def test_the_prediction_may_be_named(bright, corners):
    assert explain(bright, corners, "anchors", target="both")["anchors"].target == 0


def test_settings_from_numpy_are_saved(bright, corners, tmp_path):
    methods = [
        sw.Anchors(count=np.int64(2), hidden=np.float64(0.5)),
        sw.Counterfactual(target=np.int64(1)),
    ]
    explain(bright, corners, methods).save(tmp_path / "out")
    assert sw.Explained.load(tmp_path / "out")["counterfactual"].method.target == 1


def test_no_method_is_called_story(bright, corners):
    with pytest.raises(InputError, match="story"):
        explain(bright, corners, [sw.Lime(name="story")])


def test_what_was_asked_is_part_of_the_fingerprint(bright, corners):
    prints = {
        explain(bright, corners, "lime", budget=64, **asked).fingerprint
        for asked in ({}, {"top": 1}, {"against": "none"}, {"true": "lower"}, {"target": "lower"})
    }
    assert len(prints) == 5


def test_models_of_many_channels_get_no_photos_behind(bright):
    bands = np.concatenate([bright, bright[:, :, :1]], axis=2)
    model = sw.CallableModel(
        lambda images: two_corners(images[..., :3]),
        labels=["both", "lower", "none"],
        output="logits",
        input_size=(SIDE, SIDE, 4),
    )
    result = explain(bands, model, "anchors", backgrounds=None)
    assert result["anchors"].transplants == ()
    with pytest.raises(InputError, match=r"backgrounds: image"):
        explain(bands, model, "anchors", backgrounds=[bright // 2])


def test_more_superpixels_than_floats_can_count(bright):
    side = np.arange(40 * 40).reshape(40, 40)
    model = sw.CallableModel(
        two_corners, labels=["both", "lower", "none"], output="logits", input_size=(40, 40)
    )
    picture = np.full((40, 40, 3), 255, np.uint8)
    result = explain(picture, model, [sw.Anchors(budget=600), sw.Counterfactual()], segments=side)
    assert result["anchors"].status in ("sufficient", "not_found")
    assert result["counterfactual"].status == "found"


def test_budgets_are_checked_before_anything_is_paid(bright, corners):
    asked = []
    model = sw.CallableModel(
        lambda images: asked.append(len(images)) or two_corners(images),
        labels=["both", "lower", "none"],
        output="logits",
        input_size=(SIDE, SIDE),
    )
    with pytest.raises(InputError, match="at least 36"):
        explain(bright, model, [sw.Lime(), sw.Counterfactual(budget=20)], segments="grid:6")
    assert sum(asked) < 10


def test_a_change_to_what_is_said_already_is_refused_by_name(bright, corners):
    with pytest.raises(InputError, match=r"another class than the one .* got 'both'"):
        explain(bright, corners, [sw.Lime(), sw.Counterfactual(target="both")])
