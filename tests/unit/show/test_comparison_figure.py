from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from seewhy.errors import InputError
from seewhy.game.curves import GRID, Curve
from seewhy.metrics.measures import BY_KEY, Number
from seewhy.show import palette
from seewhy.show.comparison_curve import label_place
from seewhy.show.comparison_figure import comparison_figure
from seewhy.show.comparison_words import head
from seewhy.show.contestant import Contestant
from seewhy.show.lettering import measured, plain
from seewhy.show.saving import figure_bytes

KEYS = ["srg", "insertion", "deletion", "r2", "sufficient_area", "flip_area", "stability"]


def curve(power):
    scores = 1 - GRID**power
    return Curve(scores, float(np.trapezoid(scores, GRID)))


def numbers(value):
    return {
        "srg": Number(value, value - 0.1, value + 0.1),
        "insertion": Number(value),
        "deletion": Number(-value / 10, -value, 0.1),
        "r2": Number(-3 * value, -4.1, -0.1),
        "sufficient_area": Number(value, 0.05, 1.0),
        "flip_area": Number(value / 100),
        "stability": Number(1 - value / 3, 0.5, 1.0),
        "evaluations": Number(1000 * value),
        "seconds": Number(20 * value),
    }


def contestant(name="lime", value=0.6, *, count=9, kind="attribution", seed=0, **settings):
    values = np.random.default_rng(seed).normal(size=count)
    usual = {
        "name": name,
        "values": values,
        "standard_error": np.full(count, 0.3),
        "members": None if kind == "attribution" else (0, count - 1),
        "kind": kind,
        "first": curve(0.3),
        "last": curve(5.0),
        "numbers": numbers(value),
        "best": frozenset(),
    }
    return Contestant(**(usual | settings))


def field(count=9):
    return [
        contestant(count=count, best=frozenset({"srg"})),
        contestant("kernel-shap", 0.55, count=count, seed=1, best=frozenset({"srg", "insertion"})),
        contestant("anchors", 0.4, count=count, kind="rule", numbers={"srg": Number(0.4)}),
        contestant("counterfactual", 0.04, count=count, kind="change"),
    ]


REFERENCES = [contestant("random order", 0.02), contestant("blob in the middle", 0.3)]


@pytest.fixture
def draw(make_cells, make_picture):
    def figure(contestants, cut=None, image=None, **settings):
        cut = make_cells() if cut is None else cut
        usual = {
            "title": "COMPARE",
            "subtitle": "9 regions",
            "columns": [BY_KEY[key] for key in KEYS],
            "verdict": ["SRG does not tell lime from kernel-shap."],
            "target": "minibus",
        }
        image = make_picture(*cut.shape) if image is None else image
        return comparison_figure(image, cut, contestants, **(usual | settings))

    return figure


def pictures(figure):
    return [axes for axes in figure.axes if axes.images]


def boxes_of(figure, text):
    renderer = figure.canvas.get_renderer()
    return [
        artist.get_window_extent(renderer) for artist in figure.texts if artist.get_text() == text
    ]


def test_a_region_has_one_number_in_all_rows(draw):
    contestants = field()
    figure = draw(contestants)
    number_of = {}
    for each, axes in zip(contestants, pictures(figure), strict=True):
        badges = [text.get_text() for text in axes.texts]
        for player, number in zip(each.drawn(4), badges, strict=True):
            assert number_of.setdefault(player, number) == number
    assert len(set(number_of.values())) == len(number_of)
    assert sorted(map(int, number_of.values())) == list(range(1, len(number_of) + 1))


def test_decimal_points_of_a_column_stand_below_each_other(draw):
    contestants = [
        contestant(str(k), numbers={"r2": Number(value, value - 0.5, value + 0.25)})
        for k, value in enumerate((0.9, -12.34, 0.05, 1.0))
    ]
    figure = draw(contestants, columns=[BY_KEY["r2"]])
    points, joints = [], []
    for text in figure.texts:
        said, x = text.get_text(), text.get_position()[0] * 9.6
        if said in ("0.90", "−12.34", "0.05", "1.00"):
            before = said[: said.index(".")]
            points.append(x + measured(before, size=text.get_fontsize(), bold=False))
        if "…" in said or "–" in said:
            low = said.replace("…", "–").split("–")[0]
            joints.append(x + measured(low, size=text.get_fontsize()))
    assert len(points) == len(joints) == 4
    np.testing.assert_allclose(points, points[0], atol=1e-6)
    np.testing.assert_allclose(joints, joints[0], atol=1e-6)
    # and the widest stand below the middle of the head
    (top,) = boxes_of(figure, head(BY_KEY["r2"]))
    renderer = figure.canvas.get_renderer()
    shown = [text.get_window_extent(renderer) for text in figure.texts if "…" in text.get_text()]
    left, right = min(box.x0 for box in shown), max(box.x1 for box in shown)
    assert (left + right) / 2 == pytest.approx((top.x0 + top.x1) / 2, abs=3)


