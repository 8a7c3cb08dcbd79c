"""What a call leaves behind, under which circumstances it works, and what it refuses."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.errors import InputError, ModelError
from seewhy.methods.gradients.rescale import rescaled_contributions

torch = pytest.importorskip("torch")
F = torch.nn.functional
nn = torch.nn


class Small(nn.Module):
    """One ReLU used twice, in place, a gate, a norm and a maximum."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = self.relu(self.norm(self.first(x)))
        shortcut = x
        x = self.second(x)
        x += shortcut
        x = F.max_pool2d(self.relu(x), 3, 2)
        x = x * x.mean((2, 3), keepdim=True).sigmoid()
        return self.head(x.flatten(2).mean(2))


@pytest.fixture
def small():
    torch.manual_seed(0)
    network = Small().double().eval()
    nn.init.uniform_(network.norm.running_var, 0.5, 2)
    nn.init.normal_(network.norm.running_mean)
    return network


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(1)
    both = torch.randn(4, 2, 7, 7, generator=generator, dtype=torch.float64)
    return both[:1], both[1:]


def gap_of(found):
    change = (found.score - found.reference_scores).mean(0).abs()
    return (found.completeness_gap.abs() / change).max()


def test_targets_and_references_do_not_mix(small, pictures):
    image, references = pictures
    found = rescaled_contributions(small, image, references)
    assert found.contributions.shape == (3, 3, 2, 7, 7)
    assert gap_of(found) < 1e-12
    for target in range(3):
        for number in range(3):
            one = rescaled_contributions(
                lambda x, t=target: small(x)[:, [t]], image, references[[number]]
            )
            torch.testing.assert_close(one.contributions[0, 0], found.contributions[target, number])


def test_nothing_is_changed(small, pictures, asked):
    small.train()
    small.norm.eval()
    small.first.weight.requires_grad_(False)
    small.head.weight.grad = torch.ones_like(small.head.weight)
    small.second.register_forward_hook(lambda *_: None)
    before, copies = asked["state_of"](small), [p.clone() for p in pictures]
    rescaled_contributions(small, *pictures)
    assert asked["same_state"](before, asked["state_of"](small))
    assert all(torch.equal(a, b) for a, b in zip(copies, pictures, strict=True))
    assert not any(p.requires_grad for p in pictures)


@pytest.mark.parametrize("fails_at", [1, 2])
def test_nothing_is_changed_by_a_network_that_raises(small, pictures, asked, fails_at):
    calls = []

    def forward(x):
        calls.append(0)
        x = F.relu(small(x))
        if len(calls) == fails_at:
            raise ZeroDivisionError
        return x

    before = asked["state_of"](small)
    with pytest.raises(ZeroDivisionError):
        rescaled_contributions(forward, *pictures)
    assert asked["same_state"](before, asked["state_of"](small))
    assert torch.overrides._len_torch_function_stack() == 0
    assert gap_of(rescaled_contributions(small, *pictures)) < 1e-12


@pytest.mark.parametrize("circumstance", [torch.no_grad, torch.inference_mode])
def test_gradients_that_are_switched_off_around_do_not_matter(small, pictures, circumstance):
    expected = rescaled_contributions(small, *pictures).contributions
    with circumstance():
        made_here = [p.clone() for p in pictures]
        found = rescaled_contributions(small, *made_here)
        assert torch.is_grad_enabled() is False
    torch.testing.assert_close(found.contributions, expected, rtol=0, atol=0)


def test_a_callers_own_mode_sees_the_network_too(small, pictures):
    seen = []

    class Counting(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))

    expected = rescaled_contributions(small, *pictures).contributions
    with Counting():
        found = rescaled_contributions(small, *pictures)
    assert "conv2d" in seen
    torch.testing.assert_close(found.contributions, expected, rtol=0, atol=0)


def test_threads_do_not_notice_each_other(small, pictures):
    expected = rescaled_contributions(small, *pictures).contributions
    found, plain = [], []

    def explain():
        found.append(rescaled_contributions(small, *pictures).contributions)

    def classify():
        pixels = pictures[0].clone().requires_grad_()
        plain.append(torch.autograd.grad(small(pixels).sum(), pixels)[0])

    threads = [threading.Thread(target=t) for t in (explain, classify) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.allclose(contributions, expected) for contributions in found)
    assert all(torch.equal(gradient, plain[0]) for gradient in plain)


def test_memory_layout_does_not_matter(small, pictures):
    expected = rescaled_contributions(small, *pictures).contributions
    layout = [p.contiguous(memory_format=torch.channels_last) for p in pictures]
    found = rescaled_contributions(small.to(memory_format=torch.channels_last), *layout)
    torch.testing.assert_close(found.contributions, expected)


def test_a_network_may_overwrite_its_input(pictures):
    def forward(x):
        x -= 0.5
        return x.exp_().sum((2, 3))

    copies = [p.clone() for p in pictures]
    assert gap_of(rescaled_contributions(forward, *pictures)) < 1e-12
    assert all(torch.equal(a, b) for a, b in zip(copies, pictures, strict=True))


