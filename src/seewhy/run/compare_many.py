"""Compare methods over many pictures: one contest each, and statistics of all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import PurePath
from typing import TYPE_CHECKING

from seewhy.errors import SeewhyError
from seewhy.game.driver import Listener, Progress
from seewhy.game.scores import Score
from seewhy.image.fill import Fill, MeanFill
from seewhy.image.listing import listed_pictures
from seewhy.image.read import Picture, Source, read_picture
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Segmenter, Slic
from seewhy.metrics.objects import Annotation, annotation_of, read_boxes
from seewhy.metrics.protocol import Protocol
from seewhy.models.labels import find_class
from seewhy.models.protocol import Model
from seewhy.models.spec import load_model
from seewhy.run.compare import hold
from seewhy.run.comparison import Comparison
from seewhy.run.contest import EQUAL_BUDGET, Contest, one_question
from seewhy.run.field import Failure, Field, Line
from seewhy.run.question import ClassName, Methods, check

if TYPE_CHECKING:
    from seewhy.run.explain import ImageSource

Boxes = Mapping[str, Annotation]


def compare_many(
    images: ImageSource | Sequence[ImageSource],
    model: Model | str,
    *,
    methods: Methods | None = None,
    target: ClassName | None = None,
    against: ClassName | None = None,
    segments: Segmenter | Segmentation | str = Slic(60),  # noqa: B008  (frozen)
    fill: Fill | str = MeanFill(),  # noqa: B008  (frozen)
    score: Score = "log-odds",
    budget: int = EQUAL_BUDGET,
    repeats: int = 1,
    boxes: str | PathLike[str] | None = None,
    protocol: Protocol = Protocol(),  # noqa: B008  (frozen)
    progress: Listener | None = None,
) -> Field:
    """Explain many pictures by several methods, judge them, and say which method is better.

    Parameters
    ----------
    images : folder, or sequence of pictures
        A folder stands for the pictures in it.
    model, methods, target, against, segments, fill, score, budget, protocol, progress
        As for `seewhy.compare`; every picture has its own seed.
    repeats : int
        Runs of every method on every picture; 2 or more also measure stability.
    boxes : path, optional
        A JSON file that says where the objects are: see `read_boxes`.

    Returns
    -------
    Field
        Pictures that cannot be read or explained are listed with the reason.

    Raises
    ------
    InputError, SpecError, ModelError, MissingExtraError
        What concerns all pictures; or not one of them could be compared.
    """
    start = time.perf_counter()
    question = one_question(
        methods=methods,
        target=target,
        against=against,
        segments=segments,
        fill=fill,
        score=score,
        budget=budget,
        seed=None,
    )
    contest = Contest(question=question, repeats=repeats, shuffled=repeats > 1, protocol=protocol)
    classifier = load_model(model)
    pictures = listed_pictures(images, name="images")
    known = None if boxes is None else read_boxes(boxes)
    found = list(
        hold_each(contest, pictures, classifier, boxes=known, tell=progress or (lambda event: None))
    )
    return field_of(found, contest, classifier, seconds=time.perf_counter() - start)


def hold_each(
    contest: Contest,
    pictures: Sequence[Source],
    model: Model,
    *,
    boxes: Boxes | None = None,
    tell: Listener,
) -> Iterator[Line | Failure]:
    """Hold a contest on one picture after the other; what fails is told, and left behind.

    A picture that has been there before is left out: it would count twice.
    """
    contest = contest.for_model(model)
    _check(contest, model)
    known: dict[str, str] = {}
    for number, (name, source) in enumerate(zip(_names(pictures), pictures, strict=True)):

        def told(event: Progress, number: int = number) -> None:
            tell(Progress(f"picture {number + 1}: {event.stage}", number, len(pictures)))

        try:
            picture = replace(read_picture(source), name=name)
            if picture.sha256 in known:
                yield Failure(name, f"is the same picture as {known[picture.sha256]}")
                continue
            known[picture.sha256] = name
            yield Line.of(_held(contest, picture, model, boxes, told))
        except SeewhyError as refusal:
            yield Failure(name, str(refusal))
    tell(Progress("comparing", len(pictures), len(pictures)))


def _check(contest: Contest, model: Model) -> None:
    """Refuse what concerns all pictures before the first."""
    check(contest.question, model)
    for name in (contest.question.target, contest.question.against):
        if isinstance(name, str | int):
            find_class(name, model.labels, model.aliases)


def field_of(
    found: Sequence[Line | Failure], contest: Contest, model: Model, *, seconds: float
) -> Field:
    """Put what was found on every picture together."""
    contest = contest.for_model(model)
    return Field(
        model=model.spec,
        lines=tuple(each for each in found if isinstance(each, Line)),
        failures=tuple(each for each in found if isinstance(each, Failure)),
        methods=tuple(method.name for method in contest.question.methods),
        protocol=contest.protocol,
        budget=contest.budget,
        repeats=contest.repeats,
        seconds=seconds,
    )


def _held(
    contest: Contest, picture: Picture, model: Model, boxes: Boxes | None, tell: Listener
) -> Comparison:
    annotation = annotation_of(boxes or {}, picture.path or picture.name)
    where = None if annotation is None else annotation.boxes
    return hold(contest, picture, model, where=where, needs_object=False, progress=tell)


def _names(pictures: Sequence[Source]) -> list[str]:
    """Files' names, with as many of their folders as it takes to tell them apart."""
    paths = [_path(source, number) for number, source in enumerate(pictures)]
    names = {path: path.name for path in paths}
    for depth in range(2, max((len(path.parts) for path in paths), default=0) + 1):
        told = list(names.values())
        for path, name in names.items():
            if told.count(name) > 1:
                names[path] = str(PurePath(*path.parts[-depth:]))
    return [names[path] for path in paths]


def _path(source: Source, number: int) -> PurePath:
    if isinstance(source, Picture):
        return PurePath(source.path or source.name)
    if isinstance(source, str | PathLike):
        return PurePath(fspath(source))
    return PurePath(f"picture {number + 1}")
