"""What each method said, as entries of a view document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from seewhy.methods.change import Change
from seewhy.methods.explanation import Attribution, method_settings
from seewhy.methods.registry import method_key
from seewhy.methods.rule import Rule
from seewhy.run import drawing
from seewhy.run.rule_document import change_entry, rule_entry
from seewhy.show.badges import number_regions
from seewhy.show.rule_words import change_sentences, rule_sentences
from seewhy.show.words import summary

if TYPE_CHECKING:
    from seewhy.image.segmentation import Segmentation
    from seewhy.run.answering import Explanation
    from seewhy.run.explained import Explained
    from seewhy.show.row import Row

Json = dict[str, Any]


def method_entries(result: Explained, segmentation: Segmentation) -> list[Json]:
    """Turn every explanation of a result into an entry.

    Parameters
    ----------
    result : Explained
    segmentation : Segmentation
        Its superpixels at the size shown, to say where they lie.
    """
    return [_entry(result, each, segmentation) for each in result.explanations]


def _entry(result: Explained, explanation: Explanation, segmentation: Segmentation) -> Json:
    if isinstance(explanation, Rule):
        entry = rule_entry(explanation, result.names)
        told = rule_sentences(explanation, result.names, segmentation)
    elif isinstance(explanation, Change):
        entry = change_entry(explanation, result.names)
        told = change_sentences(explanation, result.names, segmentation)
    else:
        return _attribution(result, explanation, segmentation)
    return {**entry, "key": entry.pop("method"), "sentences": told}


def _attribution(result: Explained, chosen: Attribution, segmentation: Segmentation) -> Json:
    rows = drawing.rows_of(result, chosen)
    numbers = number_regions(rows)
    sentences = [
        summary(row, numbers, score=result.score, segmentation=segmentation) for row in rows
    ]
    return {
        "name": chosen.name,
        "key": method_key(chosen.method),
        "kind": "attribution" if chosen.pixel_map is None else "pixel_attribution",
        "reading": chosen.method.reading,
        "evaluations": chosen.evaluations,
        "seconds": chosen.seconds,
        "settings": method_settings(chosen.method),
        "numbers": {str(player): number for player, number in numbers.items()},
        "columns": _columns(chosen, rows, sentences),
    }


def _columns(chosen: Attribution, rows: Sequence[Row], sentences: Sequence[str]) -> list[Json]:
    return [
        {
            "values": row.values.tolist(),
            "error": None if row.standard_error is None else row.standard_error.tolist(),
            "certain": row.certain().astype(np.int8).tolist(),
            "base": float(chosen.base_value[column]),
            "converged": bool(chosen.converged[column]),
            "fidelity": None if row.fidelity is None else asdict(row.fidelity),
            "gap": row.completeness_gap,
            "sentence": sentences[column],
        }
        for column, row in enumerate(rows)
    ]
