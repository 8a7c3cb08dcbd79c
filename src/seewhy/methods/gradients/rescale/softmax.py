"""Softmax and its relatives: the Jacobian in which probabilities become logarithmic means."""

from __future__ import annotations

from typing import Any

from seewhy.methods.gradients.rescale.call import Call
from seewhy.methods.gradients.rescale.carriers import carry
from seewhy.models.torch_extra import torch


def softmax(call: Call) -> Any:
    """Explain p = softmax(z) by Δp_j = ℓ_j (Δz_j − Σ w_k Δz_k).

    ℓ_j is the logarithmic mean of p_j and p'_j, and w = ℓ / Σℓ. Exact, since Δ log p_j = Δz_j
    less a number common to all j, and Σ Δp = 0; what is added to all logits counts for nothing.

    Parameters
    ----------
    call : Call
        Of `torch.softmax`.

    Returns
    -------
    torch.Tensor
        The references' probabilities.
    """
    logits, dim = call.active[0], call.argument(1, "dim")
    means = _probability_means(call, dim)
    changed = means * (logits - _average(logits, means, dim))
    value = call(*call.references)
    return carry(changed.to(value.dtype), value)


def log_softmax(call: Call) -> Any:
    """Explain log p = log softmax(z) by Δ log p_j = Δz_j − Σ w_k Δz_k; see `softmax`.

    Parameters
    ----------
    call : Call
        Of `torch.log_softmax`.

    Returns
    -------
    torch.Tensor
        The references' log-probabilities.
    """
    logits, dim = call.active[0], call.argument(1, "dim")
    changed = logits - _average(logits, _probability_means(call, dim), dim)
    value = call(*call.references)
    return carry(changed.to(value.dtype), value)


def logsumexp(call: Call) -> Any:
    """Explain log Σ a_j, a_j = exp z_j, by the multipliers L(a_j, a'_j) / L(Σa, Σa').

    L is the logarithmic mean: the product of the secants of exp and log.

    Parameters
    ----------
    call : Call
        Of `torch.logsumexp`.

    Returns
    -------
    torch.Tensor
        The references' logarithms of sums.
    """
    (tensor,), (reference,), (image,) = call.active, call.references, call.image
    dims, keepdim = call.argument(1, "dim"), bool(call.argument(2, "keepdim", False))

    def total(of: Any) -> Any:
        return torch.logsumexp(of, dims, keepdim=True)

    below = log_of_mean(total(image), total(reference))
    weights = torch.exp(log_of_mean(image, reference) - below)
    changed = (tensor * weights).sum(dims, keepdim=keepdim)
    return carry(changed, call(reference))


def log_of_mean(a: Any, b: Any) -> Any:
    """Logarithm of the logarithmic mean of two positive numbers, from their logarithms.

    Parameters
    ----------
    a, b : torch.Tensor
        Logarithms; they broadcast. Minus infinity is the logarithm of 0, whose mean with
        anything is 0.

    Returns
    -------
    torch.Tensor
        log((eᵃ − eᵇ) / (a − b)), or a where both are equal; never overflows.
    """
    top = torch.maximum(a, b)
    width = top - torch.minimum(a, b)
    narrow = -width / 2 + width**2 / 24
    wide = torch.log(-torch.expm1(-width)) - torch.log(width)
    shrink = torch.where(width < torch.finfo(top.dtype).eps ** 0.25, narrow, wide)
    absent = torch.isneginf(torch.minimum(a, b))
    return torch.where(absent, -torch.inf, top + shrink)


def _probability_means(call: Call, dim: int) -> Any:
    (reference,), (image,) = call.references, call.image
    kept = [
        torch.log_softmax(side, dim, dtype=call.kwargs.get("dtype")) for side in (image, reference)
    ]
    return torch.exp(log_of_mean(*kept))


def _average(logits: Any, means: Any, dim: int) -> Any:
    return (logits * (means / means.sum(dim, keepdim=True))).sum(dim, keepdim=True)
