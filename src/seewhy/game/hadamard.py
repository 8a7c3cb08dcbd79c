"""Hadamard fold-over designs: main effects without cross-talk, neighbours kept apart.

A block takes d columns of the Sylvester–Hadamard matrix of order N ≥ d, flips
their signs at random, and pays for every row and its complement. On such a
block main effects are exactly orthogonal, and interactions of even order
cancel. What is left is third order: the product of columns i, j, k is column
i ⊕ j ⊕ k, so the triple biases a main effect only if *that* column belongs to
a player. Superpixels that touch interact most; their triples are steered to
unused columns by simulated annealing.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from seewhy.game.design import Design, Law, from_masks, interleave_complements

ANNEALING_STEPS = 5000
HOTTEST, COLDEST = 2.0, 0.05


def fold_over(
    n_players: int,
    order: int,
    rng: np.random.Generator,
    *,
    affinity: Float[np.ndarray, "d d"] | None = None,
) -> Design:
    """Make one fold-over block of 2 ``order`` masks.

    Parameters
    ----------
    n_players : int
        d, at most ``order``.
    order : int
        N, a power of two.
    rng : numpy.random.Generator
        Draws columns and signs.
    affinity : (d, d) array, optional
        Which players are neighbours; without it, columns are random.

    Returns
    -------
    Design
        Rows of law "fold-over"; every single row is uniform on {0, 1}^d.
    """
    columns = rng.permutation(order)
    if affinity is not None and n_players > 2:
        columns = _keep_neighbours_apart(columns, affinity > 0, rng)
    parity = np.bitwise_count(np.arange(order)[:, None] & columns[None, :n_players]) & 1
    flips = rng.random(n_players) < 0.5
    return from_masks(interleave_complements((parity == 1) ^ flips), Law.FOLD_OVER)


def smallest_order(at_least: float) -> int:
    """Return the smallest power of two that is not below ``at_least``."""
    return 1 << max(0, int(np.ceil(np.log2(max(at_least, 1.0)))))


def neighbour_triples(
    adjacent: Bool[np.ndarray, "d d"],
) -> tuple[Int[np.ndarray, "t 3"], Float[np.ndarray, " t"]]:
    """List the triples of players that hang together, and how much each matters.

    Returns
    -------
    triples : (t, 3) int array
        Sorted triples with at least two of the three possible borders.
    weights : (t,) float array
        1, or 2 when all three touch each other.
    """
    found: dict[tuple[int, int, int], float] = {}
    for centre, row in enumerate(adjacent):
        near = np.flatnonzero(row).tolist()
        for place, first in enumerate(near):
            for second in near[place + 1 :]:
                a, b, c = sorted((centre, first, second))
                found[a, b, c] = 2.0 if adjacent[first, second] else 1.0
    triples = np.array(list(found), dtype=np.int64).reshape(-1, 3)
    return triples, np.array(list(found.values()))


def _keep_neighbours_apart(
    columns: Int[np.ndarray, " n"], adjacent: Bool[np.ndarray, "d d"], rng: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """Permute ``columns`` (the first d of which are used) to unload the used ones."""
    triples, weights = neighbour_triples(adjacent)
    if not len(triples):
        return columns
    state = _Assignment(columns, triples, weights, len(adjacent))
    order = len(columns)
    players = rng.integers(len(adjacent), size=ANNEALING_STEPS)
    places = rng.integers(order, size=ANNEALING_STEPS)
    patience = rng.exponential(size=ANNEALING_STEPS)
    heat = np.geomspace(HOTTEST, COLDEST, ANNEALING_STEPS)
    for player, place, limit in zip(
        players.tolist(), places.tolist(), (patience * heat).tolist(), strict=True
    ):
        if player != place:
            state.swap_if_cheaper_than(limit, player, place)
    return np.array(state.column)


class _Assignment:
    """Which column every player holds, and the weight of the triples that alias to it.

    ``column[p]`` is the column at place p; places below d are players, the
    others are free. Plain lists: a step touches some thirty triples, too few
    for arrays to pay.
    """

    def __init__(
        self,
        columns: Int[np.ndarray, " n"],
        triples: Int[np.ndarray, "t 3"],
        weights: Float[np.ndarray, " t"],
        n_players: int,
    ) -> None:
        self.column: list[int] = columns.tolist()
        self.n_players = n_players
        self.weight: list[float] = weights.tolist()
        self.alias: list[int] = np.bitwise_xor.reduce(columns[triples], axis=1).tolist()
        self.load = [0.0] * len(columns)
        self.used = [0] * len(columns)
        for place, column in enumerate(self.column):
            self.used[column] = int(place < n_players)
        for alias, weight in zip(self.alias, self.weight, strict=True):
            self.load[alias] += weight
        self.triples_of: list[set[int]] = [set() for _ in range(len(columns))]
        for number, triple in enumerate(triples.tolist()):
            for player in triple:
                self.triples_of[player].add(number)

    def swap_if_cheaper_than(self, limit: float, player: int, place: int) -> None:
        """Let two places trade columns if the load on used ones grows by less than ``limit``."""
        mine, other = self.column[player], self.column[place]
        shift = mine ^ other
        moved = self.triples_of[player] ^ self.triples_of[place]
        change = 0.0
        if place >= self.n_players:
            change = self.load[other] - self.load[mine]
            self.used[mine], self.used[other] = 0, 1
        for triple in moved:
            alias = self.alias[triple]
            change += self.weight[triple] * (self.used[alias ^ shift] - self.used[alias])
        if change > limit:
            if place >= self.n_players:
                self.used[mine], self.used[other] = 1, 0
            return
        self.column[player], self.column[place] = other, mine
        for triple in moved:
            alias, weight = self.alias[triple], self.weight[triple]
            self.load[alias] -= weight
            self.load[alias ^ shift] += weight
            self.alias[triple] = alias ^ shift
