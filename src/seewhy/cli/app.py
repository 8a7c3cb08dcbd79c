"""The ``seewhy`` command and its verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from seewhy import __version__
from seewhy.cli.compare import compare
from seewhy.cli.demo import demo
from seewhy.cli.doctor import doctor
from seewhy.cli.explain import explain
from seewhy.cli.models import models
from seewhy.cli.report import report
from seewhy.cli.serve import serve

EPILOG = (
    "Start with:  seewhy demo  ·  then:  seewhy explain bus.jpg --model builtin:imagenet  ·  "
    "exit codes: 0 ok, 1 doctor found a fault, 2 bad input, 3 partly done, 130 interrupted"
)

app = typer.Typer(
    name="seewhy",
    help="Why did the classifier say that? Which regions of a picture spoke for a class, which "
    "against it, and how sure that is.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(explain)
app.command()(compare)
app.command()(report)
app.command()(serve)
app.command()(demo)
app.command()(models)
app.command()(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"seewhy {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Hold the options of the bare command."""
