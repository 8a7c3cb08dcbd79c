"""Who has gradients: torch models themselves, the built-in one through its twin, others not."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError, MissingExtraError
from seewhy.models.callable_model import CallableModel
from seewhy.models.differentiable import differentiable, is_differentiable, torch_module


def plain():
    return CallableModel(
        lambda images: images.mean(axis=(1, 2)),
        labels=["r", "g", "b"],
        output="raw",
        input_size=(4, 4, 3),
    )


def test_a_model_without_gradients_is_refused_in_one_sentence():
    model = plain()
    assert not is_differentiable(model)
    with pytest.raises(InputError, match="gradient-shap needs a model with gradients") as refused:
        differentiable(model, wanted_by="gradient-shap")
    assert "TorchModel" in str(refused.value)
    assert model.framework in str(refused.value)


def test_the_built_in_model_hands_over_its_twin():
    pytest.importorskip("torch")
    from seewhy.models.builtin import load

    model = load("imagenet")
    assert not is_differentiable(model)
    twin = differentiable(model, wanted_by="deep-shap")
    assert is_differentiable(twin)
    assert twin is differentiable(model, wanted_by="grad-cam"), "it is made once"
    grey = np.full((1, 224, 224, 3), 0.5, np.float32)
    np.testing.assert_allclose(twin(grey), model(grey), atol=1e-4)
    assert torch_module(twin, wanted_by="deep-shap") is twin


def test_without_torch_the_twin_says_what_to_install(monkeypatch):
    from seewhy.models import builtin

    model = builtin.load("imagenet")
    # as if torch were absent: its one importing module cannot be imported
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    for name in ("torch_extra", "efficientnet_lite_torch"):
        monkeypatch.delitem(__import__("sys").modules, f"seewhy.models.{name}", raising=False)
    builtin._imagenet_in_torch.cache_clear()
    with pytest.raises(MissingExtraError, match=r"grad-cam .*pip install \"seewhy\[torch\]\""):
        differentiable(model, wanted_by="grad-cam")


def test_a_torch_model_is_its_own():
    torch = pytest.importorskip("torch")
    from seewhy.models.preprocessing import Preprocessing
    from seewhy.models.torch_model import TorchModel

    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    model = TorchModel(net, preprocess=Preprocessing((2, 2)))
    assert differentiable(model, wanted_by="gradient-shap") is model


def test_methods_that_look_inside_want_a_torch_network():
    with pytest.raises(InputError, match="deep-shap looks into a PyTorch network"):
        torch_module(plain(), wanted_by="deep-shap")
