"""Grad-CAM: where the last convolutions saw what speaks for a class."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float32

from seewhy.errors import InputError
from seewhy.game.driver import Listener, Progress
from seewhy.methods.explanation import Attribution, Reading
from seewhy.methods.gradients.pixels import PixelView
from seewhy.models.differentiable import torch_module

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class GradCam:
    """Show where the last layer that looks at places saw what speaks for a class.

    A map of the layer's channels A_c, each weighted with the mean gradient of the score:
    ReLU(Σ_c w_c A_c), w_c = mean over places of ∂f/∂A_c, enlarged to the picture bilinearly. It is
    coarse (often 7 × 7), says nothing against a class, and has no unit: a quick look, not a share
    of the score. The value of a superpixel is the sum of its pixels'.

    Parameters
    ----------
    layer : str
        Name of a module, as in ``dict(net.named_modules())``. ``"auto"``: the last one before
        pooling and scores that looks at places (maps, or the tokens of a transformer); the
        result's method names it.
    name : str
        Under which the result is found.

    References
    ----------
    Selvaraju et al.: Grad-CAM, ICCV 2017.
    """

    layer: str = AUTO
    name: str = "grad-cam"
    reading: ClassVar[Reading] = "weight"
    explains_pixels: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.layer, str) or not self.layer:
            raise InputError(f"layer must be 'auto' or the name of a module; got {self.layer!r}.")

    def __call__(
        self, view: PixelView, rng: np.random.Generator, *, progress: Listener | None = None
    ) -> Attribution:
        """Run the network once and explain every target of the view.

        Parameters
        ----------
        view : PixelView
            Of a `TorchModel`.
        rng : numpy.random.Generator
            Makes no difference here.
        progress : callable, optional
            Told when it is done.

        Returns
        -------
        Attribution
            Its ``method.layer`` is the layer's name; ``base_value`` is 0.

        Raises
        ------
        InputError
            When the model is no torch network, has no such layer, or none that has places.
        """
        start = time.perf_counter()
        model = torch_module(view.model, wanted_by=self.name)
        layer, maps = _maps(model, view, self.layer)
        if progress is not None:
            progress(Progress(f"{self.name}: differentiating", 1, 1))
        k = len(view.asked.targets)
        return Attribution(
            values=view.pool(maps),
            standard_error=None,
            base_value=np.zeros(k),
            targets=view.asked.targets,
            evaluations=1,
            seconds=time.perf_counter() - start,
            fidelity=None,
            converged=np.ones(k, bool),
            method=replace(self, layer=layer),
            pixel_map=maps,
        )


def _maps(model: Any, view: PixelView, layer: str) -> tuple[str, Float32[np.ndarray, "k h w"]]:
    """Name of the layer, and its maps at the size of the model's input."""
    from seewhy.methods.gradients import layers  # it needs torch
    from seewhy.models.torch_extra import torch
    from seewhy.models.torch_module import evaluating
    from seewhy.models.torch_scores import torch_scores

    module, (h, w) = model.module, view.pixels.shape[:2]
    watching = layers.spatial_layers(module)
    if layer != AUTO:
        layers.check_layer(module, layer)
        watching = list(dict.fromkeys([*watching, layer]))
    with torch.inference_mode(False), torch.enable_grad(), evaluating(module):
        with layers.watched(module, watching, picture=(h, w)) as seen:
            inputs = model.to_input(view.pixels[None]).requires_grad_()
            scores = torch_scores(model.forward(inputs.clone()), view.asked, model.output)
        if layer == AUTO:
            classes = len(model.labels)
            found = layers.last_spatial(seen, scores, classes=classes, name=model.spec)
        else:
            found = layers.layer_seen(seen, layer, name=model.spec)
        activation = found.as_maps(found.output.detach())[0].float()
        weights = [
            found.as_maps(gradient)[0].float().mean(dim=(1, 2), keepdim=True)
            for gradient in _gradients(scores, found.output)
        ]
        cams = torch.stack([(weight * activation).sum(dim=0).relu() for weight in weights])
        enlarged = torch.nn.functional.interpolate(cams[:, None], size=(h, w), mode="bilinear")
    return found.name, np.asarray(enlarged[:, 0].cpu().numpy())


def _gradients(scores: Any, output: Any) -> list[Any]:
    """One gradient of the layer's output per score; zero where a score does not depend on it."""
    from seewhy.models.torch_extra import torch

    last = scores.shape[1] - 1
    found = [
        torch.autograd.grad(column.sum(), output, retain_graph=target < last, allow_unused=True)[0]
        for target, column in enumerate(scores.unbind(dim=1))
    ]
    return [torch.zeros_like(output) if gradient is None else gradient for gradient in found]
