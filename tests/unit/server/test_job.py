"""Who holds a job, and for how long."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from seewhy.game.driver import Progress
from seewhy.server.job import Job
from seewhy.server.kept import Kept
from seewhy.server.refusal import RefusedError


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def job(clock):
    return Job(None, grace=2.0, patience=15.0, clock=clock)


def test_a_job_nobody_asks_for_is_given_up(job, clock):
    clock.now += 14.9
    assert not job.unwanted
    clock.now += 0.2
    assert job.unwanted


def test_asking_for_it_keeps_it(job, clock):
    clock.now += 14
    job.ask_for()
    clock.now += 14
    assert not job.unwanted


def test_watching_holds_it_and_leaving_gives_it_up_soon(job, clock):
    with job.watched():
        clock.now += 1000
        with job.watched():
            pass
        clock.now += 1000
        assert not job.unwanted
    clock.now += 1.9
    assert not job.unwanted
    clock.now += 0.2
    assert job.unwanted


def test_a_watcher_who_comes_back_in_time_keeps_it(job, clock):
    with job.watched():
        pass
    clock.now += 1
    with job.watched():
        clock.now += 1000
        assert not job.unwanted


def test_leaving_shortens_what_asking_had_given(job, clock):
    job.ask_for()
    with job.watched():
        pass
    clock.now += 3
    assert job.unwanted


def test_cancelled_is_unwanted_though_watched(job):
    with job.watched():
        job.cancel()
        assert job.unwanted


def test_what_the_browser_is_told(job):
    job.begin()
    job.tell(Progress("lime: asking the model", 64, 256))
    told = {"state": "running", "stage": "lime: asking the model", "done": 64, "total": 256}
    assert job.status.to_json(ahead=0) == {**told, "error": None, "ahead": 0}
    job.fail("no.")
    assert job.status.ended
    assert job.status.to_json(ahead=0)["error"] == "no."


def finished(size=1):
    job = Job(None)
    job.finish(SimpleNamespace(bytes_held=size))
    return job


def test_the_oldest_results_are_dropped_by_count():
    kept = Kept(most=2, memory=10**9)
    running, jobs = Job(None), [finished() for _ in range(4)]
    kept.keep(running)
    for job in jobs:
        kept.keep(job)
    for job in (running, *jobs[2:]):
        assert kept[job.id] is job
    with pytest.raises(RefusedError, match="the last 2 are kept") as refusal:
        kept[jobs[1].id]
    assert refusal.value.status == 404


def test_the_oldest_results_are_dropped_by_memory_but_never_the_last():
    kept = Kept(most=9, memory=100)
    jobs = [finished(60) for _ in range(3)]
    for job in jobs:
        kept.keep(job)
    assert kept[jobs[2].id] is jobs[2]
    with pytest.raises(RefusedError):
        kept[jobs[1].id]
    huge = finished(10**6)
    kept.keep(huge)
    assert kept[huge.id] is huge
