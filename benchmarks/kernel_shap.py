"""How near Shapley values come to the truth from few calls of the model, ours and the peers'.

Real pictures, real superpixels, a real network; every estimator plays the same game, and the
masks it asks about are counted. Measured, for both scores (log-odds and probability of the top
class), about 14 and about 50 superpixels:

* the mean squared error over superpixels relative to the variance of the true values, against
  the number of calls. The truth is exact for 14 superpixels (all 2^14 masks) and cross-fitted
  from 32 000 calls for 50 (`shapley_truth.py`), whose own error is printed;
* how often intervals of nominally 90 % hold the true value, where an estimator gives any;
* LIME's error and the Shapley error from one shared set of calls;
* how many masks each estimator really asked about. A budget counts all but the two ends (all
  kept, all hidden), which every estimator gets on top.

shapiq's estimators need Python 3.12 or later, so make an environment of its own and run:

    python3.12 -m venv ENV && ENV/bin/pip install -r benchmarks/kernel_shap-requirements.txt -e .
    ENV/bin/python benchmarks/kernel_shap.py run --cache DIRECTORY PHOTO...
    ENV/bin/python benchmarks/kernel_shap.py run --cache DIRECTORY --regions 14 PHOTO...
    ENV/bin/python benchmarks/kernel_shap.py table --cache DIRECTORY

A run can be interrupted: results are appended to DIRECTORY/results.jsonl and not repeated, and
answers of the model are kept. `--only NAME` runs one method, `--again` measures what was
measured; the last result counts.
Of 3 seeds, budgets above 512 get proportionally fewer, but at least one.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices; before NumPy loads

import numpy as np
from kernel_shap_table import identity, print_tables, read_rows
from scipy.special import log_expit
from shapley_truth import SCORES, Truth, game_of, make, relative
from threadpoolctl import threadpool_limits

import seewhy as sw
from seewhy.game.game import Game, View
from seewhy.methods.together import explain_together

BUDGETS = (128, 256, 384, 512, 1000, 2000)
INTERVAL = 1.6448536  # 90 % of a normal distribution


class Answers:
    """Both scores of the top class, from memory where a mask was asked before."""

    def __init__(self, truth: Truth, photo: Path, regions: int, options: argparse.Namespace):
        self.photo, self.regions, self.options = photo, regions, options
        self.target = truth.target
        d = truth.masks.shape[1]
        self.record = np.dtype([("mask", "u1", (-(-d // 8),)), ("scores", "f8", (2,))])
        self.path = options.cache / f"answers-{photo.stem}-{regions}.bin"
        self.known = dict(zip(_keys(truth.masks), truth.scores, strict=True))
        if self.path.exists():
            stored = self.path.read_bytes()
            whole = len(stored) - len(stored) % self.record.itemsize
            for mask, scores in np.frombuffer(stored[:whole], self.record):
                self.known[mask.tobytes()] = scores
        self.game: Game | None = None
        self.seconds = 0.0

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Return (n, 2) scores."""
        keys = _keys(masks)
        new = list({key: i for i, key in enumerate(keys) if key not in self.known}.values())
        start = time.perf_counter()
        for first in range(0, len(new), 256):
            rows = masks[new[first : first + 256]]
            self._keep(rows, self._ask(rows))
        self.seconds += time.perf_counter() - start
        return np.array([self.known[key] for key in keys])

    def _ask(self, masks: np.ndarray) -> np.ndarray:
        if self.game is None:
            model = sw.load_model(self.options.model, weights=self.options.weights)
            self.game, _, target = game_of(self.photo, model, self.regions)
            if target != self.target:
                raise SystemExit(f"the top class of {self.photo.stem} is not that of its truth")
        game = self.game
        log_p = game(masks)
        asked = Game(lambda _: log_p, game.n_players, columns="log-probability")
        return np.hstack([asked.view(s, target=self.target)(masks, remember=False) for s in SCORES])

    def _keep(self, masks: np.ndarray, scores: np.ndarray) -> None:
        records = np.empty(len(masks), self.record)
        records["mask"], records["scores"] = np.packbits(masks, axis=1), scores
        with self.path.open("ab", buffering=0) as file:
            file.write(records.tobytes())
        self.known.update(zip(_keys(masks), scores, strict=True))


