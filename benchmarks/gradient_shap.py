"""How soon expected gradients of five classes are accurate, ours and those of `shap`.

One picture, one reference (the superpixels' mean colours), logits, both in this process and with
the same threads. Printed for each network:

* the error of both at their own settings and at equal samples: squared, relative to a long run
  of ours, over pixels and over superpixels, mean over classes; seconds by the clock and of the
  processor (the latter suffer less from whatever else the machine does);
* how many independent samples our default is worth, and so the ratio of time to equal accuracy;
* whether both estimate the same: a long run of our independent sampling beside shap's;
* what shap's default call, all 1 000 classes, would take: an extrapolation from two classes.

shap's `local_smoothing`, noise on the picture, is off as by default.

    python benchmarks/gradient_shap.py PHOTO --weights squeezenet1_1.pth
    python benchmarks/gradient_shap.py PHOTO --network resnet34

Without weights the network is a random one whose batch norms have perturbed statistics.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shap
import torch

import seewhy as sw
from seewhy.game.scores import ClassScores
from seewhy.methods.gradients.gradient_shap import GradientShap
from seewhy.methods.gradients.pixels import PixelView
from seewhy.models.masking_game import masked_picture


@dataclass(frozen=True)
class Timed:
    """What an estimator found, (k, h, w), and what it cost."""

    maps: np.ndarray
    clock: float
    processor: float


def timed(work: Callable[[], np.ndarray]) -> Timed:
    clock, processor = time.perf_counter(), time.process_time()
    maps = work()
    return Timed(maps, time.perf_counter() - clock, time.process_time() - processor)


def view_of(options: argparse.Namespace) -> PixelView:
    spec = f"torchvision:{options.network}"
    loaded = sw.load_model(spec, weights=options.weights, pretrained=options.weights is not None)
    if options.weights is None:
        perturb(loaded.module)
    model = sw.TorchModel(loaded.module, preprocess=loaded.preprocessing, output="raw", spec=spec)
    picture = masked_picture(model, options.photo, sw.Slic(50))
    likeliest = np.argsort(-model(picture.pixels[None])[0])[: options.classes]
    return PixelView(model, picture, ClassScores("raw", tuple(int(i) for i in likeliest)))


def perturb(module: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean += 0.1 * torch.randn(part.num_features, generator=generator)
            part.running_var *= 0.5 + torch.rand(part.num_features, generator=generator)
    for parameter in module.parameters():
        parameter.requires_grad_(False)


def ours(view: PixelView, samples: int, seed: int, sampling: str = "structured") -> Timed:
    method = GradientShap(samples=samples, sampling=sampling)
    return timed(lambda: method(view, np.random.default_rng(seed)).pixel_map)


def theirs(view: PixelView, samples: int, seed: int, classes: int) -> Timed:
    model = view.model
    picture, reference = (model.to_input(p[None]) for p in (view.pixels, view.reference))

    def work() -> np.ndarray:
        explainer = shap.GradientExplainer(model.module.eval(), reference, local_smoothing=0)
        values, ranked = explainer.shap_values(
            picture, nsamples=samples, ranked_outputs=classes, rseed=seed
        )
        if ranked[0].tolist() != list(view.asked.targets[:classes]):
            raise SystemExit("shap ranks the classes differently")
        return np.moveaxis(np.asarray(values)[0].sum(axis=0), -1, 0)

    return timed(work)


def errors(view: PixelView, found: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    k = len(found)
    pixels = ((found - truth[:k]) ** 2).sum(axis=(1, 2)) / (truth[:k] ** 2).sum(axis=(1, 2))
    pooled, true = view.pool(found), view.pool(truth[:k])
    regions = ((pooled - true) ** 2).sum(axis=0) / (true**2).sum(axis=0)
    return float(pixels.mean()), float(regions.mean())


def row(name: str, found: Timed, view: PixelView, truth: np.ndarray) -> tuple[float, float]:
    pixels, regions = errors(view, found.maps, truth)
    print(
        f"{name:<38} {pixels:10.2e} {regions:10.2e} {found.clock:9.1f} {found.processor:9.1f}",
        flush=True,
    )
    return pixels, regions


def compare(view: PixelView, options: argparse.Namespace) -> None:
    n, k = options.samples, options.classes
    print(f"{'':<38} {'pixels':>10} {'regions':>10} {'clock s':>9} {'cpu s':>9}")
    truth = ours(view, options.truth, seed=1000)
    row(f"ours, {options.truth} (the truth)", truth, view, truth.maps)
    default = ours(view, 32, seed=0)
    own = row("ours, 32", default, view, truth.maps)
    row(f"ours, {n} independent", ours(view, n, 1, "random"), view, truth.maps)
    peer = theirs(view, n, 0, k)
    its = row(f"shap.GradientExplainer, {n}", peer, view, truth.maps)
    ratio = peer.processor / default.processor
    # the error of independent samples falls as 1 / n
    worth = [theirs_error / error for theirs_error, error in zip(its, own, strict=True)]
    print(
        f"time, shap {n} / ours 32: {ratio:.1f}; to equal accuracy: {ratio * worth[0]:.1f} "
        f"(pixels), {ratio * worth[1]:.1f} (regions)"
    )
    print(
        f"32 of ours are worth {n * worth[0]:.0f} (pixels), {n * worth[1]:.0f} (regions) of shap's"
    )
    like = [
        float(np.corrcoef(m.ravel(), t.ravel())[0, 1])
        for m, t in zip(peer.maps, truth.maps, strict=True)
    ]
    print(f"correlation of shap's maps with the truth: {min(like):.4f} at least")


def extrapolate(view: PixelView, options: argparse.Namespace) -> None:
    """Time two classes; a default call explains all of them."""
    two = theirs(view, options.samples, 0, 2)
    seconds = two.processor / 2 * 1000
    default = ours(view, 32, seed=0)
    print(
        f"shap, 2 classes × {options.samples}: {two.processor:.0f} s of the processor; "
        "all 1 000 classes, "
        f"extrapolated: {seconds / 3600:.1f} h; ours, {options.classes} classes × 32: "
        f"{default.processor:.1f} s; ratio {seconds / default.processor:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--network", default="squeezenet1_1")
    parser.add_argument("--weights")
    parser.add_argument("--classes", type=int, default=5)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--truth", type=int, default=1024)
    parser.add_argument("--only", choices=("compare", "extrapolate"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    view = view_of(options)
    print(f"{view.model.spec}, {options.photo.name}, classes {view.asked.targets}")
    if options.only != "extrapolate":
        compare(view, options)
    if options.only != "compare":
        extrapolate(view, options)


if __name__ == "__main__":
    main()
