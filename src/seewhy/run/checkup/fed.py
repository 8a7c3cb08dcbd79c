"""Findings about how a model is fed: range and normalisation, order of colours, layout."""

from __future__ import annotations

import json
from collections.abc import Sequence

from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Model
from seewhy.run.checkup.asking import Asking, Reading
from seewhy.run.checkup.comparing import Better, better_by_truth, better_without_truth
from seewhy.run.checkup.feeding import SCALES, declared_scale
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.photos import Photo

SCALE, ORDER, LAYOUT = "range and normalisation", "order of colours", "layout"


def check_feeding(
    asking: Asking, reading: Reading, photos: Sequence[Photo]
) -> tuple[tuple[Finding, ...], Better | None]:
    """Try the usual alternatives to how a model is fed.

    Parameters
    ----------
    asking : Asking
    reading : str
        Of the model's outputs.
    photos : sequence of Photo
        Samples and the user's own.

    Returns
    -------
    tuple of Finding, Better or None
        One for range, order and layout each; and what was found to be better.
    """
    model = asking.model
    known = [photo for photo in photos if photo.truth]
    if not known and len(model.labels) < 3:
        why = "Not judged for two classes without a picture and --true NAME."
        return feeding_not_judged(model, why), None
    if known:
        better = better_by_truth(asking, reading, known, photos)
    else:
        better = better_without_truth(asking, reading, photos)
    return _findings(better, model.preprocessing, by_truth=bool(known)), better


def feeding_not_judged(model: Model, says: str) -> tuple[Finding, ...]:
    """Say once for all why the ways of feeding were not compared."""
    return tuple(Finding(check, "not judged", says) for check in _checks(model.preprocessing))


def _checks(declared: Preprocessing) -> tuple[str, ...]:
    coloured = declared.channels in ("RGB", "BGR")
    return (SCALE, ORDER, LAYOUT) if coloured else (SCALE, LAYOUT)


def _findings(
    better: Better | None, declared: Preprocessing, *, by_truth: bool
) -> tuple[Finding, ...]:
    better_in = (
        "knows photos no better" if by_truth else "does not tell photos apart clearly better"
    )
    fine = {
        SCALE: f"Fed in the other usual ranges, the network {better_in}.",
        ORDER: f"With red and blue swapped, the network {better_in}.",
        LAYOUT: f"With axes exchanged, the network {better_in}.",
    }
    said = {} if better is None else _said(better, declared)
    return tuple(
        Finding(check, better.verdict, said[check])
        if better is not None and check in said
        else Finding(check, "ok", fine[check])
        for check in _checks(declared)
    )


def _said(better: Better, declared: Preprocessing) -> dict[str, str]:
    """One sentence for everything that the better way changes."""
    feeding, said = better.feeding, {}
    evidence = f"the network {better.evidence}"
    if feeding.scale is not None:
        said[SCALE] = (
            f"Fed pixels {SCALES[feeding.scale].words}, {evidence}: "
            f"{_cause(feeding.scale, declared)}; "
            f"{_remedy(feeding.scale, declared, swapped=feeding.swapped)}."
        )
    if feeding.swapped:
        takes = "RGB" if declared.channels == "BGR" else "BGR"
        said[ORDER] = (
            f"With red and blue swapped, {evidence}: it takes {takes}, not {declared.channels}; "
            f'say "channels": "{takes}" in --preprocess FILE.json.'
        )
    if feeding.layout == "turned":
        said[LAYOUT] = (
            f"With height and width exchanged, {evidence}: somewhere axes are exchanged; "
            "transpose(0, 3, 1, 2) turns (n, h, w, c) into (n, c, h, w)."
        )
    elif feeding.layout != "kept":
        said[LAYOUT] = (
            f"With pixels reordered, {evidence}: channels-last and channels-first are mixed up; "
            "transpose(0, 3, 1, 2) turns (n, h, w, c) into (n, c, h, w), reshape does not."
        )
    return said


def _cause(better: str, declared: Preprocessing) -> str:
    given = declared_scale(declared)
    if better == "0 to 255" and given == "0 to 1":
        return "it wants 0 to 255 and gets 0 to 1"
    if given == "0 to 255":
        return "it does not want 0 to 255"
    if better in ("0 to 1", "0 to 255"):
        return "it seems to normalise by itself, so that pixels are normalised twice"
    if given == "0 to 1":
        return "normalisation is missing"
    return "it was trained with another normalisation"


def _remedy(scale: str, declared: Preprocessing, *, swapped: bool) -> str:
    mean, std = SCALES[scale].over(declared.input_size[2])
    blue_first = (declared.channels == "BGR") != swapped
    order = -1 if blue_first else 1
    numbers = {
        "mean": [round(float(x), 4) for x in mean[::order]],
        "std": [round(float(x), 6) for x in std[::order]],
    }
    return f'say "normalise": {json.dumps(numbers)} in --preprocess FILE.json'
