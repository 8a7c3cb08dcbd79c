"""How near LIME comes to its own limit, and how the `lime` package fares at equal cost.

For each photo, both scores: the truth is LIME's weighted regression on 12 288 masks that no
estimate has seen (three Hadamard fold-over designs with random columns; `truth` is its own
relative error, from the halves of the designs). Ours is `Lime(budget=n)`; lime's is the sampler
and the fit of the package (LimeBase, kernel width .25, Ridge 1) on the same game: same
superpixels, same fill. Errors are squared, relative to the variance of the true values, medians
over the seeds. `cover` is the share of values whose 95 % interval holds the truth.

    python benchmarks/lime_accuracy.py ../shared/data/photos/*bus.jpg
    python benchmarks/lime_accuracy.py --model torchvision:squeezenet1_1 --weights FILE PHOTO...
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from lime.lime_base import LimeBase

import seewhy as sw
from seewhy.game.design import Design, join
from seewhy.game.game import Game, View
from seewhy.game.hadamard import fold_over
from seewhy.game.regression import lime_weights, weighted_ridge
from seewhy.models.masking_game import view_segments
from seewhy.models.protocol import Model

BUDGETS = (128, 256, 512)
TRUTH_ORDER = 2048
TRUTH_BLOCKS = 3
SCORES = ("log-odds", "probability")


def truth_design(n_players: int, rng: np.random.Generator) -> Design:
    return join(fold_over(n_players, TRUTH_ORDER, rng) for _ in range(TRUTH_BLOCKS))


def lime_limit(masks: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return weighted_ridge(masks, scores, weights=lime_weights(masks)).coefficients[:, 0]


def lime_package(view: View, budget: int, seed: int) -> np.ndarray:
    """The package's own sampler, kernel and fit (lime_image.data_labels, lime_base)."""
    random = np.random.RandomState(seed)
    masks = random.randint(0, 2, budget * view.n_players).reshape(budget, view.n_players)
    masks[0] = 1
    scores = view(masks.astype(bool))
    distances = 1 - np.sqrt(masks.mean(axis=1))
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.25**2)), False, random_state=random)
    _, weights, _, _ = base.explain_instance_with_data(
        masks, scores, distances, 0, view.n_players, feature_selection="none"
    )
    return np.array([weight for _, weight in sorted(weights)])


def relative_error(values: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean((values - truth) ** 2) / np.var(truth))


def game_of(photo: str, model: Model, regions: int) -> Game:
    image = sw.read_image(photo)
    return sw.masking_game(model, image, view_segments(model, image, sw.Slic(regions)))


def measure(game: Game, seeds: int) -> list[tuple]:
    rng = np.random.default_rng(2026)
    design = truth_design(game.n_players, rng)
    target = int(game(np.ones((1, game.n_players), bool))[0].argmax())
    rows = []
    for score in SCORES:
        view = game.view(score, target=target)
        scores = view(design.masks)
        truth = lime_limit(design.masks, scores)
        half = 2 * TRUTH_ORDER
        blocks = [slice(i * half, (i + 1) * half) for i in range(TRUTH_BLOCKS)]
        parts = np.stack([lime_limit(design.masks[b], scores[b]) for b in blocks])
        own = float(np.mean(parts.var(axis=0, ddof=1) / TRUTH_BLOCKS) / np.var(truth))
        for budget in BUDGETS:
            ours, random, covered, theirs = [], [], [], []
            for seed in range(seeds):
                found = sw.Lime(budget=budget)(view, np.random.default_rng(seed))
                ours.append(relative_error(found.values[:, 0], truth))
                distance = np.abs(found.values[:, 0] - truth) / found.standard_error[:, 0]
                covered.append(np.mean(distance < 1.96))
                theirs.append(relative_error(lime_package(view, budget, seed), truth))
                sampled = sw.Lime(budget=budget, design="random")
                draws = sampled(view, np.random.default_rng(1000 + seed))
                random.append(relative_error(draws.values[:, 0], truth))
            medians = [float(np.median(errors)) for errors in (ours, theirs, random)]
            rows.append((score, budget, own, *medians, float(np.mean(covered))))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--model", default="builtin:imagenet")
    parser.add_argument("--weights")
    parser.add_argument("--regions", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=6)
    options = parser.parse_args()
    model = sw.load_model(options.model, weights=options.weights)
    print(
        f"{options.model}, Slic({options.regions}), mean fill, "
        f"top class, median of {options.seeds} seeds"
    )
    print(
        "photo                 score        calls  truth   ours    lime    random  lime/ours cover"
    )
    everything: dict[tuple[str, int], list[tuple[float, float, float]]] = {}
    for photo in options.photos:
        start = time.perf_counter()
        game = game_of(photo, model, options.regions)
        for score, budget, own, ours, theirs, random, cover in measure(game, options.seeds):
            print(
                f"{Path(photo).stem:21s} {score:12s} {budget:5d}  {own:.4f}  {ours:.4f}  "
                f"{theirs:.4f}  {random:.4f}  {theirs / ours:7.1f}   {cover:.2f}",
                flush=True,
            )
            everything.setdefault((score, budget), []).append((ours, theirs, cover))
        seconds = time.perf_counter() - start
        print(f"  d = {game.n_players}, {game.evaluations} masks, {seconds:.0f} s", flush=True)
    print("\nmedian over photos")
    for (score, budget), found in everything.items():
        ours, theirs, cover = np.median(np.array(found), axis=0)
        ratios = [b / a for a, b, _ in found]
        span = f"{np.median(ratios):.1f} ({min(ratios):.1f}–{max(ratios):.1f})"
        print(
            f"{score:12s} {budget:5d}  ours {ours:.4f}  lime {theirs:.4f}  "
            f"ratio {span}  cover {cover:.2f}"
        )


if __name__ == "__main__":
    main()
