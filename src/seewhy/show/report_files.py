"""Reports in files: one page, or, of many pictures, a page and beside it what it loads on demand.

::

    report.html          up to 300 pictures and 10 MB: one page that needs nothing else
    report/index.html    beyond: a page with a small picture of each …
    report/data-0001.js  … and about 50 pictures in every other file

A page that lies on a disk may not read files beside it, but may run scripts that do: hence
data in scripts.
"""

from __future__ import annotations

import base64
import io
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image as pillow
from PIL import features

from seewhy.errors import InputError, StoreError
from seewhy.show.report import GENERATOR, inline_json, report_html

Json = Mapping[str, Any]

MOST_ITEMS = 300
MOST_BYTES = 10_000_000
SHARD_ITEMS = 50
SHARD_BYTES = 4_000_000
THUMB_SIDE = 128
THUMB_QUALITY = 60

INDEX = "index.html"
_SHARD_NAME = re.compile(r"data-\d{4,}\.js")
# far enough to find the generator behind the policy
_HEAD = 4096


def write_report(path: str | os.PathLike[str], document: Json) -> Path:
    """Write a view document as a page, or as a folder where it is too large for one.

    An earlier report in the same place is replaced, and only once the new one is complete.

    Parameters
    ----------
    path : path
        Ending in ".html". A folder has the same name without the ending.
    document : mapping
        Of `seewhy.run.viewing.view_document`.

    Returns
    -------
    Path
        The page to open.

    Raises
    ------
    InputError
        If the path has another ending.
    StoreError
        Something else is there already, or it cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"path must end in .html; got {target.name!r}")
    texts = [inline_json(item) for item in document["items"]]
    large = len(texts) > MOST_ITEMS or sum(map(len, texts)) > MOST_BYTES
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if large and len(texts) > 1:
            index = _write_folder(target.with_suffix(""), document, texts)
            if _is_ours(target):
                # the page of an earlier, smaller report would go on looking like this one
                target.unlink()
            return index
        return _write_page(target, report_html(document))
    except OSError as problem:
        raise StoreError(
            f"the report {_short(path)} cannot be written ({problem.strerror}): name another place"
        ) from problem


def _write_page(target: Path, page: str) -> Path:
    if target.exists() and not _is_ours(target):
        raise _foreign(target)
    part = target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    try:
        part.write_text(page, encoding="utf-8", newline="\n")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _write_folder(target: Path, document: Json, texts: Sequence[str]) -> Path:
    if target.exists() and not _is_our_folder(target):
        raise _foreign(target)
    with tempfile.TemporaryDirectory(prefix=".report-", dir=target.parent) as aside:
        draft = Path(aside) / "new"
        draft.mkdir()
        light = []
        for number, part in enumerate(_parts(texts), start=1):
            items = document["items"][part.start : part.stop]
            light += [_light(item, number, at) for at, item in enumerate(items)]
            (draft / shard_name(number)).write_text(
                _shard(number, texts[part.start : part.stop]), encoding="utf-8", newline="\n"
            )
        page = report_html({**document, "items": light}, shards=True)
        (draft / INDEX).write_text(page, encoding="utf-8", newline="\n")
        _put_in_place(draft, target, Path(aside) / "old")
    return target / INDEX


def _put_in_place(draft: Path, target: Path, old: Path) -> None:
    if not target.exists():
        draft.rename(target)
        return
    target.rename(old)
    try:
        draft.rename(target)
    except OSError:
        old.rename(target)
        raise


def shard_name(number: int) -> str:
    """Return what a file with a part of the pictures is called; parts count from 1."""
    return f"data-{number:04d}.js"


def _parts(texts: Sequence[str]) -> Iterator[slice]:
    """Runs of items that go into one file."""
    start = size = 0
    for at, text in enumerate(texts):
        if at > start and (at - start == SHARD_ITEMS or size + len(text) > SHARD_BYTES):
            yield slice(start, at)
            start, size = at, 0
        size += len(text)
    yield slice(start, len(texts))


def _shard(number: int, texts: Sequence[str]) -> str:
    """A script that hands items over: as text to be parsed, in which no name is a command."""
    quoted = f"[{','.join(texts)}]".replace("\\", "\\\\").replace("'", "\\'")
    return f"window.Seewhy.shard({number}, JSON.parse('{quoted}'));\n"


def _light(item: Json, number: int, at: int) -> dict[str, Any]:
    return {
        "name": item["name"],
        "thumb": _thumb(item["picture"]["src"]),
        "predictions": list(item["predictions"][:1]),
        **({"true": item["true"]} if item.get("true") else {}),
        "shard": number,
        "at": at,
    }


def _thumb(source: str) -> str:
    """A small copy of an encoded picture."""
    encoded = base64.b64decode(source.partition(",")[2])
    kind = "webp" if features.check("webp") else "jpeg"
    buffer = io.BytesIO()
    with pillow.open(io.BytesIO(encoded), formats=("WEBP", "JPEG", "PNG")) as picture:
        small = picture.convert("RGB")
        small.thumbnail((THUMB_SIDE, THUMB_SIDE))
        small.save(buffer, kind.upper(), quality=THUMB_QUALITY)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _is_ours(page: Path) -> bool:
    if not page.is_file():
        return False
    with page.open(encoding="utf-8", errors="replace") as file:
        return GENERATOR in file.read(_HEAD)


def _is_our_folder(folder: Path) -> bool:
    if not folder.is_dir() or not _is_ours(folder / INDEX):
        return False
    return all(file.name == INDEX or _SHARD_NAME.fullmatch(file.name) for file in folder.iterdir())


def _foreign(target: Path) -> StoreError:
    return StoreError(
        f"{_short(target)} is there already and was not written by Seewhy, and nothing of yours "
        "is overwritten: name another place"
    )


def _short(path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    return name if len(name) <= 80 else f"…{name[-77:]}"
