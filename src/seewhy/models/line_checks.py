"""What gradients along lines between pictures are checked for, whatever computes them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32

from seewhy.errors import InputError, ModelError
from seewhy.game.scores import ClassScores
from seewhy.models.protocol import Output


def check_line(
    image: Float32[np.ndarray, "h w c"],
    references: Float32[np.ndarray, "n h w c"],
    positions: Float[np.ndarray, " n"],
    *,
    input_size: tuple[int, int, int],
) -> None:
    """Refuse pictures of another size, references that are not one per point, and other places.

    Raises
    ------
    InputError
        It says which.
    """
    if image.shape != input_size or references.shape != (len(positions), *input_size):
        raise InputError(
            f"image must have shape {input_size} and references {(len(positions), *input_size)}, "
            f"one for every position; got {image.shape} and {references.shape}: "
            "model.preprocessing.apply(image) brings a picture there."
        )
    if not ((positions >= 0) & (positions <= 1)).all():
        raise InputError(
            "positions must lie in [0, 1], from reference to picture; got values from "
            f"{positions.min():.3g} to {positions.max():.3g}."
        )


def check_asked(asked: ClassScores, n_classes: int, output: Output) -> None:
    """Refuse classes that do not exist, and a scale that raw outputs do not have.

    Parameters
    ----------
    asked : ClassScores
        Which classes, on which scale.
    n_classes : int
        How many there are.
    output : {"logits", "probabilities", "raw"}
        What the model returns.

    Raises
    ------
    InputError
        It says which.
    """
    if output == "raw" and asked.score != "raw":
        raise InputError(f"score must be 'raw' for a model with raw outputs; got {asked.score!r}.")
    for name, index in [*(("target", t) for t in asked.targets), ("against", asked.against)]:
        if index is not None and not 0 <= index < n_classes:
            raise InputError(f"{name} must be a class from 0 to {n_classes - 1}; got {index}.")


def check_gradients(contributions: Float32[np.ndarray, "t n h w"], *, name: str) -> None:
    """Refuse gradients that are not finite.

    Parameters
    ----------
    contributions : (t, n, h, w) array
        Of n pictures.
    name : str
        How the model is called in the message.

    Raises
    ------
    ModelError
        With the number of pictures.
    """
    finite = np.isfinite(contributions.sum(axis=(2, 3), dtype=np.float64)).all(axis=0)
    if not finite.all():
        raise ModelError(
            f"{name} has gradients that are NaN or infinite at {(~finite).sum()} of "
            f"{len(finite)} pictures; check its precision and functions such as sqrt at 0."
        )
