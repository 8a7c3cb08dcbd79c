"""``seewhy explain``: one picture or several, one model."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seewhy.cli.options import (
    Against,
    Batch,
    Device,
    FillSpec,
    Labels,
    ModelSpec,
    Preprocess,
    Quiet,
    Returns,
    ScoreName,
    Seed,
    Segments,
    Weights,
    loaded_model,
    whole_number,
)
from seewhy.cli.terminal import (
    BAD_INPUT,
    PARTLY_DONE,
    complain,
    notes_on_stderr,
    orderly_exit,
    print_model,
    print_result,
    progress_bar,
)
from seewhy.errors import SeewhyError, StoreError

if TYPE_CHECKING:
    from typing import Literal

    from seewhy.models.protocol import Model
    from seewhy.run.question import ClassName, Question

RESULTS = Path("explained")


def explain(  # noqa: PLR0913  (one parameter per option)
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Pictures to explain.")],
    model: ModelSpec = "builtin:imagenet",
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="How to explain, comma-separated: lime, kernel-shap, partition-shap, "
            "permutation-shap, banzhaf, rise, occlusion, anchors, counterfactual; with torch also "
            "gradient-shap, deep-shap, integrated-gradients, grad-cam. Settings follow colons: "
            "anchors:precision=0.99:count=3. Default lime; with --true also anchors and "
            "counterfactual.",
        ),
    ] = None,
    top: Annotated[int, typer.Option(help="Explain this many of the likeliest classes.")] = 3,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|INDEX", help="Explain this class instead; may be repeated."),
    ] = None,
    against: Against = None,
    true: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|INDEX",
            help="What the picture shows: tells why the model said otherwise, which regions are "
            "enough for that, and the smallest change found to the truth.",
        ),
    ] = None,
    segments: Segments = "slic:60",
    fill: FillSpec = "mean",
    score: ScoreName = "log-odds",
    budget: Annotated[
        str,
        typer.Option(
            metavar="auto|N",
            help="Masked pictures to ask the model about, shared by the methods that can; auto "
            "stops when the answer is settled. Anchors and counterfactual have their own: "
            "anchors:budget=8000.",
        ),
    ] = "auto",
    seed: Seed = None,
    backgrounds: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR|FILE",
            help="Other pictures onto which anchors are transplanted, 200 at most; may be "
            "repeated. Default: photos that come with scikit-image and matplotlib.",
        ),
    ] = None,
    curves: Annotated[
        bool,
        typer.Option(
            "--curves/--no-curves",
            help="Also ask what becomes of the picture as the strongest regions are hidden, or "
            "alone shown: up to 30 more pictures per class and method, which the report draws.",
        ),
    ] = True,
    batch: Batch = "auto",
    device: Device = "auto",
    weights: Weights = None,
    labels: Labels = None,
    preprocess: Preprocess = "auto",
    returns: Returns = "auto",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results go; default explained/<picture>/."),
    ] = None,
    json_: Annotated[
        bool,
        typer.Option(
            "--json", help="Print the result as JSON (one line each for several pictures)."
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Show which regions of a picture spoke for each class, and which against it.

    For every picture: the top-5 predictions, a page to look at and ask (report.html), a figure
    (picture, overlay, heat map and bars with 95 % intervals for each class), and every number in
    explanation.json.

    \b
    seewhy explain bus.jpg
    seewhy explain bus.jpg --model torchvision:resnet34 --top 5 --out bus/
    seewhy explain bus.jpg --model net.onnx --target "passenger car" --against minibus
    seewhy explain bus.jpg --method lime,kernel-shap,deep-shap
    seewhy explain bus.jpg --method anchors,counterfactual
    seewhy explain bus.jpg --true minibus
    """  # noqa: D301  (the escape keeps the help from joining these lines)
    with orderly_exit(), notes_on_stderr(quiet=quiet or json_):
        from seewhy.run.directory import MANIFEST, check_writable

        places = _places(images, out, json_only=json_ and out is None)
        if out is not None and len(images) > 1 and (out / MANIFEST).exists():
            raise StoreError(f"--out {out} holds one result; name another for several pictures")
        for place in places:
            if place is not None:
                check_writable(place)
        question = _question(
            method=method,
            top=top,
            target=target,
            against=against,
            true=true,
            segments=segments,
            fill=fill,
            score=score,
            budget=budget,
            seed=seed,
            backgrounds=backgrounds,
            curves=curves,
        )
        classifier = loaded_model(
            model,
            weights=weights,
            labels=labels,
            preprocess=preprocess,
            returns=returns,
            device=device,
            batch=batch,
        )
        if not (quiet or json_):
            print_model(classifier)
        _explain_all(images, places, question, classifier, as_json=json_, quiet=quiet)