def test_an_unknown_function_is_named_and_keeps_its_gradient(pictures):
    image, references = pictures
    found = rescaled_contributions(
        lambda x: torch.sort(x.exp(), 3)[0].cumprod(3).sum((2, 3)), image, references
    )
    assert found.unknown == ("cumprod", "sort")
    found = rescaled_contributions(lambda x: x.cumprod(3).sum((2, 3)), image, references)
    pixels = references.clone().requires_grad_()
    gradient = torch.autograd.grad(pixels.cumprod(3)[:, 0].sum(), pixels)[0]
    torch.testing.assert_close(found.contributions[0], gradient * (image - references))


@pytest.mark.parametrize(
    ("name", "forward"),
    [
        ("batch_norm", lambda x: F.batch_norm(x, None, None, training=True)),
        ("dropout", lambda x: F.dropout(x, 0.5, training=True)),
        ("where", lambda x: torch.where(x > 0, x, 2 * x)),
        ("div", lambda x: torch.div(x, 0.1, rounding_mode="floor")),
        ("einsum", lambda x: torch.einsum("ncij,ncij,ncij->ncij", x, x, x)),
    ],
)
def test_functions_are_unknown_where_their_rule_does_not_hold(name, forward, pictures):
    found = rescaled_contributions(lambda x: forward(x).sum((2, 3)), *pictures)
    assert found.unknown == (name,)


def test_comparisons_indices_and_shapes_are_no_functions_of_pixels(pictures):
    def forward(x):
        assert (x > 0).any()
        assert x.argmax() >= 0
        assert x.detach().sort()[0].shape == x.shape
        return x.tanh().sum((2, 3)) + x.isnan().sum((2, 3))

    assert rescaled_contributions(forward, *pictures).unknown == ()


def test_scores_that_do_not_depend_on_the_pixels_have_no_contributions(pictures):
    found = rescaled_contributions(lambda x: torch.ones(len(x), 2).double(), *pictures)
    assert found.contributions.shape == (2, 3, 2, 7, 7)
    assert not found.contributions.any()
    assert not found.completeness_gap.any()


def test_a_network_that_takes_other_steps_is_refused(pictures):
    def forward(x):
        return (x.exp() if len(x) == 1 else x.tanh()).sum((2, 3))

    with pytest.raises(ModelError, match="called tanh for a reference where it had called exp"):
        rescaled_contributions(forward, *pictures)
    with pytest.raises(ModelError, match=r"called nothing for a reference where .* exp"):
        rescaled_contributions(lambda x: (x.exp() if len(x) == 1 else x).sum((2, 3)), *pictures)
    with pytest.raises(ModelError, match=r"called exp for a reference where .* nothing"):
        rescaled_contributions(lambda x: (x.exp() if len(x) > 1 else x).sum((2, 3)), *pictures)


def test_wrong_shapes_are_refused(small, pictures):
    image, references = pictures
    with pytest.raises(InputError, match=r"image must be one picture .* got \(3, 2, 7, 7\)"):
        rescaled_contributions(small, references, references)
    with pytest.raises(InputError, match=r"references must be .* \(1, 2, 7, 7\); got \(3, 1, 7, 7"):
        rescaled_contributions(small, image, references[:, :1])
    with pytest.raises(ModelError, match=r"1 rows for the image; got \(1, 2, 7, 7\)"):
        rescaled_contributions(lambda x: x, image, references)


STEPS = {
    "relu": F.relu,
    "silu": F.silu,
    "gelu": F.gelu,
    "tanh_": lambda x: (x * 1).tanh_(),
    "hardswish": lambda x: F.hardswish(x.clone(), inplace=True),
    "softmax": lambda x: 4 * torch.softmax(x, 3),
    "logsumexp": lambda x: x - torch.logsumexp(x, 1, keepdim=True),
    "pool": lambda x: F.pad(F.max_pool2d(x, 2, 1), (1, 0, 0, 1)),
    "gate": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "attend": lambda x: (x @ x.mT / 4).softmax(3) @ x,
    "norm": lambda x: F.layer_norm(x, x.shape[1:]),
    "group": lambda x: F.group_norm(x, 2),
    "divide": lambda x: x / (1 + x.abs().amax(1, keepdim=True)),
    "mix": lambda x: x + x.roll(1, 1) / 2 - x.flip(3),
    "unit": lambda x: 3 * F.normalize(x, dim=1),
}


@settings(max_examples=40, deadline=None)
@given(
    steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5),
    seed=st.integers(0, 2**31 - 1),
    scale=st.sampled_from([1e-3, 1.0, 10.0]),
    batch=st.integers(1, 3),
)
def test_any_composition_is_complete(steps, seed, scale, batch):
    rng = np.random.default_rng(seed)
    image, *references = torch.tensor(rng.normal(scale=scale, size=(1 + batch, 2, 3, 3)))
    weights = torch.tensor(rng.normal(size=(18, 2)))

    def forward(x):
        for step in steps:
            x = STEPS[step](x)
        return x.flatten(1) @ weights

    found = rescaled_contributions(forward, image[None], torch.stack(references))
    change = (found.score - found.reference_scores).T
    size = found.contributions.abs().sum((2, 3, 4)).clamp_min(1)
    assert found.unknown == ()
    assert ((found.contributions.sum((2, 3, 4)) - change).abs() / size).max() < 1e-9
