"""What a person can reach by hiding regions by hand is kept, and is what the model said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import seewhy as sw
from seewhy.run.record import BY_HAND, FOLLOWED, SINGLES

GRID = "grid:4x5"


def asked_again(record, model, picture, **settings):
    """The log-probabilities of the record's classes, from a game of its own."""
    game = sw.masking_game(model, picture, sw.Grid(4, 5), **settings)
    return game(record.masks)[:, list(record.classes)]


def test_it_holds_what_the_model_says(model, picture):
    record = sw.explain(picture, model, segments=GRID, budget=64, curves=True).record
    assert record.kind == "log-probability"
    assert list(record.classes.values()) == [model.labels[index] for index in record.classes]
    np.testing.assert_array_equal(record.outputs, asked_again(record, model, picture))


def test_the_whole_picture_and_the_hidden_one_are_always_there(model, picture):
    record = sw.explain(picture, model, segments=GRID, budget=64).record
    kept = record.masks.sum(axis=1).tolist()
    assert {0, 20} <= set(kept)


def test_half_hidden_pictures_are_not_kept(model, picture):
    result = sw.explain(picture, model, segments=GRID, budget=64)
    clicks = np.minimum(result.record.masks.sum(axis=1), (~result.record.masks).sum(axis=1))
    assert len(result.record.masks) < 10
    assert (clicks <= BY_HAND).all()


def test_curves_follow_the_ranking_from_both_ends(model, picture):
    result = sw.explain(picture, model, segments=GRID, budget=64, target="corner", curves=True)
    rows = {mask.tobytes() for mask in result.record.masks}
    values = result["lime"].values[:, 0]
    walk = np.argsort(-values, kind="stable")
    sizes = [size for size in FOLLOWED if size < 20]
    assert sizes
    for size in sizes:
        mask = np.ones(20, bool)
        mask[walk[:size]] = False
        assert mask.tobytes() in rows
        assert (~mask).tobytes() in rows


def test_curves_hide_each_of_the_strongest_alone(model, picture):
    result = sw.explain(picture, model, segments=GRID, budget=64, target="corner", curves=True)
    alone = result.record.masks[(~result.record.masks).sum(axis=1) == 1]
    hidden = set(np.argmin(alone, axis=1).tolist())
    assert set(result["lime"].top(SINGLES)) <= hidden


def test_curves_are_paid_and_counted_and_change_no_value(model, picture):
    with_curves = sw.explain(picture, model, segments=GRID, budget=64, curves=True)
    without = sw.explain(picture, model, segments=GRID, budget=64)
    assert with_curves["lime"].values.tobytes() == without["lime"].values.tobytes()
    assert with_curves["lime"].evaluations == without["lime"].evaluations
    extra = with_curves.evaluations - without.evaluations
    sizes = sum(size < 20 for size in FOLLOWED)
    assert sizes <= extra <= 3 * (2 * sizes + SINGLES)
    assert with_curves.fingerprint == without.fingerprint


@pytest.fixture
def dark():
    """Eleven classes in fixed order while the picture is bright; a twelfth once it is dark."""

    def classify(images: np.ndarray) -> np.ndarray:
        light = images.mean(axis=(1, 2, 3))
        logits = np.tile(np.linspace(3, -3, 12), (len(images), 1))
        logits[:, 0] = 20 * light
        logits[:, 11] = 9 - 20 * light
        return logits

    labels = [f"class {index}" for index in range(12)]
    return sw.CallableModel(classify, labels=labels, output="logits", input_size=(32, 32))


def test_every_class_that_comes_first_has_a_name(dark, picture):
    result = sw.explain(
        picture, dark, segments=GRID, fill="black", budget=64, target="class 0", curves=True
    )
    assert 11 not in {each.index for each in result.predictions}
    assert result.record.classes[11] == "class 11"
    np.testing.assert_array_equal(
        result.record.outputs, asked_again(result.record, dark, picture, fill=sw.BlackFill())
    )


def test_regions_of_rules_and_changes_are_kept(dark, picture):
    result = sw.explain(
        picture, dark, segments=GRID, fill="black", methods="anchors,counterfactual"
    )
    rows = {mask.tobytes() for mask in result.record.masks}
    change, rule = result["counterfactual"], result["anchors"]
    assert len(change.hide) > BY_HAND
    for hidden in [change.hide, *(example.hidden for example in (*rule.keeps, *rule.breaks))]:
        mask = np.ones(20, bool)
        mask[list(hidden)] = False
        assert mask.tobytes() in rows


def test_a_comparison_keeps_what_judging_walked(picture):
    weights = np.random.default_rng(1).normal(size=(32, 32, 3)) / 300
    distinct = sw.CallableModel(
        lambda images: np.stack(
            [(images * weights).sum(axis=(1, 2, 3)), 0 * images[:, 0, 0, 0]], 1
        ),
        labels=["patterned", "plain"],
        output="logits",
        input_size=(32, 32),
    )
    compared = sw.compare(
        picture, distinct, methods="lime,occlusion", segments=GRID, budget=64, repeats=1
    )
    hidden = (~compared.result.record.masks).sum(axis=1)
    assert set(range(21)) <= set(hidden.tolist())  # whole walks
    assert (hidden == 1).sum() == 20  # occlusion's


def test_of_all_masks_only_those_in_reach_are_kept(dark, picture):
    """Nine regions: 260 masks hide or show three at most, and four more lie along the ranking."""
    result = sw.explain(picture, dark, segments="grid:3", fill="black", target="class 0")
    assert result.evaluations == 2**9
    values = result["lime"].values[:, 0]
    assert len(np.unique(values)) == 9
    walk = np.argsort(-values)
    middle = {mask.tobytes() for mask in result.record.masks if 4 <= mask.sum() <= 5}
    expected = set()
    for size in (4, 5):
        hides = np.ones(9, bool)
        hides[walk[:size]] = False
        expected |= {hides.tobytes(), (~hides).tobytes()}
    assert middle == expected
    assert len(result.record.masks) == 260 + 4


def test_raw_outputs_are_kept_as_they_are(picture):
    raw = sw.CallableModel(
        lambda images: images.mean(axis=(1, 2))[:, :2],
        labels=["red", "green"],
        output="raw",
        input_size=(32, 32),
    )
    record = sw.explain(picture, raw, segments=GRID, score="raw", budget=64, curves=True).record
    assert record.kind == "raw"
    np.testing.assert_array_equal(record.outputs, asked_again(record, raw, picture))


def test_it_survives_the_directory(model, picture, tmp_path):
    result = sw.explain(picture, model, segments=GRID, budget=64, curves=True)
    result.save(tmp_path / "out")
    back = sw.Explained.load(tmp_path / "out").record
    assert (back.masks == result.record.masks).all()
    assert back.outputs.tobytes() == result.record.outputs.tobytes()
    assert (back.classes, back.kind) == (result.record.classes, result.record.kind)


def test_a_result_without_one_is_saved_and_read_too(model, picture, tmp_path):
    result = replace(sw.explain(picture, model, segments=GRID, budget=64), record=None)
    result.save(tmp_path / "out")
    assert not (tmp_path / "out" / "asked.npz").exists()
    assert sw.Explained.load(tmp_path / "out").record is None


def test_progress_of_following_is_told(model, picture):
    told = []
    sw.explain(picture, model, segments=GRID, budget=64, curves=True, progress=told.append)
    following = [event for event in told if event.stage.startswith("following")]
    assert following[0].done == 0
    assert following[-1].done == following[-1].total > 0