def _keys(masks: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in np.packbits(masks, axis=1)]


class Played:
    """One score of a game as a plain function of masks that counts what it is asked."""

    def __init__(self, answers: Answers, score: int, affinity: np.ndarray):
        self.answers, self.score, self.affinity = answers, score, affinity
        self.n_players = len(affinity)
        self.asked = 0
        self.different: set[bytes] = set()

    def __call__(self, masks: np.ndarray) -> np.ndarray:
        """Return (n,) values of one mask or many."""
        return self._count(masks)[:, self.score]

    def _count(self, masks: np.ndarray) -> np.ndarray:
        masks = np.atleast_2d(np.asarray(masks)).astype(bool)
        inner = masks.any(axis=1) & ~masks.all(axis=1)
        self.asked += int(inner.sum())
        self.different.update(_keys(masks[inner]))
        return self.answers(masks)

    def view(self) -> View:
        """Make a fresh game of two classes, the top class and all others, that counts likewise."""

        def value(masks: np.ndarray) -> np.ndarray:
            log_odds = self._count(masks)[:, 0]
            return np.stack([log_expit(-log_odds), log_expit(log_odds)], axis=1)

        game = Game(value, self.n_players, affinity=self.affinity, columns="log-probability")
        return game.view(SCORES[self.score], target=1)


@dataclass(frozen=True)
class Found:
    """What an estimator answers; any may be missing."""

    shapley: np.ndarray | None = None
    error: np.ndarray | None = None
    lime: np.ndarray | None = None


def ours(game: Played, budget: int, seed: int) -> Found:
    found = sw.KernelShap(budget=budget)(game.view(), np.random.default_rng(seed))
    return _attribution(found)


def ours_regression(game: Played, budget: int, seed: int) -> Found:
    method = sw.KernelShap(budget=budget, estimator="regression")
    return _attribution(method(game.view(), np.random.default_rng(seed)))


def _attribution(found: sw.Attribution) -> Found:
    error = found.standard_error
    return Found(found.values[:, 0], None if error is None else error[:, 0])


def ours_shared(game: Played, budget: int, seed: int) -> Found:
    rng = np.random.default_rng(seed)
    together = explain_together([sw.Lime(), sw.KernelShap()], game.view(), rng, budget=budget)
    lime, shapley = together.attributions
    found = _attribution(shapley)
    return Found(found.shapley, found.error, lime.values[:, 0])


def shap_kernel(game: Played, budget: int, seed: int) -> Found:
    import shap

    np.random.seed(seed)  # noqa: NPY002  (the package draws from NumPy's global state)
    background = np.zeros((1, game.n_players))
    explainer = shap.KernelExplainer(game, background)
    ones = np.ones((1, game.n_players))
    values = explainer.shap_values(ones, nsamples=budget, l1_reg=False, silent=True)
    return Found(np.asarray(values)[0])


def shap_permutation(game: Played, budget: int, seed: int) -> Found:
    import shap

    background = np.zeros((1, game.n_players))
    explainer = shap.PermutationExplainer(game, background, seed=seed)
    # of the 2 d + 1 rows of a permutation and its reverse, three are ends
    rounds = budget // (2 * game.n_players - 2)
    most = rounds * (2 * game.n_players + 1)
    ones = np.ones((1, game.n_players))
    return Found(explainer(ones, max_evals=most, silent=True).values[0])


def captum_kernel(game: Played, budget: int, seed: int) -> Found:
    import torch
    from captum.attr import KernelShap

    def forward(x: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(game(x.numpy() > 0.5))

    torch.manual_seed(seed)
    ones = torch.ones(1, game.n_players)
    values = KernelShap(forward).attribute(
        ones,
        baselines=torch.zeros_like(ones),
        n_samples=budget + 2,
        perturbations_per_eval=64,
        return_input_shape=True,
    )
    return Found(values[0].numpy())


def _shapiq(name: str, **settings: object) -> Callable[[Played, int, int], Found]:
    def estimate(game: Played, budget: int, seed: int) -> Found:
        import shapiq.approximator as peers

        method = getattr(peers, name)(n=game.n_players, random_state=seed, **settings)
        found = method.approximate(budget=budget + 2, game=game)
        return Found(np.array([found[(i,)] for i in range(game.n_players)]))

    return estimate


def lime_package(game: Played, budget: int, seed: int) -> Found:
    """The package's own sampler, kernel and fit (lime_image.data_labels, lime_base)."""
    from lime.lime_base import LimeBase

    random = np.random.RandomState(seed)
    masks = random.randint(0, 2, budget * game.n_players).reshape(budget, game.n_players)
    masks[0] = 1
    distances = 1 - np.sqrt(masks.mean(axis=1))
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.25**2)), False, random_state=random)
    _, weights, _, _ = base.explain_instance_with_data(
        masks, game(masks)[:, None], distances, 0, game.n_players, feature_selection="none"
    )
    return Found(lime=np.array([weight for _, weight in sorted(weights)]))


