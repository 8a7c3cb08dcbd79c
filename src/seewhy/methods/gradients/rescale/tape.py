"""What a network did with the image, function by function, to pair the references with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seewhy.errors import ModelError


class UnpairedError(Exception):
    """The image alone does not broadcast against the references: it must be repeated for each."""


@dataclass
class Tape:
    """Names and arguments of the nonlinear functions, in the order of their calls.

    Written during the image's pass, then read during that of the references, which takes the
    same steps. Pairing by order needs to know nothing of where a network keeps its batch axis.
    """

    entries: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    position: int = 0

    def write(self, name: str, tensors: tuple[Any, ...]) -> None:
        """Keep the arguments of a call; copies, since a network may overwrite them in place."""
        self.entries.append((name, tuple(tensor.detach().clone() for tensor in tensors)))

    def read(self, name: str, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give the image's arguments for a call of the references, and forget them.

        Raises
        ------
        UnpairedError
            When their shapes do not broadcast.
        ModelError
            When the image's pass called another function here.
        """
        if self.position == len(self.entries):
            raise _other_steps(name, "nothing")
        expected, image = self.entries[self.position]
        if name != expected or len(image) != len(tensors):
            raise _other_steps(name, expected)
        for ours, theirs in zip(image, tensors, strict=True):
            if ours.shape != theirs.shape:
                check_broadcast(tuple(ours.shape), tuple(theirs.shape))
        self.entries[self.position] = (name, ())
        self.position += 1
        return image

    def check_finished(self) -> None:
        """Raise ModelError when the references' pass stopped short of the image's."""
        if self.position < len(self.entries):
            raise _other_steps("nothing", self.entries[self.position][0])


def check_broadcast(image: tuple[int, ...], references: tuple[int, ...]) -> None:
    """Raise UnpairedError unless the first shape broadcasts to exactly the second.

    Parameters
    ----------
    image, references : tuple of int
        Shapes. An axis may be one long in the image's where the references' is not; then it can
        only be the batch axis.
    """
    fits = len(image) == len(references) and all(
        ours in (1, theirs) for ours, theirs in zip(image, references, strict=True)
    )
    if not fits:
        raise UnpairedError


def _other_steps(now: str, then: str) -> ModelError:
    return ModelError(
        "the network must take the same steps for every picture to be explained by DeepSHAP; it "
        f"called {now} for a reference where it had called {then} for the image: use a method "
        "that needs no gradients, such as KernelShap."
    )
