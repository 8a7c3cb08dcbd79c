"""``v2+http://HOST[:PORT][/prefix]/v2/models/NAME[/versions/V]``: where a served model lives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from seewhy.errors import SpecError

_PATH = re.compile(
    r"(?P<prefix>.*?)/v2/models/(?P<model>[^/]+)(/versions/(?P<version>[^/]+))?(/infer)?/?"
)


@dataclass(frozen=True)
class V2Address:
    """The parts of a served model's address.

    Parameters
    ----------
    root : str
        ``"http://host:8000"``, with the prefix where there is one, without user and password.
    model : str
        The model's name, as it stands in addresses.
    version : str or None
        The version asked for; None leaves the choice to the server.
    user : tuple of str or None
        User name and password, which no message and no result ever shows.
    """

    root: str
    model: str
    version: str | None = None
    user: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def path(self) -> str:
        """``"/v2/models/NAME"`` or ``"/v2/models/NAME/versions/V"``."""
        version = "" if self.version is None else f"/versions/{self.version}"
        return f"/v2/models/{self.model}{version}"

    @property
    def spec(self) -> str:
        """The whole address without user and password, as results hold it."""
        return f"v2+{self.root}{self.path}"


def read_address(url: str) -> V2Address:
    """Take a served model's address apart.

    Parameters
    ----------
    url : str
        ``"v2+http://HOST/v2/models/NAME"``, also without ``v2+``.

    Returns
    -------
    V2Address

    Raises
    ------
    SpecError
        When it is something else; the message leaves out user, password and query.
    """
    try:
        parts = urlsplit(url.removeprefix("v2+"))
        host, _ = parts.hostname, parts.port  # a wrong port is only noticed when asked for
    except ValueError as error:
        raise _unreadable(url) from error
    path = _PATH.fullmatch(parts.path)
    extra = parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not host or path is None or extra:
        raise _unreadable(url)
    user = None
    if parts.username is not None:
        user = (unquote(parts.username), unquote(parts.password or ""))
    place = parts.netloc.rpartition("@")[2]
    return V2Address(
        root=f"{parts.scheme}://{place}{path['prefix']}",
        model=path["model"],
        version=path["version"],
        user=user,
    )


def without_secrets(text: str) -> str:
    """Leave out of an address what no message may show.

    Parameters
    ----------
    text : str
        An address, or anything else.

    Returns
    -------
    str
        Without user, password and query.
    """
    return re.sub(r"//.*@", "//", re.split(r"[?#]", text)[0]) if "//" in text else text


def _unreadable(url: str) -> SpecError:
    return SpecError(
        f"{without_secrets(url)!r} must read v2+http://HOST[:PORT]/v2/models/NAME, perhaps with "
        "/versions/V after it and nothing else."
    )
