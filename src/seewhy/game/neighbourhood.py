"""Around a rule: pictures in which some superpixels stay and the others are hidden at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from seewhy.game.decision import Decision, Verdicts
from seewhy.game.design import all_masks, count_masks


@dataclass(frozen=True, eq=False)
class Draws:
    """Masked pictures drawn around a rule, and what the model said about them.

    Attributes
    ----------
    masks : (n, d) bool array
    backgrounds : (n,) int array
        Which decision of the neighbourhood was asked.
    verdicts : Verdicts
    """

    masks: Bool[np.ndarray, "n d"]
    backgrounds: Int64[np.ndarray, " n"]
    verdicts: Verdicts

    def __len__(self) -> int:
        return len(self.masks)

    @property
    def hits(self) -> int:
        """How many kept the prediction."""
        return int(self.verdicts.kept.sum())

    @classmethod
    def joined(cls, parts: Sequence[Draws]) -> Draws:
        """Return the draws of several rounds as one."""
        return cls(
            np.concatenate([part.masks for part in parts]),
            np.concatenate([part.backgrounds for part in parts]),
            Verdicts.joined([part.verdicts for part in parts]),
        )


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The law by which a rule's surroundings are hidden.

    Every superpixel outside the rule is hidden with probability ``hidden``,
    independently. What shows in its place is what the decision's game shows: the
    fill, or one of several other pictures, drawn anew every time.

    Attributes
    ----------
    decisions : tuple of Decision
        One per background; one for a fill.
    hidden : float
        In (0, 1].
    """

    decisions: tuple[Decision, ...]
    hidden: float

    @property
    def n_players(self) -> int:
        """Number of players d."""
        return self.decisions[0].n_players

    @property
    def evaluations(self) -> int:
        """Different masked pictures asked about so far."""
        return sum(decision.evaluations for decision in self.decisions)

    def draw(
        self,
        kept: Sequence[int],
        count: int,
        rng: np.random.Generator,
        *,
        off: int | None = None,
        most: int | None = None,
    ) -> Draws:
        """Draw masked pictures around a rule, and ask about them.

        Parameters
        ----------
        kept : sequence of int
            The rule.
        count : int
            How many; fewer when ``most`` is given and they would cost more.
        rng : numpy.random.Generator
        off : int, optional
            A superpixel that is hidden in all of them.
        most : int, optional
            Different pictures to pay for at most.
        """
        backgrounds = rng.integers(len(self.decisions), size=count)
        masks = rng.random((count, self.n_players)) >= self.hidden
        masks[:, list(kept)] = True
        if off is not None:
            masks[:, off] = False
        if most is not None and self._cost(masks, backgrounds) > most:
            masks, backgrounds = masks[:most], backgrounds[:most]
        return self.ask(masks, backgrounds)

    def ask(self, masks: Bool[np.ndarray, "n d"], backgrounds: Int64[np.ndarray, " n"]) -> Draws:
        """Ask about masks, each before its own background."""
        margins, winners = np.empty(len(masks)), np.empty(len(masks), np.int64)
        for number, decision in enumerate(self.decisions):
            rows = np.flatnonzero(backgrounds == number)
            if len(rows):
                answer = decision(masks[rows])
                margins[rows], winners[rows] = answer.margins, answer.winners
        return Draws(masks, backgrounds, Verdicts(margins, winners))

    def count(self, kept: Sequence[int]) -> float:
        """Count the masked pictures there are around a rule."""
        free = 0 if self.hidden == 1 else self.n_players - len(kept)
        return len(self.decisions) * count_masks(free)

    def count_all(self) -> float:
        """Count all masked pictures there are."""
        return len(self.decisions) * count_masks(self.n_players)

    def everything(self, kept: Sequence[int]) -> tuple[Draws, Float64[np.ndarray, " n"]]:
        """Ask about all masked pictures around a rule; return the probability of each, too."""
        masks = self._all_around(kept)
        weights = self._chances(masks, kept) / len(self.decisions)
        number = len(self.decisions)
        draws = self.ask(np.tile(masks, (number, 1)), np.repeat(np.arange(number), len(masks)))
        return draws, np.tile(weights, number)

    def _all_around(self, kept: Sequence[int]) -> Bool[np.ndarray, "n d"]:
        free = np.setdiff1d(np.arange(self.n_players), kept)
        if self.hidden == 1 or not len(free):
            masks = np.zeros((1, self.n_players), bool)
        else:
            parts = all_masks(len(free)).masks
            masks = np.zeros((len(parts), self.n_players), bool)
            masks[:, free] = parts
        masks[:, list(kept)] = True
        return masks

    def _chances(
        self, masks: Bool[np.ndarray, "n d"], kept: Sequence[int]
    ) -> Float64[np.ndarray, " n"]:
        shown = masks.sum(axis=1) - len(kept)
        free = self.n_players - len(kept)
        return (1 - self.hidden) ** shown * self.hidden ** (free - shown)

    def _cost(self, masks: Bool[np.ndarray, "n d"], backgrounds: Int64[np.ndarray, " n"]) -> int:
        return sum(
            decision.fresh(masks[backgrounds == number])
            for number, decision in enumerate(self.decisions)
        )