def test_per_cent_and_counts_stand_below_each_other(draw):
    values = (0.07, 1.0, 0.002, 0.999)
    contestants = [
        contestant(str(k), numbers={"flip_area": Number(value), "evaluations": Number(1e4 * value)})
        for k, value in enumerate(values)
    ]
    figure = draw(contestants, columns=[BY_KEY["flip_area"], BY_KEY["evaluations"]])
    for said in (("7 %", "100 %", "< 1 %", "> 99 %"), ("700", "10 000", "20", "9 990")):
        ends = [
            text.get_position()[0] * 9.6
            + measured(text.get_text().removesuffix(" %"), size=text.get_fontsize())
            for text in figure.texts
            if text.get_text() in said
        ]
        assert len(ends) == 4
        np.testing.assert_allclose(ends, ends[0], atol=1e-6)


def test_numbers_stay_in_their_columns_and_rows(draw, check_texts):
    columns = [replace(BY_KEY[key], label=f"no. {k}") for k, key in enumerate(KEYS)]
    figure = draw(field(), columns=columns, references=REFERENCES)
    check_texts(figure)
    heads = [boxes_of(figure, head(column))[0] for column in columns]
    middles = [(box.x0 + box.x1) / 2 for box in heads]
    assert middles == sorted(middles)
    frames = [axes.get_window_extent() for axes in pictures(figure)]
    tops = [frame.y1 for frame in frames]
    assert tops == sorted(tops, reverse=True)
    for frame, value in zip(frames, ("0.60", "0.55", "0.40", "0.04"), strict=True):
        (box,) = (
            box for box in boxes_of(figure, value) if abs((box.x0 + box.x1) / 2 - middles[0]) < 30
        )
        assert frame.y0 < box.y0 < box.y1 < frame.y1


def test_what_is_best_is_bold_and_what_does_not_apply_is_a_dash(draw, texts):
    figure = draw(field(), references=REFERENCES)
    bold = [
        text.get_text()
        for text in figure.texts
        if text.get_fontweight() == "bold" and text.get_color() == palette.FOR
    ]
    assert bold == ["minibus", "0.60", "0.55", "0.55"]
    assert texts(figure).count("–") == len(KEYS) - 1
    quiet = boxes_of(figure, "0.02")
    assert len(quiet) == 2
    assert {t.get_color() for t in figure.texts if t.get_text() == "0.02"} == {palette.SECONDARY}


def test_not_finite_is_missing(draw, texts, check_texts):
    bad = {"srg": Number(math.nan, 0.1, 0.2), "r2": Number(-math.inf), "insertion": Number(0.5)}
    figure = draw([contestant(numbers=bad), contestant("rise")])
    assert texts(figure).count("–") == 6
    check_texts(figure)


def test_panels_share_an_axis_and_show_both_orders(draw):
    far = contestant("rise", last=Curve(1 - GRID + 0.6 * np.sin(np.pi * GRID), 0.9))
    figure = draw([contestant(), far], references=REFERENCES)
    panels = [axes for axes in figure.axes if axes.collections]
    assert len(panels) == 2
    assert panels[0].get_ylim() == panels[1].get_ylim()
    assert panels[0].get_ylim()[1] > far.last.scores.max()
    for axes, each in zip(panels, (contestant(), far), strict=True):
        drawn = [line for line in axes.lines if len(line.get_xdata()) == len(GRID)]
        assert len(drawn) == 6
        by_colour = {to_hex(line.get_color()): line.get_ydata() for line in drawn}
        np.testing.assert_array_equal(by_colour[palette.INK], each.first.scores)
        np.testing.assert_array_equal(by_colour[palette.FOR], each.last.scores)
        dashed = [line for line in drawn if line.get_linestyle() == "--"]
        assert len(dashed) == 4
        assert {to_hex(line.get_color()) for line in dashed} == {palette.SECONDARY}


def test_the_area_is_said_as_measured_or_as_drawn(draw, texts):
    assert "SRG 0.60" in texts(draw([contestant()]))
    plain_curves = contestant(numbers={})
    area = plain_curves.last.area - plain_curves.first.area
    assert f"SRG {area:.2f}" in texts(draw([plain_curves]))


