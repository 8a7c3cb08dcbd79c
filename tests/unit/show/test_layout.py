from __future__ import annotations

from itertools import pairwise

import pytest

from seewhy.show.layout import BARS_WIDTH, MARGIN, WIDTH, Layout, column_left


@pytest.mark.parametrize("shape", [(224, 224), (90, 900), (900, 90), (600, 900), (1, 1)])
@pytest.mark.parametrize("rows", [1, 10])
def test_nothing_overlaps_and_all_is_within_the_figure(shape, rows):
    layout = Layout.of(shape, rows, bars=6, header=0.7)
    assert layout.picture_height / layout.picture_width == pytest.approx(shape[0] / shape[1])
    lefts = [column_left(column) for column in range(4)]
    for left, following in pairwise(lefts):
        assert left + layout.picture_width < following
    assert column_left(3) + BARS_WIDTH == pytest.approx(WIDTH - MARGIN)
    assert BARS_WIDTH >= 1.8
    for row in range(rows - 1):
        assert layout.body_top(row) + layout.body < layout.row_top(row + 1)
    assert layout.body_top(rows - 1) + layout.body < layout.height
    assert layout.picture_height <= layout.body


def test_many_bars_make_rows_taller():
    assert Layout.of((9, 16), 1, bars=30, header=0.7).body >= 30 * 0.2
