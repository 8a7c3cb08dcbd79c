"""What a Keras network says about itself: its input, and whether it ends in a softmax."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seewhy.errors import InputError
from seewhy.models.array_model import Layout
from seewhy.models.protocol import Output

_MOST_CHANNELS = 16
# Layers that leave the kind of numbers as it is
_SHAPES = {
    "Flatten",
    "Reshape",
    "Permute",
    "Dropout",
    "Identity",
    "Cast",
    "GlobalAveragePooling2D",
    "Squeeze",
}


@dataclass(frozen=True)
class NetworkInput:
    """The one picture that a network takes.

    Parameters
    ----------
    height, width : int or None
        None where the network takes any.
    channels : int
        From 1 to 16.
    layout : {"NHWC", "NCHW"}
        Where its channels are.
    flat : bool
        Whether it is grey and has no axis of channels, as in (n, 28, 28).
    batch : int or None
        The only number of pictures that it takes.
    dtype : str
        Of its numbers.
    """

    height: int | None
    width: int | None
    channels: int
    layout: Layout
    flat: bool
    batch: int | None
    dtype: str


def network_input(network: Any, *, name: str, image_data_format: str) -> NetworkInput | None:
    """Read the shape of a network's input.

    Parameters
    ----------
    network : keras.Model
        Any.
    name : str
        How it is called in messages.
    image_data_format : {"channels_last", "channels_first"}
        What Keras assumes where nothing says.

    Returns
    -------
    NetworkInput or None
        None for a network whose class does not say, because it was never built from an input.

    Raises
    ------
    InputError
        When it takes several inputs, gives several outputs, or takes something else than pictures.
    """
    inputs, outputs = _tensors(network, "inputs"), _tensors(network, "outputs")
    if inputs is None or outputs is None:
        return None
    for what, tensors in (("inputs", inputs), ("outputs", outputs)):
        if len(tensors) != 1:
            names = ", ".join(str(tensor.name) for tensor in tensors)
            raise InputError(
                f"network must have one input, a picture, and one output, its scores; {name} has "
                f"{len(tensors)} {what} ({names}): make a keras.Model of the two that are meant."
            )
    shape = tuple(inputs[0].shape)
    flat = len(shape) == 3
    sides = (*shape[1:], 1) if flat else shape[1:]
    if len(sides) != 3 or not any(_is_channels(side) for side in (sides[0], sides[2])):
        raise InputError(
            f"network must take pictures of 1 to {_MOST_CHANNELS} channels, (n, height, width, "
            f"channels); {name} takes inputs of shape {shape}."
        )
    layout: Layout = "NHWC"
    if not flat and _channels_first(network, sides, image_data_format):
        layout, sides = "NCHW", (*sides[1:], sides[0])
    height, width, channels = sides
    return NetworkInput(
        height, width, channels, layout, flat=flat, batch=shape[0], dtype=str(inputs[0].dtype)
    )


def kind_of_output(network: Any) -> tuple[Output, str] | None:
    """Tell from its last activation what a network returns.

    Parameters
    ----------
    network : keras.Model
        With one output.

    Returns
    -------
    tuple of str, or None
        What it returns, and what says so; None where the end of the network does not say.
    """
    operation = _last_operation(network)
    if operation is None:
        return None
    units = network.outputs[0].shape[-1]
    activation = _activation(operation)
    if activation == "softmax" or (activation == "sigmoid" and units == 1):
        return "probabilities", f"its last activation, {activation}"
    if activation == "linear":
        return "logits", "its last layer, which has no activation"
    return None


def last_activation(network: Any) -> str | None:
    """Name the last activation of a network, for messages.

    Parameters
    ----------
    network : keras.Model
        Any.

    Returns
    -------
    str or None
        None where its end has none, or cannot be seen.
    """
    operation = _last_operation(network)
    return None if operation is None else _activation(operation)


def layers_of(network: Any) -> Iterator[Any]:
    """Walk over the layers of a network and of those nested in it.

    Parameters
    ----------
    network : keras.Model
        Any.

    Yields
    ------
    keras.Layer
    """
    for layer in network.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from layers_of(layer)


def _tensors(network: Any, which: str) -> list[Any] | None:
    try:
        tensors = getattr(network, which)
    except (AttributeError, ValueError):  # never built, or a class of its own
        return None
    return list(tensors) if tensors else None


def _is_channels(side: int | None) -> bool:
    return side is not None and 1 <= side <= _MOST_CHANNELS


def _channels_first(network: Any, sides: tuple[Any, ...], image_data_format: str) -> bool:
    first, last = _is_channels(sides[0]), _is_channels(sides[2])
    if first != last:
        return first
    said = (getattr(layer, "data_format", None) for layer in layers_of(network))
    return next(filter(None, said), image_data_format) == "channels_first"


def _last_operation(network: Any) -> Any:
    """The operation that makes the outputs what they are, past layers that only reshape them."""
    outputs = _tensors(network, "outputs")
    tensor = None if outputs is None else outputs[0]
    while tensor is not None:
        operation, node, _ = tensor._keras_history
        if hasattr(operation, "layers"):  # a network inside
            return _last_operation(operation)
        if type(operation).__name__ not in _SHAPES and not _does_nothing(operation):
            return operation
        before = operation._inbound_nodes[node].input_tensors
        tensor = before[0] if before else None
    return None


def _does_nothing(operation: Any) -> bool:
    return type(operation).__name__ == "Activation" and _activation(operation) == "linear"


def _activation(operation: Any) -> str | None:
    kind = type(operation).__name__
    if kind in ("Softmax", "Sigmoid"):  # a layer, or keras.ops.softmax(x)
        return kind.lower()
    activation = getattr(operation, "activation", None)
    return getattr(activation, "__name__", None)
