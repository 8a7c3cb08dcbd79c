"""A plain Python function as a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from seewhy.errors import InputError, ModelError, SeewhyError, what_happened
from seewhy.models.array_model import ArrayModel, checked_output, fingerprint_of
from seewhy.models.batching import Batch, Batcher, resolve_batch
from seewhy.models.preprocessing import Channels, Preprocessing
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

    Raises
    ------
    InputError
        When an argument is not what it should be.
    ModelError
        When the answer for one grey picture makes no sense, or does not fit the labels.

    Notes
    -----
    The fingerprint covers the function's qualified name and the settings above, not its code: a
    function that was changed but not renamed keeps its fingerprint.

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
    ) -> None:
        if not callable(fn):
            raise InputError(f"fn must be a function of pictures; got a {type(fn).__name__}.")
        if isinstance(labels, str):
            raise InputError(
                f"labels must be a sequence of names; got the text {labels!r}: read_labels reads a "
                "file."
            )
        preprocessing = _preprocessing(input_size, preprocess)
        defined = f"{fn.__module__}:{getattr(fn, '__qualname__', type(fn).__qualname__)}"
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
                [defined.encode()], preprocessing=preprocessing, output=checked_output(output)
            ),
            batcher=Batcher(size, name=spec),
        )


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
    if not isinstance(input_size, tuple | list) or len(input_size) not in (2, 3):
        raise InputError(f"input_size must be (h, w) or (h, w, c); got {input_size!r}.")
    h, w, c = (*input_size, 3)[:3]
    if preprocess is None:
        named: dict[int, Channels] = {1: "L", 3: "RGB"}
        return Preprocessing(
            (h, w), None, "bilinear", (0.0,) * c, (1.0,) * c, named.get(c, "bands")
        )
    from seewhy.models.spec import resolve_preprocessing

    resolved = resolve_preprocessing(preprocess)
    if resolved.input_size[: len(input_size)] != tuple(input_size):
        raise InputError(
            f"input_size is {tuple(input_size)}, but preprocess brings pictures to "
            f"{resolved.input_size}; they must agree."
        )
    return resolved
