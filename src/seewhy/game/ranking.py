"""In what order superpixels hold a prediction up: main effects on the lead of its class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.special import ndtr

from seewhy.game.decision import Decision
from seewhy.game.design import PAIRED_LAWS, UNIFORM_LAWS, Design, Law, ends
from seewhy.game.hadamard import smallest_order
from seewhy.game.linear_models import from_pairs
from seewhy.game.neighbourhood import Draws, Neighbourhood
from seewhy.game.plans import fitted_to_budget


@dataclass(frozen=True, eq=False)
class Ranking:
    """What keeping each superpixel adds to the lead, and the masked pictures that told so.

    Attributes
    ----------
    effects : (d,) array
        E[margin | kept] − E[margin | hidden], over half-hidden pictures.
    level : float
        Mean margin of half-hidden pictures.
    rest : float
        Variance of the margin that the effects leave over.
    draws : Draws
        The half-hidden pictures.
    """

    effects: Float64[np.ndarray, " d"]
    level: float
    rest: float
    draws: Draws

    def order(self) -> list[int]:
        """Return the superpixels, those that hold the prediction up most first."""
        return [int(player) for player in np.argsort(-self.effects, kind="stable")]

    def foreseen_precision(self, hidden: float) -> Float64[np.ndarray, " d_plus_1"]:
        """Foresee the precision of keeping the first 0, 1, … d superpixels.

        A margin is taken for a normal sum of independent effects: a guess of where to
        look, no more.
        """
        strength = np.sort(self.effects)[::-1]
        kept = np.append(0.0, np.cumsum(strength)) / 2
        free = strength.sum() - 2 * kept
        squares = np.sum(strength**2) - np.append(0.0, np.cumsum(strength**2))
        mean = self.level + kept + (0.5 - hidden) * free
        spread = np.sqrt(hidden * (1 - hidden) * squares + self.rest + 1e-12)
        return np.asarray(ndtr(mean / spread), np.float64)


def fewest_for_ranking(n_players: int) -> int:
    """Return how many masked pictures a good ranking takes."""
    return 2 * smallest_order(n_players)


def rank_by_margin(around: Neighbourhood, most: int, rng: np.random.Generator) -> Ranking:
    """Pay for a fold-over block of pairs and read main effects of the lead off a surrogate.

    Parameters
    ----------
    around : Neighbourhood
        Both pictures of a pair have the same background.
    most : int
        Masked pictures to spend at most, at least 4; few are spent on random pairs.
    rng : numpy.random.Generator
    """
    affinity = around.decisions[0].game.affinity
    count = min(most, fewest_for_ranking(around.n_players))
    design = ends(around.n_players) | fitted_to_budget(around.n_players, count, rng, affinity)
    half = rng.integers(len(around.decisions), size=len(design) // 2)
    return _ranking(design, around.ask(design.masks, np.repeat(half, 2)))


def rank_by_paid(decision: Decision, paid: Design) -> Ranking:
    """Read the same off pairs that other methods have paid for: a better ranking, for nothing.

    Parameters
    ----------
    decision : Decision
        It does not count them as asked.
    paid : Design
        Such that `can_rank`.
    """
    rows = paid.rows(Law.ENDS, *PAIRED_LAWS)
    design = Design(paid.masks[rows], paid.laws[rows], paid.held_out[rows])
    here = Neighbourhood((decision.elsewhere(decision.game),), 0.5)
    return _ranking(design, here.ask(design.masks, np.zeros(len(design), np.int64)))


def can_rank(paid: Design) -> bool:
    """Tell whether a design holds as many half-hidden pairs as a ranking would pay for."""
    return int(paid.rows(*UNIFORM_LAWS).sum()) >= fewest_for_ranking(paid.n_players)


def _ranking(design: Design, draws: Draws) -> Ranking:
    """Main effects of the lead; what is told beside them is about half-hidden pictures alone."""
    margins = draws.verdicts.margins
    model = from_pairs(design, margins[:, None])
    inner = design.rows(*UNIFORM_LAWS, held_out=None)
    effects = model.values[:, 0]
    left = float(np.var(margins[inner]) - np.sum(effects**2) / 4)
    return Ranking(
        effects,
        float(margins[inner].mean()),
        max(left, 0.0),
        Draws(draws.masks[inner], draws.backgrounds[inner], draws.verdicts[inner]),
    )
