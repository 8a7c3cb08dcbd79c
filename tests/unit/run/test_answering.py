"""Several methods on one picture: shared masks, own streams, one result."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

import seewhy as sw
from seewhy.run.document import to_document

SCHEMA = json.loads(files("seewhy.run").joinpath("explanation.schema.json").read_text("utf-8"))
SHARING = "lime,kernel-shap,banzhaf,rise"


def explain(picture, model, methods, **settings):
    settings = {"segments": "grid:5x6", "budget": 160, "top": 2} | settings
    return sw.explain(picture, model, methods=methods, **settings)


def test_methods_that_can_share_one_design_do(picture, model):
    result = explain(picture, model, SHARING)
    assert result.evaluations == 162
    assert [e.name for e in result.explanations] == SHARING.split(",")
    assert [e.evaluations for e in result.explanations] == [162] * 4


def test_occlusion_finds_its_masks_paid_for_in_the_shared_design(picture, model):
    assert explain(picture, model, SHARING + ",occlusion").evaluations == 162
    assert explain(picture, model, "lime,occlusion").evaluations == 162 + 30


def test_groups_share_the_design_and_the_budget_is_the_total(picture, model):
    result = explain(picture, model, SHARING + ",partition-shap,occlusion", budget=192)
    assert result.evaluations == 194
    assert [e.evaluations for e in result.explanations] == [194] * 5 + [32]
    alone = explain(picture, model, "partition-shap", budget=192)
    walks = "partition-shap:estimator=walks"
    apart = explain(picture, model, SHARING + "," + walks, budget=192)
    assert alone.evaluations == 194 < apart.evaluations


def test_two_sets_of_groups_share_nothing(picture, model):
    methods = [sw.PartitionShap(), sw.PartitionShap(name="again")]
    result = explain(picture, model, methods)
    alone = explain(picture, model, methods[:1])
    assert np.array_equal(result["partition-shap"].values, alone["partition-shap"].values)
    assert result.evaluations > 162


def test_a_budget_of_its_own_keeps_a_method_out(picture, model):
    result = explain(picture, model, [sw.Lime(budget=64), sw.KernelShap(), sw.Banzhaf()])
    assert [e.evaluations for e in result.explanations] == [66, 162, 162]
    alone = explain(picture, model, [sw.Lime(budget=64)])
    assert np.array_equal(result["lime"].values, alone["lime"].values)


def test_alone_the_budget_is_the_methods(picture, model):
    for name in ("kernel-shap", "permutation-shap", "partition-shap"):
        assert explain(picture, model, name)[name].evaluations <= 162


def test_order_changes_nothing(picture, model):
    one = explain(picture, model, "lime,kernel-shap,permutation-shap")
    other = explain(picture, model, "permutation-shap,kernel-shap,lime")
    for name in ("lime", "kernel-shap", "permutation-shap"):
        assert one[name].values.tobytes() == other[name].values.tobytes()


def test_shapley_values_add_up_and_owen_values_too(picture, model):
    result = explain(picture, model, "kernel-shap,partition-shap,permutation-shap")
    sums = [e.base_value + e.values.sum(axis=0) for e in result.explanations]
    scores = [target.score for target in result.targets]
    for total in sums:
        np.testing.assert_allclose(total, scores, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(sums[0], sums[1], atol=1e-6)


def test_everything_survives_a_round_trip(picture, model, tmp_path):
    result = explain(
        picture, model, "kernel-shap,partition-shap,occlusion", segments="grid:2x4", budget=256
    )
    document = to_document(result)
    jsonschema.validate(document, SCHEMA)
    assert np.shape(document["explanations"][0]["interactions"]) == (8, 8)
    result.save(tmp_path / "out")
    back = sw.Explained.load(tmp_path / "out")
    assert to_document(back) == document
    shap, partition = back["kernel-shap"], back["partition-shap"]
    assert np.array_equal(shap.interactions, result["kernel-shap"].interactions)
    assert partition.hierarchy == result["partition-shap"].hierarchy
    assert np.array_equal(partition.node_values, result["partition-shap"].node_values)
    assert shap.method == sw.KernelShap(budget=256)


def test_sampled_groups_survive_with_their_errors(picture, model, tmp_path):
    result = explain(picture, model, "partition-shap", budget=64)
    jsonschema.validate(to_document(result), SCHEMA)
    result.save(tmp_path / "out")
    back = sw.Explained.load(tmp_path / "out")["partition-shap"]
    expected = result["partition-shap"].node_standard_error
    assert np.array_equal(back.node_standard_error, expected)


@pytest.mark.parametrize("name", ["lime", "kernel-shap", "occlusion", "partition-shap"])
def test_every_method_has_a_figure_and_words(picture, model, name):
    result = explain(picture, model, "lime,kernel-shap,occlusion,partition-shap", budget=120)
    assert result.figure(name).axes
    assert "corner" in result.sentences(name)[0] or "rest" in result.sentences(name)[0]
