"""The function mode under which a network runs to be explained, twice: image, then references."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from seewhy.methods.gradients.rescale.call import Call, Slot, find_slots, tensors_at
from seewhy.methods.gradients.rescale.carriers import assign
from seewhy.methods.gradients.rescale.names import words
from seewhy.methods.gradients.rescale.table import Behaviour, behaviour_of
from seewhy.methods.gradients.rescale.tape import Tape
from seewhy.models.torch_extra import torch

_ASKING = words(  # about a tensor, not of its values; the most frequent calls by far
    """
    __get__ __set__ __delete__ size dim numel ndimension stride storage_offset is_floating_point
    is_contiguous is_complex element_size __len__ __hash__ get_device nelement data_ptr
    """
)


class RescaleMode(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
    """Records the image's nonlinear functions on a tape, or pairs the references' with it.

    It sees functions, not modules: it neither cares whether a module is used twice or changes a
    tensor in place, nor does it touch any. Other threads do not notice it.

    Parameters
    ----------
    tape : Tape
        Written by the image's pass, read by the references'.
    records : bool
        Which of the two this is.

    Attributes
    ----------
    unknown : set of str
        Functions of pixels that have no rule and keep their gradient.
    """

    def __init__(self, tape: Tape, *, records: bool) -> None:
        super().__init__()
        self.tape = tape
        self.records = records
        self.unknown: set[str] = set()
        self._open: list[Callable[..., Any]] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Answer a call of a function of torch; torch calls this."""
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in _ASKING or not torch.is_grad_enabled():
            return func(*args, **kwargs)
        behaviour = behaviour_of(func)
        held = 1 if behaviour.in_place else 0  # a network may overwrite a parameter of its own
        args, kwargs = (*args[:held], *map(_without_leaves, args[held:])), _without_leaves(kwargs)
        slots = find_slots(args, kwargs, _is_active)
        if not slots:
            return func(*args, **kwargs)
        if behaviour.body is not None and func not in self._open:
            return self._inside(func, behaviour.body, args, kwargs)
        if behaviour.is_linear(args, kwargs, slots):
            return func(*args, **kwargs)
        return self._nonlinear(func, behaviour, slots, args, kwargs)

    def _inside(
        self,
        func: Callable[..., Any],
        body: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Run a composite function step by step."""
        self._open.append(func)
        try:
            with self:
                return body(*args, **kwargs)
        finally:
            self._open.pop()

    def _nonlinear(
        self,
        func: Callable[..., Any],
        behaviour: Behaviour,
        slots: list[Slot],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        if behaviour.rule is None:
            return self._unruled(func, behaviour.name, args, kwargs)
        if behaviour.watches_all:
            slots = find_slots(args, kwargs, lambda tensor: True)
        tensors = tensors_at(slots, args, kwargs)
        if self.records:
            self.tape.write(behaviour.name, tensors)
            return func(*args, **kwargs)
        image = self.tape.read(behaviour.name, tensors)
        result = behaviour.rule(Call(behaviour.function, args, kwargs, slots, image))
        if result is NotImplemented:
            return self._unruled(func, behaviour.name, args, kwargs)
        return assign(args[0], result) if behaviour.in_place else result

    def _unruled(
        self,
        func: Callable[..., Any],
        name: str,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        result = func(*args, **kwargs)
        if find_slots((result,), {}, _is_active):  # comparisons and indices have no gradient
            self.unknown.add(name)
        return result


def _is_active(tensor: Any) -> bool:
    return bool(tensor.requires_grad)


def _without_leaves(value: Any) -> Any:
    """Leave parameters out of the graph: then only pixels make a tensor require gradients."""
    if isinstance(value, torch.Tensor):
        if value.is_inference():
            return value.clone()
        return value.detach() if value.requires_grad and value.is_leaf else value
    if isinstance(value, list | tuple):
        parts = [_without_leaves(item) for item in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        return parts
    if isinstance(value, dict):
        return {name: _without_leaves(item) for name, item in value.items()}
    return value
