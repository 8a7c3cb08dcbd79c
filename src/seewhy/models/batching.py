"""Forward passes in batches: what every adapter does, written once.

`Batcher` walks over any number of pictures or masks, halves its batch when
memory runs out and goes on, and refuses answers that make no sense. The two
functions below it feed it with pictures, or with masks that are composited into
one reused buffer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Bool, Float32

from seewhy.errors import InputError, ModelError
from seewhy.image.compositing import Compositor
from seewhy.models.protocol import MaskedModel

Batch: TypeAlias = int | Literal["auto"]
Forward: TypeAlias = Callable[[Float32[np.ndarray, "b ..."]], np.ndarray]
"""One forward pass: inputs as the network takes them, outputs (b, k) or (b,) of any float type."""


def resolve_batch(batch: Batch, input_size: tuple[int, ...], *, at_224: int) -> int:
    """Turn ``"auto"`` into a number by a fixed rule; nothing is ever timed.

    Parameters
    ----------
    batch : int or "auto"
        What the user asked for.
    input_size : (h, w, ...)
        Of one picture at the model's input.
    at_224 : int
        Batch that suits the framework and device for pictures of 224 × 224.

    Returns
    -------
    int
        `batch`, or `at_224` scaled so that a batch holds about as many pixels, as a power of
        two between 1 and 1024.

    Raises
    ------
    InputError
        When `batch` is neither ``"auto"`` nor a positive integer.

    Examples
    --------
    >>> resolve_batch("auto", (224, 224, 3), at_224=16), resolve_batch("auto", (28, 28), at_224=16)
    (16, 1024)
    >>> resolve_batch(5, (224, 224, 3), at_224=16)
    5
    """
    if batch == "auto":
        wanted = at_224 * (224 * 224) / (input_size[0] * input_size[1])
        return 1 << min(max(int(wanted), 1).bit_length() - 1, 10)
    if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
        raise InputError(f"batch must be 'auto' or a positive integer; got {batch!r}.")
    return batch


def is_memory_error(error: Exception) -> bool:
    """Tell whether an exception says that memory ran out.

    Knows Python's and NumPy's exception, and those of PyTorch, TensorFlow and JAX by their name,
    so that none of them need be imported.

    Parameters
    ----------
    error : Exception
        What a forward pass raised.

    Returns
    -------
    bool
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    return not names.isdisjoint({"MemoryError", "OutOfMemoryError", "ResourceExhaustedError"})


