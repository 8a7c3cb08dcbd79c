"""The front door to judging: several methods on one picture, side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.errors import InputError
from seewhy.game.driver import Listener, Progress
from seewhy.game.scores import Score
from seewhy.image.fill import Fill, MeanFill
from seewhy.image.read import Picture, read_picture
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Segmenter, Slic
from seewhy.metrics.bench import Bench, bench_of
from seewhy.metrics.localisation import Box, inside_shares, object_mask
from seewhy.metrics.objects import read_object
from seewhy.metrics.protocol import Protocol
from seewhy.metrics.references import centre_map, random_map
from seewhy.metrics.scoreboard import Candidate, Scoreboard, Scores, judge
from seewhy.models.protocol import Model
from seewhy.models.spec import load_model
from seewhy.run.answering import answer_all
from seewhy.run.budget_curve import budget_curve as budget_curve_of
from seewhy.run.case import Case, open_case
from seewhy.run.comparison import Comparison, Costs
from seewhy.run.contest import EQUAL_BUDGET, Contest, one_question
from seewhy.run.provenance import stream
from seewhy.run.question import ClassName, Methods
from seewhy.run.repeating import repeat

if TYPE_CHECKING:
    from pathlib import Path

    from seewhy.run.explain import ImageSource

    ObjectSource = str | Path | np.ndarray | Sequence[float] | Sequence[Box]

RANDOM, CENTRE = "random order", "blob in the middle"
"""Reference maps: they know neither the network nor the picture."""


def compare(  # noqa: PLR0913  (the settings of explain, and those of judging)
    image: ImageSource,
    model: Model | str,
    *,
    methods: Methods | None = None,
    target: ClassName | None = None,
    against: ClassName | None = None,
    segments: Segmenter | Segmentation | np.ndarray | str = Slic(60),  # noqa: B008  (frozen)
    fill: Fill | str = MeanFill(),  # noqa: B008  (frozen)
    score: Score = "log-odds",
    budget: int = EQUAL_BUDGET,
    seed: int | None = None,
    repeats: int = 3,
    where: ObjectSource | None = None,
    budget_curve: bool = False,
    protocol: Protocol = Protocol(),  # noqa: B008  (frozen)
    progress: Listener | None = None,
) -> Comparison:
    """Explain one class by several methods, and judge them all by the same measures.

    Parameters
    ----------
    image, model, segments, fill, score, seed, progress
        As for `seewhy.explain`.
    methods : method, list or tuple of methods, or str
        Default: all that the model allows.
    target : class name or index
        The class that is explained; default the likeliest.
    against : class name or index
        Explain why the target rather than this class.
    budget : int
        Masked pictures that every method may spend. LIME, Banzhaf, RISE, KernelSHAP and
        PartitionSHAP share a design that costs one and a half times as much.
    repeats : int
        Runs of every method that has chance in it, from which intervals and stability
        come; also two runs on noisy copies of the picture. 1: neither.
    where : path, (h, w) array, box (x0, y0, x1, y1) or list of boxes, optional
        The object, in the picture's own pixels: a mask whose pixels are not zero on it, or
        boxes around it. With it, localisation is measured.
    budget_curve : bool
        Also measure SRG at budgets from 64 to 1 024, three runs each.
    protocol : Protocol
        How methods are judged.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError, ImageError, SpecError, ModelError, MissingExtraError
        In one sentence that names the argument and the way out.
    """
    question = one_question(
        methods=methods,
        target=target,
        against=against,
        segments=segments,
        fill=fill,
        score=score,
        budget=budget,
        seed=seed,
    )
    contest = Contest(
        question=question, repeats=repeats, budget_curve=budget_curve, protocol=protocol
    )
    picture = read_picture(image)
    return hold(contest, picture, load_model(model), where=where, progress=progress)


def hold(
    contest: Contest,
    picture: Picture,
    model: Model,
    *,
    where: ObjectSource | None = None,
    needs_object: bool = True,
    progress: Listener | None = None,
) -> Comparison:
    """Hold a contest on one picture; see `compare`.

    An object that fills or misses what the model sees is refused, or, where ``needs_object`` is
    not set, left out.
    """
    held = hold_case(
        contest, picture, model, where=where, needs_object=needs_object, progress=progress
    )
    return held[0]


def hold_case(
    contest: Contest,
    picture: Picture,
    model: Model,
    *,
    where: ObjectSource | None = None,
    needs_object: bool = True,
    progress: Listener | None = None,
) -> tuple[Comparison, Case]:
    """Hold a contest, and hand back the case, whose game can be asked further; see `hold`."""
    start = time.perf_counter()
    tell = progress or (lambda event: None)
    contest = contest.for_model(model)
    case = open_case(contest.question, picture, model, tell=tell)
    inside = _inside(case, where, needs_object)
    refused: dict[str, str] = {}
    explanations = answer_all(
        case.question.methods,
        case.subject,
        budget=contest.budget,
        seed=case.seed,
        tell=tell,
        equal=True,
        refused=refused if contest.tolerant else None,
    )
    result = case.explained(explanations, seconds=time.perf_counter() - start)
    repeated = repeat(case, explanations, contest, tell)
    bench = bench_of(
        model,
        case.subject.masked,
        case.subject.game,
        case.subject.asked,
        fill=case.question.fill,
        seed=case.seed,
        protocol=contest.protocol,
    )
    before = bench.evaluations
    scoreboard = _judged(repeated.candidates, bench, _references(case, contest), inside, tell)
    curve = None
    if contest.budget_curve:
        curve = budget_curve_of(case, bench, repeats=contest.repeats, tell=tell)
    comparison = Comparison(
        result=replace(result, record=case.record(explanations)),
        scoreboard=scoreboard,
        protocol=contest.protocol,
        budget=contest.budget,
        repeats=contest.repeats,
        costs=Costs(result.evaluations, repeated.evaluations, bench.evaluations - before),
        seconds=time.perf_counter() - start,
        budget_curve=curve,
        refused=refused,
    )
    return comparison, case


def mask_of(where: ObjectSource, picture: Picture) -> Bool[np.ndarray, "h w"]:
    """Take the object as a mask, from a file or an array, or as a box."""
    shape = (picture.height, picture.width)
    if isinstance(where, str | PathLike):
        return read_object(where)
    given = np.asarray(where)
    if given.shape == (4,):
        return object_mask(shape, [given.tolist()])
    if given.ndim == 2 and given.shape[1] == 4 and given.shape != shape:
        return object_mask(shape, given.tolist())
    return read_object(given)


def _inside(
    case: Case, where: ObjectSource | None, needed: bool
) -> Float64[np.ndarray, " d"] | None:
    if where is None:
        return None
    try:
        return inside_shares(case.segmentation, mask_of(where, case.picture))
    except InputError:
        if needed:
            raise
        return None


def _judged(
    candidates: Sequence[Candidate],
    bench: Bench,
    references: Sequence[Candidate],
    inside: Float64[np.ndarray, " d"] | None,
    tell: Listener,
) -> Scoreboard:
    rules = [each.area for each in candidates if each.proves == "sufficient_area"]
    area = next((area for area in rules if area), None)
    everyone = [*candidates, *references]
    found: list[Scores] = []
    for number, candidate in enumerate(everyone):
        tell(Progress(f"judging {candidate.name}", number, len(everyone)))
        found.append(judge(candidate, bench, inside=inside, rule_area=area))
    tell(Progress("judging", len(everyone), len(everyone)))
    return Scoreboard(tuple(found[: len(candidates)]), tuple(found[len(candidates) :]))


def _references(case: Case, contest: Contest) -> list[Candidate]:
    """Maps that know neither network nor picture: what every method has to beat."""
    d, runs = case.subject.game.n_players, range(contest.repeats)
    draws = [random_map(d, stream(case.seed, f"random map {run}")) for run in runs]
    centre = np.tile(centre_map(case.segmentation), (contest.repeats, 1))
    return [Candidate(name=RANDOM, maps=np.array(draws)), Candidate(name=CENTRE, maps=centre)]
