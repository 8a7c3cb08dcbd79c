from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from seewhy.errors import InputError
from seewhy.show import palette
from seewhy.show.consensus_figure import consensus_figure
from seewhy.show.saving import figure_bytes

VOICES = ("half-hidden", "shapley", "occlusion")
AGREED = {4: 0.9, 2: -0.6, 0: 0.5}
DISPUTED = (7, 5)


def values_of(voices=VOICES, count=9):
    rng = np.random.default_rng(0)
    return {voice: rng.uniform(-1, 1, count) for voice in voices}


@pytest.fixture
def draw(make_cells, make_picture):
    def figure(cut=None, image=None, **settings):
        cut = make_cells() if cut is None else cut
        voices = settings.get("voices", VOICES)
        values = values_of(voices, cut.count)
        first = values[voices[0]] if voices else np.zeros(cut.count)
        usual = {
            "agreed": AGREED,
            "disputed": DISPUTED,
            "voices": voices,
            "values": values,
            "intervals": {voices[0]: (first - 0.1, first + 0.2)} if voices else None,
            "title": "CONSENSUS",
            "subtitle": "3 voices",
            "sentences": ["All agree on region 1."],
        }
        image = make_picture(*cut.shape) if image is None else image
        return consensus_figure(image, cut, **(usual | settings))

    return figure


def chart(figure):
    return figure.axes[-1]


def badges(axes):
    return [text.get_text() for text in axes.texts]


def test_the_picture_and_the_chart_have_the_same_numbers(draw):
    figure = draw()
    picture = [axes for axes in figure.axes if axes.images][1]
    # by strength, then those in dispute as they come
    assert badges(chart(figure)) == ["1", "2", "3", "4?", "5?"]
    assert badges(picture) == badges(chart(figure))
    for axes in (picture, chart(figure)):
        circles = [line for line in axes.lines if line.get_markersize() > 9]
        hues = [to_hex(line.get_markerfacecolor()) for line in circles]
        assert hues == [palette.FOR, palette.AGAINST, palette.FOR, *[palette.SECONDARY] * 2]


def test_every_voice_has_a_marker_on_every_line(draw):
    values = values_of()
    axes = chart(draw())
    markers = [line for line in axes.lines if line.get_markersize() == 5 and len(line.get_xdata())
               == 1]  # fmt: skip
    x = np.reshape([line.get_xdata()[0] for line in markers], (5, 3))
    for row, player in zip(x, (4, 2, 0, 7, 5), strict=True):
        np.testing.assert_allclose(row, [values[voice][player] for voice in VOICES])
    shapes = [line.get_marker() for line in markers]
    assert len(set(shapes[:3])) == 3
    assert shapes == shapes[:3] * 5
    y = [float(line.get_ydata()[0]) for line in markers]
    assert y == sorted(y)
    assert len(set(y)) == 15


def test_intervals_are_cut_at_the_ends_of_the_axis(draw):
    first = values_of()["half-hidden"]
    axes = chart(draw())
    spans = [line.get_xdata() for line in axes.lines if line.get_linewidth() == 1.0
             and len(line.get_xdata()) == 2]  # fmt: skip
    expected = [np.clip([first[p] - 0.1, first[p] + 0.2], -1, 1) for p in (4, 2, 0, 7, 5)]
    np.testing.assert_allclose(spans, expected)


@pytest.mark.parametrize("voices", [("lime",), VOICES, tuple(f"voice {k}" for k in range(12))])
def test_any_number_of_voices(draw, check_texts, texts, voices):
    figure = draw(voices=voices)
    check_texts(figure)
    assert set(voices) <= set(texts(figure))


@pytest.mark.parametrize(
    ("agreed", "disputed"), [({}, (3,)), ({3: 0.4}, ()), ({3: 0.0}, ()), ({}, (1, 1))]
)
def test_one_kind_alone(draw, check_texts, agreed, disputed):
    figure = draw(agreed=agreed, disputed=disputed)
    check_texts(figure)
    assert len(badges(chart(figure))) == 1


def test_nothing_at_all_is_said(draw):
    figure = draw(agreed={}, disputed=())
    assert "no region matters" in figure.axes[-1].texts[0].get_text()
    assert len(figure.axes) == 2


def test_many_regions_have_twelve_lines(draw, make_cells, check_texts):
    cut = make_cells(60, 90, 5, 6)
    agreed = {player: 1 - player / 30 for player in range(25)}
    figure = draw(cut, agreed=agreed, disputed=(28, 29))
    assert badges(chart(figure)) == [str(place) for place in range(1, 13)]
    check_texts(figure)


def test_hostile_names_are_inert(draw, hostile_names, check_texts):
    name = hostile_names[0]
    voices = tuple(name + " " * k for k in range(3))
    check_texts(draw(voices=voices, title=name, subtitle=name, sentences=[name]))


@pytest.mark.parametrize(
    ("cut", "channels"),
    [((60, 90, 3, 3), 3), ((28, 28, 7, 7), 1), ((30, 300, 4, 12), 16), ((300, 30, 12, 4), 2)],
)
def test_any_shape(draw, make_cells, make_picture, check_texts, cut, channels):
    cells = make_cells(*cut)
    check_texts(draw(cells, make_picture(*cells.shape, channels)))


def test_a_view_smaller_than_the_picture(draw, make_cells, texts, check_texts):
    outside = np.zeros((60, 90), bool)
    outside[:, 80:] = True
    figure = draw(make_cells(outside=outside))
    assert "in the frame: what the model saw" in texts(figure)
    check_texts(figure)


def test_equal_figures_give_equal_bytes(draw):
    assert figure_bytes(draw()) == figure_bytes(draw())


def test_what_cannot_be_drawn_is_refused(draw, make_picture):
    with pytest.raises(InputError, match="voices must hold at least one"):
        draw(voices=())
    with pytest.raises(InputError, match="'lime' has none"):
        draw(voices=("lime",), values={})
    with pytest.raises(InputError, match="for each of the 9 superpixels"):
        draw(voices=("lime",), values={"lime": np.zeros(8)})
    with pytest.raises(InputError, match="no superpixel that is agreed on; got 4"):
        draw(disputed=(7, 4))
    with pytest.raises(InputError, match="agreed must be made of superpixels"):
        draw(agreed={9: 0.5})
    with pytest.raises(InputError, match="disputed must be made of superpixels"):
        draw(disputed=(-1,))
    with pytest.raises(InputError, match="height and width"):
        draw(image=make_picture(61, 90))
