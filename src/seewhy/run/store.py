"""A result and its directory: written whole or not at all, the manifest last.

::

    out/
      explanation.json   every number, and where it came from (schema 1)
      segments.png       16-bit superpixel numbers on the original picture; 65535: not seen
      picture.png        the picture as shown, at most 1 024 pixels long
      hidden.png         the picture at the model's input with every superpixel hidden
      backdrop-N.png     other pictures there, which show through in the examples of anchors
      figure.png         the figure of the first method; figure-NAME.png of any other; of a
                         misclassified picture its story, and figure-NAME.png of every method
      pixel_maps.npz     of gradient methods: a float32 map (targets, h, w) under each name
      manifest.json      what the directory holds; present only when all of it is
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from jaxtyping import Float32, Int
from PIL import Image as pillow

from seewhy import __version__
from seewhy.errors import StoreError
from seewhy.image.read import Picture, read_picture
from seewhy.image.segmentation import OUTSIDE
from seewhy.methods.explanation import Attribution
from seewhy.run.document import SCHEMA, PixelMaps, from_document, to_document
from seewhy.run.explained import Explained
from seewhy.run.question import STORY

if TYPE_CHECKING:
    from os import PathLike

MANIFEST = "manifest.json"
PIXEL_MAPS = "pixel_maps.npz"
HIDDEN = "hidden.png"
NEEDED = {"explanation.json", "segments.png", "picture.png", "figure.png"}
KIND = "seewhy explanation"
UNSEEN = 65535
SHOWN_SIDE = 1024


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


def save(result: Explained, directory: str | PathLike[str]) -> None:
    """Write a result; an earlier one in the same place is replaced at the end, in one step.

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
        _write_files(result, draft)
        _write_manifest(draft)
        draft.chmod(0o755)
        _put_in_place(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def load(directory: str | PathLike[str]) -> Explained:
    """Read a result back; the picture is the shown one, at the original size.

    Raises
    ------
    StoreError
        No result there, incomplete, changed since, or of another version.
    """
    path = Path(directory)
    manifest = _read_manifest(path, directory)
    for name, entry in manifest["files"].items():
        if not (path / name).is_file() or _digest(path / name) != entry["sha256"]:
            raise StoreError(
                f"the result in {directory} is damaged: {name} is missing or was changed since it "
                "was written; explain the picture again"
            )
    document = json.loads((path / "explanation.json").read_text(encoding="utf-8"))
    with pillow.open(path / "segments.png") as png:
        stored = np.array(png).astype(np.int32)
    labels = np.where(stored == UNSEEN, OUTSIDE, stored)
    picture = _stored_picture(path, document["image"])
    hidden = _stored_hidden(path / HIDDEN, directory)
    backdrops = [
        read_picture(path / f"backdrop-{number}.png").pixels
        for number, _ in enumerate(document["backdrops"], start=1)
    ]
    maps = _stored_maps(path / PIXEL_MAPS)
    return from_document(document, picture, labels, hidden, backdrops, maps)


def to_json(document: dict[str, Any]) -> str:
    """Format a document: numbers in full, nothing that JSON does not know."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _write_files(result: Explained, draft: Path) -> None:
    from seewhy.show.render import to_rgb
    from seewhy.show.saving import save_figure

    (draft / "explanation.json").write_text(to_json(to_document(result)), encoding="utf-8")
    labels = result.segmentation.labels
    _save_labels(labels, draft / "segments.png")
    shown = pillow.fromarray(to_rgb(result.picture.pixels))
    shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    shown.save(draft / "picture.png", optimize=True)
    _save_picture(result.hidden, draft / HIDDEN)
    for number, backdrop in enumerate(result.backdrops.values(), start=1):
        _save_picture(backdrop, draft / f"backdrop-{number}.png")
    maps = {
        explanation.name: explanation.pixel_map
        for explanation in result.explanations
        if isinstance(explanation, Attribution) and explanation.pixel_map is not None
    }
    if maps:
        with (draft / PIXEL_MAPS).open("wb") as file:
            _save_maps(file, maps)
    for name, figure in _figures(result):
        save_figure(result.figure(name), draft / figure)


def _figures(result: Explained) -> list[tuple[str, str]]:
    """What is drawn, and into which file: the story, or else the first method, comes first."""
    names = [explanation.name for explanation in result.explanations]
    shown = [STORY, *names] if result.tells_story else names
    files = ["figure.png", *(f"figure-{name}.png" for name in shown[1:])]
    return list(zip(shown, files, strict=True))


def _save_picture(pixels: Float32[np.ndarray, "h w c"], path: Path) -> None:
    from seewhy.show.render import to_rgb

    pillow.fromarray(to_rgb(pixels)).save(path, optimize=True)


def _save_labels(labels: Int[np.ndarray, "h w"], path: Path) -> None:
    stored = np.where(labels < 0, UNSEEN, labels).astype(np.uint16)
    pillow.fromarray(stored).save(path)


def _save_maps(file: BinaryIO, maps: PixelMaps) -> None:
    """As `numpy.savez_compressed`, which takes names as keywords and so not just any name."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in maps.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # without the time: equal maps, equal bytes
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w") as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _stored_maps(path: Path) -> PixelMaps:
    if not path.is_file():
        return {}
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _stored_hidden(path: Path, directory: str | PathLike[str]) -> Float32[np.ndarray, "h w c"]:
    if not path.is_file():
        raise StoreError(
            f"{directory} was written by an earlier version, without {HIDDEN}: explain the "
            "picture again"
        )
    return read_picture(path).pixels


def _write_manifest(draft: Path) -> None:
    files = {
        file.name: {"bytes": file.stat().st_size, "sha256": _digest(file)}
        for file in sorted(draft.iterdir())
    }
    manifest = {"kind": KIND, "schema": SCHEMA, "seewhy": __version__, "files": files}
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
        return manifest if manifest["kind"] == KIND and set(files) >= NEEDED and plain else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _read_manifest(path: Path, directory: str | PathLike[str]) -> dict[str, Any]:
    if not path.is_dir():
        raise StoreError(f"a result is a directory; {directory} is none")
    manifest = _manifest_of(path)
    if manifest is None:
        raise StoreError(
            f"{directory} holds no finished result ({MANIFEST} is missing or foreign); "
            "give a directory that `seewhy explain --out` has written"
        )
    return manifest


def _stored_picture(path: Path, image: dict[str, Any]) -> Picture:
    with pillow.open(path / "picture.png") as png:
        shown = png.convert("L" if image["channels"] == 1 else "RGB")
        shown = shown.resize((image["width"], image["height"]), pillow.Resampling.BILINEAR)
    pixels = read_picture(shown).pixels
    return Picture(pixels, image["name"], image["path"], image["sha256"])


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
