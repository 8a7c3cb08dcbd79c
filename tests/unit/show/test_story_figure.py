from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest
from matplotlib.colors import to_hex

from seewhy.errors import InputError
from seewhy.show import palette
from seewhy.show.row import Row
from seewhy.show.saving import figure_bytes
from seewhy.show.stage import Stage, in_colour
from seewhy.show.story_figure import story_figure
from seewhy.show.story_words import TrueClass

PREDICTIONS = [("minibus", 0.61), ("passenger car", 0.22), ("cab", 0.05), ("jeep", 0.02)]
TRUE = TrueClass("passenger car", 0.22, 2)


def row(count=9, errors=0.01, **settings):
    values = np.zeros(count)
    values[-1], values[0] = log(3), -log(2)
    usual = {"against": "passenger car"} | settings
    return Row(usual.pop("label", "minibus"), 0.61, values, np.full(count, errors), None, **usual)


@pytest.fixture
def draw(make_cells, make_picture, make_rule, make_change, names):
    def figure(why=None, rule=None, change=None, cut=None, image=None, *, called=names, **settings):
        cut = make_cells() if cut is None else cut
        usual = {
            "title": "STORY",
            "subtitle": "9 regions",
            "paragraph": "The model says minibus. " * 12,
            "predictions": PREDICTIONS,
            "true": TRUE,
            "blank": np.full((*cut.shape, 3), 128, np.uint8),
        }
        return story_figure(
            make_picture(*cut.shape) if image is None else image,
            cut,
            row(cut.count) if why is None else why,
            make_rule() if rule is None else rule,
            make_change() if change is None else change,
            names=called,
            **(usual | settings),
        )

    return figure


def chart(figure):
    (axes,) = (axes for axes in figure.axes if axes.patches)
    return axes


def test_panels_share_their_numbers(draw, make_cells, make_picture):
    figure = draw()
    panels = [axes for axes in figure.axes if axes.images][1:]
    badges = [[text.get_text() for text in axes.texts] for axes in panels]
    # contrast: 8 is 1, 0 is 2; the rule adds 4 and 6; the change hides 0 and 4
    assert badges == [["1", "2"], ["3", "4"], ["2", "3"]]
    stage = Stage.of(make_picture(), make_cells())
    np.testing.assert_array_equal(panels[1].images[0].get_array(), in_colour(stage, (4, 6)))
    after = panels[2].images[0].get_array()
    rows, columns = np.nonzero(stage.segmentation.selected((4,)))
    assert (after[rows.mean().astype(int), columns.mean().astype(int)] == 128).all()


def test_the_true_class_is_marked_among_the_likeliest(draw, texts):
    figure = draw()
    hues = [to_hex(patch.get_facecolor()) for patch in chart(figure).patches]
    assert hues == [palette.FOR, palette.AGAINST, palette.UNSURE, palette.UNSURE]
    lengths = [patch.get_width() for patch in chart(figure).patches]
    np.testing.assert_allclose(np.array(lengths) / lengths[0] * 0.61, [0.61, 0.22, 0.05, 0.02])
    assert texts(figure).count("true class") == 1


@pytest.mark.parametrize(
    ("rank", "note"),
    [(31, "true class, 31st"), (9, "true class, 9th")],
)
def test_a_true_class_further_down_is_added(draw, texts, check_texts, rank, note):
    figure = draw(true=TrueClass("tram", 0.003, rank))
    assert len(chart(figure).patches) == 5
    said = texts(figure)
    assert {"tram", "0.3 %", note} <= set(said)
    check_texts(figure)


def test_when_the_model_is_right_the_rival_has_the_other_colour(draw, texts):
    figure = draw(true=TrueClass("minibus", 0.61, 1))
    hues = [to_hex(patch.get_facecolor()) for patch in chart(figure).patches]
    assert hues[:3] == [palette.FOR, palette.AGAINST, palette.UNSURE]
    (mark,) = (text for text in figure.texts if text.get_text() == "true class")
    (first,) = (t for t in figure.texts if t.get_text() == "61 %" and t.get_fontweight() == "bold")
    assert mark.get_position()[1] == first.get_position()[1]


