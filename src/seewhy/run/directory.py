"""Directories that are written whole or not at all, their manifest last.

A manifest names every file with its digest, so that what was changed since, or is not ours, is
told apart from what may be read or replaced.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy import __version__
from seewhy.errors import StoreError

if TYPE_CHECKING:
    from os import PathLike

MANIFEST = "manifest.json"
SCHEMA = 1
NEEDED = {
    "seewhy explanation": {"explanation.json", "segments.png", "picture.png", "figure.png"},
    "seewhy field": {"field.json", "scores.csv", "figure.png"},
}
"""What a directory of every kind holds at least."""

VERBS = {
    "seewhy explanation": "explain --out",
    "seewhy field": "compare --out, given several pictures,",
}
"""What writes it."""


def check_writable(directory: str | PathLike[str]) -> Path:
    """Tell early, before anything is computed, whether a result may be written there.

    Returns
    -------
    Path
        The directory, absolute.

    Raises
    ------
    StoreError
        It is a file, or holds something that is not an earlier result.
    """
    try:
        path = Path(directory).expanduser().resolve()
        if path.exists() and not path.is_dir():
            raise StoreError(f"the output must be a directory; {directory} is a file: name another")
        foreign = _foreign_files(path) if path.is_dir() else []
        _check_parent(path)
    except OSError as problem:
        raise _unwritable(directory, problem) from problem
    if foreign:
        raise StoreError(
            f"the output directory {directory} holds {foreign[0]!r}, which is not part of an "
            "earlier result, and nothing of yours is overwritten: name a new or empty directory"
        )
    return path


def write_whole(
    directory: str | PathLike[str], write: Callable[[Path], None], *, kind: str
) -> None:
    """Write a directory; an earlier one in the same place is replaced at the end, in one step.

    Parameters
    ----------
    directory : path
    write : callable
        Writes all files into the directory that it is given.
    kind : str
        One of `NEEDED`.

    Raises
    ------
    StoreError
        The directory holds something else, or cannot be written.
    """
    path = check_writable(directory)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as problem:
        raise _unwritable(directory, problem) from problem
    try:
        write(draft)
        write_manifest(draft, kind=kind)
        draft.chmod(0o755)
        _put_in_place(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def checked_files(directory: str | PathLike[str], *, kind: str) -> Path:
    """Find a finished directory whose files are those that were written.

    Raises
    ------
    StoreError
        No such result there, incomplete, or changed since.
    """
    path = Path(directory)
    manifest = _read_manifest(path, directory, kind)
    for name, entry in manifest["files"].items():
        if not (path / name).is_file() or _digest(path / name) != entry["sha256"]:
            raise StoreError(
                f"the result in {directory} is damaged: {name} is missing or was changed since it "
                "was written; explain the picture again"
            )
    return path


def to_json(document: dict[str, Any]) -> str:
    """Format a document: numbers in full, nothing that JSON does not know."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def write_manifest(draft: Path, *, kind: str) -> None:
    """Name every file that is there, with its digest."""
    files = {
        file.name: {"bytes": file.stat().st_size, "sha256": _digest(file)}
        for file in sorted(draft.iterdir())
    }
    manifest = {"kind": kind, "schema": SCHEMA, "seewhy": __version__, "files": files}
    (draft / MANIFEST).write_text(to_json(manifest), encoding="utf-8")


def _put_in_place(draft: Path, path: Path) -> None:
    """Swap the finished draft in; an earlier result leaves only once the new one stands.

    The directory someone stands in keeps its place: files move into it, the manifest last.
    """
    if not path.exists():
        draft.rename(path)
        return
    if Path.cwd().resolve().is_relative_to(path):
        _move_into(draft, path)
        return
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-old-", dir=path.parent) as aside:
        old = Path(aside) / "old"
        path.rename(old)
        try:
            draft.rename(path)
        except OSError:
            old.rename(path)
            raise


def _move_into(draft: Path, path: Path) -> None:
    (path / MANIFEST).unlink(missing_ok=True)
    for stale in set(_names(path)) - set(_names(draft)):
        (path / stale).unlink()
    for name in sorted(_names(draft), key=lambda name: name == MANIFEST):
        (draft / name).replace(path / name)


def _names(path: Path) -> list[str]:
    return sorted(file.name for file in path.iterdir())


def _foreign_files(path: Path) -> list[str]:
    """Whatever in a directory is not part of an earlier result."""
    manifest = _manifest_of(path)
    known = set() if manifest is None else {MANIFEST, *manifest["files"]}
    return [name for name in _names(path) if name not in known]


def _check_parent(path: Path) -> None:
    """Find out now, not after the computation, whether the directory can be made."""
    parent = next(folder for folder in (path, *path.parents) if folder.exists())
    if not parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{parent.name} is a file")
    if not os.access(parent if parent != path else path.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"no permission to write into {parent.name or parent}")


def _unwritable(directory: str | PathLike[str], problem: OSError) -> StoreError:
    name = str(directory)
    shown = name if len(name) <= 80 else f"{name[:77]}…"
    return StoreError(
        f"the output directory {shown} cannot be written ({problem.strerror}): name another"
    )


def _manifest_of(path: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        files = manifest["files"]
        plain = all(Path(name).name == name and entry["sha256"] for name, entry in files.items())
        return manifest if set(files) >= NEEDED[manifest["kind"]] and plain else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _read_manifest(path: Path, directory: str | PathLike[str], kind: str) -> dict[str, Any]:
    if not path.is_dir():
        raise StoreError(f"a result is a directory; {directory} is none")
    manifest = _manifest_of(path)
    if manifest is None or manifest["kind"] != kind:
        raise StoreError(
            f"{directory} holds no finished result ({MANIFEST} is missing or foreign); "
            f"give a directory that `seewhy {VERBS[kind]}` has written"
        )
    return manifest


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
