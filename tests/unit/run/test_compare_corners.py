"""Comparisons of little, of nothing, and of what the model does not say: no false word of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import seewhy as sw

CHEAP = {"segments": "grid:6", "fill": "black", "budget": 64, "repeats": 2}


@pytest.fixture(scope="module")
def patch_model():
    def patches(images):
        corner = images[:, :16, :16].mean(axis=(1, 2, 3))
        rest = images[:, 16:, 16:].mean(axis=(1, 2, 3))
        return np.stack([4 * corner, 2 * rest, np.zeros_like(rest)], axis=1)

    return sw.CallableModel(
        patches, labels=["corner", "rest", "neither"], output="logits", input_size=(32, 32)
    )


@pytest.fixture(scope="module")
def photo():
    return np.random.default_rng(3).integers(128, 256, (32, 32, 3), dtype=np.uint8)


def test_a_rule_alone_is_not_told_that_hiding_does_nothing(patch_model, photo):
    told = " ".join(sw.compare(photo, patch_model, methods="anchors", **CHEAP).recommendation())
    assert "No method was asked that values every region" in told
    assert "does not lower the score" not in told


def test_a_method_alone_beats_nobody(patch_model, photo):
    first, *_ = sw.compare(photo, patch_model, methods="lime", **CHEAP).recommendation()
    assert first.startswith("Take lime: SRG ")
    assert "every other" not in first


def test_a_leader_that_fails_the_sanity_gate_is_no_equal(patch_model, photo):
    found = sw.compare(photo, patch_model, methods="kernel-shap,occlusion", **CHEAP)
    board = found.scoreboard
    ahead = {"occlusion": np.array([0.9, 0.9]), "kernel-shap": np.array([0.5, 0.5])}
    scores = [
        replace(
            each,
            runs={"srg": ahead[each.name]},
            numbers={**each.numbers, "sanity": type(each.numbers["srg"])(alike)},
        )
        for each, alike in zip(board.scores, (0.1, 1.0), strict=True)
    ]
    judged = replace(found, scoreboard=replace(board, scores=tuple(scores)))
    assert judged.best["srg"] == {"occlusion"}
    told = judged.recommendation()
    assert told[0].startswith("Take kernel-shap")
    assert "not separable" not in told[0]
    assert any(t.startswith("occlusion is not taken") for t in told)


def test_rules_for_the_class_ahead_prove_nothing_of_the_one_behind(patch_model, photo):
    found = sw.compare(
        photo,
        patch_model,
        methods="lime,anchors,counterfactual",
        target="rest",
        against="corner",
        **CHEAP,
    )
    for scores in found.scoreboard.scores:
        assert not {"sufficient_area", "flip_area", "kept_at_rule"} & set(scores.numbers)


def test_of_two_superpixels_every_mask_is_asked_and_nothing_is_chance(patch_model, photo):
    halves = np.indices((32, 32))[1] // 16
    found = sw.compare(
        photo, patch_model, methods="lime,occlusion", **{**CHEAP, "segments": halves}
    )
    assert found.best["srg"] == {"lime", "occlusion"}
    assert found["lime"].numbers["srg"].value == pytest.approx(1, abs=0.01)
    assert found["lime"].numbers["stability"].value == 1


def test_a_constant_model_has_no_winner(photo):
    says_one = sw.CallableModel(
        lambda images: np.tile([1.0, 0.0], (len(images), 1)),
        labels=["one", "other"],
        output="logits",
        input_size=(32, 32),
    )
    found = sw.compare(photo, says_one, methods="lime,occlusion", **CHEAP)
    assert "srg" not in found.best
    assert "does not lower the score" in found.recommendation()[0]
    assert found["lime"].constant


def test_a_rule_that_needs_no_region_is_not_said_to_be_missing():
    def sure(images):
        light = images[:, :16, :16].mean(axis=(1, 2, 3))
        return np.stack([9 + light, 0 * light], axis=1)

    model = sw.CallableModel(sure, labels=["a", "b"], output="logits", input_size=(32, 32))
    photo = np.random.default_rng(3).integers(128, 256, (32, 32, 3), dtype=np.uint8)
    found = sw.compare(
        photo, model, methods="lime,anchors", repeats=1, segments="grid:4", fill="black", budget=64
    )
    assert found.result["anchors"].status == "trivially_robust"
    written = [text.get_text() for each in found.figure().axes for text in each.texts]
    assert any("no region is" in text for text in written)
    assert not any("nothing was" in text for text in written)


def test_the_class_it_is_held_against_stands_in_the_title(model, picture):
    found = sw.compare(
        picture,
        model,
        methods="lime,occlusion",
        target="corner",
        against="rest",
        repeats=1,
        segments="grid:4",
        fill="black",
        budget=64,
    )
    written = [text.get_text() for text in found.figure().texts]
    assert any("corner rather than rest" in text for text in written)
