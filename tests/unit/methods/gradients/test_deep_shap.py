"""DeepSHAP: completeness on a network as it is, and what is told of it."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.scores import ClassScores
from seewhy.methods.gradients.deep_shap import DeepShap
from seewhy.methods.gradients.integrated_gradients import IntegratedGradients
from seewhy.models.callable_model import CallableModel

torch = pytest.importorskip("torch")


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("score", ["log-odds", "probability", "log-probability"])
def test_values_are_complete_for_every_class(view_of, network, score):
    view = view_of(network(), ClassScores(score, (0, 1, 3)))
    found = DeepShap()(view, rng())
    whole, base = view.scores(np.stack([view.pixels, view.reference]))
    np.testing.assert_allclose(found.values.sum(axis=0), whole - base, rtol=1e-4)
    np.testing.assert_allclose(found.base_value, base, rtol=1e-5)
    assert found.completeness_gap.max() < 1e-4
    assert found.converged.all()
    assert found.standard_error is None
    assert found.evaluations == 2
    np.testing.assert_allclose(found.values, view.pool(found.pixel_map), atol=1e-5)


def test_without_nonlinear_functions_it_is_integrated_gradients(view_of):
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.AvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(100, 4)
    )
    view = view_of(net, ClassScores("raw", (0, 2)), output="raw")
    wanted = IntegratedGradients(steps=1)(view, rng())
    found = DeepShap()(view, rng())
    np.testing.assert_allclose(found.pixel_map, wanted.pixel_map, atol=1e-6)


def test_references_are_averaged_batch_by_batch(view_of, network):
    pictures = tuple(np.random.default_rng(s).random((12, 12, 3)) for s in range(5))
    asked = DeepShap(reference="pictures", pictures=pictures)
    few, many = (asked(view_of(network(), batch=b), rng()) for b in (4, 64))
    np.testing.assert_allclose(few.values, many.values, atol=1e-6)
    np.testing.assert_allclose(few.base_value, many.base_value, atol=1e-6)
    each = [
        DeepShap(reference="pictures", pictures=(p,))(view_of(network()), rng()) for p in pictures
    ]
    np.testing.assert_allclose(many.values, np.mean([e.values for e in each], axis=0), atol=1e-6)
    assert many.evaluations == 6
    assert few.evaluations == 8, "the picture goes along with every batch of two"


def test_drawn_references_leave_a_standard_error(view_of, network):
    view = view_of(network())
    found = [DeepShap(reference="noise", draws=8)(view, rng(s)) for s in range(16)]
    spread = np.std([f.values for f in found], axis=0, ddof=1)
    told = np.sqrt(np.mean([f.standard_error**2 for f in found], axis=0))
    assert 0.6 < np.median(told / spread) < 1.6


def test_functions_without_a_rule_are_named(view_of, caplog):
    class Odd(torch.nn.Module):
        def forward(self, x):
            return (1 + x / 9).cumprod(dim=3).mean(dim=(2, 3))

    view = view_of(Odd(), ClassScores("raw", (0,)), output="raw")
    with caplog.at_level(logging.WARNING, "seewhy"):
        found = DeepShap()(view, rng())
    assert len(caplog.records) == 1
    said = caplog.records[0].getMessage()
    assert said.startswith("deep-shap knows no rule for")
    assert "cumprod" in said
    assert "Odd" in said
    assert found.completeness_gap[0] > 1e-4


def test_the_network_is_left_as_it_was(view_of, network):
    net = network().train()
    view = view_of(net)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with torch.no_grad():
        DeepShap()(view, rng())
    assert all(part.training for part in net.modules())
    assert list(net.state_dict()) == list(before)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"draws": 0}, "draws must be a whole number of at least 1; got 0"),
        ({"tolerance": -1.0}, "tolerance must be positive"),
        ({"reference": "pictures"}, "none is given"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        DeepShap(**settings)


def test_a_model_that_is_no_torch_network_is_refused(view_of, network):
    view = view_of(network())
    plain = CallableModel(
        lambda x: x.mean(axis=(1, 2)), labels=list("abc"), output="raw", input_size=(12, 12, 3)
    )
    object.__setattr__(view, "model", plain)
    with pytest.raises(InputError, match="deep-shap looks into a PyTorch network"):
        DeepShap()(view, rng())
