"""What the command line prints of comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seewhy.cli.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console
    from rich.table import Table

    from seewhy.metrics.measures import Measure, Number
    from seewhy.run.comparison import Comparison
    from seewhy.run.field import Field

MOST_COLUMNS = 8
MOST_LETTERS = 60
WIDE = 100
"""Columns of characters from which on every number has its interval; below, only the first."""
UNBOUNDED = 120
"""Columns of characters where the output is no terminal."""


def print_comparison(comparison: Comparison) -> None:
    """Print what was explained, the scoreboard, and what to make of it."""
    from rich.text import Text

    from seewhy.run.comparison_drawing import columns_of

    console = _console()
    target, against = comparison.target, comparison.result.against
    asked = _short(target.label) + (f" rather than {_short(against.label)}" if against else "")
    chance = "" if target.probability is None else f" ({target.probability:.1%})"
    name = _short(comparison.result.picture.name)
    console.print(Text(f"\n{name}: {asked}{chance}", style="bold"))
    board = comparison.scoreboard
    named = [(each.name, each.numbers) for each in board.scores]
    known = [(each.name, each.numbers) for each in board.references]
    console.print(_table(columns_of(comparison), named, known, comparison.best, console.width))
    _print_sentences(console, comparison.recommendation())
    for method, reason in comparison.refused.items():
        console.print(Text(f"! {method} was left out: {one_line(reason)}", style="yellow"))
    costs = comparison.costs
    console.print(
        Text(
            f"{costs.total} pictures asked: {costs.explaining} to explain, {costs.repeating} to "
            f"repeat, {costs.judging} to judge; {comparison.seconds:.0f} s; protocol "
            f"{comparison.protocol.hash}. Bold: best, or not separable from it.",
            style="dim",
        )
    )


def print_field(field: Field) -> None:
    """Print the means over pictures, and what can be told from them."""
    from rich.text import Text

    from seewhy.metrics.measures import BY_KEY
    from seewhy.run.field_drawing import shown_of

    console = _console()
    count = len(field.lines)
    console.print(Text(f"\n{count} picture{'s' * (count != 1)}: means", style="bold"))
    shown = [BY_KEY[key] for key in shown_of(field)][:MOST_COLUMNS]
    best = {key: field.best(key) for key in field.ranking}
    named = [(name, field.means[name]) for name in field.methods]
    known = [(name, field.means[name]) for name in field.references]
    console.print(_table(shown, named, known, best, console.width))
    _print_sentences(console, field.sentences())
    console.print(
        Text(
            f"{field.costs} pictures asked in {field.seconds:.0f} s; protocol "
            f"{field.protocol.hash}. Bold: best, or not separable from it.",
            style="dim",
        )
    )


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= MOST_LETTERS else f"{line[: MOST_LETTERS - 1]}…"


def _console() -> Console:
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=UNBOUNDED)


def _print_sentences(console: Console, sentences: Sequence[str]) -> None:
    from rich.text import Text

    for sentence in sentences:
        console.print(Text("• " + one_line(sentence)))


def _table(
    columns: Sequence[Measure],
    methods: Sequence[tuple[str, Mapping[str, Number]]],
    references: Sequence[tuple[str, Mapping[str, Number]]],
    best: Mapping[str, frozenset[str]],
    width: int,
) -> Table:
    """A row per method, a column per measure: the value, and its interval below."""
    from rich.table import Table
    from rich.text import Text

    from seewhy.show.comparison_words import head, interval, written

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for measure in columns:
        table.add_column(head(measure), justify="right")
    for name, numbers in [*methods, *references]:
        dim = "dim" if (name, numbers) in references else ""
        cells = [Text(one_line(name), style=dim)]
        for measure in columns:
            number = numbers.get(measure.key)
            leads = name in best.get(measure.key, ())
            cell = Text(written(number, measure), style="bold" if leads else dim)
            between = interval(number, measure)
            if between and (width >= WIDE or measure is columns[0]):
                cell.append(f"\n{between}", style="dim not bold")
            cells.append(cell)
        table.add_row(*cells)
    return table
