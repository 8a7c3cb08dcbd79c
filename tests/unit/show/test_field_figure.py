from __future__ import annotations

import math

import pytest
from matplotlib.colors import to_hex

from seewhy.errors import InputError
from seewhy.metrics.measures import BY_KEY, MEASURES, Number
from seewhy.show import palette
from seewhy.show.field_figure import field_figure
from seewhy.show.saving import figure_bytes

KEYS = ("srg", "deletion", "flip_area")
MEANS = {
    "lime": {key: Number(0.6, 0.5, 0.7) for key in KEYS},
    "anchors": {"srg": Number(0.4, 0.3, 0.5), "flip_area": Number(0.2)},
    "reference: random order": {"srg": Number(0.02, -0.05, 0.08), "deletion": Number(0.3)},
}
BEST = {"srg": frozenset({"lime"}), "flip_area": frozenset({"anchors", "lime"})}


def draw(means=None, keys=KEYS, **settings):
    usual = {
        "columns": [BY_KEY[key] for key in keys],
        "best": BEST,
        "n": 248,
        "title": "COMPARE",
        "subtitle": "248 pictures",
        "notes": ["lime and anchors cannot be told apart."],
    }
    return field_figure(MEANS if means is None else means, **(usual | settings))


def dots(axes):
    return [line for line in axes.lines if line.get_marker() in ("o", "<", ">")]


def fills(figure):
    return [[to_hex(dot.get_markerfacecolor()) for dot in dots(axes)] for axes in figure.axes]


def test_the_best_are_filled_and_references_are_grey():
    white = "#ffffff"
    assert fills(draw()) == [
        [palette.FOR, white, palette.UNSURE],
        [white, palette.UNSURE],
        [palette.FOR, palette.FOR],
    ]


def test_dots_and_intervals_lie_where_the_numbers_are():
    axes = draw().axes[0]
    assert [float(dot.get_xdata()[0]) for dot in dots(axes)] == [0.6, 0.4, 0.02]
    rows = [float(dot.get_ydata()[0]) for dot in dots(axes)]
    assert rows == sorted(rows)
    spans = [
        tuple(line.get_xdata())
        for line in axes.lines
        if len(line.get_xdata()) == 2
        and len(set(line.get_xdata())) == 2
        and line.get_ydata()[0] in rows
        and to_hex(line.get_color()) != "#ffffff"
    ]
    assert spans == [(0.5, 0.7), (0.3, 0.5), (-0.05, 0.08)]


def test_what_is_missing_is_a_dash(texts):
    assert texts(draw()).count("–") == 2
    nothing = {"lime": {"srg": Number(math.nan)}, "rise": {}}
    assert texts(draw(nothing, keys=("srg",))).count("–") == 2


def test_what_is_far_below_is_an_arrow_at_the_edge():
    means = {"lime": {"r2": Number(0.8, 0.7, 0.9)}, "rise": {"r2": Number(-30.0, -40.0, -20.0)}}
    (axes,) = draw(means, keys=("r2",)).axes
    assert [dot.get_marker() for dot in dots(axes)] == ["o", "<"]
    low, high = axes.get_xlim()
    assert -1.3 < low < -1
    assert 0.9 < high < 1.1


def test_names_stand_on_the_lines_of_their_dots(check_texts):
    figure = draw()
    check_texts(figure)
    (axes, *_) = figure.axes
    for name, dot in zip(("lime", "anchors", "random order"), dots(axes), strict=True):
        (text,) = (text for text in figure.texts if text.get_text() == name)
        box = text.get_window_extent()
        y = axes.transData.transform((0, dot.get_ydata()[0]))[1]
        assert box.y0 < y < box.y1


@pytest.mark.parametrize("count", [1, 6, 7, 13, len(MEASURES)])
def test_many_measures_take_more_lines(check_texts, texts, count):
    keys = [measure.key for measure in MEASURES[:count]]
    means = {
        f"method {k}": {key: Number(0.1 * k + 0.3, 0.1 * k + 0.25, 0.1 * k + 0.37) for key in keys}
        for k in range(5)
    }
    figure = draw(means, keys=keys)
    check_texts(figure)
    assert texts(figure).count("method 1") == -(-count // 6)
    assert len(figure.axes) == count
    boxes = [axes.get_position() for axes in figure.axes]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_shares_at_the_ends_do_not_meet_the_next_panel(check_texts):
    keys = ["sufficient_area", "flip_area", "top_stability", "pointing", "noise", "srg"]
    # 0 and 100 % lie just within the axes
    means = {
        "lime": dict.fromkeys(keys, Number(0.053)),
        "rise": dict.fromkeys(keys, Number(0.948)),
        "a name as long as can be, and longer": {},
    }
    figure = draw(means, keys=keys)
    check_texts(figure)
    assert [text.get_text() for text in figure.texts].count("100 %") == 4


@pytest.mark.parametrize("count", [1, 14])
def test_one_method_and_many(check_texts, count):
    check_texts(draw({f"method {k}": MEANS["lime"] for k in range(count)}))


def test_how_many_pictures_is_said(texts):
    assert "Means over 248 pictures" in " ".join(texts(draw()))
    assert "Means over 1 picture " in " ".join(texts(draw(n=1)))
    assert "Means over 12 000 pictures" in " ".join(texts(draw(n=12000)))
    assert "lime and anchors cannot be told apart." in " ".join(texts(draw()))


def test_hostile_names_are_inert(hostile_names, check_texts):
    name = hostile_names[0]
    means = {name + " " * k: numbers for k, numbers in enumerate(MEANS.values())}
    check_texts(draw(means, title=name, subtitle=name, notes=[name]))


def test_equal_figures_give_equal_bytes():
    assert figure_bytes(draw()) == figure_bytes(draw())


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="at least one method and one measure; got 0 and 3"):
        draw({})
    with pytest.raises(InputError, match="got 3 and 0"):
        draw(keys=())
