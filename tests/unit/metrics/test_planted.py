"""Planted evidence: the model is the rule, whatever hides the rest, and methods find it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as pillow
from skimage import data

import seewhy as sw
from seewhy.errors import InputError
from seewhy.game.design import bernoulli
from seewhy.image.fill import parse_fill
from seewhy.image.read import read_picture
from seewhy.metrics.planted import planted
from seewhy.metrics.planted_rule import PlantedRule, additive, all_of, any_of, at_least

RULES = {
    "additive": additive(3.0, 2.0, 1.0, -1.5, distractors=2),
    "and": all_of(3, distractors=1),
    "or": any_of(3, distractors=1),
    "two of four": at_least(2, 4, distractors=1),
    "mixed": PlantedRule(weights=(-1.0, 2.0), together=3, needed=2, distractors=1, off_object=2),
}


def picture_of(rule, seed=0, **settings):
    settings = {"side": 96, "segments": 30, **settings}
    return planted(rule, np.random.default_rng(seed), **settings)


def log_odds(case, fill="mean"):
    game = sw.masking_game(case.model, case.image, case.segmentation, fill=parse_fill(fill))
    return game.view("log-odds", target=case.target)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(
    "fill", ["mean", "mean-colour", "grey:0.5", "grey:1", "black", "blur:0.01", "blur", "noise"]
)
def test_the_model_plays_the_game_that_is_said_to_be_true(name, fill):
    case = picture_of(RULES[name])
    masks = bernoulli(case.segmentation.count, 40, np.random.default_rng(1)).masks
    masks = np.vstack([masks, np.ones_like(masks[:1]), np.zeros_like(masks[:1])])
    np.testing.assert_allclose(log_odds(case, fill)(masks), case.game(masks), atol=2e-6)


def test_the_fill_hides_a_superpixel_that_is_nothing_but_a_mark():
    case = picture_of(RULES["additive"])
    tight = case.cut(sw.Segmentation(case.marks))
    assert tight.supporting == (1, 2, 3)  # 0 is what is no mark
    masks = bernoulli(7, 40, np.random.default_rng(0)).masks
    for fill in ("mean", "blur:0.01"):
        np.testing.assert_allclose(log_odds(tight, fill)(masks), tight.game(masks), atol=2e-6)


def test_a_picture_shows_through_without_marks_of_its_own(tmp_path):
    pillow.fromarray(data.astronaut()).save(tmp_path / "other.png")
    case = picture_of(RULES["and"])
    masks = bernoulli(30, 40, np.random.default_rng(1)).masks
    fill = f"picture:{tmp_path / 'other.png'}"
    np.testing.assert_allclose(log_odds(case, fill)(masks), case.game(masks), atol=2e-6)


def test_every_mark_lies_in_a_superpixel_of_its_own():
    case = picture_of(RULES["mixed"], seed=4)
    assert len(set(case.owners)) == case.rule.n_marks
    for mark, owner in enumerate(case.owners):
        assert (case.segmentation.labels[case.marks == mark] == owner).all()


def test_what_is_relevant():
    case = picture_of(RULES["additive"])
    a, b, c, against, *others = case.owners
    assert case.supporting == tuple(sorted([a, b, c]))
    assert case.opposing == (against,)
    assert case.distracting == tuple(sorted(others))
    assert case.relevant == tuple(sorted([a, b, c, against]))
    expected = np.zeros(30)
    expected[[a, b, c, against]] = 3, 2, 1, -1.5
    np.testing.assert_allclose(case.main_effects(), expected)
    np.testing.assert_allclose(case.shapley_values(), expected)
    np.testing.assert_array_equal(case.mask, np.isin(case.segmentation.labels, [a, b, c]))
    assert case.mark_mask.sum() < case.mask.sum() / 3
    assert (case.mask | ~case.mark_mask).all()


def test_marks_lie_on_or_beside_the_object_as_asked():
    case = picture_of(additive(3.0, 2.0, 1.0, -1.0, distractors=2, off_object=1))
    on = [bool(case.on_object[case.marks == mark].all()) for mark in range(6)]
    off = [bool(~case.on_object[case.marks == mark].any()) for mark in range(6)]
    assert on[1:3] == [True, True]
    assert off[0] == off[4] == off[5] is True
    assert case.off_object_share() == pytest.approx(3 / 6)
    assert picture_of(all_of(2)).off_object_share() == 0


def test_the_seed_says_it_all():
    one, same, other = (picture_of(RULES["mixed"], seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.image, same.image)
    assert one.owners == same.owners
    assert one.model.fingerprint == same.model.fingerprint
    assert not np.array_equal(one.image, other.image)


def test_models_of_different_rules_have_different_fingerprints():
    prints = {picture_of(rule).model.fingerprint for rule in RULES.values()}
    assert len(prints) == len(RULES)


def test_the_picture_survives_a_file(tmp_path):
    case = picture_of(RULES["and"])
    pillow.fromarray(np.rint(case.image * 255).astype(np.uint8)).save(tmp_path / "planted.png")
    again = read_picture(tmp_path / "planted.png").pixels
    np.testing.assert_array_equal(again, case.image)
    np.testing.assert_array_equal(case.model.preprocessing.apply(again), case.image)


def test_on_a_photo_with_the_superpixels_of_a_segmenter():
    photo = (data.astronaut() / 255).astype(np.float32)
    case = picture_of(RULES["two of four"], segments=sw.Slic(30), background=photo)
    assert case.segmentation.method == "slic"
    assert len(set(case.owners)) == case.rule.n_marks
    assert np.corrcoef(case.image.mean(axis=2).ravel(), photo_at(photo, 96).ravel())[0, 1] > 0.7
    masks = bernoulli(case.segmentation.count, 60, np.random.default_rng(1)).masks
    np.testing.assert_allclose(log_odds(case)(masks), case.game(masks), atol=2e-6)


def photo_at(photo, side):
    rows = np.linspace(0, len(photo) - 1, side).astype(int)
    return photo.mean(axis=2)[np.ix_(rows, rows)]


def test_cut_again():
    case = picture_of(RULES["and"])
    halves = case.cut(sw.Segmentation(np.repeat([[0, 1]], 96, axis=0).repeat(48, axis=1)))
    assert halves.segmentation.count == 2
    assert halves.image is case.image
    masks = np.array([[True, True], [True, False], [False, True]])
    np.testing.assert_allclose(log_odds(halves)(masks), halves.game(masks), atol=2e-6)


def test_marks_cut_apart_are_refused():
    case = picture_of(RULES["and"])
    with pytest.raises(InputError, match="more than half of every mark in one superpixel"):
        case.cut(sw.Grid(rows=96, columns=96))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"side": 20}, "side must be at least 32 pixels; got 20"),
        ({"segments": 1}, "segments must be at least 2 superpixels; got 1"),
        ({"segments": 2000}, "room for 3 marks of 7 pixels"),
        ({"segments": sw.Segmentation(np.eye(4, dtype=int))}, r"shape \(96, 96\); got \(4, 4\)"),
        ({"background": np.zeros((9, 9, 1), np.float32)}, r"shape \(h, w, 3\); got \(9, 9, 1\)"),
    ],
)
def test_refusals(settings, message):
    with pytest.raises(InputError, match=message):
        picture_of(all_of(3), **settings)


def explained(case, *methods, **settings):
    return sw.explain(
        case.image,
        case.model,
        segments=case.segmentation,
        target=case.target,
        methods=list(methods),
        seed=0,
        **settings,
    )


ATTRIBUTIONS = (sw.Lime(), sw.Banzhaf(), sw.KernelShap(), sw.PermutationShap(), sw.PartitionShap())


def test_every_method_gives_additive_evidence_its_weight():
    case = picture_of(RULES["additive"])
    found = explained(case, *ATTRIBUTIONS, sw.Occlusion())
    for explanation in found.explanations:
        np.testing.assert_allclose(explanation.values[:, 0], case.shapley_values(), atol=1e-5)


# Owen values of partition-shap may give a member of a group nothing: only where all count alike.
@pytest.mark.parametrize(
    ("name", "methods"),
    [
        ("and", ATTRIBUTIONS),
        ("or", ATTRIBUTIONS),
        ("two of four", ATTRIBUTIONS[:-1]),
        ("mixed", ATTRIBUTIONS[:-1]),
    ],
)
def test_methods_that_average_put_the_evidence_on_top(name, methods):
    case = picture_of(RULES[name])
    found = explained(case, *methods)
    for explanation in found.explanations:
        top = explanation.top(len(case.relevant))
        assert sorted(top) == list(case.relevant), explanation.name


def test_with_all_masks_asked_values_are_the_truth():
    case = picture_of(at_least(2, 3), side=64, segments=9)
    found = explained(case, sw.Lime(kernel_width=100.0), sw.KernelShap())
    np.testing.assert_allclose(found["lime"].values[:, 0], case.main_effects(), atol=1e-3)
    np.testing.assert_allclose(found["kernel-shap"].values[:, 0], case.shapley_values(), atol=1e-5)


def test_shapley_values_share_redundant_evidence_and_occlusion_sees_none():
    case = picture_of(any_of(3))
    found = explained(case, sw.KernelShap(), sw.Occlusion())
    shared = found["kernel-shap"].values[list(case.supporting), 0]
    np.testing.assert_allclose(shared, 2.0, atol=0.05)
    np.testing.assert_allclose(found["occlusion"].values, 0.0, atol=1e-5)


@pytest.mark.parametrize("name", RULES)
def test_anchors_and_counterfactuals_find_a_smallest_set(name):
    case = picture_of(RULES[name])
    found = explained(case, sw.Anchors(), sw.Counterfactual())
    enough = case.smallest_sufficient(precision=0.95)
    assert tuple(sorted(found["anchors"].superpixels)) in enough
    assert tuple(sorted(found["counterfactual"].hide)) in case.smallest_changes()


def test_an_and_is_anchored_on_all_its_marks_and_an_or_falls_only_with_all():
    conjunction, redundant = picture_of(all_of(3)), picture_of(any_of(3))
    anchor = explained(conjunction, sw.Anchors())["anchors"]
    assert tuple(sorted(anchor.superpixels)) == tuple(sorted(conjunction.owners))
    change = explained(redundant, sw.Counterfactual())["counterfactual"]
    assert tuple(sorted(change.hide)) == tuple(sorted(redundant.owners))
