"""What all requests share: the model, the worker, what was given and what was answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from seewhy.game.driver import Listener
from seewhy.models.protocol import Model
from seewhy.server import offers
from seewhy.server.answers import Answer, answer_job
from seewhy.server.job import Asked, Job
from seewhy.server.kept import Kept
from seewhy.server.pictures import Given, Pictures, predictions_for, told
from seewhy.server.refusal import RefusedError
from seewhy.server.settings import Settings
from seewhy.server.worker import CLOSING, Worker

T = TypeVar("T")
UPLOADS_AT_ONCE = 4


class Hall:
    """The app's state.

    Parameters
    ----------
    model : Model
    settings : Settings

    Attributes
    ----------
    worker : Worker
        The only thread that asks the model.
    pictures : Pictures
    jobs : Kept
    uploads : asyncio.Semaphore
        So many files are in memory at once.
    """

    def __init__(self, model: Model, settings: Settings) -> None:
        self.model, self.settings = model, settings
        self.worker = Worker(
            self._answer, waiting=settings.waiting, per_session=settings.per_session
        )
        self.pictures = Pictures(most=settings.pictures_kept, memory=settings.memory)
        self.jobs = Kept(most=settings.results_kept, memory=settings.memory)
        self.uploads = asyncio.Semaphore(UPLOADS_AT_ONCE)
        # decoding and drawing take seconds, and neither may hold up the event loop or each other
        self._decoder = ThreadPoolExecutor(1, "seewhy-decoder")
        self._draughtsman = ThreadPoolExecutor(1, "seewhy-draughtsman")
        self._pending: set[Future[Any]] = set()
        self._about: dict[str, Any] | None = None

    async def decoding(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in the thread that decodes pictures."""
        return await self._off(self._decoder, function, *arguments)

    async def drawing(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in the only thread that draws figures: matplotlib shares its state."""
        return await self._off(self._draughtsman, function, *arguments)

    async def asking(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function in the only thread that asks the model, between two steps of a job."""
        return await asyncio.wrap_future(self.worker.call(lambda: function(*arguments)))

    async def about(self) -> dict[str, Any]:
        """Describe what is offered."""
        if self._about is None:
            self._about = await self.decoding(offers.about, self.model, self.settings)
        return self._about

    async def take(self, given: Given) -> dict[str, Any]:
        """Keep a picture, and say what the model says of it."""
        predictions = await self.asking(predictions_for, given.picture, self.model)
        self.pictures.keep(given)
        return told(given, predictions)

    def submit(self, asked: Asked) -> tuple[Job, int]:
        """Queue a job; returns it and how many are before it."""
        job = Job(asked, grace=self.settings.grace, patience=self.settings.patience)
        ahead = self.worker.submit(job)
        self.jobs.keep(job)
        return job, ahead

    def answer_of(self, name: str) -> Answer:
        """Return the answer of a finished job.

        Raises
        ------
        RefusedError
            404: no such job; 409: it has no answer, or not yet.
        """
        job = self.jobs[name]
        if job.answer is None:
            status = job.status
            why = status.error or f"this is {status.state}: there is no answer to look at"
            raise RefusedError(409, why)
        return job.answer

    def close(self) -> None:
        """Cancel what runs and take nothing more; returns at once."""
        self.worker.close()
        for pool in (self._decoder, self._draughtsman):
            pool.shutdown(wait=False, cancel_futures=True)

    def join(self, seconds: float) -> bool:
        """Wait for what still goes on after `close`, and tell whether all has ended."""
        start = time.monotonic()
        busy = wait(tuple(self._pending), timeout=seconds).not_done
        return self.worker.join(max(0.0, start + seconds - time.monotonic())) and not busy

    async def _off(self, pool: ThreadPoolExecutor, function: Callable[..., T], *args: object) -> T:
        try:
            future = pool.submit(function, *args)
        except RuntimeError:  # the pool was shut down
            raise CLOSING from None
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return await asyncio.wrap_future(future)

    def _answer(self, asked: Asked, tell: Listener) -> Answer:
        return answer_job(asked.question, asked.picture, self.model, tell=tell)
