"""How much memory a computation takes at its peak."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Memory beyond what was in use before.

    Attributes
    ----------
    bytes : int or None
        None until measured, and where the system does not tell.
    """

    def __init__(self) -> None:
        self.bytes: int | None = None


@contextmanager
def peak_memory(device: Any = None) -> Iterator[PeakMemory]:
    """Measure the growth of memory during a computation.

    Parameters
    ----------
    device : torch.device, optional
        On a CUDA device its memory counts, anywhere else the process's.

    Yields
    ------
    PeakMemory
        Filled in at the end.
    """
    peak = PeakMemory()
    if getattr(device, "type", None) == "cuda":
        cuda = sys.modules["torch"].cuda
        cuda.reset_peak_memory_stats(device)
        before = cuda.memory_allocated(device)
        yield peak
        peak.bytes = int(cuda.max_memory_allocated(device) - before)
        return
    start = _resident()
    yield peak
    end = _peak()
    peak.bytes = None if start is None or end is None else max(end - start, 0)


def _resident() -> int | None:
    """What is in use now; from here on the peak is counted anew, where the system allows."""
    if _STATUS.exists():
        try:
            _RESET.write_text("5")
        except OSError:
            return _peak()
        return _of_status("VmRSS")
    return _peak()


def _peak() -> int | None:
    if _STATUS.exists():
        return _of_status("VmHWM")
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _of_status(name: str) -> int | None:
    for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return None
