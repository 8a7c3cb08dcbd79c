"""What methods cost side by side, and whether each is as exact as alone.

`compare` asks LIME, Banzhaf, RISE, KernelSHAP and PartitionSHAP from one shared design, and
occlusion, which finds its masks there. For every photo, seed and budget B: what each pays alone
with B masks, what all pay together with the total that `total_budget` says, and the squared error
of each, relative to the variance of the true values, alone and together. The ratio of the two is
paired: same photo, same seed. Of the ratios the median is printed, with its 90 % interval (photos
resampled, then seeds), and how often a method is no worse together.

Truths: Shapley values and LIME's limit as in `shapley_truth.py`, main effects by least squares
on the masks of that limit, Owen values exactly, from all contexts of the hierarchy.

    python benchmarks/compare_cost.py --quick --cache DIRECTORY PHOTO...
    python benchmarks/compare_cost.py --cache DIRECTORY PHOTO...

Answers of the model are kept in DIRECTORY, which `kernel_shap.py` may share. The truth of a photo
takes 35 000 of them.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices; before NumPy loads

import numpy as np
from kernel_shap import Answers, Played
from kernel_shap_table import short
from shapley_truth import SCORES, Truth, make, relative

import seewhy as sw
from seewhy.game.contexts import context_masks
from seewhy.game.design import ends
from seewhy.game.hierarchy import hierarchy_from_affinity
from seewhy.game.owen import owen_from_design
from seewhy.game.regression import weighted_ridge
from seewhy.methods.together import explain_together, total_budget

BUDGETS = (256, 384, 512)
SHARING = (sw.Lime, sw.Banzhaf, sw.Rise, sw.KernelShap, sw.PartitionShap)
RESAMPLED = 2000


@dataclass(frozen=True)
class Run:
    """One method on one photo with one seed: masks paid, and errors."""

    photo: str
    method: str
    budget: int
    paid_alone: int
    paid_together: int
    alone: float
    together: float


class Case:
    """One score of a photo's top class, and the true values of every method."""

    def __init__(self, photo: Path, options: argparse.Namespace) -> None:
        model = sw.load_model(options.model, weights=options.weights)
        truth = Truth.read(make(photo, model, options.regions, options.cache))
        self.name, self.score = photo.stem, SCORES.index(options.score)
        segments = sw.Segmentation(truth.segments, outside=truth.segments < 0)
        self.affinity = segments.adjacency()
        self.answers = Answers(truth, photo, options.regions, options)
        limit = truth.kind == "limit" if (truth.kind == "limit").any() else truth.kind == "all"
        effects = weighted_ridge(truth.masks[limit], truth.scores[limit]).coefficients
        self.truths = {
            "lime": truth.lime[self.score],
            "banzhaf": effects[:, self.score],
            "rise": effects[:, self.score] / 2,
            "kernel-shap": truth.shapley[self.score],
            "partition-shap": self._owen_values(),
        }

    def game(self) -> Played:
        """Make a game that has paid for nothing."""
        return Played(self.answers, self.score, self.affinity)

    def error(self, found: sw.Attribution) -> float:
        """Squared error relative to the variance of the true values."""
        truth = self.truths[found.name]
        return relative((found.values[:, 0] - truth) ** 2, truth)

    def _owen_values(self) -> np.ndarray:
        hierarchy = hierarchy_from_affinity(self.affinity)
        design = ends(hierarchy.n_players) | context_masks(hierarchy)
        scores = self.answers(design.masks)[:, [self.score]]
        return owen_from_design(design, scores, hierarchy).values[: hierarchy.n_players, 0]


def runs(case: Case, budget: int, seed: int) -> Iterator[Run]:
    """Ask every method alone, then all of them together."""
    methods = [method() for method in SHARING]
    view = case.game().view()
    rng = np.random.default_rng(seed)
    total = total_budget(methods, budget)
    answers = explain_together(methods, view, rng, budget=total).attributions
    hidden = sw.Occlusion()(view, rng)
    together = view.game.evaluations
    for method, answer in zip(SHARING, answers, strict=True):
        alone = case.game().view()
        found = method(budget=budget)(alone, np.random.default_rng(seed))
        errors = case.error(found), case.error(answer)
        yield Run(case.name, found.name, budget, alone.game.evaluations, together, *errors)
    alone = case.game().view()
    same = np.array_equal(sw.Occlusion()(alone, rng).values, hidden.values)
    nothing_sampled = 0.0, 0.0 if same else np.inf
    yield Run(case.name, hidden.name, budget, alone.game.evaluations, together, *nothing_sampled)


def interval(ratios: dict[str, list[float]], rng: np.random.Generator) -> tuple[float, float]:
    """90 % of the median over runs, photos resampled and then seeds."""
    photos = [np.array(of_photo) for of_photo in ratios.values()]
    medians = []
    for _ in range(RESAMPLED):
        drawn = [photos[i] for i in rng.integers(len(photos), size=len(photos))]
        parts = [rng.choice(of_photo, len(of_photo)) for of_photo in drawn]
        medians.append(np.median(np.concatenate(parts)))
    low, high = np.quantile(medians, [0.05, 0.95])
    return float(low), float(high)


def table(found: list[Run]) -> None:
    """Print one Markdown row per budget and method."""
    head = "| budget | method | masks alone | together | error alone | together | ratio (90 %) "
    print(f"\n{head}| no worse |\n|" + "---|" * 8)
    groups = defaultdict(list)
    for run in found:
        groups[run.budget, run.method].append(run)
    dearest = {run.budget: 0 for run in found}
    for run in found:
        dearest[run.budget] = max(dearest[run.budget], run.paid_alone)
    for (budget, method), group in groups.items():
        paid = max(run.paid_together for run in group)
        cells = [str(budget), method, str(max(run.paid_alone for run in group))]
        cells += [f"{paid} ({paid / dearest[budget]:.2f} x the dearest)"]
        cells += [short(float(np.median([run.alone for run in group])))]
        cells += [short(float(np.median([run.together for run in group])))]
        print("| " + " | ".join([*cells, *_ratio_cells(group)]) + " |")


def _ratio_cells(group: list[Run]) -> list[str]:
    if all(run.alone == run.together for run in group):
        return ["1 (the same values)", f"{len(group)} of {len(group)}"]
    ratios = defaultdict(list)
    for run in group:
        ratios[run.photo].append(run.together / run.alone)
    everything = np.concatenate(list(ratios.values()))
    low, high = interval(ratios, np.random.default_rng(0))
    middle = f"{np.median(everything):.2f} ({low:.2f}–{high:.2f})"
    return [middle, f"{(everything <= 1).sum()} of {len(everything)}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default="builtin:imagenet")
    parser.add_argument("--weights")
    parser.add_argument("--regions", type=int, default=50)
    parser.add_argument("--score", choices=SCORES, default="log-odds")
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="one budget, 384, and two seeds")
    options = parser.parse_args()
    if options.quick:
        options.budgets, options.seeds = (384,), 2
    options.cache.mkdir(parents=True, exist_ok=True)
    found: list[Run] = []
    for photo in options.photos:
        case = Case(photo, options)
        for budget in options.budgets:
            for seed in range(options.seeds):
                found.extend(runs(case, budget, seed))
        print(f"{photo.stem}: d = {len(case.affinity)}", flush=True)
    table(found)


if __name__ == "__main__":
    main()
