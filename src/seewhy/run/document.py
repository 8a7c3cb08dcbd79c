"""A result as a JSON document (``"schema": 1``) and back; no file is touched here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any

import numpy as np
from jaxtyping import Float32

from seewhy import __version__
from seewhy.errors import StoreError
from seewhy.game.fidelity import Fidelity
from seewhy.game.hierarchy import Hierarchy
from seewhy.image.read import Picture
from seewhy.image.segmentation import Segmentation
from seewhy.methods.change import Change
from seewhy.methods.explanation import Attribution, method_settings
from seewhy.methods.registry import method_class, method_key
from seewhy.methods.rule import Rule
from seewhy.run.answering import Explanation
from seewhy.run.explained import Explained
from seewhy.run.provenance import ModelCard, Prediction, TruePrediction
from seewhy.run.record import Record
from seewhy.run.rule_document import change_entry, change_of, names_in, rule_entry, rule_of

SCHEMA = 1
Json = dict[str, Any]
PixelMaps = Mapping[str, Float32[np.ndarray, "k h w"]]


def to_document(result: Explained) -> Json:
    """Turn a result into a JSON document: the superpixels' labels are named, not held.

    Returns
    -------
    dict
        Plain lists, numbers, strings and None; one entry per attribution method and target,
        one per rule and per change.
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
        "targets": [asdict(target) for target in result.targets],
        "against": None if result.against is None else asdict(result.against),
        "true": None if result.true is None else asdict(result.true),
        "segmentation": {
            "method": segmentation.method,
            "settings": dict(segmentation.settings),
            "count": segmentation.count,
            "labels_png": "segments.png",
        },
        "fill": dict(result.fill),
        "backdrops": list(result.backdrops),
        "score": result.score,
        "seed": result.seed,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "model_seconds": result.model_seconds,
        "asked": _recorded(result.record),
        "explanations": [
            entry for explanation in result.explanations for entry in _entries(explanation, result)
        ],
    }


def from_document(
    document: Mapping[str, Any],
    picture: Picture,
    labels: np.ndarray,
    hidden: np.ndarray,
    backdrops: Sequence[np.ndarray] = (),
    pixel_maps: PixelMaps | None = None,
    asked: Mapping[str, np.ndarray] | None = None,
) -> Explained:
    """Rebuild a result from its document, its pictures, its label image and its pixel maps.

    Parameters
    ----------
    document : mapping
    picture : Picture
    labels : (h, w) int array
        −1 outside the model's view.
    hidden : (h, w, c) array
        The picture at the model's input with every superpixel hidden.
    backdrops : sequence of (h, w, c) arrays
        Those that the document names, in its order.
    pixel_maps : mapping of str to (k, h, w) array, optional
        Of gradient methods, by their names.
    asked : mapping of str to array, optional
        What `recorded_arrays` gave.

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
        shown = dict(zip(document["backdrops"], backdrops, strict=True))
        result = _rebuilt(document, picture, labels, hidden, shown, pixel_maps or {})
        return replace(result, record=_record(document, asked or {}))
    except (KeyError, TypeError, ValueError) as problem:
        raise StoreError(
            f"explanation.json must hold what seewhy {document.get('seewhy')} wrote there; "
            f"it does not ({problem}): explain the picture again"
        ) from problem


def recorded_arrays(record: Record | None) -> dict[str, np.ndarray]:
    """Return the masks of a record, packed, and the model's outputs."""
    if record is None:
        return {}
    return {"masks": np.packbits(record.masks, axis=1), "outputs": record.outputs}


def _recorded(record: Record | None) -> Json | None:
    if record is None:
        return None
    classes = [{"index": index, "label": label} for index, label in record.classes.items()]
    return {"count": len(record.masks), "kind": record.kind, "classes": classes}


