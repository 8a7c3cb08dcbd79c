"""How far a job is, as server-sent events; whoever listens holds the job."""

from __future__ import annotations

import time
from collections.abc import Callable

from seewhy.server.job import Job
from seewhy.server.refusal import to_json
from seewhy.server.web import Receive, Response, Scope, Send, anyio

LOOK_EVERY = 0.1
"""Seconds: a model on a fast device tells more than anybody can read."""

PING_EVERY = 10.0


class JobEvents(Response):
    """A stream of ``progress`` events, and one of ``done``, ``failed`` or ``cancelled``.

    Parameters
    ----------
    job : Job
    ahead : callable
        Counts the jobs before it.
    closing : callable
        Whether the app is being stopped.
    """

    media_type = "text/event-stream"

    def __init__(
        self, job: Job, *, ahead: Callable[[Job], int], closing: Callable[[], bool]
    ) -> None:
        super().__init__()
        del self.headers["content-length"]  # of the empty body that a response begins with
        self._job, self._ahead, self._closing = job, ahead, closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream until the job has ended or the listener is gone."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        with self._job.watched():
            async with anyio.create_task_group() as tasks:

                async def until_gone() -> None:
                    while (await receive())["type"] != "http.disconnect":
                        pass
                    tasks.cancel_scope.cancel()

                tasks.start_soon(until_gone)
                await send(start)
                await self._tell(send)
                tasks.cancel_scope.cancel()

    async def _tell(self, send: Send) -> None:
        last, told_at = b"", time.monotonic()
        while True:
            status = self._job.status
            event = status.state if status.ended else "progress"
            if self._closing() and not status.ended:
                event = "cancelled"
            data = to_json(status.to_json(ahead=self._ahead(self._job)))
            message = b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
            if message == last and time.monotonic() - told_at >= PING_EVERY:
                message = b": still there\n\n"
            if message != last:
                await _send(send, message, more=event == "progress")
                told_at = time.monotonic()
                last = last if message.startswith(b":") else message
            if event != "progress":
                return
            await anyio.sleep(LOOK_EVERY)


async def _send(send: Send, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})