def test_two_classes_of_one_name_are_told_apart_by_rank(draw, texts):
    cranes = [("crane", 0.5), ("crane", 0.3), ("cab", 0.1)]
    figure = draw(predictions=cranes, true=TrueClass("crane", 0.3, 2))
    bold = [t.get_text() for t in figure.texts if t.get_fontweight() == "bold"]
    assert bold.count("crane") == 2
    assert texts(figure).count("true class") == 1


def test_without_probabilities_there_are_names_alone(draw, texts, check_texts, make_change):
    raw = [(label, None) for label, _ in PREDICTIONS]
    change = make_change(before={}, probabilities={})
    figure = draw(predictions=raw, true=replace(TRUE, probability=None), change=change)
    assert not any(axes.patches for axes in figure.axes)
    assert {"minibus", "jeep", "true class"} <= set(texts(figure))
    check_texts(figure)


@pytest.mark.parametrize(
    ("rule", "change", "heads"),
    [
        ({}, {}, ["enough for", "with these hidden:"]),
        (
            {"status": "trivially_robust", "superpixels": (), "without": ()},
            {"status": "not_found", "becomes": 0},
            ["nothing needed for", "nearest, not enough: still"],
        ),
        (
            {"status": "not_found", "superpixels": (), "without": (), "draws": 0},
            {"status": "not_found", "hide": (), "becomes": 0},
            ["nothing certified for", "nothing that was hidden brought it nearer"],
        ),
        (
            {"against": 1, "status": "not_found"},
            {"status": "not_found", "becomes": 2},
            ["not certified: best for", "nearest, not enough:"],
        ),
    ],
)
def test_every_status_is_said(
    draw, make_rule, make_change, texts, check_texts, rule, change, heads
):
    figure = draw(rule=make_rule(**rule), change=make_change(**change))
    said = [" ".join(text.split()) for text in texts(figure)]
    assert set(heads) <= set(said)
    check_texts(figure)


def test_nothing_certain_is_said_in_the_picture(draw, texts):
    said = " ".join(" ".join(texts(draw(row(errors=9.0)))).split())
    assert "no region's effect is distinguishable from zero" in said


def test_hostile_names_are_inert(draw, hostile_names, check_texts):
    name = hostile_names[0]
    figure = draw(
        row(label=name, against=name),
        called=hostile_names,
        title=name,
        subtitle=name,
        paragraph=name,
        predictions=[(name, 0.5), (name, 0.2)],
        true=TrueClass(name, 0.1, 9),
    )
    check_texts(figure)


@pytest.mark.parametrize(
    ("cut", "channels"),
    [((60, 90, 3, 3), 3), ((28, 28, 7, 7), 1), ((30, 300, 4, 12), 16), ((300, 30, 12, 4), 2)],
)
def test_any_shape(draw, make_cells, make_picture, check_texts, cut, channels):
    cells = make_cells(*cut)
    check_texts(draw(cut=cells, image=make_picture(*cells.shape, channels)))


def test_a_view_smaller_than_the_picture(draw, make_cells, texts, check_texts):
    outside = np.zeros((60, 90), bool)
    outside[:, 80:] = True
    figure = draw(cut=make_cells(outside=outside))
    assert "in the frame: what the model saw" in texts(figure)
    check_texts(figure)


def test_equal_stories_give_equal_bytes(draw):
    assert figure_bytes(draw()) == figure_bytes(draw())


def test_what_cannot_be_drawn_is_refused(draw, make_rule, make_change, make_picture):
    with pytest.raises(InputError, match="one value for each of the 9"):
        draw(row(5))
    with pytest.raises(InputError, match="predictions must hold at least"):
        draw(predictions=[])
    with pytest.raises(InputError, match="rule must be made of superpixels"):
        draw(rule=make_rule(superpixels=(9,), without=(None,)))
    with pytest.raises(InputError, match="change must be made of superpixels"):
        draw(change=make_change(hide=(-1,)))
    with pytest.raises(InputError, match="height and width"):
        draw(image=make_picture(61, 90))
