"""GradientSHAP: expected gradients, from few but well placed samples."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from jaxtyping import Float64

from seewhy.errors import InputError
from seewhy.game.driver import Listener
from seewhy.image.listing import listed_pictures
from seewhy.image.read import Source
from seewhy.methods.convergence import check_stopping, settled
from seewhy.methods.explanation import Attribution, Reading
from seewhy.methods.gradients.pixels import PixelView, completeness_gap
from seewhy.methods.gradients.references import (
    Reference,
    References,
    described,
    references_of,
    spelled_reference,
)
from seewhy.methods.gradients.walks import Places, check_count, telling, walk

FEWEST_ON_A_WAY = 5  # for its error to be told from differences


@dataclass(frozen=True, kw_only=True)
class GradientShap:
    """Average gradients on the way from references to the picture, with error bars.

    The value of a pixel is E (x − r) ∂f/∂x (r + α (x − r)) over references r and α uniform in
    [0, 1], summed over channels: expected gradients, an Aumann–Shapley value. All values together
    are f(x) − E f(r), up to sampling. Instead of independent samples, the default takes one from
    each equal part of the way, and from every reference equally often, all classes from the same
    forward passes. The value of a superpixel is the sum of its pixels'.

    Parameters
    ----------
    samples : int
        Gradients to take. Of several references each gets the same number, so that up to one
        less than their number remain untaken.
    reference : str or Fill
        What the picture is compared with. ``"fill"``: the hidden picture of LIME and SHAP;
        ``"pictures"``: the given `pictures`; or a fill such as ``"black"``, ``"grey:0.5"``,
        ``"blur:0.05"``, or ``"noise"``, drawn anew for every sample.
    pictures : paths, arrays or Pictures
        Other pictures; a folder stands for the files in it.
    sampling : {"structured", "random"}
        "random": independent samples, as in the paper.
    epsilon : float
        A target has converged when every standard error is below ``epsilon``
        times the largest value, …
    top_regions : int
        … or when its so many strongest superpixels are separated from the rest.
    name : str
        Under which the result is found.

    References
    ----------
    Erion et al.: Improving performance of deep learning models with axiomatic attribution priors
    and expected gradients, Nature Machine Intelligence 2021.
    """

    samples: int = 32
    reference: Reference = "fill"
    pictures: tuple[Source, ...] = ()
    sampling: Literal["structured", "random"] = "structured"
    epsilon: float = 0.1
    top_regions: int = 5
    name: str = "gradient-shap"
    reading: ClassVar[Reading] = "share"
    explains_pixels: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_count(self.samples, name="samples", least=4)
        check_stopping(self.epsilon, self.top_regions)
        if self.sampling not in ("structured", "random"):
            raise InputError(f"sampling must be 'structured' or 'random'; got {self.sampling!r}.")
        object.__setattr__(self, "pictures", listed_pictures(self.pictures))
        object.__setattr__(self, "reference", spelled_reference(self.reference, self.pictures))

    def __call__(
        self, view: PixelView, rng: np.random.Generator, *, progress: Listener | None = None
    ) -> Attribution:
        """Differentiate the model and explain every target of the view.

        Parameters
        ----------
        view : PixelView
        rng : numpy.random.Generator
            Draws the samples, and random references.
        progress : callable, optional
            Told how many gradients are taken.

        Returns
        -------
        Attribution
        """
        start = time.perf_counter()
        references = references_of(view, self.reference, self.pictures, rng, draws=self.samples)
        places = self._places(references, rng)
        count = len(places.positions)
        walked = walk(view, references, places, on_done=telling(self.name, count, progress))
        whole, base = references.ends(view)
        values = np.tensordot(places.weights, walked.pooled, axes=1)
        ways = 1 if references.sampled else references.count
        error = self._error(walked.pooled, places.weights, ways)
        return Attribution(
            values=values,
            standard_error=error,
            base_value=base,
            targets=view.asked.targets,
            evaluations=count + 1 + references.count,
            seconds=time.perf_counter() - start,
            fidelity=None,
            converged=settled(values, error, epsilon=self.epsilon, top_regions=self.top_regions),
            method=described(self),
            completeness_gap=completeness_gap(values, whole, base),
            pixel_map=walked.maps.astype(np.float32),
        )

    def _places(self, references: References, rng: np.random.Generator) -> Places:
        """Choose where to differentiate: on grids, all moved by one draw."""
        n, m = self.samples, references.count
        if self.sampling == "random":
            of = np.arange(n) if references.sampled else rng.integers(m, size=n)
            return Places(rng.random(n), of, np.full(n, 1 / n))
        if references.sampled:  # each serves once
            positions, weights = shifted_grid(n, rng.random())
            return Places(positions, np.arange(n), weights)
        ways = rng.permutation(m)[: min(n, m)]
        shifts = (np.arange(len(ways)) + rng.random()) / len(ways)  # each fills the others' gaps
        grids = [shifted_grid(n // len(ways), shift) for shift in shifts]
        return Places(
            np.concatenate([positions for positions, _ in grids]),
            np.repeat(ways, n // len(ways)),
            np.concatenate([weights for _, weights in grids]) / len(ways),
        )

    def _error(
        self, samples: Float64[np.ndarray, "n d k"], weights: Float64[np.ndarray, " n"], ways: int
    ) -> Float64[np.ndarray, "d k"]:
        n = len(samples)
        if self.sampling == "random" or n // ways < FEWEST_ON_A_WAY:
            scaled = n * weights[:, None, None] * samples
            return np.asarray(scaled.std(axis=0, ddof=1) / np.sqrt(n))
        each = samples.reshape(ways, n // ways, *samples.shape[1:])
        scale = n * weights.reshape(ways, -1)[:, :, None, None]
        # weights of a way add up to the same whatever the draw, so that constants are no error
        return error_of_grids(scale * (each - each.mean(axis=1, keepdims=True)))


def shifted_grid(
    count: int, shift: float
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Choose points on [0, 1], closer together towards both ends, where gradients change fastest.

    Parameters
    ----------
    count : int
    shift : float in [0, 1)
        Where in its part of the way each point lies.

    Returns
    -------
    positions, weights : (n,) arrays
        sin²(π t / 2) of evenly spaced t, as dense as the nodes of Gauss and Legendre, and the part
        of the way that is nearer to each, in t, than to others: on photos a third to a sixth of
        the squared error that even spacing leaves.
    """
    even = (np.arange(count) + shift) / count
    borders = np.concatenate([[0.0], (even[1:] + even[:-1]) / 2, [1.0]])
    return _bent(even), np.diff(_bent(borders))


