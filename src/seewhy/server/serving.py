"""Run the app: a port of its own, and an orderly end."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from urllib.parse import quote

from seewhy.errors import InputError
from seewhy.server.hall import Hall
from seewhy.server.settings import DEFAULT_PORT, Settings, authority, is_unspecified
from seewhy.server.web import Starlette, uvicorn

PORTS_TRIED = 20
END_WITHIN = 3
"""Seconds that answers, and then the model, have to end in."""

FORCED = 130


def open_socket(host: str, port: int | None) -> socket.socket:
    """Listen on a port.

    Parameters
    ----------
    host : str
    port : int or None
        0: any that is free. None: 8765, or one of the next if that is taken.

    Raises
    ------
    InputError
        The port is taken or not allowed, or the host is none of this machine's.
    """
    if port is not None:
        return _listening(host, port)
    for candidate in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        try:
            return _listening(host, candidate)
        except _PortTakenError:
            continue
    return _listening(host, 0)


def address_of(settings: Settings) -> str:
    """Return the address to open, with the token in it."""
    host = "127.0.0.1" if is_unspecified(settings.host) else settings.host
    return f"http://{authority(host, settings.port)}/?token={quote(settings.token)}"


def serve(app: Starlette, listening: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM comes; then cancel what runs, and return.

    A second SIGINT ends the process at once, and so does a model that does not return within
    seconds.
    """
    hall: Hall = app.state.hall
    server = server_of(app)
    with _orderly_end(server) as ending:
        asyncio.run(until_stopped(server, hall, listening))
        ending.set()
        hall.close()
        ended = hall.join(END_WITHIN)
    if not ended:  # a thread that computes cannot be stopped; Python would wait, or crash in it
        _leave(0)


def server_of(app: Starlette) -> uvicorn.Server:
    """Make the server that runs an app; it says nothing itself."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=END_WITHIN,
    )
    return uvicorn.Server(config)


async def until_stopped(server: uvicorn.Server, hall: Hall, listening: socket.socket) -> None:
    """Run a server until its ``should_exit`` is set, then have streams and jobs end."""

    async def close_when_stopped() -> None:
        while not server.should_exit:
            await asyncio.sleep(0.05)
        hall.close()  # now: streams end with their jobs, and the server waits for streams

    closing = asyncio.create_task(close_when_stopped())
    await server.serve(sockets=[listening])
    await closing


@contextmanager
def _orderly_end(server: uvicorn.Server) -> Iterator[threading.Event]:
    """Take the signals that the server hands on when it has ended, and those before it starts."""
    ending = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        if ending.is_set():
            _leave(FORCED)
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    before = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(code: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _PortTakenError(InputError):
    """The port is somebody else's."""


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise InputError(f"--host {host!r} is no address of this machine: {error}") from error
    found = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would share the port with whoever has it
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(place)
        found.listen(128)
    except (OSError, OverflowError) as error:
        found.close()
        raise _refusal(host, port, error) from error
    return found


def _refusal(host: str, port: int, error: Exception) -> InputError:
    if isinstance(error, PermissionError):
        return InputError(f"--port {port} is not yours to take: give one above 1023, or 0 for any")
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return _PortTakenError(
            f"--port {port} is taken: give another one, or 0 for any that is free"
        )
    return InputError(f"cannot listen at {authority(host, port)}: {error}")
