"""Contexts: the masks that Owen values of a hierarchy are made of.

Every join of a hierarchy is asked about on its own: one side kept and the other
hidden, while each block beside the way up to the root is kept or hidden as a
whole. With depth blocks on the way there are 2^depth contexts; the complement
of one is the other side in another.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Int64

from seewhy.errors import InputError
from seewhy.game.design import Design, Law, from_masks, interleave_complements
from seewhy.game.hierarchy import Hierarchy

MAX_CONTEXTS = 2**20
FIRST_BLOCK = 256
ENDLESS = 40  # bits of a number of contexts that nobody will ever ask


def count_contexts(hierarchy: Hierarchy) -> int:
    """Return how many masks exact Owen values need, the two ends apart."""
    joins = hierarchy.depths[hierarchy.n_players :]
    return sum(2 << depth for depth in joins.tolist())


def context_masks(hierarchy: Hierarchy) -> Design:
    """Every mask that exact Owen values need: mask and complement by turns, none twice.

    Raises
    ------
    InputError
        Over a million masks.
    """
    if (needed := count_contexts(hierarchy)) > MAX_CONTEXTS:
        raise InputError(
            f"hierarchy must need at most {MAX_CONTEXTS} masks for exact Owen values; this one "
            f"needs {needed}: use a sampled design"
        )
    halves = [
        contexts_of(hierarchy, node) | hierarchy.members[first]
        for node, (first, _) in enumerate(hierarchy.merges, start=hierarchy.n_players)
    ]
    masks = np.concatenate([np.empty((0, hierarchy.n_players), bool), *halves])
    return from_masks(interleave_complements(masks), Law.CONTEXTS)


def context_blocks(
    hierarchy: Hierarchy, most: int, rng: np.random.Generator, *, growing: bool
) -> Iterator[Design]:
    """Draw from `context_masks` in equal shares over all joins, none twice.

    Of joins near the root, all contexts soon are there. On photos of 50
    superpixels, a surrogate fitted to 1 000 of these has a quarter to a fifteenth
    of the squared error of one fitted to as many masks that tear groups apart.

    Parameters
    ----------
    hierarchy : Hierarchy
    most : int
        Masks in all blocks together; an odd one stays unspent, and so does what
        exceeds all there are.
    rng : numpy.random.Generator
    growing : bool
        Yield 256 masks, then as many again as there are, instead of all at once.

    Yields
    ------
    Design
        Rows of law "contexts", mask and complement by turns.
    """
    left = min(most, count_contexts(hierarchy)) // 2
    draws = ContextDraws(hierarchy, rng)
    while left:
        size = max(FIRST_BLOCK // 2, draws.taken) if growing else left
        size = left if left < 2 * size else size  # no small block at the end
        yield draws.draw(size)
        left -= size


class ContextDraws:
    """Contexts of a hierarchy, drawn in equal shares over all joins, none twice.

    Parameters
    ----------
    hierarchy : Hierarchy
    rng : numpy.random.Generator
    besides : Design, optional
        Contexts among these are there already: they count for their joins, and are not drawn.
    """

    def __init__(
        self, hierarchy: Hierarchy, rng: np.random.Generator, *, besides: Design | None = None
    ) -> None:
        self._hierarchy, self._rng = hierarchy, rng
        self._taken: list[set[bytes]] = [set() for _ in hierarchy.merges]
        if besides is not None:
            for mask, join in zip(besides.masks, joins_of(hierarchy, besides.masks), strict=True):
                if join >= 0:
                    first = mask[hierarchy.members[hierarchy.merges[join][0]]].all()
                    self._taken[join].add((mask if first else ~mask).tobytes())

    @property
    def taken(self) -> int:
        """How many pairs are there, drawn or not."""
        return sum(len(keys) for keys in self._taken)

    @property
    def left(self) -> int:
        """How many pairs are not there yet."""
        return count_contexts(self._hierarchy) // 2 - self.taken

    def draw(self, pairs: int) -> Design:
        """Draw so many pairs, or all that are left, for the joins that have the fewest."""
        counts = _next_counts(self._hierarchy, self._taken, min(pairs, self.left), self._rng)
        halves = [
            _draw_contexts(self._hierarchy, row, count, self._taken[row], self._rng)
            for row, count in enumerate(counts.tolist())
            if count
        ]
        masks = np.concatenate([np.empty((0, self._hierarchy.n_players), bool), *halves])
        return from_masks(interleave_complements(masks), Law.CONTEXTS)


def joins_of(hierarchy: Hierarchy, masks: Bool[np.ndarray, "n d"]) -> Int64[np.ndarray, " n"]:
    """Tell which join every mask is a context of, by its place in ``merges``; −1 if of none.

    A context keeps one side of its join and hides the other; every block beside the way
    up from there is kept or hidden whole. Of two joins no mask is a context.
    """
    kept = masks @ hierarchy.members.T.astype(np.int64)
    whole = (kept == 0) | (kept == hierarchy.members.sum(axis=1))
    joins = np.full(len(masks), -1)
    surrounded = np.ones_like(whole)  # by blocks that are kept or hidden whole
    for node, (first, second) in hierarchy.downwards():
        surrounded[:, first] = surrounded[:, node] & whole[:, second]
        surrounded[:, second] = surrounded[:, node] & whole[:, first]
        split = whole[:, first] & whole[:, second] & ~whole[:, node]
        joins[split & surrounded[:, node]] = node - hierarchy.n_players
    return joins


def _next_counts(
    hierarchy: Hierarchy, taken: list[set[bytes]], size: int, rng: np.random.Generator
) -> Int64[np.ndarray, " m"]:
    """How many more contexts each join gets: one by one to those that have the fewest."""
    before = np.array([len(keys) for keys in taken])
    there_are = 2 ** np.minimum(hierarchy.depths[hierarchy.n_players :], ENDLESS)
    counts = before.copy()
    while (left := size - int((counts - before).sum())) > 0:
        room = np.flatnonzero(counts < there_are)
        fewest = room[counts[room] == counts[room].min()]
        counts[rng.permutation(fewest)[:left]] += 1
    return counts - before


def _draw_contexts(
    hierarchy: Hierarchy, row: int, count: int, taken: set[bytes], rng: np.random.Generator
) -> Bool[np.ndarray, "c d"]:
    """Draw masks that split one join, in contexts that are not in ``taken``, which they join."""
    node, first = hierarchy.n_players + row, hierarchy.members[hierarchy.merges[row][0]]
    blocks = hierarchy.members[hierarchy.path_siblings(node)]
    dense = 2 * (count + len(taken)) > 2 ** min(len(blocks), ENDLESS)
    drawn: list[np.ndarray] = []
    while len(drawn) < count:
        if dense:
            contexts = rng.permutation(contexts_of(hierarchy, node))
        else:
            contexts = (rng.random((count, len(blocks))) < 0.5) @ blocks
        for mask in contexts | first:
            if len(drawn) < count and (key := mask.tobytes()) not in taken:
                taken.add(key)
                drawn.append(mask)
    return np.array(drawn)


def contexts_of(hierarchy: Hierarchy, node: int) -> Bool[np.ndarray, "c d"]:
    """Every way to keep or hide the blocks beside a node's path; nothing of the node itself."""
    contexts = np.zeros((1, hierarchy.n_players), bool)
    for block in hierarchy.path_siblings(node):
        contexts = np.concatenate([contexts, contexts | hierarchy.members[block]])
    return contexts
