"""How a Keras network wants its pixels: by the layers it begins with, or by its name.

A network that holds a Rescaling or a Normalization layer takes pictures as they are; scaling
them before as well is the commonest way to feed it wrongly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from seewhy.errors import InputError
from seewhy.models.keras_names import application_of
from seewhy.models.keras_network import NetworkInput
from seewhy.models.preprocessing import Channels, Preprocessing

_WHITE = 255.0
_MOST_SPAN = 10.0  # between black and white, of pixels that were brought to order one
# Operations at the beginning of a network that only change the scale of its pixels, …
_SCALING = {
    "Rescaling",
    "Normalization",
    "TrueDivide",
    "Divide",
    "Multiply",
    "Subtract",
    "Add",
    "Negative",
}
# … or leave it alone when a picture is only classified
_LEAVING = {
    "InputLayer",
    "GetItem",
    "Stack",
    "Concatenate",
    "Identity",
    "Cast",
    "Dropout",
    "SpatialDropout2D",
    "GaussianNoise",
    "Resizing",
    "CenterCrop",
    "ZeroPadding2D",
    "Flatten",
    "Reshape",
    "Permute",
}


class Found(NamedTuple):
    """A preprocessing, and what says so.

    Attributes
    ----------
    preprocessing : Preprocessing
    source : str
        ``"its layer Rescaling(1/255)"``.
    """

    preprocessing: Preprocessing
    source: str


def embedded_or_named(
    network: Any, entry: NetworkInput, size: tuple[int, int], keras: Any
) -> Found | None:
    """Find out how a network wants its pixels.

    Parameters
    ----------
    network : keras.Model
        Built from an input.
    entry : NetworkInput
        What it says about that.
    size : tuple of int
        Height and width of its input.
    keras : module
        From `import_keras`.

    Returns
    -------
    Found or None
        From the layers that it begins with; else, for a network of `keras.applications`, from
        that one's ``preprocess_input``. None where there is neither.
    """
    beginning = _Beginning()
    _follow(network, entry, beginning, keras)
    if beginning.layers:
        white = _white(*beginning.line)
        if white is None:
            return None
        what = "its layer" if len(beginning.layers) == 1 else "its layers"
        source = f"{what} {', '.join(beginning.layers)}"
        return Found(plain_preprocessing(size, entry.channels, white), source)
    for inside in beginning.networks:
        module = application_of(inside)
        if module is not None and entry.channels == 3:
            preprocessing = application_preprocessing(module, size, keras)
            if not leaves_pixels_alone(preprocessing):  # its layers would, and are not there
                return Found(preprocessing, f"preprocess_input of keras.applications.{module}")
    return None


def plain_preprocessing(size: tuple[int, int], channels: int, white: float) -> Preprocessing:
    """Stretch a picture and give its pixels as they are, from 0 to `white`.

    Parameters
    ----------
    size : tuple of int
        Height and width.
    channels : int
        Of the picture.
    white : float
        255 or 1.

    Returns
    -------
    Preprocessing
    """
    kinds: dict[int, Channels] = {1: "L", 3: "RGB"}
    return Preprocessing(
        size,
        mean=(0.0,) * channels,
        std=(1 / white,) * channels,
        channels=kinds.get(channels, "bands"),
    )


def application_preprocessing(module: str, size: tuple[int, int], keras: Any) -> Preprocessing:
    """Write a ``preprocess_input`` of `keras.applications` as a preprocessing.

    Parameters
    ----------
    module : str
        ``"inception_v3"``.
    size : tuple of int
        Height and width that pictures are stretched to, with bilinear interpolation (the default
        of ``load_img`` itself is nearest).
    keras : module
        From `import_keras`.

    Returns
    -------
    Preprocessing
        Found out by giving it a black pixel and one of each colour.

    Raises
    ------
    InputError
        When it does more than to scale, shift and swap colours.
    """
    function = getattr(keras.applications, module).preprocess_input
    pixels = np.concatenate([np.zeros((1, 3)), _WHITE * np.eye(3), _WHITE * np.ones((1, 3))])
    # float64, not in place, and whatever this Keras assumes about axes
    said = np.asarray(
        function(pixels[:, None, None, :].copy(), data_format="channels_last"), np.float64
    )[:, 0, 0, :]
    black, colours, white = said[0], said[1:4] - said[0], said[4]
    order = np.abs(colours).argmax(axis=0)  # which colour each channel of the input listens to
    scale = colours[order, np.arange(3)]
    swapped = {(0, 1, 2): "RGB", (2, 1, 0): "BGR"}.get(tuple(order.tolist()))
    if swapped is None or not np.allclose(black + scale, white) or scale.min() <= 0:
        raise InputError(f"the preprocess_input of keras.applications.{module} is not affine.")
    return Preprocessing(
        size,
        mean=tuple(_neat(number) for number in -black / scale),
        std=tuple(_neat(number) for number in 1 / scale),
        channels="BGR" if swapped == "BGR" else "RGB",
    )


def _neat(number: float) -> float:
    """0.485 where dividing by 255 and multiplying again made 0.48499999999999993 of it."""
    short = float(f"{number:.6g}") + 0.0  # no negative zero
    return short if math.isclose(short, number, rel_tol=1e-12) else float(number)


def leaves_pixels_alone(preprocessing: Preprocessing) -> bool:
    """Tell whether a colour picture stays as it is, from 0 to 255.

    Parameters
    ----------
    preprocessing : Preprocessing
        Any.

    Returns
    -------
    bool
    """
    plain = plain_preprocessing(preprocessing.size, len(preprocessing.mean), _WHITE)
    return bool(np.allclose(preprocessing.mean, 0) and np.allclose(preprocessing.std, plain.std))


@dataclass
class _Beginning:
    """What happens to pixels before the first layer that learns."""

    layers: list[str] = field(default_factory=list)
    networks: list[Any] = field(default_factory=list)  # those entered, the outermost first
    line: tuple[float, float] = (1.0, 0.0)  # slope and offset, of pixel values

    def pass_on(self, black: float, white: float) -> None:
        """Go through one more network, which makes these of 0 and 255."""
        slope, offset = self.line
        rise = (white - black) / _WHITE
        self.line = (slope * rise, black + offset * rise)


def _follow(network: Any, entry: NetworkInput, beginning: _Beginning, keras: Any) -> None:
    """Walk from a network's input, also into networks inside, as far as pixels are only scaled."""
    beginning.networks.append(network)
    if isinstance(network, keras.Sequential):
        network = keras.Model(network.inputs[0], network.outputs[0])
    tensors = {id(network.inputs[0]): network.inputs[0]}
    left: dict[int, dict[int, Any]] = {}
    names: list[str] = []
    for operation, node in _steps(network):
        inside = [tensor for tensor in node.input_tensors if id(tensor) in tensors]
        if inside and len(inside) == len(node.input_tensors) and _only_scales(operation):
            tensors.update((id(tensor), tensor) for tensor in node.output_tensors)
            names += _scalings(operation)
        else:
            for tensor in inside:
                left.setdefault(id(tensor), {})[id(operation)] = operation
    if len(left) != 1:  # several scales at once, or nothing but scaling
        return
    ((end, consumers),) = left.items()
    after = list(consumers.values())
    if names:
        scaled = keras.Model(network.inputs[0], tensors[end])
        black, white = (_at(scaled, value, entry, keras) for value in (0.0, _WHITE))
        if not np.allclose((black, white), (0.0, _WHITE)):  # else they do nothing
            beginning.layers += names
            beginning.pass_on(black, white)
    if len(after) == 1 and len(getattr(after[0], "inputs", None) or ()) == 1:  # a network
        _follow(after[0], entry, beginning, keras)


