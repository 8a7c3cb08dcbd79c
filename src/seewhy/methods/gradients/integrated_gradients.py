"""Integrated gradients: what every pixel adds on the straight way from a reference."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seewhy.errors import InputError
from seewhy.game.driver import Listener
from seewhy.image.listing import listed_pictures
from seewhy.image.read import Source
from seewhy.methods.explanation import Attribution, Reading
from seewhy.methods.gradients.pixels import PixelView, completeness_gap
from seewhy.methods.gradients.references import (
    Reference,
    described,
    references_of,
    spelled_reference,
)
from seewhy.methods.gradients.walks import Places, check_count, error_of_mean, telling, walk


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients:
    """Add up gradients along the straight way from a reference to the picture.

    The value of a pixel is (x − r) ∫ ∂f/∂x (r + α (x − r)) dα, summed over channels; the integral
    is taken by the rule of Gauss and Legendre, which on photos is two to ten times nearer to it
    than the midpoint rule. All values together are f(x) − f(r); what the rule misses of that is
    the completeness gap. The value of a superpixel is the sum of its pixels'.

    Parameters
    ----------
    steps : int
        Gradients on the way from each reference.
    reference : str or Fill
        What the picture is compared with. ``"fill"``: the hidden picture of LIME and SHAP;
        ``"pictures"``: each of the given `pictures`; or a fill such as ``"black"``, ``"grey:0.5"``,
        ``"blur:0.05"``, ``"noise"``.
    pictures : paths, arrays or Pictures
        Other pictures; a folder stands for the files in it.
    draws : int
        How many references to draw of ``"noise"``; values are means over them.
    tolerance : float
        A target has converged when its completeness gap is at most so large.
    name : str
        Under which the result is found.

    References
    ----------
    Sundararajan, Taly, Yan: Axiomatic Attribution for Deep Networks, ICML 2017.
    """

    steps: int = 64
    reference: Reference = "fill"
    pictures: tuple[Source, ...] = ()
    draws: int = 8
    tolerance: float = 0.01
    name: str = "integrated-gradients"
    reading: ClassVar[Reading] = "share"
    explains_pixels: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_count(self.steps, name="steps")
        check_count(self.draws, name="draws")
        if not self.tolerance > 0:
            raise InputError(f"tolerance must be positive; got {self.tolerance!r}.")
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
            Draws random references.
        progress : callable, optional
            Told how many gradients are taken.

        Returns
        -------
        Attribution
            Without standard errors, unless references are drawn.
        """
        start = time.perf_counter()
        references = references_of(view, self.reference, self.pictures, rng, draws=self.draws)
        count = self.steps * references.count
        nodes, weights = np.polynomial.legendre.leggauss(self.steps)  # on [-1, 1]
        places = Places(
            positions=np.tile((nodes + 1) / 2, references.count),
            of=np.repeat(np.arange(references.count), self.steps),
            weights=np.tile(weights / 2 / references.count, references.count),
        )
        walked = walk(view, references, places, on_done=telling(self.name, count, progress))
        whole, base = references.ends(view)
        values = np.tensordot(places.weights, walked.pooled, axes=1)
        gap = completeness_gap(values, whole, base)
        ways = walked.pooled.reshape(references.count, self.steps, *values.shape)
        of_each = np.einsum("s,msdk->mdk", weights / 2, ways)
        return Attribution(
            values=values,
            standard_error=error_of_mean(of_each) if references.sampled else None,
            base_value=base,
            targets=view.asked.targets,
            evaluations=count + 1 + references.count,
            seconds=time.perf_counter() - start,
            fidelity=None,
            converged=gap <= self.tolerance,
            method=described(self),
            completeness_gap=gap,
            pixel_map=walked.maps.astype(np.float32),
        )
