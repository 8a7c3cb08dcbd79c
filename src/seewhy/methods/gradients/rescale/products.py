"""Products and quotients of tensors that both depend on pixels: gates, attention, squares."""

from __future__ import annotations

from typing import Any

from seewhy.methods.gradients.rescale.call import Call
from seewhy.methods.gradients.rescale.carriers import carry
from seewhy.methods.gradients.rescale.names import words
from seewhy.models.torch_extra import torch

QUADRATIC = words(
    """
    mul matmul mm bmm mv dot vdot inner outer ger kron einsum tensordot chain_matmul addmm addmv
    addbmm baddbmm addr addcmul bilinear linear square var lerp linalg_vecdot linalg_matmul conv1d
    conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution _convolution
    conv_tbc
    """
)
"""Functions of at most the second degree in all their tensors together; linear in each but for
`square` and `var`."""

ALWAYS_CURVED = frozenset({"square", "var"})


def midpoint(call: Call) -> Any:
    """Multiply with the gradient half-way between reference and image.

    A polynomial of the second degree changes from one point to another by exactly its gradient
    half-way times the step: a·b gives each factor the mean of the other.

    Parameters
    ----------
    call : Call
        Of a function of the second degree.

    Returns
    -------
    torch.Tensor
        Its value for the references; NotImplemented when the degree is higher.
    """
    if len(call.active) > 2 and _degree(call) > 2:
        return NotImplemented
    half_way = [
        carry(tensor, (reference + image) / 2)
        for tensor, reference, image in zip(call.active, call.references, call.image, strict=True)
    ]
    return carry(call(*half_way), call(*call.references))


def quotient(call: Call) -> Any:
    """Divide by a tensor that depends on pixels: the midpoint rule of a = y·b, solved for y.

    Δy = (Δa − ȳ Δb) / b̄, whose terms stay of the size of y where a and b vanish together, as in
    the norm of an empty vector. Where b changes its sign, b̄ may be 0, and a · (1/b) is explained.

    Parameters
    ----------
    call : Call
        Of `torch.div`.

    Returns
    -------
    torch.Tensor
        The references' quotient; NotImplemented when it is rounded.
    """
    if call.kwargs.get("rounding_mode") is not None:
        return NotImplemented
    top, bottom = call.argument(0, "input"), call.argument(1, "other")
    reference, image = call.references[-1], call.image[-1]
    value, value_image = call(*call.references), call(*call.image)
    product, both = reference * image, reference + image
    keeps_sign = product > 0
    tops = call.references[0] + call.image[0] if len(call.active) == 2 else 2 * top
    slope = -torch.where(keeps_sign, (value + value_image) / both, tops / (2 * product))
    changed = bottom * slope
    if len(call.active) == 2:
        changed = changed + top * torch.where(keeps_sign, 2 / both, both / (2 * product))
    return carry(changed, value)


def _degree(call: Call) -> int:
    """How many of the tensors are multiplied with one another."""
    if getattr(call.function, "__name__", "") in ("einsum", "chain_matmul", "bilinear"):
        return len(call.active)
    if any(place == 0 for place, _ in call.slots):  # addmm(added, a, b) and its relatives
        return len(call.active) - 1
    return len(call.active)


def power(call: Call) -> Any:
    """Square by the exact midpoint rule; NotImplemented for other powers."""
    exponent = call.argument(1, "exponent")
    squares = isinstance(exponent, int | float) and exponent == 2
    return midpoint(call) if squares and len(call.active) == 1 else NotImplemented


def euclidean_norm(call: Call) -> Any:
    """Take a vector's length: its squares, their sum, its root, each by its own exact rule.

    Parameters
    ----------
    call : Call
        Of `torch.linalg.vector_norm`.

    Returns
    -------
    torch.Tensor
        The references' norms; NotImplemented for other orders than 2.
    """
    order = call.argument(1, "ord", 2)
    if order != 2 or len(call.active) != 1:
        return NotImplemented
    (tensor,), (reference,), (image,) = call.active, call.references, call.image
    dims, keepdim = call.argument(2, "dim"), call.argument(3, "keepdim", False)
    if dims is None:
        dims = tuple(range(tensor.ndim))

    def length(of: Any) -> Any:
        return torch.linalg.vector_norm(of, dim=dims, keepdim=True)

    both = length(reference) + length(image)
    slope = torch.where(both == 0, 0, (reference + image) / both)
    changed = (tensor * slope).sum(dims, keepdim=bool(keepdim))
    return carry(changed, call(reference))
