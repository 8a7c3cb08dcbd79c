"""Anchors beside `alibi`: how many pictures of the model they cost, and whether they hold.

Real photos, the network that comes with Seewhy, the same superpixels (about 45), the same hidden
colour (a superpixel's mean), the same threshold of .95. Measured, run by run:

* pictures classified. `alibi`'s are counted as they reach the network, ours as the rule says: in
  all, and until a rule was first certified; what comes after makes it smaller, shows which
  members are needed and how far it holds, which `alibi` does not do;
* the **true** precision of what was returned: fresh masks, the anchor kept and every other
  superpixel kept with probability ½, and the share that keeps the prediction of the whole
  picture (exact where few masks are left, else with its standard error). A run below .95 breaks
  the promise that both make, `alibi` by default with a confidence of .9, ours here with .95;
* its size, and how alike the anchors of different seeds are (mean Jaccard of pairs);
* the precision that was reported, against the true one, and whether our bound lies below it.

`alibi` 0.9.6 needs NumPy below 2, Seewhy 2 or later, so two environments work on one directory:

    python3.11 -m venv ENV && ENV/bin/pip install -r benchmarks/anchors-requirements.txt
    python benchmarks/anchors.py cases --cache DIRECTORY --seeds 5 PHOTO...
    ENV/bin/python benchmarks/anchors_alibi.py --cache DIRECTORY
    python benchmarks/anchors.py ours --cache DIRECTORY
    python benchmarks/anchors.py truth --cache DIRECTORY
    python benchmarks/anchors.py table --cache DIRECTORY

Every step can be interrupted and goes on where it was. ``cases`` says how often the prediction
holds with no anchor at all; photos above .95 have nothing to explain and are better left out.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from pathlib import Path
from statistics import mean, median

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices; before NumPy loads

import numpy as np

import seewhy as sw
from seewhy.game.design import all_masks
from seewhy.game.game import Game
from seewhy.models.efficientnet_lite import onnx_model, read_weights
from seewhy.models.masking_game import (
    MaskedPicture,
    game_of,
    masked_picture,
    view_segments,
    visible_segments,
)
from seewhy.models.protocol import Model

MODEL = "builtin:imagenet"
THRESHOLD = CONFIDENCE = 0.95
SIDES = ("alibi", "ours")
CHECKED = 8  # masks whose logits the other side compares
NEAR = 3.0  # standard errors from the threshold within which more is drawn
NEAR_DRAWS = 5  # times as many
BEYOND = 2.0  # standard errors below the threshold that leave no doubt


@dataclass(frozen=True, eq=False)
class Case:
    """A photo at the model's input, cut and filled: what both sides explain."""

    photo: str
    pixels: np.ndarray
    fill: np.ndarray
    labels: np.ndarray
    target: int
    seeds: int

    @property
    def n_players(self) -> int:
        """Number of superpixels, d."""
        return int(self.labels.max()) + 1

    def game(self, model: Model) -> Game:
        """Make a fresh game: nothing paid for yet."""
        cut = sw.Segmentation(self.labels)
        visible = np.arange(self.n_players)
        return game_of(model, MaskedPicture(self.pixels, self.fill, self.labels, visible, cut))


def read_cases(cache: Path) -> list[Case]:
    cases = []
    for path in sorted(cache.glob("*.npz")):
        with np.load(path) as stored:
            arrays = (stored["pixels"], stored["fill"], stored["labels"])
            cases.append(Case(path.stem, *arrays, int(stored["target"]), int(stored["seeds"])))
    return cases


def write_cases(options: argparse.Namespace) -> None:
    model = sw.load_model(MODEL)
    (options.cache / "model.onnx").write_bytes(onnx_model(read_weights()))
    for photo in options.photos:
        image = sw.read_image(photo)
        cut = view_segments(model, image, sw.Slic(options.regions))
        cut = visible_segments(model, image.shape, cut)
        picture = masked_picture(model, image, cut, fill=sw.MeanFill())
        if not np.array_equal(np.unique(picture.labels), np.arange(cut.count)):
            raise SystemExit(f"{photo.stem}: every pixel must belong to a superpixel")
        _write_case(photo.stem, picture, model, options)


