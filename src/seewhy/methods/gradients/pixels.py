"""The subject of a gradient method: chosen classes of a differentiable model on one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64

from seewhy.game.scores import ClassScores, score_columns
from seewhy.image.read import Image
from seewhy.models.differentiable import DifferentiableModel
from seewhy.models.masking_game import MaskedPicture, log_probabilities


@dataclass(frozen=True, eq=False)
class PixelView:
    """Chosen classes of a model on one picture, for methods that differentiate.

    The counterpart of a game's `View`: same picture, same superpixels, same fill,
    same score; asked pixel by pixel.

    Attributes
    ----------
    model : DifferentiableModel
    picture : MaskedPicture
        At the model's input.
    asked : ClassScores
        The classes and the scale.
    """

    model: DifferentiableModel
    picture: MaskedPicture
    asked: ClassScores

    @property
    def pixels(self) -> Image:
        """The picture at the model's input."""
        return self.picture.pixels

    @property
    def reference(self) -> Image:
        """The picture with every superpixel hidden: where the game's v(∅) is asked."""
        return self.picture.hidden

    def scores(self, images: Float32[np.ndarray, "n h w c"]) -> Float64[np.ndarray, "n k"]:
        """Ask the model about pictures at its input, on the scale that is explained."""
        asked, output = self.asked, self.model.output
        outputs = self.model(images)
        columns = outputs if output == "raw" else log_probabilities(outputs, output)
        return score_columns(columns, asked.score, asked.targets, asked.against)

    def pool(self, maps: Float32[np.ndarray, "k h w"]) -> Float64[np.ndarray, "d k"]:
        """Sum maps of pixels over every superpixel."""
        return np.stack([self.picture.pool(heatmap) for heatmap in maps], axis=1)


def completeness_gap(
    values: Float64[np.ndarray, "d k"],
    whole: Float64[np.ndarray, " k"],
    base: Float64[np.ndarray, " k"],
) -> Float64[np.ndarray, " k"]:
    """Say what values miss of Δ = f(x) − mean f(reference), relative to it.

    Returns
    -------
    (k,) array
        |Σ values − Δ| / max(|Δ|, 0.001 · |f(x)|), and |Σ values| itself where both are 0.
    """
    difference = whole - base
    missed = np.abs(values.sum(axis=0) - difference)
    scale = np.maximum(np.abs(difference), 1e-3 * np.abs(whole))
    gap: Float64[np.ndarray, " k"] = missed / np.where(scale > 0, scale, 1)
    return gap