METHODS: dict[str, Callable[[Played, int, int], Found]] = {
    "ours": ours,
    "ours, regression": ours_regression,
    "OddSHAP": _shapiq("OddSHAP"),
    "LeverageSHAP": _shapiq("LeverageSHAP"),
    "RegressionMSR": _shapiq("RegressionMSR", index="SV"),
    "shap.KernelExplainer": shap_kernel,
    "shap.PermutationExplainer": shap_permutation,
    "captum KernelShap": captum_kernel,
    "ours, shared with LIME": ours_shared,
    "lime": lime_package,
}
BUDGETS_OF = {  # all, where nothing is said
    "ours, shared with LIME": (256, 384, 512, 1000),
    "lime": (256, 384, 512, 1000),
    "captum KernelShap": (128, 256, 384, 512, 1000),
}


def measure(name: str, game: Played, budget: int, seed: int, truth: Truth) -> dict:
    """Run one estimator once; its errors are relative to the variance of the truth."""
    start, waited = time.perf_counter(), game.answers.seconds
    row: dict = {}
    try:
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            found = METHODS[name](game, budget, seed)
    except Exception as problem:
        return {"failed": f"{type(problem).__name__}: {problem}"[:200]}
    waited = game.answers.seconds - waited
    row["seconds"] = round(time.perf_counter() - start - waited, 3)
    row |= {"asked": game.asked, "different": len(game.different)}
    if found.shapley is not None:
        shapley = truth.shapley[game.score]
        missed = found.shapley - shapley
        row["error"] = relative(missed**2, shapley)
        if found.error is not None:
            row["cover"] = float(np.mean(np.abs(missed) <= INTERVAL * found.error))
            row["foretold"] = relative(found.error**2, shapley)
    if found.lime is not None:
        lime = truth.lime[game.score]
        row["lime"] = relative((found.lime - lime) ** 2, lime)
    return row


def seeds_of(budget: int, seeds: int) -> int:
    return max(1, min(seeds, round(seeds * 512 / budget)))


def runs(options: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    for budget in options.budgets:
        for seed in range(seeds_of(budget, options.seeds)):
            for name in options.only or METHODS:
                if budget in BUDGETS_OF.get(name, options.budgets):
                    yield name, budget, seed


def run(options: argparse.Namespace) -> None:
    results = options.cache / "results.jsonl"
    done = set() if options.again else {identity(row) for row in read_rows(results)}
    model = sw.load_model(options.model, weights=options.weights)
    for photo in options.photos:
        truth = Truth.read(make(photo, model, options.regions, options.cache))
        segments = sw.Segmentation(truth.segments, outside=truth.segments < 0)
        answers = Answers(truth, photo, options.regions, options)
        for name, budget, seed in runs(options):
            for number, score in enumerate(SCORES):
                row = {"photo": photo.stem, "regions": options.regions, "score": score}
                row |= {"method": name, "budget": budget, "seed": seed}
                if identity(row) in done:
                    continue
                game = Played(answers, number, segments.adjacency())
                row |= measure(name, game, budget, seed, truth)
                row |= {"d": game.n_players, "own": float(truth.shapley_own[number])}
                with results.open("a") as file:
                    file.write(json.dumps(row) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=("run", "table"))
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default="builtin:imagenet")
    parser.add_argument("--weights")
    parser.add_argument("--regions", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budgets", type=int, nargs="+", default=BUDGETS)
    parser.add_argument("--only", nargs="+", choices=METHODS)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_intermixed_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    if options.action == "table":
        print_tables(read_rows(options.cache / "results.jsonl"))
        return
    run(options)


if __name__ == "__main__":
    main()
