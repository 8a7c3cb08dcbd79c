"""Find saved results in folders, and load whatever they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from seewhy.errors import StoreError
from seewhy.run import comparison_store, store
from seewhy.run.comparison import Comparison
from seewhy.run.directory import MANIFEST
from seewhy.run.explained import Explained

FIELD = "field.json"


def saved_results(directories: Iterable[Path]) -> list[Path]:
    """List the directories of saved results: those named, and those anywhere in folders named.

    Parameters
    ----------
    directories : iterable of Path
        Each is a saved result, or a folder with some in it.

    Returns
    -------
    list of Path
        Each once, in the order named, within a folder by name.

    Raises
    ------
    StoreError
        There is no such folder, or no result in it.
    """
    found: dict[Path, Path] = {}
    for directory in directories:
        for place in _in(directory):
            found.setdefault(place.resolve(), place)
    return list(found.values())


def load_result(directory: Path) -> Explained | Comparison:
    """Load a saved result: a comparison where it is one.

    Raises
    ------
    StoreError
        It is of another kind or version, incomplete, or was changed since it was written.
    """
    try:
        if (directory / comparison_store.COMPARISON).is_file():
            return comparison_store.load(directory)
        return store.load(directory)
    except StoreError as refusal:
        if str(directory) in str(refusal):
            raise
        raise StoreError(f"{directory}: {refusal}") from refusal


def is_result(directory: Path) -> bool:
    """Tell whether a directory is a saved result rather than a folder of them."""
    return (directory / MANIFEST).is_file()


def _in(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise StoreError(f"a saved result is a directory; {directory} is none")
    if is_result(directory):
        return [directory]
    found = sorted(
        manifest.parent
        for manifest in directory.rglob(MANIFEST)
        # what is being written has a hidden name; statistics over pictures are no picture
        if not any(part.startswith(".") for part in manifest.relative_to(directory).parts)
        and not (manifest.parent / FIELD).is_file()
    )
    if not found:
        raise StoreError(
            f"{directory} holds no saved result ({MANIFEST} is nowhere in it); give a directory "
            "that `seewhy explain` or `seewhy compare` has written, or a folder of them"
        )
    return found
