"""Keras 3 on the back end that is there, imported without a word on the terminal."""

from __future__ import annotations

import json
import os
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from seewhy.errors import InputError, MissingExtraError

BACKENDS = ("tensorflow", "torch", "jax")
"""Back ends of Keras by their package, the first one that is installed being taken."""

_PIP = 'pip install "seewhy[keras]"'
# absl's lines of level INFO and WARNING, and what it says before them
_CHATTER = re.compile(rb"WARNING: All log messages before absl|[IW]\d{4} \d")


def import_keras() -> Any:
    """Import Keras 3, or say how to get it.

    One that is imported already stays as it is. Else its back end is what ``KERAS_BACKEND`` or
    Keras's own configuration file says, or the first of `BACKENDS` where that is not installed.

    Returns
    -------
    module
        ``keras``.

    Raises
    ------
    MissingExtraError
        When Keras 3, or the back end asked for, is not installed.
    """
    keras = sys.modules.get("keras")
    if keras is None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with _chosen_backend():
            keras = _imported()
    if not str(keras.__version__).startswith("3."):
        raise MissingExtraError(f"this model needs Keras 3; Keras {keras.__version__} is: {_PIP}.")
    return keras


def backend_of(keras: Any) -> str:
    """Name what Keras computes with: ``"tensorflow"``, ``"torch"``, ``"jax"``, ….

    Parameters
    ----------
    keras : module
        From `import_keras`.

    Returns
    -------
    str
    """
    return str(keras.backend.backend())


def check_network(network: Any, keras: Any) -> None:
    """Refuse what is no Keras 3 network.

    Parameters
    ----------
    network : object
        What somebody gave.
    keras : module
        From `import_keras`.

    Raises
    ------
    InputError
        It says what came.
    """
    if isinstance(network, keras.Model):
        return
    kind = f"{type(network).__module__.partition('.')[0]}.{type(network).__name__}"
    raise InputError(
        f"network must be a keras.Model of Keras 3; got a {kind}: wrap a torch module with "
        "TorchModel, a plain function with CallableModel."
    )


@contextmanager
def kept_random_state() -> Iterator[None]:
    """Leave Python's random numbers as they were, whatever Keras draws from them.

    Yields
    ------
    None
        Every initialiser without a seed of its own draws one from there, so that seeding it
        inside makes a network's initial weights reproducible.
    """
    state = random.getstate()
    try:
        yield
    finally:
        random.setstate(state)


@contextmanager
def quiet_import() -> Iterator[None]:
    """Drop what TensorFlow logs while it is imported, whatever level is asked of it.

    It writes to the file descriptor before its logging is set up. All else that was written
    meanwhile appears afterwards. Keras imports TensorFlow late on other back ends, to look at its
    types; once it is there, nothing is done.

    Yields
    ------
    None
    """
    kept = None if "tensorflow" in sys.modules else _standard_error()
    if kept is None:
        yield
        return
    with tempfile.TemporaryFile() as heard:
        _flush()
        os.dup2(heard.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 2)
            os.close(kept)
            heard.seek(0)
            os.write(2, b"".join(line for line in heard if not _CHATTER.match(line)))


def _imported() -> Any:
    try:
        with quiet_import():
            return import_module("keras")
    except ModuleNotFoundError as error:
        wanted = os.environ.get("KERAS_BACKEND")
        if error.name not in ("keras", wanted):
            raise
        missing = "Keras" if error.name == "keras" else f"Keras's back end {wanted}"
        raise MissingExtraError(
            f"this model needs {missing}, which is not installed: {_PIP}."
        ) from error


@contextmanager
def _chosen_backend() -> Iterator[None]:
    """Ask for another back end than Keras would take by itself, where that is not installed.

    Only while it is imported: processes that this one starts choose anew.
    """
    chosen = None if os.environ.get("KERAS_BACKEND") else _other_backend()
    if chosen is None:
        yield
        return
    os.environ["KERAS_BACKEND"] = chosen
    try:
        yield
    finally:
        del os.environ["KERAS_BACKEND"]


def _other_backend() -> str | None:
    """The back end to ask for; None where the one that Keras would take is there."""
    if find_spec("keras") is None:
        raise MissingExtraError(f"this model needs Keras, which is not installed: {_PIP}.")
    if find_spec(_configured()) is not None:
        return None
    for backend in BACKENDS:
        if find_spec(backend) is not None:
            return backend
    raise MissingExtraError(
        f"Keras needs a back end, TensorFlow, PyTorch or JAX, and none is installed: {_PIP}."
    )


def _configured() -> str:
    """What ``keras.json`` says, which Keras reads where nothing else is asked of it."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        backend = json.loads((home / "keras.json").read_text(encoding="utf-8"))["backend"]
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"
    return backend if backend in BACKENDS else "tensorflow"


def _standard_error() -> int | None:
    try:
        return os.dup(2)
    except OSError:  # there is none, as under pythonw
        return None


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
