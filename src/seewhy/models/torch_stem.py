"""The first convolution of a network: how many channels its pictures have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seewhy.models.torch_extra import torch

_COPIED = ("kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")


def fit_stem(module: Any, state: Mapping[str, Any]) -> int:
    """Let a network take pictures with as many channels as its weights were trained on.

    Parameters
    ----------
    module : torch.nn.Module
        Its first convolution is exchanged, in place, when the weights' has other channels.
    state : mapping of str to torch.Tensor
        The weights.

    Returns
    -------
    int
        Channels of its pictures; 3 when there is no convolution to tell.
    """
    convolutions = (
        (name, layer)
        for name, layer in module.named_modules()
        if isinstance(layer, torch.nn.Conv2d)
    )
    name, stem = next(convolutions, ("", None))
    if stem is None:
        return 3
    weight = state.get(f"{name}.weight")
    channels = int(stem.in_channels if weight is None or weight.ndim != 4 else weight.shape[1])
    if channels != stem.in_channels and stem.groups == 1:
        settings = {setting: getattr(stem, setting) for setting in _COPIED}
        fitting = torch.nn.Conv2d(
            channels, stem.out_channels, bias=stem.bias is not None, **settings
        )
        folder, _, own_name = name.rpartition(".")
        setattr(module.get_submodule(folder), own_name, fitting)
        if getattr(module, "transform_input", False):  # it shifts the three colours of ImageNet
            module.transform_input = False
    return channels
