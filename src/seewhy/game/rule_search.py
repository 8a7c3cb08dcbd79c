"""Search for few superpixels that keep a prediction, and certify them on fresh masks.

1. Rank the superpixels by what they add to the lead of the class.
2. Find the shortest prefix of the ranking that passes a sequential test, then leave out
   whatever does not seem to be needed.
3. Certify it on masks that the search has not seen, with a bound that holds whenever one
   stops. If that fails, add the superpixel whose hiding went with the failures, and certify
   again; attempt t may err with probability 6δ/(πt)², δ in all.
4. Show for every member that without it the precision is too low; try to certify the rule
   without those of which that seems untrue.

With few superpixels every mask is asked, and all rules are compared exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from seewhy.game.all_rules import best_of_all
from seewhy.game.certificates import SequentialTest, certifies, lower_bound, upper_bound
from seewhy.game.design import Design
from seewhy.game.neighbourhood import Draws, Neighbourhood
from seewhy.game.ranking import Ranking, can_rank, rank_by_margin, rank_by_paid
from seewhy.game.sufficient import LEAST_FOR_RANKING, Certificate, Demands, Kept, Sufficient

EXACT_AT_MOST = 1024
"""So many masked pictures are enumerated rather than sampled."""

ROUND, SCREENING_ROUND = 32, 16
PREFIX_SCREENING = 2 * SCREENING_ROUND  # there is no better order to look for
SHARE_PER_SCREENING, SHARE_PER_CERTIFICATE, SHARE_PER_MEMBER = 1 / 32, 1 / 8, 1 / 32
LEAST_PER_MEMBER = 48
SHARE_LEFT = 1 / 8  # of the budget, for what is asked about a rule once it is certified
SCREENING_ERROR, GIVING_UP_ERROR = 0.2, 0.02
AIM = 0.8  # rules are sought that far between threshold and 1: nearer ones are dear to certify

Need = Literal["needed", "idle", "unclear"]


def find_sufficient(
    around: Neighbourhood,
    demands: Demands,
    rng: np.random.Generator,
    *,
    banned: Kept = (),
    paid: Design | None = None,
) -> Sufficient:
    """Find few superpixels that keep the prediction; see the module for how.

    Parameters
    ----------
    around : Neighbourhood
        The law of the masked pictures.
    demands : Demands
        Its budget at least its ``fewest``, or enough for all masks there are.
    rng : numpy.random.Generator
    banned : tuple of int
        Superpixels that may not belong to the rule.
    paid : Design, optional
        Pairs that were paid for, to rank superpixels by; the law has one background then.

    Returns
    -------
    Sufficient
        Its certificate may fall short: then it is the best that was found.
    """
    if around.count_all() <= min(EXACT_AT_MOST, demands.budget):
        return best_of_all(around, demands, banned)
    return _Search(around, demands, rng, banned).run(paid)


def certified_prefix(
    around: Neighbourhood, order: Sequence[int], demands: Demands, rng: np.random.Generator
) -> Certificate | None:
    """Find the shortest beginning of a given order that certifiably keeps the prediction.

    Parameters
    ----------
    around : Neighbourhood
        The law of the masked pictures.
    order : sequence of int
        Superpixels, the first to be kept first.
    demands : Demands
    rng : numpy.random.Generator

    Returns
    -------
    Certificate or None
        Of that beginning, or of a longer one where the budget was better spent so; None
        where it ended before any was certified.
    """
    return _Search(around, demands, rng, ()).prefix(list(order))


class _SpentError(Exception):
    """The budget has ended."""


class _Search:
    """One search for one rule, and what it has spent."""

    def __init__(
        self, around: Neighbourhood, demands: Demands, rng: np.random.Generator, banned: Kept
    ) -> None:
        self.around, self.demands, self.rng, self.banned = around, demands, rng, banned
        self.low = demands.threshold
        self.high = self.low + AIM * (1 - self.low)
        self.start, self.budget = around.evaluations, demands.budget
        self.most_per_screening = max(SHARE_PER_SCREENING * self.budget, demands.reserve)
        self.most_per_certificate = max(SHARE_PER_CERTIFICATE * self.budget, 4 * demands.reserve)
        self.later = int(SHARE_LEFT * self.budget)
        self.tried: dict[frozenset[int], list[Draws]] = {}
        self.best: Certificate | None = None

    @property
    def spent(self) -> int:
        return self.around.evaluations - self.start

    @property
    def left(self) -> int:
        return self.budget - self.spent

    def run(self, paid: Design | None) -> Sufficient:
        if paid is not None and can_rank(paid):
            ranking = rank_by_paid(self.around.decisions[0], paid)
        else:
            most = max(LEAST_FOR_RANKING, (self.left - self.demands.reserve) // 3)
            ranking = rank_by_margin(self.around, most, self.rng)
        order = [player for player in ranking.order() if player not in self.banned]
        kept = self._candidate(ranking, order)
        try:
            certificate = self._certified(kept, order)
        except _SpentError:
            certificate = None
        if certificate is not None:
            return self._reduced(certificate)
        assert self.best is not None  # as the budget holds at least one attempt
        return Sufficient(self.best, False, {}, self.spent)

    def prefix(self, order: list[int]) -> Certificate | None:
        """Screen the beginnings of an order by halves; lengthen what fails its certificate."""
        self.most_per_screening = PREFIX_SCREENING
        self.most_per_certificate = 2 * self.demands.reserve
        most = min(len(order), self.around.n_players - 1)
        every = self.around.count_all() <= min(EXACT_AT_MOST, self.budget)
        try:
            size, step = 0 if every else len(self._shortest_prefix(order, 0, False)), 1
            while size <= most:
                certificate = self._certificate(tuple(order[:size]))
                if certificate.certified:
                    return certificate
                size += step
                if not every:  # the last attempt that can be paid for is to succeed
                    last = self.left < self.most_per_certificate + 2 * self.demands.reserve
                    step, size = 2 * step, max(size, (3 * size + most) // 4 if last else 0)
        except _SpentError:
            pass
        return None

    def _candidate(self, ranking: Ranking, order: list[int]) -> Kept:
        """A short prefix that seems to do, without what does not seem to be needed."""
        kept: Kept = tuple(order[: self._guess(ranking, len(order))])
        try:
            kept = self._shortest_prefix(order, len(kept), self._fails_empty(ranking))
            for player in reversed(kept):
                rest = _without(kept, player)
                if self._passes(rest, off=player):
                    kept = rest
        except _SpentError:
            pass
        return kept

    def _guess(self, ranking: Ranking, most: int) -> int:
        foreseen = ranking.foreseen_precision(self.around.hidden)[:most]
        enough = np.flatnonzero(foreseen >= self.high)
        return int(enough[0]) if len(enough) else most // 2

    def _fails_empty(self, ranking: Ranking) -> bool:
        kept = ranking.draws.verdicts.kept
        hits = int(kept.sum())
        return upper_bound(hits, len(kept) - hits, SCREENING_ERROR) < self.low

    def _shortest_prefix(self, order: list[int], guess: int, fails_empty: bool) -> Kept:
        """The shortest prefix that passes: from a guess in doubling steps, then by halves."""
        unseen = min(len(order), self.around.n_players - 1)
        bad, good, step = 0 if fails_empty else -1, unseen, 1
        probe, below, above = guess, fails_empty, False
        while good - bad > 1:
            probe = min(max(probe, bad + 1), good - 1)
            if self._passes(tuple(order[:probe])):
                good, above = probe, True
                probe = (good + bad) // 2 if below else good - step
            else:
                bad, below = probe, True
                probe = (good + bad) // 2 if above else bad + step
            step *= 2
        return tuple(order[:good])

    def _passes(self, kept: Kept, *, off: int | None = None) -> bool:
        """Whether a rule seems precise enough, judged with ``off`` hidden every time."""
        test = SequentialTest(*self._window(off), SCREENING_ERROR)
        while test.answer == "undecided" and test.seen < self.most_per_screening:
            spare = self.demands.reserve
            _count(test, self._draw(kept, SCREENING_ROUND, off=off, spare=spare))
        return test.leaning == "high"

    def _window(self, off: int | None) -> tuple[float, float]:
        """Precisions to tell apart; of a member left out, when it is hidden every time.

        P(A∖k) = (1 − p) P(A) + p P(A∖k, k hidden), and P(A) is nearly 1.
        """
        if off is None:
            return self.low, self.high
        hidden = self.around.hidden
        low = max(1 - (1 - self.low) / hidden, 0.01)
        return low, max(1 - (1 - self.high) / hidden, (1 + low) / 2)

    def _draw(self, kept: Kept, count: int, *, off: int | None = None, spare: int = 0) -> Draws:
        if self.left <= spare:
            raise _SpentError
        return self.around.draw(kept, count, self.rng, off=off, most=self.left - spare)

    def _certified(self, kept: Kept, order: list[int]) -> Certificate | None:
        """Certify a rule, letting it grow until that succeeds; None if nothing is left to add."""
        while True:
            certificate = self._certificate(kept)
            if certificate.certified:
                return certificate
            addable = [player for player in order if player not in kept]
            if len(kept) + 1 >= self.around.n_players or not addable:
                return None
            kept = (*kept, _most_missed(certificate.draws, addable))

    def _certificate(self, kept: Kept) -> Certificate:
        """Ask all masks around a rule, or fresh ones until it is certified or will hardly be."""
        found = self._exact(kept) if self._countable(kept) else self._sampled(kept)
        if self.best is None or found.bound > self.best.bound:
            self.best = found
        return found

    def _countable(self, kept: Kept) -> bool:
        return self.around.count(kept) <= min(EXACT_AT_MOST, self.left)

    def _exact(self, kept: Kept) -> Certificate:
        draws, chances = self.around.everything(kept)
        precision = float(chances[draws.verdicts.kept].sum())
        return Certificate(kept, precision, precision, True, draws, precision >= self.low - 1e-12)

    def _sampled(self, kept: Kept) -> Certificate:
        """Draw fresh masks; a rule that was tried before goes on from where it was left."""
        parts = self.tried.setdefault(frozenset(kept), [])
        attempt = list(self.tried).index(frozenset(kept)) + 1
        error = self.demands.attempt_error(attempt)
        test = SequentialTest(self.low, self.high, GIVING_UP_ERROR)
        for part in parts:
            _count(test, part)
        most = test.seen + self.most_per_certificate
        certified = False
        while not certified and test.answer != "low" and test.seen < most:
            if parts and not self.left:
                break
            parts.append(self._draw(kept, ROUND))
            _count(test, parts[-1])
            certified = certifies(test.hits, test.misses, self.low, error)
        bound = lower_bound(test.hits, test.misses, error)
        draws = Draws.joined(parts)
        return Certificate(kept, test.hits / test.seen, bound, False, draws, certified)

    def _reduced(self, certificate: Certificate) -> Sufficient:
        """Show that every member is needed; leave out, certified, those that are not."""
        found_after = self.spent
        if self.demands.thrifty:
            self.budget = min(self.budget, 2 * found_after + self.later)
        for trial in range(1, len(certificate.kept) + 2):
            error = self.demands.attempt_error(trial) / max(len(certificate.kept), 1)
            needs, without, smaller = self._needs(certificate, error)
            if smaller is None:
                break
            certificate = smaller
        irreducible = len(needs) == len(certificate.kept) and set(needs.values()) <= {"needed"}
        return Sufficient(certificate, irreducible, without, found_after)

    def _needs(
        self, certificate: Certificate, error: float
    ) -> tuple[dict[int, Need], dict[int, float], Certificate | None]:
        """How much each member matters, up to the first without which a rule is certified."""
        needs: dict[int, Need] = {}
        without: dict[int, float] = {}
        try:
            for player in reversed(certificate.kept):
                needs[player], without[player] = self._need(certificate, player, error)
                if needs[player] == "idle":
                    smaller = self._certificate(_without(certificate.kept, player))
                    if smaller.certified:
                        return needs, without, smaller
        except _SpentError:
            pass
        return needs, without, None

    def _need(self, certificate: Certificate, player: int, error: float) -> tuple[Need, float]:
        """Whether a rule needs a member, and its precision without it."""
        rest, hidden = _without(certificate.kept, player), self.around.hidden
        if self._countable(rest):
            exact = self._exact(rest)
            return "idle" if exact.certified else "needed", exact.precision
        test = SequentialTest(*self._window(player), SCREENING_ERROR)
        need: Need = "unclear"
        while need == "unclear" and self._worth_asking(test):
            _count(test, self._draw(rest, SCREENING_ROUND, off=player, spare=self.later))
            at_most = 1 - hidden + hidden * upper_bound(test.hits, test.misses, error)
            if at_most < self.low:
                need = "needed"
            elif test.answer == "high":
                need = "idle"
        return need, (1 - hidden) * certificate.precision + hidden * test.hits / test.seen

    def _worth_asking(self, test: SequentialTest) -> bool:
        """Whether more draws will soon show that a member is needed, or is not."""
        if test.seen < LEAST_PER_MEMBER:
            return True
        clearly_low = test.hits / test.seen < test.low - (test.high - test.low) / 2
        return clearly_low and test.seen < SHARE_PER_MEMBER * self.demands.budget


def _count(test: SequentialTest, draws: Draws) -> None:
    test.add(draws.hits, len(draws) - draws.hits)


def _without(kept: Kept, player: int) -> Kept:
    return tuple(k for k in kept if k != player)


def _most_missed(draws: Draws, addable: list[int]) -> int:
    """The superpixel whose hiding costs most of the lead among these masked pictures."""
    margins = draws.verdicts.margins

    def effect(player: int) -> float:
        shown = draws.masks[:, player]
        if shown.all() or not shown.any():
            return 0.0
        return float(margins[shown].mean() - margins[~shown].mean())

    return max(addable, key=effect)
