"""What every gradient method promises, whatever the network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.game.scores import ClassScores
from seewhy.image.fill import BlurFill
from seewhy.image.segmentation import Segmentation
from seewhy.methods.gradients.deep_shap import DeepShap
from seewhy.methods.gradients.gradient_shap import GradientShap
from seewhy.methods.gradients.integrated_gradients import IntegratedGradients
from seewhy.methods.gradients.pixels import PixelView
from seewhy.models.masking_game import game_of, masked_picture
from seewhy.models.preprocessing import Preprocessing

torch = pytest.importorskip("torch")

from seewhy.models.torch_model import TorchModel  # noqa: E402

nn = torch.nn
SIDE = 8
METHODS = (GradientShap(samples=64), IntegratedGradients(), DeepShap())
RAW = ClassScores("raw", (0, 1))


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images)


def rng(seed=0):
    return np.random.default_rng(seed)


def view_of(module, asked=RAW, *, output="raw", image=None, fill=None, seed=0):
    """Four quarters; the last column belongs to none."""
    preprocessing = Preprocessing((SIDE, SIDE), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    model = TorchModel(module, preprocess=preprocessing, output=output, batch=128)
    labels = np.kron(np.arange(4).reshape(2, 2), np.ones((SIDE // 2, SIDE // 2), int))
    outside = np.zeros(labels.shape, bool)
    outside[:, -1] = True
    if image is None:
        image = rng(seed).random((SIDE, SIDE, 3), dtype=np.float32)
    segments = Segmentation(labels, outside=outside)
    picture = masked_picture(model, image, segments, fill=fill or BlurFill(0.2))
    return PixelView(model, picture, asked)


def network(seed=0, classes=4):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.SiLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, classes),
    )


def players_and_ends(view):
    game = game_of(view.model, view.picture)
    asked = view.asked
    scores = game.view(asked.score, target=asked.targets, against=asked.against)
    return scores(np.array([[True] * 4, [False] * 4]))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
@pytest.mark.parametrize("against", [None, 3])
@pytest.mark.parametrize("score", ["log-odds", "probability", "log-probability", "raw"])
def test_values_share_out_what_the_game_gains(method, score, against):
    output = "raw" if score == "raw" else "logits"
    view = view_of(network(), ClassScores(score, (0, 2, 1), against), output=output)
    whole, empty = players_and_ends(view)
    found = method(view, rng())
    np.testing.assert_allclose(found.values.sum(axis=0), whole - empty, rtol=5e-3, atol=1e-5)
    np.testing.assert_allclose(found.base_value, empty, rtol=1e-5, atol=1e-6)
    assert found.completeness_gap.max() < 5e-3


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_linear_model_is_explained_exactly(method, seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE * 3, 2))
    view = view_of(net, seed=seed)
    found = method(view, rng(seed))
    normalise = view.model.preprocessing.normalise
    difference = (normalise(view.pixels) - normalise(view.reference)).transpose(2, 0, 1)
    weights = net[1].weight.detach().numpy().reshape(2, *difference.shape)
    wanted = (weights * difference).sum(axis=1)
    np.testing.assert_allclose(found.pixel_map, wanted, atol=1e-5)
    if found.standard_error is not None:
        assert found.standard_error.max() < 1e-5
    assert found.converged.all()


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_what_the_model_ignores_gets_nothing(method):
    net = network()
    blind = Function(lambda x: net(torch.cat([x[..., :4], torch.zeros_like(x[..., 4:])], 3)))
    found = method(view_of(blind), rng())
    assert np.array_equal(found.values[[1, 3]], np.zeros((2, 2)))
    assert np.abs(found.values[[0, 2]]).min() > 1e-4


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_pixels_that_count_alike_get_the_same(method):
    net = network()
    mirrored = Function(lambda x: net(x) + net(x.flip(2)))
    half = rng(1).random((SIDE // 2, SIDE, 3), dtype=np.float32)
    found = method(view_of(mirrored, image=np.concatenate([half, half[::-1]])), rng())
    np.testing.assert_allclose(found.pixel_map, found.pixel_map[:, ::-1], atol=1e-5)
    np.testing.assert_allclose(found.values[:2], found.values[2:], atol=1e-5)


@pytest.mark.parametrize("method", METHODS[:2], ids=lambda m: m.name)
def test_networks_that_compute_the_same_are_explained_the_same(method):
    """DeepSHAP is not asked: the rescale rule depends on how a function is written."""
    net = network()
    twice = Function(lambda x: torch.logsumexp(torch.stack([net(x), net(x)]), 0) - np.log(2.0))
    one, other = (method(view_of(n), rng(5)) for n in (net, twice))
    np.testing.assert_allclose(one.pixel_map, other.pixel_map, atol=1e-5)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_explanations_of_a_sum_are_sums_of_explanations(method):
    a, b = network(1), network(2)
    both = Function(lambda x: a(x) + 2 * b(x))
    parts = [method(view_of(net), rng(7)).pixel_map for net in (a, b, both)]
    np.testing.assert_allclose(parts[0] + 2 * parts[1], parts[2], atol=1e-5)


def test_pooled_over_superpixels_it_is_aumann_shapley_of_a_multilinear_game():
    """Of a product of p players each gets 1/p: Aumann–Shapley values are Shapley values there."""

    def shown(x):
        """Share of each quarter that is shown: of a white picture on black."""
        quarters = [x[:, 0, r : r + 4, c : c + 3].mean(dim=(1, 2)) for r in (0, 4) for c in (0, 4)]
        return torch.stack(quarters, dim=1) * 0.2 + 0.4  # undo the normalisation

    def product(x):
        z = shown(x)
        return torch.stack([z[:, 0] * z[:, 1] * z[:, 3] + z[:, 2], 2 * z[:, 0] * z[:, 2]], dim=1)

    from seewhy.image.fill import BlackFill

    white = np.ones((SIDE, SIDE, 3), np.float32)
    view = view_of(Function(product), image=white, fill=BlackFill())
    third = 1 / 3
    wanted = [[third, 1], [third, 0], [1, 1], [third, 0]]
    for method in (IntegratedGradients(), GradientShap(samples=128)):
        # quarters on the right lose a column to the outside, which the mean leaves out
        np.testing.assert_allclose(method(view, rng()).values, wanted, atol=2e-3)
