"""The methods side by side on many photos and two networks, at one budget, judged alike.

What `seewhy compare FOLDER` does for one model, for two: ``builtin:imagenet`` and a network in an
ONNX file, the same photos for both, so that a method is not liked for fitting one network. The
class that is explained is what the network says, right or wrong. Every method that gives regions
values takes part, gradient methods by torch twins, which must give the same logits; two maps that
explain nothing, a random order and a blob in the middle, say what a score is worth.

PICTURES is a folder with `annotations.json`, {file name: {"label": class index, "box_xyxy": …}}.
Every fifth file in the order of names is taken.

    pip install onnx
    python benchmarks/league.py play --onnx FILE --out DIRECTORY PICTURES
    python benchmarks/league.py table --out DIRECTORY

``play`` appends a line per photo and network to `DIRECTORY/played.jsonl`, and goes on there after
an interruption; ``table`` needs no model, takes the photos that all networks have finished, and
saves every number and figures in `DIRECTORY/fields`. ``--quick`` plays four photos. On a busy
machine a process for each network, by ``--only``, bound to a core of its own, is quickest.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch load

import numpy as np
from league_table import Finished, report

import seewhy as sw
from seewhy.metrics.objects import Annotation, read_boxes
from seewhy.metrics.protocol import Protocol
from seewhy.models.protocol import Model
from seewhy.run.compare_many import hold_each
from seewhy.run.contest import Contest, methods_for
from seewhy.run.field import Failure
from seewhy.run.question import Question

BUILTIN, GIVEN = "EfficientNet-Lite0", "MobileNetV2"
MODELS = (BUILTIN, GIVEN)
BUDGET = 256
PROTOCOL = Protocol(steps=16, certificate_budget=400)
EVERY = 5
QUICK = 4
SAME_LOGITS = 1e-4
CHECKED = 8  # photos whose logits are compared, and as many with half of the pixels gone


def contest_of(model: Model) -> Contest:
    """Say what is compared: as `compare_many` does, without repeats."""
    question = Question(
        methods=methods_for(model, naming=False),
        top=1,
        target=None,
        against=None,
        true=None,
        segments=sw.Slic(60),
        fill=sw.MeanFill(),
        score="log-odds",
        budget=BUDGET,
        seed=None,
        backgrounds=(),
    )
    return Contest(question=question, repeats=1, noisy=0, shuffled=False, protocol=PROTOCOL)


def model_of(name: str, options: argparse.Namespace, pictures: list[Path]) -> Model:
    """Load a network, and check that what stands for it says the same."""
    if name == BUILTIN:
        model = sw.load_model("builtin:imagenet")
    else:
        from onnx_twin import with_twin

        model = with_twin(options.onnx, options.out)
        check_same(sw.OnnxModel(options.onnx), model, pictures)
    check_same(model, model.twin(), pictures)
    return model


def check_same(model: Model, other: Model, pictures: list[Path]) -> None:
    """Refuse gradients of a network that does not say the same."""
    shown = [model.preprocessing.apply(sw.read_image(path)) for path in pictures[:CHECKED]]
    gone = np.random.default_rng(0).random((len(shown), *shown[0].shape[:2], 1)) < 0.5
    inputs = np.concatenate([np.stack(shown), np.where(gone, np.float32(0.5), shown)])
    error = float(np.abs(model(inputs) - other(inputs)).max())
    if not error <= SAME_LOGITS:
        raise SystemExit(f"{model} and {other} differ by {error:.2g} in a logit: stopped")
    print(f"{model} and {other} differ by {error:.1g} in a logit at most", flush=True)


def chosen(options: argparse.Namespace) -> list[Path]:
    pictures = sorted(options.pictures.glob("*.jpg"))[::EVERY]
    return pictures[: QUICK if options.quick else options.most]


def read_rows(out: Path) -> list[dict[str, Any]]:
    """Read what was played; a line that was cut off is played again."""
    rows = []
    for path in sorted(out.glob("played*.jsonl")):
        for line in path.read_text().splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                print(f"{path.name}: a line was cut off", flush=True)
    return rows


def append(path: Path, row: dict[str, Any]) -> None:
    cut_off = path.exists() and not path.read_text().endswith("\n")
    with path.open("a") as file:
        file.write("\n" * cut_off + json.dumps(row) + "\n")


def play(options: argparse.Namespace) -> None:
    """Hold the contests that are not yet held, network after network on every photo."""
    names = [options.only] if options.only else list(MODELS)
    done = {(row["model"], row["picture"]) for row in read_rows(options.out)}
    boxes = read_boxes(options.pictures / "annotations.json")
    pictures = chosen(options)
    models = {name: model_of(name, options, pictures) for name in names}
    file = options.out / f"played{'-' + options.only if options.only else ''}.jsonl"
    for path in pictures:
        for name, model in models.items():
            if (name, path.name) not in done:
                row = {"model": name, "picture": path.name, **played(path, model, boxes)}
                append(file, row)
                print(f"{path.name}, {name}: {row['seconds']} s", flush=True)


def played(path: Path, model: Model, boxes: Mapping[str, Annotation]) -> dict[str, Any]:
    """Hold one contest, and keep its numbers with what they are about."""
    start, contest = time.perf_counter(), contest_of(model)
    (found,) = hold_each(contest, [path], model, boxes=boxes, tell=lambda event: None)
    label = boxes[path.name].label
    return {
        "failed": isinstance(found, Failure),
        "found": asdict(found),
        "truth": None if label is None else model.labels[int(label)],
        "seconds": round(time.perf_counter() - start, 1),
        "methods": [method.name for method in contest.question.methods],
        "protocol": asdict(contest.protocol),
        "budget": contest.budget,
    }


def table(options: argparse.Namespace) -> None:
    report(Finished.of(read_rows(options.out), MODELS), options.out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=("play", "table"))
    parser.add_argument("pictures", nargs="?", type=Path, help="play: folder of photos and boxes")
    parser.add_argument("--onnx", type=Path, help="play: a MobileNetV2 with its sidecar")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", choices=MODELS, help="play: one network")
    parser.add_argument("--most", type=int, default=60, help="play: photos")
    parser.add_argument("--quick", action="store_true", help=f"play: {QUICK} photos")
    options = parser.parse_intermixed_args()
    if options.action == "play" and (options.pictures is None or options.onnx is None):
        parser.error("play needs PICTURES and --onnx")
    options.out.mkdir(parents=True, exist_ok=True)
    (play if options.action == "play" else table)(options)


if __name__ == "__main__":
    main()
