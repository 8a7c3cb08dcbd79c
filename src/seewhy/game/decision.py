"""Does the model still say so? The top class of a masked picture, and by how much it leads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from seewhy.errors import InputError
from seewhy.game.game import Game, Masks, View


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What the model said about some masked pictures.

    Attributes
    ----------
    margins : (n,) array
        By how much the class leads: log p of it minus that of the best rival (of raw
        outputs: their difference). Only a positive margin keeps the prediction; a tie
        does not.
    winners : (n,) int array
        The class that is first.
    """

    margins: Float64[np.ndarray, " n"]
    winners: Int64[np.ndarray, " n"]

    @property
    def kept(self) -> Bool[np.ndarray, " n"]:
        """Which masked pictures kept the prediction."""
        return self.margins > 0

    def __getitem__(self, rows: np.ndarray | slice) -> Verdicts:
        return Verdicts(self.margins[rows], self.winners[rows])

    @classmethod
    def joined(cls, parts: Sequence[Verdicts]) -> Verdicts:
        """Return the verdicts of several batches as one."""
        return cls(
            np.concatenate([part.margins for part in parts]),
            np.concatenate([part.winners for part in parts]),
        )


class Decision:
    """The question whether one class stays ahead, asked of a game.

    Made by `decision_of`. It counts the different masks it was asked about: what
    this costs alone, whatever the game remembers from other questions.

    Parameters
    ----------
    game : Game
        At least two columns.
    predicted : int
        The class P.
    against : int, optional
        Ahead of this class alone; default: ahead of every other class.

    Attributes
    ----------
    listener : callable or None
        Called whenever masks were asked about.
    """

    def __init__(self, game: Game, predicted: int, against: int | None = None) -> None:
        self.game = game
        self.predicted = predicted
        self.against = against
        self.listener: Callable[[], None] | None = None
        self._asked: set[bytes] = set()

    @property
    def n_players(self) -> int:
        """Number of players d of the game."""
        return self.game.n_players

    @property
    def n_classes(self) -> int:
        """Number of columns of the game."""
        return self.game(np.ones((1, self.n_players), bool)).shape[1]

    @property
    def evaluations(self) -> int:
        """Different masks asked about so far, through this decision."""
        return len(self._asked)

    def __call__(self, masks: Masks) -> Verdicts:
        """Ask about masks, in portions of the game's own size."""
        step = self.game.portion
        parts = []
        for start in range(0, len(masks), step) or [0]:
            portion = masks[start : start + step]
            parts.append(self._judged(self.game(portion)))
            self._asked.update(row.tobytes() for row in np.packbits(portion, axis=1))
            if self.listener is not None:
                self.listener()
        return Verdicts.joined(parts)

    def elsewhere(self, game: Game) -> Decision:
        """Ask the same of another game of the same players and classes."""
        return Decision(game, self.predicted, self.against)

    def fresh(self, masks: Masks) -> int:
        """Count the different masks among these that were not asked about before."""
        return len({row.tobytes() for row in np.packbits(masks, axis=1)} - self._asked)

    def _judged(self, outputs: Float32[np.ndarray, "n k"]) -> Verdicts:
        rivals = None if self.against is None else [self.against]
        return Verdicts(
            lead(outputs, self.predicted, rivals), outputs.argmax(axis=1).astype(np.int64)
        )


def lead(
    outputs: Float32[np.ndarray, "n k"], column: int, rivals: Sequence[int] | None = None
) -> Float64[np.ndarray, " n"]:
    """Return by how much a column exceeds the largest of its rivals (default: all others)."""
    exact = outputs.astype(np.float64)
    if rivals is None:
        own = exact[:, column].copy()
        exact[:, column] = -np.inf
        return own - exact.max(axis=1)
    return exact[:, column] - exact[:, list(rivals)].max(axis=1)


def decision_of(game: Game | View) -> Decision:
    """Ask about the class that the model puts first with everything kept.

    Parameters
    ----------
    game : Game or View
        Of a view against a class Q: whether its one target stays ahead of Q.

    Raises
    ------
    InputError
        A game of one column; two classes that share the first place; a view of several
        targets, or of a target that is not ahead.
    """
    whole = np.ones((1, game.n_players), bool)
    if isinstance(game, View) and game.against is not None:
        return _contrast(game, whole)
    bare = game.game if isinstance(game, View) else game
    outputs = bare(whole)
    if outputs.shape[1] < 2:
        raise InputError(
            "game must have at least two columns for a rule, one per class; got one, which is "
            "always first: add what it competes with, such as 1 − p"
        )
    first, second = np.argsort(-outputs[0], kind="stable")[:2]
    if outputs[0, first] == outputs[0, second]:
        raise InputError(
            f"the model must put one class first on the whole picture; it ranks {int(first)} and "
            f"{int(second)} equally, so there is no prediction to keep or to change"
        )
    return Decision(bare, int(first))


def _contrast(view: View, whole: Masks) -> Decision:
    if len(view.targets) != 1:
        raise InputError(
            f"target must be one class for a rule against another; got {len(view.targets)}"
        )
    decision = Decision(view.game, view.targets[0], view.against)
    if decision(whole).margins[0] <= 0:
        raise InputError(
            f"target must be the class that the model prefers on the whole picture; it gives class "
            f"{view.against} no less than class {view.targets[0]}: hold them the other way round"
        )
    return decision
