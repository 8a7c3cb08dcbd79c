"""Methods side by side on one picture whose explanation is known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import seewhy as sw
from seewhy.errors import InputError, StoreError
from seewhy.methods.registry import parse_methods
from seewhy.run.compare import CENTRE, RANDOM, mask_of
from seewhy.run.contest import Contest, methods_for
from seewhy.run.question import Question

ASKED = "lime,kernel-shap,partition-shap,banzhaf,rise,occlusion,anchors,counterfactual"
CORNER = np.indices((32, 32)).max(axis=0) < 16
CHEAP = {"segments": "grid:6", "fill": "black", "budget": 96}


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


@pytest.fixture(scope="module")
def compared(patch_model, photo):
    return sw.compare(photo, patch_model, methods=ASKED, where=CORNER, budget_curve=True, **CHEAP)


def test_every_method_is_judged_by_everything_that_applies(compared):
    names = [each.name for each in compared.scoreboard.scores]
    assert names == [each.name for each in compared.result.explanations] == ASKED.split(",")
    ranked = {"srg", "srg_other", "insertion", "deletion", "flip_area", "sufficient_area"}
    for scores in compared.scoreboard.scores:
        assert ranked <= set(scores.numbers), scores.name
        assert {"localisation", "pointing", "sparsity", "evaluations"} <= set(scores.numbers)
    assert {"r2", "stability", "noise"} <= set(compared["lime"].numbers)
    assert not {"r2", "stability", "noise"} & set(compared["anchors"].numbers)


def test_real_methods_leave_the_references_behind(compared):
    for name in ("lime", "kernel-shap", "partition-shap", "occlusion"):
        for reference in (RANDOM, CENTRE):
            own, bar = compared[name].numbers, compared[reference].numbers
            assert own["srg"].value > bar["srg"].value + 0.1
            assert own["flip_area"].value <= bar["flip_area"].value
            assert own["localisation"].value > bar["localisation"].value


def test_two_methods_of_one_voice_cannot_be_told_apart(compared):
    lime, banzhaf = compared["lime"], compared["banzhaf"]
    assert lime.runs["srg"] == pytest.approx(banzhaf.runs["srg"], abs=1e-9)
    for names in compared.best.values():
        assert len(names & {"lime", "banzhaf"}) != 1


def test_consensus_hears_each_voice_once_and_finds_the_corner(compared):
    found = compared.consensus
    assert [voice.name for voice in found.voices] == [
        "main effects",
        "Shapley values",
        "Owen values",
        "occlusion",
    ]
    inside = compared.result.segmentation.pool(CORNER) / compared.result.segmentation.areas()
    assert found.agreed
    assert all(inside[player] > 0 for player, strength in found.agreed.items() if strength > 0)


def test_costs_are_counted_by_what_for(compared):
    costs = compared.costs
    assert costs.total == costs.explaining + costs.repeating + costs.judging
    assert costs.explaining == compared.result.evaluations
    # two further runs and two noisy copies; nothing that a plain function could be shuffled in
    design = compared["lime"].numbers["evaluations"].value
    alone = compared["occlusion"].numbers["evaluations"].value
    assert 4 * (design - 2) <= costs.repeating <= 4 * (design + alone)


def test_the_shared_design_serves_all_for_one_and_a_half_budgets(compared):
    design = compared["lime"].numbers["evaluations"].value
    assert design == 96 + 48 + 2
    assert compared["partition-shap"].numbers["evaluations"].value == design


def test_it_comes_again(compared, patch_model, photo):
    again = sw.compare(photo, patch_model, methods=ASKED, where=CORNER, **CHEAP)
    for scores in compared.scoreboard.scores:
        for key, number in scores.numbers.items():
            if key != "seconds":
                assert again[scores.name].numbers[key] == number, (scores.name, key)


def test_methods_alone_and_in_company_are_judged_alike(patch_model, photo):
    both = sw.compare(photo, patch_model, methods="occlusion,lime", repeats=1, **CHEAP)
    alone = sw.compare(photo, patch_model, methods="occlusion", repeats=1, **CHEAP)
    taken = {k: n for k, n in both["occlusion"].numbers.items() if k != "seconds"}
    assert taken == {k: n for k, n in alone["occlusion"].numbers.items() if k != "seconds"}


def test_one_run_tells_no_chance(patch_model, photo):
    once = sw.compare(photo, patch_model, methods="lime,occlusion", repeats=1, **CHEAP)
    assert once.costs.repeating == 0
    assert once.best == {}
    assert "stability" not in once["lime"].numbers
    assert any("a single run" in sentence for sentence in once.recommendation())


def test_the_budget_curve_rises_and_methods_without_budget_have_one_point(compared):
    points = compared.budget_curve.points
    assert set(points) == set(ASKED.split(",")) - {"anchors", "counterfactual"}
    assert len(points["occlusion"]) == 1
    asked = [cost for cost, _ in points["lime"]]
    assert asked == sorted(asked)
    assert len(asked) == 5
    assert points["lime"][-1][1].value >= points["lime"][0][1].value - 0.05


def test_it_saves_and_loads_beside_its_result(compared, tmp_path):
    compared.save(tmp_path / "out")
    files = {file.name for file in (tmp_path / "out").iterdir()}
    assert {"comparison.json", "comparison.png", "consensus.png", "budget.png"} <= files
    assert sw.Explained.load(tmp_path / "out").fingerprint == compared.result.fingerprint
    loaded = sw.Comparison.load(tmp_path / "out")
    assert loaded.recommendation() == compared.recommendation()
    assert loaded.best == compared.best
    assert loaded.protocol == compared.protocol
    assert loaded.costs == compared.costs
    assert loaded.budget_curve.points == dict(compared.budget_curve.points)
    for name in ASKED.split(","):
        assert loaded[name].numbers == dict(compared[name].numbers)
        assert np.array_equal(loaded[name].walks.first.scores, compared[name].walks.first.scores)


def test_it_shows_itself(compared, monkeypatch):
    shown = []
    monkeypatch.setattr("seewhy.show.display.show_png", shown.append)
    compared.show()
    assert shown[0] == compared._repr_png_()
    assert shown[0].startswith(b"\x89PNG")


def test_a_result_without_comparison_and_another_schema_are_refused(compared, tmp_path):
    compared.result.save(tmp_path / "plain")
    with pytest.raises(StoreError, match="holds a result but no comparison"):
        sw.Comparison.load(tmp_path / "plain")
    compared.save(tmp_path / "out")
    file = tmp_path / "out" / "comparison.json"
    file.write_text(file.read_text() + " ")
    with pytest.raises(StoreError, match=r"comparison.json is missing or was changed"):
        sw.Comparison.load(tmp_path / "out")


def test_the_document_is_plain_and_names_the_protocol(compared):
    from seewhy.run.comparison_store import to_document

    document = json.loads(json.dumps(to_document(compared), allow_nan=False))
    assert document["protocol"]["hash"] == sw.Protocol().hash
    assert document["evaluations"]["total"] == compared.costs.total
    assert document["scores"][0]["curves"]["first"]["area"] < 1
    assert document["consensus"]["voices"]["main effects"] == "lime"


def test_a_picture_where_hiding_raises_the_score_is_judged_by_what_is_left(photo):
    def dark(images):
        light = images.mean(axis=(1, 2, 3))
        return np.stack([1 + 0 * light, 2 * light - 0.5], axis=1)

    model = sw.CallableModel(dark, labels=["night", "day"], output="logits", input_size=(32, 32))
    found = sw.compare(photo, model, methods="lime,occlusion", target="night", **CHEAP)
    assert found.target.label == "night"
    assert "srg" not in found["lime"].numbers
    assert found["lime"].walks is None
    assert "no ranking can be judged" in found.recommendation()[0]
    assert found.figure() is not None


def test_what_the_model_does_not_say_has_no_sufficient_area(patch_model, photo):
    found = sw.compare(photo, patch_model, methods="lime,occlusion", target="rest", **CHEAP)
    assert not {"sufficient_area", "flip_area"} & set(found["lime"].numbers)
    against = sw.compare(
        photo, patch_model, methods="lime,anchors", target="corner", against="rest", **CHEAP
    )
    assert {"sufficient_area", "flip_area"} <= set(against["lime"].numbers)


def test_raw_outputs_are_compared_too(photo):
    model = sw.CallableModel(
        lambda images: images[:, :16, :16].mean(axis=(1, 2))[:, :2],
        labels=["a", "b"],
        output="raw",
        input_size=(32, 32),
    )
    found = sw.compare(photo, model, methods="lime,occlusion", score="raw", target="a", **CHEAP)
    assert found["lime"].numbers["srg"].value > 0.2


def test_all_that_a_model_allows_are_entered(patch_model):
    names = [method.name for method in methods_for(patch_model)]
    assert names == ASKED.split(",")
    assert "anchors" not in [method.name for method in methods_for(patch_model, naming=False)]


def test_of_methods_not_named_those_that_cannot_answer_are_left_out(
    patch_model, photo, monkeypatch, tmp_path
):
    def refuse(*_, **__):
        raise InputError("hidden must be more")

    monkeypatch.setattr("seewhy.methods.anchors.Anchors.__call__", refuse)
    found = sw.compare(photo, patch_model, repeats=1, **CHEAP)
    assert found.refused == {"anchors": "hidden must be more"}
    assert [each.name for each in found.scoreboard.scores] == [
        name for name in ASKED.split(",") if name != "anchors"
    ]
    found.save(tmp_path / "out")
    assert sw.Comparison.load(tmp_path / "out").refused == found.refused
    with pytest.raises(InputError, match="hidden must be more"):
        sw.compare(photo, patch_model, methods="lime,anchors", repeats=1, **CHEAP)


def test_a_shuffled_network_that_answers_nothing_costs_a_measure_not_the_comparison(
    patch_model, photo, monkeypatch
):
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten(), torch.nn.Linear(3 * 16, 3))
    size = sw.Preprocessing(size=(32, 32), shorter_side=None)
    model = sw.TorchModel(net, preprocess=size, labels=["a", "b", "c"])
    found = sw.compare(photo, model, methods="lime,occlusion", repeats=1, **CHEAP)
    assert "sanity" in found["lime"].numbers
    monkeypatch.setattr(
        "seewhy.run.repeating.shuffle_weights",
        lambda *_: (_ for _ in ()).throw(InputError("no matrix")),
    )
    without = sw.compare(photo, model, methods="lime,occlusion", repeats=1, **CHEAP)
    assert "sanity" not in without["lime"].numbers


def question(**changes):
    asked = Question(
        methods=parse_methods("lime"),
        top=1,
        target=None,
        against=None,
        true=None,
        segments=sw.Grid(6),
        fill=sw.BlackFill(),
        score="log-odds",
        budget=64,
        seed=None,
        backgrounds=(),
    )
    return replace(asked, **changes)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"repeats": 0}, "repeats must be a whole number of at least 1; got 0"),
        ({"question": question(budget="auto")}, "budget must be a whole number where methods"),
        ({"question": question(target=["a", "b"])}, "target must be one class"),
    ],
)
def test_bad_contests_are_refused(settings, sentence):
    with pytest.raises(InputError, match=sentence):
        Contest(**{"question": question(), **settings})


def test_objects_are_masks_files_or_boxes(photo, tmp_path):
    from PIL import Image as pillow

    from seewhy.image.read import read_picture

    picture = read_picture(photo)
    pillow.fromarray(CORNER).save(tmp_path / "mask.png")
    for where in (CORNER, tmp_path / "mask.png", (0, 0, 16, 16), [(0, 0, 16, 16)]):
        assert np.array_equal(mask_of(where, picture), CORNER)


def test_an_object_of_another_size_is_refused(patch_model, photo):
    with pytest.raises(InputError, match="must be a bool array of the picture's shape"):
        sw.compare(photo, patch_model, methods="lime", where=np.eye(5, dtype=bool), **CHEAP)
