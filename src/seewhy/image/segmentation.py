"""A segmentation: which pixel belongs to which superpixel.

Superpixels are the players of the game, numbered 0…d−1 whatever labels came in.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Int32, Int64, Shaped

from seewhy.errors import InputError

OUTSIDE = -1
"""Label of a pixel that belongs to no superpixel."""


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Segmentation:
    """A picture cut into superpixels, each a player numbered 0…d−1.

    Parameters
    ----------
    labels : integer array (h, w)
        Any whole numbers (starting at one, with gaps, negative); they are renumbered
        0…d−1 in increasing order of the number given.
    outside : bool array (h, w), optional
        Pixels that belong to no superpixel, whatever their label: they get
        :data:`OUTSIDE` and are never hidden.
    method : str
        How the labels came about, for the record.
    settings : mapping, optional
        The settings of that method, for the record.

    Attributes
    ----------
    labels : int32 array (h, w), read-only
        0…d−1, and :data:`OUTSIDE` where ``outside`` is True.
    count : int
        Number of superpixels, d.

    Raises
    ------
    InputError
        If labels are not whole numbers in two dimensions, or no pixel lies inside.

    Examples
    --------
    >>> import numpy as np
    >>> cut = Segmentation(np.array([[7, 7, -3], [7, 9, -3]]))
    >>> cut.labels.tolist(), cut.count
    ([[1, 1, 0], [1, 2, 0]], 3)
    """

    labels: Int32[np.ndarray, "h w"]
    count: int
    method: str
    settings: dict[str, Any]

    def __init__(
        self,
        labels: Int[np.ndarray, "h w"],
        *,
        outside: Bool[np.ndarray, "h w"] | None = None,
        method: str = "labels",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        given = _checked_labels(labels)
        inside = None if outside is None else ~_checked_outside(outside, given.shape)
        numbered, count = _renumbered(given, inside)
        numbered.flags.writeable = False
        object.__setattr__(self, "labels", numbered)
        object.__setattr__(self, "count", count)
        object.__setattr__(self, "method", method)
        object.__setattr__(self, "settings", dict(settings or {}))

    def __repr__(self) -> str:
        height, width = self.shape
        return f"Segmentation({self.count} superpixels by {self.method}, {height}×{width} pixels)"

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.labels.shape[0], self.labels.shape[1]

    def paint(
        self, values: Shaped[np.ndarray, " d *c"], *, outside: float = 0.0
    ) -> Float[np.ndarray, "h w *c"]:
        """Give every pixel the value of its superpixel: a heat map.

        Parameters
        ----------
        values : array (d,) or (d, c)
            One value, or one row of values, per superpixel.
        outside : float
            Value of the pixels that belong to no superpixel.

        Returns
        -------
        float array (h, w) or (h, w, c)
            float32 if the values are, else float64.

        Raises
        ------
        InputError
            If there is not one value per superpixel.
        """
        table = np.asarray(values)
        if table.ndim not in (1, 2) or table.shape[0] != self.count:
            raise InputError(
                f"values must have shape ({self.count},) or ({self.count}, c), one row per "
                f"superpixel; got {table.shape}"
            )
        dtype = np.float32 if table.dtype == np.float32 else np.float64
        table = np.concatenate([table, np.full((1, *table.shape[1:]), outside)]).astype(dtype)
        # OUTSIDE is −1, which picks the row just appended.
        painted: Float[np.ndarray, " h w *c"] = table[self.labels]
        return painted

    def pool(self, heatmap: Shaped[np.ndarray, "h w"]) -> Float[np.ndarray, " d"]:
        """Sum a map of pixels over every superpixel, leaving out what lies outside.

        Parameters
        ----------
        heatmap : array (h, w)
            One number per pixel of this segmentation.

        Returns
        -------
        float64 array (d,)
            The sums; divide by :meth:`areas` for means.

        Raises
        ------
        InputError
            If the map has another size.
        """
        weights = np.asarray(heatmap)
        if weights.shape != self.shape:
            raise InputError(
                f"heatmap must have the segmentation's shape {self.shape}; got {weights.shape}"
            )
        return self._sums(weights)

    def areas(self) -> Int64[np.ndarray, " d"]:
        """Count the pixels of every superpixel; each has at least one."""
        counts = np.bincount(self.labels.ravel() + 1, minlength=self.count + 1)
        return counts[1:].astype(np.int64)

    def adjacency(self) -> Bool[np.ndarray, "d d"]:
        """Say which superpixels touch along at least one pixel's edge.

        Returns
        -------
        bool array (d, d)
            Symmetric, False on the diagonal. Touching at a corner does not count.
        """
        near = np.zeros((self.count, self.count), dtype=bool)
        first, second, _ = _borders(self.labels)
        near[first, second] = near[second, first] = True
        return near

    def centroids(self) -> Float[np.ndarray, "d 2"]:
        """Locate the centre of every superpixel, as (row, column) in pixels.

        A superpixel that is not convex may have its centre outside itself.
        """
        height, width = self.shape
        rows, columns = np.broadcast_arrays(np.arange(height)[:, None], np.arange(width)[None, :])
        totals: Float[np.ndarray, "d 2"] = np.stack([self._sums(rows), self._sums(columns)], axis=1)
        return totals / self.areas()[:, None]

    def selected(self, players: Iterable[int]) -> Bool[np.ndarray, "h w"]:
        """Mark the pixels of some superpixels.

        Parameters
        ----------
        players : iterable of int
            Superpixels, each 0…d−1.

        Returns
        -------
        bool array (h, w)
            True on the pixels of those superpixels.

        Raises
        ------
        InputError
            If a superpixel does not exist.
        """
        chosen = np.zeros(self.count + 1, dtype=bool)
        for player in players:
            if not 0 <= player < self.count:
                raise InputError(f"players must be superpixels 0 to {self.count - 1}; got {player}")
            chosen[player] = True
        pixels: Bool[np.ndarray, "h w"] = chosen[self.labels]
        return pixels

    def boundaries(self) -> Bool[np.ndarray, "h w"]:
        """Mark the pixels with a neighbour (4-neighbourhood) of another label.

        Both sides of a border are marked: lines are two pixels wide. The border
        with what lies outside counts.
        """
        edge = np.zeros(self.shape, dtype=bool)
        for ahead, behind, labels in ((edge, edge, self.labels), (edge.T, edge.T, self.labels.T)):
            differs = labels[1:] != labels[:-1]
            ahead[1:] |= differs
            behind[:-1] |= differs
        return edge

    def _sums(self, weights: Shaped[np.ndarray, "h w"]) -> Float[np.ndarray, " d"]:
        sums = np.bincount(
            self.labels.ravel() + 1, weights=weights.ravel(), minlength=self.count + 1
        )
        return sums[1:]


def merge_slivers(
    labels: Int[np.ndarray, "h w"], *, minimum_share: float = 0.004, at_most: int | None = None
) -> Int32[np.ndarray, "h w"]:
    """Merge superpixels too small to see or to matter into a neighbour.

    Again and again the smallest superpixel joins the neighbour with which it shares
    the longest border (among equals, the one numbered lowest).

    Parameters
    ----------
    labels : integer array (h, w)
        Any labels.
    minimum_share : float
        Superpixels below this share of the frame are merged.
    at_most : int, optional
        Merge also larger ones, until no more superpixels than this are left.

    Returns
    -------
    int32 array (h, w)
        Labels 0…d−1.

    Examples
    --------
    >>> import numpy as np
    >>> merge_slivers(np.array([[0, 0, 1, 2], [0, 0, 2, 2]]), minimum_share=0.2).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    numbered, count = _renumbered(_checked_labels(labels), None)
    areas = np.bincount(numbered.ravel()).tolist()
    borders: list[dict[int, int]] = [{} for _ in range(count)]
    first, second, lengths = _borders(numbered)
    for i, j, length in zip(first.tolist(), second.tolist(), lengths.tolist(), strict=True):
        borders[i][j] = borders[j][i] = length
    # A share of 100 × 100 pixels, .0041, is 41 pixels and not 41.000000000000004.
    smallest = minimum_share * numbered.size * (1 - 1e-12)
    joined = _joined(areas, borders, smallest, count if at_most is None else at_most)
    return _renumbered(joined[numbered], None)[0]


