"""Results as pages to look at: a report in a file, or a viewer in a notebook's output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seewhy.errors import InputError, StoreError
from seewhy.run.comparison import Comparison
from seewhy.run.directory import MANIFEST
from seewhy.run.explained import Explained
from seewhy.run.viewing import Json, side_for, view_document, view_item
from seewhy.show.report import notebook_html, report_html
from seewhy.show.report_files import write_report as write_pages

if TYPE_CHECKING:
    from os import PathLike

REPORT = "report.html"
NOTEBOOK_SIDE = 512
"""The longest side of a picture in a notebook, which keeps every output that it ever had."""

Result = Explained | Comparison


def write_report(
    results: Result | Sequence[Result],
    path: str | PathLike[str],
    *,
    title: str | None = None,
) -> Path:
    """Write results as one page to look at, which needs no server and no network.

    Above 300 pictures, or 10 MB, it is a folder: a page, and beside it what it loads on demand.

    Parameters
    ----------
    results : Explained, Comparison, or sequence of them
        Those of `seewhy.explain` and `seewhy.compare`, or loaded from where they were saved.
    path : path
        A file that ends in ".html", or a folder, into which ``report.html`` goes. What becomes
        a folder of its own has the same name without the ending.
    title : str, optional
        Default: the picture's name, or how many there are.

    Returns
    -------
    Path
        The page to open.

    Raises
    ------
    InputError
        No result, or something else.
    StoreError
        The place holds something that no earlier report left there, belongs to a saved result,
        or cannot be written.
    """
    listed = _listed(results)
    return write_pages(report_place(path), document_of(listed, title=title))


def write_view(items: Sequence[Json], path: str | PathLike[str], *, title: str | None) -> Path:
    """Write items of a view document as a report; see `write_report`."""
    return write_pages(report_place(path), _titled(items, title))


def report_place(path: str | PathLike[str]) -> Path:
    """Return the page that a report goes into.

    Raises
    ------
    InputError
        It is called as a file of another kind would be.
    StoreError
        It would lie among the files of a saved result, which has its own.
    """
    target = Path(path).expanduser()
    html = target.suffix.lower() in (".html", ".htm")
    if target.suffix[1:].isalpha() and not html and not target.is_dir():
        raise InputError(
            f"a report is a page that ends in .html, or a folder for it; got {target.name!r}"
        )
    page = target if html else target / REPORT
    if (page.parent / MANIFEST).exists():
        raise StoreError(
            f"{page.parent} holds a saved result, whose files belong together: name another place "
            "for the report"
        )
    return page


def document_of(
    results: Sequence[Result], *, title: str | None = None, side: int | None = None
) -> Json:
    """Turn results into one view document; the more there are, the smaller their pictures."""
    side = side_for(len(results)) if side is None else side
    return _titled([item_of(result, side=side) for result in results], title)


def item_of(result: Result, *, side: int) -> Json:
    """Turn a result into an item of a view document, a comparison with its scoreboard."""
    if isinstance(result, Comparison):
        return view_item(result.result, side=side, comparison=result)
    return view_item(result, side=side)


def write_page(result: Result, directory: Path) -> None:
    """Write the report of one result among the files of a directory that is being made."""
    page = report_html(document_of([result]))
    (directory / REPORT).write_text(page, encoding="utf-8", newline="\n")


def notebook_of(result: Result) -> str:
    """Return one result as HTML for the output of a notebook's cell."""
    return notebook_html(document_of([result], side=NOTEBOOK_SIDE))


def checked_result(result: object) -> Result:
    """Take what explain or compare returned, and nothing else."""
    if not isinstance(result, Explained | Comparison):
        raise InputError(
            "results must be what explain or compare returned, one or several; got "
            f"{type(result).__name__}: load a saved result with Explained.load(directory)"
        )
    return result


def _titled(items: Sequence[Json], title: str | None) -> Json:
    if title is None:
        title = items[0]["name"] if len(items) == 1 else f"{len(items)} pictures"
    return view_document(items, title=title)


def _listed(results: Result | Sequence[Result]) -> list[Result]:
    listed = [results] if isinstance(results, Explained | Comparison) else list(results)
    for result in listed:
        checked_result(result)
    if not listed:
        raise InputError("results must hold one result at least; got none")
    return listed
