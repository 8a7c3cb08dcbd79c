"""Methods compared over many pictures: who is better on average, and how many pictures tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64

from seewhy.errors import InputError
from seewhy.game.paired import Difference, mean_with_interval, paired_differences
from seewhy.metrics.measures import BY_KEY, Number
from seewhy.metrics.protocol import Protocol
from seewhy.run.comparison import Comparison
from seewhy.run.shown import Shown

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure

REFERENCE = "reference: "
"""Begins the names of reference maps among those of methods."""

Table = Float64[np.ndarray, "n m"]


@dataclass(frozen=True)
class Line:
    """What was measured on one picture.

    Attributes
    ----------
    picture : str
    target : str
        The class that was explained.
    probability : float or None
    evaluations : int
        Pictures the model classified, the judging included.
    values : mapping of str to mapping of str to float
        Method (or reference) to measure to value; what is undefined is missing.
    """

    picture: str
    target: str
    probability: float | None
    evaluations: int
    values: Mapping[str, Mapping[str, float]]

    @classmethod
    def of(cls, comparison: Comparison) -> Line:
        """Keep the numbers of a comparison, and let the rest go."""
        board = comparison.scoreboard
        named = [(each.name, each) for each in board.scores]
        named += [(REFERENCE + each.name, each) for each in board.references]
        return cls(
            picture=comparison.result.picture.name,
            target=comparison.target.label,
            probability=comparison.target.probability,
            evaluations=comparison.costs.total,
            values={
                name: {key: number.value for key, number in scores.numbers.items()}
                for name, scores in named
            },
        )


@dataclass(frozen=True)
class Failure:
    """A picture that could not be compared, and why."""

    picture: str
    reason: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Field(Shown):
    """What `seewhy.compare_many` returns.

    Attributes
    ----------
    model : str
        Its spec.
    lines : tuple of Line
        One per picture.
    failures : tuple of Failure
    methods : tuple of str
        In the order in which they were asked.
    protocol : Protocol
    budget, repeats : int
    seed : int
        Draws the resamples of intervals.
    seconds : float
        Wall-clock time in all.
    """

    model: str
    lines: tuple[Line, ...]
    failures: tuple[Failure, ...]
    methods: tuple[str, ...]
    protocol: Protocol
    budget: int
    repeats: int
    seed: int = 0
    seconds: float = field(default=0.0)

    def __post_init__(self) -> None:
        if not self.lines:
            reasons = "; ".join(f"{each.picture}: {each.reason}" for each in self.failures[:3])
            raise InputError(f"no picture could be compared ({reasons or 'there were none'})")

    @property
    def references(self) -> tuple[str, ...]:
        """Names of the maps that explain nothing."""
        known = dict.fromkeys(name for line in self.lines for name in line.values)
        return tuple(name for name in known if name.startswith(REFERENCE))

    @property
    def measures(self) -> tuple[str, ...]:
        """Keys of what was measured on any picture, in the usual order."""
        found = {key for line in self.lines for each in line.values.values() for key in each}
        return tuple(key for key in BY_KEY if key in found)

    def table(self, key: str, names: Sequence[str] | None = None) -> Table:
        """Return a measure: a row per picture, a column per method, NaN where undefined."""
        names = self.methods if names is None else names
        return np.array(
            [[line.values.get(name, {}).get(key, np.nan) for name in names] for line in self.lines]
        )

    @cached_property
    def means(self) -> Mapping[str, Mapping[str, Number]]:
        """Method (or reference) to measure to mean over pictures, with a BCa bootstrap interval."""
        names = (*self.methods, *self.references)
        found: dict[str, dict[str, Number]] = {name: {} for name in names}
        for key in self.measures:
            for name, column in zip(names, self.table(key, names).T, strict=True):
                mean = mean_with_interval(column, np.random.default_rng(self.seed))
                if mean.n:
                    found[name][key] = Number(mean.mean, mean.low, mean.high)
        return found

    @cached_property
    def _differences(self) -> dict[str, tuple[Difference, ...]]:
        return {}

    def differences(self, key: str) -> tuple[Difference, ...]:
        """Compare every two methods by a measure, picture by picture.

        Returns
        -------
        tuple of Difference
            With BCa intervals, and Wilcoxon signed-rank tests corrected by Holm.
        """
        better = BY_KEY[key].better if key in BY_KEY else None
        if better is None:
            raise InputError(f"{key!r} ranks nothing; measures that do: {', '.join(self.ranking)}")
        if key not in self._differences:
            rng = np.random.default_rng(self.seed)
            self._differences[key] = paired_differences(
                self.table(key), self.methods, rng, better=better
            )
        return self._differences[key]

    @property
    def ranking(self) -> tuple[str, ...]:
        """Measures that have a better side."""
        return tuple(key for key in self.measures if BY_KEY[key].better)

    def best(self, key: str) -> frozenset[str]:
        """Name the best method by a measure, and all that are not separable from it."""
        leader = self.leader(key)
        if leader is None:
            return frozenset()
        worse = {
            each.second for each in self.differences(key) if each.first == leader and each.separable
        }
        measured = {name for name in self.methods if key in self.means[name]}
        return frozenset(measured - worse)

    def leader(self, key: str) -> str | None:
        """Name the method of the best mean; None where nothing was measured."""
        sign = 1.0 if BY_KEY[key].better == "higher" else -1.0
        known = [name for name in self.methods if key in self.means[name]]
        return max(known, key=lambda name: sign * self.means[name][key].value, default=None)

    @property
    def costs(self) -> int:
        """Pictures the model classified in all."""
        return sum(line.evaluations for line in self.lines)

    def sentences(self) -> list[str]:
        """Say who leads by what, what cannot be told apart, and how many pictures would tell."""
        from seewhy.run.field_drawing import sentences_of

        return sentences_of(self)

    def figure(self) -> Figure:
        """Draw a panel per measure, a row per method: means and intervals."""
        from seewhy.run.field_drawing import figure_of

        return figure_of(self)

    def save(self, directory: str | PathLike[str]) -> None:
        """Write every number, the figure and a table into a directory.

        Raises
        ------
        StoreError
            The directory holds something that is not an earlier result.
        """
        from seewhy.run.field_store import save

        save(self, directory)

    @classmethod
    def load(cls, directory: str | PathLike[str]) -> Field:
        """Read a saved field back."""
        from seewhy.run.field_store import load

        return load(directory)
