"""Badges: the numbers that tie regions in the picture to bars beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin

import numpy as np
from scipy import ndimage

from seewhy.image.segmentation import Segmentation
from seewhy.show.render import inner_distance
from seewhy.show.row import Row

_ANGLES = 24
# In badge radii, from the region's anchor: touching neighbours first, then further out.
_RINGS = (1.7, 2.2, 2.8, 3.5, 4.5, 6.0, 8.0)
# Two badges closer than this many radii (2 is touching) collide.
_APART = 2.15


@dataclass(frozen=True)
class Badge:
    """Where one region's number goes.

    Attributes
    ----------
    player : int
        The superpixel.
    row, column : float
        Centre of the badge, in pixels.
    anchor_row, anchor_column : float
        Centre of the superpixel's largest inscribed circle.
    """

    player: int
    row: float
    column: float
    anchor_row: float
    anchor_column: float

    @property
    def has_leader(self) -> bool:
        """Whether the badge sits beside its region, so that a line must lead there."""
        return (self.row, self.column) != (self.anchor_row, self.anchor_column)


def number_regions(rows: Sequence[Row], *, top: int = 6) -> dict[int, int]:
    """Number the regions once per figure, by their strongest certain effect on any class.

    Parameters
    ----------
    rows : sequence of Row
        The classes of the figure.
    top : int
        Only regions among a class's so many strongest are numbered.

    Returns
    -------
    dict of int to int
        Superpixel to number 1, 2, …, in that order; equal effects by superpixel.
    """
    strength: dict[int, float] = {}
    for row in rows:
        sure = row.certain()
        for player in row.strongest(top):
            if sure[player]:
                effect = abs(float(row.values[player]))
                strength[player] = max(effect, strength.get(player, 0.0))
    order = sorted(strength, key=lambda player: (-strength[player], player))
    return {player: number for number, player in enumerate(order, start=1)}


def place_badges(
    segmentation: Segmentation, players: Sequence[int], *, radius: float
) -> tuple[Badge, ...]:
    """Put each region's badge where most of the region surrounds it, and no two on each other.

    A badge goes to the centre of the largest circle inside its region (the picture's
    edge counts as a border). Where that circle is too small for it, or another badge is in the
    way, it moves to the nearest free place within the picture.

    Parameters
    ----------
    segmentation : Segmentation
        At the size shown.
    players : sequence of int
        The regions, most important first: those keep their place.
    radius : float
        Of a badge, in the segmentation's pixels.

    Returns
    -------
    tuple of Badge
        In the order of ``players``.
    """
    boxes = ndimage.find_objects(segmentation.labels + 1, segmentation.count)
    circles = {player: _inscribed(segmentation, player, boxes[player]) for player in players}
    placed: dict[int, Badge] = {}
    moved = []
    for player in players:
        row, column, room = circles[player]
        if room >= 0.9 * radius and _free(row, column, placed.values(), radius):
            placed[player] = Badge(player, row, column, row, column)
        else:
            moved.append(player)
    for player in moved:
        row, column, _ = circles[player]
        at = _nearest_free(segmentation, placed.values(), circles, player, radius)
        placed[player] = Badge(player, *(at or (row, column)), row, column)
    return tuple(placed[player] for player in players)


def _inscribed(
    segmentation: Segmentation, player: int, box: tuple[slice, slice]
) -> tuple[float, float, float]:
    """Centre and radius of the largest circle inside a superpixel."""
    rows, columns = box
    distance = inner_distance(segmentation.labels[rows, columns] == player)
    # Of a plateau (a long strip), the point nearest its middle, not its first.
    widest = np.argwhere(distance >= distance.max() - 1e-9)
    middle = widest[np.argmin(((widest - widest.mean(axis=0)) ** 2).sum(axis=1))]
    row, column = (int(index) for index in middle)
    return float(rows.start + row), float(columns.start + column), float(distance[row, column])


def _nearest_free(
    segmentation: Segmentation,
    placed: Iterable[Badge],
    circles: Mapping[int, tuple[float, float, float]],
    player: int,
    radius: float,
) -> tuple[float, float] | None:
    """The free place nearest a superpixel's anchor, on rings around it; None if there is none."""
    row, column, _ = circles[player]
    height, width = segmentation.shape
    anchors = [(r, c) for other, (r, c, _) in circles.items() if other != player]
    for ring in _RINGS:
        for step in range(_ANGLES):
            # From the upper right on, where a reader looks for a label first.
            angle = 2 * pi * step / _ANGLES - pi / 4
            y, x = row + ring * radius * sin(angle), column + ring * radius * cos(angle)
            within = radius <= y <= height - 1 - radius and radius <= x <= width - 1 - radius
            clear = all(hypot(y - r, x - c) >= radius for r, c in anchors)
            if within and clear and _free(y, x, placed, radius):
                return y, x
    return None


def _free(row: float, column: float, others: Iterable[Badge], radius: float) -> bool:
    return all(hypot(row - other.row, column - other.column) >= _APART * radius for other in others)
