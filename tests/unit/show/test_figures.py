from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex

from seewhy.errors import InputError
from seewhy.game.fidelity import Fidelity
from seewhy.image.segmentation import Segmentation
from seewhy.show import palette
from seewhy.show.figures import Row, attribution_figure
from seewhy.show.row import PixelMap
from seewhy.show.saving import figure_bytes

FIDELITY = Fidelity(0.92, 0.89, 0.94, "held-out", 64, 0.9, 0.02, 0.08)


def cells(height=60, width=90, down=3, across=4, **kwargs):
    rows, columns = np.arange(height) * down // height, np.arange(width) * across // width
    return Segmentation(rows[:, None] * across + columns, **kwargs)


def picture(height=60, width=90, channels=3):
    return np.random.default_rng(0).random((height, width, channels)).astype(np.float32)


def row(seed=0, d=12, label="cat", error=0.1, **kwargs):
    values = np.random.default_rng(seed).normal(size=d)
    settings = {"probability": 0.5, "fidelity": FIDELITY} | kwargs
    return Row(label=label, values=values, standard_error=np.full(d, error), **settings)


def draw(rows, cut=None, image=None, score="log-odds", **kwargs):
    cut = cells() if cut is None else cut
    image = picture(*cut.shape) if image is None else image
    words = {"title": "LIME", "subtitle": "256 calls"} | kwargs
    figure = attribution_figure(image, cut, rows, score=score, **words)
    figure.canvas.draw()
    return figure


def texts(figure):
    every = [artist for artist in figure.findobj(matplotlib.text.Text) if artist.get_text()]
    return [artist.get_text() for artist in every if artist.get_visible()]


def extents(figure):
    renderer = figure.canvas.get_renderer()
    found = [artist for artist in figure.texts if artist.get_text()]
    assert len(found) > 8
    return [(artist.get_text(), artist.get_window_extent(renderer)) for artist in found]


def bars(figure):
    return [(patch.get_width(), to_hex(patch.get_facecolor())) for axes in figure.axes
            for patch in axes.patches]  # fmt: skip


def test_bars_show_the_strongest_values_in_colours_by_sign_and_certainty():
    values = np.array([2.0, -1.5, 1.0, -0.2, 0.1, 0.0])
    one = Row("cat", 0.5, values, np.full(6, 0.3), None)
    shown = bars(draw([one], cells(down=2, across=3), top=4))
    assert shown == [
        (2.0, palette.FOR),
        (-1.5, palette.AGAINST),
        (1.0, palette.FOR),
        (-0.2, palette.UNSURE),
    ]


def test_rows_share_one_axis_and_numbers():
    figure = draw([row(0), row(1), row(2)])
    charts = [axes for axes in figure.axes if axes.patches]
    assert len(charts) == 3
    assert len({axes.get_xlim() for axes in charts}) == 1
    low, high = charts[0].get_xlim()
    reach = 1.96 * 0.1
    for each in (row(0), row(1), row(2)):
        for player in each.strongest(6):
            assert low < each.values[player] - reach
            assert each.values[player] + reach < high


def test_a_badge_in_the_picture_has_its_bar():
    figure = draw([row(0), row(1)])
    numbers = [[t.get_text() for t in axes.texts if t.get_text().isdigit()] for axes in figure.axes]
    overlay, chart = numbers[1], numbers[3]
    assert overlay
    assert set(overlay) <= set(chart)


def test_words_beside_the_pictures():
    said = " ".join(texts(draw([row(0, label="minibus")])))
    assert "Hiding region 1 " in said
    assert "linear part explains 92 % (89–94) of the change" in said
    assert "drawn regions carry 99 % of that" in said
    assert "6 strongest of 12 regions" in said
    assert "50 %" in texts(draw([row(0)]))


def test_probability_and_fidelity_may_be_missing():
    said = texts(draw([row(0, probability=None, fidelity=None)]))
    assert not any("linear part explains" in text for text in said)
    assert any("of the linear part" in text for text in said)


def test_a_contrast_names_both_classes_in_their_colours():
    figure = draw([row(0, label="minibus", against="cab")])
    colours = {t.get_text(): t.get_color() for t in figure.texts}
    assert colours["minibus"] == colours["for minibus"] == palette.FOR
    assert colours["cab"] == colours["for cab"] == palette.AGAINST
    assert "rather than" in colours


@pytest.mark.parametrize("error", [100.0, 0.0])
def test_nothing_certain_is_said_in_the_picture(error):
    values = np.zeros(12) if error == 0 else row().values
    figure = draw([Row("cat", 0.5, values, np.full(12, error), None), row(1)])
    overlay = " ".join(figure.axes[1].texts[0].get_text().split())
    assert overlay == "no region's effect is distinguishable from zero"
    lonely = draw([Row("cat", 0.5, values, np.full(12, error), None)])
    assert all(colour == palette.UNSURE for _, colour in bars(lonely))


