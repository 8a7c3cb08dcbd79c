"""How many threads a network gets."""

from __future__ import annotations

import os

import pytest

from seewhy.models import cores


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Four logical processors on two cores, and a container's quota if asked."""
    for number in range(4):
        topology = tmp_path / f"cpu{number}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{number % 2},{number % 2 + 2}\n")
    monkeypatch.setattr(cores, "_TOPOLOGY", tmp_path)
    monkeypatch.setattr(cores, "_QUOTA", tmp_path / "cpu.max")
    cores.available_cores.cache_clear()

    def bound(processors, quota=None):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(processors), raising=False)
        if quota is not None:
            (tmp_path / "cpu.max").write_text(quota)
        return cores.available_cores()

    yield bound
    cores.available_cores.cache_clear()


@pytest.mark.parametrize(
    ("processors", "quota", "expected"),
    [
        (range(4), None, 2),
        ([0, 2], None, 1),
        ([0, 1], "max 100000", 2),
        (range(4), "100000 100000", 1),
        (range(4), "150000 100000", 2),
        (range(4), "5000 100000", 1),
        ([7, 8, 9], None, 3),
    ],
)
def test_physical_cores_within_binding_and_quota(machine, processors, quota, expected):
    assert machine(processors, quota) == expected
