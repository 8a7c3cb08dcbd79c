from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from seewhy.errors import InputError
from seewhy.show import palette
from seewhy.show.change_figure import change_figure, hidden_tinted
from seewhy.show.saving import figure_bytes
from seewhy.show.stage import Stage


@pytest.fixture
def draw(make_cells, make_picture, names):
    def figure(change, cut=None, image=None, *, called=names, blank=None, **settings):
        cut = make_cells() if cut is None else cut
        image = make_picture(*cut.shape) if image is None else image
        blank = np.full((*cut.shape, 3), 128, np.uint8) if blank is None else blank
        words = {"title": "COUNTERFACTUAL", "subtitle": "300 pictures"} | settings
        return change_figure(image, cut, change, names=called, blank=blank, **words)

    return figure


def charts(figure):
    return [axes for axes in figure.axes if axes.patches]


def test_before_hidden_after(draw, make_change, make_cells, make_picture):
    figure = draw(make_change())
    stage = Stage.of(make_picture(), make_cells())
    before, hidden, after = (axes.images[0].get_array() for axes in figure.axes[:3])
    np.testing.assert_array_equal(before, stage.pixels)
    inside = stage.segmentation.selected((0, 4))
    assert (after[inside] == 128).all()
    np.testing.assert_array_equal(after[~inside], stage.pixels[~inside])
    away = stage.segmentation.selected((8,))
    np.testing.assert_array_equal(hidden[away][-50:], hidden_tinted(stage, (0, 4))[away][-50:])
    assert [text.get_text() for text in figure.axes[1].texts] == ["1", "2"]


def test_what_is_hidden_is_tinted_and_the_rest_is_not(make_cells):
    cut = make_cells(450, 450)
    stage = Stage.of(np.full((450, 450, 3), 255, np.uint8), cut)
    shown = hidden_tinted(stage, (4,))
    orange = np.array(palette.rgb(palette.AGAINST))
    expected = np.rint(255 + 0.72 * (1 / 3.5) ** 0.7 * (orange - 255.0))
    assert (shown[cut.selected((4,))] == expected).all()
    assert (shown[~cut.selected((4,))] == 255).all()


def test_bars_before_and_after_share_one_scale(draw, make_change, texts):
    figure = draw(make_change())
    before, after = charts(figure)
    assert before.get_xlim() == after.get_xlim()
    lengths = [[patch.get_width() for patch in axes.patches] for axes in (before, after)]
    unit = lengths[0][0] / 0.61
    np.testing.assert_allclose(lengths, np.array([[0.61, 0.2, 0.1], [0.22, 0.48, 0.1]]) * unit)
    hues = [to_hex(patch.get_facecolor()) for patch in after.patches]
    assert hues == [palette.FOR, palette.AGAINST, palette.UNSURE]
    said = texts(figure)
    assert "÷2.8" in said
    assert "×2.4" in said
    assert "×1" in said
    bold = [text.get_text() for text in figure.texts if text.get_fontweight() == "bold"]
    assert bold.count("61 %") == bold.count("48 %") == 1
    assert "22 %" not in bold


def test_a_class_known_on_one_side_only_has_one_bar(draw, make_change, texts):
    figure = draw(make_change(before={0: 0.6, 1: 0.2}, probabilities={0: 1e-4, 1: 0.5, 2: 0.1}))
    assert [len(axes.patches) for axes in charts(figure)] == [2, 3]
    assert "÷1000+" not in texts(draw(make_change()))
    tiny = make_change(before={0: 0.6, 1: 0.2}, probabilities={0: 1e-5, 1: 0.5})
    assert "÷1000+" in texts(draw(tiny))


def test_raw_outputs_have_no_bars(draw, make_change, texts, check_texts):
    figure = draw(make_change(before={}, probabilities={}))
    assert not charts(figure)
    assert not any(text.endswith("%") and text[0].isdigit() for text in texts(figure)[:6])
    check_texts(figure)


def test_the_nearest_is_called_that(draw, make_change, texts, check_texts):
    failed = draw(make_change(status="not_found", becomes=0))
    said = texts(failed)
    assert "nearest, not enough: 2 of 9 hidden" in said
    assert "after: still" in said
    assert not any(text.startswith("hidden:") for text in said)
    check_texts(failed)
    empty = draw(make_change(status="not_found", becomes=0, hide=()))
    assert "nearest: nothing hidden" in texts(empty)
    assert "nothing brought it nearer" in texts(empty)
    third = draw(make_change(status="not_found", becomes=2, probabilities={2: 0.4, 1: 0.3}))
    hues = {text.get_text(): text.get_color() for text in third.texts}
    assert hues["cab"] == palette.INK


def test_hostile_names_are_inert(draw, make_change, hostile_names, check_texts):
    title = hostile_names[0]
    check_texts(draw(make_change(), called=hostile_names, title=title, subtitle=title))


@pytest.mark.parametrize(
    ("cut", "hide", "channels"),
    [
        ((60, 90, 1, 2), (0,), 3),
        ((28, 28, 7, 7), (9, 10, 16, 17), 1),
        ((30, 300, 4, 12), (5, 17), 16),
        ((300, 30, 12, 4), (5, 17), 2),
        ((200, 260, 10, 20), tuple(range(30)), 4),
        ((30, 30, 1, 1), (0,), 3),
    ],
)
def test_any_shape_and_number_of_regions(
    draw, make_change, make_cells, make_picture, check_texts, cut, hide, channels
):
    cells = make_cells(*cut)
    check_texts(draw(make_change(hide=hide), cells, make_picture(*cells.shape, channels)))


def test_equal_changes_give_equal_bytes(draw, make_change):
    assert figure_bytes(draw(make_change())) == figure_bytes(draw(make_change()))


def test_what_cannot_be_drawn_is_refused(draw, make_change, make_picture):
    with pytest.raises(InputError, match="change must be made of superpixels 0 to 8"):
        draw(make_change(hide=(9,)))
    with pytest.raises(InputError, match="height and width"):
        draw(make_change(), image=make_picture(61, 90))
    with pytest.raises(InputError, match="height and width"):
        draw(make_change(), blank=np.zeros((61, 90, 3), np.uint8))
