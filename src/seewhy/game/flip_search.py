"""Search for few superpixels whose hiding changes what the model says.

Nothing is drawn by chance but one ranking: a masked picture either changes the
prediction or does not.

1. Hide every superpixel alone; one that changes the prediction ends the search.
2. Of masked pictures that are known to change it, hide as little as still does (by halving),
   and give back whatever is not needed. So with the strongest superpixels together.
3. Best-first: extend the set that comes nearest by every other superpixel, as long as that
   can give a smaller set than the best one so far.

References
----------
Martens, Provost: Explaining data-driven document classifications, MIS Quarterly 2014.
Vermeire, Brughmans et al.: Explainable image classification with evidence counterfactual,
Pattern Analysis and Applications 2022.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb, inf

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.decision import Decision
from seewhy.game.design import Design, all_masks, count_masks
from seewhy.game.game import Masks
from seewhy.game.neighbourhood import Neighbourhood
from seewhy.game.ranking import Ranking, can_rank, rank_by_margin, rank_by_paid

EXACT_AT_MOST = 1024
MOST_SEEDS = 3
KNOWN_AT_ONCE = 16
LARGE = 4
"""Sets above this size are worth a ranking of their own."""

Hidden = frozenset[int]


@dataclass(frozen=True)
class Flip:
    """Superpixels whose hiding changes the prediction, or comes nearest to that.

    Attributes
    ----------
    hide : tuple of int
        First what loses most of the gain when it is shown again. Empty where nothing comes
        nearer than the whole picture.
    gain : float
        By how much the lead is then with the class, or with another: only a positive one is
        a change.
    irreducible : bool
        Whether every set that leaves out one member was tried, and does not do.
    smallest : bool
        Whether every smaller set was tried.
    evaluations : int
        Different masked pictures asked about.
    """

    hide: tuple[int, ...]
    gain: float
    irreducible: bool
    smallest: bool
    evaluations: int


def find_flip(
    decision: Decision,
    budget: int,
    rng: np.random.Generator,
    *,
    gains_lead: bool,
    known: Masks | None = None,
    paid: Design | None = None,
    patient: bool = True,
) -> Flip:
    """Find few superpixels whose hiding makes a class gain the lead, or lose it.

    Parameters
    ----------
    decision : Decision
        About the class.
    budget : int
        Different masked pictures to ask about at most; no fewer than superpixels.
    rng : numpy.random.Generator
    gains_lead : bool
        Whether the class is to be first, which it is not, or to be first no more.
    known : (n, d) bool array, optional
        Masks to begin with, of which some may change the prediction.
    paid : Design, optional
        Pairs that were paid for, to rank superpixels by where a ranking is needed.
    patient : bool
        Go on for smaller sets until the budget ends or none is left to try; else until a
        search twice as long has found nothing better.
    """
    search = _Search(decision, 1.0 if gains_lead else -1.0, budget, rng)
    if count_masks(decision.n_players) <= min(EXACT_AT_MOST, budget):
        search.look_at(map(frozenset, _hidden_sets(all_masks(decision.n_players).masks)))
    else:
        search.run(known, paid, patient=patient)
    return search.best()


class _SpentError(Exception):
    """The budget has ended."""


class _Search:
    """One search, and everything it has looked at."""

    def __init__(
        self, decision: Decision, sign: float, budget: int, rng: np.random.Generator
    ) -> None:
        self.decision, self.sign = decision, sign
        self.budget, self.rng = budget, rng
        self.start = decision.evaluations
        self.n_players = decision.n_players
        self.areas = decision.game.areas
        whole = decision.elsewhere(decision.game)(np.ones((1, self.n_players), bool))
        self.gains: dict[Hidden, float] = {frozenset(): sign * float(whole.margins[0])}
        self.order: list[int] = []

    @property
    def left(self) -> int:
        return self.budget - (self.decision.evaluations - self.start)

    def run(self, known: Masks | None, paid: Design | None, *, patient: bool) -> None:
        """Look at sets until one is found that hardly can be bettered, or the budget ends."""
        everyone = range(self.n_players)
        try:
            alone = self.look_at([frozenset([player]) for player in everyone])
            self.order = [int(player) for player in np.argsort(-alone, kind="stable")]
            if self.smallest_size() > 1:
                self._from_known(known)
                self._from_rankings(paid)
                self._best_first(patient)
        except _SpentError:
            pass

    def look_at(self, sets: Iterable[Hidden]) -> Float64[np.ndarray, " n"]:
        """Return the gain of hiding each of some sets, asking about those not seen before."""
        wanted = list(sets)
        fresh = list(dict.fromkeys(hide for hide in wanted if hide not in self.gains))
        affordable = fresh[: max(0, self.left)]
        if affordable:
            gains = self.sign * self.decision(self._masks(affordable)).margins
            self.gains.update(zip(affordable, gains.tolist(), strict=True))
        if len(affordable) < len(fresh):
            raise _SpentError
        return np.array([self.gains[hide] for hide in wanted])

    def flips(self, hide: Hidden) -> bool:
        return bool(self.look_at([hide])[0] > 0)

    def smallest_size(self) -> float:
        return min((len(hide) for hide, gain in self.gains.items() if gain > 0), default=inf)

    def best(self) -> Flip:
        """The smallest set that flips, of those the one that covers least; else the nearest."""

        def worth(hide: Hidden) -> tuple[float, ...]:
            gain = self.gains[hide]
            if gain > 0:
                return (0, len(hide), float(self.areas[list(hide)].sum()), -gain)
            return (1, -gain, len(hide), 0)

        hide = min(self.gains, key=worth)
        gain = self.gains[hide]
        left = {player: self.gains.get(hide - {player}, inf) for player in sorted(hide)}
        irreducible = gain > 0 and all(rest <= 0 for rest in left.values())
        smallest = gain > 0 and self._all_tried_below(len(hide))
        ordered = tuple(sorted(left, key=lambda player: left[player]))
        return Flip(ordered, gain, irreducible, smallest, self.decision.evaluations)

    def _all_tried_below(self, size: int) -> bool:
        tried = np.bincount([len(hide) for hide in self.gains], minlength=size)
        return all(tried[s] == comb(self.n_players, s) for s in range(1, size))

    def _masks(self, sets: Sequence[Hidden]) -> Bool[np.ndarray, "n d"]:
        masks = np.ones((len(sets), self.n_players), bool)
        for mask, hide in zip(masks, sets, strict=True):
            mask[list(hide)] = False
        return masks

    def _from_rankings(self, paid: Design | None) -> None:
        """Hide the strongest together, by how strong they are alone; of many, also in company."""
        self._shortened(self.order)
        ranking = self._ranking(paid) if self.smallest_size() > LARGE else None
        if ranking is None:
            return
        masks = ranking.draws.masks
        gains = self.sign * ranking.draws.verdicts.margins
        self.gains.update(zip(map(frozenset, _hidden_sets(masks)), gains.tolist(), strict=True))
        effects = -self.sign * ranking.effects
        self._shortened([int(player) for player in np.argsort(-effects, kind="stable")])

    def _ranking(self, paid: Design | None) -> Ranking | None:
        if paid is not None and can_rank(paid):
            return rank_by_paid(self.decision, paid)
        if self.left < 2 * self.n_players:
            return None
        return rank_by_margin(Neighbourhood((self.decision,), 0.5), self.left // 2, self.rng)

    def _from_known(self, known: Masks | None) -> None:
        """Begin with pictures that are known to change the prediction, those that hide least."""
        if known is None or not len(known):
            return
        hiding = known[~known.all(axis=1)]
        sets = sorted(
            map(frozenset, _hidden_sets(hiding)), key=lambda hide: (len(hide), *sorted(hide))
        )
        flipping: list[Hidden] = []
        for start in range(0, len(sets), KNOWN_AT_ONCE):
            part = sets[start : start + KNOWN_AT_ONCE]
            gains = self.look_at(part)
            flipping += [hide for hide, gain in zip(part, gains, strict=True) if gain > 0]
            if len(flipping) >= MOST_SEEDS:
                break
        for hide in flipping[:MOST_SEEDS]:
            self._shortened([player for player in self.order if player in hide])

    def _shortened(self, order: Sequence[int]) -> None:
        """The shortest prefix of an order that flips, by halving, without what it can spare."""
        good, bad = len(order), 0
        if not self.flips(frozenset(order)):
            return
        while good - bad > 1:
            middle = (good + bad) // 2
            if self.flips(frozenset(order[:middle])):
                good = middle
            else:
                bad = middle
        self._reduced(order[:good])

    def _reduced(self, order: Sequence[int]) -> None:
        """Give back superpixels, the weakest first, until none can be spared."""
        hide = frozenset(order)
        spared = True
        while spared:
            spared = False
            for player in reversed(order):
                rest = hide - {player}
                if player in hide and rest and self.flips(rest):
                    hide, spared = rest, True

    def _best_first(self, patient: bool) -> None:
        """Extend what comes nearest, while that can give a smaller set than the best so far."""
        queue = [(-gain, sorted(hide)) for hide, gain in self.gains.items() if len(hide) == 1]
        heapq.heapify(queue)
        size, seen = self.smallest_size(), len(self.gains)
        while queue:
            nearest = frozenset(heapq.heappop(queue)[1])
            if len(nearest) + 1 >= size:
                continue
            if not patient and size < inf and len(self.gains) > 2 * seen:
                return
            children = [nearest | {j} for j in range(self.n_players) if j not in nearest]
            fresh = [child for child in children if child not in self.gains]
            for child, gain in zip(fresh, self.look_at(fresh), strict=True):
                heapq.heappush(queue, (-float(gain), sorted(child)))
            if self.smallest_size() < size:
                size, seen = self.smallest_size(), len(self.gains)
                self._reduced(self.best().hide)


def _hidden_sets(masks: Masks) -> list[list[int]]:
    return [np.flatnonzero(~mask).tolist() for mask in masks]
