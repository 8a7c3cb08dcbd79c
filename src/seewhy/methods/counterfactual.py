"""Counterfactuals: which few superpixels would have to go for the model to say something else."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from seewhy.errors import InputError
from seewhy.game.decision import Decision, decision_of
from seewhy.game.design import Design
from seewhy.game.driver import Listener, Progress
from seewhy.game.flip_search import Flip, find_flip
from seewhy.game.game import Game, Masks, View
from seewhy.methods.change import Change
from seewhy.methods.designed import AUTO_BUDGET, Budget

RIVALS = 3
"""Whose probabilities are told, before and after."""


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """Find the fewest superpixels whose hiding changes what the model says.

    A best-first search among sets of superpixels, from those that do most alone
    and in company, and from masked pictures that are known to change the prediction.
    What is found is irreducible: no member can be shown again without losing the
    change. With few superpixels all sets are compared.

    Parameters
    ----------
    target : int, str or None
        The class that is to be first: its index, or its name where names are known
        (`seewhy.explain`). None: any other than the present one.
    budget : int or "auto"
        Different masked pictures to ask about at most. A number is spent on ever
        smaller sets, until none is left to try; "auto" stops at 1 024, or when twice as
        much has found nothing smaller; at twice as many as superpixels, if those are more.
    name : str
        Under which the result is found.

    References
    ----------
    Vermeire, Brughmans, Goethals, Mazzine Barbossa de Oliveira, Martens: Explainable image
    classification with evidence counterfactual, Pattern Analysis and Applications 2022.

    Examples
    --------
    >>> def two_of_three(masks):
    ...     lead = masks[:, :3].sum(axis=1) - 1.5
    ...     return np.stack([lead, -lead], axis=1)
    >>> change = Counterfactual()(Game(two_of_three, 5), np.random.default_rng(0))
    >>> change.status, len(change.hide), change.becomes, change.smallest
    ('found', 2, 1, True)
    """

    target: int | str | None = None
    budget: Budget = "auto"
    name: str = "counterfactual"

    def __post_init__(self) -> None:
        whole = isinstance(self.budget, int | np.integer) and not isinstance(self.budget, bool)
        if self.budget != "auto" and not (whole and self.budget >= 1):
            raise InputError(f"budget must be 'auto' or a whole number; got {self.budget!r}")
        index = isinstance(self.target, int | np.integer) and not isinstance(self.target, bool)
        if not (index or self.target is None or isinstance(self.target, str)):
            raise InputError(
                f"target must be a class's name or index, or None; got {self.target!r}"
            )

    def __call__(
        self,
        game: Game | View,
        rng: np.random.Generator,
        *,
        known: Masks | None = None,
        paid: Design | None = None,
        progress: Listener | None = None,
    ) -> Change:
        """Search for the change.

        Parameters
        ----------
        game : Game or View
            The class that leads with everything kept is to lose its place. Of a view
            against a class Q, Q is to be first, unless the method names another.
        rng : numpy.random.Generator
            Draws the masks of a ranking, where one is needed.
        known : (n, d) bool array, optional
            Masks that were paid for and may change the prediction; looked through first.
        paid : Design, optional
            Pairs that other methods have paid for with this game, to rank superpixels by.
        progress : callable, optional
            Told how many masked pictures were asked about.

        Returns
        -------
        Change

        Raises
        ------
        InputError
            A game of one column, or whose leading class is tied; a class that does not
            exist or is first already; a budget below the number of superpixels.
        """
        start = time.perf_counter()
        bare = game.game if isinstance(game, View) else game
        decision = decision_of(bare)
        wanted = self._wanted(game, decision)
        self.check_budget(decision.n_players)
        most = self._most(decision.n_players)
        asked = decision if wanted is None else Decision(bare, wanted)
        if progress is not None:
            asked.listener = lambda: progress(
                Progress(f"{self.name}: asking the model", min(asked.evaluations, most), most)
            )
        flip = find_flip(
            asked,
            most,
            rng,
            gains_lead=wanted is not None,
            known=known,
            paid=paid,
            patient=self.budget != "auto",
        )
        seconds = time.perf_counter() - start
        return self._change(flip, bare, decision.predicted, wanted, seconds)

    def check_budget(self, n_players: int) -> None:
        """Refuse a budget that cannot hide each of so many superpixels alone.

        Raises
        ------
        InputError
            It names the budget that is needed.
        """
        most = self._most(n_players)
        if most < n_players:
            raise InputError(
                f"budget must be at least {n_players} masked pictures, one for each superpixel "
                f"alone; got {most}"
            )

    def _most(self, n_players: int) -> int:
        return max(AUTO_BUDGET, 2 * n_players) if self.budget == "auto" else int(self.budget)

    def _wanted(self, game: Game | View, decision: Decision) -> int | None:
        wanted = self.target
        if isinstance(wanted, str):
            raise InputError(
                f"target must be a class index where class names are not known; got {wanted!r}"
            )
        if wanted is None and isinstance(game, View):
            wanted = game.against
        classes = decision.n_classes
        if wanted is not None and not 0 <= wanted < classes:
            raise InputError(f"target must be a class index from 0 to {classes - 1}; got {wanted}")
        if wanted == decision.predicted:
            raise InputError(
                f"target must be another class than the present one, {wanted}: it is first already"
            )
        return None if wanted is None else int(wanted)

    def _change(
        self, flip: Flip, game: Game, predicted: int, wanted: int | None, seconds: float
    ) -> Change:
        masks = np.ones((2, game.n_players), bool)
        masks[1, list(flip.hide)] = False
        outputs = game(masks)
        before, after = _probabilities(game, outputs, wanted)
        return Change(
            status="found" if flip.gain > 0 else "not_found",
            hide=flip.hide,
            target=predicted,
            wanted=wanted,
            becomes=int(outputs[1].argmax()),
            margin=flip.gain,
            before=before,
            probabilities=after,
            area=float(game.areas[list(flip.hide)].sum()),
            irreducible=flip.irreducible,
            smallest=flip.smallest,
            evaluations=flip.evaluations,
            seconds=seconds,
            method=self,
        )


def _probabilities(
    game: Game, outputs: Float32[np.ndarray, "2 k"], wanted: int | None
) -> tuple[dict[int, float], dict[int, float]]:
    """Of the classes that matter before or after the change, likeliest after it first."""
    if game.columns == "raw":
        return {}, {}
    leading = np.argsort(-outputs, axis=1, kind="stable")[:, :RIVALS]
    told = {*leading.ravel().tolist(), *([] if wanted is None else [wanted])}
    order = sorted(told, key=lambda index: -outputs[1, index])
    before, after = np.exp(outputs.astype(np.float64))
    return {i: float(before[i]) for i in order}, {i: float(after[i]) for i in order}
