"""Whether the class names are those of the network, in its order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from seewhy.run.checkup.asking import Asking, Reading, read
from seewhy.run.checkup.evidence import told_apart
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.photos import FURTHER_VIEWS, WITHOUT_TRUTH, Photo, shown
from seewhy.run.checkup.truths import is_numbered

CHECK = "class names"
# Of what there is to tell about the photos: three sound ImageNet networks tell 0.60 to 0.88,
# whatever the order of their names; with their weights shuffled they tell 0.00.
_TELLS = 0.4
# A name that comes in the lower half and is held to be this unlikely, while the network is sure of
# another, in most ways of showing the picture: 0 of 200 of CIFAR-10's pictures that a sound network
# gets wrong do so, 0 of 30 of MNIST's; of names shifted by one 5 and 12 of 40 do.
_EXCLUDED, _SURE, _IN_MOST = 1e-3, 0.9, 0.8
_VIEWS = ("plain", "mirrored", *FURTHER_VIEWS)


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
    own = next((i for i, photo in enumerate(photos) if photo.truth and photo.given), None)
    said = None
    if own is not None:
        said = _own(asking, reading, photos[own], log_p[own], excused=fed_wrongly)
    samples = [i for i, photo in enumerate(photos) if photo.truth and not photo.given]
    hits = [i for i in samples if log_p[i].argmax() in photos[i].truth]
    good = len(hits) >= max(2, len(samples) / 2)
    if is_numbered(model.labels):
        if good:
            return _numbered(said)
        samples = []
    if not samples:
        return said or names_not_judged(
            "Not judged: give a picture and what it shows, --true NAME."
        )
    told = f"{len(hits)} of {len(samples)} sample photos get a right name"
    if good:
        return _sampled_well(told, said)
    if fed_wrongly:
        return Finding(CHECK, "advice", f"Only {told}; mend what is wrong above and look again.")
    worst = max(samples, key=lambda i: log_p[i].max())
    example = (
        f"{photos[worst].name} is called {model.labels[int(log_p[worst].argmax())]} "
        f"({np.exp(log_p[worst].max()):.2g})"
    )
    knows = _knows(asking, reading, [photo for photo in photos if not photo.given])
    return _misnamed(told, example, few=len(hits) <= 1, knows=knows)


def _numbered(said: Finding | None) -> Finding:
    """Of a thousand classes that answer as ImageNet's in the usual order do."""
    says = (
        "The thousand classes have numbers only, but answer as ImageNet's in the usual order do: "
        "give their names with --labels FILE."
    )
    if said is not None and said.verdict != "ok":
        says = f"{said.says} {says}"
    return Finding(CHECK, "advice", says)


def _sampled_well(told: str, said: Finding | None) -> Finding:
    """The names are right; the user's own picture may be misread all the same."""
    if said is None or said.verdict == "ok":
        return Finding(CHECK, "ok", f"{told}." if said is None else f"{said.says[:-1]}; {told}.")
    return Finding(CHECK, "advice", f"{said.says[:-1]}. But {told}.")


def names_not_judged(says: str) -> Finding:
    """Say why the names were not compared with what photos show."""
    return Finding(CHECK, "not judged", says)


def _misnamed(told: str, example: str, *, few: bool, knows: bool) -> Finding:
    if few and knows:
        return Finding(
            CHECK,
            "fault",
            f"Only {told}, though the network tells photos apart well: {example}. The names are in "
            "another order than its outputs, or another network's; give the right ones with "
            "--labels FILE.",
        )
    reason = (
        "some names may be in another order, or it is a weak network"
        if knows
        else "and the network hardly tells photos apart: are its weights the trained ones?"
    )
    return Finding(CHECK, "advice", f"Only {told} ({example}); {reason}{'.' if knows else ''}")


def _knows(asking: Asking, reading: Reading, photos: Sequence[Photo]) -> bool:
    """Whether the network has learned something, whatever its classes are called."""
    images = shown(photos, WITHOUT_TRUTH)
    log_p = read(asking(images, "class names"), reading)
    return told_apart(log_p.reshape(len(photos), len(WITHOUT_TRUTH), -1)) >= _TELLS * np.log(
        len(photos)
    )


def _own(
    asking: Asking,
    reading: Reading,
    photo: Photo,
    log_p: Float64[np.ndarray, " c"],
    *,
    excused: bool,
) -> Finding:
    """What the user's own picture says: a fault only where no mistake of a network explains it."""
    labels, true, first = asking.model.labels, photo.truth[0], int(log_p.argmax())
    rank, classes = _rank(log_p, true), len(log_p)
    if rank == 1:
        return Finding(CHECK, "ok", f"{photo.name} is called {labels[true]}, as --true says.")
    says = (
        f"{photo.name} is called {labels[first]} ({np.exp(log_p[first]):.0%}); "
        f"{labels[true]} comes as number {rank} of {classes}"
    )
    sure = np.exp(log_p[first]) >= _SURE and _excluded(log_p, true)
    if not excused and sure and _excluded_in_most(asking, reading, photo):
        return Finding(
            CHECK,
            "fault",
            f"{says}, however the picture is shown: the names are in another order than the "
            "network's outputs, or it was trained on something else; give the right ones with "
            "--labels FILE.",
        )
    return Finding(
        CHECK,
        "advice",
        f"{says}: a mistake of the network, which `seewhy explain --true` looks into, or it is fed "
        "or named wrongly; one picture proves little, so try others.",
    )


def _rank(log_p: Float64[np.ndarray, " c"], index: int) -> int:
    return int((log_p > log_p[index]).sum()) + 1


def _excluded(log_p: Float64[np.ndarray, " c"], index: int) -> bool:
    return _rank(log_p, index) > len(log_p) / 2 and bool(np.exp(log_p[index]) < _EXCLUDED)


def _excluded_in_most(asking: Asking, reading: Reading, photo: Photo) -> bool:
    rows = read(asking(shown([photo], _VIEWS), "class names"), reading)
    return bool(np.mean([_excluded(row, photo.truth[0]) for row in rows]) >= _IN_MOST)
