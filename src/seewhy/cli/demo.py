"""``seewhy demo``: the product in one minute, with no network and no download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seewhy.cli.terminal import orderly_exit, print_model, print_result, progress_bar

if TYPE_CHECKING:
    from seewhy.models.protocol import Model


@dataclass(frozen=True)
class DemoPicture:
    """A picture that comes with a dependency or is drawn, and what is asked of it."""

    name: str
    question: str
    model: str = "builtin:imagenet"
    segments: str = "slic:60"
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
    DemoPicture(
        name="seven",
        question="A seven whose bar breaks off: what makes the network read a one?",
        model="builtin:digits",
        segments="grid:7",
        true="7",
    ),
)


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go.")] = Path("demo"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only where results are.")] = (
        False
    ),
) -> None:
    """Explain three pictures with the embedded networks; needs no network access.

    Two photos by one that knows the thousand classes of ImageNet, and a digit, drawn for it, by one
    that reads handwritten digits.
    """
    with orderly_exit():
        from seewhy.models.spec import load_model
        from seewhy.run.directory import check_writable

        for picture in PICTURES:
            check_writable(out / picture.name)
        models: dict[str, Model] = {}
        for picture in PICTURES:
            if picture.model not in models:
                models[picture.model] = load_model(picture.model)
                if not quiet:
                    print_model(models[picture.model])
            _show(picture, models[picture.model], out / picture.name, quiet=quiet)
        if not quiet:
            typer.echo(
                f"\nLook at {out}/*/report.html; then try:  seewhy explain your-picture.jpg  or  "
                "seewhy compare your-picture.jpg"
            )


def _show(picture: DemoPicture, model: Model, place: Path, *, quiet: bool) -> None:
    from seewhy.run.explain import explain

    source = _source(picture, place.parent)
    with progress_bar(quiet=quiet) as listen:
        result = explain(
            source,
            model,
            top=picture.top,
            true=picture.true,
            segments=picture.segments,
            curves=True,
            progress=listen,
        )
    result.save(place)
    if not quiet:
        typer.echo(f"\n{picture.question}")
        print_result(result, told=1)
    typer.echo(f"→ {place}/report.html, figure.png and explanation.json")


def _source(picture: DemoPicture, folder: Path) -> Path:
    from seewhy.image.samples import SAMPLE_NAMES, sample_path

    if picture.name in SAMPLE_NAMES:
        return sample_path(picture.name)
    from PIL import Image

    from seewhy.image.drawn import SEVEN, drawn

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{picture.name}.png"
    Image.fromarray(drawn(SEVEN)).save(path)
    return path
