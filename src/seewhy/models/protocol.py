"""What Seewhy asks of a classifier: one small protocol.

Anything that has these attributes and these two calls is a model; there is no
base class to inherit from. The adapters of this folder provide it for the usual
frameworks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypeGuard, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int32

if TYPE_CHECKING:
    from seewhy.models.preprocessing import Preprocessing

Output: TypeAlias = Literal["logits", "probabilities", "raw"]
"""What a model's numbers are; declared, never guessed from their values."""

MaskedModel: TypeAlias = Callable[[Bool[np.ndarray, "n d"]], Float32[np.ndarray, "n k"]]
"""A model bound to one picture and its fill: masks in (True = kept), outputs out."""


@runtime_checkable
class Model(Protocol):
    """An image classifier as the rest of Seewhy sees it.

    Attributes
    ----------
    spec : str
        How the model is named on the command line, or how its object describes itself.
    framework : str
        What runs it: ``"onnxruntime"``, ``"torch"``, ``"python"``, ….
    labels : tuple of str
        One name per output; two for a single output p, which counts as the classes [1 - p, p].
    aliases : mapping of str to int
        Further spellings of the classes.
    output : {"logits", "probabilities", "raw"}
        What the returned numbers are.
    preprocessing : Preprocessing
        How a picture becomes the model's input.
    fingerprint : str
        Short hexadecimal digest of whatever determines the answers.
    """

    @property
    def spec(self) -> str: ...  # noqa: D102
    @property
    def framework(self) -> str: ...  # noqa: D102
    @property
    def labels(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def aliases(self) -> Mapping[str, int]: ...  # noqa: D102
    @property
    def output(self) -> Output: ...  # noqa: D102
    @property
    def preprocessing(self) -> Preprocessing: ...  # noqa: D102
    @property
    def fingerprint(self) -> str: ...  # noqa: D102

    @property
    def input_size(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture at the model's input."""
        ...

    @property
    def batch_size(self) -> int:
        """How many pictures go into one forward pass; halves when memory runs out."""
        ...

    def __call__(self, images: Float32[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n k"]:
        """Classify pictures.

        Parameters
        ----------
        images : (n, h, w, c) float32 in [0, 1]
            At the model's input size; any number of them.

        Returns
        -------
        (n, k) float32
            What `output` says.

        Raises
        ------
        InputError
            When the pictures have another size.
        ModelError
            When the answers have another shape than at first or are not finite.
        """
        ...

    def masked(
        self,
        image: Float32[np.ndarray, "h w c"],
        fill: Float32[np.ndarray, "h w c"],
        labels: Int32[np.ndarray, "h w"],
    ) -> MaskedModel:
        """Bind the model to one picture, so that masks alone are asked for.

        Parameters
        ----------
        image, fill : (h, w, c) float32 in [0, 1]
            The picture, and what stands where a superpixel is hidden, at the input size.
        labels : (h, w) int32
            Superpixel of each pixel, 0 … d-1; -1 pixels are always kept.

        Returns
        -------
        callable
            Takes masks (n, d), True = kept, and returns the outputs (n, k).
        """
        ...


def is_model(candidate: Any) -> TypeGuard[Model]:
    """Tell whether an object can be explained as it is.

    Parameters
    ----------
    candidate : object
        Anything.

    Returns
    -------
    bool
        Whether it has what `Model` asks for; nothing is computed to find out.
    """
    asked_for = ("masked", "preprocessing", "labels", "output", "input_size")
    return callable(candidate) and all(hasattr(candidate, name) for name in asked_for)
