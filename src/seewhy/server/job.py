"""A job: what was asked, how far it is, and whether anybody still waits for it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

from seewhy.game.driver import Progress
from seewhy.image.read import Picture
from seewhy.run.contest import Contest
from seewhy.run.question import Question
from seewhy.server.answers import Answer

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDS: tuple[State, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a job is about.

    Attributes
    ----------
    session : str
        The page that asks.
    picture : Picture
    question : Question or Contest
        To explain, or to compare.
    """

    session: str
    picture: Picture
    question: Question | Contest


@dataclass(frozen=True)
class Status:
    """How far a job is; never half of one state and half of the next."""

    state: State = "queued"
    stage: str = ""
    done: int = 0
    total: int = 0
    error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ENDS

    def to_json(self, *, ahead: int) -> dict[str, Any]:
        """Return it as the browser is told."""
        return {**asdict(self), "ahead": ahead}


class Job:
    """One job, written by the worker's thread and read by the server's.

    Parameters
    ----------
    asked : Asked
    grace, patience : float
        Seconds that it goes on after its last watcher has left, and after it was last asked
        for by somebody who does not watch.
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(
        self,
        asked: Asked,
        *,
        grace: float = 2.0,
        patience: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self.asked = asked
        self.answer: Answer | None = None
        self._status = Status()
        self._lock = threading.Lock()
        self._stopped = False
        self._watchers = 0
        self._grace, self._patience, self._clock = grace, patience, clock
        self._wanted_until = clock() + patience

    @property
    def status(self) -> Status:
        """How far it is now."""
        return self._status

    @property
    def unwanted(self) -> bool:
        """Whether it was cancelled, or nobody waits for it any more."""
        with self._lock:
            return self._stopped or (not self._watchers and self._clock() > self._wanted_until)

    def cancel(self) -> None:
        """Ask for its end; the worker sees to it."""
        self._stopped = True

    def ask_for(self) -> None:
        """Say that somebody still wants it, and may look again."""
        with self._lock:
            self._wanted_until = max(self._wanted_until, self._clock() + self._patience)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Hold it while somebody watches; given up soon after the last one has left."""
        with self._lock:
            self._watchers += 1
        try:
            yield
        finally:
            with self._lock:
                self._watchers -= 1
                if not self._watchers:
                    self._wanted_until = self._clock() + self._grace

    def begin(self) -> None:
        """Note that the worker has taken it up."""
        self._status = Status("running", "starting")

    def tell(self, event: Progress) -> None:
        """Note what is being done."""
        self._status = Status("running", event.stage, int(event.done), int(event.total))

    def finish(self, answer: Answer) -> None:
        """Note the answer."""
        self.answer = answer  # first: whoever sees the state may ask for it
        self._status = Status("done")

    def fail(self, sentence: str) -> None:
        """Note why there is no answer."""
        self._status = Status("failed", error=sentence)

    def give_up(self) -> None:
        """Note that it was cancelled."""
        self._status = Status("cancelled")