def _steps(network: Any) -> Iterator[tuple[Any, Any]]:
    """Operations of a network in order, each with how it is called there and not elsewhere."""
    used: dict[int, Any] = {}
    pending = list(network.outputs)
    while pending:
        operation, index, _ = pending.pop()._keras_history
        node = operation._inbound_nodes[index]
        if id(node) not in used:
            used[id(node)] = node
            pending += node.input_tensors
    for operation in network.operations:
        yield from ((operation, node) for node in operation._inbound_nodes if id(node) in used)


def _only_scales(operation: Any) -> bool:
    """Also a network of nothing else, such as a Sequential of augmentations."""
    if hasattr(operation, "layers"):
        return all(_only_scales(layer) for layer in operation.layers)
    kind = type(operation).__name__
    return kind in _SCALING or kind in _LEAVING or kind.startswith("Random")


def _scalings(operation: Any) -> list[str]:
    if hasattr(operation, "layers"):
        return [name for layer in operation.layers for name in _scalings(layer)]
    return [_said(operation)] if type(operation).__name__ in _SCALING else []


def _at(scaled: Any, value: float, entry: NetworkInput, keras: Any) -> float:
    """What becomes of a picture of one value, typically: borders may be padded."""
    shape = [side or 64 for side in scaled.inputs[0].shape[1:]]
    picture = np.full((entry.batch or 1, *shape), value, scaled.inputs[0].dtype)
    return float(np.median(keras.ops.convert_to_numpy(scaled(picture, training=False))))


def _white(slope: float, offset: float) -> float | None:
    """Whether pixels go to 255 or to 1; None where no such pixels are meant, but -1 to 1, say."""
    likely = [white for white in (1.0, _WHITE) if _is_likely(slope, offset, white)]
    return likely[0] if len(likely) == 1 else None


def _is_likely(slope: float, offset: float, white: float) -> bool:
    """Whether pixels from 0 to `white` become numbers that somebody would train on."""
    low, high = sorted((offset, offset + slope * white))
    span = high - low
    askew = abs(low + high) / 2 / span if span else math.inf  # 0.5 where black or white becomes 0
    if math.isclose(span, _WHITE, rel_tol=1e-3):  # only shifted, as by caffe, or made bytes again
        return askew <= 0.25 or (white == 1 and low == 0)
    if abs(low) <= 0.01 * span:
        return 0.9 <= span <= 2.1 if white == _WHITE else math.isclose(span, 1, rel_tol=0.05)
    # pixels of mean m and standard deviation s have s² <= m (white - m): these bounds are at least
    # 1 in product where they were brought to mean 0 and deviation 1
    return 0.9 <= span <= _MOST_SPAN and (askew <= 0.1 or -low * high >= 0.9)


def _said(operation: Any) -> str:
    kind = type(operation).__name__
    scale = getattr(operation, "scale", None)
    offset = getattr(operation, "offset", None)
    if kind != "Rescaling" or not isinstance(scale, float | int):
        return kind
    near = round(2 / scale) / 2 if 0 < scale < 1 else 0.0
    fraction = near > 0 and math.isclose(near * scale, 1, rel_tol=1e-5)
    shown = f"1/{near:g}" if fraction else f"{scale:g}"
    shift = f", {offset:g}" if isinstance(offset, float | int) and offset else ""
    return f"Rescaling({shown}{shift})"