class Batcher:
    """Cuts work into batches, checks the answers, and survives lack of memory.

    Parameters
    ----------
    size : int
        Pictures in one forward pass.
    name : str
        How the model is called in messages.
    columns : int, optional
        How many outputs a picture must have. None: whatever the first answer has.
    out_of_memory : callable
        Tells whether an exception means that the batch was too large.

    Attributes
    ----------
    size : int
        The current batch; halved for good each time memory runs out.
    columns : int or None
        Outputs per picture, once known.
    """

    def __init__(
        self,
        size: int,
        *,
        name: str,
        columns: int | None = None,
        out_of_memory: Callable[[Exception], bool] = is_memory_error,
    ) -> None:
        self.size = size
        self.name = name
        self.columns = columns
        self._out_of_memory = out_of_memory

    def for_model(self, name: str) -> Batcher:
        """Start over for another model of the same size, with the batch that fits by now."""
        return Batcher(self.size, name=name, out_of_memory=self._out_of_memory)

    def run(self, count: int, step: Callable[[slice], np.ndarray]) -> Float32[np.ndarray, "n k"]:
        """Do `count` items of work, a batch at a time.

        Parameters
        ----------
        count : int
            How many pictures there are in all.
        step : callable
            Gets a slice of ``range(count)``, at most `size` long, and returns the outputs of
            those pictures, (b, k) or (b,). Its result is copied at once, so it may be a buffer.

        Returns
        -------
        (n, k) float32

        Raises
        ------
        ModelError
            When an answer has another shape, is not finite or not a number, or when memory runs
            out on a single picture.
        """
        outputs = np.empty((count, self.columns or 0), np.float32)
        done = 0
        while done < count:
            rows = slice(done, min(done + self.size, count))
            answer = self._attempt(step, rows)
            if answer is None:  # memory ran out: the batch is smaller now
                continue
            if done == 0:
                outputs = np.empty((count, answer.shape[1]), np.float32)
            outputs[rows] = answer
            done = rows.stop
        return outputs

    def _attempt(self, step: Callable[[slice], np.ndarray], rows: slice) -> np.ndarray | None:
        """One batch; None when memory ran out and the batch was halved."""
        count = rows.stop - rows.start
        try:
            return self._checked(step(rows), count)
        except Exception as error:
            if not self._out_of_memory(error):
                raise
            if count == 1:
                raise ModelError(
                    f"{self.name} ran out of memory on a single picture; use a smaller model or "
                    "a device with more memory."
                ) from error
        # Outside the handler: the exception held the frames, and with them the memory.
        self.size = count // 2
        return None

    def _checked(self, answer: np.ndarray, count: int) -> np.ndarray:
        array = np.asarray(answer)
        if array.dtype.kind not in "fiub":
            raise ModelError(
                f"{self.name} must return numbers, one row per picture; got {array.dtype} values."
            )
        if array.shape == (count,):
            array = array[:, None]
        if array.ndim != 2 or len(array) != count or array.shape[1] == 0:
            raise ModelError(
                f"{self.name} must return an array of shape ({count}, k) for {count} pictures, "
                f"one column per class; got shape {array.shape}."
            )
        if self.columns is not None and array.shape[1] != self.columns:
            raise ModelError(
                f"{self.name} must return {self.columns} columns, as many as it has classes; got "
                f"{array.shape[1]}: are the labels those of this model?"
            )
        finite = np.isfinite(array).all(axis=1)
        if not finite.all():
            raise ModelError(
                f"{self.name} returned NaN or infinity for {count - finite.sum()} of {count} "
                "pictures; check its weights, its precision and its normalisation."
            )
        self.columns = array.shape[1]
        return array


def forward_in_batches(
    forward: Forward,
    images: Float32[np.ndarray, "n h w c"],
    batcher: Batcher,
    *,
    input_size: tuple[int, int, int],
) -> Float32[np.ndarray, "n k"]:
    """Classify pictures, a batch at a time.

    Parameters
    ----------
    forward : callable
        One forward pass from pictures in [0, 1], (b, h, w, c); it normalises them itself, so
        that never more than a batch is normalised at once.
    images : (n, h, w, c) float32
        At the model's input size.
    batcher : Batcher
        Shared by all calls of a model, since it remembers the batch that fits.
    input_size : (h, w, c)
        What the model takes.

    Returns
    -------
    (n, k) float32

    Raises
    ------
    InputError
        When the pictures have another shape.
    ModelError
        As `Batcher.run`.
    """
    images = np.asarray(images, np.float32)
    if images.ndim != 4 or images.shape[1:] != input_size:
        raise InputError(
            f"images must have shape (n, {', '.join(map(str, input_size))}); got {images.shape}: "
            "model.preprocessing.apply(image) brings one there."
        )
    return batcher.run(len(images), lambda rows: forward(images[rows]))


def masked_forward(forward: Forward, compositor: Compositor, batcher: Batcher) -> MaskedModel:
    """Bind a forward pass to one picture: masks in, outputs out.

    Parameters
    ----------
    forward : callable
        One forward pass from inputs as the compositor writes them (normalised, in the model's
        layout). It must not keep its argument: the buffer is reused.
    compositor : Compositor
        Masks to inputs, for a picture and its fill that are already normalised.
    batcher : Batcher
        As for `forward_in_batches`.

    Returns
    -------
    callable
        Takes masks (n, d), True = kept, any n; returns (n, k) float32.
    """
    buffer = np.empty((0, *compositor.shape), np.float32)

    def outputs(masks: Bool[np.ndarray, "n d"]) -> Float32[np.ndarray, "n k"]:
        def step(rows: slice) -> np.ndarray:
            nonlocal buffer
            count = rows.stop - rows.start
            if len(buffer) < count:
                buffer = np.empty((count, *compositor.shape), np.float32)
            return forward(compositor(masks[rows], out=buffer[:count]))

        return batcher.run(len(masks), step)

    return outputs
