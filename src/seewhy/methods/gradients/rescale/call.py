"""One call of a function, seen as a function of those of its arguments that depend on pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from seewhy.models.torch_extra import torch

Slot = tuple[int | str, int | None]  # position or keyword; place within a list there


@dataclass(frozen=True)
class Call:
    """A function that a network calls, for the references, paired with what it did for the image.

    Parameters
    ----------
    function : callable
        Not the in-place variant.
    args, kwargs
        Its arguments in the references' pass.
    slots : sequence of Slot
        Where the tensors are that depend on pixels.
    image : tuple of torch.Tensor
        The values of these in the image's pass, each broadcasting against the references'.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    slots: Sequence[Slot]
    image: tuple[Any, ...]

    @cached_property
    def active(self) -> tuple[Any, ...]:
        """The tensors that depend on pixels, with their graphs."""
        return tensors_at(self.slots, self.args, self.kwargs)

    @cached_property
    def references(self) -> tuple[Any, ...]:
        """Their values, without graphs."""
        return tuple(tensor.detach() for tensor in self.active)

    def __call__(self, *values: Any) -> Any:
        """Evaluate the function with other tensors in the slots, all else as it is."""
        args, kwargs = list(self.args), dict(self.kwargs)
        for (place, within), value in zip(self.slots, values, strict=True):
            holder: Any = kwargs if isinstance(place, str) else args
            if within is None:
                holder[place] = value
            else:
                holder[place] = [*holder[place][:within], value, *holder[place][within + 1 :]]
        return self.function(*args, **kwargs)

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """Look up an argument given by position or by name."""
        if len(self.args) > position:
            return self.args[position]
        return self.kwargs.get(name, default)


def find_slots(
    args: Sequence[Any], kwargs: Mapping[str, Any], wanted: Callable[[Any], bool]
) -> list[Slot]:
    """Find tensors among the arguments of a call, also in lists of them.

    Parameters
    ----------
    args, kwargs
        Of the call.
    wanted : callable
        Which tensors.

    Returns
    -------
    list of Slot
        In the order of the arguments.
    """
    found: list[Slot] = []
    for place, value in _items(args, kwargs):
        if isinstance(value, torch.Tensor):
            if wanted(value):
                found.append((place, None))
        elif isinstance(value, list | tuple):
            found += [
                (place, within)
                for within, item in enumerate(value)
                if isinstance(item, torch.Tensor) and wanted(item)
            ]
    return found


def tensors_at(
    slots: Sequence[Slot], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any, ...]:
    """Take the tensors out of given slots.

    Parameters
    ----------
    slots : sequence of Slot
        As `find_slots` returns them.
    args, kwargs
        Of the call.

    Returns
    -------
    tuple of torch.Tensor
    """
    held = ((kwargs[place] if isinstance(place, str) else args[place]) for place, _ in slots)
    return tuple(
        value if within is None else value[within]
        for value, (_, within) in zip(held, slots, strict=True)
    )


def _items(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[tuple[int | str, Any]]:
    yield from enumerate(args)
    yield from kwargs.items()