def _joined(
    areas: list[int], borders: list[dict[int, int]], smallest: float, at_most: int
) -> Int32[np.ndarray, " d"]:
    """Into which superpixel each one ends up; ``areas`` and ``borders`` are used up."""
    alive = len(areas)
    into = list(range(alive))
    queue = [(area, player) for player, area in enumerate(areas)]
    heapq.heapify(queue)
    while queue:
        area, player = heapq.heappop(queue)
        if into[player] != player or area != areas[player]:
            continue
        if (area >= smallest and alive <= at_most) or not borders[player]:
            break
        host = max(borders[player], key=lambda other: (borders[player][other], -other))
        _join(player, host, borders)
        into[player] = host
        areas[host] += area
        alive -= 1
        heapq.heappush(queue, (areas[host], host))
    return _followed(into)


def _join(player: int, host: int, borders: list[dict[int, int]]) -> None:
    for other, length in borders[player].items():
        del borders[other][player]
        if other != host:
            borders[host][other] = borders[other][host] = borders[host].get(other, 0) + length


def _followed(into: list[int]) -> Int32[np.ndarray, " d"]:
    ends = np.array(into, dtype=np.int32)
    while True:
        further = ends[ends]
        if np.array_equal(further, ends):
            return ends
        ends = further


def _borders(
    labels: Int32[np.ndarray, "h w"],
) -> tuple[Int64[np.ndarray, " e"], Int64[np.ndarray, " e"], Int64[np.ndarray, " e"]]:
    """Pairs i < j of labels that touch, and along how many pixel edges; none with OUTSIDE."""
    one = np.concatenate([labels[:, :-1].ravel(), labels[:-1].ravel()])
    two = np.concatenate([labels[:, 1:].ravel(), labels[1:].ravel()])
    touching = (one != two) & (one != OUTSIDE) & (two != OUTSIDE)
    one, two = one[touching].astype(np.int64), two[touching].astype(np.int64)
    base = int(labels.max()) + 1
    codes, lengths = np.unique(
        np.minimum(one, two) * base + np.maximum(one, two), return_counts=True
    )
    return codes // base, codes % base, lengths.astype(np.int64)


