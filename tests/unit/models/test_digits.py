"""builtin:digits: what ships, that it reads digits, and its twin in torch."""

from __future__ import annotations

import re
from importlib.resources import files

import numpy as np
import pytest

import seewhy as sw
from seewhy.image.drawn import SEVEN, drawn
from seewhy.models import digits
from seewhy.models.shuffled import SUFFIX

DATA = files("seewhy.models") / "data"
STROKES = {
    "0": [[(0.5 + 0.17 * np.cos(t), 0.5 + 0.27 * np.sin(t)) for t in np.linspace(0, 6.3, 40)]],
    "1": [[(0.55, 0.22), (0.45, 0.78)]],
    "4": [[(0.36, 0.24), (0.33, 0.52), (0.68, 0.52)], [(0.62, 0.24), (0.58, 0.8)]],
    "7": [[(0.3, 0.25), (0.68, 0.25), (0.45, 0.78)]],
}


@pytest.fixture(scope="module")
def model():
    return sw.load_model("builtin:digits")


def seen(model, picture):
    return model.preprocessing.apply((picture / 255).astype(np.float32)[:, :, None])


def test_it_reads_what_we_draw(model):
    pictures = np.stack([seen(model, drawn(strokes)) for strokes in STROKES.values()])
    assert [model.labels[i] for i in model(pictures).argmax(axis=1)] == list(STROKES)


def test_the_seven_of_the_demo_is_taken_for_a_one(model):
    order = model(seen(model, drawn(SEVEN))[None])[0].argsort()[::-1]
    assert order[:2].tolist() == [1, 7]


def test_mnist(model, shared_data):
    with np.load(shared_data / "mnist" / "mnist_full.npz") as mnist:
        pictures, truth = mnist["x_test"], mnist["y_test"]
    said = model((pictures / 255).astype(np.float32)[..., None]).argmax(axis=1)
    assert (said == truth).mean() >= 0.995
    card = (DATA / "digits.md").read_text(encoding="utf-8")
    listed = {int(i): int(s) for i, s in re.findall(r"(\d+) \(\d as (\d)\)", card)}
    assert listed == {int(i): int(said[i]) for i in np.flatnonzero(said != truth)}
    assert listed[1260] == listed[6576] == 1  # the sevens taken for a one


def test_it_is_small_and_both_files_hold_the_same():
    load_file = pytest.importorskip("safetensors.numpy").load_file
    names = ("digits.onnx", "digits.safetensors", "digits.md")
    assert sum((DATA / name).stat().st_size for name in names) < 1_000_000
    weights, kept = load_file(DATA / "digits.safetensors"), digits._digits()[2]
    assert set(weights) == set(kept)
    assert all(np.array_equal(weights[name], kept[name]) for name in kept)


def test_the_file_is_what_the_code_builds():
    assert digits.onnx_model(digits._digits()[2]) == (DATA / "digits.onnx").read_bytes()


def test_the_twin_in_torch(model):
    pytest.importorskip("torch")
    pictures = np.random.default_rng(0).random((5, 28, 28, 1), dtype=np.float32)
    twin = model.twin()
    np.testing.assert_allclose(twin(pictures), model(pictures), atol=1e-4)
    assert twin.labels == model.labels
    assert twin.preprocessing == model.preprocessing


def test_gradients_explain_it(model):
    pytest.importorskip("torch")
    found = sw.explain(
        drawn(SEVEN), model, methods="gradient-shap,deep-shap", top=1, segments="grid:3"
    )
    assert len(found.explanations) == 2


def test_shuffled(model):
    pytest.importorskip("torch")
    pictures = np.random.default_rng(0).random((5, 28, 28, 1), dtype=np.float32)
    other = model.with_shuffled_weights(np.random.default_rng(0))
    assert other.spec == "builtin:digits" + SUFFIX
    assert other.fingerprint != model.fingerprint
    assert np.abs(other(pictures) - model(pictures)).max() > 1
    np.testing.assert_allclose(other.twin()(pictures), other(pictures), rtol=1e-4, atol=1e-3)


def test_nothing_else_can_be_asked_of_it():
    with pytest.raises(sw.InputError, match="labels does not go with 'builtin:digits'"):
        sw.load_model("builtin:digits", labels=list("abcdefghij"))
    with pytest.raises(sw.SpecError, match="did you mean 'digits'"):
        sw.load_model("builtin:digit")
