"""What is said no to, in one sentence, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from seewhy.server.web import Response


class RefusedError(Exception):
    """A request that is not answered.

    Parameters
    ----------
    status : int
        Of HTTP.
    sentence : str
        For the person before the browser.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def to_json(document: Any) -> bytes:
    """Write JSON in ASCII: class names and file names may hold what has no encoding."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode("ascii")


def answered(
    document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON."""
    return Response(to_json(document), status, headers, media_type="application/json")


def refused(refusal: RefusedError, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with a refusal."""
    return answered({"error": refusal.sentence}, status=refusal.status, headers=headers)
