"""``seewhy doctor``: is this model fed rightly, does it behave, and how fast is it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from seewhy.cli.options import (
    Batch,
    Device,
    Labels,
    ModelSpec,
    Preprocess,
    Returns,
    Weights,
    loaded_model,
)
from seewhy.cli.terminal import (
    notes_on_stderr,
    one_line,
    orderly_exit,
    print_model,
    progress_bar,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from seewhy.run.checkup.costs import Cost
    from seewhy.run.checkup.findings import Finding
    from seewhy.run.checkup.measuring import Speed
    from seewhy.run.checkup.result import Checkup, Inferred, Seen

FAULT_FOUND = 1
_MARKS = {"ok": "✓", "advice": "!", "fault": "✗", "not judged": "·"}
_STYLES = {"ok": "green", "advice": "yellow", "fault": "bold red", "not judged": "dim"}
_WIDTH = 100


def doctor(
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="[IMAGE]",
            help="A picture of the kind that the model is for.",
            show_default=False,
        ),
    ] = None,
    model: ModelSpec = "builtin:imagenet",
    true: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|INDEX",
            help="What IMAGE shows; makes the checks of feeding and class names much sharper.",
        ),
    ] = None,
    weights: Weights = None,
    labels: Labels = None,
    preprocess: Preprocess = "auto",
    returns: Returns = "auto",
    device: Device = "auto",
    batch: Batch = "auto",
    json_: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Find what is wrong with how a model is fed, named and run.

    Tries the model on photos that come with Seewhy, and on IMAGE: range, normalisation, order of
    colours, layout, logits or probabilities, class names, dropout, batch statistics, NaN; then
    its speed by batch size, memory, and how long every method would take. Exit code 1 when there
    is a fault.

    \b
    seewhy doctor --model net.onnx
    seewhy doctor bus.jpg --true "school bus" --model torchvision:resnet34
    seewhy doctor --model py:my_package.model:predict --json
    """  # noqa: D301  (the escape keeps the help from joining these lines)
    import json

    from seewhy.errors import InputError, ModelError

    with orderly_exit(), notes_on_stderr(quiet=json_):
        from seewhy.image.read import read_picture
        from seewhy.run.doctor import doctor as examine
        from seewhy.run.doctor import not_loaded

        if true is not None and image is None:
            raise InputError("--true says what IMAGE shows: give the picture as well")
        picture = None if image is None else read_picture(image)
        try:
            classifier = loaded_model(
                model,
                weights=weights,
                labels=labels,
                preprocess=preprocess,
                returns=returns,
                device=device,
                batch=batch,
            )
        except ModelError as error:
            checkup = not_loaded(error)
        else:
            if not json_:
                print_model(classifier)
            with progress_bar(quiet=json_) as listen:
                checkup = examine(classifier, picture, true=true, progress=listen)
        if json_:
            typer.echo(json.dumps(checkup.to_json(), ensure_ascii=False, indent=1, allow_nan=False))
        else:
            print_checkup(checkup)
    if not checkup.ok:
        raise typer.Exit(FAULT_FOUND)


def print_checkup(checkup: Checkup) -> None:
    """Print what was found: the model, what it says, the checks, its speed, what methods cost."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    if checkup.model is not None:
        typer.echo(_described(checkup.model))
    _print_seen(console, checkup.seen)
    console.print()
    console.print(_findings_table(checkup.findings))
    if checkup.speeds:
        console.print()
        console.print(_speeds_table(checkup.speeds))
    if checkup.costs:
        console.print()
        console.print(_costs_table(checkup.costs))
        console.print(
            Text(
                "Estimates from the speed just measured, for one picture cut into 60 superpixels "
                "and three classes. 'At most': it stops when the answer is settled, usually much "
                "earlier. Asked together, lime, kernel-shap, partition-shap, banzhaf and rise "
                "share their pictures.",
                style="dim",
            )
        )
    console.print()
    console.print(_verdict(checkup))


def _described(model: Inferred) -> str:
    weights = "weights within reach" if model.weights else "weights out of reach"
    return "  " + one_line(
        f"(run by {model.framework}, {model.batch} pictures at a time; gradients: "
        f"{model.gradients}; {weights}; fingerprint {model.fingerprint})"
    )


def _print_seen(console: Console, seen: tuple[Seen, ...]) -> None:
    """Five classes of the picture that was given, or three of every sample photo."""
    from rich.table import Table
    from rich.text import Text

    if not seen:
        return
    console.print()
    table = Table(box=None, pad_edge=False, header_style="dim")
    if len(seen) == 1:
        table.add_column(f"{one_line(seen[0].name)}: the model says")
        table.add_column("", justify="right")
        for each in seen[0].predictions:
            shown = f"{each.score:.3g}" if each.probability is None else f"{each.probability:.1%}"
            table.add_row(Text(one_line(each.label)[:60]), shown)
    else:
        table.add_column("sample photo", no_wrap=True)
        table.add_column("the model says")
        for one in seen:
            said = ", ".join(
                f"{one_line(p.label)[:30]} "
                + (f"{p.score:.3g}" if p.probability is None else f"{p.probability:.0%}")
                for p in one.predictions[:3]
            )
            table.add_row(one.name, Text(said))
    console.print(table)


def _findings_table(findings: tuple[Finding, ...]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for each in findings:
        style = _STYLES[each.verdict]
        table.add_row(
            Text(_MARKS[each.verdict], style=style), each.check, Text(one_line(each.says))
        )
    return table


def _speeds_table(speeds: tuple[Speed, ...]) -> Table:
    from rich.table import Table

    from seewhy.run.checkup.measuring import rate

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("pictures at a time", "pictures a second", "further memory"):
        table.add_column(heading, justify="right")
    for each in speeds:
        memory = "unknown" if each.memory is None else f"{each.memory / 2**20:.0f} MB"
        table.add_row(str(each.batch), rate(each.per_second), memory)
    return table


def _costs_table(costs: tuple[Cost, ...]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("method")
    table.add_column("asks for", justify="right")
    table.add_column("and takes", justify="right")
    for each in costs:
        most = "at most " if each.at_most else ""
        asks = f"{most}{each.evaluations} {each.unit}"
        table.add_row(each.method, asks, most + _duration(each.seconds))
    return table


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _verdict(checkup: Checkup) -> Text:
    from rich.text import Text

    asked = f" ({checkup.asked} pictures asked in {checkup.seconds:.0f} s)" if checkup.asked else ""
    if checkup.ok:
        return Text(f"No fault found{asked}.", style="bold green")
    names = ", ".join(each.check for each in checkup.faults)
    count = len(checkup.faults)
    return Text(f"{count} fault{'s' * (count > 1)} found: {names}{asked}.", style="bold red")
