"""A result as a view document: what a page needs to show it, and what it may be asked.

A view document is plain JSON. The viewer in a report, in a notebook and in the app reads it; it
holds pictures at the size shown and numbers to six digits, and so is no place to compute from:
`seewhy.run.store` keeps everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

from seewhy import __version__
from seewhy.game.scores import Score
from seewhy.run.cautions import cautions
from seewhy.run.view_comparison import comparison_entry
from seewhy.run.view_methods import method_entries
from seewhy.run.view_pictures import picture_entries, shown_picture
from seewhy.run.view_record import record_entry
from seewhy.show.words import all_whereabouts, scale

if TYPE_CHECKING:
    from seewhy.run.comparison import Comparison
    from seewhy.run.explained import Explained

VERSION = 1
SIDES = ((1, 720), (10, 512))
"""The longest side of a picture, by how many there are at most."""

SMALLEST_SIDE = 256

Json = dict[str, Any]


def view_document(items: Sequence[Json], *, title: str) -> Json:
    """Put items under one title.

    Parameters
    ----------
    items : sequence of dict
        Made by `view_item`.
    title : str
        Any text is safe.
    """
    return {"v": VERSION, "seewhy": __version__, "title": title, "items": list(items)}


def view_item(result: Explained, *, side: int, comparison: Comparison | None = None) -> Json:
    """Turn a result into what a page shows of it.

    Parameters
    ----------
    result : Explained
    side : int
        Longest side of the picture in pixels; smaller ones are not enlarged. See `side_for`.
    comparison : Comparison, optional
        Of this result: its scoreboard is shown too.

    Returns
    -------
    dict
        Plain lists, numbers to six digits, strings and None.
    """
    shown = shown_picture(result, side=side)
    item = {
        "name": result.picture.name,
        **picture_entries(result, shown),
        **_what_was_asked(result),
        "areas": _shares(result),
        "places": all_whereabouts(shown.segmentation),
        "story": result.story() if result.tells_story else None,
        "cautions": cautions(result),
        "methods": method_entries(result, shown.segmentation),
        "record": record_entry(result.record),
        "comparison": None if comparison is None else comparison_entry(comparison),
    }
    rounded: Json = _rounded(item)
    return rounded


def side_for(pictures: int) -> int:
    """Return the longest side at which so many pictures still make a page of bearable size."""
    return next((side for most, side in SIDES if pictures <= most), SMALLEST_SIDE)


def unit_of(result: Explained) -> Score:
    """Return what the values of effects and shares are in units of."""
    return scale(result.score, against=result.against is not None)


def _what_was_asked(result: Explained) -> Json:
    segmentation = result.segmentation
    return {
        "model": {**asdict(result.model), "input": list(result.model.input)},
        "count": segmentation.count,
        "predictions": [asdict(prediction) for prediction in result.predictions],
        "targets": [asdict(target) for target in result.targets],
        "against": None if result.against is None else asdict(result.against),
        "true": None if result.true is None else asdict(result.true),
        "score": result.score,
        "unit": unit_of(result),
        "fill": dict(result.fill),
        "segmentation": {
            "method": segmentation.method,
            "settings": dict(segmentation.settings),
        },
        "seed": result.seed,
        "evaluations": result.evaluations,
        "seconds": result.seconds,
        "model_seconds": result.model_seconds,
        "fingerprint": result.fingerprint,
    }


def _shares(result: Explained) -> list[float]:
    areas = result.segmentation.areas()
    return [float(share) for share in areas / areas.sum()]


def _rounded(value: Any) -> Any:
    """The same with every number to six digits, which is more than any figure shows."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value
