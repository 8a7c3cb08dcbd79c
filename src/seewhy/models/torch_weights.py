"""Reading PyTorch weights without running anything that a stranger put in the file.

A ``.pth`` is a pickle, and a pickle can be a program. Files are read by
``torch.load(weights_only=True)``, whose unpickler knows tensors and plain
containers and nothing else; when it refuses, so do we.
"""

from __future__ import annotations

import pickle
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seewhy.errors import InputError, MissingExtraError, ModelError
from seewhy.models.torch_extra import torch

PICKLES = (".pth", ".pt", ".th", ".bin", ".ckpt")
_WRAPPERS = ("state_dict", "model_state_dict", "model")  # what training scripts save around it
_PREFIXES = ("module.", "_orig_mod.")  # what (Distributed)DataParallel and torch.compile put before
_COUNTER = "num_batches_tracked"  # of batch normalisation, used in training only
_MOST_NAMED = 3  # keys of a kind, in a message
_SAFE_SINCE = (2, 6)  # weights_only=True could be bypassed before (CVE-2025-32434)


def read_state_dict(path: str | Path) -> OrderedDict[str, Any]:
    """Read the weights of a network from a file.

    Parameters
    ----------
    path : str or Path
        ``.safetensors``, or ``.pth``, ``.pt``, ``.th``, ``.bin``, ``.ckpt`` as `torch.save`
        writes them: a state dict, or a training checkpoint that holds one as ``state_dict``,
        ``model_state_dict`` or ``model``.

    Returns
    -------
    OrderedDict of str to torch.Tensor
        On the CPU, floating-point weights as float32, names without ``module.`` before them.

    Raises
    ------
    InputError
        When there is no such file or its ending is unknown.
    ModelError
        When the file is damaged, holds no state dict, or would have to run code to be read. It is
        never read in another way then.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"weights must be a file; there is none at {str(path)!r}.")
    if path.suffix.lower() == ".safetensors":
        return normalise_state_dict(_read_safetensors(path), source=repr(path.name))
    if path.suffix.lower() in PICKLES:
        return normalise_state_dict(_read_pickle(path), source=repr(path.name))
    raise InputError(
        f"weights must be a .safetensors file or one of {', '.join(PICKLES)}; got {path.name!r}."
    )


def normalise_state_dict(content: Any, *, source: str) -> OrderedDict[str, Any]:
    """Find the state dict in what a file holds, and bring it to one form.

    Parameters
    ----------
    content : object
        What was read: a state dict, or a checkpoint around one.
    source : str
        How the file is called in messages.

    Returns
    -------
    OrderedDict of str to torch.Tensor
        As `read_state_dict` returns it.

    Raises
    ------
    ModelError
        When there is no state dict in it.
    """
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    if not _is_state_dict(content):
        raise ModelError(
            f"{source} holds no state dict (a mapping of parameter names to tensors) but "
            f"{_described(content)}; save one with torch.save(model.state_dict(), FILE)."
        )
    state: OrderedDict[str, Any] = OrderedDict(content)
    if hasattr(content, "_metadata"):  # some layers read from it how old their weights are
        state._metadata = OrderedDict(content._metadata)  # type: ignore[attr-defined]
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            torch.nn.modules.utils.consume_prefix_in_state_dict_if_present(state, prefix)
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = tensor.to(torch.float32)
    return state


def fit_state_dict(module: Any, state: OrderedDict[str, Any], *, source: str, network: str) -> None:
    """Put weights into a network, or say in one sentence why they are not its own.

    Parameters
    ----------
    module : torch.nn.Module
        Changed in place.
    state : OrderedDict of str to torch.Tensor
        As `read_state_dict` returns it. Counters of batch normalisation may be absent.
    source, network : str
        How the weights and the network are called in messages.

    Raises
    ------
    ModelError
        When keys are missing, unexpected or of another shape; the first of each are named.
    """
    own = module.state_dict()
    missing = [name for name in own if name not in state and not name.endswith(_COUNTER)]
    unexpected = [name for name in state if name not in own]
    reshaped = [
        f"{name} is {tuple(state[name].shape)} where the network has {tuple(own[name].shape)}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    if missing or unexpected or reshaped:
        kinds = (("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped))
        found = "; ".join(f"{what}: {_first_of(names)}" for what, names in kinds if names)
        raise ModelError(
            f"{source} does not hold the weights of {network} ({found}): name the architecture "
            "that was trained, or build the network yourself and pass it as TorchModel(network)."
        )
    if not hasattr(state, "_metadata"):
        state._metadata = own._metadata  # type: ignore[attr-defined]
    module.load_state_dict(state, strict=False)


def _read_safetensors(path: Path) -> dict[str, Any]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f'reading {path.name!r} needs safetensors: pip install "seewhy[torch]".'
        ) from error
    try:
        content: dict[str, Any] = load_file(path, device="cpu")
    except SafetensorError as error:
        raise ModelError(
            f"{path.name!r} is not a readable safetensors file ({error}); copy it again."
        ) from error
    return content


def _read_pickle(path: Path) -> Any:
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < _SAFE_SINCE:
        raise ModelError(
            f"PyTorch {torch.__version__} cannot read {path.name!r} safely; install torch 2.6 or "
            "later, or convert the file to .safetensors."
        )
    try:
        with warnings.catch_warnings():  # what torch warns of here is refused below
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path.name!r} is refused: it holds {_refused(error)}, and reading that could run "
            "code; save only the state dict, torch.save(model.state_dict(), FILE), or convert it "
            "to .safetensors where you trust it."
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ModelError:
    if "TorchScript" in str(error):
        return ModelError(
            f"{path.name!r} is a TorchScript program, not weights, and loading it could run code; "
            "save the state dict of the network instead, torch.save(model.state_dict(), FILE)."
        )
    return ModelError(
        f"{path.name!r} cannot be read as PyTorch weights ({type(error).__name__}): either it was "
        "cut off and should be copied again, or it is something else."
    )


def _refused(error: Exception) -> str:
    """What the unpickler met, as far as torch says so."""
    _, found, rest = str(error).partition("GLOBAL ")
    if found:
        return f"more than weights ({rest.split()[0]})"
    return "something else than weights as torch.save writes them"


def _is_state_dict(content: Any) -> bool:
    return (
        isinstance(content, Mapping)
        and len(content) > 0
        and all(
            isinstance(name, str) and isinstance(tensor, torch.Tensor)
            for name, tensor in content.items()
        )
    )


def _described(content: Any) -> str:
    if isinstance(content, Mapping):
        keys = ", ".join(repr(key) for key in list(content)[:5])
        return f"a mapping with {keys}" if keys else "an empty mapping"
    return f"a {type(content).__name__}"


def _first_of(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
