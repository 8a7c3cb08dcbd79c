"""Gradient methods in a result: maps that survive, figures, and the same total as the game's."""

from __future__ import annotations

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

import seewhy as sw
from seewhy.run.document import to_document

torch = pytest.importorskip("torch")

SCHEMA = json.loads(files("seewhy.run").joinpath("explanation.schema.json").read_text("utf-8"))
PIXEL_METHODS = ("deep-shap", "gradient-shap", "integrated-gradients", "grad-cam")


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3, padding=1),
        torch.nn.ReLU(inplace=True),
        torch.nn.Conv2d(6, 6, 3, stride=2),
        torch.nn.ReLU(inplace=True),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(6, 4),
    ).eval()


@pytest.fixture(scope="module")
def result(net):
    model = sw.TorchModel(net, preprocess=sw.Preprocessing((24, 24)), labels=list("abcd"))
    photo = np.random.default_rng(0).random((30, 40, 3)).astype(np.float32)
    methods = "kernel-shap," + ",".join(PIXEL_METHODS)
    return sw.explain(photo, model, methods=methods, segments="grid:2x3", top=2)


def test_gradient_methods_share_what_the_game_shares(result):
    """Same picture, same fill, same score: all shares add up to v(N) − v(∅)."""
    total = result["kernel-shap"].values.sum(axis=0)
    np.testing.assert_allclose(result["deep-shap"].values.sum(axis=0), total, rtol=1e-4, atol=1e-6)
    for name in PIXEL_METHODS[1:3]:
        np.testing.assert_allclose(result[name].values.sum(axis=0), total, rtol=0.1, atol=1e-3)


def test_values_are_the_sums_of_the_maps(result):
    for name in PIXEL_METHODS:
        found = result[name]
        assert found.pixel_map.shape == (2, 24, 24)
        np.testing.assert_allclose(
            found.values.sum(axis=0), found.pixel_map.sum(axis=(1, 2)), rtol=1e-4, atol=1e-6
        )


def test_the_result_costs_the_games_pictures_and_theirs(result):
    theirs = sum(result[name].evaluations for name in PIXEL_METHODS)
    assert result.evaluations == 64 + theirs


def test_maps_survive_a_round_trip(result, tmp_path):
    result.save(tmp_path / "out")
    back = sw.Explained.load(tmp_path / "out")
    assert to_document(back) == to_document(result)
    jsonschema.validate(to_document(back), SCHEMA)
    kinds = {e["name"]: e["kind"] for e in to_document(back)["explanations"]}
    assert kinds["kernel-shap"] == "attribution"
    for name in PIXEL_METHODS:
        assert kinds[name] == "pixel_attribution"
        assert back[name].pixel_map.tobytes() == result[name].pixel_map.tobytes()
        assert back[name].method == result[name].method
    with np.load(tmp_path / "out" / "pixel_maps.npz", allow_pickle=False) as maps:
        assert set(maps.files) == set(PIXEL_METHODS)


def test_equal_results_give_equal_files(result, tmp_path):
    for name in ("one", "two"):
        result.save(tmp_path / name)
    one, two = ((tmp_path / name / "pixel_maps.npz").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize("name", PIXEL_METHODS)
def test_figures_say_what_was_compared_and_sentences_what_it_means(result, name):
    said = [text.get_text() for text in result.figure(name).texts]
    words = f"layer: {result[name].method.layer}" if name == "grad-cam" else "fill: mean"
    assert any(words in text for text in said)
    assert any("of every pixel" in text for text in said)
    sentence = result.sentences(name)[0]
    assert (" map" in sentence) == (name == "grad-cam")


def test_a_reference_of_its_own_is_told(net):
    model = sw.TorchModel(net, preprocess=sw.Preprocessing((24, 24)), labels=list("abcd"))
    photo = np.random.default_rng(0).random((24, 24, 3)).astype(np.float32)
    found = sw.explain(
        photo, model, methods=sw.DeepShap(reference="black"), segments="grid:2", top=1
    )
    assert any("reference: black" in text.get_text() for text in found.figure().texts)
