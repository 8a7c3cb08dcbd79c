"""``seewhy doctor``: is this model fed rightly, does it behave, and how fast is it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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

    from seewhy.image.read import Picture
    from seewhy.models.protocol import Model
    from seewhy.run.checkup.costs import Cost
    from seewhy.run.checkup.findings import Finding, Verdict
    from seewhy.run.checkup.measuring import Speed
    from seewhy.run.checkup.result import Checkup, Inferred, Seen

FAULT_FOUND = 1
_STYLES = {"ok": "green", "advice": "yellow", "fault": "bold red", "not judged": "dim"}
_WIDTH = 100


def doctor(
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="IMAGE",
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
    its speed by batch size, memory, and how long every method would take.

    ✓ is fine, ! advice, ✗ a fault, which makes explanations wrong, · not judged, for the reason
    given. Exit code 0 without a fault, 1 with one, 2 when model or picture cannot be read.

    \b
    seewhy doctor --model net.onnx
    seewhy doctor bus.jpg --true "school bus" --model torchvision:resnet34
    seewhy doctor --model py:my_package.model:predict --json
    """  # noqa: D301  (the escape keeps the help from joining these lines)
    import json

    from seewhy.errors import InputError

    with orderly_exit(), notes_on_stderr(quiet=json_):
        from seewhy.image.read import read_picture
        from seewhy.run.checkup.result import Checkup
        from seewhy.run.doctor import ready_or_fault

        if true is not None and image is None:
            raise InputError("--true says what IMAGE shows: give the picture as well")
        picture = None if image is None else read_picture(image)
        ready = ready_or_fault(
            lambda: loaded_model(
                model,
                weights=weights,
                labels=labels,
                preprocess=preprocess,
                returns=returns,
                device=device,
                batch=batch,
            )
        )
        checkup = ready if isinstance(ready, Checkup) else _examined(ready, picture, true, json_)
        if json_:
            typer.echo(json.dumps(checkup.to_json(), ensure_ascii=False, indent=1, allow_nan=False))
        else:
            print_checkup(checkup)
    if not checkup.ok:
        raise typer.Exit(FAULT_FOUND)


def _examined(model: Model, picture: Picture | None, true: str | None, quiet: bool) -> Checkup:
    from seewhy.run.doctor import doctor as examine

    if not quiet:
        print_model(model)
    with progress_bar(quiet=quiet) as listen:
        return examine(model, picture, true=true, progress=listen)


def print_checkup(checkup: Checkup) -> None:
    """Print what was found: the model, what it says, the checks, its speed, what methods cost."""
    import json

    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    if checkup.model is not None:
        typer.echo(_described(checkup.model))
    _print_seen(console, checkup.seen)
    console.print()
    console.print(_findings_table(checkup.findings, _marks(console.encoding)))
    if checkup.remedy is not None:
        typer.echo("\nThe remedy, for FILE.json:")
        typer.echo(json.dumps(checkup.remedy))  # unbroken: to be copied
    if checkup.speeds:
        console.print()
        console.print(_speeds_table(checkup.speeds))
    if checkup.costs:
        console.print()
        console.print(_costs_table(checkup.costs))
        console.print(
            Text(
                "Estimates from the speed just measured, for one picture cut into 60 superpixels "
                "and three classes; loading is not counted, of PyTorch for gradients, say. 'At "
                "most': it stops when the answer is settled, usually much earlier. Asked "
                "together, lime, kernel-shap, partition-shap, banzhaf and rise share their "
                "pictures.",
                style="dim",
            )
        )
    console.print()
    console.print(_verdict(checkup), soft_wrap=True)


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
        table.add_column(Text(f"{one_line(seen[0].name)}: the model says"))
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
            table.add_row(Text(one_line(one.name)), Text(said))
    console.print(table)


def _marks(encoding: str) -> Mapping[Verdict, str]:
    """Marks that a terminal's encoding has, or words."""
    from seewhy.run.checkup.findings import MARKS, WORDS

    try:
        "".join(MARKS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return WORDS
    return MARKS


def _findings_table(findings: tuple[Finding, ...], marks: Mapping[Verdict, str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for each in findings:
        style = _STYLES[each.verdict]
        table.add_row(
            Text(marks[each.verdict], style=style), Text(each.check), Text(one_line(each.says))
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
    """Write a rough time: ``"< 1 s"``, ``"about 12 s"``, ``"about 3 min"``."""
    if seconds < 1:
        return "< 1 s"
    if seconds < 90:
        return f"about {seconds:.0f} s"
    minutes = seconds / 60
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"


def _verdict(checkup: Checkup) -> Text:
    from rich.text import Text

    count = Counter(each.verdict for each in checkup.findings)
    if checkup.ok:
        said, style = "No fault found", "bold green"
    else:
        names = ", ".join(each.check for each in checkup.faults)
        plural = "s" * (count["fault"] > 1)
        said, style = f"{count['fault']} fault{plural} found: {names}", "bold red"
    if count["advice"]:
        said += "; advice on " + ", ".join(
            each.check for each in checkup.findings if each.verdict == "advice"
        )
    if count["not judged"]:
        said += f"; {count['not judged']} check{'s' * (count['not judged'] > 1)} not judged"
    if checkup.asked:
        said += f" ({checkup.asked} pictures asked in {checkup.seconds:.0f} s)"
    return Text(said + ".", style=style)