def test_a_label_stands_between_the_curves_if_it_fits():
    ends = (-0.06, 1.06)
    for low, high in ((curve(0.3), curve(5.0)), (curve(5.0), curve(0.3))):
        x, y = label_place(low.scores, high.scores, 0.4, 0.12, ends)
        over = np.abs(GRID - x) <= 0.2
        first, last = low.scores[over], high.scores[over]
        between = np.minimum(first, last).max(), np.maximum(first, last).min()
        assert between[0] < y - 0.06 < y + 0.06 < between[1]
    # narrow but wide enough, though there is more room below
    x, y = label_place(np.full(101, 0.6), np.full(101, 0.9), 0.4, 0.12, ends)
    assert y == pytest.approx(0.75)
    same = curve(1.0).scores
    x, y = label_place(same, same, 0.4, 0.12, ends)
    assert np.abs(same[np.abs(GRID - x) <= 0.2] - y).min() > 0.06
    assert ends[0] < y - 0.06 < y + 0.06 < ends[1]


@pytest.mark.parametrize("count", [1, 2, 14])
def test_one_method_and_many(draw, check_texts, texts, count):
    contestants = [contestant(f"method {k}", seed=k) for k in range(count)]
    figure = draw(contestants, references=REFERENCES)
    assert len(pictures(figure)) == count
    width, height = figure.get_size_inches()
    assert width == 9.6
    assert height < 3.0 + 1.42 * count
    for k in range(count):
        assert f"method {k}" in texts(figure)
    check_texts(figure)


@pytest.mark.parametrize("keys", [[], KEYS[:1], [*KEYS, "evaluations", "seconds", "sparsity"]])
def test_any_number_of_columns(draw, check_texts, keys):
    columns = [BY_KEY[key] for key in keys]
    check_texts(draw(field(), columns=columns, references=REFERENCES))


def test_wide_numbers_in_many_columns_shrink(draw, check_texts):
    wide = {f"wide {k}": Number(-12.34 - k, -123.45, -10.01) for k in range(10)}
    columns = [replace(BY_KEY["r2"], key=key, label=key) for key in wide]
    figure = draw([contestant(numbers=wide), contestant("rise", numbers=wide)], columns=columns)
    check_texts(figure)
    sizes = {text.get_fontsize() for text in figure.texts if text.get_text() == "−12.34"}
    (size,) = sizes
    assert 5 < size < 10


def test_what_has_a_column_is_not_said_twice(draw, texts):
    one = contestant(value=0.3)
    assert "6.0 s · 300 pictures" in texts(draw([one]))
    figure = draw([one], columns=[BY_KEY["evaluations"]])
    assert {"6.0 s", "300"} <= set(texts(figure))


def test_hostile_names_are_inert(draw, hostile_names, check_texts):
    name = hostile_names[0]
    contestants = [replace(each, name=name) for each in field()]
    figure = draw(
        contestants,
        references=[replace(each, name=name) for each in REFERENCES],
        title=name,
        subtitle=name,
        target=name,
        verdict=[name, name],
    )
    check_texts(figure)


def test_a_long_name_is_cut(draw, texts):
    name = "a very long name " * 40
    (cut,) = [text for text in texts(draw([contestant(name)])) if text.startswith("a very")]
    assert cut.endswith("…")
    assert plain(name).startswith(cut[:-1])


@pytest.mark.parametrize(
    ("cut", "channels"),
    [((60, 90, 3, 3), 3), ((28, 28, 7, 7), 1), ((30, 300, 4, 12), 16), ((300, 30, 12, 4), 2)],
)
def test_any_shape(draw, make_cells, make_picture, check_texts, cut, channels):
    cells = make_cells(*cut)
    figure = draw(field(cells.count), cells, make_picture(*cells.shape, channels))
    check_texts(figure)


def test_nothing_certain_and_nothing_found_are_said(draw):
    unsure = contestant(standard_error=np.full(9, 99.0))
    none = contestant("anchors", kind="rule", members=())
    change = contestant("counterfactual", kind="change", members=())
    figure = draw([unsure, none, change])
    said = [" ".join(axes.texts[0].get_text().split()) for axes in pictures(figure)]
    assert said[0] == "no region's effect is distinguishable from zero"
    assert said[1:] == ["nothing was found"] * 2


def test_equal_figures_give_equal_bytes_whatever_the_users_settings(draw):
    import matplotlib

    before = figure_bytes(draw(field()))
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "red"}):
        assert figure_bytes(draw(field())) == before


def test_what_cannot_be_drawn_is_refused(draw, make_picture):
    with pytest.raises(InputError, match="at least one method"):
        draw([])
    with pytest.raises(InputError, match="one value for each of the 9"):
        draw([contestant(count=8)])
    with pytest.raises(InputError, match="one value for each of the 9"):
        draw([contestant()], references=[contestant(count=10)])
    with pytest.raises(InputError, match="members must be made of superpixels 0 to 8"):
        draw([contestant(kind="rule", members=(9,))])
    with pytest.raises(InputError, match="columns must be at most 10"):
        draw([contestant()], columns=[BY_KEY["srg"]] * 11)
    with pytest.raises(InputError, match="height and width"):
        draw([contestant()], image=make_picture(61, 90))
