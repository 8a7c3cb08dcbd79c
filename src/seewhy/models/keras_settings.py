"""What is settled about a Keras network before it is run: given by a person, or found in it."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from seewhy.errors import InputError
from seewhy.models.array_model import checked_output
from seewhy.models.byte_input import for_bytes
from seewhy.models.keras_backend import import_keras
from seewhy.models.keras_names import application_of
from seewhy.models.keras_network import (
    NetworkInput,
    kind_of_output,
    last_activation,
    network_input,
)
from seewhy.models.keras_preprocessing import (
    Found,
    embedded_or_named,
    leaves_pixels_alone,
    plain_preprocessing,
)
from seewhy.models.labels import imagenet_labels
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output

_BYTES = "uint8"


def entry_of(network: Any, *, name: str, keras: Any) -> NetworkInput | None:
    """Read the shape of a network's input; see `network_input`.

    Parameters
    ----------
    network : keras.Model
        Any.
    name : str
        How it is called in messages.
    keras : module
        From `import_keras`.

    Returns
    -------
    NetworkInput or None
    """
    return network_input(network, name=name, image_data_format=keras.config.image_data_format())


def found_preprocessing(
    network: Any,
    entry: NetworkInput | None,
    input_size: tuple[int, int] | None,
    *,
    name: str,
) -> Found | None:
    """Find out how a network wants its pictures.

    Parameters
    ----------
    network : keras.Model
        Any.
    entry : NetworkInput or None
        What it says about its input.
    input_size : tuple of int, optional
        Height and width, where it takes any.
    name : str
        How it is called in messages.

    Returns
    -------
    Found or None
        None where nothing says how its pixels are scaled.

    Raises
    ------
    InputError
        When its input has no size of its own and none is given.
    """
    if entry is None:
        return None
    size = _size(entry, input_size, name)
    found = embedded_or_named(network, entry, size, import_keras())
    if entry.dtype == _BYTES and (found is None or not leaves_pixels_alone(found.preprocessing)):
        plain = plain_preprocessing(size, entry.channels, 255)
        return Found(plain, f"its input of bytes ({_BYTES})")
    return found


def settled_preprocessing(
    network: Any,
    entry: NetworkInput | None,
    preprocess: str | Path | Preprocessing,
    input_size: tuple[int, int] | None,
    name: str,
) -> Found:
    """Take the preprocessing that was given, or the one that is found.

    Parameters
    ----------
    network : keras.Model
        Any.
    entry : NetworkInput or None
        What it says about its input.
    preprocess : "auto", Preprocessing, str or Path
        What was given.
    input_size : tuple of int, optional
        Height and width, where it takes any.
    name : str
        How it is called in messages.

    Returns
    -------
    Found

    Raises
    ------
    InputError
        When it does not fit the network, or must be given because nothing says it.
    """
    input_size = _checked_size(input_size)
    if preprocess != "auto":
        return Found(_given(entry, preprocess, input_size, name), "as given")
    found = found_preprocessing(network, entry, input_size, name=name)
    if found is None:
        height, width = (224, 224) if entry is None else _size(entry, input_size, name)
        raise InputError(
            f"{name} does not say how its pixels are scaled, since it begins with no Rescaling or "
            "Normalization layer that takes them from 0 to 255 or to 1; give preprocess: "
            f"Preprocessing(({height}, {width})) for pixels in [0, 1], with "
            "mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5) for -1 to 1, a JSON file "
            "(--preprocess FILE), or a model that takes the same, such as 'keras:InceptionV3'."
        )
    return found


def _given(
    entry: NetworkInput | None,
    preprocess: str | Path | Preprocessing,
    input_size: tuple[int, int] | None,
    name: str,
) -> Preprocessing:
    from seewhy.models.spec import resolve_preprocessing  # it imports adapters such as this

    given = resolve_preprocessing(preprocess)
    if input_size is not None and input_size != tuple(given.size):
        raise InputError(
            f"input_size is {input_size}, but preprocess brings pictures to {tuple(given.size)}; "
            "they must agree."
        )
    _check_size(entry, given, name)
    return for_bytes(given, name=name) if entry is not None and entry.dtype == _BYTES else given


def _checked_size(given: Iterable[int] | None) -> tuple[int, int] | None:
    if given is None:
        return None
    try:
        height, width = (operator.index(side) for side in given)  # NumPy's whole numbers too
    except (TypeError, ValueError):
        height = width = 0
    if min(height, width) < 1:
        raise InputError(
            f"input_size must be (height, width), two whole numbers of pixels; got {given!r}."
        )
    return height, width


def _size(entry: NetworkInput, input_size: tuple[int, int] | None, name: str) -> tuple[int, int]:
    wanted = input_size or (None, None)
    own = (entry.height, entry.width)
    size = tuple(side or want for side, want in zip(own, wanted, strict=True))
    if None in size:
        raise InputError(
            f"{name} takes pictures of any size; give input_size=(height, width), or preprocess, "
            "with the size that it was trained on."
        )
    if input_size is not None and size != wanted:
        raise InputError(
            f"input_size must be that of the network; got {wanted}, but {name} takes pictures of "
            f"{size[0]} × {size[1]}."
        )
    height, width = size
    return height or 0, width or 0


def _check_size(entry: NetworkInput | None, given: Preprocessing, name: str) -> None:
    if entry is None:
        return
    own = (entry.height, entry.width, entry.channels)
    if any(side not in (None, made) for side, made in zip(own, given.input_size, strict=True)):
        shown = " × ".join("any" if side is None else str(side) for side in own)
        raise InputError(
            f"preprocess must make what the network takes: {name} takes pictures of {shown}, "
            f"height, width and channels; got {' × '.join(map(str, given.input_size))}."
        )


def settled_output(network: Any, output: str, name: str) -> tuple[Output, str]:
    """Take the kind of output that was given, or the one that the last activation tells.

    Parameters
    ----------
    network : keras.Model
        Any.
    output : str
        What was given, or ``"auto"``.
    name : str
        How it is called in messages.

    Returns
    -------
    tuple of str
        The kind, and what says so.

    Raises
    ------
    InputError
        When it is unknown, or must be given because nothing says it.
    """
    if output != "auto":
        return checked_output(output), "as given"
    kind = kind_of_output(network)
    if kind is None:
        activation = last_activation(network)
        ends = (
            "does not show its last activation" if activation is None else f"ends in {activation}"
        )
        raise InputError(
            f"{name} {ends}; say what it returns: output='logits', output='probabilities' (rows "
            "that sum to 1, or one probability), or output='raw' for any other scores."
        )
    return kind


def knows_imagenet(network: Any) -> bool:
    """Tell whether a network of `keras.applications` has the outputs it was published with.

    Parameters
    ----------
    network : keras.Model
        Any.

    Returns
    -------
    bool
    """
    outputs = getattr(network, "outputs", None)
    count = outputs[0].shape[-1] if outputs else None
    return application_of(network) is not None and count == len(imagenet_labels())