def test_a_certain_region_is_drawn_even_behind_larger_uncertain_ones():
    values = np.array([5.0, 4.0, 0.5, 0.0])
    one = Row("cat", 0.5, values, np.array([9.0, 9.0, 0.1, 0.1]), None)
    figure = draw([one], cells(down=2, across=2), top=1)
    assert bars(figure) == [(0.5, palette.FOR)]
    assert not any("distinguishable" in text for text in texts(figure))


HOSTILE = [
    "$\\frac{1}{0}$ \\undefined a_b^c",
    "line\nbreak\ttab",
    "\u202eevil שלום مرحبا",
    "猫 🐈 <script>",
    "a very long name " * 40,
    "",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_inert_and_stay_within_the_figure(name):
    rows = [row(0, label=name), row(1, label=name, against=name), row(2)]
    figure = draw(rows, title=name, subtitle=name)
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in extents(figure):
        assert "\n" not in text
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
    assert not any(text.get_parse_math() for text in figure.texts)


@pytest.mark.parametrize("shape", [(60, 90), (20, 200), (200, 20)])
@pytest.mark.parametrize("against", [None, "another class with quite a long name of its own"])
def test_no_two_texts_touch(shape, against):
    cut = cells(*shape)
    rows = [row(k, label=f"class {k} of some length", against=against) for k in range(3)]
    figure = draw(rows, cut)
    boxes = extents(figure)
    for index, (one, first) in enumerate(boxes):
        for other, second in boxes[index + 1 :]:
            assert not first.overlaps(second), (one, other)


@pytest.mark.parametrize(
    ("rows", "cut", "channels"),
    [
        ([row(d=1)], Segmentation(np.zeros((30, 30), int)), 3),
        ([row(k, error=0.0) for k in range(10)], None, 1),
        ([row(d=12)], cells(28, 28), 16),
        ([row(d=12)], cells(3, 4, 3, 4), 2),
        ([row(d=12)] * 5, cells(outside=np.tri(60, 90, 20, dtype=bool)), 3),
    ],
)
def test_any_number_of_rows_regions_and_channels(rows, cut, channels):
    cut = cells() if cut is None else cut
    count = cut.count
    rows = [Row(r.label, r.probability, r.values[:count], r.standard_error[:count], None)
            for r in rows]  # fmt: skip
    figure = draw(rows, cut, picture(*cut.shape, channels))
    assert len(figure.axes) == 4 * len(rows) + 1


@pytest.mark.parametrize("score", ["log-odds", "probability", "log-probability", "raw"])
def test_every_score_has_its_unit(score):
    said = " ".join(texts(draw([row(0)], score=score)))
    unit = {
        "log-odds": "effect on log-odds",
        "probability": "in points",
        "log-probability": "effect on log-probability",
        "raw": "effect on the model's output",
    }
    assert unit[score] in said


def test_the_users_settings_neither_show_nor_change(monkeypatch):
    before = figure_bytes(draw([row(0)]))
    with matplotlib.rc_context(
        {
            "font.family": "serif",
            "font.size": 30,
            "lines.linewidth": 9,
            "text.usetex": True,
            "savefig.bbox": "tight",
            "axes.facecolor": "red",
            "image.origin": "lower",
        }
    ):
        settings = dict(matplotlib.rcParams)
        rows = [row(0)]
        figure = attribution_figure(
            picture(), cells(), rows, title="LIME", subtitle="256 calls", score="log-odds"
        )
        assert figure_bytes(figure) == before
        assert dict(matplotlib.rcParams) == settings


def test_no_figure_is_left_with_pyplot():
    import matplotlib.pyplot as plt

    draw([row(0)])
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": []}, "at least one class"),
        ({"rows": [row(d=5)]}, "one value for each of the 12"),
        ({"score": "odds"}, "score must be one of"),
        ({"top": 0}, "top must be at least 1"),
        ({"image": picture(61, 90)}, "height and width"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        draw(**({"rows": [row(0)]} | change))


def test_a_pixel_map_takes_the_place_of_the_heat_map():
    cut = cells()
    values = np.zeros((30, 45))
    values[:15] = 1.0  # the upper half of the picture
    shown = row(reading="share", pixel_map=PixelMap(values, (0.0, 0.0, 60.0, 90.0)))
    figure = draw([shown], cut)
    assert "share of every pixel" in texts(figure)
    assert "share of log-odds (× ÷: of the odds)" in texts(figure)
    heat = figure.axes[2].images[0].get_array()
    middle = heat.shape[0] // 2
    assert (heat[: middle - 12] == palette.rgb(palette.FOR)).all()
    assert (heat[middle + 12 :] == 255).all()
    assert "+1" in texts(figure)


def test_weights_are_drawn_without_a_unit():
    shown = row(reading="weight", fidelity=None)
    said = texts(draw([shown]))
    assert "weight of every region" in said
    assert "weight, without a unit" in said
    assert not any("×" in text for text in said)
