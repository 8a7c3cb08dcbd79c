"""A comparison in a directory: the result it compares, and beside it what was measured.

::

    out/
      …                  the result, as `seewhy explain` writes it: see `seewhy.run.store`
      comparison.json    every number, its interval and its runs, and the protocol (schema 1)
      comparison.png     a row per method: overlay, curves, numbers
      consensus.png      where different measures agree, if there are two at least
      budget.png         quality against pictures asked, if that was measured
      report.html        with the scoreboard
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seewhy import __version__
from seewhy.errors import StoreError
from seewhy.game.curves import Curve
from seewhy.metrics.faithfulness import Ranked
from seewhy.metrics.measures import Number
from seewhy.metrics.protocol import Protocol
from seewhy.metrics.scoreboard import Scoreboard, Scores
from seewhy.run import store
from seewhy.run.budget_curve import BudgetCurve
from seewhy.run.comparison import Comparison, Costs
from seewhy.run.directory import to_json

if TYPE_CHECKING:
    from os import PathLike

COMPARISON = "comparison.json"
SCHEMA = 1
Json = dict[str, Any]


def save(comparison: Comparison, directory: str | PathLike[str]) -> None:
    """Write a comparison and the result it is about, whole or not at all."""

    def write(draft: Path) -> None:
        from seewhy.show.saving import save_figure

        text = to_json(to_document(comparison))
        (draft / COMPARISON).write_text(text, encoding="utf-8")
        save_figure(comparison.figure(), draft / "comparison.png")
        further = {
            "consensus.png": comparison.consensus_figure(),
            "budget.png": comparison.budget_figure(),
        }
        for name, figure in further.items():
            if figure is not None:
                save_figure(figure, draft / name)
        write_page(comparison, draft)

    from seewhy.run.reporting import write_page

    store.save(comparison.result, directory, beside=write)


def load(directory: str | PathLike[str]) -> Comparison:
    """Read a comparison back.

    Raises
    ------
    StoreError
        No comparison there, or incomplete, changed since, or of another version.
    """
    result = store.load(directory)
    path = Path(directory) / COMPARISON
    if not path.is_file():
        raise StoreError(
            f"{directory} holds a result but no comparison: give a directory that `seewhy compare` "
            "has written"
        )
    document = json.loads(path.read_text(encoding="utf-8"))
    if document.get("schema") != SCHEMA:
        raise StoreError(
            f"the comparison must be of schema {SCHEMA}; got {document.get('schema')!r}: it was "
            f"written by seewhy {document.get('seewhy')!r}, read it with that version"
        )
    settings = {key: value for key, value in document["protocol"].items() if key != "hash"}
    costs = {key: value for key, value in document["evaluations"].items() if key != "total"}
    return Comparison(
        result=result,
        scoreboard=Scoreboard(
            tuple(map(_scores, document["scores"])), tuple(map(_scores, document["references"]))
        ),
        protocol=Protocol(**settings),
        budget=document["budget"],
        repeats=document["repeats"],
        costs=Costs(**costs),
        seconds=document["seconds"],
        budget_curve=_budget_curve(document["budget_curve"]),
        refused=document["refused"],
    )


def to_document(comparison: Comparison) -> Json:
    """Turn a comparison into a JSON document; explanations are in the result's own."""
    board = comparison.scoreboard
    consensus = comparison.consensus
    return {
        "schema": SCHEMA,
        "seewhy": __version__,
        "fingerprint": comparison.result.fingerprint,
        "protocol": protocol_entry(comparison.protocol),
        "target": asdict(comparison.target),
        "against": None if comparison.result.against is None else asdict(comparison.result.against),
        "budget": comparison.budget,
        "repeats": comparison.repeats,
        "evaluations": {**asdict(comparison.costs), "total": comparison.costs.total},
        "seconds": comparison.seconds,
        "scores": [scores_entry(each) for each in board.scores],
        "references": [scores_entry(each) for each in board.references],
        "best": {key: sorted(names) for key, names in board.best.items()},
        "consensus": None
        if consensus is None
        else {
            "voices": {voice.name: voice.method for voice in consensus.voices},
            "agreed": {str(player): value for player, value in consensus.agreed.items()},
            "disputed": list(consensus.disputed),
            "kendall_w": consensus.concordance,
        },
        "budget_curve": _points(comparison.budget_curve),
        "refused": dict(comparison.refused),
        "recommendation": comparison.recommendation(),
    }


def _points(curve: BudgetCurve | None) -> Json | None:
    if curve is None:
        return None
    return {
        name: [{"evaluations": cost, **asdict(number)} for cost, number in points]
        for name, points in curve.points.items()
    }


def _budget_curve(entry: Mapping[str, Any] | None) -> BudgetCurve | None:
    if entry is None:
        return None
    points = {
        name: tuple(
            (point["evaluations"], Number(point["value"], point["low"], point["high"]))
            for point in found
        )
        for name, found in entry.items()
    }
    return BudgetCurve(points)


def protocol_entry(protocol: Protocol) -> Json:
    """Write down how explanations were judged, with its hash."""
    return {"hash": protocol.hash, **asdict(protocol)}


def scores_entry(scores: Scores) -> Json:
    """Write down everything that was measured of one method."""
    walks = scores.walks
    return {
        "name": scores.name,
        "numbers": {key: asdict(number) for key, number in scores.numbers.items()},
        "runs": {key: values.tolist() for key, values in scores.runs.items()},
        "constant": scores.constant,
        "valued": scores.valued,
        "curves": None
        if walks is None
        else {"first": _curve_entry(walks.first), "last": _curve_entry(walks.last)},
    }


def _curve_entry(curve: Curve) -> Json:
    return {"scores": curve.scores.tolist(), "area": curve.area}


def _scores(entry: Mapping[str, Any]) -> Scores:
    curves = entry["curves"]
    return Scores(
        name=entry["name"],
        numbers={key: Number(**number) for key, number in entry["numbers"].items()},
        runs={key: np.array(values) for key, values in entry["runs"].items()},
        walks=None if curves is None else Ranked(_curve(curves["first"]), _curve(curves["last"])),
        constant=entry["constant"],
        valued=entry["valued"],
    )


def _curve(entry: Mapping[str, Any]) -> Curve:
    return Curve(np.array(entry["scores"]), entry["area"])
