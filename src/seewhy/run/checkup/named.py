"""Whether the class names are those of the network, in its order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from seewhy.models.protocol import Model
from seewhy.run.checkup.asking import Asking, Reading, read
from seewhy.run.checkup.evidence import told_apart
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.photos import WITHOUT_TRUTH, Photo, shown
from seewhy.run.checkup.truths import is_numbered

CHECK = "class names"
_TELLS = 0.4  # of what there is to tell about the photos; networks that forgot tell less
_FEW = 3


def check_names(
    asking: Asking,
    reading: Reading,
    photos: Sequence[Photo],
    log_p: Float64[np.ndarray, "p c"],
    *,
    fed_wrongly: bool,
) -> Finding:
    """Compare what the model says with what photos show.

    Parameters
    ----------
    asking : Asking
        Asked again only where names are wrong.
    reading : str
        Of the model's outputs.
    photos : sequence of Photo
    log_p : (photos, classes)
        What it says of them as they are.
    fed_wrongly : bool
        Whether another fault may be the reason for what it says.

    Returns
    -------
    Finding
    """
    model = asking.model
    samples = [i for i, photo in enumerate(photos) if photo.truth and not photo.given]
    hits = [i for i in samples if log_p[i].argmax() in photos[i].truth]
    good = len(hits) >= max(2, len(samples) / 2)
    own = [i for i, photo in enumerate(photos) if photo.truth and photo.given]
    if is_numbered(model.labels):
        if good:
            return Finding(
                CHECK,
                "advice",
                "The thousand classes have numbers only, but answer as ImageNet's in the usual "
                "order do: give their names with --labels FILE.",
            )
        samples = []
    if own:
        excused = fed_wrongly or (bool(samples) and good)
        return _own(model, photos[own[0]], log_p[own[0]], excused=excused)
    if not samples:
        return names_not_judged("Not judged: give a picture and what it shows, --true NAME.")
    told = f"{len(hits)} of {len(samples)} sample photos get a right name"
    if good:
        return Finding(CHECK, "ok", f"{told}.")
    if fed_wrongly:
        return Finding(CHECK, "advice", f"Only {told}; mend what is wrong above and look again.")
    worst = max(samples, key=lambda i: log_p[i].max())
    example = (
        f"{photos[worst].name} is called {model.labels[int(log_p[worst].argmax())]} "
        f"({np.exp(log_p[worst].max()):.2g})"
    )
    return _misnamed(told, example, none_right=len(hits) <= 1 and _knows(asking, reading, photos))


def names_not_judged(says: str) -> Finding:
    """Say why the names were not compared with what photos show."""
    return Finding(CHECK, "not judged", says)


def _misnamed(told: str, example: str, *, none_right: bool) -> Finding:
    if none_right:
        return Finding(
            CHECK,
            "fault",
            f"Only {told}, though the network tells photos apart well: {example}. The names are in "
            "another order than its outputs, or another network's; give the right ones with "
            "--labels FILE.",
        )
    return Finding(
        CHECK,
        "advice",
        f"Only {told}, and the network hardly tells photos apart ({example}): are its weights the "
        "trained ones?",
    )


def _knows(asking: Asking, reading: Reading, photos: Sequence[Photo]) -> bool:
    """Whether the network has learned something, whatever its classes are called."""
    images = shown(photos, WITHOUT_TRUTH)
    log_p = read(asking(images, "class names"), reading)
    return told_apart(log_p.reshape(len(photos), len(WITHOUT_TRUTH), -1)) >= _TELLS * np.log(
        len(photos)
    )


def _own(model: Model, photo: Photo, log_p: Float64[np.ndarray, " c"], *, excused: bool) -> Finding:
    true = photo.truth[0]
    rank = int((log_p > log_p[true]).sum()) + 1
    first = int(log_p.argmax())
    classes = len(log_p)
    if rank == 1:
        return Finding(CHECK, "ok", f"{photo.name} is called {model.labels[true]}, as --true says.")
    says = (
        f"{photo.name} is called {model.labels[first]} ({np.exp(log_p[first]):.0%}); "
        f"{model.labels[true]} comes {rank}. of {classes}"
    )
    if rank > max(_FEW, classes / 20) and not excused:
        return Finding(
            CHECK,
            "fault",
            f"{says}: the names are in another order than the network's outputs, or it was "
            "trained on something else; give the right ones with --labels FILE.",
        )
    return Finding(
        CHECK,
        "advice",
        f"{says}: a mistake of the network, which `seewhy explain --true` looks into, or "
        "names in another order.",
    )
