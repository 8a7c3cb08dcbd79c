"""A field in a directory.

::

    out/
      field.json      every number of every picture, what was compared, and the protocol (schema 1)
      scores.csv      the same numbers, a row per picture and method
      figure.png      means and intervals
      manifest.json   what the directory holds; present only when all of it is
"""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seewhy import __version__
from seewhy.errors import StoreError
from seewhy.metrics.measures import BY_KEY
from seewhy.metrics.protocol import Protocol
from seewhy.run.comparison_store import protocol_entry
from seewhy.run.directory import checked_files, to_json, write_whole
from seewhy.run.field import Failure, Field, Line

if TYPE_CHECKING:
    from os import PathLike

KIND = "seewhy field"
SCHEMA = 1
Json = dict[str, Any]


def save(field: Field, directory: str | PathLike[str]) -> None:
    """Write a field, whole or not at all."""

    def write(draft: Path) -> None:
        from seewhy.show.saving import save_figure

        (draft / "field.json").write_text(to_json(to_document(field)), encoding="utf-8")
        _write_table(field, draft / "scores.csv")
        save_figure(field.figure(), draft / "figure.png")

    write_whole(directory, write, kind=KIND)


def load(directory: str | PathLike[str]) -> Field:
    """Read a field back.

    Raises
    ------
    StoreError
        None there, or incomplete, changed since, or of another version.
    """
    path = checked_files(directory, kind=KIND)
    document = json.loads((path / "field.json").read_text(encoding="utf-8"))
    if document.get("schema") != SCHEMA:
        raise StoreError(
            f"the field must be of schema {SCHEMA}; got {document.get('schema')!r}: it was "
            f"written by seewhy {document.get('seewhy')!r}, read it with that version"
        )
    settings = {key: value for key, value in document["protocol"].items() if key != "hash"}
    return Field(
        model=document["model"],
        lines=tuple(Line(**line) for line in document["pictures"]),
        failures=tuple(Failure(**failure) for failure in document["failures"]),
        methods=tuple(document["methods"]),
        protocol=Protocol(**settings),
        budget=document["budget"],
        repeats=document["repeats"],
        seed=document["seed"],
        seconds=document["seconds"],
    )


def to_document(field: Field) -> Json:
    """Turn a field into a JSON document."""
    return {
        "schema": SCHEMA,
        "seewhy": __version__,
        "model": field.model,
        "protocol": protocol_entry(field.protocol),
        "budget": field.budget,
        "repeats": field.repeats,
        "seed": field.seed,
        "evaluations": field.costs,
        "seconds": field.seconds,
        "methods": list(field.methods),
        "references": list(field.references),
        "means": {
            name: {key: asdict(number) for key, number in each.items()}
            for name, each in field.means.items()
        },
        "best": {key: sorted(field.best(key)) for key in field.ranking},
        "differences": {
            key: [_finite(asdict(each)) for each in field.differences(key)] for key in field.ranking
        },
        "sentences": field.sentences(),
        "pictures": [asdict(line) for line in field.lines],
        "failures": [asdict(failure) for failure in field.failures],
    }


def _finite(entry: Json) -> Json:
    """JSON knows no NaN, which is what the spread of a single picture is."""
    return {key: None if value != value else value for key, value in entry.items()}


def _write_table(field: Field, path: Path) -> None:
    keys = [key for key in BY_KEY if key in field.measures]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["picture", "target", "probability", "method", *keys])
        for line in field.lines:
            for name, values in line.values.items():
                about = [line.picture, line.target, line.probability, name]
                table.writerow([*about, *(values.get(key) for key in keys)])
