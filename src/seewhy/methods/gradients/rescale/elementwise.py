"""The rescale rule itself: a function of one number is replaced by its secant."""

from __future__ import annotations

from enum import Enum
from typing import Any

from seewhy.methods.gradients.rescale.call import Call, find_slots
from seewhy.methods.gradients.rescale.carriers import carry_scaled
from seewhy.methods.gradients.rescale.names import words
from seewhy.models.torch_extra import torch


class Shape(Enum):
    """When two arguments are too close for a secant, and what is taken instead.

    A difference quotient loses digits as its arguments approach, a derivative gains them; where
    they change places depends on whether the function has kinks.
    """

    STRAIGHT = "pieces of straight lines: the derivative where the arguments are equal"
    KINKED = "curved pieces: the mean of both ends' derivatives, within rounding"
    SMOOTH = "smooth on the scale of 1: the derivative half-way, within eps^(1/3)"
    SCALED = "smooth on the scale of its argument: likewise, relative to it"


SHAPES = {
    **dict.fromkeys(
        words(
            """
            relu relu6 hardtanh clamp clamp_min clamp_max threshold abs hardshrink softshrink
            floor ceil round trunc fix frac sign sgn maximum minimum
            """
        ),
        Shape.STRAIGHT,
    ),
    **dict.fromkeys(
        words(
            """
            leaky_relu prelu hardsigmoid elu selu celu hardswish rrelu remainder fmod
            """
        ),
        Shape.KINKED,
    ),
    **dict.fromkeys(
        words(
            """
            sigmoid tanh gelu silu mish softplus log_sigmoid exp expm1 exp2 sin cos tan sinh cosh
            asinh atan erf erfc i0 sinc
            """
        ),
        Shape.SMOOTH,
    ),
    **dict.fromkeys(
        words(
            """
            log log2 log10 log1p sqrt rsqrt reciprocal pow float_power asin acos acosh atanh
            lgamma digamma erfinv logit xlogy
            """
        ),
        Shape.SCALED,
    ),
}


def secant(call: Call, shape: Shape) -> Any:
    """Multiply with (f(x) − f(r)) / (x − r), elementwise.

    Parameters
    ----------
    call : Call
        Of a function with one tensor that depends on pixels.
    shape : Shape
        Of the function.

    Returns
    -------
    torch.Tensor
        f of the references; ``call.image`` is used up. NotImplemented for more tensors than one.

    Notes
    -----
    Shrikumar, Greenside, Kundaje (2017), "Learning important features through propagating
    activation differences", section 3.5.1.
    """
    if len(call.active) != 1 or _is_random(call):
        return NotImplemented
    (reference,), (image,) = call.references, call.image
    value = call(reference)
    slope = call(image)
    if image.shape == value.shape:  # fresh memory costs more than arithmetic
        slope = slope.sub_(value)
        step = image.sub_(reference) if shape is Shape.STRAIGHT else image - reference
    else:
        slope, step = slope - value, image - reference
    slope.div_(step)
    if shape is not Shape.STRAIGHT or not bool(step.all()):
        _mend(slope, call, shape, step)
    return carry_scaled(call.active[0], value, slope)


def slope_of(call: Call, at: Any) -> Any:
    """Differentiate an elementwise function.

    Parameters
    ----------
    call : Call
        With one tensor in its slots.
    at : torch.Tensor
        Where.

    Returns
    -------
    torch.Tensor
        Of the shape of ``at``.
    """
    at = at.detach().requires_grad_()
    return torch.autograd.grad(call(at).sum(), at)[0]


def _mend(slope: Any, call: Call, shape: Shape, step: Any) -> None:
    """Write derivatives where the secant is not to be trusted."""
    (reference,), (image,) = call.references, call.image
    near = _is_near(shape, reference, image, step)
    (where,) = near.reshape(-1).nonzero(as_tuple=True)
    if not len(where):
        return
    others = find_slots(call.args, call.kwargs, lambda tensor: True)
    if len(others) > 1 or len(where) > near.numel() / 8:  # a tensor of settings, or not worth it
        slope.copy_(torch.where(near, _slope_near(call, shape, reference, image), slope))
        return
    ends = (side.expand(near.shape).reshape(-1)[where] for side in (reference, image))
    slope[near] = _slope_near(call, shape, *ends)


def _is_near(shape: Shape, reference: Any, image: Any, step: Any) -> Any:
    eps = torch.finfo(step.dtype).eps
    if shape is Shape.STRAIGHT:
        return step == 0
    if shape is Shape.KINKED:
        return step.abs() < 64 * eps
    reach: Any = eps ** (1 / 3)
    if shape is Shape.SCALED:
        reach = reach * torch.minimum(image.abs(), reference.abs())
    return step.abs() <= reach


def _slope_near(call: Call, shape: Shape, reference: Any, image: Any) -> Any:
    if shape is Shape.STRAIGHT:  # the image's value is gone
        return slope_of(call, reference)
    if shape is Shape.KINKED:
        return (slope_of(call, reference) + slope_of(call, image.expand_as(reference))) / 2
    return slope_of(call, (reference + image) / 2)


def _is_random(call: Call) -> bool:
    name = getattr(call.function, "__name__", "")
    return name == "rrelu" and bool(call.argument(3, "training", False))
