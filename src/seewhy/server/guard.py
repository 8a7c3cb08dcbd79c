"""Who may ask, from where, and how much: checked before anything is looked up.

A page on the web can make its visitor's browser send requests to this machine, and by DNS
rebinding even read the answers. Hence the Host header must name this app, an Origin must be
its own, and everything but the scripts of the page takes the token from its address.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from urllib.parse import parse_qs

from seewhy.server.refusal import RefusedError, refused
from seewhy.server.settings import Settings
from seewhy.server.web import ASGIApp, ClientDisconnect, Message, Receive, Scope, Send

ASSETS = "/assets/"
UPLOADS = "/api/pictures"
SMALL_BODY = 256 * 1024
"""Bytes of a request that is no picture: every superpixel named, and to spare."""

MOST_FIELDS = 20
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_RAW_HEADERS = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
_BROKEN = "something went wrong inside Seewhy; the terminal where it runs says what"
_log = logging.getLogger(__name__)


class Guard:
    """Middleware around the whole app; see the module.

    Parameters
    ----------
    app : ASGI application
    settings : Settings
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {**message, "headers": [*message.get("headers", ()), *_RAW_HEADERS]}
            await send(message)

        try:
            self._check(scope)
            await self._app(scope, _capped(receive, self._cap(scope)), send_safely)
        except RefusedError as refusal:
            await refused(refusal)(scope, receive, send_safely)
        except ClientDisconnect:
            pass  # nobody is left to be told
        except Exception:
            _log.exception("the app failed at %s %r", scope["method"], scope["path"][:200])
            if not started:
                await refused(RefusedError(500, _BROKEN))(scope, receive, send_safely)

    def _check(self, scope: Scope) -> None:
        hosts = _header(scope, b"host")
        if len(hosts) != 1 or not self._settings.names_us(hosts[0]):
            raise RefusedError(421, "this address is not Seewhy's: open the one that it printed")
        if any(origin != f"http://{hosts[0]}" for origin in _header(scope, b"origin")):
            raise RefusedError(403, "another site may not ask Seewhy")
        if not scope["path"].startswith(ASSETS):
            self._check_token(scope)
        length = "".join(_header(scope, b"content-length")[:1])
        if length.isdecimal() and int(length) > self._cap(scope):
            raise _too_large(self._cap(scope))

    def _check_token(self, scope: Scope) -> None:
        try:
            query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=MOST_FIELDS)
        except ValueError:
            raise RefusedError(400, "this address says more than Seewhy reads") from None
        given = [*_header(scope, b"x-seewhy-token"), *query.get("token", ())]
        if not given:
            raise RefusedError(401, "the token is missing: open the address that Seewhy printed")
        known = self._settings.token.encode()
        if not any(secrets.compare_digest(token.encode(), known) for token in given):
            raise RefusedError(403, "the token is wrong: open the address that Seewhy printed last")

    def _cap(self, scope: Scope) -> int:
        return self._settings.max_bytes if scope["path"] == UPLOADS else SMALL_BODY


def _capped(receive: Receive, cap: int) -> Receive:
    """Stop reading where a request is longer than it may be, whatever length it declares."""
    read = 0

    async def receive_some() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > cap:
            raise _too_large(cap)
        return message

    return receive_some


def _too_large(cap: int) -> RefusedError:
    allowed = f"{cap / 2**20:.3g} MB" if cap >= 2**20 else f"{cap / 1024:.3g} KB"
    return RefusedError(
        413, f"that is more than the {allowed} that Seewhy takes: send less, or a smaller picture"
    )


def _header(scope: Scope, name: bytes) -> list[str]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1") for key, value in headers if key == name]
