"""A plain Python function as a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
from jaxtyping import Float32

from seewhy.errors import InputError, ModelError, SeewhyError, what_happened
from seewhy.models.array_model import ArrayModel, checked_output, fingerprint_of
from seewhy.models.batching import Batch, Batcher, resolve_batch
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output

_AT_224 = 32  # pictures of 224² per call; what computes behind the function is unknown


class CallableModel(ArrayModel):
    """Explain any function from pictures to scores.

    Parameters
    ----------
    fn : callable
        Takes pictures (n, h, w, c), float32 in [0, 1]; returns (n, k) or (n,). The array belongs
        to it only during the call.
    labels : sequence of str or None
        One name per output (for a single output p also two, of [1 - p, p]); None numbers them.
    output : {"logits", "probabilities", "raw"}
        What the function returns.
    input_size : (h, w) or (h, w, c)
        Of the pictures that it takes; c is 3 (RGB) unless said, 1 means grey.
    preprocess : Preprocessing, str or Path, optional
        How a picture becomes its input: the object, a JSON file, or a model whose preprocessing it
        shares. With a mean and std in it, the function gets normalised pixels. Default: stretched
        to `input_size`, in [0, 1].
    batch : int or "auto"
        Pictures per call; ``"auto"`` depends on the input size only.
    name : str, optional
        How the model is named in results; default: where the function is defined.
    origin : Origin, optional
        Where preprocessing, labels and the kind of output come from.

    Raises
    ------
    InputError
        When an argument is not what it should be.
    ModelError
        When the answer for one grey picture makes no sense, or does not fit the labels.

    Notes
    -----
    The fingerprint covers the function's qualified name, its own compiled code with its default
    arguments (or those of a `functools.partial`), and the settings above, but nothing that it
    calls or refers to: neither other functions nor weights. It differs between versions of Python.

    Examples
    --------
    >>> def brightness(images):
    ...     return images.mean(axis=(1, 2, 3))
    >>> model = CallableModel(
    ...     brightness, labels=["dark", "bright"], output="probabilities", input_size=(4, 4)
    ... )
    >>> model(np.ones((2, 4, 4, 3), np.float32)).tolist()
    [[1.0], [1.0]]
    """

    def __init__(
        self,
        fn: Callable[[Float32[np.ndarray, "n h w c"]], np.ndarray],
        *,
        labels: Sequence[str] | None,
        output: Output,
        input_size: tuple[int, int] | tuple[int, int, int],
        preprocess: Preprocessing | str | Path | None = None,
        batch: Batch = "auto",
        name: str | None = None,
        origin: Origin | None = None,
    ) -> None:
        if not callable(fn):
            raise InputError(f"fn must be a function of pictures; got a {type(fn).__name__}.")
        preprocessing = _preprocessing(input_size, preprocess)
        named = fn.func if isinstance(fn, partial) else fn
        defined = f"{named.__module__}:{getattr(named, '__qualname__', type(named).__qualname__)}"
        spec = name or f"py:{defined}"
        size = resolve_batch(batch, preprocessing.input_size, at_224=_AT_224)
        super().__init__(
            _told(fn, spec),
            spec=spec,
            framework="python",
            labels=labels,
            output=output,
            preprocessing=preprocessing,
            fingerprint=fingerprint_of(
                [defined.encode(), *_code_of(fn)],
                preprocessing=preprocessing,
                output=checked_output(output),
            ),
            batcher=Batcher(size, name=spec),
            origin=origin,
        )


def _code_of(fn: object) -> Iterator[bytes]:
    """The compiled code of a function, or of an object's call, without where it stands."""
    if isinstance(fn, partial):
        yield _text((fn.args, sorted(fn.keywords.items())))
        yield from _code_of(fn.func)
        return
    parts: tuple[Any, ...] = (fn, type(fn).__call__)
    found = next((part for part in parts if hasattr(part, "__code__")), None)
    if found is None:
        return
    yield _text((found.__defaults__, found.__kwdefaults__))
    waiting = [found.__code__]
    while waiting:
        code = waiting.pop()
        constants = [part for part in code.co_consts if not isinstance(part, CodeType)]
        waiting.extend(part for part in code.co_consts if isinstance(part, CodeType))
        yield code.co_code
        yield _text((code.co_names, [_settled(part) for part in constants]))


def _text(values: object) -> bytes:
    """Values in words, without the addresses of objects, which change with the process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(values)).encode()


def _settled(constant: object) -> object:
    """A constant whose text is the same in every process; that of a set of words is not."""
    return sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant


def _told(
    fn: Callable[[Float32[np.ndarray, "n h w c"]], np.ndarray], name: str
) -> Callable[[Float32[np.ndarray, "n h w c"]], np.ndarray]:
    """Turn whatever the user's function raises into one sentence that says where."""

    def forward(images: Float32[np.ndarray, "n h w c"]) -> np.ndarray:
        try:
            return fn(images)
        except (SeewhyError, MemoryError):
            raise
        except Exception as error:
            raise ModelError(
                f"{name} failed on pictures of shape {images.shape}: {what_happened(error)}."
            ) from error

    return forward


def _preprocessing(
    input_size: tuple[int, ...], preprocess: Preprocessing | str | Path | None
) -> Preprocessing:
    plain = Preprocessing.stretched(input_size)
    if preprocess is None:
        return plain
    from seewhy.models.spec import resolve_preprocessing

    resolved = resolve_preprocessing(preprocess)
    if resolved.input_size[: len(input_size)] != tuple(input_size):
        raise InputError(
            f"input_size is {tuple(input_size)}, but preprocess brings pictures to "
            f"{resolved.input_size}; they must agree."
        )
    return resolved
