"""How many cores this process may really use."""

from __future__ import annotations

import math
import os
from functools import lru_cache
from pathlib import Path

_TOPOLOGY = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


@lru_cache(maxsize=1)
def available_cores() -> int:
    """Count the physical cores that this process may use.

    Hyper-threads of one core count once, a container's quota of time counts, and so does the set
    of cores that the process is bound to: one thread too many makes a network slower, not faster.

    Returns
    -------
    int
        At least 1.
    """
    return max(1, int(min(_physical_cores(), _quota())))


def _physical_cores() -> int:
    bound: set[int] | range = range(os.cpu_count() or 1)
    if hasattr(os, "sched_getaffinity"):
        bound = os.sched_getaffinity(0)
    return len({_core_of(number) for number in bound})


def _core_of(number: int) -> str:
    """Name the core of a logical processor; where that is unknown, each is its own."""
    try:
        return (_TOPOLOGY / f"cpu{number}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(number)


def _quota() -> float:
    try:
        allowed, period = _QUOTA.read_text().split()
        return float(math.ceil(int(allowed) / int(period)))
    except (OSError, ValueError):  # not in such a container, or "max"
        return math.inf
