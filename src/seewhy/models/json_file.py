"""A JSON file that holds one object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seewhy.errors import InputError


def read_json_object(path: str | Path, *, what: str) -> dict[str, Any]:
    """Read a JSON file that must hold one object.

    Parameters
    ----------
    path : str or Path
        The file.
    what : str
        What it is called in messages.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        When there is no such file, it is not JSON, or it holds something else.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the {what} file {str(path)!r}: {error}.") from error
    if not isinstance(document, dict):
        raise InputError(
            f"the {what} file {str(path)!r} must hold a JSON object; it holds a "
            f"{type(document).__name__}."
        )
    return document