def _checked_labels(labels: object) -> Int[np.ndarray, "h w"]:
    given = np.asarray(labels)
    if given.dtype == bool:
        given = given.astype(np.uint8)
    if given.ndim != 2 or not given.size or not np.issubdtype(given.dtype, np.integer):
        raise InputError(
            "labels must be whole numbers of shape (h, w), one superpixel per pixel; "
            f"got {given.dtype} of shape {given.shape}"
        )
    return given


def _checked_outside(outside: object, shape: tuple[int, ...]) -> Bool[np.ndarray, "h w"]:
    given = np.asarray(outside)
    if given.dtype != bool or given.shape != shape:
        raise InputError(
            f"outside must be a bool array of the labels' shape {shape}; "
            f"got {given.dtype} of shape {given.shape}"
        )
    if given.all():
        raise InputError("outside must leave at least one pixel inside; it is True everywhere")
    return given


def _renumbered(
    labels: Int[np.ndarray, "h w"], inside: Bool[np.ndarray, "h w"] | None
) -> tuple[Int32[np.ndarray, "h w"], int]:
    """Number the labels 0…d−1 in increasing order; a fresh array."""
    used = labels if inside is None else labels[inside]
    low, high = int(used.min()), int(used.max())
    if high - low <= 4 * labels.size + 1024:
        # Numbers close together need a table, not a sort: 20 × faster on large photos.
        # Unsigned arithmetic wraps around, and is right for every type of label.
        lowest = np.array(low, labels.dtype).astype(np.uint64)
        offsets = (np.clip(labels, low, high).astype(np.uint64) - lowest).astype(np.intp)
        present = np.zeros(high - low + 1, dtype=bool)
        present[offsets if inside is None else offsets[inside]] = True
        numbered = (np.cumsum(present, dtype=np.int32) - 1)[offsets].astype(np.int32)
        count = int(present.sum())
    else:
        known = np.unique(used)
        numbered = np.searchsorted(known, labels).astype(np.int32)
        count = len(known)
    if inside is not None:
        numbered[~inside] = OUTSIDE
    return numbered, count
