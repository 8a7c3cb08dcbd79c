"""Jobs by their ids: all that are not finished, and the last that are."""

from __future__ import annotations

import threading

from seewhy.server.job import Job
from seewhy.server.refusal import RefusedError


class Kept:
    """Jobs; of the finished ones the oldest are dropped, by count and by memory.

    Parameters
    ----------
    most : int
        Finished jobs.
    memory : int
        Bytes that their answers may hold; the last one stays whatever its size.
    """

    def __init__(self, *, most: int, memory: int) -> None:
        self._most, self._memory = most, memory
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def keep(self, job: Job) -> None:
        """Take one in."""
        with self._lock:
            self._jobs[job.id] = job
        self.trim()

    def __getitem__(self, name: str) -> Job:
        """Return one.

        Raises
        ------
        RefusedError
            There is none, or none any more.
        """
        self.trim()
        with self._lock:
            if name not in self._jobs:
                raise RefusedError(
                    404, f"this result is no longer here: the last {self._most} are kept; ask again"
                )
            return self._jobs[name]

    def trim(self) -> None:
        """Drop what is too old."""
        with self._lock:
            ended = [job for job in self._jobs.values() if job.status.ended]
            held = 0
            for place, job in enumerate(reversed(ended)):
                held += 0 if job.answer is None else job.answer.bytes_held
                if place >= self._most or (place and held > self._memory):
                    del self._jobs[job.id]
