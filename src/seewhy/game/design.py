"""Designs: which masks to pay for, and the law they were drawn from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import comb, inf

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.errors import InputError

MAX_ENUMERATED_PLAYERS = 20


class Law(StrEnum):
    """Where a mask of a design comes from."""

    ENDS = "ends"  # all kept, and all hidden: known exactly, outside every budget
    BERNOULLI = "bernoulli"  # every player kept with probability ½, independently
    PAIRS = "pairs"  # Bernoulli masks, each followed by its complement
    FOLD_OVER = "fold-over"  # Hadamard rows, each followed by its complement
    SINGLES = "singles"  # one player alone, and its complement
    SIZES = "sizes"  # masks of every size equally often, each followed by its complement
    LEVERAGE = "leverage"  # pairs of all sizes in equal shares, enumerated where there are few
    WALKS = "walks"  # players joining one by one, and the same backwards
    CONTEXTS = "contexts"  # pairs that split one group of a hierarchy, others kept or hidden whole
    ALL = "all"  # every mask there is


UNIFORM_LAWS = (Law.PAIRS, Law.FOLD_OVER)
"""Pairs of which every single mask is uniform on {0, 1}^d."""

PAIRED_LAWS = (*UNIFORM_LAWS, Law.SINGLES, Law.SIZES)
"""Laws whose rows come as a mask followed by its complement."""


@dataclass(frozen=True, eq=False)
class Design:
    """Masks to pay for, and the law each of them was drawn from.

    Parameters
    ----------
    masks : (n, d) bool array
        ``True`` where a player is kept. Of a paired law, rows come as a mask
        followed by its complement.
    laws : (n,) array of str
        The `Law` of every row.
    held_out : (n,) bool array
        Rows that no estimate may be fitted to; they measure its fidelity.

    Examples
    --------
    >>> design = ends(3) | bernoulli_pairs(3, 2, np.random.default_rng(0))
    >>> design.masks.shape, design.budget
    ((6, 3), 4)
    """

    masks: Bool[np.ndarray, "n d"]
    laws: np.ndarray
    held_out: Bool[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.masks)

    def __or__(self, other: Design) -> Design:
        """Join two designs: the rows of this one, then the rows of the other."""
        return join([self, other])

    @property
    def n_players(self) -> int:
        """Number of players d."""
        return int(self.masks.shape[1])

    @property
    def budget(self) -> int:
        """Masks that count towards a budget: all but the two ends."""
        return int((self.laws != Law.ENDS).sum())

    def rows(self, *laws: Law, held_out: bool | None = False) -> Bool[np.ndarray, " n"]:
        """Tell which rows have one of the laws (any, when none is named).

        Parameters
        ----------
        *laws : Law
        held_out : bool or None
            Only rows to be fitted (False), only held-out rows (True), or both (None).
        """
        chosen = np.isin(self.laws, laws) if laws else np.ones(len(self), bool)
        return chosen if held_out is None else chosen & (self.held_out == held_out)


def from_masks(masks: Bool[np.ndarray, "n d"], law: Law, *, held_out: bool = False) -> Design:
    """Make a design of masks that all come from one law."""
    return Design(masks, np.full(len(masks), law), np.full(len(masks), held_out))


def join(designs: Iterable[Design]) -> Design:
    """Join designs, one below the other."""
    parts = list(designs)
    return Design(
        np.concatenate([part.masks for part in parts]),
        np.concatenate([part.laws for part in parts]),
        np.concatenate([part.held_out for part in parts]),
    )


def no_masks(n_players: int) -> Design:
    """Nothing to pay for: the start of a union."""
    return from_masks(np.empty((0, n_players), bool), Law.ENDS)


def ends(n_players: int) -> Design:
    """Everything kept, and everything hidden."""
    return from_masks(np.repeat([[True], [False]], n_players, axis=1), Law.ENDS)


def end_scores(
    design: Design, scores: Float64[np.ndarray, "n t"]
) -> tuple[Float64[np.ndarray, " t"], Float64[np.ndarray, " t"]]:
    """Return v(N) and v(∅), which every plan begins with."""
    outside = design.rows(Law.ENDS)
    kept = design.masks[:, 0]
    return scores[outside & kept][0], scores[outside & ~kept][0]


def count_masks(n_players: int) -> float:
    """Return how many masks there are, 2^d; infinitely many above 60 players."""
    return 2.0**n_players if n_players <= 60 else inf


def all_masks(n_players: int) -> Design:
    """Every mask there is, 2^d of them.

    Raises
    ------
    InputError
        More than 20 players: over a million masks.
    """
    if n_players > MAX_ENUMERATED_PLAYERS:
        raise InputError(
            f"n_players must be at most {MAX_ENUMERATED_PLAYERS} to enumerate all masks; "
            f"got {n_players}: use a sampled design"
        )
    numbers = np.arange(2**n_players)[:, None]
    return from_masks((numbers >> np.arange(n_players) & 1).astype(bool), Law.ALL)


def bernoulli(n_players: int, n_masks: int, rng: np.random.Generator) -> Design:
    """Independent masks that keep every player with probability ½."""
    return from_masks(rng.random((n_masks, n_players)) < 0.5, Law.BERNOULLI)


def bernoulli_pairs(
    n_players: int,
    n_pairs: int,
    rng: np.random.Generator,
    *,
    held_out: bool = False,
    avoid: Design | None = None,
) -> Design:
    """Bernoulli masks, each followed by its complement: 2 ``n_pairs`` rows, none twice.

    Fewer pairs come back when fewer exist. No pair of ``avoid`` is drawn.
    """
    taken = set() if avoid is None else {_pair_key(row) for row in avoid.masks}
    wanted = min(n_pairs, 2 ** min(n_players - 1, 62) - len(taken))
    halves: list[np.ndarray] = []
    while len(halves) < wanted:
        for row in rng.random((wanted, n_players)) < 0.5:
            if len(halves) < wanted and _pair_key(row) not in taken:
                taken.add(_pair_key(row))
                halves.append(row)
    masks = interleave_complements(np.array(halves, bool).reshape(-1, n_players))
    return from_masks(masks, Law.PAIRS, held_out=held_out)


def singles(n_players: int) -> Design:
    """Every player alone, and everyone but it: 2d rows."""
    return from_masks(interleave_complements(np.eye(n_players, dtype=bool)), Law.SINGLES)


def sized_pairs(
    n_players: int,
    n_pairs: int,
    rng: np.random.Generator,
    *,
    smallest: int = 2,
    avoid: Design | None = None,
) -> Design:
    """Masks of ``smallest`` … d/2 players, every size in turn, each followed by its complement.

    Fewer pairs come back when fewer exist. No pair comes twice, nor one of ``avoid``.
    """
    taken = set() if avoid is None else {_pair_key(row) for row in avoid.masks}
    left = {size: _pairs_of(n_players, size) for size in range(smallest, n_players // 2 + 1)}
    for key in taken:
        size = min(sum(key), n_players - sum(key))
        if size in left:
            left[size] -= 1
    halves: list[np.ndarray] = []
    while len(halves) < n_pairs and any(left.values()):
        for size in rng.permutation([size for size, count in left.items() if count]).tolist():
            if len(halves) < n_pairs:
                halves.append(_new_mask(n_players, size, rng, taken))
                left[size] -= 1
    masks = interleave_complements(np.array(halves, bool).reshape(-1, n_players))
    return from_masks(masks, Law.SIZES)


def _pairs_of(n_players: int, size: int) -> int:
    """How many different pairs hold a mask of so many players."""
    return comb(n_players, size) // (2 if 2 * size == n_players else 1)


def _new_mask(
    n_players: int, size: int, rng: np.random.Generator, taken: set[bytes]
) -> Bool[np.ndarray, " d"]:
    while True:
        mask = np.zeros(n_players, bool)
        mask[rng.permutation(n_players)[:size]] = True
        if (key := _pair_key(mask)) not in taken:
            taken.add(key)
            return mask


def _pair_key(mask: Bool[np.ndarray, " d"]) -> bytes:
    return min(mask.tobytes(), (~mask).tobytes())


def interleave_complements(masks: Bool[np.ndarray, "n d"]) -> Bool[np.ndarray, "m d"]:
    """Follow every mask by its complement: (n, d) to (2n, d)."""
    return np.stack([masks, ~masks], axis=1).reshape(-1, masks.shape[1])
