"""One thread that asks the model: jobs one after the other, short questions in between.

Models, ours and others', are not made to be asked from several threads. A job can take a
minute, though, and a click on a region must not wait for it: between two of the job's
progress events, its thread answers what is urgent.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from seewhy.errors import SeewhyError
from seewhy.game.driver import Listener, Progress
from seewhy.server.answers import Answer
from seewhy.server.job import Asked, Job
from seewhy.server.refusal import RefusedError

T = TypeVar("T")
MOST_URGENT = 64
CLOSING = RefusedError(503, "Seewhy is being stopped")
_log = logging.getLogger(__name__)


class JobCancelledError(Exception):
    """Raised out of a job's progress: the only place where a job can be left at once."""


class Worker:
    """Runs jobs first come, first served, and urgent calls as soon as may be.

    Parameters
    ----------
    work : callable
        Answers what is asked, telling a listener how far it is.
    waiting : int
        So many jobs at most wait or run, …
    per_session : int
        … and so many of one session.
    """

    def __init__(
        self, work: Callable[[Asked, Listener], Answer], *, waiting: int = 16, per_session: int = 4
    ) -> None:
        self._work = work
        self._most, self._most_of_one = waiting, per_session
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._urgent: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._closed = False
        # a daemon: a model that never returns must not keep the process from ending
        self._thread = threading.Thread(target=self._loop, name="seewhy-worker", daemon=True)
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether it takes nothing more."""
        return self._closed

    def submit(self, job: Job) -> int:
        """Queue a job, and return how many are before it.

        Raises
        ------
        RefusedError
            The queue is full, for everybody or for this session.
        """
        with self._changed:
            if self._closed:
                raise CLOSING
            self._drop_unwanted()
            before = self._unfinished()
            mine = sum(each.asked.session == job.asked.session for each in before)
            if mine >= self._most_of_one:
                raise RefusedError(
                    429, f"{mine} questions of this page are waiting already: let one end"
                )
            if len(before) >= self._most:
                raise RefusedError(
                    429, f"{len(before)} questions are waiting already: try again soon"
                )
            self._waiting.append(job)
            self._changed.notify_all()
            return len(before)

    def ahead(self, job: Job) -> int:
        """Count the jobs that will be answered before this one."""
        with self._changed:
            queue = self._unfinished()
            return queue.index(job) if job in queue else 0

    def cancel(self, job: Job) -> None:
        """End a job: at once if it waits, at its next progress event if it runs."""
        with self._changed:
            job.cancel()
            self._drop_unwanted()

    def call(self, function: Callable[[], T]) -> Future[T]:
        """Have a short function called by the thread that may ask the model.

        Raises
        ------
        RefusedError
            Too many wait already.
        """
        future: Future[T] = Future()
        with self._changed:
            if self._closed:
                raise CLOSING
            if len(self._urgent) >= MOST_URGENT:
                raise RefusedError(429, "too much is asked at once: try again soon")
            self._urgent.append((future, function))
            self._changed.notify_all()
        return future

    def close(self) -> None:
        """Take nothing more, and cancel everything; returns at once, see `join`."""
        with self._changed:
            self._closed = True
            for job in self._unfinished():
                job.cancel()
            self._drop_unwanted()
            while self._urgent:
                future, _ = self._urgent.popleft()
                if future.set_running_or_notify_cancel():
                    future.set_exception(CLOSING)
            self._changed.notify_all()

    def join(self, seconds: float) -> bool:
        """Wait for the thread to end after `close`, and tell whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _unfinished(self) -> list[Job]:
        running = [] if self._running is None else [self._running]
        return [*running, *self._waiting]

    def _drop_unwanted(self) -> None:
        for job in [job for job in self._waiting if job.unwanted]:
            self._waiting.remove(job)
            job.give_up()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._urgent or self._waiting)
                if self._closed:
                    return
                job = None if self._urgent else self._waiting.popleft()
                self._running = job
            if job is None:
                self._answer_urgent()
                continue
            self._run(job)
            with self._changed:
                self._running = None

    def _run(self, job: Job) -> None:
        if job.unwanted:
            job.give_up()
            return
        job.begin()

        def listen(event: Progress) -> None:
            job.tell(event)
            self._answer_urgent()
            if job.unwanted:
                raise JobCancelledError

        try:
            job.finish(self._work(job.asked, listen))
        except JobCancelledError:
            job.give_up()
        except SeewhyError as refusal:
            job.fail(str(refusal))
        except MemoryError:
            job.fail("the machine has no memory left for this: take a smaller picture or budget")
        except BaseException:  # a model may even call sys.exit
            _log.exception("a job failed")
            job.fail("something went wrong inside Seewhy or the model; the terminal says what")

    def _answer_urgent(self) -> None:
        while self._urgent:
            try:
                future, function = self._urgent.popleft()
            except IndexError:  # closed in between
                return
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function())
            except Exception as error:
                future.set_exception(error)
            except BaseException as error:  # handed on, it would end whoever waits
                wrapped = RuntimeError(f"the model raised {type(error).__name__}")
                wrapped.__cause__ = error
                future.set_exception(wrapped)