def _explain_all(
    images: list[str],
    places: list[Path | None],
    question: Question,
    model: Model,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Go on past pictures that fail; exit 2 when all did, 3 when some did."""
    failed = 0
    for image, place in zip(images, places, strict=True):
        try:
            _explain_one(
                image, place, question, model, json_mode=_json_mode(as_json, images), quiet=quiet
            )
        except SeewhyError as refusal:
            failed += 1
            complain(refusal)
    if failed:
        raise typer.Exit(BAD_INPUT if failed == len(images) else PARTLY_DONE)


def _json_mode(as_json: bool, images: list[str]) -> Literal["none", "document", "line"]:
    if not as_json:
        return "none"
    return "document" if len(images) == 1 else "line"


def _explain_one(
    image: str,
    place: Path | None,
    question: Question,
    model: Model,
    *,
    json_mode: Literal["none", "document", "line"],
    quiet: bool,
) -> None:
    import json

    from seewhy.image.read import read_picture
    from seewhy.run.directory import to_json
    from seewhy.run.document import to_document
    from seewhy.run.explain import answer

    with progress_bar(quiet=quiet or json_mode != "none") as listen:
        result = answer(question, read_picture(image), model, progress=listen)
    # before anything is printed: a closed pipe must not cost a finished result
    if place is not None:
        result.save(place)
    if json_mode == "document":
        typer.echo(to_json(to_document(result)), nl=False)
    elif json_mode == "line":
        typer.echo(json.dumps(to_document(result), ensure_ascii=False, allow_nan=False))
    elif not quiet:
        print_result(result)
    if place is not None and json_mode == "none":
        typer.echo(f"→ {place}/report.html, figure.png and explanation.json")


def _places(images: list[str], out: Path | None, *, json_only: bool) -> list[Path | None]:
    """One directory per picture; pictures of one name in different folders get numbers."""
    if json_only:
        return [None] * len(images)
    if out is not None and len(images) == 1:
        return [out]
    root = RESULTS if out is None else out
    taken: set[str] = set()
    places: list[Path | None] = []
    for image in images:
        stem = Path(image).stem or "picture"
        names = chain([stem], (f"{stem}-{number}" for number in count(2)))
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        places.append(root / name)
    return places


def _question(
    *,
    method: str | None,
    top: int,
    target: list[str] | None,
    against: str | None,
    true: str | None,
    segments: str,
    fill: str,
    score: str,
    budget: str,
    seed: int | None,
    backgrounds: list[Path] | None,
    curves: bool,
) -> Question:
    from typing import cast

    from seewhy.game.scores import Score
    from seewhy.image.fill import parse_fill
    from seewhy.image.segmenters import parse_segmenter
    from seewhy.run.question import Question, checked_backgrounds, checked_methods

    names: list[ClassName] | None = list(target) if target else None
    return Question(
        methods=checked_methods(method, misclassified=true is not None),
        top=top,
        target=names,
        against=against,
        true=true,
        segments=parse_segmenter(segments),
        fill=parse_fill(fill),
        score=cast(Score, score),
        budget="auto" if budget == "auto" else whole_number("--budget", budget),
        seed=seed,
        backgrounds=checked_backgrounds(backgrounds or None),
        curves=curves,
    )
