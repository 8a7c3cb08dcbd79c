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
      asked.npz          masks that a person can reach by hiding regions, and what the model said
      report.html        all of it as one page to look at, which needs nothing else
      pixel_maps.npz     of gradient methods: a float32 map (targets, h, w) under each name
      manifest.json      what the directory holds; present only when all of it is
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from jaxtyping import Float32, Int
from PIL import Image as pillow

from seewhy.errors import StoreError
from seewhy.image.read import Picture, read_picture
from seewhy.image.segmentation import OUTSIDE
from seewhy.methods.explanation import Attribution
from seewhy.run.directory import checked_files, to_json, write_whole
from seewhy.run.document import from_document, recorded_arrays, to_document
from seewhy.run.explained import Explained
from seewhy.run.question import STORY

if TYPE_CHECKING:
    from os import PathLike

PIXEL_MAPS = "pixel_maps.npz"
ASKED = "asked.npz"
HIDDEN = "hidden.png"
KIND = "seewhy explanation"
UNSEEN = 65535
SHOWN_SIDE = 1024


def save(
    result: Explained,
    directory: str | PathLike[str],
    *,
    beside: Callable[[Path], None] | None = None,
) -> None:
    """Write a result; an earlier one in the same place is replaced at the end, in one step.

    Parameters
    ----------
    result : Explained
    directory : path
    beside : callable, optional
        Writes further files into the directory that it is given, maybe a report of its own.

    Raises
    ------
    StoreError
        The directory holds something else, or cannot be written.
    """
    from seewhy.run.reporting import REPORT, write_page

    def write(draft: Path) -> None:
        _write_files(result, draft)
        if beside is not None:
            beside(draft)
        if not (draft / REPORT).exists():
            write_page(result, draft)

    write_whole(directory, write, kind=KIND)


def load(directory: str | PathLike[str]) -> Explained:
    """Read a result back; the picture is the shown one, at the original size.

    Raises
    ------
    StoreError
        No result there, incomplete, changed since, or of another version.
    """
    path = checked_files(directory, kind=KIND)
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
    maps = _stored_arrays(path / PIXEL_MAPS)
    asked = _stored_arrays(path / ASKED)
    return from_document(document, picture, labels, hidden, backdrops, maps, asked)


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
    for file, arrays in ((PIXEL_MAPS, maps), (ASKED, recorded_arrays(result.record))):
        if arrays:
            with (draft / file).open("wb") as archive:
                _save_arrays(archive, arrays)
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


def _save_arrays(file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    """As `numpy.savez_compressed`, which takes names as keywords and so not just any name."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # without the time: equal arrays, equal bytes
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w") as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _stored_arrays(path: Path) -> Mapping[str, np.ndarray]:
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


def _stored_picture(path: Path, image: dict[str, Any]) -> Picture:
    with pillow.open(path / "picture.png") as png:
        shown = png.convert("L" if image["channels"] == 1 else "RGB")
        shown = shown.resize((image["width"], image["height"]), pillow.Resampling.BILINEAR)
    pixels = read_picture(shown).pixels
    return Picture(pixels, image["name"], image["path"], image["sha256"])
