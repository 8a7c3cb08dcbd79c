"""How lines of many methods are told apart: by colour, by dashes and by marker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seewhy.show import palette

REFERENCE = "reference: "
"""What the names of references begin with: they know nothing of the model."""

# Okabe and Ito's, without yellow, and darkened where they are pale on white.
_COLOURS = (
    "#0072b2",
    "#b8500a",
    "#00805e",
    "#a3447b",
    "#1f2430",
    "#3d8fc4",
    "#a87400",
    "#6a4ca8",
)
_MARKERS = "osD^vPXph<>"
_DASHES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (0, ()),
    (0, (5.0, 1.6)),
    (0, (1.2, 1.2)),
    (0, (5.0, 1.4, 1.2, 1.4)),
)


@dataclass(frozen=True)
class Look:
    """Of a line and its points.

    Attributes
    ----------
    colour : str
    marker : str
        Matplotlib's.
    dashes : (float, tuple of float)
        Matplotlib's; no lengths: one line without gaps.
    """

    colour: str
    marker: str
    dashes: tuple[int, tuple[float, ...]]


def looks_of(names: Iterable[str]) -> dict[str, Look]:
    """Give every name a look of its own; references are grey.

    Eight colours, eleven markers and four kinds of dashes that shift against each other: 88
    names differ in colour or marker, and what shares a colour differs in dashes, too.
    """
    looks: dict[str, Look] = {}
    for name in names:
        place = len(looks)
        dashes = _DASHES[(place + place // len(_COLOURS)) % len(_DASHES)]
        colour = _COLOURS[place % len(_COLOURS)]
        if is_reference(name):
            colour = palette.SECONDARY
        looks[name] = Look(colour, _MARKERS[place % len(_MARKERS)], dashes)
    return looks


def is_reference(name: str) -> bool:
    """Tell whether a name is that of a reference."""
    return name.startswith(REFERENCE)


def spread_apart(wanted: list[float], apart: float, low: float, high: float) -> list[float]:
    """Move places as little as needed until neighbours are some way apart, in the order given.

    Parameters
    ----------
    wanted : list of float
        In ascending order.
    apart : float
        From one to the next, at least; less where there is no room for it.
    low, high : float
        Between which they stay.

    Examples
    --------
    >>> spread_apart([0.0, 0.1, 5.0], 1.0, 0.0, 6.0)
    [0.0, 1.0, 5.0]
    """
    count = len(wanted)
    apart = min(apart, (high - low) / max(1, count - 1))
    # groups that touch share the error: (places less their steps, first index)
    groups: list[tuple[float, int]] = []
    for index, place in enumerate(wanted):
        mean, size = place - index * apart, 1
        while groups and groups[-1][0] > mean:
            before, more = groups.pop()
            mean, size = (mean * size + before * more) / (size + more), size + more
        groups.append((mean, size))
    flat = [mean for mean, size in groups for _ in range(size)]
    last = high - (count - 1) * apart
    return [min(max(base, low), last) + index * apart for index, base in enumerate(flat)]
