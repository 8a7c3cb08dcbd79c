"""``seewhy models``: what can be explained here."""

from __future__ import annotations

from typing import Annotated

import typer

from seewhy.cli.terminal import orderly_exit


def models(
    json_: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the kinds of classifier that --model takes, and what each needs."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from seewhy.models.known import known_models

    with orderly_exit():
        rows = known_models()
        if json_:
            typer.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1))
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        longest = max(len(row.spec) for row in rows)  # a name must stay whole, to be copied
        table.add_column("--model", no_wrap=True, min_width=longest)
        for heading in ("what it is", "needs"):
            table.add_column(heading)
        for row in rows:
            ready = "ready" if row.available else row.needs
            table.add_row(Text(row.spec, style="bold"), Text(row.what), Text(ready))
        Console(highlight=False).print(table)
