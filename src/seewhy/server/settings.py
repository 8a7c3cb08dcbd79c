"""How the app is run: who may ask it, and how much."""

from __future__ import annotations

import ipaddress
import secrets
from dataclasses import dataclass, field

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
DEFAULT_PORT = 8765


def drawn_token() -> str:
    """Draw a token that nobody guesses."""
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an app allows.

    Attributes
    ----------
    host : str
        The address that it listens on.
    port : int
        The port there: requests name it in their Host header.
    token : str
        Whoever has it may use the app; drawn at random.
    max_bytes : int
        Of an uploaded file.
    max_pixels : int
        Of a picture, once decoded: so many take 2 GB while they are explained.
    pictures_kept, results_kept : int
        The oldest are dropped beyond so many, …
    memory : int
        … or beyond so many bytes of pixels, of pictures and of results each.
    waiting, per_session : int
        Jobs that may wait or run, in all and of one page.
    grace, patience : float
        Seconds after which a job is given up whose last watcher has gone, or for which nobody
        has asked.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    token: str = field(default_factory=drawn_token, repr=False)
    max_bytes: int = 32 * 2**20
    max_pixels: int = 25_000_000
    pictures_kept: int = 16
    results_kept: int = 16
    memory: int = 2**30
    waiting: int = 16
    per_session: int = 4
    grace: float = 2.0
    patience: float = 15.0

    def names_us(self, authority: str) -> bool:
        """Tell whether a Host header means this app, and no name that was made to point at it.

        Listening on all addresses, any address in digits does: a web page elsewhere can have
        its name point here, but cannot make the browser call itself by a number.
        """
        name, port = _split(authority.lower())
        if port != str(self.port):
            return False
        if name in LOOPBACK or name == self.host.lower():
            return True
        return is_unspecified(self.host) and _is_address(name)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host that is listened on."""
    return host.lower() in LOOPBACK or (
        _is_address(host) and ipaddress.ip_address(host).is_loopback
    )


def is_unspecified(host: str) -> bool:
    """Tell whether a host stands for all addresses of this machine."""
    return host == "" or (_is_address(host) and ipaddress.ip_address(host).is_unspecified)


def authority(host: str, port: int) -> str:
    """Return host and port as a web address has them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _split(authority: str) -> tuple[str, str]:
    if authority.startswith("["):
        name, _, port = authority[1:].partition("]")
        return name, port.removeprefix(":") or "80"
    name, _, port = authority.partition(":")
    return name, port or "80"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
