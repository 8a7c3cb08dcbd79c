"""Methods by the names under which the command line and documents know them."""

from __future__ import annotations

from typing import Any

from seewhy.errors import SpecError, did_you_mean
from seewhy.methods.explanation import AttributionMethod
from seewhy.methods.lime import Lime

METHODS: dict[str, type[Any]] = {"lime": Lime}


def parse_methods(spec: str) -> tuple[AttributionMethod, ...]:
    """Turn comma-separated names into methods with their default settings.

    Parameters
    ----------
    spec : str
        Such as "lime".

    Raises
    ------
    SpecError
        A name that nobody knows.

    Examples
    --------
    >>> parse_methods("lime")[0].name
    'lime'
    """
    names = [name.strip().lower() for name in spec.split(",") if name.strip()]
    for name in names:
        if name not in METHODS:
            raise SpecError(
                f"method must be one of {', '.join(METHODS)}; got {name!r}"
                f"{did_you_mean(name, METHODS)}"
            )
    return tuple(METHODS[name]() for name in names)
