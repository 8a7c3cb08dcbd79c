"""Jobs in order, urgent calls in between, and every way in which a job can end."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from seewhy.errors import ModelError
from seewhy.game.driver import Progress
from seewhy.server.job import Asked, Job
from seewhy.server.refusal import RefusedError
from seewhy.server.worker import MOST_URGENT, Worker

WAIT = 20.0


def asked(session="page", question=None):
    return Asked(session=session, picture=None, question=question)


class Steps:
    """Work that takes a step whenever the test says so."""

    def __init__(self):
        self.permits = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.order = []

    def __call__(self, asked, tell):
        self.order.append(asked.question)
        self.begun.release()
        for step in range(3):
            assert self.permits.acquire(timeout=WAIT)
            tell(Progress("step", step + 1, 3))
        return f"answer to {asked.question}"

    def step(self, count=1):
        self.permits.release(count)


@pytest.fixture
def steps():
    return Steps()


@pytest.fixture
def worker(steps):
    worker = Worker(steps, waiting=4, per_session=3)
    yield worker
    worker.close()
    steps.step(1000)
    assert worker.join(WAIT)


def ended(job):
    deadline = threading.Event()
    for _ in range(int(WAIT * 200)):
        if job.status.ended:
            return job.status
        deadline.wait(0.005)
    raise AssertionError(f"the job is still {job.status}")


def test_jobs_run_in_the_order_in_which_they_came(worker, steps):
    jobs = [Job(asked(f"page {n}", n)) for n in range(3)]
    assert [worker.submit(job) for job in jobs] == [0, 1, 2]
    assert worker.ahead(jobs[2]) == 2
    steps.step(9)
    assert [ended(job).state for job in jobs] == ["done"] * 3
    assert steps.order == [0, 1, 2]
    assert [job.answer for job in jobs] == ["answer to 0", "answer to 1", "answer to 2"]
    assert worker.ahead(jobs[2]) == 0


def test_urgent_calls_are_answered_by_the_same_thread_between_two_steps(worker, steps):
    job = Job(asked())
    worker.submit(job)
    assert steps.begun.acquire(timeout=WAIT)
    future = worker.call(lambda: (threading.current_thread().name, job.status.state))
    assert not future.done()
    steps.step()
    assert future.result(WAIT) == ("seewhy-worker", "running")
    steps.step(2)
    assert ended(job).state == "done"


def test_urgent_calls_are_answered_at_once_when_nothing_runs(worker):
    assert worker.call(lambda: 6 * 7).result(WAIT) == 42


def test_an_urgent_call_that_fails_harms_nobody_else(worker, steps):
    job = Job(asked())
    worker.submit(job)
    future = worker.call(lambda: 1 / 0)
    steps.step(3)
    with pytest.raises(ZeroDivisionError):
        future.result(WAIT)
    assert ended(job).state == "done"


def test_an_urgent_call_that_nobody_waits_for_is_left_out(worker, steps):
    job, called = Job(asked()), []
    worker.submit(job)
    assert steps.begun.acquire(timeout=WAIT)
    future = worker.call(lambda: called.append(1))
    assert future.cancel()
    steps.step(3)
    assert ended(job).state == "done"
    assert not called


def test_too_many_urgent_calls_are_refused(worker, steps):
    worker.submit(Job(asked()))
    assert steps.begun.acquire(timeout=WAIT)
    for _ in range(MOST_URGENT):
        worker.call(lambda: None)
    with pytest.raises(RefusedError) as refusal:
        worker.call(lambda: None)
    assert refusal.value.status == 429


def test_a_running_job_is_left_at_its_next_step(worker, steps):
    first, second = Job(asked("a", 1)), Job(asked("b", 2))
    worker.submit(first)
    worker.submit(second)
    assert steps.begun.acquire(timeout=WAIT)
    worker.cancel(first)
    assert first.status.state == "running"
    steps.step()
    assert ended(first).state == "cancelled"
    assert first.answer is None
    steps.step(3)
    assert ended(second).state == "done"


def test_a_waiting_job_is_cancelled_at_once_and_never_begun(worker, steps):
    first, second = Job(asked("a", 1)), Job(asked("b", 2))
    worker.submit(first)
    assert steps.begun.acquire(timeout=WAIT)
    worker.submit(second)
    worker.cancel(second)
    assert second.status.state == "cancelled"
    steps.step(3)
    assert ended(first).state == "done"
    assert steps.order == [1]


def test_cancelling_what_has_ended_changes_nothing(worker, steps):
    job = Job(asked())
    worker.submit(job)
    steps.step(3)
    assert ended(job).state == "done"
    worker.cancel(job)
    assert job.status.state == "done"


def test_a_queue_that_is_full_refuses_and_takes_again_afterwards(worker, steps):
    jobs = [Job(asked(f"page {n}", n)) for n in range(4)]
    for job in jobs:
        worker.submit(job)
    with pytest.raises(RefusedError, match="4 questions are waiting") as refusal:
        worker.submit(Job(asked("late")))
    assert refusal.value.status == 429
    worker.cancel(jobs[3])
    assert worker.submit(Job(asked("late"))) == 3
    steps.step(12)


def test_one_page_cannot_fill_the_queue(worker, steps):
    for n in range(3):
        worker.submit(Job(asked("greedy", n)))
    with pytest.raises(RefusedError, match="of this page"):
        worker.submit(Job(asked("greedy")))
    assert worker.submit(Job(asked("modest"))) == 3
    steps.step(12)


def test_a_waiting_job_that_nobody_wants_makes_room(worker, steps):
    now = [0.0]
    running = Job(asked("a"))
    worker.submit(running)
    assert steps.begun.acquire(timeout=WAIT)
    forgotten = [Job(asked(f"gone {n}"), patience=5.0, clock=lambda: now[0]) for n in range(3)]
    for job in forgotten:
        worker.submit(job)
    now[0] = 6.0
    assert worker.submit(Job(asked("new"))) == 1
    assert [job.status.state for job in forgotten] == ["cancelled"] * 3


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModelError("the model answered NaN."), "the model answered NaN."),
        (MemoryError(), "memory"),
        (KeyError("secret"), "something went wrong"),
        (SystemExit(3), "something went wrong"),
    ],
)
def test_whatever_a_job_raises_the_worker_goes_on(error, sentence, caplog):
    def work(asked, tell):
        if asked.question == "bad":
            raise error
        return SimpleNamespace(bytes_held=0)

    worker = Worker(work)
    bad, good = Job(asked("a", "bad")), Job(asked("b", "good"))
    worker.submit(bad)
    worker.submit(good)
    assert ended(bad).state == "failed"
    assert sentence in bad.status.error
    assert "secret" not in bad.status.error
    assert ended(good).state == "done"
    worker.close()
    assert worker.join(WAIT)
    if "went wrong" in sentence:  # whoever runs it must be able to find out
        assert "Traceback" in caplog.text


def test_closing_cancels_everything_and_takes_nothing_more(steps):
    worker = Worker(steps)
    running, waiting = Job(asked("a")), Job(asked("b"))
    worker.submit(running)
    assert steps.begun.acquire(timeout=WAIT)
    worker.submit(waiting)
    future = worker.call(lambda: 1)
    worker.close()
    assert waiting.status.state == "cancelled"
    with pytest.raises(RefusedError, match="being stopped"):
        future.result(WAIT)
    assert not worker.join(0.01)
    steps.step()
    assert ended(running).state == "cancelled"
    assert worker.join(WAIT)
    for late in (lambda: worker.submit(Job(asked())), lambda: worker.call(lambda: 1)):
        with pytest.raises(RefusedError):
            late()
