from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from seewhy.image.segmentation import Segmentation
from seewhy.show.lettering import measured
from seewhy.show.sheet import (
    MOST_BADGES,
    Slot,
    broken,
    new_sheet,
    put_badges,
    put_original,
    put_paragraph,
    put_picture,
    put_words,
    shared,
)
from seewhy.show.stage import Stage

SENTENCE = "5 of 58 regions (14 % of what the model sees: centre) are enough for minibus. " * 5


@pytest.mark.parametrize("width", [0.8, 3.0, 9.2])
def test_lines_fit_and_lose_no_word(width):
    lines = broken(SENTENCE, width, size=9.5)
    assert " ".join(lines) == SENTENCE.strip()
    assert all(measured(line, size=9.5) <= width for line in lines)
    for line, following in pairwise(lines):
        assert not following.startswith("%")
        word = following.split(" ")[0]
        assert measured(f"{line} {word}", size=9.5) > 0.97 * width or "%" in following[:5]


def test_a_word_longer_than_the_line_is_cut():
    (line,) = broken("x" * 300, 2.0, size=9.5)
    assert line.endswith("x…")
    assert measured(line, size=9.5) <= 2.0
    assert broken("", 2.0, size=9.5) == []


def test_names_from_right_to_left_leave_what_follows_in_place():
    line = "against \N{FIRST STRONG ISOLATE}שלום עולם\N{POP DIRECTIONAL ISOLATE}, 4.8-fold"
    figure = new_sheet(1.0)
    put_paragraph(figure, broken(line, 9.2, size=9.5), 0.2, 0.5)
    parts = [text.get_text() for text in figure.texts]
    assert parts == ["against", "שלום עולם", ", 4.8-fold"]
    boxes = [text.get_window_extent(figure.canvas.get_renderer()) for text in figure.texts]
    assert boxes[0].x1 < boxes[1].x0
    assert boxes[1].x1 == pytest.approx(boxes[2].x0, abs=4)


def test_room_is_shared_fairly():
    assert shared([1.0, 2.0], 5.0) == [1.0, 2.0]
    assert shared([5.0, 1.0, 5.0], 7.0) == [3.0, 1.0, 3.0]
    assert shared([], 1.0) == []


def test_names_are_cut_and_the_words_between_are_not():
    figure = new_sheet(1.0)
    pieces = [("for", "#000000", False), ("long name " * 20, "#000000", True)]
    pieces += [("rather than", "#000000", False), ("cab", "#000000", True)]
    put_words(figure, 0.2, 0.5, pieces, width=2.9)
    said = [text.get_text() for text in figure.texts]
    assert said[0] == "for"
    assert said[1].endswith("…")
    assert said[2:] == ["rather than", "cab"]
    box = figure.texts[-1].get_window_extent(figure.canvas.get_renderer())
    assert box.x1 <= (0.2 + 2.95) * figure.dpi


def test_a_picture_keeps_its_shape_within_its_slot():
    slot = Slot(1.0, 2.0, 3.0, 1.0)
    assert slot.fitting((100, 100)) == Slot(1.0, 2.0, 1.0, 1.0)
    assert slot.fitting((10, 100, 3)) == Slot(1.0, 2.0, 3.0, 0.3)
    figure = new_sheet(4.0)
    axes = put_picture(figure, np.zeros((50, 100, 3), np.uint8), Slot(0.96, 1.0, 2.0, 2.0))
    assert axes.get_position().bounds == pytest.approx((0.1, 0.5, 2 / 9.6, 0.25))


def test_the_frame_says_what_the_model_saw(texts):
    labels = np.zeros((40, 60), int)
    outside = np.zeros((40, 60), bool)
    figure = new_sheet(3.0)
    put_original(figure, np.zeros((40, 60, 3)), Segmentation(labels), Slot(0, 0, 2, 2))
    assert not texts(figure)
    outside[:, :15] = True
    cut = Segmentation(labels, outside=outside)
    put_original(figure, np.zeros((40, 60, 3)), cut, Slot(0, 0, 2, 2))
    assert texts(figure) == ["in the frame: what the model saw"]
    x, y = figure.axes[-1].lines[-1].get_data()
    assert (min(x), max(x), min(y), max(y)) == (0.25, 1.0, 0.0, 1.0)


def test_many_regions_have_no_badges_for_all(make_cells, make_picture):
    cut = make_cells(60, 90, 5, 6)
    stage = Stage.of(make_picture(), cut)
    figure = new_sheet(3.0)
    axes = put_picture(figure, stage.pixels, Slot(0, 0, 3, 3))
    numbers = {player: player + 1 for player in range(30)}
    put_badges(axes, stage, numbers, dict.fromkeys(numbers, "#000000"), width=3.0)
    assert [text.get_text() for text in axes.texts] == [str(n + 1) for n in range(MOST_BADGES)]