def _bent(even: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    return np.asarray(np.sin(np.pi / 2 * even) ** 2)


def error_of_grids(samples: Float64[np.ndarray, "m n d k"]) -> Float64[np.ndarray, "d k"]:
    """Estimate the standard error of the mean of samples on grids, on m ways.

    Parameters
    ----------
    samples : (m, n, d, k) array
        At least five on every way.

    Returns
    -------
    (d, k) array

    Notes
    -----
    From second differences, which an even change along the way leaves alone: for samples that
    are independent of their neighbours, their mean square is 6 σ². Of samples that go along with
    their neighbours a grid has a smaller error than that. How much they do is seen from
    differences over twice the distance, whose mean square is ρ times as large (1: independent;
    2: a random walk, whose grids err by σ² / 4): σ² / ρ² is taken, ρ between 1 and 4.
    """
    m, n = samples.shape[:2]
    near, far = (_second_differences(samples, distance) for distance in (1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = np.clip(np.nan_to_num(far.sum(axis=0) / near.sum(axis=0), nan=1.0), 1, 4)
    return np.asarray(np.sqrt(near / 6 / rho**2 / (n * m)))


def _second_differences(
    samples: Float64[np.ndarray, "m n d k"], distance: int
) -> Float64[np.ndarray, "d k"]:
    """Mean square over all ways."""
    n = samples.shape[1]
    middle = samples[:, distance : n - distance]
    bends = samples[:, 2 * distance :] - 2 * middle + samples[:, : n - 2 * distance]
    return np.asarray((bends**2).mean(axis=(0, 1)))
