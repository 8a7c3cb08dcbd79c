"""The weights of a Keras network: a digest of them, a copy with others, a file's classes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from jaxtyping import Shaped

from seewhy.errors import InputError, ModelError, what_happened
from seewhy.models.keras_backend import kept_random_state, quiet_import
from seewhy.models.keras_network import layers_of
from seewhy.models.shuffled import shuffled_arrays


def network_parts(network: Any) -> Iterator[bytes]:
    """Give what determines a network's answers: its structure and its weights as they are now.

    Parameters
    ----------
    network : keras.Model
        Any. Names that Keras made up while counting layers do not matter.

    Yields
    ------
    bytes
    """
    yield _structure(network).encode()
    for array in network.get_weights():
        yield f"{array.dtype} {array.shape}\0".encode()
        yield np.ascontiguousarray(array).tobytes()


def shuffled_network(network: Any, rng: np.random.Generator, keras: Any, *, name: str) -> Any:
    """Copy a network, the entries of every weight of two axes or more permuted within it.

    Parameters
    ----------
    network : keras.Model
        Stays as it is.
    rng : numpy.random.Generator
        Draws the permutations.
    keras : module
        From `import_keras`.
    name : str
        How the network is called in messages.

    Returns
    -------
    keras.Model

    Raises
    ------
    InputError
        When it has no such weight.
    ModelError
        When it cannot be copied.
    """
    arrays = {str(index): array for index, array in enumerate(network.get_weights())}
    if not any(array.ndim >= 2 for array in arrays.values()):
        raise InputError(
            f"model must have floating-point weights of two axes or more to be shuffled; {name} "
            "has none."
        )
    shuffled = list(shuffled_arrays(arrays, rng).values())
    try:
        return copy_with_weights(network, shuffled, keras)
    except Exception as error:  # a layer of its own may not say how it is made
        raise ModelError(
            f"{name} cannot be copied, to shuffle the copy's weights ({what_happened(error)})."
        ) from error


def copy_with_weights(
    network: Any, weights: Sequence[Shaped[np.ndarray, "*any"]], keras: Any
) -> Any:
    """Make a network of the same structure with other weights.

    Parameters
    ----------
    network : keras.Model
        Stays as it is.
    weights : sequence of ndarray
        As ``network.get_weights()`` gives them.
    keras : module
        From `import_keras`.

    Returns
    -------
    keras.Model
    """
    with kept_random_state(), quiet_import():
        copied = keras.models.clone_model(network)
    copied.set_weights(weights)
    for layer in layers_of(copied):
        if hasattr(layer, "finalize_state"):  # Normalization computes from weights what it uses
            layer.finalize_state()
    return copied


def classes_in_file(path: Path, head: str) -> int | None:
    """Read from a file of weights how many classes its network tells apart.

    Parameters
    ----------
    path : Path
        ``.weights.h5``, ``.h5`` or ``.keras``.
    head : str
        How Keras calls the kind of layer that is the last with weights: ``"dense"``.

    Returns
    -------
    int or None
        None where the file does not tell.

    Raises
    ------
    InputError
        When there is no such file, or it is of another kind.
    ModelError
        When it is damaged.
    """
    if not path.is_file():
        raise InputError(f"there is no weights file {str(path)!r}.")
    if path.suffix.lower() not in (".h5", ".hdf5", ".keras"):
        raise InputError(
            f"a Keras network takes weights from FILE.weights.h5, FILE.h5 or FILE.keras; got "
            f"{path.name!r}."
        )
    h5py = import_module("h5py")  # comes with Keras
    try:
        with h5py.File(_weights_of(path), "r") as file:
            kernel = _last_kernel(file, head)
            return None if kernel is None else int(kernel.shape[-1])
    except (OSError, KeyError, BadZipFile) as error:
        raise ModelError(
            f"the weights file {path.name!r} is damaged, or is no file of Keras "
            f"({what_happened(error)})."
        ) from error


@contextmanager
def lower_ending(path: Path) -> Iterator[Path]:
    """Show a file under a name whose ending is in small letters; Keras knows no other.

    Parameters
    ----------
    path : Path
        ``FILE.KERAS``, ``FILE.WEIGHTS.H5``.

    Yields
    ------
    Path
        The file itself, or another name of it, or a copy, which is there as long as it is needed.
    """
    ending = "".join(path.suffixes[-2:])
    if ending == ending.lower():
        yield path
        return
    with TemporaryDirectory() as folder:
        other = Path(folder) / f"network{ending.lower()}"
        try:
            other.symlink_to(path.resolve())
        except OSError:  # as on Windows, for most people
            copyfile(path, other)
        yield other


def _weights_of(path: Path) -> Path | BytesIO:
    if path.suffix.lower() != ".keras":
        return path
    with ZipFile(path) as archive:
        return BytesIO(archive.read("model.weights.h5"))


def _last_kernel(file: Any, head: str) -> Any:
    """Weights of a network's last layer, in Keras 3's files and in older ones."""
    if "model_weights" in file:  # a whole network in one older file
        file = file["model_weights"]
    if "layer_names" in file.attrs:
        named = (file[_text(name)] for name in reversed(file.attrs["layer_names"]))
        last = next((group for group in named if len(group.attrs.get("weight_names", ()))), None)
        return None if last is None else last[_text(last.attrs["weight_names"][0])]
    layers = file.get("layers", {})
    numbered = {
        int(name.removeprefix(head).removeprefix("_") or 0): name
        for name in layers
        if name.removeprefix(head).removeprefix("_").isdecimal() or name == head
    }
    return layers[f"{numbered[max(numbered)]}/vars/0"] if numbered else None


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _structure(network: Any) -> str:
    try:
        with quiet_import():
            config = network.get_config()
        return json.dumps(_renamed(config, {}), sort_keys=True, default=repr)
    except Exception:  # a class of its own need not have one, and may fail in any way
        return type(network).__qualname__


def _renamed(config: Any, names: dict[str, str]) -> Any:
    """A configuration whose layers are called by their order: ``conv2d_7`` counts a process's."""
    if isinstance(config, dict):
        given = config.get("name")
        if isinstance(given, str):
            names.setdefault(given, f"#{len(names)}")
        return {key: _renamed(value, names) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return [_renamed(value, names) for value in config]
    if isinstance(config, str):
        return names.get(config, config)
    return config
