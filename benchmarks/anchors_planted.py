"""Whether rules hold what they promise: anchors of games whose precisions can be computed.

Six kinds of games of d superpixels, of which nothing is known to the search: all of 3 needed, one
of 3 enough, 2 of 3, 4 of 7 (the others hang nothing on), votes with random weights of all d, and
random networks that half-hidden pictures leave undecided. Six games of each kind and d, five
seeds each; `Anchors()` as it is, with precision and confidence .95. Per row:

* evaluations (median), and size (mean) of the rules;
* certified: share of runs that are not "not_found";
* below .95: share of certified rules whose true precision is; and surely: by 3 standard errors.
  The true precision is exact up to d = 14, where all masks are asked, and else the share of
  100 000 fresh masks that keep the prediction (standard error .0007); the confidence allows 5 %;
* bound too high: share of all runs whose bound exceeds the true precision; and surely;
* irreducible: share of certified rules that are said to be; and of these the share of which it is
  untrue: without some member the true precision surely still is .95 (20 000 fresh masks each).
  Four of 7 are needed, but any three already hold in .9375: sampling hardly tells that from .95;
* Jaccard: mean over pairs of seeds of the same game. Interchangeable superpixels (one of 3, 2 of
  3, 4 of 7) have no right answer to agree on.

    OMP_NUM_THREADS=1 python benchmarks/anchors_planted.py
    OMP_NUM_THREADS=1 python benchmarks/anchors_planted.py --players 14 --games 2 --seeds 2
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small matrices; before NumPy loads

import numpy as np

from seewhy.game.design import all_masks
from seewhy.game.game import Game
from seewhy.game.toys import network_game, threshold_game
from seewhy.methods.anchors import Anchors
from seewhy.methods.rule import Rule

THRESHOLD = 0.95
PLAYERS = (8, 14, 20, 40, 89)
FRESH, FRESH_PER_MEMBER, AT_ONCE = 100_000, 20_000, 20_000
ENUMERATED = 14
SURELY = 3.0

Maker = Callable[[int, np.random.Generator], Game]


@dataclass(frozen=True)
class Run:
    """One rule, and what is true of it."""

    game: int
    rule: Rule
    precision: float
    error: float
    reducible: bool

    @property
    def certified(self) -> bool:
        """Whether it was said to be sufficient, or nothing to be needed."""
        return self.rule.status != "not_found"

    def below(self, level: float, surely: float) -> bool:
        """Whether the true precision is below a level, by so many standard errors."""
        return self.precision + surely * self.error < level - 1e-9


def among_nulls(members: int, quota: float) -> Maker:
    """Some members with a vote each, anywhere; all others have none."""

    def make(n_players: int, rng: np.random.Generator) -> Game:
        votes = np.zeros(n_players)
        votes[rng.choice(n_players, members, replace=False)] = 1
        return threshold_game(votes, quota)

    return make


def weighted(n_players: int, rng: np.random.Generator) -> Game:
    weights = rng.exponential(size=n_players)
    return threshold_game(weights, 0.55 * weights.sum())


KINDS: dict[str, Maker] = {
    "all of 3": among_nulls(3, 2.5),
    "1 of 3": among_nulls(3, 0.5),
    "2 of 3": among_nulls(3, 1.5),
    "4 of 7": among_nulls(7, 3.5),
    "weighted votes": weighted,
    "network": network_game,
}


def standard_error(precision: float, draws: int) -> float:
    return float(np.sqrt(precision * (1 - precision) / draws))


def true_precision(
    game: Game, kept: Sequence[int], draws: int, hidden: float, rng: np.random.Generator
) -> tuple[float, float]:
    """The share of masks around what is kept that keep class 0, and its standard error."""
    free = np.setdiff1d(np.arange(game.n_players), kept)
    if game.n_players <= ENUMERATED:
        shown = all_masks(len(free)).masks if len(free) else np.ones((1, 0), bool)
        masks = np.ones((len(shown), game.n_players), bool)
        masks[:, free] = shown
        chances = np.where(shown, 1 - hidden, hidden).prod(axis=1)
        return float(chances[game(masks, remember=False)[:, 0] > 0].sum()), 0.0
    hits = 0
    for _ in range(draws // AT_ONCE):
        masks = rng.random((AT_ONCE, game.n_players), np.float32) >= hidden
        masks[:, list(kept)] = True
        hits += int((game(masks, remember=False)[:, 0] > 0).sum())
    return hits / draws, standard_error(THRESHOLD, draws)


def is_reducible(game: Game, rule: Rule, hidden: float, rng: np.random.Generator) -> bool:
    for player in rule.superpixels:
        rest = [k for k in rule.superpixels if k != player]
        without, error = true_precision(game, rest, FRESH_PER_MEMBER, hidden, rng)
        if without - SURELY * error >= THRESHOLD:
            return True
    return False


def runs_of(make: Maker, n_players: int, games: int, seeds: int) -> list[Run]:
    runs = []
    method = Anchors(precision=THRESHOLD)
    for number in range(games):
        for seed in range(seeds):
            game = make(n_players, np.random.default_rng([n_players, number]))
            rule = method(game, np.random.default_rng(seed))
            fresh = np.random.default_rng([n_players, number, seed, 1])
            precision, error = true_precision(game, rule.superpixels, FRESH, method.hidden, fresh)
            reducible = rule.irreducible and is_reducible(game, rule, method.hidden, fresh)
            runs.append(Run(number, rule, precision, error, reducible))
    return runs


def likeness(runs: Sequence[Run]) -> float:
    """Mean Jaccard of the rules of the same game."""
    pairs = [
        (set(a.rule.superpixels), set(b.rule.superpixels))
        for a, b in combinations(runs, 2)
        if a.game == b.game
    ]
    return float(np.mean([len(a & b) / len(a | b) if a | b else 1.0 for a, b in pairs]))


def share(flags: Sequence[bool]) -> str:
    return f"{100 * float(np.mean(flags)):.1f} %" if len(flags) else "–"


def row(name: str, players: str, runs: Sequence[Run]) -> str:
    certified = [run for run in runs if run.certified]
    flagged = [run for run in certified if run.rule.irreducible]
    cells = [
        name,
        players,
        str(len(runs)),
        f"{np.median([run.rule.evaluations for run in runs]):.0f}",
        f"{np.mean([len(run.rule.superpixels) for run in runs]):.1f}",
        share([run.certified for run in runs]),
        share([run.below(THRESHOLD, 0) for run in certified]),
        share([run.below(THRESHOLD, SURELY) for run in certified]),
        share([run.below(run.rule.precision_lower_bound, 0) for run in runs]),
        share([run.below(run.rule.precision_lower_bound, SURELY) for run in runs]),
        share([run.rule.irreducible for run in certified]),
        share([run.reducible for run in flagged]),
        f"{likeness(runs):.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--players", type=int, nargs="+", default=PLAYERS)
    parser.add_argument("--games", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(
        "| game | d | runs | evaluations | size | certified | below .95 | surely "
        "| bound too high | surely | irreducible | untrue | Jaccard |"
    )
    print("|---|" + "---:|" * 12)
    everything: list[Run] = []
    for name, make in KINDS.items():
        for n_players in options.players:
            runs = runs_of(make, n_players, options.games, options.seeds)
            before = len(everything)
            everything += [replace(run, game=before + run.game) for run in runs]
            print(row(name, str(n_players), runs), flush=True)
    print(row("all", "", everything))


if __name__ == "__main__":
    main()
