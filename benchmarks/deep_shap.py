"""Completeness and seconds of the rescale rule on stock networks: ours, captum's, shap's.

Networks of torchvision as they are, with random weights, batch norms whose statistics follow
random pictures, and heads scaled so that scores differ by about 1; one random picture against one
grey reference. The gap is the largest over classes of |sum of contributions − Δ| relative to
max(|Δ|, 1e-3 |score|), in float32. Peers are given a copy each; what they raise is printed.
Seconds are of the fastest of a few runs, of all threads together with --cpu (for machines that
do other things at the same time).

    nice python benchmarks/deep_shap.py
    nice python benchmarks/deep_shap.py resnet18 vgg16 --runs 5 --peers captum
"""

from __future__ import annotations

import argparse
import copy
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch

from seewhy.methods.gradients.rescale import rescaled_contributions
from seewhy.models.torchvision_models import import_torchvision

NETWORKS = [
    "alexnet",
    "vgg16",
    "vgg16_bn",
    "resnet18",
    "resnet34",
    "resnet50",
    "densenet121",
    "googlenet",
    "inception_v3",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "squeezenet1_1",
    "shufflenet_v2_x1_0",
    "efficientnet_b0",
    "convnext_tiny",
    "vit_b_16",
    "swin_t",
]


def stock(name: str, size: int) -> Any:
    settings = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    torch.manual_seed(0)
    network = import_torchvision().models.get_model(name, weights=None, **settings).eval()
    head = [weight for weight in network.parameters() if weight.ndim > 1][-1]
    if not head.any():
        torch.nn.init.normal_(head, std=0.05)
    kinds = torch.nn.modules.batchnorm._BatchNorm
    norms = [part for part in network.modules() if isinstance(part, kinds)]
    for norm in norms:
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.normal_(norm.bias, std=0.3)
        norm.momentum, norm.training = 1.0, True
    with torch.no_grad():
        head *= 2 / network(torch.randn(4, 3, size, size)).std(0).mean()
    for norm in norms:
        norm.momentum, norm.training = 0.1, False
    return network


def gap_of(sums: Any, network: Any, image: Any, reference: Any, classes: tuple[int, ...]) -> float:
    with torch.no_grad():
        score, base = network(image)[0, classes], network(reference)[0, classes]
    change = (score - base).double()
    scale = torch.maximum(change.abs(), 1e-3 * score.double().abs())
    return float(((sums.double() - change).abs() / scale).max())


def ours(network: Any, image: Any, reference: Any, classes: tuple[int, ...]) -> Any:
    columns = list(classes)
    found = rescaled_contributions(lambda x: network(x)[:, columns], image, reference)
    return found.contributions.double().sum((1, 2, 3, 4))


def captum(network: Any, image: Any, reference: Any, classes: tuple[int, ...]) -> Any:
    from captum.attr import DeepLift

    method = DeepLift(network)
    maps = [method.attribute(image, baselines=reference, target=t).detach() for t in classes]
    return torch.stack([found.double().sum() for found in maps])


def shap(network: Any, image: Any, reference: Any, classes: tuple[int, ...]) -> Any:
    from shap import DeepExplainer

    class Chosen(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: Any) -> Any:
            return self.network(x)[:, list(classes)]

    values = DeepExplainer(Chosen(), reference).shap_values(image, check_additivity=False)
    return torch.as_tensor(values).double().sum((0, 1, 2, 3)).reshape(-1)


def measured(
    method: Callable[..., Any], network: Any, size: int, *, runs: int, clock: Callable[[], float]
) -> tuple[float, float, float] | str:
    """Gap for 5 classes, seconds for 1 and for 5; or what was raised."""
    torch.manual_seed(1)
    image, reference = torch.randn(1, 3, size, size), torch.zeros(1, 3, size, size)
    with torch.no_grad():
        likeliest = tuple(network(image)[0].topk(5).indices.tolist())
    seconds = []
    gap = float("nan")
    try:
        for classes in (likeliest[:1], likeliest):
            taken = []
            for _ in range(runs):
                explained = copy.deepcopy(network)
                start = clock()
                sums = method(explained, image, reference, classes)
                taken.append(clock() - start)
            gap = gap_of(sums, network, image, reference, classes)
            seconds.append(min(taken))
    except Exception as error:  # a peer may raise anything; that is a result
        return f"{type(error).__name__}: {str(error).splitlines()[0][:60]}"
    return gap, seconds[0], seconds[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=["captum", "shap"])
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    clock = time.process_time if options.cpu else time.perf_counter
    peers = {"captum": captum, "shap": shap}
    for name in options.networks:
        size = 299 if name == "inception_v3" else 224
        network = stock(name, size)
        mine = measured(ours, network, size, runs=options.runs, clock=clock)
        if isinstance(mine, str):
            raise RuntimeError(f"{name}: {mine}")
        print(f"{name}: ours gap {mine[0]:.1e}, {mine[1]:.2f} s, {mine[2]:.2f} s for 5", end="")
        for peer in options.peers:
            theirs = measured(peers[peer], network, size, runs=options.runs, clock=clock)
            if isinstance(theirs, str):
                print(f" | {peer} {theirs}", end="")
                continue
            ratios = [m / t for m, t in zip(mine[1:], theirs[1:], strict=True)]
            print(
                f" | {peer} gap {theirs[0]:.1e}, {theirs[1]:.2f} s, {theirs[2]:.2f} s, "
                f"ours/{peer} {ratios[0]:.2f}, {ratios[1]:.2f}",
                end="",
            )
        print(flush=True)


if __name__ == "__main__":
    main()
