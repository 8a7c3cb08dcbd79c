"""A result as a JSON document (``"schema": 1``) and back; no file is touched here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

import numpy as np

from seewhy import __version__
from seewhy.errors import StoreError
from seewhy.game.fidelity import Fidelity
from seewhy.image.read import Picture
from seewhy.image.segmentation import Segmentation
from seewhy.methods.explanation import Attribution, AttributionMethod, method_settings
from seewhy.methods.registry import METHODS
from seewhy.run.explained import Explained
from seewhy.run.provenance import ModelCard, Prediction

SCHEMA = 1
Json = dict[str, Any]


def to_document(result: Explained) -> Json:
    """Turn a result into a JSON document: the superpixels' labels are named, not held.

    Returns
    -------
    dict
        Plain lists, numbers, strings and None; DESIGN: one entry per method and target.
    """
    segmentation = result.segmentation
    return {
        "schema": SCHEMA,
        "seewhy": __version__,
        "fingerprint": result.fingerprint,
        "image": {
            "path": result.picture.path,
            "name": result.picture.name,
            "width": result.picture.width,
            "height": result.picture.height,
            "channels": result.picture.pixels.shape[2],
            "sha256": result.picture.sha256,
        },
        "model": {**asdict(result.model), "input": list(result.model.input)},
        "predictions": [asdict(prediction) for prediction in result.predictions],
        "segmentation": {
            "method": segmentation.method,
            "settings": dict(segmentation.settings),
            "count": segmentation.count,
            "labels_png": "segments.png",
        },
        "fill": dict(result.fill),
        "score": result.score,
        "seed": result.seed,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "model_seconds": result.model_seconds,
        "explanations": [
            _entry(explanation, column, result)
            for explanation in result.explanations
            for column in range(len(result.targets))
        ],
    }


def from_document(document: Mapping[str, Any], picture: Picture, labels: np.ndarray) -> Explained:
    """Rebuild a result from its document, its picture and its label image.

    Parameters
    ----------
    document : mapping
    picture : Picture
    labels : (h, w) int array
        −1 outside the model's view.

    Raises
    ------
    StoreError
        Another schema, or entries that are missing or malformed.
    """
    if document.get("schema") != SCHEMA:
        raise StoreError(
            f"the result must be of schema {SCHEMA}; got {document.get('schema')!r}: it was "
            f"written by seewhy {document.get('seewhy')!r}, read it with that version"
        )
    try:
        return _rebuilt(document, picture, labels)
    except (KeyError, TypeError, ValueError) as problem:
        raise StoreError(
            f"explanation.json must hold what seewhy {document.get('seewhy')} wrote there; "
            f"it does not ({problem}): explain the picture again"
        ) from problem


def _entry(explanation: Attribution, column: int, result: Explained) -> Json:
    error = explanation.standard_error
    gap = explanation.completeness_gap
    fidelity = explanation.fidelity
    against = result.against
    return {
        "name": explanation.name,
        "method": _method_key(explanation.method),
        "settings": method_settings(explanation.method),
        "target": asdict(result.targets[column]),
        "against": None if against is None else asdict(against),
        "kind": "attribution",
        "values": explanation.values[:, column].tolist(),
        "standard_error": None if error is None else error[:, column].tolist(),
        "base_value": float(explanation.base_value[column]),
        "fidelity": None if fidelity is None else asdict(fidelity[column]),
        "completeness_gap": None if gap is None else float(gap[column]),
        "converged": bool(explanation.converged[column]),
        "evaluations": explanation.evaluations,
        "seconds": explanation.seconds,
    }


def _method_key(method: AttributionMethod) -> str:
    return next(key for key, kind in METHODS.items() if isinstance(method, kind))


def _rebuilt(document: Mapping[str, Any], picture: Picture, labels: np.ndarray) -> Explained:
    entries: Sequence[Json] = document["explanations"]
    groups = [list(group) for _, group in groupby(entries, key=lambda entry: entry["name"])]
    against = entries[0]["against"]
    model, cut = document["model"], document["segmentation"]
    return Explained(
        picture=picture,
        model=ModelCard(**{**model, "input": tuple(model["input"])}),
        predictions=tuple(Prediction(**prediction) for prediction in document["predictions"]),
        targets=tuple(Prediction(**entry["target"]) for entry in groups[0]),
        against=None if against is None else Prediction(**against),
        segmentation=Segmentation(
            labels, outside=labels < 0, method=cut["method"], settings=cut["settings"]
        ),
        fill=document["fill"],
        score=document["score"],
        seed=document["seed"],
        evaluations=document["evaluations"],
        seconds=document["seconds"],
        model_seconds=document["model_seconds"],
        explanations=tuple(_attribution(group) for group in groups),
        fingerprint=document["fingerprint"],
    )


def _attribution(entries: Sequence[Json]) -> Attribution:
    first = entries[0]
    sampled = first["standard_error"] is not None
    judged = first["fidelity"] is not None
    gapped = first["completeness_gap"] is not None

    def columns(key: str) -> np.ndarray:
        return np.array([entry[key] for entry in entries], np.float64).T

    return Attribution(
        values=columns("values"),
        standard_error=columns("standard_error") if sampled else None,
        base_value=columns("base_value"),
        targets=tuple(entry["target"]["index"] for entry in entries),
        evaluations=first["evaluations"],
        seconds=first["seconds"],
        fidelity=tuple(Fidelity(**entry["fidelity"]) for entry in entries) if judged else None,
        converged=np.array([entry["converged"] for entry in entries], bool),
        method=METHODS[first["method"]](name=first["name"], **first["settings"]),
        completeness_gap=columns("completeness_gap") if gapped else None,
    )
