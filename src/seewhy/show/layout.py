"""Where things go in a figure, in inches from its upper left corner."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH = 9.6
MARGIN = 0.2
GUTTER = 0.16
COLUMN = 2.12
"""Set aside for a picture and its caption; the widest picture fills it."""

BETWEEN_BARS = 0.42
"""Between the heat map and the bars: their badges stand there."""

_TALLEST_PICTURE = 2.6
_SHORTEST_BODY = 1.35
_TIGHTEST_BAR = 0.2
_NARROWEST_SCALE = 1.2
_ROW_TITLE = 0.5
_BELOW_ROW = 0.36
_HEAD = 0.28
_BOTTOM = 0.34


def column_left(column: int) -> float:
    """Return where a column begins: pictures 0 to 2, bars 3."""
    extra = BETWEEN_BARS - GUTTER if column == 3 else 0.0
    return MARGIN + column * (COLUMN + GUTTER) + extra


BARS_WIDTH = WIDTH - MARGIN - column_left(3)
"""Of the bar chart, without its badges."""


@dataclass(frozen=True)
class Layout:
    """Sizes that follow from a picture's shape and the number of rows.

    Attributes
    ----------
    picture_width, picture_height : float
        Of every picture.
    body : float
        Height of a row without its title and what stands below.
    top : float
        Where the column heads' baseline is.
    rows : int
        How many.
    """

    picture_width: float
    picture_height: float
    body: float
    top: float
    rows: int

    @classmethod
    def of(cls, shape: tuple[int, int], rows: int, *, bars: int, header: float) -> Layout:
        """Lay out rows for pictures of this (height, width) and so many bars beside them.

        ``header`` is where the column heads stand.
        """
        height, width = shape
        scale = min(COLUMN / width, _TALLEST_PICTURE / height)
        picture_width, picture_height = width * scale, height * scale
        return cls(
            picture_width,
            picture_height,
            max(picture_height, _SHORTEST_BODY, bars * _TIGHTEST_BAR),
            header,
            rows,
        )

    @property
    def row_height(self) -> float:
        """From one row's top to the next."""
        return _ROW_TITLE + self.body + _BELOW_ROW

    @property
    def height(self) -> float:
        """Of the whole figure."""
        return self.top + _HEAD + self.rows * self.row_height + _BOTTOM

    def row_top(self, row: int) -> float:
        """Where a row, its title first, begins."""
        return self.top + _HEAD + row * self.row_height

    def body_top(self, row: int) -> float:
        """Where a row's pictures begin."""
        return self.row_top(row) + _ROW_TITLE

    @property
    def scale_width(self) -> float:
        """Of the colour bar: a picture's, if its three numbers have room below."""
        return max(self.picture_width, _NARROWEST_SCALE)
