"""What the command line prints, and how it ends."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import typer

from seewhy.errors import SeewhyError
from seewhy.models.origin import origin_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from seewhy.game.driver import Listener, Progress
    from seewhy.models.preprocessing import Preprocessing
    from seewhy.models.protocol import Model
    from seewhy.run.explained import Explained

BAD_INPUT = 2
PARTLY_DONE = 3
INTERRUPTED = 130
NOBODY_READS = 141  # what the shell says of a program that a closed pipe ended


@contextmanager
def orderly_exit() -> Iterator[None]:
    """Turn what Seewhy or the system refuses into one line and exit code 2, Ctrl-C into 130."""
    try:
        yield
    except SeewhyError as refusal:
        complain(refusal)
        raise typer.Exit(BAD_INPUT) from None
    except KeyboardInterrupt:
        typer.echo("Interrupted; nothing is half-written.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except SystemExit as end:
        if not isinstance(end.__context__, BrokenPipeError):  # what Rich makes of a closed pipe
            raise
        raise typer.Exit(NOBODY_READS) from None
    except BrokenPipeError:
        _write_into_nothing()
        raise typer.Exit(NOBODY_READS) from None
    except OSError as error:  # a full disk, say, also behind the standard output
        _write_into_nothing()
        complain(SeewhyError(f"the system refuses: {error}"))
        raise typer.Exit(BAD_INPUT) from None


def _write_into_nothing() -> None:
    """Drop what is still to be written, which would fail once more at the end."""
    with suppress(OSError, ValueError):  # a test's standard output is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(refusal: SeewhyError) -> None:
    """Say on standard error, in one line, what was wrong."""
    typer.echo(f"seewhy: {one_line(str(refusal))}", err=True)


def one_line(text: str) -> str:
    """Make a text safe for a terminal: no line breaks, no control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Listener | None]:
    """Show what is being done on standard error, and wipe it; nothing where no one can see it."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Bar(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def listen(event: Progress) -> None:
            bar.update(task, description=event.stage, completed=event.done, total=event.total)

        yield listen


@contextmanager
def notes_on_stderr(*, quiet: bool) -> Iterator[None]:
    """Print what the library logs (a mended torchvision, say) as notes."""
    logger = logging.getLogger("seewhy")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("note: %(message)s"))
    handler.setLevel(logging.ERROR if quiet else logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def print_model(model: Model) -> None:
    """Say how the model is fed: the commonest thing to get wrong."""
    height, width, channels = model.input_size
    steps = model.preprocessing
    resize = f"stretched to {width}×{height}"
    if steps.shorter_side is not None:
        resize = f"shorter side {steps.shorter_side}, centre {width}×{height}"
    elif steps.stretch is not None:
        resize = f"stretched to {steps.stretch[1]}×{steps.stretch[0]}, centre {width}×{height}"
    scaling = _scaling(steps)
    colours = {1: "grey", 3: steps.channels}.get(channels, f"{channels} channels")
    said = (
        f"{one_line(model.spec)}: {len(model.labels)} classes, {colours}, {resize} "
        f"({steps.interpolation}), {scaling}; outputs {model.output}"
    )
    origin = origin_of(model)
    if origin is not None:
        said += f"\n  ({one_line(str(origin))})"
    typer.echo(said)  # at once: whoever reads one line and leaves must not end the work


def _scaling(steps: Preprocessing) -> str:
    if set(steps.mean) == {0.0} and set(steps.std) == {1.0}:
        return "pixels 0–1"
    if set(steps.mean) == {0.0} and set(steps.std) == {1 / 255}:
        return "pixels 0–255"
    return f"mean {_numbers(steps.mean)}, std {_numbers(steps.std)}"


def _numbers(values: Sequence[float]) -> str:
    shown = [f"{value:.3g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else "/".join(shown)


def print_result(result: Explained, *, told: int | None = None) -> None:
    """Print the top-5 table, explanations in words, and what is not settled.

    The first ``told`` classes are put into words; of several methods, each one's first.
    """
    from rich.console import Console
    from rich.text import Text

    from seewhy.run.cautions import cautions

    console = Console(highlight=False)
    console.print(Text(f"\n{one_line(result.picture.name)}", style="bold"))
    console.print(_predictions_table(result))
    if result.tells_story:
        console.print(Text("\n" + one_line(result.story())))
    else:
        _print_explanations(console, result, told)
    for warning in cautions(result):
        console.print(Text("! " + one_line(warning), style="yellow"))


def _print_explanations(console: Console, result: Explained, told: int | None) -> None:
    from rich.text import Text

    from seewhy.methods.explanation import Attribution

    several = len(result.explanations) > 1
    for explanation in result.explanations:
        if several:
            console.print(Text(explanation.name, style="bold"))
        sentences = result.sentences(explanation.name)
        if isinstance(explanation, Attribution):
            for sentence in sentences[: 1 if several else told]:
                console.print(Text("• " + one_line(sentence)))
        else:
            console.print(Text("• " + one_line(" ".join(sentences))))


def _predictions_table(result: Explained) -> Table:
    """The five likeliest classes, and whatever else was asked about; explained ones in bold."""
    from rich.table import Table
    from rich.text import Text

    shown = list(result.predictions)
    asked = [*result.targets, *([] if result.against is None else [result.against])]
    shown += [p for p in asked if p.index not in {known.index for known in shown}]
    on_odds = result.score != "probability"
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("the model says")
    table.add_column("probability", justify="right")
    table.add_column(result.score if on_odds else "", justify="right")
    explained = {target.index for target in result.targets}
    for prediction in shown:
        style = "bold" if prediction.index in explained else ""
        chance = "" if prediction.probability is None else f"{prediction.probability:.1%}"
        value = f"{prediction.score:.2f}" if on_odds else ""
        table.add_row(Text(one_line(prediction.label)[:60], style=style), chance, value)
    return table
