"""Which rule a function of torch gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from types import FunctionType
from typing import Any

from seewhy.methods.gradients.rescale import elementwise, maxima, norms, products, softmax
from seewhy.methods.gradients.rescale.call import Call
from seewhy.methods.gradients.rescale.decompositions import COMPOSITE
from seewhy.methods.gradients.rescale.names import (
    CHOOSING,
    LINEAR,
    LINEAR_IN_FIRST,
    RANDOM,
    out_of_place,
    plain_name,
)
from seewhy.methods.gradients.rescale.opening import opened

Rule = Callable[[Call], Any]


@dataclass(frozen=True)
class Behaviour:
    """How a function is explained.

    Parameters
    ----------
    name : str
        One for all its spellings.
    function : callable
        The variant that returns a new tensor.
    in_place : bool
        Whether the network calls the other.
    rule : callable, optional
        Its rule. None: it is linear, or unknown.
    is_linear : callable
        Whether a call is, given its arguments and the slots of those that depend on pixels.
    watches_all : bool
        Whether the rule needs the image's value of every tensor, whether it depends on pixels
        or not.
    body : callable, optional
        What to call instead, under the mode. Within it, a function that calls itself by the same
        name (methods of `torch.Tensor` that extend those of its base) has its rule.
    """

    name: str
    function: Callable[..., Any]
    in_place: bool
    rule: Rule | None = None
    is_linear: Callable[..., bool] = lambda args, kwargs, slots: False
    watches_all: bool = False
    body: Callable[..., Any] | None = None


@lru_cache(maxsize=4096)
def behaviour_of(function: Callable[..., Any]) -> Behaviour:
    """Look up how a function is explained.

    Parameters
    ----------
    function : callable
        As a function mode gets it.

    Returns
    -------
    Behaviour
    """
    name, in_place = plain_name(function)
    body: Any = COMPOSITE.get(name)
    if isinstance(function, FunctionType) and name not in maxima.POOLS:
        body = opened(function)  # those for pooling would ask for no indices
    return Behaviour(
        name,
        out_of_place(function) if in_place else function,
        in_place,
        rule=RULES.get(name),
        is_linear=_linearity(name),
        watches_all=name in CHOOSING,
        body=body,
    )


def choose(call: Call) -> Any:
    """Pass on what was chosen; NotImplemented when the image chose otherwise."""
    for ours, theirs in zip(call.image, call.references, strict=True):
        if not ours.is_floating_point() and not bool((ours == theirs).all()):
            return NotImplemented
    return call(*call.active)


def _power(call: Call) -> Any:
    squared = products.power(call)
    scaled = elementwise.Shape.SCALED
    return elementwise.secant(call, scaled) if squared is NotImplemented else squared


def _linearity(name: str) -> Callable[..., bool]:
    if name in LINEAR:
        return lambda args, kwargs, slots: True
    if name in products.QUADRATIC - products.ALWAYS_CURVED:
        return lambda args, kwargs, slots: len(slots) == 1
    if name == "div":
        return lambda args, kwargs, slots: (
            slots == [(0, None)] and kwargs.get("rounding_mode") is None
        )
    if name in LINEAR_IN_FIRST:
        return lambda args, kwargs, slots: slots == [(0, None)]
    if name in RANDOM:
        return lambda args, kwargs, slots: not (args[2] if len(args) > 2 else kwargs.get("train"))
    return lambda args, kwargs, slots: False


RULES: dict[str, Rule] = {
    **{
        name: partial(elementwise.secant, shape=shape) for name, shape in elementwise.SHAPES.items()
    },
    **dict.fromkeys(products.QUADRATIC, products.midpoint),
    **dict.fromkeys(CHOOSING, choose),
    **{name: partial(maxima.max_pool, axes=axes) for name, axes in maxima.POOLS.items()},
    "pow": _power,
    "div": products.quotient,
    "linalg_vector_norm": products.euclidean_norm,
    "softmax": softmax.softmax,
    "log_softmax": softmax.log_softmax,
    "logsumexp": softmax.logsumexp,
    "batch_norm": norms.batch_norm,
    "layer_norm": norms.layer_norm,
    "rms_norm": norms.layer_norm,
    "group_norm": norms.group_norm,
    "instance_norm": norms.instance_norm,
    **dict.fromkeys(("max", "amax", "maximum"), partial(maxima.extreme, sign=1)),
    **dict.fromkeys(("min", "amin", "minimum"), partial(maxima.extreme, sign=-1)),
}
"""By plain name; everything here is nonlinear, at least in some of its calls."""
