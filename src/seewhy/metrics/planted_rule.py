"""Rules with which a planted model decides from the marks that it sees, solved exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, isfinite

import numpy as np
from jaxtyping import Bool, Float64
from scipy.special import log_expit

from seewhy.errors import InputError
from seewhy.game.design import all_masks
from seewhy.game.toys import ToyGame

MOST_MARKS = 12
MOST_TOGETHER = 8
LABELS = ("planted", "other", "nothing")
_CLEAR_EVIDENCE = 2.0


@dataclass(frozen=True, kw_only=True)
class PlantedRule:
    """How marks decide: some each on their own, some only together, some about another class.

    The log-odds of the class "planted" are e(seen) − e(all) / 2 with
    e = Σ_{i seen} weight_i + jump · [at least ``needed`` of the ``together`` marks are seen].
    Marks of another class decide between "other" and "nothing", and move "planted" not at all.

    Parameters
    ----------
    weights : tuple of float
        One mark each: what it adds to the log-odds, negative for evidence against.
    together : int
        Marks that count as a group, at most 8.
    needed : int
        So many of the group must be seen: all of them make an "and", one of them an "or".
    jump : float
        What the group then adds.
    distractors : int
        Marks that speak for "other".
    off_object : int
        So many of the marks that speak for "planted" lie beside the object, the first of
        the group first: what a model reads off the background.

    Raises
    ------
    InputError
        When a number makes no sense, or the whole evidence is below 2, so that "planted"
        would not lose its lead when all is hidden.

    Examples
    --------
    >>> rule = any_of(2)
    >>> rule.game((0, 3), 5).shapley_values().tolist()
    [3.0, 0.0, 0.0, 3.0, 0.0]
    """

    weights: tuple[float, ...] = ()
    together: int = 0
    needed: int = 0
    jump: float = 6.0
    distractors: int = 0
    off_object: int = 0

    def __post_init__(self) -> None:
        if not all(isfinite(weight) and weight != 0 for weight in self.weights):
            raise InputError(f"weights must be finite and not 0; got {self.weights}")
        if not 0 <= self.together <= MOST_TOGETHER:
            raise InputError(f"together must be 0 to {MOST_TOGETHER}; got {self.together}")
        if not min(1, self.together) <= self.needed <= self.together:
            raise InputError(f"needed must be 1 to together, {self.together}; got {self.needed}")
        if not (isfinite(self.jump) and self.jump > 0):
            raise InputError(f"jump must be positive; got {self.jump}")
        if self.distractors < 0 or self.n_marks > MOST_MARKS:
            raise InputError(
                f"there must be at most {MOST_MARKS} marks in all, and no negative number of "
                f"them; got {self.n_marks}"
            )
        if not 0 <= self.off_object <= len(self.supporting):
            raise InputError(
                "off_object must be 0 to the number of marks that speak for the class, "
                f"{len(self.supporting)}; got {self.off_object}"
            )
        if self.evidence < _CLEAR_EVIDENCE:
            raise InputError(
                f"the evidence must add up to at least {_CLEAR_EVIDENCE:g} when all is seen; got "
                f"{self.evidence:g}"
            )

    @property
    def n_marks(self) -> int:
        """How many marks there are: those with weights first, the group, the distractors."""
        return len(self.weights) + self.together + self.distractors

    @property
    def group(self) -> tuple[int, ...]:
        """The marks that count together."""
        return tuple(range(len(self.weights), len(self.weights) + self.together))

    @property
    def supporting(self) -> tuple[int, ...]:
        """The marks that speak for the class, the group first."""
        return (*self.group, *(i for i, weight in enumerate(self.weights) if weight > 0))

    @property
    def opposing(self) -> tuple[int, ...]:
        """The marks that speak against it."""
        return tuple(i for i, weight in enumerate(self.weights) if weight < 0)

    @property
    def distracting(self) -> tuple[int, ...]:
        """The marks that speak for another class."""
        return tuple(range(self.n_marks - self.distractors, self.n_marks))

    @property
    def evidence(self) -> float:
        """What all marks together add to the log-odds."""
        return sum(self.weights) + self.jump * bool(self.together)

    def logits(self, seen: Bool[np.ndarray, "n m"]) -> Float64[np.ndarray, "n 3"]:
        """Decide from the marks that are seen: logits of "planted", "other" and "nothing".

        The probabilities of the latter two add up to a constant times that of the rest.
        """
        singles = len(self.weights)
        support = seen[:, :singles] @ np.array(self.weights, np.float64)
        if self.together:
            count = seen[:, list(self.group)].sum(axis=1)
            support = support + self.jump * (count >= self.needed)
        toward_other = 2.0 * seen[:, list(self.distracting)].sum(axis=1) - 1.0
        return np.stack(
            [support - self.evidence / 2, log_expit(toward_other), log_expit(-toward_other)],
            axis=1,
        )

    def leads(self, seen: Bool[np.ndarray, "n m"]) -> Bool[np.ndarray, " n"]:
        """Say where "planted" comes first."""
        return np.asarray(self.logits(seen).argmax(axis=1) == 0)

    def game(self, owners: Sequence[int], n_players: int) -> ToyGame:
        """Give the log-odds of "planted" as a game of superpixels whose answers are known.

        Parameters
        ----------
        owners : sequence of int
            The superpixel in which each mark lies; several marks may share one.
        n_players : int

        Notes
        -----
        [at least k of n] = Σ_{|T| ≥ k} (−1)^{|T|−k} C(|T|−1, k−1) Π_{j∈T} z_j.
        """
        coefficients: dict[tuple[int, ...], float] = {(): -self.evidence / 2}
        terms: list[tuple[tuple[int, ...], float]] = [
            ((i,), weight) for i, weight in enumerate(self.weights)
        ]
        for size in range(max(self.needed, 1), self.together + 1):
            factor = (-1) ** (size - self.needed) * comb(size - 1, self.needed - 1) * self.jump
            terms += [(members, factor) for members in combinations(self.group, size)]
        for marks, coefficient in terms:
            players = tuple(sorted({owners[mark] for mark in marks}))
            coefficients[players] = coefficients.get(players, 0.0) + coefficient
        return ToyGame(n_players, coefficients)

    def smallest_sufficient(
        self, owners: Sequence[int], *, precision: float = 1.0, hidden: float = 0.5
    ) -> list[tuple[int, ...]]:
        """List all smallest sets of superpixels that are enough for the prediction.

        Parameters
        ----------
        owners : sequence of int
            The superpixel in which each mark lies.
        precision : float
            Enough: "planted" still comes first in so large a share of the pictures in which
            every other superpixel is hidden with probability …
        hidden : float
            … this. 1 as precision: in all of them.

        Returns
        -------
        list of tuple of int
            Superpixels in increasing order; ``[()]`` where nothing need be kept.
        """
        players, kept, leads = self._decisions(owners)
        chance = np.where(kept, 1 - hidden, hidden)
        for size in range(len(players) + 1):
            found = []
            for chosen in combinations(range(len(players)), size):
                rest = [j for j in range(len(players)) if j not in chosen]
                rows = kept[:, list(chosen)].all(axis=1)
                share = chance[rows][:, rest].prod(axis=1) @ leads[rows]
                if share >= precision - 1e-12:
                    found.append(tuple(players[j] for j in chosen))
            if found:
                return found
        raise AssertionError("the whole picture keeps the prediction")

    def smallest_changes(self, owners: Sequence[int]) -> list[tuple[int, ...]]:
        """List all smallest sets of superpixels whose hiding loses "planted" its first place.

        Parameters
        ----------
        owners : sequence of int
            The superpixel in which each mark lies.

        Returns
        -------
        list of tuple of int
            Superpixels in increasing order.
        """
        players, kept, leads = self._decisions(owners)
        lost = ~kept[~leads]
        fewest = lost[lost.sum(axis=1) == lost.sum(axis=1).min()]
        return sorted(tuple(players[j] for j in np.flatnonzero(row)) for row in fewest)

    def _decisions(
        self, owners: Sequence[int]
    ) -> tuple[list[int], Bool[np.ndarray, "r p"], Bool[np.ndarray, " r"]]:
        """What the model says for every choice of the superpixels that hold marks."""
        players = sorted(set(owners))
        kept = all_masks(len(players)).masks
        seen = kept[:, [players.index(owner) for owner in owners]]
        return players, kept, self.leads(seen)


def additive(*weights: float, distractors: int = 0, off_object: int = 0) -> PlantedRule:
    """Every mark adds its own weight, whichever others are seen."""
    return PlantedRule(weights=weights, distractors=distractors, off_object=off_object)


def at_least(needed: int, of: int, *, distractors: int = 0, off_object: int = 0) -> PlantedRule:
    """So many marks of a group must be seen."""
    return PlantedRule(together=of, needed=needed, distractors=distractors, off_object=off_object)


def all_of(count: int, *, distractors: int = 0, off_object: int = 0) -> PlantedRule:
    """All marks must be seen: none of them says anything without the others."""
    return at_least(count, count, distractors=distractors, off_object=off_object)


def any_of(count: int, *, distractors: int = 0, off_object: int = 0) -> PlantedRule:
    """One mark is enough: the others are redundant, and none is missed when it goes."""
    return at_least(1, count, distractors=distractors, off_object=off_object)
