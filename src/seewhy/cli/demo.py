"""``seewhy demo``: the product in one minute, with no network and no download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seewhy.cli.terminal import orderly_exit, print_model, print_result, progress_bar

if TYPE_CHECKING:
    from seewhy.models.protocol import Model

MODEL = "builtin:imagenet"


@dataclass(frozen=True)
class DemoPicture:
    """A picture that comes with a dependency, and what is asked of it."""

    name: str
    question: str
    top: int = 3
    true: str | None = None


PICTURES = (
    DemoPicture(
        name="motorcycle",
        question="A motorcycle that the network calls something else: what did it see?",
        top=5,
    ),
    DemoPicture(
        name="grace_hopper",
        question="An admiral in uniform: why does the network say academic gown?",
        true="military uniform",
    ),
)


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("demo"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only where results are.")] = (
        False
    ),
) -> None:
    """Explain two pictures with the embedded ImageNet network; needs no network access."""
    with orderly_exit():
        from seewhy.models.spec import load_model
        from seewhy.run.directory import check_writable

        for picture in PICTURES:
            check_writable(out / picture.name)
        model = load_model(MODEL)
        if not quiet:
            print_model(model)
        for picture in PICTURES:
            _show(picture, model, out / picture.name, quiet=quiet)
        if not quiet:
            typer.echo(
                f"\nLook at {out}/*/report.html; then try:  seewhy explain your-picture.jpg  or  "
                "seewhy compare your-picture.jpg"
            )


def _show(picture: DemoPicture, model: Model, place: Path, *, quiet: bool) -> None:
    from seewhy.image.samples import sample_path
    from seewhy.run.explain import explain

    source = sample_path(picture.name)
    with progress_bar(quiet=quiet) as listen:
        result = explain(
            source, model, top=picture.top, true=picture.true, curves=True, progress=listen
        )
    result.save(place)
    if not quiet:
        typer.echo(f"\n{picture.question}")
        print_result(result, told=1)
    typer.echo(f"→ {place}/report.html, figure.png and explanation.json")
