"""Answering, and what is asked of an answer afterwards: view, what if, report, files."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.errors import InputError
from seewhy.game.driver import Listener, Progress
from seewhy.game.scores import score_columns
from seewhy.image.read import Picture
from seewhy.models.protocol import Model
from seewhy.run.case import Case
from seewhy.run.compare import hold_case
from seewhy.run.comparison import Comparison
from seewhy.run.contest import Contest
from seewhy.run.explain import answer_case
from seewhy.run.explained import Explained
from seewhy.run.provenance import TOP_PREDICTIONS
from seewhy.run.question import Question

SIDE = 720
Json = dict[str, Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Answer:
    """A finished job.

    Attributes
    ----------
    case : Case
        With the game that the methods asked, which can be asked further.
    result : Explained
    comparison : Comparison or None
    document : dict
        The view document.
    """

    case: Case = field(repr=False)
    result: Explained
    comparison: Comparison | None
    document: Json = field(repr=False)

    @property
    def bytes_held(self) -> int:
        """Memory of the largest arrays."""
        return self.case.picture.pixels.nbytes + self.case.segmentation.labels.nbytes


def answer_job(
    question: Question | Contest, picture: Picture, model: Model, *, tell: Listener
) -> Answer:
    """Explain a picture, or hold a contest on it."""
    comparison: Comparison | None = None
    if isinstance(question, Contest):
        comparison, case = hold_case(question, picture, model, progress=tell)
        result = comparison.result
    else:
        result, case = answer_case(question, picture, model, progress=tell)
    tell(Progress("drawing", 0, 1))
    from seewhy.run.viewing import view_document, view_item

    item = view_item(result, side=SIDE, comparison=comparison)
    document = view_document([item], title=picture.name)
    return Answer(case=case, result=result, comparison=comparison, document=document)


def what_if(answer: Answer, hidden: Sequence[int]) -> Json:
    """Say what the model says with some superpixels hidden.

    Parameters
    ----------
    answer : Answer
    hidden : sequence of int
        Superpixels.

    Returns
    -------
    dict
        ``probabilities``: [index, label, probability or None, score] of the five likeliest
        classes and of all that the answer is about; ``scores``: what is explained, by target.

    Raises
    ------
    InputError
        A superpixel that does not exist.
    """
    case = answer.case
    game, asked = case.subject.game, case.subject.asked
    wrong = [player for player in hidden if not 0 <= player < game.n_players]
    if wrong:
        raise InputError(f"hidden must be regions 0 to {game.n_players - 1}; got {wrong[0]}")
    mask = np.ones((1, game.n_players), bool)
    mask[0, list(hidden)] = False
    outputs = game(mask)
    shown = [int(index) for index in np.argsort(-outputs[0], kind="stable")[:TOP_PREDICTIONS]]
    spoken_of = [*case.classes.targets, case.classes.against, case.classes.true]
    shown += [each.index for each in spoken_of if each is not None]
    indices = list(dict.fromkeys(shown))
    scores = score_columns(outputs, asked.score, indices)[0]
    raw = game.columns == "raw"
    rows = [
        [index, case.model.labels[index], None if raw else _chance(outputs[0, index]), _number(s)]
        for index, s in zip(indices, scores, strict=True)
    ]
    explained = case.subject.view(mask)[0]
    told = {str(t): _number(value) for t, value in zip(asked.targets, explained, strict=True)}
    return {"probabilities": rows, "scores": told}


def report_of(answer: Answer) -> bytes:
    """Return the answer as one page that needs nothing else."""
    from seewhy.show.report import report_html

    return report_html(answer.document).encode("utf-8", "replace")


def archive_of(answer: Answer) -> bytes:
    """Return the directory of the result, which `Explained.load` reads, in a zip file."""
    name = safe_stem(answer.result.picture.name)
    with tempfile.TemporaryDirectory(prefix="seewhy-") as folder:
        place = Path(folder) / name
        (answer.comparison or answer.result).save(place)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(place.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())
    return packed.getvalue()


def safe_stem(name: str) -> str:
    """Make a file name of a picture's name that no header and no file system minds.

    Examples
    --------
    >>> safe_stem("../föhn bus.jpg"), safe_stem("…")
    ('f_hn_bus', 'picture')
    """
    stem = Path(name.replace("\\", "/").rpartition("/")[2]).stem
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:60].strip("_-") or "picture"


def _chance(log_probability: np.float32) -> float:
    return float(np.exp(np.float64(log_probability)))


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None
