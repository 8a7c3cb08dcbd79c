"""Anchors: which superpixels are enough to keep the prediction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from seewhy.errors import InputError
from seewhy.game.decision import Decision, decision_of
from seewhy.game.design import Design, count_masks
from seewhy.game.driver import Listener, Progress
from seewhy.game.game import Game, View
from seewhy.game.neighbourhood import Draws, Neighbourhood
from seewhy.game.robustness import Level, levels_beyond, of_other_classes, transplants
from seewhy.game.rule_search import EXACT_AT_MOST, find_sufficient
from seewhy.game.sufficient import Certificate, Demands, Sufficient
from seewhy.methods.designed import Budget
from seewhy.methods.rule import Background, Example, Rule, Status

AUTO_BUDGET = 4096
FEWEST_IN_AUTO, MOST_IN_AUTO = 16, 65_536
SHARE_FOR_LEVELS = 8
MOST_EXAMPLES = 4


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """Find few superpixels that are enough for the prediction while others are hidden at random.

    A rule's precision is the share of pictures in which the model still says the
    same when its superpixels stay and every other one is hidden with probability
    ``hidden``. The search ranks superpixels by a surrogate of the lead of the class,
    shortens the ranking by sequential tests and leaves out what is not needed; then the
    precision is certified on fresh masked pictures, with a lower bound that holds
    whenever the sampling ends. With few superpixels all rules are compared exactly.

    Parameters
    ----------
    precision : float
        What a rule must reach, in (0, 1).
    confidence : float
        How surely, in (0, 1): rules said to be sufficient fall short of it no more often
        than 1 − confidence.
    budget : int or "auto"
        Different masked pictures to ask about at most, for every rule. "auto": 4 096, up to
        65 536 for a precision very near 1, but no more to make a certified rule smaller
        than it took to find it. Transplants cost two pictures for each background on top.
    hidden : float
        Probability of hiding a superpixel outside the rule; ½ as in the paper. A rule for
        1 keeps the prediction with everything else hidden.
    background : {"fill", "pictures"}
        What shows where a superpixel is hidden: the fill, or other pictures, a new
        one for every mask.
    count : int
        So many rules, of which no two share a superpixel (fewer if there are no more).
    name : str
        Under which the result is found.

    References
    ----------
    Ribeiro, Singh, Guestrin: Anchors: high-precision model-agnostic explanations, AAAI 2018.

    Examples
    --------
    >>> def both_needed(masks):
    ...     lead = masks[:, 0] * masks[:, 2] - 0.5
    ...     return np.stack([lead, -lead], axis=1)
    >>> rule = Anchors()(Game(both_needed, 5), np.random.default_rng(0))
    >>> rule.status, rule.superpixels, rule.precision
    ('sufficient', (0, 2), 1.0)
    """

    precision: float = 0.95
    confidence: float = 0.95
    budget: Budget = "auto"
    hidden: float = 0.5
    background: Background = "fill"
    count: int = 1
    name: str = "anchors"

    def __post_init__(self) -> None:
        for name in ("precision", "confidence"):
            value = getattr(self, name)
            if not (isinstance(value, float | np.floating) and 0 < value < 1):
                raise InputError(f"{name} must lie between 0 and 1, exclusive; got {value!r}")
        number = isinstance(self.hidden, int | float | np.number)
        if isinstance(self.hidden, bool) or not (number and 0 < self.hidden <= 1):
            raise InputError(f"hidden must be a probability in (0, 1]; got {self.hidden!r}")
        if self.background not in ("fill", "pictures"):
            raise InputError(f"background must be 'fill' or 'pictures'; got {self.background!r}")
        whole = isinstance(self.budget, int | np.integer) and not isinstance(self.budget, bool)
        if self.budget != "auto" and not (whole and self.budget >= 1):
            raise InputError(f"budget must be 'auto' or a whole number; got {self.budget!r}")
        whole = isinstance(self.count, int | np.integer) and not isinstance(self.count, bool)
        if not whole or self.count < 1:
            raise InputError(f"count must be a whole number of at least 1; got {self.count!r}")

    def __call__(
        self,
        game: Game | View,
        rng: np.random.Generator,
        *,
        backgrounds: Mapping[str, Game] | None = None,
        paid: Design | None = None,
        progress: Listener | None = None,
    ) -> Rule:
        """Search, certify, and say how far the rule holds.

        Parameters
        ----------
        game : Game or View
            The class that leads with everything kept is to stay ahead of all others. Of a
            view against a class Q, its one target is to stay ahead of Q.
        rng : numpy.random.Generator
            Draws masks and backgrounds.
        backgrounds : mapping of str to Game, optional
            The same players, with other pictures where they are hidden: for transplants,
            and for ``background="pictures"``.
        paid : Design, optional
            Pairs that other methods have paid for with this game: superpixels are ranked by
            them, and the search costs less. Certificates use fresh masks all the same.
        progress : callable, optional
            Told how many masked pictures were asked about.

        Returns
        -------
        Rule

        Raises
        ------
        InputError
            A game of one column, or whose leading class is tied; a budget too small for
            any certificate; no backgrounds where they are needed.
        """
        start = time.perf_counter()
        decision = decision_of(game)
        elsewhere = {name: decision.elsewhere(game) for name, game in (backgrounds or {}).items()}
        others = of_other_classes(elsewhere)
        around = self._around(decision, others)
        paid = paid if self.background == "fill" else None
        demands = self._demands(around)
        asked = (decision, *elsewhere.values())
        for each in asked:
            each.listener = lambda: self._tell(asked, demands, progress)
        rules: list[Rule] = []
        while len(rules) < self.count:
            banned = tuple(player for rule in rules for player in rule.superpixels)
            spent = evaluations_of(asked)
            found = find_sufficient(around, demands, rng, banned=banned, paid=paid)
            if rules and not (found.certificate.certified and found.members):
                break
            left = demands.budget - (evaluations_of(asked) - spent)
            most = min(left, demands.budget // SHARE_FOR_LEVELS)
            rule = self._rule(found, around, others, rng, most)
            rules.append(replace(rule, evaluations=evaluations_of(asked) - spent))
            if rule.status != "sufficient":
                break
        return replace(
            rules[0],
            alternatives=tuple(rules[1:]),
            evaluations=evaluations_of(asked),
            seconds=time.perf_counter() - start,
        )

    def _around(self, decision: Decision, others: Mapping[str, Decision]) -> Neighbourhood:
        if self.background == "fill":
            return Neighbourhood((decision,), self.hidden)
        if not others:
            raise InputError(
                "backgrounds must hold at least one picture of another class for "
                "background='pictures'; got none: give more pictures, or use background='fill'"
            )
        return Neighbourhood(tuple(others.values()), self.hidden)

    def _demands(self, around: Neighbourhood) -> Demands:
        demands = Demands(self.precision, 1 - self.confidence, AUTO_BUDGET)
        self._check_budget(around.count_all())
        if self.budget == "auto":
            most = max(AUTO_BUDGET, min(FEWEST_IN_AUTO * demands.fewest, MOST_IN_AUTO))
            return replace(demands, budget=most, thrifty=True)
        return replace(demands, budget=int(self.budget))

    def check_budget(self, n_players: int) -> None:
        """Refuse a budget with which nothing can be certified for so many superpixels.

        Raises
        ------
        InputError
            It names the budget that is needed.
        """
        self._check_budget(count_masks(n_players))

    def _check_budget(self, masked_pictures: float) -> None:
        needed = Demands(self.precision, 1 - self.confidence, AUTO_BUDGET).fewest
        if masked_pictures <= EXACT_AT_MOST:
            needed = min(needed, int(masked_pictures))
        if (MOST_IN_AUTO if self.budget == "auto" else self.budget) < needed:
            raise InputError(
                f"budget must be at least {needed} masked pictures to certify a precision of "
                f"{self.precision:g} with confidence {self.confidence:g}; got {self.budget}: "
                "raise it, or ask for less precision"
            )

    def _rule(
        self,
        found: Sufficient,
        around: Neighbourhood,
        others: Mapping[str, Decision],
        rng: np.random.Generator,
        most: int,
    ) -> Rule:
        certificate, members = found.certificate, found.members
        decision = around.decisions[0]
        status: Status = "sufficient" if members else "trivially_robust"
        levels: tuple[Level, ...] = ()
        if certificate.certified:
            own = _own_level(certificate, self.hidden)
            levels = (own, *levels_beyond(around, members, self.precision, rng, most=most))
        names = list(others) if self.background == "pictures" else [None]
        return Rule(
            status=status if certificate.certified else "not_found",
            superpixels=members,
            target=decision.predicted,
            against=decision.against,
            precision=certificate.precision,
            precision_lower_bound=certificate.bound,
            exact=certificate.exact,
            draws=len(certificate.draws),
            coverage=(1 - self.hidden) ** len(members),
            area=float(decision.game.areas[list(members)].sum()),
            irreducible=found.irreducible,
            without=tuple(found.without.get(player) for player in members),
            breakdown=_breakdown(levels, self.precision),
            levels=levels,
            transplants=transplants(members, others) if status == "sufficient" else (),
            keeps=_typical(certificate.draws, names),
            breaks=_worst(certificate.draws, names),
            found_after=found.found_after,
            evaluations=0,
            seconds=0.0,
            method=self,
        )

    def _tell(self, asked: Sequence[Decision], demands: Demands, progress: Listener | None) -> None:
        if progress is not None:
            paid, most = evaluations_of(asked), demands.budget * self.count
            progress(Progress(f"{self.name}: asking the model", paid, max(paid, most)))


def evaluations_of(decisions: Sequence[Decision]) -> int:
    """Count the different masked pictures that some decisions asked about."""
    return sum(decision.evaluations for decision in decisions)


def _own_level(certificate: Certificate, hidden: float) -> Level:
    share, draws = certificate.precision, len(certificate.draws)
    error = 0.0 if certificate.exact else float(np.sqrt(share * (1 - share) / draws))
    return Level(hidden, share, draws, error)


def _breakdown(levels: Sequence[Level], threshold: float) -> float | None:
    held = [level.hidden for level in levels if level.precision >= threshold - 1e-12]
    return max(held, default=None)


def _typical(draws: Draws, names: Sequence[str | None]) -> tuple[Example, ...]:
    """Different pictures that kept the prediction, nearest to their median lead."""
    margins = draws.verdicts.margins
    kept = np.flatnonzero(draws.verdicts.kept)
    if not len(kept):
        return ()
    middling = np.abs(margins[kept] - np.median(margins[kept]))
    return _examples(draws, kept[np.argsort(middling, kind="stable")], names)


def _worst(draws: Draws, names: Sequence[str | None]) -> tuple[Example, ...]:
    """Different pictures that broke the prediction, the worst first."""
    order = np.argsort(draws.verdicts.margins, kind="stable")
    return _examples(draws, order[~draws.verdicts.kept[order]], names)


def _examples(draws: Draws, rows: np.ndarray, names: Sequence[str | None]) -> tuple[Example, ...]:
    found: dict[tuple[tuple[int, ...], str | None], Example] = {}
    for row in rows:
        hidden = tuple(int(player) for player in np.flatnonzero(~draws.masks[row]))
        name = names[draws.backgrounds[row]]
        verdicts = draws.verdicts
        becomes, margin = int(verdicts.winners[row]), float(verdicts.margins[row])
        found.setdefault((hidden, name), Example(hidden, becomes, margin, name))
        if len(found) == MOST_EXAMPLES:
            break
    return tuple(found.values())