def _record(document: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Record | None:
    told = document.get("asked")
    if told is None:
        return None
    count = document["segmentation"]["count"]
    return Record(
        masks=np.unpackbits(arrays["masks"], axis=1, count=count).astype(bool),
        classes={entry["index"]: entry["label"] for entry in told["classes"]},
        outputs=arrays["outputs"],
        kind=told["kind"],
    )


def _entries(explanation: Explanation, result: Explained) -> list[Json]:
    if isinstance(explanation, Rule):
        return [rule_entry(explanation, result.names)]
    if isinstance(explanation, Change):
        return [change_entry(explanation, result.names)]
    return [_entry(explanation, column, result) for column in range(len(result.targets))]


def _entry(explanation: Attribution, column: int, result: Explained) -> Json:
    error = explanation.standard_error
    gap = explanation.completeness_gap
    fidelity = explanation.fidelity
    against = result.against
    return {
        "name": explanation.name,
        "method": method_key(explanation.method),
        "settings": method_settings(explanation.method),
        "target": asdict(result.targets[column]),
        "against": None if against is None else asdict(against),
        "kind": "attribution" if explanation.pixel_map is None else "pixel_attribution",
        "values": explanation.values[:, column].tolist(),
        "standard_error": None if error is None else error[:, column].tolist(),
        "base_value": float(explanation.base_value[column]),
        "fidelity": None if fidelity is None else asdict(fidelity[column]),
        "completeness_gap": None if gap is None else float(gap[column]),
        "converged": bool(explanation.converged[column]),
        "evaluations": explanation.evaluations,
        "seconds": explanation.seconds,
        **_extras(explanation, column),
    }


def _extras(explanation: Attribution, column: int) -> Json:
    """What only some methods say: pair interactions, and groups of superpixels."""
    extras: Json = {}
    if explanation.interactions is not None:
        extras["interactions"] = explanation.interactions[:, :, column].tolist()
    if explanation.hierarchy is not None and explanation.node_values is not None:
        error = explanation.node_standard_error
        extras["hierarchy"] = {
            "merges": [list(merge) for merge in explanation.hierarchy.merges],
            "values": explanation.node_values[:, column].tolist(),
            "standard_error": None if error is None else error[:, column].tolist(),
        }
    return extras


def _rebuilt(
    document: Mapping[str, Any],
    picture: Picture,
    labels: np.ndarray,
    hidden: np.ndarray,
    backdrops: Mapping[str, np.ndarray],
    pixel_maps: PixelMaps,
) -> Explained:
    entries: Sequence[Json] = document["explanations"]
    groups = [list(group) for _, group in groupby(entries, key=lambda entry: entry["name"])]
    model, cut = document["model"], document["segmentation"]
    return Explained(
        picture=picture,
        model=ModelCard(**{**model, "input": tuple(model["input"])}),
        predictions=tuple(Prediction(**prediction) for prediction in document["predictions"]),
        targets=tuple(Prediction(**target) for target in document["targets"]),
        against=_prediction(document["against"]),
        true=None if document["true"] is None else TruePrediction(**document["true"]),
        names=names_in({"explanations": entries}),
        segmentation=Segmentation(
            labels, outside=labels < 0, method=cut["method"], settings=cut["settings"]
        ),
        fill=document["fill"],
        hidden=hidden,
        backdrops=backdrops,
        score=document["score"],
        seed=document["seed"],
        evaluations=document["evaluations"],
        seconds=document["seconds"],
        model_seconds=document["model_seconds"],
        explanations=tuple(_explanation(group, pixel_maps) for group in groups),
        fingerprint=document["fingerprint"],
    )


def _prediction(entry: Json | None) -> Prediction | None:
    return None if entry is None else Prediction(**entry)


def _explanation(entries: Sequence[Json], pixel_maps: PixelMaps) -> Explanation:
    kind = entries[0]["kind"]
    if kind == "rule":
        return rule_of(entries[0])
    if kind == "counterfactual":
        return change_of(entries[0])
    return _attribution(entries, pixel_maps)


def _attribution(entries: Sequence[Json], pixel_maps: PixelMaps) -> Attribution:
    first = entries[0]
    judged = first["fidelity"] is not None
    tree = first.get("hierarchy")
    return Attribution(
        values=_columns(entries, "values"),
        standard_error=_columns_or_none(entries, "standard_error"),
        base_value=_columns(entries, "base_value"),
        targets=tuple(entry["target"]["index"] for entry in entries),
        evaluations=first["evaluations"],
        seconds=first["seconds"],
        fidelity=tuple(Fidelity(**entry["fidelity"]) for entry in entries) if judged else None,
        converged=np.array([entry["converged"] for entry in entries], bool),
        method=method_class(first["method"])(name=first["name"], **first["settings"]),
        completeness_gap=_columns_or_none(entries, "completeness_gap"),
        pixel_map=pixel_maps[first["name"]] if first["kind"] == "pixel_attribution" else None,
        interactions=_columns(entries, "interactions") if "interactions" in first else None,
        **({} if tree is None else _nodes([entry["hierarchy"] for entry in entries])),
    )


def _nodes(trees: Sequence[Json]) -> Json:
    merges = tuple(tuple(merge) for merge in trees[0]["merges"])
    return {
        "hierarchy": Hierarchy(len(merges) + 1, merges),
        "node_values": _columns(trees, "values"),
        "node_standard_error": _columns_or_none(trees, "standard_error"),
    }


def _columns(entries: Sequence[Json], key: str) -> np.ndarray:
    """One entry per target to one array, targets along its last axis."""
    return np.moveaxis(np.array([entry[key] for entry in entries], np.float64), 0, -1)


def _columns_or_none(entries: Sequence[Json], key: str) -> np.ndarray | None:
    return None if entries[0][key] is None else _columns(entries, key)
