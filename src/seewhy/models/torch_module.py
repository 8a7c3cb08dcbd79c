"""What Seewhy does to a person's module: look at it, run it, and leave it as it was."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from seewhy.errors import InputError, ModelError
from seewhy.models.torch_extra import torch

_MEMORY_PHRASES = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """Put a module into evaluation mode, and each submodule back into the mode it had.

    Parameters
    ----------
    module : torch.nn.Module
        Only the ``training`` flags are touched; `train` and `eval`, which a class may have
        overridden to do more, are not called.

    Yields
    ------
    None
    """
    modes = [(part, part.training) for part in module.modules()]
    try:
        for part, _ in modes:
            part.training = False
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def best_device(device: Any) -> Any:
    """Say where a network that was just loaded, and so is nowhere yet, should compute.

    Parameters
    ----------
    device : str or torch.device
        ``"auto"``: CUDA where it is available, else the CPU.

    Returns
    -------
    str or torch.device
    """
    if isinstance(device, str) and device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def place_module(module: Any, device: Any) -> Any:
    """Find where a module computes, and move it there if it was asked for.

    Parameters
    ----------
    module : torch.nn.Module
        Stays untouched when it is there already.
    device : str or torch.device
        ``"auto"``: where its parameters (else its buffers, else the CPU) are.

    Returns
    -------
    torch.device

    Raises
    ------
    InputError
        When there is no such device.
    """
    first = next(iter(module.parameters()), next(iter(module.buffers()), None))
    here = torch.device("cpu") if first is None else first.device
    if isinstance(device, str) and device == "auto":
        return here
    try:
        wanted = torch.device(device)
        if wanted.type == here.type and wanted.index in (None, here.index):
            return here
        module.to(wanted)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise InputError(
            "device must be 'auto' or one that is present, such as 'cpu', 'cuda:0' or 'mps'; got "
            f"{str(device)!r} ({first_line(error)})."
        ) from error
    return wanted


def number_type(module: Any) -> Any:
    """Say which floating-point type a module computes in.

    Parameters
    ----------
    module : torch.nn.Module
        Without parameters: float32.

    Returns
    -------
    torch.dtype
    """
    floats = (p.dtype for p in module.parameters() if p.is_floating_point())
    return next(floats, torch.float32)


def has_convolutions(module: Any) -> bool:
    """Say whether pictures are convolved somewhere in a module.

    Parameters
    ----------
    module : torch.nn.Module
        Any.

    Returns
    -------
    bool
    """
    return any(isinstance(part, torch.nn.Conv2d) for part in module.modules())


def scores_of(answer: Any, *, name: str) -> Any:
    """Find the scores in whatever a module returned.

    Parameters
    ----------
    answer : object
        A tensor, or something with ``logits`` as Hugging Face's outputs.
    name : str
        How the module is called in messages.

    Returns
    -------
    torch.Tensor

    Raises
    ------
    ModelError
        When there is no such tensor; the message says to wrap the module.
    """
    scores = answer
    if isinstance(answer, Mapping):
        scores = answer.get("logits")
    elif not isinstance(answer, torch.Tensor):
        scores = getattr(answer, "logits", None)
    if isinstance(scores, torch.Tensor):
        return scores
    raise ModelError(
        f"{name} must return a tensor (n, k), or something with .logits; got {kind(answer)}: wrap "
        "it in a module whose forward returns the one tensor of scores."
    )


def weights_digest(module: Any) -> str:
    """Digest the weights of a module as they are now.

    Parameters
    ----------
    module : torch.nn.Module
        Its state dict is read in the order of its names.

    Returns
    -------
    str
        SHA-256 over names, number types, shapes and bits, hexadecimal.
    """
    digest = hashlib.sha256()
    state = module.state_dict()
    for name in sorted(state):
        value = state[name]
        digest.update(f"{name}\0".encode())
        if not isinstance(value, torch.Tensor) or value.is_quantized:
            digest.update(repr(value).encode())
            continue
        digest.update(f"{value.dtype} {tuple(value.shape)}\0".encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def shuffled_copy(module: Any, rng: np.random.Generator, *, name: str) -> Any:
    """Copy a module, the entries of every weight of two axes or more permuted within it.

    Parameters
    ----------
    module : torch.nn.Module
        Stays as it is.
    rng : numpy.random.Generator
        Draws the permutations, of the parameters in their order; tied ones are one.
    name : str
        How the module is called in messages.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    InputError
        When it has no floating-point parameter of two axes.
    ModelError
        When it cannot be copied.
    """
    try:
        copied = copy.deepcopy(module)
    except Exception as error:  # a module may hold anything, locks and files too
        raise ModelError(
            f"{name} cannot be copied, to shuffle the copy's weights ({first_line(error)})."
        ) from error
    weights = [p for p in copied.parameters() if p.is_floating_point() and p.ndim >= 2]
    if not weights:
        raise InputError(
            f"model must have floating-point weights of two axes or more to be shuffled; {name} "
            "has none."
        )
    with torch.no_grad():
        for weight in weights:
            order = torch.from_numpy(rng.permutation(weight.numel())).to(weight.device)
            weight.copy_(weight.flatten()[order].reshape(weight.shape))
    return copied


def is_torch_memory_error(error: Exception) -> bool:
    """Tell whether an exception says that memory ran out, on the CPU or a device.

    Parameters
    ----------
    error : Exception
        What a forward pass raised.

    Returns
    -------
    bool
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(p in str(error) for p in _MEMORY_PHRASES)


def kind(value: object) -> str:
    """Name the type of a value in a sentence.

    Parameters
    ----------
    value : object
        Any.

    Returns
    -------
    str

    Examples
    --------
    >>> kind(3), kind("bus")
    ('an int', 'a str')
    """
    name = type(value).__name__
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def first_line(error: Exception) -> str:
    """Fit an exception of somebody else's into one sentence.

    Parameters
    ----------
    error : Exception
        Any.

    Returns
    -------
    str
        Its type and first line, without the full stop.
    """
    return f"{type(error).__name__}: {error}".splitlines()[0].strip().rstrip(".")
