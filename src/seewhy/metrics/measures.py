"""What explanations are measured by: names, units, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Measure:
    """One column of a scoreboard.

    Attributes
    ----------
    key : str
        Under which scores and documents hold it.
    label : str
        A few words for the head of a column.
    better : {"higher", "lower"} or None
        None: reported, never ranked.
    meaning : str
        One sentence for someone who has not met it.
    unit : {"", "share", "count", "seconds"}
        How a value is written: as it is, in per cent, as a whole number, in seconds.
    """

    key: str
    label: str
    better: Better | None
    meaning: str
    unit: Literal["", "share", "count", "seconds"] = ""


MEASURES = (
    Measure(
        "srg",
        "SRG",
        "higher",
        "How much longer the score lasts when the least relevant regions are hidden first than "
        "when the most relevant are: 0 for a random order.",
    ),
    Measure("srg_other", "SRG (other fill)", "higher", "The same with another fill."),
    Measure(
        "insertion",
        "insertion",
        "higher",
        "Mean probability while regions stand out of a blurred picture, most relevant first "
        "(RISE).",
    ),
    Measure(
        "deletion",
        "deletion",
        "lower",
        "Mean probability while regions turn into what the network takes for zero, most relevant "
        "first (RISE).",
    ),
    Measure(
        "r2",
        "R²",
        "higher",
        "Share of the model's behaviour on fresh half-hidden pictures that adding up the values "
        "explains.",
    ),
    Measure(
        "correlation",
        "correlation",
        "higher",
        "Correlation of the added-up values with the score of fresh half-hidden pictures: as R², "
        "whatever the scale of the values.",
    ),
    Measure(
        "sufficient_area",
        "enough area",
        "lower",
        "Smallest part of the picture, most relevant regions first, that certifiably keeps the "
        "prediction in 95 % of pictures with the rest hidden at random.",
        "share",
    ),
    Measure(
        "kept_at_rule",
        "kept as anchor",
        "higher",
        "Share of pictures that keep the prediction when the most relevant regions stay, as large "
        "a part as the anchor's, and the rest is hidden at random.",
        "share",
    ),
    Measure(
        "flip_area",
        "flip area",
        "lower",
        "Smallest part, most relevant regions first, whose hiding changes the prediction.",
        "share",
    ),
    Measure(
        "stability",
        "repeats",
        "higher",
        "Rank agreement of two runs that differ in their random draws alone.",
    ),
    Measure(
        "top_stability",
        "top repeats",
        "higher",
        "Overlap of the strongest tenth of the picture between two such runs.",
        "share",
    ),
    Measure(
        "noise",
        "noise",
        "lower",
        "Rank agreement lost when the picture is noisier but the prediction the same, beyond what "
        "random draws cost.",
    ),
    Measure(
        "localisation",
        "on object",
        "higher",
        "Share of the evidence inside the object beyond the object's share of the picture: 0 as "
        "expected of an even spread, 1 all of it.",
    ),
    Measure(
        "pointing",
        "points at it",
        "higher",
        "Whether the strongest region lies on the object.",
        "share",
    ),
    Measure(
        "sanity",
        "random net",
        "lower",
        "Rank agreement with the explanation of a network whose weights were shuffled: what does "
        "not change explains no network.",
    ),
    Measure(
        "sparsity",
        "Gini",
        None,
        "Concentration of the values: 0 even, towards 1 all in one region.",
    ),
    Measure("evaluations", "pictures", None, "Pictures the model classified for it.", "count"),
    Measure("seconds", "seconds", None, "Wall-clock time.", "seconds"),
)
BY_KEY = {measure.key: measure for measure in MEASURES}


@dataclass(frozen=True)
class Number:
    """A measured value and its 95 % interval.

    Attributes
    ----------
    value : float
    low, high : float or None
        None where nothing was left to chance, or too little was repeated to tell.
    """

    value: float
    low: float | None = None
    high: float | None = None
