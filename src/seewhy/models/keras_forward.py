"""One forward pass of a Keras network, from NumPy to NumPy, compiled once."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from jaxtyping import Float32

from seewhy.errors import ModelError, what_happened
from seewhy.models.batching import is_memory_error
from seewhy.models.keras_backend import backend_of


class KerasForward:
    """Run a Keras network as ``network.predict_on_batch`` would, without its overhead.

    On TensorFlow the network is traced once, for any number of pictures, so that a last smaller
    batch does not cost another trace.

    Parameters
    ----------
    network : keras.Model
        Stays as it is; its weights may change meanwhile.
    keras : module
        From `import_keras`.
    name : str
        How it is called in messages.
    dtype : str
        What its input holds; pixels are rounded to whole numbers, and kept within its
        bounds, where that is an integer type.
    flat : bool
        Whether the input has no axis of channels.
    batch : int, optional
        The only number of pictures that the network takes; fewer are padded.
    """

    def __init__(
        self,
        network: Any,
        keras: Any,
        *,
        name: str,
        dtype: str = "float32",
        flat: bool = False,
        batch: int | None = None,
    ) -> None:
        self.network = network
        self.batch = batch
        self._keras = keras
        self._name = name
        self._dtype = dtype
        self._flat = flat
        self._backend = backend_of(keras)
        self._run: Any = None

    def __call__(self, inputs: Float32[np.ndarray, "b ..."]) -> np.ndarray:
        """Run the network on inputs as it takes them."""
        count = len(inputs)
        if self.batch is not None and count < self.batch:
            padding = np.zeros((self.batch - count, *inputs.shape[1:]), inputs.dtype)
            inputs = np.concatenate([inputs, padding])
        try:
            answer = self._answer(self.to_input(inputs))
        except Exception as error:  # each back end has its own, and Keras wraps them
            if is_keras_memory_error(error):
                raise
            shape = " × ".join(map(str, inputs.shape[1:]))
            raise ModelError(
                f"{self._name} cannot be run on pictures of {shape} ({what_happened(error)}); is "
                "preprocess that of this network?"
            ) from error
        return answer[:count] if self.batch == len(answer) else answer

    def to_input(self, inputs: Float32[np.ndarray, "b ..."]) -> np.ndarray:
        """Bring normalised pictures to the shape and type of number that the network takes.

        Parameters
        ----------
        inputs : (b, ...) float32
            As `ArrayModel` makes them.

        Returns
        -------
        ndarray
        """
        if self._flat:
            inputs = inputs[..., 0]
        if "int" in self._dtype:
            bounds = np.iinfo(self._dtype)
            return np.rint(inputs).clip(bounds.min, bounds.max).astype(self._dtype)
        return inputs

    def _answer(self, inputs: np.ndarray) -> np.ndarray:
        if self._run is None:
            self._run = self._made(inputs)
        answer = self._run(inputs)
        if not hasattr(answer, "dtype"):
            raise ModelError(
                f"{self._name} must return one tensor (n, k), its scores; got a "
                f"{type(answer).__name__}: make a keras.Model with the output that is meant."
            )
        scores = self._keras.ops.cast(answer, "float32")
        return np.asarray(self._keras.ops.convert_to_numpy(scores))

    def _made(self, inputs: np.ndarray) -> Any:
        """The fastest way to call the network, by back end."""
        if getattr(self.network, "run_eagerly", False):  # a layer of its own that needs it
            return lambda pictures: run_network(self.network, pictures, self._keras)
        if self._backend == "tensorflow":
            return self._traced([self.batch, *inputs.shape[1:]], inputs.dtype)
        if self._backend == "torch":
            return self._in_torch
        return self.network.predict_on_batch  # compiled by JAX

    def _in_torch(self, pictures: np.ndarray) -> Any:
        import torch

        with torch.no_grad():
            return run_network(self.network, pictures, self._keras)

    def _traced(self, shape: list[int | None], dtype: Any) -> Any:
        import tensorflow as tf

        run = tf.function(
            lambda pictures: run_network(self.network, pictures, self._keras), autograph=False
        )
        # the one trace itself: a tf.function per model makes TensorFlow warn of many traces
        traced = run.get_concrete_function(tf.TensorSpec(shape, dtype))
        return lambda pictures: traced(tf.constant(pictures))


def run_network(network: Any, pictures: Any, keras: Any) -> Any:
    """Run a network on pictures, also one whose only input is in a list or has a name.

    Parameters
    ----------
    network : keras.Model
        Any.
    pictures : tensor or ndarray
        As the network takes them.
    keras : module
        From `import_keras`.

    Returns
    -------
    tensor
        Of the back end.
    """
    structure = getattr(network, "_inputs_struct", None)
    if isinstance(structure, list | tuple | dict):
        pictures = keras.tree.map_structure(lambda entry: pictures, structure)
    return network(pictures, training=False)


def is_keras_memory_error(error: Exception) -> bool:
    """Tell whether an exception says that memory ran out, on any back end.

    Parameters
    ----------
    error : Exception
        What a forward pass raised.

    Returns
    -------
    bool
    """
    if "torch" not in sys.modules:
        return is_memory_error(error)
    from seewhy.models.torch_module import is_torch_memory_error

    return is_memory_error(error) or is_torch_memory_error(error)
