"""Normalisation: layer, group, instance and root-mean-square norms; batch norm in evaluation."""

from __future__ import annotations

from typing import Any

from seewhy.methods.gradients.rescale.call import Call
from seewhy.methods.gradients.rescale.carriers import carry, carry_scaled
from seewhy.models.torch_extra import torch


def batch_norm(call: Call) -> Any:
    """Scale by the running variance: linear.

    Parameters
    ----------
    call : Call
        Of `torch.batch_norm`.

    Returns
    -------
    torch.Tensor
        The references' values; NotImplemented with the batch's own statistics.
    """
    weight, variance = call.argument(1, "weight"), call.argument(4, "running_var")
    if call.argument(5, "training") or variance is None or len(call.active) != 1:
        return NotImplemented
    scale = (variance + call.argument(7, "eps")).rsqrt()
    scale = scale if weight is None else scale * weight
    (tensor,), (reference,) = call.active, call.references
    slope = scale.to(tensor.dtype).reshape(-1, *(1,) * (tensor.ndim - 2))
    return carry_scaled(tensor, call(reference), slope)


def layer_norm(call: Call) -> Any:
    """Normalise over the last axes; see `standardised`.

    Parameters
    ----------
    call : Call
        Of `torch.layer_norm` or `torch.rms_norm`.

    Returns
    -------
    torch.Tensor
        The references' values.
    """
    if len(call.active) != 1:
        return NotImplemented
    (tensor,), (reference,), (image,) = call.active, call.references, call.image
    axes = tuple(range(-len(call.argument(1, "normalized_shape")), 0))
    centred = getattr(call.function, "__name__", "") == "layer_norm"
    eps = call.argument(4 if centred else 3, "eps", 1e-5 if centred else None)
    if eps is None:
        eps = torch.finfo(tensor.dtype).eps
    changed = standardised(tensor, (reference, image), axes=axes, eps=eps, centred=centred)
    weight = call.argument(2, "weight")
    return carry(changed if weight is None else changed * weight, call(reference))


def group_norm(call: Call) -> Any:
    """Normalise groups of channels; see `standardised`.

    Parameters
    ----------
    call : Call
        Of `torch.group_norm`.

    Returns
    -------
    torch.Tensor
        The references' values.
    """
    if len(call.active) != 1:
        return NotImplemented
    groups, eps = call.argument(1, "num_groups"), call.argument(4, "eps", 1e-5)
    return _by_groups(call, groups, weight=call.argument(2, "weight"), eps=eps)


def instance_norm(call: Call) -> Any:
    """Normalise each channel by itself, or by running statistics; see `standardised`.

    Parameters
    ----------
    call : Call
        Of `torch.instance_norm`.

    Returns
    -------
    torch.Tensor
        The references' values.
    """
    if len(call.active) != 1:
        return NotImplemented
    weight, eps = call.argument(1, "weight"), call.argument(7, "eps")
    (tensor,), (reference,) = call.active, call.references
    if call.argument(5, "use_input_stats"):
        return _by_groups(call, tensor.shape[1], weight=weight, eps=eps)
    scale = (call.argument(4, "running_var") + eps).rsqrt()
    scale = scale if weight is None else scale * weight
    return carry_scaled(tensor, call(reference), scale.reshape(-1, *(1,) * (tensor.ndim - 2)))


def standardised(
    tensor: Any, sides: tuple[Any, Any], *, axes: tuple[int, ...], eps: float, centred: bool = True
) -> Any:
    """Explain y = c / σ, c = x − mean x, σ = √(mean c² + ε), by the rules of its steps.

    Those of the square, the root and the quotient together give Δy = (Δc − ȳ mean(c̄ Δc) / σ̄) / σ̄,
    bars being means of both sides. Its terms stay of the size of y, also where a reference is
    constant and the slope of y is 1/√ε.

    Parameters
    ----------
    tensor : torch.Tensor
        x of the references, with its graph.
    sides : tuple of two torch.Tensor
        x of the references and of the image.
    axes : tuple of int
        Those of a group, from the end.
    eps : float
        ε.
    centred : bool
        False: c = x.

    Returns
    -------
    torch.Tensor
        The same function of ``tensor`` instead of Δx: of use for its graph only.
    """

    def centre(of: Any) -> Any:
        return of - of.mean(axes, keepdim=True) if centred else of

    centres = [centre(side) for side in sides]
    lengths = [((c * c).mean(axes, keepdim=True) + eps).sqrt() for c in centres]
    middle, length = (centres[0] + centres[1]) / 2, (lengths[0] + lengths[1]) / 2
    answer = (centres[0] / lengths[0] + centres[1] / lengths[1]) / 2
    changing = centre(tensor)
    longer = (middle / length * changing).mean(axes, keepdim=True)
    return (changing - answer * longer) / length


def _by_groups(call: Call, groups: int, *, weight: Any, eps: float) -> Any:
    (tensor,), (reference,), (image,) = call.active, call.references, call.image
    grouped, *sides = (of.reshape(len(of), groups, -1) for of in (tensor, reference, image))
    changed = standardised(grouped, (sides[0], sides[1]), axes=(-1,), eps=eps)
    changed = changed.reshape(tensor.shape)
    if weight is not None:
        changed = changed * weight.reshape(-1, *(1,) * (tensor.ndim - 2))
    return carry(changed, call(reference))
