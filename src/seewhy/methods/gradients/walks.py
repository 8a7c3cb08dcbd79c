"""Walks from references to a picture: gradients at chosen places, summed as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from seewhy.errors import InputError
from seewhy.game.driver import Listener, Progress
from seewhy.methods.gradients.pixels import PixelView
from seewhy.methods.gradients.references import References


@dataclass(frozen=True, eq=False)
class Places:
    """Where to differentiate: n points, each on the way from one reference to the picture.

    Attributes
    ----------
    positions : (n,) array in [0, 1]
        0 is the reference.
    of : (n,) int array
        Which reference.
    weights : (n,) array
        They sum to 1.
    """

    positions: Float64[np.ndarray, " n"]
    of: Int[np.ndarray, " n"]
    weights: Float64[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Walked:
    """What was found on the way.

    Attributes
    ----------
    maps : (k, h, w) array
        Weighted sum of gradient · (x − r) over all places.
    pooled : (n, d, k) array
        The same at every place by itself, without weights, summed over superpixels.
    """

    maps: Float64[np.ndarray, "k h w"]
    pooled: Float64[np.ndarray, "n d k"]


def walk(
    view: PixelView,
    references: References,
    places: Places,
    *,
    on_done: Callable[[int], None] | None = None,
) -> Walked:
    """Differentiate the scores at places between references and a picture.

    Parameters
    ----------
    view : PixelView
    references : References
    places : Places
    on_done : callable, optional
        Told how many places are done.

    Raises
    ------
    ModelError
        When the model, or its gradients, make no sense.
    """
    n, k = len(places.positions), len(view.asked.targets)
    maps = np.zeros((k, *view.pixels.shape[:2]))
    pooled = np.empty((n, view.picture.segmentation.count, k))
    for start in range(0, n, view.model.batch_size):  # no more maps than a batch are held
        rows = slice(start, min(start + view.model.batch_size, n))
        _, contributions = view.model.path_gradients(
            view.pixels, references(places.of[rows]), places.positions[rows], view.asked
        )
        maps += np.einsum("n,tnhw->thw", places.weights[rows], contributions, dtype=np.float64)
        for number, at_place in enumerate(contributions.swapaxes(0, 1), start):
            pooled[number] = view.pool(at_place)
        if on_done is not None:
            on_done(rows.stop)
    return Walked(maps, pooled)


def telling(name: str, total: int, progress: Listener | None) -> Callable[[int], None]:
    """Report gradients taken under the name of a method."""

    def tell(done: int) -> None:
        if progress is not None:
            progress(Progress(f"{name}: differentiating", done, total))

    return tell


def check_count(count: int, *, name: str, least: int = 1) -> None:
    """Refuse what is not a whole number of at least ``least``."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < least:
        raise InputError(f"{name} must be a whole number of at least {least}; got {count!r}.")


def error_of_mean(samples: Float64[np.ndarray, "n d k"]) -> Float64[np.ndarray, "d k"] | None:
    """Standard error of the mean of independent samples; None for a single one."""
    if len(samples) < 2:
        return None
    return np.asarray(samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))
