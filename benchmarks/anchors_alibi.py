"""The side of `anchors.py` that runs `alibi`, in an environment of its own.

It imports neither Seewhy nor anything that needs NumPy 2, reads what ``anchors.py cases`` wrote,
and appends one line per run to DIRECTORY/alibi.jsonl; runs that are there are not repeated.

`alibi` is used as it comes: ``AnchorImage(...).explain(picture, threshold=.95)``, all else at its
default, on the same superpixels. Every picture that reaches the network during ``explain`` is
counted. Two things are checked before a photo is explained: its network answers as ours did,
and its hidden superpixels look as ours do. `alibi` seeds NumPy's global state, once, when an
explainer is made: so every run makes its own.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy loads

import numpy as np
import onnxruntime
from alibi.explainers import AnchorImage

# alibi/explainers/__init__.py does not export what draws its masked pictures
from alibi.explainers.anchors.anchor_image import AnchorImageSampler

THRESHOLD = 0.95
PORTION = 16
SAME_LOGITS, SAME_PIXELS = 1e-3, 1e-5
DRAWN = 32


class Network:
    """Pictures in [0, 1] to logits; counts them."""

    def __init__(self, model: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        self.mean = self.std = np.float32(0)
        self.reset()

    def reset(self) -> None:
        """Count from zero."""
        self.images, self.seconds = 0, 0.0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return (n, 1000) logits of (n, h, w, 3) pictures."""
        start = time.perf_counter()
        self.images += len(images)
        parts = [self._logits(images[i : i + PORTION]) for i in range(0, len(images), PORTION)]
        self.seconds += time.perf_counter() - start
        return np.concatenate(parts)

    def _logits(self, images: np.ndarray) -> np.ndarray:
        inputs = ((images - self.mean) / self.std).astype(np.float32).transpose(0, 3, 1, 2)
        return self.session.run(["logits"], {"pixels": np.ascontiguousarray(inputs)})[0]


def check(case: dict[str, np.ndarray], network: Network) -> None:
    """Compare logits and masked pictures with what our side wrote; SystemExit where they differ."""
    pixels, fill, labels = case["pixels"], case["fill"], case["labels"]

    def ours(masks: np.ndarray) -> np.ndarray:
        return np.where(masks[:, labels][..., None], pixels, fill)

    logits = float(np.abs(network(ours(case["masks"])) - case["logits"]).max())
    np.random.seed(0)  # noqa: NPY002  (the package draws from NumPy's global state)
    sampler = AnchorImageSampler(lambda x: np.zeros(len(x)), lambda _: labels, True, pixels)
    drawn, masks = sampler.perturbation((), DRAWN)
    colours = float(np.abs(drawn - ours(masks.astype(bool))).max())
    print(f"logits differ by {logits:.1e}, {DRAWN} masked pictures by {colours:.1e}", flush=True)
    if logits > SAME_LOGITS or colours > SAME_PIXELS:
        raise SystemExit("the two sides do not play the same game")


def explain(case: dict[str, np.ndarray], network: Network, seed: int) -> dict:
    """Run `alibi` once."""
    pixels, labels = case["pixels"], case["labels"]
    explainer = AnchorImage(network, pixels.shape, segmentation_fn=lambda _: labels, seed=seed)
    network.reset()  # making an explainer asks about a black picture
    start = time.perf_counter()
    found = explainer.explain(pixels, threshold=THRESHOLD)
    seconds = time.perf_counter() - start
    return {
        "superpixels": sorted(int(i) for i in found.data["raw"]["feature"]),
        "precision": float(np.ravel(found.data["precision"])[-1]),  # an array for the empty anchor
        "coverage": float(found.data["coverage"]),
        "success": bool(found.data["raw"]["success"]),
        "images": network.images,
        "seconds": round(seconds, 2),
        "model_seconds": round(network.seconds, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    results = options.cache / "alibi.jsonl"
    lines = results.read_text().splitlines() if results.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    done = {(row["photo"], row["seed"]) for row in rows}
    network = Network(options.cache / "model.onnx", options.threads)
    cases = {path.stem: dict(np.load(path)) for path in sorted(options.cache.glob("*.npz"))}
    runs = [(photo, seed) for photo, case in cases.items() for seed in range(int(case["seeds"]))]
    # one run of every photo first: a benchmark that is cut short has still seen them all
    for photo, seed in sorted(runs, key=lambda run: run[1]):
        if (photo, seed) in done:
            continue
        case = cases[photo]
        network.mean, network.std = case["mean"], case["std"]
        check(case, network)
        row = {"photo": photo, "seed": seed, "d": int(case["labels"].max()) + 1}
        row |= explain(case, network, seed)
        print(json.dumps(row), flush=True)
        with results.open("a") as file:
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
