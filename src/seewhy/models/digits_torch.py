"""The network behind ``builtin:digits`` in plain PyTorch: its differentiable twin.

A small residual network for 28 × 28 grey pictures. Batch normalisation, which it was trained
with, is folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped

from seewhy.models.torch_extra import torch
from seewhy.models.torch_model import TorchModel

STEM = 16
BLOCKS = ((16, 32, 2), (32, 32, 1), (32, 48, 2), (48, 48, 1))
"""Channels in, channels out and stride of every residual block."""
CLASSES = 10


class DigitsNet(torch.nn.Module):  # type: ignore[misc]
    """A stem, four residual blocks, the mean over the picture, ten logits.

    Parameters
    ----------
    convolution : callable
        Makes a layer from channels in, channels out, kernel and stride. In training that is a
        convolution with batch normalisation; here, one with a bias.
    """

    def __init__(self, convolution: Any = None) -> None:
        super().__init__()
        make = _convolution if convolution is None else convolution
        self.stem = make(1, STEM, 3, 1)
        self.blocks = torch.nn.ModuleList(_Residual(*block, make) for block in BLOCKS)
        self.head = torch.nn.Linear(BLOCKS[-1][1], CLASSES)

    def forward(self, pictures: Any) -> Any:
        """Classify normalised grey pictures (n, 1, 28, 28); returns logits (n, 10)."""
        x = torch.relu(self.stem(pictures))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(dim=(2, 3)))


class _Residual(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, channels_in: int, channels_out: int, stride: int, make: Any) -> None:
        super().__init__()
        self.first = make(channels_in, channels_out, 3, stride)
        self.second = make(channels_out, channels_out, 3, 1)
        same = stride == 1 and channels_in == channels_out
        self.shortcut = torch.nn.Identity() if same else make(channels_in, channels_out, 1, stride)

    def forward(self, entry: Any) -> Any:
        return torch.relu(self.second(torch.relu(self.first(entry))) + self.shortcut(entry))


def _convolution(channels_in: int, channels_out: int, kernel: int, stride: int) -> Any:
    return torch.nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2)


def torch_twin(weights: Mapping[str, Shaped[np.ndarray, "*any"]], *, spec: str) -> TorchModel:
    """Give ``builtin:digits`` as a network that can be differentiated.

    Parameters
    ----------
    weights : mapping of str to ndarray
        As the constants of the ONNX file are named and shaped.
    spec : str
        How it is named in results.

    Returns
    -------
    TorchModel
        With the labels, the preprocessing and, to float32 rounding, the logits of the built-in
        model.
    """
    from seewhy.models.digits import DIGITS_PREPROCESSING, LABELS

    with torch.random.fork_rng(devices=[]):  # its own initial weights must not cost a draw
        network = DigitsNet()
    network.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
    return TorchModel(network.eval(), preprocess=DIGITS_PREPROCESSING, labels=LABELS, spec=spec)
