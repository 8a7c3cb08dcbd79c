"""Composite functions written out, so that each of their steps meets its own rule."""

from __future__ import annotations

import math
from typing import Any

from seewhy.models.torch_extra import torch


def attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """Write out `torch.nn.functional.scaled_dot_product_attention`, whose parameters these are.

    Returns
    -------
    torch.Tensor
        softmax(query · keyᵀ · scale + mask) · value.
    """
    if enable_gqa:
        repeats = query.size(-3) // key.size(-3)
        key, value = (part.repeat_interleave(repeats, -3) for part in (key, value))
    factor = 1 / math.sqrt(query.size(-1)) if scale is None else scale
    logits = (query * factor) @ key.transpose(-2, -1)
    if is_causal:
        attn_mask = torch.ones(logits.shape[-2:], dtype=torch.bool, device=query.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        logits = logits.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        logits = logits + attn_mask
    weights = torch.softmax(logits, -1)
    if dropout_p > 0:
        weights = torch.dropout(weights, dropout_p, True)
    return weights @ value


def glu(input: Any, dim: int = -1) -> Any:
    """Write out `torch.nn.functional.glu`: the first half, gated by the second."""
    passed, gate = input.chunk(2, dim)
    return passed * torch.sigmoid(gate)


def logaddexp(input: Any, other: Any) -> Any:
    """Write out `torch.logaddexp`."""
    return torch.logsumexp(torch.stack(torch.broadcast_tensors(input, other)), 0)


def std(input: Any, *args: Any, **kwargs: Any) -> Any:
    """Write out `torch.std`: the root of the variance."""
    return torch.var(input, *args, **kwargs).sqrt()


def var_mean(input: Any, dim: Any = None, *args: Any, keepdim: bool = False, **kwargs: Any) -> Any:
    """Write out `torch.var_mean`."""
    kwargs = {"dim": dim, "keepdim": keepdim, **kwargs}
    mean = input.mean() if dim is None else input.mean(dim, keepdim=keepdim)
    return torch.var(input, *args, **kwargs), mean


def std_mean(input: Any, dim: Any = None, *args: Any, keepdim: bool = False, **kwargs: Any) -> Any:
    """Write out `torch.std_mean`."""
    variance, mean = var_mean(input, dim, *args, keepdim=keepdim, **kwargs)
    return variance.sqrt(), mean


def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """Write out `torch.cosine_similarity`."""
    lengths = (torch.linalg.vector_norm(x, dim=dim, keepdim=True) for x in (x1, x2))
    first, second = (x / length.clamp_min(eps) for x, length in zip((x1, x2), lengths, strict=True))
    return (first * second).sum(dim)


COMPOSITE = {
    "scaled_dot_product_attention": attention,
    "glu": glu,
    "logaddexp": logaddexp,
    "std": std,
    "var_mean": var_mean,
    "std_mean": std_mean,
    "cosine_similarity": cosine_similarity,
}
"""By the name of the function."""
