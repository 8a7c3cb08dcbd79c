"""How long frameworks that download weights wait for a server that does not answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE = 30.0  # seconds without an answer


@contextmanager
def impatience() -> Iterator[None]:
    """Let connections fail after a while; torch.hub and Keras themselves would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE if before is None else before)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