def _write_case(
    photo: str, picture: MaskedPicture, model: Model, options: argparse.Namespace
) -> None:
    rng = np.random.default_rng(zlib.crc32(photo.encode()))
    answer = model.masked(picture.pixels, picture.fill, picture.labels)
    d = len(picture.visible)
    whole = answer(np.ones((1, d), bool))[0]
    target = int(whole.argmax())
    drawn = answer(rng.random((options.empty_draws, d)) < 0.5)
    kept = float(np.mean(drawn.argmax(axis=1) == target))
    masks = rng.random((CHECKED, d)) < 0.5
    np.savez_compressed(
        options.cache / f"{photo}.npz",
        pixels=picture.pixels,
        fill=picture.fill,
        labels=picture.labels,
        target=target,
        seeds=options.seeds,
        mean=np.array(model.preprocessing.mean, np.float32),
        std=np.array(model.preprocessing.std, np.float32),
        masks=masks,
        logits=answer(masks),
    )
    remark = " (trivially robust: leave it out)" if kept >= THRESHOLD else ""
    print(
        f"{photo}: {model.labels[target]}, d = {d}, without anchor {kept:.3f}{remark}", flush=True
    )


def read_rows(path: Path) -> list[dict]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def append(path: Path, row: dict) -> None:
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def run_ours(options: argparse.Namespace) -> None:
    results = options.cache / "ours.jsonl"
    done = {(row["photo"], row["seed"]) for row in read_rows(results)}
    model = sw.load_model(MODEL)
    anchors = sw.Anchors(precision=THRESHOLD, confidence=CONFIDENCE)
    for case in read_cases(options.cache):
        for seed in range(case.seeds):
            if (case.photo, seed) in done:
                continue
            game = case.game(model)
            start = time.perf_counter()
            rule = anchors(game, np.random.default_rng(seed))
            append(
                results,
                {
                    "photo": case.photo,
                    "seed": seed,
                    "d": game.n_players,
                    "superpixels": sorted(int(i) for i in rule.superpixels),
                    "status": rule.status,
                    "precision": float(rule.precision),
                    "bound": float(rule.precision_lower_bound),
                    "irreducible": bool(rule.irreducible),
                    "images": int(rule.evaluations),
                    "found_after": int(rule.found_after),
                    "seconds": round(time.perf_counter() - start, 2),
                    "model_seconds": round(game.seconds, 2),
                },
            )


def key_of(row: dict) -> tuple[str, tuple[int, ...]]:
    return row["photo"], tuple(row["superpixels"])


def write_truth(options: argparse.Namespace) -> None:
    results = options.cache / "truth.jsonl"
    known = {key_of(row) for row in read_rows(results)}
    rows = [row for side in SIDES for row in read_rows(options.cache / f"{side}.jsonl")]
    cases = {case.photo: case for case in read_cases(options.cache)}
    model = sw.load_model(MODEL)
    for photo, members in dict.fromkeys(key_of(row) for row in rows):
        if (photo, members) in known:
            continue
        row = {"photo": photo, "superpixels": list(members)}
        append(results, row | true_precision(cases[photo], members, model, options.draws))


def true_precision(case: Case, members: tuple[int, ...], model: Model, draws: int) -> dict:
    """Count how often fresh masks that keep these superpixels keep the prediction."""
    answer = model.masked(case.pixels, case.fill, case.labels)

    def holds(masks: np.ndarray) -> int:
        masks[:, members] = True
        return int((answer(masks).argmax(axis=1) == case.target).sum())

    d = case.n_players
    others = [i for i in range(d) if i not in members]
    if 2 ** len(others) <= draws:
        masks = np.ones((2 ** len(others), d), bool)
        if others:
            masks[:, others] = all_masks(len(others)).masks
        return {"precision": holds(masks) / len(masks), "error": 0.0, "draws": len(masks)}
    rng = np.random.default_rng(zlib.crc32(f"{case.photo} {members}".encode()))
    hits, count = holds(rng.random((draws, d)) < 0.5), draws
    if abs(hits / count - THRESHOLD) <= NEAR * _error(hits, count):
        more = (NEAR_DRAWS - 1) * draws
        hits, count = hits + holds(rng.random((more, d)) < 0.5), count + more
    return {"precision": hits / count, "error": _error(hits, count), "draws": count}


def _error(hits: int, count: int) -> float:
    share = (hits + 1) / (count + 2)  # never 0, though all hit
    return sqrt(share * (1 - share) / count)


@dataclass(frozen=True)
class Run:
    """One run with the truth about what it returned."""

    photo: str
    seed: int
    d: int
    members: frozenset[int]
    images: int
    found_after: int
    reported: float
    truth: float
    error: float
    claimed: bool
    bound: float | None

    @property
    def broken(self) -> bool:
        """Whether it is said to hold and does not; what is called not found promises nothing."""
        return self.claimed and self.truth < THRESHOLD

    @property
    def beyond_doubt(self) -> bool:
        """Whether it is broken by more than the truth's own error explains."""
        return self.claimed and self.truth < THRESHOLD - BEYOND * self.error


