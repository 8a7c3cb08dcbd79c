"""What can go wrong, in one small hierarchy.

::

    SeewhyError               anything Seewhy refuses to do, said in one sentence
    ├── InputError            an argument or file is not what was expected (a ValueError)
    │   ├── ImageError        the picture cannot be read, or should not be
    │   └── SpecError         a model, segmenter or fill name that nobody knows
    ├── ModelError            the model loads or answers wrongly: shape, NaN, other weights
    ├── MissingExtraError     an optional package is needed (an ImportError)
    └── StoreError            a result directory is incomplete, foreign or of another version

Every message is one sentence that names the argument, what was expected, what
came, and the way out. The command line prints it and exits with code 2.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class SeewhyError(Exception):
    """Anything Seewhy refuses to do, said in one sentence."""


class InputError(SeewhyError, ValueError):
    """An argument or a file is not what was expected."""


class ImageError(InputError):
    """The picture cannot be read, or should not be."""


class SpecError(InputError):
    """A model, segmenter or fill was named that nobody knows."""


class ModelError(SeewhyError):
    """The model cannot be loaded, or its answers make no sense."""


class MissingExtraError(SeewhyError, ImportError):
    """An optional package is needed and absent; the message holds the pip line."""


class StoreError(SeewhyError):
    """A result directory is incomplete, foreign, or written by another version."""


def what_happened(error: Exception) -> str:
    """Say in a few words what foreign code raised, and where.

    Parameters
    ----------
    error : Exception
        As caught.

    Returns
    -------
    str
        ``"ZeroDivisionError: division by zero (model.py, line 3)"``, on one line.
    """
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:200]}{where}" if said else type(error).__name__ + where


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which known names are near a misspelt one.

    Parameters
    ----------
    name : str
        What the user wrote.
    known : iterable of str
        What exists.

    Returns
    -------
    str
        ``"; did you mean 'slic' or 'grid'?"``, or an empty string when nothing is near.

    Examples
    --------
    >>> did_you_mean("slik", ["slic", "grid"])
    "; did you mean 'slic'?"
    >>> did_you_mean("car", ["scarf", "passenger car"])
    "; did you mean 'passenger car' or 'scarf'?"
    """
    by_lower = {candidate.lower(): candidate for candidate in known}
    asked = name.lower()
    as_word = [candidate for candidate in by_lower if asked and asked in candidate.split()]
    close = get_close_matches(asked, by_lower, n=3, cutoff=0.6)
    near = list(dict.fromkeys([*sorted(as_word, key=len)[:3], *close]))[:3]
    if not near:
        return ""
    return "; did you mean " + " or ".join(repr(by_lower[match]) for match in near) + "?"
