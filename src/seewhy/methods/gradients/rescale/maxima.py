"""Maxima: pooling, over axes, of two tensors."""

from __future__ import annotations

from typing import Any

from seewhy.methods.gradients.rescale.call import Call
from seewhy.methods.gradients.rescale.carriers import carry, carry_scaled
from seewhy.methods.gradients.rescale.elementwise import Shape, secant
from seewhy.models.torch_extra import torch

POOLS = {
    f"{kind}{suffix}": axes
    for axes in (1, 2, 3)
    for kind in (f"max_pool{axes}d", f"adaptive_max_pool{axes}d")
    for suffix in ("", "_with_indices")
}


def max_pool(call: Call, axes: int) -> Any:
    """Give the change of each window's maximum to one pixel of that window.

    Where the maximum grew, the pixel where the image has it; where it shrank, the pixel where the
    reference has it. That pixel changed by at least as much, so the multiplier lies in [0, 1], and
    windows may overlap.

    Parameters
    ----------
    call : Call
        Of `torch.nn.functional.max_pool2d` or a relative.
    axes : int
        How many axes at the end are pooled.

    Returns
    -------
    torch.Tensor
        The references' maxima, or (maxima, indices) where they were asked for.
    """
    name = getattr(call.function, "__name__", "")
    pool = getattr(torch.nn.functional, name.removesuffix("_with_indices"))
    settings = {k: v for k, v in call.kwargs.items() if k not in ("input", "return_indices")}
    args = call.args[1 : 2 if name.startswith("adaptive") else 6]

    def pooled(tensor: Any) -> tuple[Any, Any]:
        return pool(tensor, *args, **settings, return_indices=True)

    (reference,), (image,) = call.references, call.image
    (value, where), (value_image, where_image) = pooled(reference), pooled(image)
    changed = _at_the_larger(
        call.active[0].flatten(-axes),
        (image.flatten(-axes), reference.flatten(-axes)),
        (value_image.flatten(-axes), value.flatten(-axes)),
        (where_image.flatten(-axes), where.flatten(-axes)),
    )
    maxima = carry(changed.reshape(value.shape), value)
    asked = call.argument(2 if name.startswith("adaptive") else 6, "return_indices", False)
    return (maxima, where) if asked or name.endswith("_with_indices") else maxima


def extreme(call: Call, sign: int) -> Any:
    """Take a maximum (sign 1) or minimum (−1) over axes, or of two tensors; see `max_pool`.

    Parameters
    ----------
    call : Call
        Of `torch.max`, `torch.amax`, `torch.maximum` or a relative.
    sign : int
        1 or -1.

    Returns
    -------
    torch.Tensor or tuple
        As the function returns it for the references.
    """
    other = call.argument(1, "other")
    if isinstance(other, torch.Tensor):
        return _of_two(call, sign) if len(call.active) == 2 else secant(call, Shape.STRAIGHT)
    (tensor,), (reference,), (image,) = call.active, call.references, call.image
    dims = call.argument(1, "dim")
    if dims is None or dims == ():
        dims = tuple(range(tensor.ndim))
    dims = tuple(dim % tensor.ndim for dim in ((dims,) if isinstance(dims, int) else dims))
    sides = tuple(sign * _last(side, dims) for side in (image, reference))
    maxima = tuple(side.max(-1, keepdim=True) for side in sides)
    changed = _at_the_larger(
        _last(tensor, dims), sides, tuple(m[0] for m in maxima), tuple(m[1] for m in maxima)
    )
    found = call(reference)
    value = found if isinstance(found, torch.Tensor) else found[0]
    result = carry(changed.reshape(value.shape), value)
    return result if isinstance(found, torch.Tensor) else type(found)((result, found[1]))


def _at_the_larger(
    tensor: Any, sides: tuple[Any, Any], values: tuple[Any, Any], where: tuple[Any, Any]
) -> Any:
    """Choose along the last axis: each output's change is that of one entry, shrunk."""
    image, reference = sides
    chosen = torch.where(values[0] > values[1], *where)
    step = image.expand(tensor.shape).gather(-1, chosen) - reference.gather(-1, chosen)
    slope = torch.where(step == 0, 1, (values[0] - values[1]) / step)
    return carry_scaled(picked := tensor.gather(-1, chosen), picked.detach(), slope)


def _of_two(call: Call, sign: int) -> Any:
    (a, b), (a_image, b_image) = call.references, call.image
    value, value_image = call(a, b), call(a_image, b_image)
    step = value_image - value
    in_image = sign * (a_image - b_image) >= 0
    is_first = torch.where(sign * step > 0, in_image, sign * (a - b) >= 0)
    steps = torch.where(is_first, a_image - a, b_image - b)
    slope = torch.where(steps == 0, 1, step / steps)
    first, second = torch.where(is_first, slope, 0), torch.where(is_first, 0, slope)
    return carry(call.active[0] * first + call.active[1] * second, value)


def _last(tensor: Any, dims: tuple[int, ...]) -> Any:
    """Bring axes to the end, as one."""
    kept = [axis for axis in range(tensor.ndim) if axis not in dims]
    return tensor.permute(*kept, *sorted(dims)).flatten(len(kept))
