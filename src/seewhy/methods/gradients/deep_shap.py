"""DeepSHAP: what every pixel adds, by the rescale rule, in one pass back through the network."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float64

from seewhy.errors import InputError
from seewhy.game.driver import Listener
from seewhy.image.listing import listed_pictures
from seewhy.image.read import Source
from seewhy.methods.explanation import Attribution, Reading
from seewhy.methods.gradients.pixels import PixelView, completeness_gap
from seewhy.methods.gradients.references import (
    Reference,
    References,
    described,
    references_of,
    spelled_reference,
)
from seewhy.methods.gradients.walks import check_count, error_of_mean, telling
from seewhy.models.differentiable import torch_module

_log = logging.getLogger("seewhy")


@dataclass(frozen=True, kw_only=True)
class DeepShap:
    """Pass the difference from a reference back through the network, exactly shared out.

    DeepLIFT's rescale rule: every function of the network is replaced by the straight line
    between what the reference and the picture give it. Values add up to f(x) − f(r) (averaged over
    references) from one pass per reference, on networks as they are: in-place functions, reused
    modules, attention. The value of a superpixel is the sum of its pixels'.

    Parameters
    ----------
    reference : str or Fill
        What the picture is compared with. ``"fill"``: the hidden picture of LIME and SHAP;
        ``"pictures"``: the given `pictures`; or a fill such as ``"black"``, ``"grey:0.5"``,
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
    Lundberg, Lee: A Unified Approach to Interpreting Model Predictions, NeurIPS 2017.
    Shrikumar, Greenside, Kundaje: Learning Important Features Through Propagating Activation
    Differences, ICML 2017.
    """

    reference: Reference = "fill"
    pictures: tuple[Source, ...] = ()
    draws: int = 8
    tolerance: float = 0.01
    name: str = "deep-shap"
    reading: ClassVar[Reading] = "share"
    explains_pixels: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_count(self.draws, name="draws")
        if not self.tolerance > 0:
            raise InputError(f"tolerance must be positive; got {self.tolerance!r}.")
        object.__setattr__(self, "pictures", listed_pictures(self.pictures))
        object.__setattr__(self, "reference", spelled_reference(self.reference, self.pictures))

    def __call__(
        self, view: PixelView, rng: np.random.Generator, *, progress: Listener | None = None
    ) -> Attribution:
        """Pass differences back and explain every target of the view.

        Parameters
        ----------
        view : PixelView
            Of a `TorchModel`.
        rng : numpy.random.Generator
            Draws random references.
        progress : callable, optional
            Told how many references are done.

        Returns
        -------
        Attribution
            Without standard errors, unless references are drawn.

        Raises
        ------
        InputError
            When the model is no torch network.
        ModelError
            When the network does not treat pictures one by one, or answers with NaN.
        """
        start = time.perf_counter()
        model = torch_module(view.model, wanted_by=self.name)
        references = references_of(view, self.reference, self.pictures, rng, draws=self.draws)
        tell = telling(self.name, references.count, progress)
        passed = _passed_back(model, view, references, tell)
        if passed.unknown:
            _log.warning(
                "%s knows no rule for %s, which %s calls: there it takes the gradient, and the "
                "values need not add up; see the completeness gap.",
                self.name,
                ", ".join(passed.unknown),
                model.spec,
            )
        values = passed.pooled.mean(axis=0)
        gap = completeness_gap(values, passed.whole, passed.base)
        return Attribution(
            values=values,
            standard_error=error_of_mean(passed.pooled) if references.sampled else None,
            base_value=passed.base,
            targets=view.asked.targets,
            evaluations=passed.evaluations,
            seconds=time.perf_counter() - start,
            fidelity=None,
            converged=gap <= self.tolerance,
            method=described(self),
            completeness_gap=gap,
            pixel_map=passed.maps.astype(np.float32),
        )


@dataclass(eq=False)
class _Passed:
    """Sums over references, as they come."""

    maps: Float64[np.ndarray, "k h w"]
    pooled: Float64[np.ndarray, "m d k"]
    whole: Float64[np.ndarray, " k"]
    base: Float64[np.ndarray, " k"]
    unknown: tuple[str, ...]
    evaluations: int


def _passed_back(model: Any, view: PixelView, references: References, tell: Any) -> _Passed:
    """Give every reference its pass, so many at a time as memory allows."""
    from seewhy.methods.gradients.rescale import rescaled_contributions  # it needs torch
    from seewhy.models.line_checks import check_gradients
    from seewhy.models.torch_extra import torch
    from seewhy.models.torch_module import evaluating
    from seewhy.models.torch_scores import torch_scores

    k, m = len(view.asked.targets), references.count
    found = _Passed(
        maps=np.zeros((k, *view.pixels.shape[:2])),
        pooled=np.empty((m, view.picture.segmentation.count, k)),
        whole=np.zeros(k),
        base=np.zeros(k),
        unknown=(),
        evaluations=m,
    )

    def network(inputs: Any) -> Any:
        return torch_scores(model.forward(inputs), view.asked, model.output)

    def step(rows: slice) -> np.ndarray:
        rescaled = rescaled_contributions(
            network,
            model.to_input(view.pixels[None]),
            model.to_input(references(np.arange(rows.start, rows.stop))),
        )
        maps = _numpy(rescaled.contributions.float().sum(dim=2))
        check_gradients(maps, name=model.spec)
        for number, of_one in enumerate(maps.swapaxes(0, 1), rows.start):
            found.pooled[number] = view.pool(of_one)
        found.maps += maps.sum(axis=1, dtype=np.float64) / m
        found.whole = _numpy(rescaled.score).astype(np.float64)
        found.base = found.base + _numpy(rescaled.reference_scores).sum(axis=0) / m
        found.unknown = tuple(sorted({*found.unknown, *rescaled.unknown}))
        found.evaluations += 1
        tell(rows.stop)
        return found.base[None].repeat(rows.stop - rows.start, axis=0)

    with torch.inference_mode(False), torch.enable_grad(), evaluating(model.module):
        model.backward_batches(k).run(m, step)
    return found


def _numpy(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().cpu().numpy())