def read_runs(cache: Path, side: str) -> list[Run]:
    """Read the runs whose truth is known."""
    truths = {key_of(row): row for row in read_rows(cache / "truth.jsonl")}
    return [
        Run(
            row["photo"],
            row["seed"],
            row["d"],
            frozenset(row["superpixels"]),
            row["images"],
            row.get("found_after", row["images"]),
            row["precision"],
            truths[key_of(row)]["precision"],
            truths[key_of(row)]["error"],
            row["success"] if side == "alibi" else row["status"] != "not_found",
            row.get("bound"),
        )
        for row in read_rows(cache / f"{side}.jsonl")
        if key_of(row) in truths
    ]


def likeness(runs: Iterable[Run]) -> str:
    """Mean Jaccard over pairs of seeds; two empty anchors are alike."""
    pairs = list(combinations([run.members for run in runs], 2))
    alike = [len(a & b) / len(a | b) if a | b else 1.0 for a, b in pairs]
    return f"{mean(alike):.2f}" if alike else "–"


def _span(values: Iterable[int]) -> str:
    values = sorted(values)
    middle = f"{median(values):,.0f}".replace(",", " ")
    if values[0] == values[-1]:
        return middle
    return f"{middle} ({values[0]:,}–{values[-1]:,})".replace(",", " ")


def _row(photo: str, side: str, runs: list[Run]) -> list[str]:
    truths = [run.truth for run in runs]
    lost = sum(not run.claimed for run in runs)
    return [
        photo,
        str(runs[0].d),
        side,
        f"{len(runs)} ({lost} not found)" if lost else str(len(runs)),
        _span(run.images for run in runs),
        _span(len(run.members) for run in runs),
        f"{sum(run.broken for run in runs)} ({sum(run.beyond_doubt for run in runs)})",
        likeness(runs),
        f"{mean(run.reported for run in runs):.3f}",
        f"{mean(truths):.3f} ({min(truths):.3f})",
    ]


def table_rows(runs: dict[str, list[Run]]) -> Iterator[list[str]]:
    for photo in sorted({run.photo for side in SIDES for run in runs[side]}):
        for side in SIDES:
            here = [run for run in runs[side] if run.photo == photo]
            if here:
                yield _row(photo, side, here)


def print_table(options: argparse.Namespace) -> None:
    runs = {side: read_runs(options.cache, side) for side in SIDES}
    head = ["photo", "d", "", "runs", "pictures: median (range)", "size: median (range)"]
    head += ["true precision < .95 (by > 2 standard errors)", "Jaccard", "reported, mean"]
    head += ["true, mean (worst)"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for cells in table_rows(runs):
        print("| " + " | ".join(cells) + " |")
    print()
    for side in SIDES:
        unknown = len(read_rows(options.cache / f"{side}.jsonl")) - len(runs[side])
        if unknown:
            print(f"{side}: {unknown} more runs are left out; run `truth` for them")
        if runs[side]:
            broken = sum(run.broken for run in runs[side])
            sure = sum(run.beyond_doubt for run in runs[side])
            print(f"{side}: {broken} of {len(runs[side])} runs below .95 ({sure} beyond doubt)")
    bounded = [run for run in runs["ours"] if run.bound is not None]
    if bounded:
        missed = sum(run.bound > run.truth + BEYOND * run.error for run in bounded)
        print(f"ours: the certified bound lies above the truth in {missed} of {len(bounded)} runs")
    ours = {(run.photo, run.seed): run for run in runs["ours"]}
    pairs = [(run, ours.get((run.photo, run.seed))) for run in runs["alibi"]]
    print_ratios("", [theirs.images / mine.images for theirs, mine in pairs if mine])
    until = [theirs.images / mine.found_after for theirs, mine in pairs if mine]
    print_ratios(" until first certified", until)


def print_ratios(until: str, ratios: list[float]) -> None:
    if ratios:
        print(
            f"pictures, alibi / ours{until}: median {median(ratios):.1f} "
            f"({min(ratios):.1f}–{max(ratios):.1f}, {len(ratios)} pairs of runs)"
        )


ACTIONS = {"cases": write_cases, "ours": run_ours, "truth": write_truth, "table": print_table}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--regions", type=int, default=45, help="cases: superpixels, about")
    parser.add_argument("--seeds", type=int, default=1, help="cases: runs per photo")
    parser.add_argument("--empty-draws", type=int, default=400, help="cases: masks, no anchor")
    parser.add_argument("--draws", type=int, default=4000, help="truth: fresh masks, at first")
    options = parser.parse_intermixed_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    ACTIONS[options.action](options)


if __name__ == "__main__":
    main()
