"""Integrated gradients: closed forms, completeness, and what is told of them."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.scores import ClassScores
from seewhy.methods.gradients.integrated_gradients import IntegratedGradients

torch = pytest.importorskip("torch")

RAW = ClassScores("raw", (0, 1))


class Function(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_square_is_integrated_exactly_by_one_step(view_of):
    view = view_of(Function(lambda x: (x**2).mean(dim=(2, 3))), RAW, output="raw")
    found = IntegratedGradients(steps=1)(view, rng())
    normalise = view.model.preprocessing.normalise
    x, r = normalise(view.pixels), normalise(view.reference)
    wanted = ((x**2 - r**2) / x[..., 0].size)[..., :2].transpose(2, 0, 1)
    np.testing.assert_allclose(found.pixel_map, wanted, atol=1e-6)
    np.testing.assert_allclose(found.values, view.pool(wanted.astype(np.float32)), atol=1e-5)
    assert found.completeness_gap.max() < 1e-4
    assert found.standard_error is None
    assert found.evaluations == 3


def test_more_steps_miss_less_and_settle(view_of, network):
    view = view_of(network(), ClassScores("log-odds", (0, 1, 3)))
    rough, fine = (IntegratedGradients(steps=s)(view, rng()) for s in (1, 64))
    assert fine.completeness_gap.max() < 0.01
    assert fine.converged.all()
    assert rough.completeness_gap.max() > 2 * fine.completeness_gap.max()
    strict = IntegratedGradients(steps=1, tolerance=1e-9)(view, rng())
    assert not strict.converged.any()


def test_several_references_are_averaged_each_over_the_same_steps(view_of, network):
    view = view_of(network())
    pictures = [np.random.default_rng(seed).random((12, 12, 3)) for seed in (8, 9)]
    both = IntegratedGradients(steps=5, reference="pictures", pictures=tuple(pictures))(view, rng())
    each = [
        IntegratedGradients(steps=5, reference="pictures", pictures=(p,))(view, rng())
        for p in pictures
    ]
    np.testing.assert_allclose(both.values, (each[0].values + each[1].values) / 2, atol=1e-5)
    np.testing.assert_allclose(both.base_value, (each[0].base_value + each[1].base_value) / 2)
    assert both.standard_error is None, "the two pictures were given, not drawn"


def test_drawn_references_leave_a_standard_error(view_of, network):
    view = view_of(network())
    many = IntegratedGradients(steps=4, reference="noise", draws=64)(view, rng())
    some = [
        IntegratedGradients(steps=4, reference="noise", draws=8)(view, rng(s)) for s in range(1, 13)
    ]
    spread = np.std([found.values for found in some], axis=0, ddof=1)
    told = np.sqrt(np.mean([found.standard_error**2 for found in some], axis=0))
    assert 0.6 < np.median(told / spread) < 1.6
    assert np.median(many.standard_error / told) < 0.5
    single = IntegratedGradients(steps=4, reference="noise", draws=1)(view, rng())
    assert single.standard_error is None


def test_progress_is_told(view_of, network):
    heard = []
    IntegratedGradients(steps=20)(view_of(network(), batch=8), rng(), progress=heard.append)
    assert [p.done for p in heard] == [8, 16, 20]
    assert heard[-1].total == 20
    assert heard[-1].stage == "integrated-gradients: differentiating"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1; got 0"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"draws": True}, "draws must be a whole number"),
        ({"tolerance": 0.0}, "tolerance must be positive"),
        ({"reference": "nothing"}, "reference must be"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        IntegratedGradients(**settings)
