"""Starlette and uvicorn, or one sentence about how to get them: the single place to import them."""

from __future__ import annotations

from seewhy.errors import MissingExtraError

try:
    import anyio
    import uvicorn
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
except ModuleNotFoundError as _error:
    if (_error.name or "").partition(".")[0] not in ("anyio", "starlette", "uvicorn"):
        raise
    raise MissingExtraError(
        'the app needs Starlette and uvicorn, which are not installed: pip install "seewhy[serve]".'
    ) from _error

__all__ = [
    "ASGIApp",
    "ClientDisconnect",
    "HTTPException",
    "Message",
    "Middleware",
    "Receive",
    "Request",
    "Response",
    "Route",
    "Scope",
    "Send",
    "Starlette",
    "anyio",
    "uvicorn",
]
