"""Maps that know nothing of the model: what every explanation has to beat.

A score that ranks one of these above real explanations measures something else.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64
from scipy.ndimage import gaussian_gradient_magnitude

from seewhy.errors import InputError
from seewhy.image.segmentation import OUTSIDE, Segmentation

_CENTRE_WIDTH = 0.25  # standard deviation, as a share of what the model sees
_EDGE_WIDTH = 1.0  # pixels: keeps the noise of a sensor from counting as edges


def random_map(n_players: int, rng: np.random.Generator) -> Float64[np.ndarray, " d"]:
    """Value superpixels at random: normal deviates, so that half of them are negative.

    Parameters
    ----------
    n_players : int
    rng : numpy.random.Generator

    Returns
    -------
    (d,) array
    """
    return rng.standard_normal(n_players)


def constant_map(n_players: int) -> Float64[np.ndarray, " d"]:
    """Value all superpixels alike, at 1.

    Parameters
    ----------
    n_players : int

    Returns
    -------
    (d,) array
    """
    return np.ones(n_players)


def centre_map(segmentation: Segmentation) -> Float64[np.ndarray, " d"]:
    """Value superpixels by how near they are to the centre, where photographers put things.

    Parameters
    ----------
    segmentation : Segmentation
        What lies outside does not count: the centre is that of what the model sees.

    Returns
    -------
    (d,) array in (0, 1]
        A Gaussian of the centroid's distance, with a quarter of the height and of the width
        as its standard deviations.
    """
    rows, columns = np.nonzero(segmentation.labels != OUTSIDE)
    low = np.array([rows.min(), columns.min()])
    high = np.array([rows.max(), columns.max()])
    away = (segmentation.centroids() - (low + high) / 2) / (high - low + 1)
    squares: Float64[np.ndarray, " d"] = (away**2).sum(axis=1)
    return np.exp(-squares / (2 * _CENTRE_WIDTH**2))


def edge_map(
    image: Float32[np.ndarray, "H W c"], segmentation: Segmentation
) -> Float64[np.ndarray, " d"]:
    """Value superpixels by the edges in them: mean gradient magnitude of the picture.

    Edges look like explanations, since objects have them, and depend on no network.

    Parameters
    ----------
    image : (H, W, c) float32 in [0, 1]
        The picture that was cut.
    segmentation : Segmentation
        Of the same height and width.

    Returns
    -------
    (d,) array
        Mean over the pixels of a superpixel of the Gaussian gradient magnitude (1 pixel wide),
        averaged over channels.

    Raises
    ------
    InputError
        When the picture and the superpixels differ in size.
    """
    if image.ndim != 3 or image.shape[:2] != segmentation.shape:
        raise InputError(
            f"image must have shape {segmentation.shape} and channels, as the segmentation; got "
            f"{image.shape}"
        )
    planes = np.moveaxis(image.astype(np.float64), 2, 0)
    strength = np.mean([gaussian_gradient_magnitude(p, _EDGE_WIDTH) for p in planes], axis=0)
    return np.asarray(segmentation.pool(strength) / segmentation.areas())
