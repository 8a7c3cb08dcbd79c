"""A binary hierarchy of players: groups within groups, down to single superpixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64, Shaped

from seewhy.errors import InputError


@dataclass(frozen=True)
class Hierarchy:
    """Players joined two by two into ever larger groups, up to all of them.

    Nodes are numbered as in ``scipy.cluster.hierarchy``: 0…d−1 are the
    players (leaves), node d + i joins the two nodes of ``merges[i]``, and node
    2d − 2, the root, holds everyone.

    Parameters
    ----------
    n_players : int
        d, at least 1.
    merges : d − 1 pairs of int, or array (d − 1, 2)
        Every node but the root occurs once, and after it was made. Kept as a
        tuple of pairs.

    Raises
    ------
    InputError
        When the merges are no binary hierarchy of so many players.

    Examples
    --------
    >>> pairs = Hierarchy(4, ((0, 1), (2, 3), (4, 5)))
    >>> pairs.members[4].tolist(), pairs.sum_over_nodes(np.array([1, 2, 3, 4])).tolist()
    ([True, True, False, False], [1, 2, 3, 4, 3, 7, 10])
    """

    n_players: int
    merges: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        merges = np.array(self.merges) if len(self.merges) else np.empty((0, 2), np.int64)
        wanted = (self.n_players - 1, 2)
        if self.n_players < 1 or merges.shape != wanted or merges.dtype.kind not in "iu":
            raise InputError(
                f"merges must be whole numbers of shape {wanted} for {self.n_players} players, "
                f"one pair per join of two nodes; got {merges.dtype} of shape {merges.shape}"
            )
        made = np.arange(self.n_players, 2 * self.n_players - 1)[:, None]
        once = np.array_equal(np.sort(merges.ravel()), np.arange(2 * len(merges)))
        if not once or (merges >= made).any():
            raise InputError(
                "merges must join every node once, and only nodes made before: players are "
                f"0 to {self.n_players - 1}, and join i makes node {self.n_players} + i"
            )
        pairs = tuple((first, second) for first, second in merges.tolist())
        object.__setattr__(self, "merges", pairs)

    @property
    def n_nodes(self) -> int:
        """Number of nodes, 2d − 1: players, groups and the root."""
        return 2 * self.n_players - 1

    @property
    def root(self) -> int:
        """The node that holds everyone, 2d − 2."""
        return self.n_nodes - 1

    def downwards(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Go from the root down: every group with the two nodes that it joins."""
        for row in range(len(self.merges) - 1, -1, -1):
            yield self.n_players + row, self.merges[row]

    @cached_property
    def members(self) -> Bool[np.ndarray, "nodes d"]:
        """Tell which players each node holds."""
        members = np.zeros((self.n_nodes, self.n_players), bool)
        members[: self.n_players] = np.eye(self.n_players, dtype=bool)
        for node, (first, second) in enumerate(self.merges, start=self.n_players):
            members[node] = members[first] | members[second]
        return members

    @cached_property
    def siblings(self) -> Int64[np.ndarray, " nodes"]:
        """The node that each one is joined with; −1 for the root."""
        siblings = np.full(self.n_nodes, -1)
        for first, second in self.merges:
            siblings[first], siblings[second] = second, first
        return siblings

    @cached_property
    def parents(self) -> Int64[np.ndarray, " nodes"]:
        """The node that each one is joined into; −1 for the root."""
        parents = np.full(self.n_nodes, -1)
        for node, pair in enumerate(self.merges, start=self.n_players):
            parents[list(pair)] = node
        return parents

    def path_siblings(self, node: int) -> list[int]:
        """Blocks that stand beside a node on its way up to the root, nearest first.

        Together they hold everyone outside the node.
        """
        blocks = []
        while node != self.root:
            blocks.append(int(self.siblings[node]))
            node = int(self.parents[node])
        return blocks

    @cached_property
    def depths(self) -> Int64[np.ndarray, " nodes"]:
        """How many joins lie between each node and the root."""
        depths = np.zeros(self.n_nodes, np.int64)
        for node, pair in self.downwards():
            depths[list(pair)] = depths[node] + 1
        return depths

    def sum_over_nodes(
        self, values: Shaped[np.ndarray, "d ..."]
    ) -> Shaped[np.ndarray, "nodes ..."]:
        """Add up values of players within every node; a node is exactly the sum of its two."""
        values = np.asarray(values)
        sums = np.empty((self.n_nodes, *values.shape[1:]), values.dtype)
        sums[: self.n_players] = values
        for node, (first, second) in enumerate(self.merges, start=self.n_players):
            sums[node] = sums[first] + sums[second]
        return sums

    def cut(self, count: int) -> list[int]:
        """Return the ``count`` nodes that are left when the last merges are undone.

        They share out all players: a coarse explanation reads their values.
        """
        if not 1 <= count <= self.n_players:
            raise InputError(f"count must be from 1 to {self.n_players} groups; got {count}")
        made = self.n_nodes - count + 1
        return [node for node in range(made) if self.parents[node] >= made or node == self.root]


def hierarchy_from_affinity(affinity: Float[np.ndarray, "d d"]) -> Hierarchy:
    """Join players with the strongest mean affinity first.

    Average linkage: the affinity of two groups is the mean over all pairs of
    their players, so that large groups with a short common border wait, and
    the hierarchy stays shallow. Groups that touch nothing are joined last, the
    smallest first. Ties are broken by number.

    Parameters
    ----------
    affinity : (d, d) array
        Symmetric, non-negative; 0 for players that are not neighbours.

    Returns
    -------
    Hierarchy
    """
    matrix = np.array(affinity, dtype=np.float64)
    if matrix.ndim != 2 or not len(matrix) or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"affinity must be square, players by players; got shape {matrix.shape}")
    if not (np.array_equal(matrix, matrix.T) and (matrix >= 0).all()):
        raise InputError(
            "affinity must be symmetric and non-negative; use 0 for players that are not neighbours"
        )
    n_players = len(matrix)
    node, size = np.arange(n_players), np.ones(n_players)
    merges: list[tuple[int, int]] = []
    while len(node) > 1:
        first, second = _nearest(matrix, size)
        low, high = sorted((int(node[first]), int(node[second])))
        merges.append((low, high))
        matrix[first] += matrix[second]
        matrix[:, first] += matrix[:, second]
        size[first] += size[second]
        node[first] = n_players + len(merges) - 1
        matrix = np.delete(np.delete(matrix, second, axis=0), second, axis=1)
        node, size = np.delete(node, second), np.delete(size, second)
    return Hierarchy(n_players, tuple(merges))


def _nearest(sums: Float64[np.ndarray, "g g"], size: Float64[np.ndarray, " g"]) -> tuple[int, int]:
    """The two groups to join next, in order of their place."""
    above = np.triu(sums / np.outer(size, size), 1)
    if above.max() > 0:
        first, second = np.unravel_index(int(above.argmax()), above.shape)
    else:
        first, second = np.sort(np.argsort(size, kind="stable")[:2])
    return int(first), int(second)


def balanced_hierarchy(n_players: int) -> Hierarchy:
    """Halve the players by number, again and again: for players that nobody knows more about."""
    merges: list[tuple[int, int]] = []

    def join(start: int, stop: int) -> int:
        if stop - start == 1:
            return start
        middle = (start + stop + 1) // 2
        merges.append((join(start, middle), join(middle, stop)))
        return n_players + len(merges) - 1

    if n_players < 1:
        raise InputError(f"n_players must be at least 1; got {n_players}")
    join(0, n_players)
    return Hierarchy(n_players, tuple(merges))
