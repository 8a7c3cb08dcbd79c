"""The scoreboard of one picture: every method by every measure, and what can be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import hypot
from typing import Literal

import numpy as np
from jaxtyping import Float64
from scipy.special import stdtr

from seewhy.errors import InputError, did_you_mean
from seewhy.game.agreement import gini
from seewhy.game.paired import holm
from seewhy.methods.explanation import Reading
from seewhy.metrics.additivity import correlation_on_fresh, r_squared_on_fresh
from seewhy.metrics.bench import Bench
from seewhy.metrics.faithfulness import Ranked, deletion, flip_area, insertion, ranked
from seewhy.metrics.localisation import localise
from seewhy.metrics.measures import BY_KEY, Number
from seewhy.metrics.sanity import similarity_to_shuffled
from seewhy.metrics.stability import (
    lost_to_noise,
    over_repeats,
    repeat_agreement,
    repeat_overlap,
)
from seewhy.metrics.sufficiency import one_order, precision_of, sufficient_area, top_of_area

SEPARABLE = 0.05
SAME = 1e-9
"""Differences below this are rounding."""

PerRun = Float64[np.ndarray, " r"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """What one method said of one class, in one run or several.

    Attributes
    ----------
    name : str
    maps : (r, d) array
        Signed relevance of every superpixel, one run per row; the first is the one shown.
        A method without chance repeats itself.
    reading : str
        How values are to be read; what is "weight" claims no sum.
    rerun : bool
        Whether the rows are runs. A rule or a change is entered as it was found, once: how it
        would vary is not known, so it has no stability and takes no part in comparisons run
        by run.
    noisy : (m, d) array or None
        Runs on noisy copies of the picture.
    shuffled : (d,) array or None
        A run on the network with shuffled weights.
    evaluations : int or None
        Pictures the model classified for one run.
    seconds : float or None
        That one run took.
    area : float or None
        Of a rule or a change: what its members cover, which stands for the smallest
        sufficient area, or for the smallest area to flip.
    proves : {"sufficient_area", "flip_area"} or None
        Which of both.
    """

    name: str
    maps: Float64[np.ndarray, "r d"]
    reading: Reading = "weight"
    rerun: bool = True
    noisy: Float64[np.ndarray, "m d"] | None = None
    shuffled: Float64[np.ndarray, " d"] | None = None
    evaluations: int | None = None
    seconds: float | None = None
    area: float | None = None
    proves: Literal["sufficient_area", "flip_area"] | None = None

    def __post_init__(self) -> None:
        if self.maps.ndim != 2 or not len(self.maps) or not np.isfinite(self.maps).all():
            raise InputError(
                f"maps of {self.name} must be finite numbers of shape (runs, superpixels); got "
                f"shape {self.maps.shape}"
            )


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores:
    """One line of a scoreboard.

    Attributes
    ----------
    name : str
    numbers : mapping of str to Number
        By the keys of `MEASURES`; what cannot be measured is absent.
    runs : mapping of str to (r,) array
        Of measures that were taken on every run: their values, which differences are told by.
    walks : Ranked or None
        The curves of the first run.
    constant : bool
        Whether all superpixels have the same value: then it says nothing.
    valued : bool
        Whether it gives every superpixel a value, as rules and changes do not.
    """

    name: str
    numbers: Mapping[str, Number]
    runs: Mapping[str, PerRun] = field(default_factory=dict)
    walks: Ranked | None = None
    constant: bool = False
    valued: bool = True


def judge(
    candidate: Candidate,
    bench: Bench,
    *,
    inside: Float64[np.ndarray, " d"] | None = None,
    rule_area: float | None = None,
) -> Scores:
    """Measure one method by everything that can be measured.

    Parameters
    ----------
    candidate : Candidate
    bench : Bench
        It pays for what it asks.
    inside : (d,) array, optional
        Share of every superpixel that lies on the object, where that is known.
    rule_area : float, optional
        Of a rule for the same prediction: maps are then also judged by what as large a part
        of the picture, their strongest, keeps.
    """
    d = bench.n_players
    if candidate.maps.shape[1] != d:
        raise InputError(
            f"maps of {candidate.name} must have {d} superpixels; got {candidate.maps.shape[1]}"
        )
    taken = _Runs(candidate, bench)
    shown = candidate.maps[0]
    numbers = {**taken.numbers(), **_reliability(candidate, bench)}
    if inside is not None:
        numbers.update(_on_object(shown, bench, inside))
    numbers.update(_on_decision(candidate, bench, rule_area))
    numbers["sparsity"] = Number(gini(shown))
    for key, value in (("evaluations", candidate.evaluations), ("seconds", candidate.seconds)):
        if value is not None:
            numbers[key] = Number(float(value))
    return Scores(
        name=candidate.name,
        numbers={key: numbers[key] for key in BY_KEY if key in numbers},
        runs=taken.values if candidate.rerun else {},
        walks=taken.walks[0],
        constant=bool(np.ptp(shown) == 0),
        valued=candidate.rerun,
    )


class _Runs:
    """The measures that are taken on every run of a method, equal runs once."""

    def __init__(self, candidate: Candidate, bench: Bench) -> None:
        self.candidate, self.bench = candidate, bench
        unique, which = np.unique(candidate.maps, axis=0, return_inverse=True)
        which = which.ravel()
        taken = [self._of(values) for values in unique]
        self.walks = [taken[k][1] for k in which]
        kept = [key for key in taken[0][0] if all(key in found for found, _ in taken)]
        self.values = {key: np.array([taken[k][0][key] for k in which]) for key in kept}

    def _of(self, values: Float64[np.ndarray, " d"]) -> tuple[dict[str, float], Ranked | None]:
        bench, found = self.bench, {}
        walks, others = ranked(bench, values), ranked(bench, values, other=True)
        for key, each in (("srg", walks), ("srg_other", others)):
            if each is not None:
                found[key] = each.gap
        found["insertion"] = insertion(bench, values).area
        found["deletion"] = deletion(bench, values).area
        flip = flip_area(bench, values)
        if flip is not None:
            found["flip_area"] = flip
        fits = r_squared_on_fresh(bench, values, self.candidate.reading)
        if fits is not None:
            found["r2"] = fits.value
        found["correlation"] = correlation_on_fresh(bench, values).value
        return found, walks

    def numbers(self) -> dict[str, Number]:
        numbers = {key: self._mean(key, values) for key, values in self.values.items()}
        shown = self.candidate.maps[0]
        on_fresh = {
            "r2": r_squared_on_fresh(self.bench, shown, self.candidate.reading),
            "correlation": correlation_on_fresh(self.bench, shown),
        }
        for key, sampled in on_fresh.items():
            if sampled is not None:
                numbers[key] = _wider(numbers[key], sampled)
        return numbers

    def _mean(self, key: str, values: PerRun) -> Number:
        number = over_repeats(values)
        chance = key in ("insertion", "deletion") and self.bench.adding.score == "probability"
        if number.low is None or number.high is None or not (chance or key == "flip_area"):
            return number
        return Number(number.value, max(number.low, 0.0), min(number.high, 1.0))


def _wider(over_runs: Number, over_masks: Number) -> Number:
    """Join what other random draws and what other fresh masks would change."""
    if over_masks.low is None or over_masks.high is None:
        return over_runs
    down, up = over_masks.value - over_masks.low, over_masks.high - over_masks.value
    if over_runs.low is not None and over_runs.high is not None:
        reach = over_runs.high - over_runs.value
        down, up = hypot(down, reach), hypot(up, reach)
    return Number(over_runs.value, over_runs.value - down, min(over_runs.value + up, 1.0))


def _reliability(candidate: Candidate, bench: Bench) -> dict[str, Number]:
    share = bench.protocol.top_share
    found: dict[str, Number | None] = {}
    if candidate.rerun:
        found["stability"] = repeat_agreement(candidate.maps)
        found["top_stability"] = repeat_overlap(candidate.maps, bench.areas, share)
    if candidate.noisy is not None:
        found["noise"] = lost_to_noise(candidate.maps, candidate.noisy)
    if candidate.shuffled is not None:
        found["sanity"] = Number(similarity_to_shuffled(candidate.maps[0], candidate.shuffled))
    return {key: number for key, number in found.items() if number is not None}


def _on_decision(candidate: Candidate, bench: Bench, rule_area: float | None) -> dict[str, Number]:
    """What keeps the prediction and what changes it; rules and changes bring one of both."""
    numbers, shown = {}, candidate.maps[0]
    if candidate.proves != "sufficient_area":
        enough = sufficient_area(bench, shown)
        if enough is not None:
            numbers["sufficient_area"] = Number(enough.area)
    # where the target is behind, rules and changes are about the class that is ahead
    if bench.decision is not None and candidate.proves is not None and candidate.area is not None:
        numbers[candidate.proves] = Number(candidate.area)
    if rule_area is not None:
        kept = precision_of(bench, top_of_area(one_order(bench, shown), bench.areas, rule_area))
        if kept is not None:
            numbers["kept_at_rule"] = kept
    return numbers


def _on_object(
    values: Float64[np.ndarray, " d"], bench: Bench, inside: Float64[np.ndarray, " d"]
) -> dict[str, Number]:
    found = localise(values, bench.areas, inside)
    measured = {"localisation": found.corrected, "pointing": found.points_at_object}
    return {key: Number(value) for key, value in measured.items() if value is not None}


def leaders(scores: Sequence[Scores], key: str) -> frozenset[str]:
    """Name the best methods by a measure: the best one and all that cannot be told from it.

    Two methods are told apart by their differences from run to run: a paired t-test over
    runs, corrected for as many comparisons as there are rivals (Holm). It is about this
    picture alone. Of a method without chance every run is alike, and a difference
    between two such methods is a fact. The best one is chosen by the same runs, which makes
    the test a little bold: of eleven equal methods, one is left out in about a tenth of cases.

    Parameters
    ----------
    scores : sequence of Scores
        With equally many runs.
    key : str
        A measure that has a better side.

    Returns
    -------
    frozenset of str
        Empty where there is a single run, so that nothing can be told.
    """
    sign = {"higher": 1.0, "lower": -1.0}.get(str(BY_KEY[key].better))
    if sign is None:
        raise InputError(f"{key} ranks nothing: it is reported only")
    taken = {each.name: sign * each.runs[key] for each in scores if key in each.runs}
    if not taken or min(map(len, taken.values())) < 2:
        return frozenset()
    best = max(taken, key=lambda name: float(taken[name].mean()))
    rivals = [name for name in taken if name != best]
    p = holm(np.array([_p_value(taken[best] - taken[name]) for name in rivals]))
    tied = {name for name, each in zip(rivals, p, strict=True) if each >= SEPARABLE}
    return frozenset({best, *tied})


def _p_value(differences: PerRun) -> float:
    """Two-sided, of a mean difference of zero."""
    n, mean = len(differences), float(differences.mean())
    error = float(differences.std(ddof=1)) / np.sqrt(n)
    if error <= SAME:
        return 1.0 if abs(mean) <= SAME else 0.0
    return float(2 * stdtr(n - 1, -abs(mean) / error))


@dataclass(frozen=True, eq=False)
class Scoreboard:
    """All methods of one picture by all measures.

    Attributes
    ----------
    scores : tuple of Scores
        In the order in which methods were asked.
    references : tuple of Scores
        Maps that looked at neither network nor picture: a random one, a blob in the middle.
    """

    scores: tuple[Scores, ...]
    references: tuple[Scores, ...]

    @cached_property
    def best(self) -> dict[str, frozenset[str]]:
        """By every measure that ranks: who leads, or cannot be told from who does."""
        found = {key: leaders(self.scores, key) for key in BY_KEY if BY_KEY[key].better}
        return {key: names for key, names in found.items() if names}

    def __getitem__(self, name: str) -> Scores:
        """Return the scores of a method, or of a reference, by its name."""
        lines = (*self.scores, *self.references)
        for each in lines:
            if each.name == name:
                return each
        names = [each.name for each in lines]
        raise KeyError(
            f"this scoreboard holds {', '.join(map(repr, names))}; got {name!r}"
            f"{did_you_mean(name, names)}"
        )
