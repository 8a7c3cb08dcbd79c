"""``seewhy report``: saved results as one page to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seewhy.cli.options import Quiet
from seewhy.cli.terminal import BAD_INPUT, PARTLY_DONE, complain, orderly_exit, progress_bar
from seewhy.errors import SeewhyError

if TYPE_CHECKING:
    from seewhy.game.driver import Listener


def report(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...", help="Saved results, or folders of them, such as explained/."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="The page, or the folder for report.html; default the folder of results given, "
            "or here.",
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(help="Default: the picture's name, or how many there are.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Put saved results on one page to look at: hover, click, compare, search.

    Every result has its own report.html already; this gathers many. Above 300 pictures, or 10 MB,
    the page loads pictures on demand from files beside it.

    \b
    seewhy report explained/
    seewhy report explained/bus compared/bus --out two.html
    """  # noqa: D301  (the escape keeps the help from joining these lines)
    with orderly_exit():
        from seewhy.run.gathering import saved_results
        from seewhy.run.reporting import report_place, write_view

        page = report_place(out if out is not None else _default(directories))
        found = saved_results(directories)
        with progress_bar(quiet=quiet) as listen:
            items, refusals = _items(found, listen)
            if items:
                page = write_view(items, page, title=title)
        for refusal in refusals:
            complain(refusal)
        if not items:
            raise typer.Exit(BAD_INPUT)
        typer.echo(f"→ {page}")
        if refusals:
            raise typer.Exit(PARTLY_DONE)


def _items(
    found: Sequence[Path], listen: Listener | None
) -> tuple[list[dict[str, object]], list[SeewhyError]]:
    """What can be shown of every result, and what is wrong with the others."""
    from seewhy.game.driver import Progress
    from seewhy.run.gathering import load_result
    from seewhy.run.reporting import item_of
    from seewhy.run.viewing import side_for

    tell = listen or (lambda event: None)
    items, refusals = [], []
    for done, directory in enumerate(found):
        tell(Progress("reading results", done, len(found)))
        try:
            items.append(item_of(load_result(directory), side=side_for(len(found))))
        except SeewhyError as refusal:
            refusals.append(refusal)
    return items, refusals


def _default(directories: Sequence[Path]) -> Path:
    """Beside the results of one folder; here, where results themselves were named."""
    from seewhy.run.gathering import is_result

    only = directories[0]
    return only if len(directories) == 1 and only.is_dir() and not is_result(only) else Path()
