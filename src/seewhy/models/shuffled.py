"""The same network with its weights shuffled: what an explanation must not survive.

An explanation that looks the same for a network that has forgotten everything shows the
picture, not what the network learned.

References
----------
.. [1] J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim. Sanity checks for
       saliency maps. NeurIPS 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeGuard, runtime_checkable

import numpy as np
from jaxtyping import Shaped

from seewhy.errors import InputError
from seewhy.models.batching import Forward
from seewhy.models.protocol import Model

SUFFIX = " (weights shuffled)"
"""What the name of such a model ends in."""


class Reweighted(NamedTuple):
    """What differs between two models that share their architecture.

    Attributes
    ----------
    forward : callable
        One forward pass with the other weights.
    fingerprint : str
        Of the other weights.
    twin : callable or None
        Makes the same in a framework that has gradients.
    """

    forward: Forward
    fingerprint: str
    twin: Callable[[], Any] | None = None


@runtime_checkable
class Shufflable(Model, Protocol):
    """A model that can give itself other weights."""

    @property
    def has_weights(self) -> bool:
        """Whether its weights can be reached at all; a plain function's cannot."""
        ...

    def with_shuffled_weights(self, rng: np.random.Generator) -> Model:
        """Return a model of the same architecture whose weights are shuffled."""
        ...


def can_be_shuffled(model: Model) -> TypeGuard[Shufflable]:
    """Tell whether a model's weights can be reached, without computing anything."""
    return isinstance(model, Shufflable) and model.has_weights


def shuffle_weights(model: Model, rng: np.random.Generator) -> Model:
    """Give a network that has forgotten what it learned: the same, with its weights shuffled.

    Every floating-point weight of two axes or more (kernels, matrices, embeddings) has its
    entries permuted within itself, all layers at once. Each layer keeps its distribution of
    weights, so that outputs stay finite and of a similar scale. Vectors stay: biases and
    the statistics of normalisations say how large an activation is, not what it stands for,
    and moving them makes networks overflow or answer the same to every picture.

    Parameters
    ----------
    model : Model
        Stays as it is.
    rng : numpy.random.Generator
        Draws the permutations.

    Returns
    -------
    Model
        With the labels, the preprocessing and the kind of output of the original; its spec
        says that it is shuffled, and its fingerprint is its own.

    Raises
    ------
    InputError
        When the weights cannot be reached, or there are none of two axes.
    ModelError
        When the shuffled network cannot be run.
    """
    if not can_be_shuffled(model):
        raise InputError(
            f"model must have weights that can be shuffled; those of {model.spec} "
            f"({model.framework}) cannot be reached: give the network itself, as a TorchModel or "
            "KerasModel, an .onnx file or builtin:imagenet."
        )
    return model.with_shuffled_weights(rng)


def shuffled_arrays(
    arrays: Mapping[str, Shaped[np.ndarray, "*any"]], rng: np.random.Generator
) -> dict[str, Shaped[np.ndarray, "*any"]]:
    """Permute the entries of every floating-point array of two axes or more; others stay.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Stay as they are.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to ndarray
        In the same order.

    Examples
    --------
    >>> kept = {"bias": np.arange(3.0), "index": np.ones((2, 2), int)}
    >>> weights = kept | {"kernel": np.arange(6.0).reshape(2, 3)}
    >>> shuffled = shuffled_arrays(weights, np.random.default_rng(0))
    >>> shuffled["kernel"].tolist(), shuffled["bias"].tolist()
    ([[3.0, 2.0, 5.0], [4.0, 0.0, 1.0]], [0.0, 1.0, 2.0])
    """
    return {
        name: rng.permutation(array.ravel()).reshape(array.shape)
        if np.issubdtype(array.dtype, np.floating) and array.ndim >= 2
        else array
        for name, array in arrays.items()
    }
