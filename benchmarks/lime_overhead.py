"""What LIME costs besides the model: end to end, as a ratio to the bare forward passes.

In one process, alternating, `--rounds` times: the bare forward passes of n inputs that are
already normalised and laid out, in the model's own batches, straight through ONNX Runtime or the
torch module; the masked game (compositing, batching, bookkeeping, scores of five classes); design;
estimate; segmentation; and `seewhy.explain` as a whole with `budget=n` and five classes.
Medians, and ratios to the bare passes of the same round.

    python benchmarks/lime_overhead.py PHOTO [--model SPEC --weights FILE]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import seewhy as sw
from seewhy.game.likelihood import _likeliest_kernel
from seewhy.game.threads import one_blas_thread
from seewhy.models.masking_game import view_segments


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def bare_forward(model: Any, picture: np.ndarray) -> Callable[[], Any]:
    """The network alone, on a batch that needs no preparation."""
    batch = np.repeat(picture[None], model.batch_size, axis=0)
    if model.framework == "torch":
        import torch

        tensor = model.to_input(batch)
        if model.device.type == "cpu":
            tensor = tensor.contiguous(memory_format=torch.channels_last)
        module = model.module.eval()

        def run_module() -> None:
            with torch.inference_mode():
                module(tensor)

        return run_module
    prepared = np.ascontiguousarray(model.preprocessing.normalise(batch).transpose(0, 3, 1, 2))
    return lambda: model._forward(prepared)


def one_round(photo: str, model: Any, budget: int) -> dict[str, float]:
    image = sw.read_image(photo)
    picture = model.preprocessing.apply(image)
    forward = bare_forward(model, picture)
    passes = range(budget // model.batch_size)
    lime = sw.Lime(budget=budget)
    found: dict[str, float] = {}
    found["bare forward"], _ = seconds(lambda: [forward() for _ in passes])
    found["segmentation"], cut = seconds(lambda: view_segments(model, image, sw.Slic(60)))
    game = sw.masking_game(model, image, cut)
    targets = np.argsort(-game(np.ones((1, cut.count), bool))[0])[:5].tolist()
    view = game.view("log-odds", target=targets)
    rng = np.random.default_rng(0)
    found["design"], plan = seconds(lambda: list(lime.plan(cut.count, rng, affinity=game.affinity)))
    masks = np.concatenate([block.masks for block in plan])
    found["masked game"], scores = seconds(lambda: view(masks))
    design = plan[0] | plan[1]
    _likeliest_kernel.cache_clear()  # an earlier round chose the kernels of these scores
    with one_blas_thread():
        found["estimate"], _ = seconds(lambda: lime.estimate(design, scores))
    found["explain"], _ = seconds(
        lambda: sw.explain(image, model, top=5, budget=budget, seed=int(rng.integers(1 << 30)))
    )
    found["bare forward again"], _ = seconds(lambda: [forward() for _ in passes])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photo")
    parser.add_argument("--model", default="builtin:imagenet")
    parser.add_argument("--weights")
    parser.add_argument("--budget", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    model = sw.load_model(options.model, weights=options.weights)
    one_round(options.photo, model, options.budget)
    rounds = [one_round(options.photo, model, options.budget) for _ in range(options.rounds)]
    bare = np.array([(r["bare forward"] + r["bare forward again"]) / 2 for r in rounds])
    print(f"{options.model}, {options.budget} pictures, batch {model.batch_size}")
    print(f"bare forward  {options.budget / np.median(bare):6.0f} pictures/s")
    for name in ("segmentation", "design", "masked game", "estimate", "explain"):
        spent = np.array([r[name] for r in rounds])
        ratio = np.median(spent / bare)
        print(f"{name:13s} {1000 * np.median(spent):6.0f} ms   {ratio:.3f} of the bare passes")


if __name__ == "__main__":
    main()
