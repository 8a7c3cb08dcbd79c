"""Findings about how a model is fed: range and normalisation, order of colours, layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Model
from seewhy.run.checkup.asking import Asking, Reading
from seewhy.run.checkup.comparing import (
    Better,
    Compared,
    better_without_truth,
    compare_by_truth,
)
from seewhy.run.checkup.feeding import SCALES, declared_scale
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.photos import Photo
from seewhy.run.checkup.truths import is_numbered

SCALE, ORDER, LAYOUT = "range and normalisation", "order of colours", "layout"
_CHECKS = (SCALE, ORDER, LAYOUT)
_SAVE = "save the remedy as FILE.json and give --preprocess FILE.json"
_NO_POWER = (
    "Not judged: sample photos say little about a network for other classes; give a picture that "
    "it should know, and --true NAME."
)
_FEWEST_CLASSES = 3  # two say no more than which photos are alike
_GREY = 0.02  # between channels: what JPEG leaves of grey


@dataclass(frozen=True)
class Fed:
    """What was found about how a model is fed.

    Attributes
    ----------
    findings : tuple of Finding
        One for range, order and layout each.
    excuses : bool
        Whether another way of feeding may be why photos get wrong names.
    """

    findings: tuple[Finding, ...]
    excuses: bool = False


def check_feeding(asking: Asking, reading: Reading, photos: Sequence[Photo]) -> Fed:
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
    Fed
    """
    model = asking.model
    known = [photo for photo in photos if photo.truth]
    if known:
        compared = compare_by_truth(asking, reading, known, photos)
        own = [photo for photo in known if photo.given]
        if own and is_numbered(model.labels) and compared.better is None and not compared.known:
            known = own  # the thousand numbers are not ImageNet's
            compared = compare_by_truth(asking, reading, own, photos)
        fed = _findings(compared.better, model.preprocessing, _unmoved(compared, known))
        return Fed(fed, compared.better is not None or compared.otherwise)
    if len(model.labels) < _FEWEST_CLASSES:
        why = "Not judged for two classes without a picture and --true NAME."
        return feeding_not_judged(model, why)
    better = better_without_truth(asking, reading, photos)
    return Fed(_findings(better, model.preprocessing, dict.fromkeys(_CHECKS, _NO_POWER)))


def feeding_not_judged(model: Model, says: str) -> Fed:
    """Say once for all why the ways of feeding were not compared."""
    return Fed(tuple(Finding(check, "not judged", says) for check in _checks(model.preprocessing)))


def _checks(declared: Preprocessing) -> tuple[str, ...]:
    coloured = declared.channels in ("RGB", "BGR")
    return _CHECKS if coloured else (SCALE, LAYOUT)


def _unmoved(compared: Compared, known: Sequence[Photo]) -> dict[str, str | None]:
    """Why a check that found nothing says nothing; None where nothing wrong was to be found."""
    if not compared.known:
        why = (
            "Not judged: in no usual way of feeding does the network know "
            + (known[0].name if len(known) == 1 else "most of the photos")
            + " clearly better."
        )
        return dict.fromkeys(_CHECKS, why)
    grey = all(np.ptp(photo.pixels, axis=2).max() < _GREY for photo in known)
    why_order = "Not judged: the picture has no colours." if grey else None
    return {SCALE: None, ORDER: why_order, LAYOUT: None}


def _findings(
    better: Better | None, declared: Preprocessing, no_power: Mapping[str, str | None]
) -> tuple[Finding, ...]:
    """One finding for each check; what is not better is fine only where the check has power."""
    fine = {
        SCALE: "Fed in the other usual ranges, the network knows photos no better.",
        ORDER: "With red and blue swapped, the network knows photos no better.",
        LAYOUT: "With axes exchanged, the network knows photos no better.",
    }
    said = {} if better is None else _said(better, declared)
    if better is not None and (better.verdict == "advice" or no_power[SCALE] is not None):
        heed = f"Not judged: see what is said on {' and '.join(said)} first."
        no_power = dict.fromkeys(_CHECKS, heed)
    remedy = None if better is None else better.feeding.remedy(declared)
    document = None if remedy is None else remedy.to_json()
    found = []
    for check in _checks(declared):
        why_not = no_power[check]
        if better is not None and check in said:
            found.append(Finding(check, better.verdict, said[check], document))
        elif why_not is not None:
            found.append(Finding(check, "not judged", why_not))
        else:
            found.append(Finding(check, "ok", fine[check]))
    return tuple(found)


def _said(better: Better, declared: Preprocessing) -> dict[str, str]:
    """One sentence for everything that the better way changes."""
    feeding, said = better.feeding, {}
    evidence = f"the network {better.evidence}"
    perhaps = "perhaps " if better.verdict == "advice" else ""
    end = "; one picture proves little, so try others." if better.alone and perhaps else "."
    if feeding.inverted:
        said[SCALE] = (
            f"With dark and light exchanged, {evidence}: {perhaps}it was trained on the reverse; "
            f"have your function invert what it is given, 1 - pixels{end}"
        )
    if feeding.scale is not None:
        cause = _cause(feeding.scale, declared)
        words = SCALES[feeding.scale].words
        said[SCALE] = f"Fed pixels {words}, {evidence}: {perhaps}{cause}; {_SAVE}{end}"
    if feeding.swapped:
        takes = "RGB" if declared.channels == "BGR" else "BGR"
        said[ORDER] = (
            f"With red and blue swapped, {evidence}: {perhaps}it takes {takes}, not "
            f"{declared.channels}; {_SAVE}{end}"
        )
    if feeding.layout == "turned":
        said[LAYOUT] = (
            f"With height and width exchanged, {evidence}: {perhaps}axes are exchanged somewhere; "
            f"transpose(0, 3, 1, 2) turns (n, h, w, c) into (n, c, h, w){end}"
        )
    elif feeding.layout != "kept":
        said[LAYOUT] = (
            f"With pixels reordered, {evidence}: {perhaps}channels-last and channels-first are "
            "mixed up; transpose(0, 3, 1, 2) turns (n, h, w, c) into (n, c, h, w), reshape does "
            f"not{end}"
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
