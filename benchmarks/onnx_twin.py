"""A convolutional network from an ONNX file as a torch network with the same logits.

Gradient methods differentiate a torch network; an `OnnxModel` has none until its ``twin`` is set.
This knows the operators of a plain image classifier, after its constants are folded, and refuses
all others. It needs ``pip install onnx`` beside ``seewhy[torch]``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

import seewhy as sw


def simplified(path: Path) -> onnx.ModelProto:
    """Read a file as ONNX Runtime simplifies it, padding as a part of convolutions.

    What depends on no picture is a constant. Padding of its own costs ONNX Runtime two thirds
    more time: between padding and convolution it rearranges everything.
    """
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as draft:
        settings.optimized_model_filepath = str(Path(draft) / "folded.onnx")
        onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        model = onnx.load(settings.optimized_model_filepath)
    _merge_padding(model.graph)
    return model


def _merge_padding(graph: onnx.GraphProto) -> None:
    held = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    pads = {node.output[0]: node for node in graph.node if node.op_type == "Pad"}
    for node in graph.node:
        pad = pads.get(node.input[0]) if node.input else None
        if pad is None:
            continue
        own = next(entry for entry in node.attribute if entry.name == "pads")
        value = held[pad.input[2]] if len(pad.input) > 2 and pad.input[2] else 0
        if node.op_type != "Conv" or any(own.ints) or value != 0:
            raise SystemExit("padding is only known with zeros, before a convolution")
        _, _, top, left, _, _, bottom, right = held[pad.input[1]].tolist()
        own.ints[:] = [top, left, bottom, right]
        node.input[0] = pad.input[0]
    kept = [node for node in graph.node if node.op_type != "Pad"]
    used = {name for node in kept for name in node.input}
    weights = [entry for entry in graph.initializer if entry.name in used]
    for field, entries in ((graph.node, kept), (graph.initializer, weights)):
        del field[:]
        field.extend(entries)


class Network(torch.nn.Module):
    """The operators of a graph, one after the other."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        super().__init__()
        held = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
        (self.entry,) = (entry.name for entry in graph.input if entry.name not in held)
        (self.answer,) = (answer.name for answer in graph.output)
        self.steps: list[tuple[Callable[..., Any], list[str], str]] = []
        for number, node in enumerate(graph.node):
            constants = [held[name] for name in node.input if name in held]
            tensors = [name for name in node.input if name and name not in held]
            part = _part(node, constants)
            if isinstance(part, torch.nn.Module):
                self.add_module(f"{node.op_type.lower()}_{number}", part)
            self.steps.append((part, tensors, node.output[0]))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Classify normalised pictures."""
        values = {self.entry: pictures}
        for part, names, result in self.steps:
            values[result] = part(*(values[name] for name in names))
        return values[self.answer]


def _part(node: onnx.NodeProto, constants: list[np.ndarray]) -> Callable[..., Any]:
    """Give the torch module or function of one operator."""
    said = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
    if node.op_type == "Conv":
        return _convolution(said, *constants)
    if node.op_type == "Clip":
        low, high = (float(bound) for bound in constants)
        return torch.nn.Hardtanh(low, high)
    if node.op_type in ("Add", "Mul", "Div"):
        return _arithmetic(node, constants)
    if node.op_type == "ReduceMean" and said.get("keepdims", 1):
        return lambda x: x.mean(dim=tuple(said["axes"]), keepdim=True)
    if node.op_type == "Flatten" and said.get("axis", 1) == 1:
        return lambda x: x.flatten(1)
    if node.op_type == "Slice" and len(constants) == 4:
        return _slice(*constants)
    raise SystemExit(f"{node.op_type} with {said} is not known here; give the model as torch")


def _convolution(said: dict[str, Any], weight: np.ndarray, bias: np.ndarray) -> torch.nn.Module:
    top, left, bottom, right = said.get("pads", [0, 0, 0, 0])
    even = (top, left) == (bottom, right)
    groups = said.get("group", 1)
    layer = torch.nn.Conv2d(
        weight.shape[1] * groups,
        weight.shape[0],
        weight.shape[2:],
        stride=tuple(said.get("strides", [1, 1])),
        padding=(top, left) if even else 0,
        dilation=tuple(said.get("dilations", [1, 1])),
        groups=groups,
    )
    layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    return (
        layer
        if even
        else torch.nn.Sequential(torch.nn.ZeroPad2d((left, right, top, bottom)), layer)
    )


def _arithmetic(node: onnx.NodeProto, constants: list[np.ndarray]) -> Callable[..., Any]:
    function = {"Add": torch.add, "Mul": torch.mul, "Div": torch.div}[node.op_type]
    if not constants:
        return function
    number = float(constants[0])  # of "Div" the second: the check of logits would tell
    return lambda x: function(x, number)


def _slice(*edges: np.ndarray) -> Callable[..., Any]:
    start, stop, axis, step = (int(edge[0]) for edge in edges)
    if (axis, step) != (1, 1):
        raise SystemExit("only slices of classes are known")
    return lambda x: x[:, start:stop]


def with_twin(path: Path, folder: Path) -> sw.OnnxModel:
    """Load a file, simplified in a folder, so that gradient methods use a torch network of it."""
    content = simplified(path)
    file = folder / f"{path.stem}-simplified.onnx"
    draft = file.with_suffix(f".{os.getpid()}")
    onnx.save(content, draft)
    draft.replace(file)
    model = sw.OnnxModel(file, sidecar=path.with_suffix(".json"))

    @lru_cache(maxsize=1)
    def twin() -> sw.TorchModel:
        return sw.TorchModel(
            Network(content.graph).eval(),
            preprocess=model.preprocessing,
            labels=model.labels,
            output=model.output,
            spec=model.spec,
        )

    model.twin = twin
    return model
