"""Layers of a torch network that look at places of the picture: to be found, named and read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from seewhy.errors import InputError, ModelError, did_you_mean
from seewhy.models.torch_extra import torch

Layout = Literal["NCHW", "NHWC", "tokens"]
# they hand on what the layer before them saw, coarser or not at all changed
_PASSING_ON = ("Pool", "Dropout", "Identity", "Permute", "Flatten")


@dataclass(frozen=True, eq=False)
class Seen:
    """What a layer answered for one picture.

    Attributes
    ----------
    name : str
        The module's path, as ``module.get_submodule`` takes it.
    output : torch.Tensor
        (1, c, h, w), (1, h, w, c) or (1, tokens, c).
    layout : {"NCHW", "NHWC", "tokens"}
    grid : (int, int)
        Height and width.
    """

    name: str
    output: Any
    layout: Layout
    grid: tuple[int, int]

    def as_maps(self, tensor: Any) -> Any:
        """Bring something of the output's shape, (…, *shape[1:]), to (…, c, h, w)."""
        if self.layout == "NCHW":
            return tensor
        if self.layout == "tokens":  # those that stand for no place, such as [CLS], come first
            h, w = self.grid
            tensor = tensor[..., -h * w :, :].unflatten(-2, self.grid)
        return tensor.movedim(-1, -3)


@contextmanager
def watched(
    module: Any, names: list[str], *, picture: tuple[int, int]
) -> Iterator[dict[str, Seen]]:
    """Keep what layers answer, those that finish last last; hooks are taken away afterwards.

    Parameters
    ----------
    module : torch.nn.Module
    names : list of str
        Of the layers.
    picture : (int, int)
        Height and width of the input, by which layouts are told apart.

    Yields
    ------
    dict of str to Seen
        Filled while the network runs on one picture; of layers that run repeatedly, the last time.
    """
    seen: dict[str, Seen] = {}
    patches: list[tuple[int, int]] = []  # the grid that tokens were cut from

    def hook(name: str) -> Any:
        def keep(_: Any, __: Any, output: Any) -> Any:
            if not isinstance(output, torch.Tensor) or not output.is_floating_point():
                return None
            found = _arranged(tuple(output.shape), picture, patches[-1] if patches else None)
            if found is None:
                return None
            layout, grid = found
            if layout != "tokens":
                patches.append(grid)
            seen.pop(name, None)
            seen[name] = Seen(name, output, layout, grid)
            return output.clone()  # what follows may overwrite its input

        return keep

    handles = [module.get_submodule(name).register_forward_hook(hook(name)) for name in names]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def spatial_layers(module: Any) -> list[str]:
    """Name all layers but those that only pool or hand on."""
    return [
        name
        for name, part in module.named_modules()
        if name and not any(word in type(part).__name__ for word in _PASSING_ON)
    ]


def check_layer(module: Any, name: str) -> None:
    """Refuse a name that is none of the network's layers.

    Raises
    ------
    InputError
        With names that are near.
    """
    known = [known for known, _ in module.named_modules() if known]
    if name not in known:
        near = did_you_mean(name, known) or f"; the last ones are {', '.join(known[-3:])}."
        raise InputError(f"layer must be 'auto' or a module of the network; got {name!r}{near}")


def last_spatial(seen: dict[str, Seen], scores: Any, *, classes: int, name: str) -> Seen:
    """Choose the last layer that looks at places and on which the scores depend place by place.

    Parameters
    ----------
    seen : dict of str to Seen
        Of all `spatial_layers`, from a forward pass with gradients.
    scores : torch.Tensor
        (1, t), from the same pass.
    classes : int
        Maps of so many channels are scores already, and passed over.
    name : str
        How the network is called in messages.

    Raises
    ------
    InputError
        When there is none.
    """
    able = [s for s in seen.values() if s.output.requires_grad]
    able = [s for s in able if s.as_maps(s.output).shape[-3] != classes]
    if able and scores.requires_grad:
        outputs = [candidate.output for candidate in able]
        one = scores[0, 0]  # the log-odds of both of two classes would cancel in a sum
        gradients = torch.autograd.grad(one, outputs, retain_graph=True, allow_unused=True)
        for candidate, gradient in reversed(list(zip(able, gradients, strict=True))):
            # behind the last attention only [CLS] counts
            if gradient is not None and bool((candidate.as_maps(gradient) != 0).any()):
                return candidate
    raise InputError(
        f"grad-cam needs a layer that still looks at places of the picture, and {name} has none "
        "before its scores: name one as layer=…, or use gradient-shap, which needs no layer."
    )


def layer_seen(seen: dict[str, Seen], layer: str, *, name: str) -> Seen:
    """Return what a named layer answered.

    Raises
    ------
    ModelError
        When it answered nothing that has places.
    """
    if layer not in seen:
        raise ModelError(
            f"layer {layer!r} of {name} gave no maps (1, c, h, w), nor tokens of a grid, for a "
            "picture: name one that does, or leave layer='auto'."
        )
    return seen[layer]


def _arranged(
    shape: tuple[int, ...], picture: tuple[int, int], patches: tuple[int, int] | None
) -> tuple[Layout, tuple[int, int]] | None:
    """How an output holds places, and how many; None when it holds none."""
    if len(shape) == 4 and shape[0] == 1:
        first, last = (shape[2], shape[3]), (shape[1], shape[2])
        # of the two readings, the one whose grid has the picture's proportions
        reading: tuple[Layout, tuple[int, int]] = ("NCHW", first)
        if _skew(last, picture) < _skew(first, picture):
            reading = ("NHWC", last)
        return reading if min(reading[1]) > 1 else None
    if len(shape) == 3 and shape[0] == 1 and patches is not None:
        extra = shape[1] - patches[0] * patches[1]  # [CLS], distillation, registers
        return ("tokens", patches) if 0 <= extra <= 8 else None
    return None


def _skew(grid: tuple[int, int], picture: tuple[int, int]) -> float:
    across, down = grid[1] * picture[0], grid[0] * picture[1]
    return max(across, down) / min(across, down)
