"""EfficientNet-Lite0 in plain PyTorch: the differentiable twin of ``builtin:imagenet``.

It needs neither torchvision nor timm, and its modules carry the names of the
weights' file, so that the state dict loads strictly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seewhy.errors import ModelError
from seewhy.models.efficientnet_lite import BATCH_NORM_EPSILON, BLOCKS, Block, read_weights
from seewhy.models.torch_extra import torch
from seewhy.models.torch_model import TorchModel

_STEM, _HEAD, _CLASSES = 32, 1280, 1000


def build(weights: Mapping[str, np.ndarray]) -> Any:
    """Build EfficientNet-Lite0 with given weights.

    Parameters
    ----------
    weights : mapping of str to ndarray
        As `seewhy.models.efficientnet_lite.read_weights` returns them.

    Returns
    -------
    torch.nn.Module
        In evaluation mode; takes (n, 3, h, w), RGB scaled to [-1, 1], returns logits (n, 1000).

    Raises
    ------
    ModelError
        When the weights are those of another network.
    """
    with torch.random.fork_rng(devices=[]):  # its own initial weights must not cost a draw
        network = _EfficientNetLite0()
    state = {name: torch.tensor(array) for name, array in weights.items()}
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ModelError(
            "the weights are not those of EfficientNet-Lite0: "
            f"{str(error).splitlines()[-1].strip()}"
        ) from error
    return network.eval()


def torch_twin(
    weights: Mapping[str, np.ndarray] | None = None, *, spec: str = "builtin:imagenet"
) -> TorchModel:
    """Give ``builtin:imagenet`` as a network that can be differentiated.

    Parameters
    ----------
    weights : mapping of str to ndarray, optional
        Other ones than those installed.
    spec : str
        How it is named in results.

    Returns
    -------
    TorchModel
        With the labels, the preprocessing and, to float32 rounding, the logits of the built-in
        model.
    """
    from seewhy.models.builtin import IMAGENET_PREPROCESSING
    from seewhy.models.labels import imagenet_aliases, imagenet_labels

    return TorchModel(
        build(read_weights() if weights is None else weights),
        preprocess=IMAGENET_PREPROCESSING,
        labels=imagenet_labels(),
        aliases=imagenet_aliases(),
        spec=spec,
    )


class _SameConv2d(torch.nn.Conv2d):  # type: ignore[misc]
    """A convolution padded as TensorFlow's SAME: to ceil(size / stride), odd pixels at the end."""

    def forward(self, images: Any) -> Any:
        pads: list[int] = []
        for size, kernel, stride in zip(
            images.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(torch.nn.functional.pad(images, pads) if any(pads) else images)


class _InvertedResidual(torch.nn.Module):  # type: ignore[misc]
    def __init__(self, block: Block) -> None:
        super().__init__()
        wide = block.channels_in * block.expansion
        self._expands = block.expansion > 1
        self._has_skip = block.has_skip
        if self._expands:
            self._expand_conv = torch.nn.Conv2d(block.channels_in, wide, 1, bias=False)
            self._bn0 = _norm(wide)
        self._depthwise_conv = _SameConv2d(
            wide, wide, block.kernel, stride=block.stride, groups=wide, bias=False
        )
        self._bn1 = _norm(wide)
        self._project_conv = torch.nn.Conv2d(wide, block.channels_out, 1, bias=False)
        self._bn2 = _norm(block.channels_out)

    def forward(self, entry: Any) -> Any:
        relu6 = torch.nn.functional.relu6
        x = relu6(self._bn0(self._expand_conv(entry))) if self._expands else entry
        x = relu6(self._bn1(self._depthwise_conv(x)))
        x = self._bn2(self._project_conv(x))
        return x + entry if self._has_skip else x


class _EfficientNetLite0(torch.nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _SameConv2d(3, _STEM, 3, stride=2, bias=False)
        self._bn0 = _norm(_STEM)
        self._blocks = torch.nn.ModuleList(_InvertedResidual(block) for block in BLOCKS)
        self._conv_head = torch.nn.Conv2d(BLOCKS[-1].channels_out, _HEAD, 1, bias=False)
        self._bn1 = _norm(_HEAD)
        self._fc = torch.nn.Linear(_HEAD, _CLASSES)

    def forward(self, images: Any) -> Any:
        relu6 = torch.nn.functional.relu6
        x = relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            x = block(x)
        x = relu6(self._bn1(self._conv_head(x)))
        return self._fc(x.mean(dim=(2, 3)))


def _norm(channels: int) -> Any:
    return torch.nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON)
