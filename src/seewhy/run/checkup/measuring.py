"""How fast a model answers, by the size of its batches, and what memory that takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from seewhy.run.checkup.asking import Asking
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.memory import peak_memory

_TOO_LONG = 2.0  # seconds for one batch: a check-up should end before one loses patience
_ENOUGH = 0.2  # seconds: a batch that takes longer is timed once, so that the check-up ends
_ROUNDS = 2  # further ones of shorter batches, of which the shortest time counts
_GROWS = 1.1  # of the rate before; less is noise, and larger batches bring nothing either
_FASTER = 1.25  # what a batch must bring to be advised: less is lost in what else a machine does
_FAST = 1000.0  # pictures a second at which an explanation takes a second: no advice is needed


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


def measure(asking: Asking, images: Float32[np.ndarray, "n h w c"]) -> tuple[Speed, ...]:
    """Time batches of 1, 4, 16, … pictures, and of the model's own batch size.

    Parameters
    ----------
    asking : Asking
    images : (n, h, w, c) float32
        Any, repeated as needed.

    Returns
    -------
    tuple of Speed
        Smallest batch first. Larger ones are left out once they are no faster, the model's own
        only where it would take seconds.
    """
    own, best = asking.model.batch_size, dict[int, float]()
    memory: dict[int, int | None] = {}
    growing = True
    for size in batch_sizes(own):
        if best and size * best[max(best)] / max(best) > _TOO_LONG:
            break
        if not growing and size != own:
            continue
        before = max((n / s for n, s in best.items()), default=0.0)
        first = asking.timed(_repeated(images, size))  # slower than those that follow
        size = min(size, asking.model.batch_size)  # memory ran out, and this much is left of it
        if size in best:
            break
        repeats = 2 if first < _ENOUGH else 1
        with peak_memory(getattr(asking.model, "device", None)) as peak:
            best[size] = min(asking.timed(_repeated(images, size)) for _ in range(repeats))
        memory[size] = peak.bytes
        if asking.model.batch_size < own:
            break
        growing = size / best[size] > _GROWS * before
    for _ in range(_ROUNDS):  # in turn, so that another program's load meets all of them
        for size in [size for size in best if best[size] < _ENOUGH]:
            best[size] = min(best[size], asking.timed(_repeated(images, size)))
    return tuple(Speed(size, size / best[size], memory[size]) for size in sorted(best))


def _repeated(images: Float32[np.ndarray, "n h w c"], size: int) -> Float32[np.ndarray, "b h w c"]:
    return np.resize(images, (size, *images.shape[1:]))


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


def rate_with(speeds: Sequence[Speed], batch: int) -> float:
    """Return pictures a second with such a batch, or the next smaller one that was tried."""
    return next((s.per_second for s in reversed(speeds) if s.batch <= batch), speeds[0].per_second)


def advise_batch(speeds: Sequence[Speed], now: int) -> Finding:
    """Say which batch size is best."""
    best = best_batch(speeds)
    by_batch = {speed.batch: speed.per_second for speed in speeds}
    if now not in by_batch:
        return Finding(
            "batch",
            "advice",
            f"{now} pictures at a time would take seconds, so they were not tried; of smaller "
            f"batches --batch {best} does best, {rate(by_batch[best])} pictures a second.",
        )
    if by_batch[now] * _FASTER >= max(by_batch.values()):
        hint = " Larger ones are tried when --batch names one." if best == now else ""
        says = f"{now} at a time, {rate(by_batch[now])} a second, is as fast as any number tried."
        return Finding("batch", "ok", says + hint)
    if by_batch[now] >= _FAST:
        return Finding(
            "batch",
            "ok",
            f"{now} at a time is fast enough ({rate(by_batch[now])} pictures a second; {best} at "
            f"a time would do {rate(by_batch[best])}).",
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
