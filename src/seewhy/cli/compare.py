"""``seewhy compare``: several methods, one class, judged by the same measures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seewhy.cli.comparison_print import print_comparison, print_field
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
)
from seewhy.cli.terminal import (
    INTERRUPTED,
    PARTLY_DONE,
    notes_on_stderr,
    one_line,
    orderly_exit,
    print_model,
    progress_bar,
)
from seewhy.errors import InputError

if TYPE_CHECKING:
    from seewhy.models.protocol import Model
    from seewhy.run.compare import ObjectSource
    from seewhy.run.contest import Contest

RESULTS = Path("compared")
ONE, MANY = 3, 1
"""Runs of every method, on one picture and on each of many."""


def compare(  # noqa: PLR0913  (one parameter per option)
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE|DIR...", help="A picture; or several, or a folder, for statistics."
        ),
    ],
    model: ModelSpec = "builtin:imagenet",
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="What to compare, comma-separated. Default: all that the model allows, that is "
            "lime, kernel-shap, partition-shap, banzhaf, rise, occlusion, with torch also "
            "gradient-shap, integrated-gradients, deep-shap, grad-cam; and anchors and "
            "counterfactual.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="NAME|INDEX", help="The class to explain; default the likeliest."),
    ] = None,
    against: Against = None,
    segments: Segments = "slic:60",
    fill: FillSpec = "mean",
    score: ScoreName = "log-odds",
    budget: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Masked pictures that every method may ask about; LIME, SHAP and the others share "
            "one and a half times as many. Anchors and counterfactual have their own.",
        ),
    ] = 384,
    budget_curve: Annotated[
        bool,
        typer.Option(
            "--budget-curve", help="Also draw quality against pictures asked, from 64 on."
        ),
    ] = False,
    repeats: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Runs of every method: intervals and stability come from them. Default 3 for one "
            "picture (with two noisy copies and a shuffled network), 1 for each of many.",
        ),
    ] = None,
    object_: Annotated[
        Path | None,
        typer.Option(
            "--object",
            metavar="FILE",
            help="Where the object is, for localisation: a mask, not zero on it.",
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.json",
            help="Where objects are, by picture: boxes [x0, y0, x1, y1] in pixels, or COCO.",
        ),
    ] = None,
    seed: Seed = None,
    batch: Batch = "auto",
    device: Device = "auto",
    weights: Weights = None,
    labels: Labels = None,
    preprocess: Preprocess = "auto",
    returns: Returns = "auto",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results go; default compared/<picture>/."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Explain a class by several methods, and judge them all alike.

    Of one picture: a row per method with overlay, curves and numbers, what cannot be told apart,
    where methods agree, and which one to take. Of several: means with intervals, paired tests,
    and how many pictures it takes to tell.

    \b
    seewhy compare bus.jpg
    seewhy compare bus.jpg --method lime,kernel-shap,anchors --budget-curve
    seewhy compare bird.jpg --object bird-mask.png
    seewhy compare photos/ --method lime,kernel-shap,occlusion --boxes boxes.json
    """  # noqa: D301  (the escape keeps the help from joining these lines)
    with orderly_exit(), notes_on_stderr(quiet=quiet or json_):
        several = len(images) > 1 or Path(images[0]).is_dir()
        _check(several=several, seed=seed, curve=budget_curve, object_=object_)
        place = _place(images, out, json_only=json_ and out is None)
        contest = _contest(
            method=method,
            target=target,
            against=against,
            segments=segments,
            fill=fill,
            score=score,
            budget=budget,
            seed=seed,
            repeats=repeats if repeats is not None else (MANY if several else ONE),
            several=several,
            budget_curve=budget_curve,
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
        said = _Said(place, as_json=json_, quiet=quiet)
        if several:
            _compare_many(images, boxes, contest, classifier, said)
        else:
            _compare_one(images[0], object_, boxes, contest, classifier, said)


class _Said:
    """Where results go, and how much is printed."""

    def __init__(self, place: Path | None, *, as_json: bool, quiet: bool) -> None:
        self.place, self.as_json, self.silent = place, as_json, quiet or as_json

    def done(self, files: str) -> None:
        if self.place is not None and not self.as_json:
            typer.echo(f"→ {self.place}/{files}")


def _compare_one(
    image: str,
    object_: Path | None,
    boxes: Path | None,
    contest: Contest,
    model: Model,
    said: _Said,
) -> None:
    from seewhy.image.read import read_picture
    from seewhy.run.compare import hold
    from seewhy.run.comparison_store import to_document
    from seewhy.run.directory import to_json

    picture = read_picture(image)
    where = _where(image, object_, boxes)
    with progress_bar(quiet=said.silent) as listen:
        comparison = hold(contest, picture, model, where=where, progress=listen)
    if said.place is not None:
        comparison.save(said.place)
    if said.as_json:
        typer.echo(to_json(to_document(comparison)), nl=False)
    elif not said.silent:
        print_comparison(comparison)
    consensus = ["consensus.png"] if comparison.consensus is not None else []
    curve = ["budget.png"] if comparison.budget_curve is not None else []
    drawn = ", ".join(["report.html", "comparison.png", *consensus, *curve])
    said.done(f"{drawn} and comparison.json")


def _compare_many(
    images: list[str], boxes: Path | None, contest: Contest, model: Model, said: _Said
) -> None:
    from seewhy.image.listing import listed_pictures
    from seewhy.metrics.objects import read_boxes
    from seewhy.run.compare_many import field_of, hold_each
    from seewhy.run.directory import to_json
    from seewhy.run.field import Failure, Line
    from seewhy.run.field_store import to_document

    start = time.perf_counter()
    pictures = listed_pictures(images, name="IMAGE")
    known = None if boxes is None else read_boxes(boxes)
    found: list[Line | Failure] = []
    interrupted = False
    with progress_bar(quiet=said.silent) as listen:
        tell = listen or (lambda event: None)
        try:
            found.extend(hold_each(contest, pictures, model, boxes=known, tell=tell))
        except KeyboardInterrupt:
            interrupted = True  # what is done is worth its statistics
    if interrupted and not any(isinstance(each, Line) for each in found):
        raise KeyboardInterrupt
    field = field_of(found, contest, model, seconds=time.perf_counter() - start)
    if said.place is not None:
        field.save(said.place)
    if said.as_json:
        typer.echo(to_json(to_document(field)), nl=False)
    elif not said.silent:
        print_field(field)
    said.done("figure.png, scores.csv and field.json")
    for failure in field.failures:
        typer.echo(f"seewhy: {failure.picture}: {one_line(failure.reason)}", err=True)
    if interrupted:
        typer.echo(
            f"Interrupted after {len(found)} of {len(pictures)} pictures; these are written.",
            err=True,
        )
        raise typer.Exit(INTERRUPTED)
    if field.failures:
        raise typer.Exit(PARTLY_DONE)


def _where(image: str, object_: Path | None, boxes: Path | None) -> ObjectSource | None:
    if object_ is not None or boxes is None:
        return object_
    from seewhy.metrics.objects import annotation_of, read_boxes

    annotation = annotation_of(read_boxes(boxes), image)
    if annotation is None:
        raise InputError(f"--boxes {boxes} names no box for {image}")
    return annotation.boxes


def _check(*, several: bool, seed: int | None, curve: bool, object_: Path | None) -> None:
    """Refuse what is about one picture where several are given."""
    given = {"--seed": seed is not None, "--budget-curve": curve, "--object": object_ is not None}
    for option, present in given.items():
        if several and present:
            raise InputError(f"{option} is about one picture; several were given: leave it out")


def _place(images: list[str], out: Path | None, *, json_only: bool) -> Path | None:
    from seewhy.run.directory import check_writable

    if json_only:
        return None
    name = Path(images[0]).resolve().stem if len(images) == 1 else ""
    place = out or RESULTS / (name or "pictures")
    check_writable(place)
    return place


def _contest(
    *,
    method: str | None,
    target: str | None,
    against: str | None,
    segments: str,
    fill: str,
    score: str,
    budget: int,
    seed: int | None,
    repeats: int,
    several: bool,
    budget_curve: bool,
) -> Contest:
    from typing import cast

    from seewhy.game.scores import Score
    from seewhy.run.contest import Contest, one_question

    question = one_question(
        methods=method,
        target=target,
        against=against,
        segments=segments,
        fill=fill,
        score=cast(Score, score),
        budget=budget,
        seed=seed,
    )
    return Contest(
        question=question,
        repeats=repeats,
        shuffled=not several or repeats > 1,
        budget_curve=budget_curve,
    )
