"""Top-1 and top-5 of a model on labelled photos, and pictures per second of its forward pass.

FOLDER holds pictures and `annotations.json`, {file name: {"label": class index, …}}.

    python benchmarks/builtin_accuracy.py ../shared/data/imagenet/val
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

import seewhy as sw


def classes_of(folder: Path) -> dict[str, int]:
    annotations = json.loads((folder / "annotations.json").read_text())
    return {name: int(entry["label"]) for name, entry in annotations.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="builtin:imagenet")
    parser.add_argument("--weights")
    options = parser.parse_args()
    model = sw.load_model(options.model, weights=options.weights)
    truth = classes_of(options.folder)
    inputs = np.stack(
        [model.preprocessing.apply(sw.read_image(options.folder / name)) for name in truth]
    )
    model(inputs[:32])
    start = time.perf_counter()
    outputs = model(inputs)
    seconds = time.perf_counter() - start
    ranked = np.argsort(-outputs, axis=1)
    labels = np.array(list(truth.values()))[:, None]
    top1 = (ranked[:, :1] == labels).any(axis=1).mean()
    top5 = (ranked[:, :5] == labels).any(axis=1).mean()
    print(
        f"{options.model}: {len(labels)} photos, top-1 {top1:.1%}, top-5 {top5:.1%}, "
        f"{len(labels) / seconds:.0f} pictures/s"
    )


if __name__ == "__main__":
    main()
