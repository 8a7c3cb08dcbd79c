"""The colours, by meaning: told apart in the three common colour-vision deficiencies."""

from __future__ import annotations

FOR = "#0b7a75"
"""What spoke for the class, or for P in "why P rather than Q"."""

AGAINST = "#d1570a"
"""What spoke against the class, or for Q in "why P rather than Q"."""

INK = "#1f2430"
SECONDARY = "#6b7280"
HAIRLINE = "#d0d4da"

UNSURE = "#b8bec7"
"""An effect whose interval includes zero."""

BACKGROUND = "#e9e9e9"
"""In place of regions that are not shown."""

OUTSIDE_VIEW = "#f3f4f6"
"""On a heat map: what the model never saw."""


def rgb(colour: str) -> tuple[int, int, int]:
    """Return a colour's red, green and blue, 0…255.

    Parameters
    ----------
    colour : str
        As ``"#rrggbb"``.

    Examples
    --------
    >>> rgb(FOR)
    (11, 122, 117)
    """
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
