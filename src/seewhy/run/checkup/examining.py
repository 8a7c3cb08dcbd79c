"""All checks of one model, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from seewhy.errors import ModelError
from seewhy.game.scores import score_columns
from seewhy.models.protocol import Model
from seewhy.run.checkup.asking import Asking, Reading, read
from seewhy.run.checkup.behaviour import check_company, check_repeats
from seewhy.run.checkup.costs import costs_of
from seewhy.run.checkup.fed import check_feeding, feeding_not_judged
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.measuring import advise_batch, measure
from seewhy.run.checkup.named import check_names, names_not_judged
from seewhy.run.checkup.outputs import check_corners, check_outputs
from seewhy.run.checkup.photos import Photo, shown
from seewhy.run.checkup.result import Checkup, Inferred, Seen
from seewhy.run.provenance import TOP_PREDICTIONS, Prediction

_A_FEW = 4


def examine(asking: Asking, photos: Sequence[Photo]) -> Checkup:
    """Do all checks.

    Parameters
    ----------
    asking : Asking
        About the model.
    photos : sequence of Photo
        The user's own first, if there is one.

    Returns
    -------
    Checkup
        Short of the seconds that it took.
    """
    model, described = asking.model, Inferred.of(asking.model)
    plain = shown(photos, ("plain",))
    try:
        outputs = asking(plain, "photos")
    except ModelError as error:
        broken = Finding("numbers", "fault", str(error))
        return Checkup(described, findings=(broken,), asked=asking.done)
    of_outputs, reading = check_outputs(outputs, model.output)
    checkup = Checkup(
        described,
        seen=_seen(model, photos, outputs, reading),
        findings=(check_corners(asking), of_outputs),
    )
    try:
        more = _further(asking, photos, outputs, reading, of_outputs)
        speeds = measure(asking, plain)
        costs = costs_of(asking, photos[0], speeds)
    except ModelError as error:  # only now and then, or of a photo shown darker, say
        broken = Finding("further pictures", "fault", str(error))
        return replace(checkup, findings=(*checkup.findings, broken), asked=asking.done)
    advice = advise_batch(speeds, model.batch_size)
    return replace(
        checkup,
        findings=(*checkup.findings, *more, advice),
        speeds=speeds,
        costs=costs,
        asked=asking.done,
    )


def _further(
    asking: Asking,
    photos: Sequence[Photo],
    outputs: Float32[np.ndarray, "p k"],
    reading: Reading,
    of_outputs: Finding,
) -> tuple[Finding, ...]:
    """Whether it behaves, and if so, whether it is fed and named rightly."""
    images = shown(photos[:_A_FEW], ("plain",))
    repeats = check_repeats(asking, images)
    company = check_company(asking, images, repeats=repeats.verdict == "ok")
    why_not = None
    if "fault" in (repeats.verdict, company.verdict):
        why_not = "Not judged while answers change: mend that and look again."
    elif reading == "none" and of_outputs.verdict == "fault":
        why_not = "Not judged while the outputs are wrong: mend that and look again."
    elif reading == "none":
        why_not = "Not judged: raw outputs are no probabilities that could be compared."
    if why_not is None:
        return repeats, company, *_judged(asking, photos, outputs, reading)
    fed = feeding_not_judged(asking.model, why_not)
    return repeats, company, *fed.findings, names_not_judged(why_not)


def _judged(
    asking: Asking, photos: Sequence[Photo], outputs: Float32[np.ndarray, "p k"], reading: Reading
) -> tuple[Finding, ...]:
    """How it is fed and what its classes are called: of a model whose answers mean something."""
    fed = check_feeding(asking, reading, photos)
    log_p = read(outputs, reading)
    names = check_names(asking, reading, photos, log_p, fed_wrongly=fed.excuses)
    return (*fed.findings, names)


def _seen(
    model: Model,
    photos: Sequence[Photo],
    outputs: Float32[np.ndarray, "p k"],
    reading: Reading,
) -> tuple[Seen, ...]:
    """The likeliest classes of the user's own picture, or of every sample photo."""
    columns = outputs if reading == "none" else read(outputs, reading).astype(np.float32)
    own = [i for i, photo in enumerate(photos) if photo.given]
    return tuple(
        Seen(photos[i].name, _predictions(model, columns[i : i + 1], raw=reading == "none"))
        for i in own or range(len(photos))
    )


def _predictions(
    model: Model, row: Float32[np.ndarray, "1 c"], *, raw: bool
) -> tuple[Prediction, ...]:
    order = np.argsort(-row[0], kind="stable")[:TOP_PREDICTIONS].tolist()
    scores = score_columns(row, "raw" if raw else "log-odds", order)[0]
    return tuple(
        Prediction(
            index,
            model.labels[index] if index < len(model.labels) else f"output {index}",
            None if raw else float(np.exp(np.float64(row[0, index]))),
            float(score),
        )
        for index, score in zip(order, scores, strict=True)
    )
