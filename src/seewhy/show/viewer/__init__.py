"""The one viewer of reports, notebooks and the app: a script and a style sheet, as they are."""

from __future__ import annotations

from importlib.resources import files


def viewer_script() -> str:
    """Return the script: it gives a page ``window.Seewhy``."""
    return _text("viewer.js")


def viewer_style() -> str:
    """Return the style sheet."""
    return _text("viewer.css")


def _text(name: str) -> str:
    # the digest of an inline script is that of its lines ended as a browser reads them
    return files(__name__).joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")
