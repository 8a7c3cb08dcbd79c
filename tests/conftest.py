"""Fixtures that more than one floor needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photos and weights kept beside the checkout; tests that want them skip without."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs ../shared/data, which lies beside the checkout and not in it")
    return SHARED_DATA.resolve()


def pytest_configure() -> None:
    """Give each of pytest-xdist's workers a core of its own.

    Every worker would start as many threads as there are cores, for torch and for ONNX Runtime, and
    they would wait for each other: the suite takes twice as long then.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})
