"""Tensors that carry a gradient of our choice: the value of one function, the slope of another."""

from __future__ import annotations

from typing import Any

from seewhy.models.torch_extra import torch


def carry(source: Any, value: Any) -> Any:
    """Give a value the gradient of another tensor.

    Parameters
    ----------
    source : torch.Tensor
        Where gradients go, unchanged.
    value : torch.Tensor
        Of the same shape, without a graph of its own; not used elsewhere.

    Returns
    -------
    torch.Tensor
        The value, with ``source`` as its history.
    """
    return _Carried.apply(source, lambda: value)


def carry_scaled(source: Any, value: Any, slope: Any) -> Any:
    """Give a value the gradient of another tensor times a slope.

    Parameters
    ----------
    source : torch.Tensor
        Where gradients go.
    value : torch.Tensor
        Of the same shape, without a graph of its own; not used elsewhere.
    slope : torch.Tensor
        Broadcasts against that shape. Only the slope is kept: a network may overwrite ``source``
        and ``value`` in place afterwards.

    Returns
    -------
    torch.Tensor
        The value, with ``slope * source`` as its history.
    """
    return _Scaled.apply(source, slope, lambda: value)


def assign(target: Any, value: Any) -> Any:
    """Write a value into a tensor that a network changes in place.

    Parameters
    ----------
    target : torch.Tensor
        Every view of it sees the change; its former history is forgotten where it is overwritten.
    value : torch.Tensor
        Of the same shape, with a graph.

    Returns
    -------
    torch.Tensor
        The very object ``target``.
    """
    if target._is_view() or not target.requires_grad:
        return target.copy_(value)
    return _Assigned.apply(target, value)  # as copy_, without gradients of zero for the old value


class _Carried(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, source: Any, value: Any) -> Any:
        return value()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0], None


class _Scaled(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, source: Any, slope: Any, value: Any) -> Any:
        ctx.save_for_backward(slope)
        return value()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (slope,) = ctx.saved_tensors
        return gradients[0] * slope, None, None


class _Assigned(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, target: Any, value: Any) -> Any:
        ctx.mark_dirty(target)
        return target.copy_(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return None, gradients[0]
