"""What the page can offer: the model, the methods that it allows, class names, samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from importlib.util import find_spec
from typing import Any

from seewhy.errors import InputError, MissingExtraError
from seewhy.game.scores import SCORES
from seewhy.image.read import read_picture
from seewhy.image.samples import sample_path
from seewhy.methods.registry import METHOD_NAMES, method_class
from seewhy.models.differentiable import differentiable
from seewhy.models.protocol import Model
from seewhy.run.provenance import ModelCard
from seewhy.server.asking import FILLS, SEGMENTS
from seewhy.server.pictures import Given, taken, thumbnail
from seewhy.server.refusal import RefusedError
from seewhy.server.settings import Settings

MOST_LABELS = 20
SAMPLES = ("motorcycle", "grace_hopper", "chelsea", "coffee", "rocket", "astronaut")
_LABELS = {
    "lime": "LIME",
    "kernel-shap": "Kernel SHAP",
    "partition-shap": "Partition SHAP",
    "permutation-shap": "Permutation SHAP",
    "banzhaf": "Banzhaf",
    "rise": "RISE",
    "occlusion": "Occlusion",
    "anchors": "Anchors",
    "counterfactual": "Counterfactual",
    "gradient-shap": "Gradient SHAP",
    "deep-shap": "Deep SHAP",
    "integrated-gradients": "Integrated Gradients",
    "grad-cam": "Grad-CAM",
}
_FILL_LABELS = {
    "mean": "its own mean colour",
    "mean-colour": "the picture's mean colour",
    "grey": "grey",
    "black": "black",
    "blur": "the picture, blurred",
    "noise": "noise",
}
_SEGMENT_LABELS = {
    "slic": "contours (SLIC)",
    "quickshift": "colour modes (quickshift)",
    "felzenszwalb": "edges (Felzenszwalb)",
    "watershed": "watersheds",
    "grid": "a grid",
}
Json = dict[str, Any]


def about(model: Model, settings: Settings) -> Json:
    """Describe the model, and what can be asked of it."""
    hindrance = _no_gradients(model)
    card = asdict(ModelCard.of(model))
    scores = ("raw",) if model.output == "raw" else tuple(s for s in SCORES if s != "raw")
    return {
        "model": {**card, "labels_count": len(model.labels), "gradients": hindrance is None},
        "methods": [_method(key, hindrance) for key in METHOD_NAMES],
        "segments": [
            {"spec": spec, "label": _SEGMENT_LABELS[spec.partition(":")[0]]} for spec in SEGMENTS
        ],
        "fills": [{"spec": spec, "label": _FILL_LABELS[spec]} for spec in FILLS],
        "scores": list(scores),
        "samples": _samples(),
        "limits": {"bytes": settings.max_bytes, "pixels": settings.max_pixels},
    }


def labels_like(query: str, labels: Sequence[str], aliases: Mapping[str, int]) -> list[Json]:
    """Find class names that hold a text, those that begin with it first; 20 at most.

    Examples
    --------
    >>> [found["label"] for found in labels_like("car", ["scarf", "car", "sports car"], {})]
    ['car', 'sports car', 'scarf']
    """
    wanted = " ".join(query.split()).casefold()
    spellings = [*((label, index) for index, label in enumerate(labels)), *aliases.items()]
    best: dict[int, tuple[int, int]] = {}
    for spelling, index in spellings:
        text = spelling.casefold()
        if wanted in text and index < len(labels):
            whole_word = f" {wanted}" in f" {text}"
            rank = 0 if text == wanted else 1 if text.startswith(wanted) else 3 - whole_word
            best[index] = min(best.get(index, (9, 0)), (rank, len(text)))
    order = sorted(best, key=lambda index: (*best[index], index))
    return [{"index": index, "label": labels[index]} for index in order[:MOST_LABELS]]


def sample(name: str) -> Given:
    """Return a sample picture as if it had been given.

    Raises
    ------
    RefusedError
        No such sample.
    """
    if name not in SAMPLES or not sample_path(name).is_file():
        raise RefusedError(404, "there is no such sample picture: choose one that is shown")
    return taken(replace(read_picture(sample_path(name)), path=None))


def _method(key: str, hindrance: str | None) -> Json:
    kind = method_class(key)
    by_gradients = bool(getattr(kind, "explains_pixels", False))
    return {
        "name": key,
        "label": _LABELS[key],
        "what": (kind.__doc__ or "").strip().splitlines()[0],
        "needs_gradients": by_gradients,
        "unavailable": hindrance if by_gradients else None,
    }


def _no_gradients(model: Model) -> str | None:
    if getattr(model, "twin", None) is not None and find_spec("torch") is not None:
        return None  # to make the twin takes seconds, which the first to want it will wait for
    try:
        differentiable(model, wanted_by="this method")
    except (InputError, MissingExtraError) as hindrance:
        return str(hindrance)
    return None


@cache
def _samples() -> list[Json]:
    return [
        {
            "id": name,
            "name": name.replace("_", " "),
            "thumb": thumbnail(read_picture(sample_path(name)), 160),
        }
        for name in SAMPLES
        if sample_path(name).is_file()
    ]
