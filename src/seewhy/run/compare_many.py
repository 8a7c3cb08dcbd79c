"""Compare methods over many pictures: one contest each, and statistics of all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
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
from seewhy.models.protocol import Model
from seewhy.models.spec import load_model
from seewhy.run.compare import hold
from seewhy.run.comparison import Comparison
from seewhy.run.contest import EQUAL_BUDGET, Contest, one_question
from seewhy.run.field import Failure, Field, Line
from seewhy.run.question import ClassName, Methods

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
    """Hold a contest on one picture after the other; what fails is told, and left behind."""
    contest = contest.for_model(model)
    for number, source in enumerate(pictures):

        def told(event: Progress, number: int = number) -> None:
            tell(Progress(f"picture {number + 1}: {event.stage}", number, len(pictures)))

        name = _name(source, number)
        try:
            yield Line.of(_held(contest, source, model, boxes, told))
        except SeewhyError as refusal:
            yield Failure(name, str(refusal))
    tell(Progress("comparing", len(pictures), len(pictures)))


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
    contest: Contest, source: Source, model: Model, boxes: Boxes | None, tell: Listener
) -> Comparison:
    picture = read_picture(source)
    annotation = annotation_of(boxes or {}, picture.path or picture.name)
    where = None if annotation is None else annotation.boxes
    return hold(contest, picture, model, where=where, needs_object=False, progress=tell)


def _name(source: Source, number: int) -> str:
    if isinstance(source, Picture):
        return source.name
    if isinstance(source, str | PathLike):
        return Path(fspath(source)).name
    return f"picture {number + 1}"
