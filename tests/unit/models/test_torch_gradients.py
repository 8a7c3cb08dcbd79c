"""Gradients along lines: right for known functions, and the person's module as it was."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from seewhy.errors import InputError, ModelError
from seewhy.game.scores import ClassScores, score_columns
from seewhy.models.masking_game import log_probabilities
from seewhy.models.preprocessing import Preprocessing

torch = pytest.importorskip("torch")

from seewhy.models.torch_model import TorchModel  # noqa: E402

SIDE = 6
PREPROCESSING = Preprocessing((SIDE, SIDE), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
RAW = ClassScores("raw", (0, 1))


class Function(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, images):
        return self.function(images)


def small_network(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.ReLU(inplace=True),  # on the very input
        torch.nn.Conv2d(3, 5, 3, padding=1),
        torch.nn.BatchNorm2d(5),
        torch.nn.ReLU(inplace=True),
        torch.nn.Dropout(0.5),
        torch.nn.Flatten(),
        torch.nn.Linear(5 * SIDE * SIDE, 4),
    )


def line(n=7, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.random((SIDE, SIDE, 3), dtype=np.float32)
    return image, rng.random((n, SIDE, SIDE, 3), dtype=np.float32), rng.random(n)


def model_of(module, **settings):
    settings = {"preprocess": PREPROCESSING, **settings}
    return TorchModel(module, **settings)


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_contributions_of_a_quadratic_are_its_derivative_times_the_difference(channels):
    weights = torch.from_numpy(np.random.default_rng(1).random((2, 3, SIDE, SIDE)).astype("f4"))
    module = Function(lambda x: torch.einsum("nchw,tchw->nt", x**2, weights))
    preprocessing = replace(PREPROCESSING, channels=channels)
    model = model_of(module, preprocess=preprocessing, output="raw")
    image, references, positions = line()
    scores, found = model.path_gradients(image, references, positions, RAW)
    x, r = preprocessing.normalise(image), preprocessing.normalise(references)
    points = r + positions[:, None, None, None] * (x - r)
    slopes = 2 * points * (x - r)
    wanted = np.einsum("nhwc,tchw->tnhw", slopes, weights.numpy())
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        scores, np.einsum("nhwc,tchw->nt", points**2, weights.numpy()), rtol=1e-4
    )
    assert found.dtype == np.float32
    assert scores.dtype == np.float64


@pytest.mark.parametrize("asked", [ClassScores("log-odds", (3, 0, 1)), ClassScores("raw", (2,), 0)])
def test_scores_are_the_models_at_the_points(asked):
    model = model_of(small_network())
    image, references, positions = line()
    scores, found = model.path_gradients(image, references, positions, asked)
    points = references + positions[:, None, None, None].astype("f4") * (image - references)
    columns = log_probabilities(model(points), "logits")
    wanted = score_columns(columns, asked.score, asked.targets, asked.against)
    np.testing.assert_allclose(scores, wanted, atol=1e-5)
    assert found.shape == (len(asked.targets), 7, SIDE, SIDE)


def test_all_classes_come_from_one_forward_pass_per_batch():
    module = small_network()
    passes = []
    module.register_forward_pre_hook(lambda _, inputs: passes.append(len(inputs[0])))
    model = model_of(module, batch=8)
    passes.clear()
    model.path_gradients(*line(8), ClassScores("log-odds", (0, 1, 2, 3)))
    assert passes == [4, 4]  # half of what a forward pass alone takes


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_module_is_left_as_it_was(around):
    module = small_network().train()
    module[3].eval()
    module[1].weight.requires_grad_(False)
    model = model_of(module)
    before = copy.deepcopy(module.state_dict())
    with around():
        was_on = torch.is_grad_enabled()
        _, found = model.path_gradients(*line(), RAW)
        assert torch.is_grad_enabled() == was_on
    assert np.abs(found).max() > 0
    assert [part.training for part in module.modules()] == [True] * 4 + [False] + [True] * 3
    assert [p.requires_grad for p in module.parameters()] == [False] + [True] * 5
    assert all(p.grad is None for p in module.parameters())
    after = module.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert not any(part._forward_hooks for part in module.modules())


def test_pictures_do_not_depend_on_their_company():
    asked, points = ClassScores("log-odds", (0, 2)), line(9)
    found = [model_of(small_network(), batch=b).path_gradients(*points, asked) for b in (2, 64)]
    for one, many in zip(*found, strict=True):
        np.testing.assert_allclose(one, many, atol=1e-6)


def test_one_reference_for_all_points_need_not_be_copied():
    model = model_of(small_network())
    image, references, positions = line()
    same = np.broadcast_to(references[0], references.shape)
    found = model.path_gradients(image, same, positions, RAW)
    copied = model.path_gradients(image, same.copy(), positions, RAW)
    for one, other in zip(found, copied, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_batch_halves_when_memory_runs_out_on_the_way_back():
    sizes = []

    class Dear(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            sizes.append(len(gradient))
            if len(gradient) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory.")
            return gradient

    net = small_network()
    module = torch.nn.Sequential(Function(Dear.apply), net)
    points = line(9)
    model = model_of(module, batch=16)
    found = model.path_gradients(*points, RAW)
    assert max(sizes[2:]) <= 4
    assert model.batch_size == 16, "forward passes alone keep theirs"
    wanted = model_of(net).path_gradients(*points, RAW)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_gradients_that_are_no_numbers_are_refused():
    model = model_of(Function(lambda x: (x * 0).sum(dim=(2, 3)).sqrt()))
    with pytest.raises(ModelError, match=r"has gradients that are NaN or infinite at 7 of 7"):
        model.path_gradients(*line(), RAW)


def test_a_network_that_cuts_its_gradients_off_is_refused():
    model = model_of(Function(lambda x: x.detach().mean(dim=(2, 3))))
    with pytest.raises(ModelError, match=r"cannot be differentiated.*detach\(\)"):
        model.path_gradients(*line(), RAW)


def test_what_does_not_fit_together_is_refused():
    model = model_of(small_network())
    image, references, positions = line()
    with pytest.raises(InputError, match=r"one for every position; got .*\(6, 6, 6, 3\)"):
        model.path_gradients(image, references[1:], positions, RAW)
    with pytest.raises(InputError, match=r"positions must lie in \[0, 1\]"):
        model.path_gradients(image, references, positions + 1, RAW)
