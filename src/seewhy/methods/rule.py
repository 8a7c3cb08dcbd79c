"""What an anchor says: these superpixels are enough to keep the prediction, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from seewhy.game.robustness import Level, Transplant
from seewhy.methods.explanation import Method

Status = Literal["sufficient", "trivially_robust", "not_found"]
Background = Literal["fill", "pictures"]


class RuleMethod(Method, Protocol):
    """A method that finds rules: what was asked of them."""

    @property
    def precision(self) -> float:
        """What a rule must reach."""
        ...

    @property
    def confidence(self) -> float:
        """How surely."""
        ...

    @property
    def hidden(self) -> float:
        """Probability of hiding a superpixel outside the rule."""
        ...

    @property
    def background(self) -> Background:
        """What shows in its place."""
        ...


@dataclass(frozen=True)
class Example:
    """One masked picture that was asked about, and what the model made of it.

    Attributes
    ----------
    hidden : tuple of int
        The superpixels that were hidden.
    becomes : int
        The class that the model then put first.
    margin : float
        By how much the explained class led (log-probability, or raw output); negative
        where another class led.
    background : str or None
        Name of the picture that showed through; None where the fill did.
    """

    hidden: tuple[int, ...]
    becomes: int
    margin: float
    background: str | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Rule:
    """Superpixels that are enough for a prediction while others are hidden at random.

    Attributes
    ----------
    status : {"sufficient", "trivially_robust", "not_found"}
        "sufficient": the superpixels keep the prediction with a precision that is certified
        to reach the threshold. "trivially_robust": so does the empty set, so there is
        nothing to point at. "not_found": nothing was certified before the budget ended, or
        nothing was left to add; what is given is the best that was found.
    superpixels : tuple of int
        The rule, in the order in which its members were found to matter.
    target : int
        The class that is kept.
    against : int or None
        Keeping it means being ahead of this class; None: of all classes.
    precision : float
        Share of the masked pictures of the certificate that kept the prediction.
    precision_lower_bound : float
        Below which the precision lies with probability 1 − confidence at most, whenever
        the sampling ended.
    exact : bool
        Whether all masked pictures there are were asked: then the bound is the precision.
    draws : int
        Masked pictures of the certificate, drawn afresh after the search.
    coverage : float
        (1 − hidden)^size, the paper's: how often all members are kept by chance. It says
        the size again; `area`, `breakdown` and `transplants` say more.
    area : float
        Share of what the model sees that the members cover.
    irreducible : bool
        Whether it was shown that no member can go: without any one of them the precision
        is below the threshold. That has the same confidence as the bound, each on its own.
    without : tuple of float or None
        For every member, the precision without it; None where that was not measured.
    breakdown : float or None
        The largest tried probability of hiding at which the rule still held as often as
        the threshold asks; None where not even its own does, or the budget had ended.
    levels : tuple of Level
        What `breakdown` was read from.
    transplants : tuple of Transplant
        The rule on other pictures, all else of which is theirs; empty where none were given.
    keeps, breaks : tuple of Example
        Typical masked pictures that kept the prediction, and the worst that broke it,
        worst first.
    alternatives : tuple of Rule
        Further rules that share no superpixel with any before them.
    found_after : int
        Masked pictures asked about until a rule was first certified; what came after made
        it smaller, showed which members are needed, and how far it holds.
    evaluations : int
        Masked pictures that this costs alone, its alternatives included; where other methods'
        pairs were there to rank superpixels by, beside those.
    seconds : float
        Wall-clock time, the model's included.
    method : RuleMethod
        The settings that made it.
    """

    status: Status
    superpixels: tuple[int, ...]
    target: int
    against: int | None
    precision: float
    precision_lower_bound: float
    exact: bool
    draws: int
    coverage: float
    area: float
    irreducible: bool
    without: tuple[float | None, ...]
    breakdown: float | None
    levels: tuple[Level, ...]
    transplants: tuple[Transplant, ...]
    keeps: tuple[Example, ...]
    breaks: tuple[Example, ...]
    alternatives: tuple[Rule, ...] = ()
    found_after: int
    evaluations: int
    seconds: float
    method: RuleMethod

    @property
    def name(self) -> str:
        """The method's name."""
        return self.method.name

    @property
    def confidence(self) -> float:
        """How surely the bound holds."""
        return self.method.confidence

    @property
    def transplant_rate(self) -> float | None:
        """Share of other pictures on which the prediction went along; None without any."""
        if not self.transplants:
            return None
        return sum(each.keeps for each in self.transplants) / len(self.transplants)
