"""Networks with signals that neither vanish nor explode, and what is asked of all of them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")


def settle(network, size, seed=1):
    """Perturb batch norms, let their statistics follow random pictures, and scale the head.

    Freshly initialised networks say nearly the same of every picture: differences of scores would
    be as small as the rounding of the scores.
    """
    generator = torch.Generator().manual_seed(seed)
    norms = [
        part
        for part in network.modules()
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)
    ]
    for norm in norms:
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5, generator=generator)
        torch.nn.init.normal_(norm.bias, std=0.3, generator=generator)
        norm.momentum, norm.training = 1.0, True
    with torch.no_grad():
        strengths = torch.linspace(0, 1.5, 8)[:, None, None, None]  # grey is a picture too
        logits = network(strengths * torch.randn(8, 3, size, size, generator=generator))
        head = [weight for weight in network.parameters() if weight.ndim > 1][-1]
        head *= 2 / logits.std(0).mean()
    for norm in norms:
        norm.momentum, norm.training = 0.1, False
    return network


def state_of(network):
    """Everything about a network that must not change, comparable with ==."""
    hooks = [name for name in vars(torch.nn.Module()) if "hooks" in name]
    return (
        [(name, value.clone()) for name, value in network.state_dict().items()],
        [(p.requires_grad, p.grad, p.is_leaf) for p in network.parameters()],
        [
            (
                part.training,
                getattr(part, "inplace", None),
                sorted(vars(part)),
                *(len(getattr(part, name) or ()) for name in hooks),
            )
            for part in network.modules()
        ],
    )


def same_state(before, after):
    values = zip(before[0], after[0], strict=True)
    return before[1:] == after[1:] and all(
        a[0] == b[0] and torch.equal(a[1], b[1]) for a, b in values
    )


def relative_gap(found):
    """The completeness gap relative to the differences of scores, (t,).

    These are averaged without their signs: that those of several references cancel by chance says
    nothing of a rule.
    """
    change = (found.score - found.reference_scores).double().abs().mean(0)
    return found.completeness_gap.abs() / torch.maximum(change, 1e-3 * found.score.double().abs())


def scores_of(network, targets):
    """Raw scores and log-odds of some classes, in one function."""

    def forward(pictures):
        logits = network(pictures)
        others = [
            torch.logsumexp(torch.cat([logits[:, :t], logits[:, t + 1 :]], 1), 1) for t in targets
        ]
        raw = logits[:, list(targets)]
        return torch.cat([raw, raw - torch.stack(others, 1)], 1)

    return forward


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors gain nothing from threads, and lose much where others use the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def asked():
    """The helpers of this file, by name."""
    return {
        "settle": settle,
        "state_of": state_of,
        "same_state": same_state,
        "relative_gap": relative_gap,
        "scores_of": scores_of,
    }
