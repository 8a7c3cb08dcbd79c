"""Asking an inference server: patience, further tries, and several requests at a time."""

from __future__ import annotations

import json
import random
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from queue import Empty, SimpleQueue
from typing import TypeVar

from seewhy.errors import InputError, MissingExtraError, ModelError
from seewhy.models.v2_address import V2Address

try:
    import httpx
except ModuleNotFoundError as _error:
    if _error.name != "httpx":
        raise
    raise MissingExtraError(
        'a model on a server needs httpx, which is not installed: pip install "seewhy[http]".'
    ) from _error

T = TypeVar("T")

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0  # seconds between tries, doubling
_PATIENCE = 3.0  # no try begins later than this many time-outs after the first
_MOST = 1 << 28  # bytes of one answer: a batch of scores has a thousandth of it


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Parameters
    ----------
    status : int
        200, 404, ….
    headers : mapping of str to str
        Names without regard to case.
    body : bytes
        Decompressed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> str:
        """The status and the beginning of what came with it, on one line: ``"404: no model x"``."""
        text = _complaint(self.body) or self.body[:400].decode("utf-8", "replace")
        shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        if len(shown) > 200:
            shown = shown[:200] + "…"
        return f"{self.status}: {shown}" if shown else str(self.status)


class V2Client:
    """Sends requests to one server, and tries again where that can help.

    Connections that fail, answers that do not come, and the statuses 408, 425, 429, 500, 502, 503
    and 504 are tried again after a pause that doubles, or as long as the server asks for. No try
    begins later than three time-outs after the first.

    Parameters
    ----------
    address : V2Address
        Where the model lives.
    timeout : float
        Seconds that one try may take.
    retries : int
        Further tries after the first.
    concurrency : int
        Requests under way at a time.
    headers : mapping of str to str, optional
        Sent with each request.

    Raises
    ------
    InputError
        When a setting makes no sense.
    """

    def __init__(
        self,
        address: V2Address,
        *,
        timeout: float = 30.0,
        retries: int = 4,
        concurrency: int = 4,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        _check(timeout, retries, concurrency)
        self.address = address
        self.concurrency = concurrency
        self._timeout = timeout
        self._retries = retries
        self._chance = random.Random()  # so that clients that failed together do not return so
        try:
            self._client = httpx.Client(
                auth=address.user,
                headers=headers,
                timeout=httpx.Timeout(timeout),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=concurrency),
            )
        except (TypeError, ValueError, AttributeError) as error:  # its words may hold a key
            raise InputError(
                "headers must be a mapping of names to texts, such as "
                '{"Authorization": "Bearer ..."}, in ASCII.'
            ) from error
        weakref.finalize(self, self._client.close)

    def ask(
        self,
        method: str,
        path: str,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        stop: threading.Event | None = None,
    ) -> Answer:
        """Send a request until it is answered.

        Parameters
        ----------
        method, path : str
            ``"GET"``, ``"/v2"``; the path is relative to the server's root.
        content : bytes
            The body.
        headers : mapping of str to str, optional
            Beside those of the client.
        stop : threading.Event, optional
            Once set, no further try is made.

        Returns
        -------
        Answer
            Of any status but those that were tried again.

        Raises
        ------
        ModelError
            When no such answer came; the message says what came instead, and after how many tries.
        """
        stop = stop or threading.Event()
        began = time.monotonic()
        tries = 0
        while True:
            tries += 1
            asked_for = 0.0
            try:
                answer = self._once(method, path, content, headers)
            except httpx.TransportError as error:
                trouble = self._trouble(error)
            else:
                if answer.status not in _AGAIN:
                    return answer
                trouble = f"it answered {answer.said}"
                asked_for = _seconds(answer.headers.get("retry-after"))
            pause = max(self._pause(tries), asked_for)
            spent = time.monotonic() - began
            if tries > self._retries or spent + pause > _PATIENCE * self._timeout:
                raise self._given_up(trouble, tries, spent, asked_for)
            if stop.wait(pause):
                raise ModelError(f"{self.address.spec} is not asked any more.")

    def together(self, tasks: Sequence[Callable[[threading.Event], T]]) -> list[T]:
        """Run tasks that ask the server, several at a time.

        Parameters
        ----------
        tasks : sequence of callable
            Each gets the event to hand to `ask`.

        Returns
        -------
        list
            What they returned, in their order.

        Notes
        -----
        The first failure ends the others' tries and is raised. The threads are daemons, which an
        interrupt or the end of the program does not wait for.
        """
        stop = threading.Event()
        if len(tasks) == 1 or self.concurrency == 1:
            return [task(stop) for task in tasks]
        waiting: SimpleQueue[int] = SimpleQueue()
        done: SimpleQueue[tuple[int, T | None, BaseException | None]] = SimpleQueue()
        for index in range(len(tasks)):
            waiting.put(index)

        def work() -> None:
            while not stop.is_set():
                try:
                    index = waiting.get_nowait()
                except Empty:
                    return
                try:
                    done.put((index, tasks[index](stop), None))
                except BaseException as error:  # raised again below, in the caller's thread
                    done.put((index, None, error))

        for _ in range(min(self.concurrency, len(tasks))):
            threading.Thread(target=work, name="seewhy-v2", daemon=True).start()
        results: dict[int, T] = {}
        try:
            for _ in tasks:
                index, result, error = done.get()
                if error is not None:
                    raise error
                results[index] = result  # type: ignore[assignment]
        finally:
            stop.set()
        return [results[index] for index in range(len(tasks))]

    def _once(
        self, method: str, path: str, content: bytes, headers: Mapping[str, str] | None
    ) -> Answer:
        """One try; the time-out holds for the whole answer, however slowly it drips."""
        deadline = time.monotonic() + self._timeout
        url = self.address.root + path
        body = bytearray()
        try:
            with self._client.stream(method, url, content=content, headers=headers) as response:
                for part in response.iter_bytes():
                    body += part
                    if len(body) > _MOST:
                        raise ModelError(
                            f"{self.address.spec} answers with more than {_MOST >> 20} MB, which "
                            "cannot be scores of pictures; is it a V2 server?"
                        )
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("the answer did not end")
                return Answer(response.status_code, response.headers, bytes(body))
        except httpx.LocalProtocolError as error:  # its words may hold a key
            raise InputError(
                "headers hold something that HTTP does not allow, perhaps a line break."
            ) from error
        except (httpx.DecodingError, httpx.InvalidURL) as error:
            raise ModelError(
                f"{self.address.spec} answers with what cannot be read ({error}); is it a V2 "
                "server?"
            ) from error

    def _trouble(self, error: httpx.TransportError) -> str:
        if isinstance(error, httpx.TimeoutException):
            return f"there was no answer within {self._timeout:g} s"
        said = str(error).rstrip(".") or type(error).__name__
        if isinstance(error, httpx.ConnectError):
            return f"no connection could be made ({said})"
        return f"the connection broke ({said})"

    def _pause(self, tries: int) -> float:
        pause = min(_FIRST_PAUSE * 2.0 ** (tries - 1), _LONGEST_PAUSE)
        return pause * self._chance.uniform(0.8, 1.2)

    def _given_up(self, trouble: str, tries: int, spent: float, asked_for: float) -> ModelError:
        waits = f" (it asks for {asked_for:g} s of patience)" if asked_for else ""
        often = "try" if tries == 1 else "tries"
        return ModelError(
            f"{self.address.spec} cannot be asked: {trouble}{waits}, after {tries} {often} in "
            f"{spent:.1f} s; check that the server runs there, or give it longer: "
            "V2Model(..., timeout=, retries=)."
        )


def _complaint(body: bytes) -> str | None:
    """What a server says under ``"error"``, as the protocol wants it."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    said = document.get("error") if isinstance(document, dict) else None
    return said if isinstance(said, str) else None


def _seconds(retry_after: str | None) -> float:
    """What a server asks for, in seconds or as a date."""
    if retry_after is None:
        return 0.0
    try:
        if retry_after.strip().isdecimal():
            return float(retry_after)
        wanted = parsedate_to_datetime(retry_after)
        return max((wanted - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _check(timeout: float, retries: int, concurrency: int) -> None:
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if not number or not 0 < timeout < float("inf"):
        raise InputError(f"timeout must be a positive number of seconds; got {timeout!r}.")
    for name, value, least in (("retries", retries, 0), ("concurrency", concurrency, 1)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InputError(f"{name} must be a whole number, {least} or more; got {value!r}.")
