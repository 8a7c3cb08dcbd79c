"""How fast a model answers, by the size of its batches, and what memory that takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from seewhy.models.protocol import Model
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.memory import peak_memory

_TOO_LONG = 2.0  # seconds for one batch, and for one of each size
_ROUNDS = 2
_FASTER, _FAST = 1.25, 1000.0  # what a batch must bring, or have, that none other is advised


@dataclass(frozen=True)
class Speed:
    """How fast a model is with one batch size.

    Attributes
    ----------
    batch : int
        Pictures in a forward pass.
    per_second : float
        Pictures in a second, at its best.
    memory : int or None
        Bytes beyond what was in use; None where the system does not tell.
    """

    batch: int
    per_second: float
    memory: int | None


def measure(model: Model, images: Float32[np.ndarray, "n h w c"]) -> tuple[Speed, ...]:
    """Time batches of 1, 4, 16, … pictures, up to the model's own batch size.

    Parameters
    ----------
    model : Model
    images : (n, h, w, c) float32
        Any, repeated as needed.

    Returns
    -------
    tuple of Speed
        Larger batches are left out once one takes seconds.
    """
    best: dict[int, float] = {}
    memory: dict[int, int | None] = {}
    for size in batch_sizes(model.batch_size):
        if best and size * max(s / n for n, s in best.items()) > _TOO_LONG:
            break
        batch = np.resize(images, (size, *images.shape[1:]))
        _seconds(model, batch)  # the first is slower
        if model.batch_size < size:  # memory ran out
            break
        with peak_memory(getattr(model, "device", None)) as peak:
            best[size] = _seconds(model, batch)
        memory[size] = peak.bytes
    rounds = _ROUNDS if sum(best.values()) < _TOO_LONG else 0
    for _ in range(rounds):  # in turn, so that another program's load meets all of them
        for size in best:
            batch = np.resize(images, (size, *images.shape[1:]))
            best[size] = min(best[size], _seconds(model, batch))
    return tuple(Speed(size, size / best[size], memory[size]) for size in best)


def _seconds(model: Model, batch: Float32[np.ndarray, "n h w c"]) -> float:
    start = time.perf_counter()
    model(batch)
    return time.perf_counter() - start


def batch_sizes(most: int) -> tuple[int, ...]:
    """List 1, 4, 16, … up to a largest, which is one of them.

    Examples
    --------
    >>> batch_sizes(16), batch_sizes(50), batch_sizes(1)
    ((1, 4, 16), (1, 4, 16, 50), (1,))
    """
    sizes = [size for size in (1, 4, 16, 64, 256, 1024) if size < most]
    return (*sizes, most)


def best_batch(speeds: Sequence[Speed]) -> int:
    """Return the smallest batch that is about as fast as the fastest."""
    fastest = max(speed.per_second for speed in speeds)
    return next(s.batch for s in speeds if s.per_second * _FASTER >= fastest)


def advise_batch(speeds: Sequence[Speed], now: int) -> Finding:
    """Say which batch size is best."""
    best = best_batch(speeds)
    by_batch = {speed.batch: speed.per_second for speed in speeds}
    if now not in by_batch:
        return Finding(
            "batch",
            "advice",
            f"{now} pictures at a time take too long to be tried here; of smaller batches "
            f"--batch {best} does best, {rate(by_batch[best])} pictures a second.",
        )
    if by_batch[now] >= min(max(by_batch.values()) / _FASTER, _FAST):
        hint = " Larger ones are tried when --batch names one." if now == max(by_batch) else ""
        return Finding(
            "batch", "ok", f"{now} pictures at a time are as good as any number tried.{hint}"
        )
    return Finding(
        "batch",
        "advice",
        f"--batch {best} is faster than the present {now}: {rate(by_batch[best])} pictures a "
        f"second against {rate(by_batch[now])}.",
    )


def rate(per_second: float) -> str:
    """Write a number of pictures per second: ``"1234"``, ``"12.3"``, ``"0.12"``."""
    return f"{per_second:.0f}" if per_second >= 100 else f"{per_second:.3g}"
