"""Methods side by side on one picture: what each said, how it was judged, what to make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seewhy.methods.explanation import Attribution
from seewhy.metrics.consensus import Consensus, consensus_of
from seewhy.metrics.protocol import Protocol
from seewhy.metrics.scoreboard import Scoreboard, Scores
from seewhy.run.budget_curve import BudgetCurve
from seewhy.run.explained import Explained
from seewhy.run.provenance import Prediction
from seewhy.run.shown import Paged, Shown

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Costs:
    """Pictures the model classified, by what for.

    Attributes
    ----------
    explaining : int
        The explanations that are shown.
    repeating : int
        The same again: other draws, noisy copies, the shuffled network.
    judging : int
        All measures.
    """

    explaining: int
    repeating: int
    judging: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.explaining + self.repeating + self.judging


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison(Shown, Paged):
    """What `seewhy.compare` returns.

    Attributes
    ----------
    result : Explained
        The explanations themselves, of one class.
    scoreboard : Scoreboard
        Every method by every measure, and reference maps that explain nothing.
    protocol : Protocol
        How they were judged.
    budget : int
        Masked pictures that every method could spend.
    repeats : int
        Runs of every method with chance in it.
    costs : Costs
    seconds : float
        Wall-clock time in all.
    budget_curve : BudgetCurve or None
        Quality against model calls, where that was asked for.
    refused : mapping of str to str
        Methods that the model allows but that could not answer, and why.
    """

    result: Explained
    scoreboard: Scoreboard
    protocol: Protocol
    budget: int
    repeats: int
    costs: Costs
    seconds: float
    budget_curve: BudgetCurve | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> Prediction:
        """The class that is explained."""
        return self.result.targets[0]

    @property
    def consensus(self) -> Consensus | None:
        """Where methods agree that measure different things; None with fewer than two."""
        found = self.result.explanations
        return consensus_of([each for each in found if isinstance(each, Attribution)])

    @property
    def best(self) -> Mapping[str, frozenset[str]]:
        """By every measure: who leads, or cannot be told from who does."""
        return self.scoreboard.best

    def __getitem__(self, name: str) -> Scores:
        """Return the scores of a method by its name."""
        return self.scoreboard[name]

    def recommendation(self) -> list[str]:
        """Say in sentences which method to take here, and why."""
        from seewhy.run.comparison_drawing import recommendation_of

        return recommendation_of(self)

    def figure(self) -> Figure:
        """Draw a row per method: overlay, curves, numbers."""
        from seewhy.run.comparison_drawing import figure_of

        return figure_of(self)

    def consensus_figure(self) -> Figure | None:
        """Draw where methods agree and where they do not; None without two voices."""
        from seewhy.run.comparison_drawing import consensus_figure_of

        return consensus_figure_of(self)

    def budget_figure(self) -> Figure | None:
        """Draw quality against pictures asked; None where that was not measured."""
        from seewhy.run.comparison_drawing import budget_figure_of

        return budget_figure_of(self)

    def save(self, directory: str | PathLike[str]) -> None:
        """Write it into a directory, together with the explanations it compares.

        Raises
        ------
        StoreError
            The directory holds something that is not an earlier result.
        """
        from seewhy.run.comparison_store import save

        save(self, directory)

    @classmethod
    def load(cls, directory: str | PathLike[str]) -> Comparison:
        """Read a saved comparison back.

        Raises
        ------
        StoreError
            The directory holds no comparison, or it is incomplete, changed, of another version.
        """
        from seewhy.run.comparison_store import load

        return load(directory)
