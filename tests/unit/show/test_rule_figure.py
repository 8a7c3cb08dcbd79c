from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from seewhy.errors import InputError
from seewhy.game.robustness import Level
from seewhy.image.segmentation import Segmentation
from seewhy.methods.rule import Example
from seewhy.show import palette
from seewhy.show.rule_charts import Scale, beginning
from seewhy.show.rule_figure import rule_figure
from seewhy.show.rule_words import rule_sentences
from seewhy.show.saving import figure_bytes
from seewhy.show.stage import Stage, in_colour


@pytest.fixture
def draw(make_cells, make_picture, names):
    def figure(rule, cut=None, image=None, *, blanks=None, called=names, **settings):
        cut = make_cells() if cut is None else cut
        image = make_picture(*cut.shape) if image is None else image
        if blanks is None:
            blanks = {None: np.full((*cut.shape, 3), 128, np.uint8)}
        words = {"title": "ANCHORS", "subtitle": "500 pictures"} | settings
        return rule_figure(image, cut, rule, names=called, blanks=blanks, **words)

    return figure


EMPTY = {"superpixels": (), "without": (), "area": 0.0}
SHORT = {"status": "not_found", "precision": 0.9, "precision_lower_bound": 0.8}


def pictures(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


def test_the_rule_is_in_full_colour_beside_the_picture(draw, make_rule, make_cells, make_picture):
    figure = draw(make_rule())
    stage = Stage.of(make_picture(), make_cells())
    first, original = pictures(figure)[:2]
    np.testing.assert_array_equal(first, in_colour(stage, (4, 6)))
    np.testing.assert_array_equal(original, stage.pixels)
    badges = [text.get_text() for text in figure.axes[0].texts]
    assert badges == ["1", "2"]
    # the first member's badge lies on it: the centre of the picture
    x, y = figure.axes[0].texts[0].get_position()
    height, width = stage.pixels.shape[:2]
    assert (x, y) == pytest.approx((width / 2, height / 2), abs=2)


def test_masked_pictures_show_the_fill_where_they_are_hidden(
    draw, make_rule, make_cells, make_picture
):
    rule = make_rule()
    shown = pictures(draw(rule))[2:]
    cut = Stage.of(make_picture(), make_cells()).segmentation
    assert len(shown) == 4
    for pixels, example in zip(shown, (*rule.keeps, *rule.breaks), strict=True):
        hidden = cut.selected(example.hidden) & ~near(cut, (4, 6))
        assert (pixels[hidden] == 128).all()
        kept = ~cut.selected(example.hidden) & ~near(cut, (4, 6))
        assert (pixels[kept] == Stage.of(make_picture(), make_cells()).pixels[kept]).all()


def near(cut, members, reach=6):
    from scipy import ndimage

    inside = cut.selected(members)
    return inside | ndimage.binary_dilation(inside, iterations=reach)


def test_what_the_model_said_stands_below_each(draw, make_rule, texts):
    figure = draw(make_rule())
    said = texts(figure)
    assert "typical pictures that kept it" in said
    assert "the worst that broke it" in said
    assert "2 of 7 hidden" in said
    colours = {text.get_text(): text.get_color() for text in figure.texts}
    assert colours["passenger car"] == colours["cab"] == palette.AGAINST


def test_examples_of_unknown_backgrounds_are_passed_over(draw, make_rule, texts):
    keeps = (Example((0,), 0, 0.5, "husky"), Example((1,), 0, 0.5, "tabby"))
    blanks = {"husky": np.full((60, 90, 3), 9, np.uint8)}
    figure = draw(make_rule(keeps=keeps), blanks=blanks)
    said = texts(figure)
    assert "one that kept it" in said
    assert "behind: husky" in said
    assert "behind: tabby" not in said
    assert "the worst that broke it" not in said
    assert (pictures(figure)[2][0, 0] == 9).all()


@pytest.mark.parametrize(
    ("others", "keeps", "breaks"), [(0, 3, 3), (1, 2, 3), (2, 2, 2), (3, 3, 3)]
)
def test_other_rules_make_room_for_themselves(draw, make_rule, check_texts, others, keeps, breaks):
    alternatives = tuple(
        make_rule(superpixels=(k,), without=(0.1,), area=1 / 9) for k in range(others)
    )
    kept, broke = (tuple(Example((k,), c, 0.5) for k in range(4)) for c in (0, 1))
    figure = draw(make_rule(keeps=kept, breaks=broke, alternatives=alternatives))
    assert len(pictures(figure)) == 2 + keeps + breaks + others
    assert [text.get_text() for text in figure.texts].count("passenger car") == breaks
    check_texts(figure)


def test_the_charts_show_the_numbers(draw, make_rule, texts):
    rule = make_rule()
    figure = draw(rule)
    said = texts(figure)
    for text in ("98 %", "· at least 95.2 %", "asked for: 95 %", "62 %", "90 %"):
        assert text in said
    precision, levels, bars = (axes for axes in figure.axes if not axes.images and axes.lines)
    scale = Scale(0.9, 1.0, 0.14, precision.get_xlim()[1] - 0.24)
    places = {tuple(np.round(line.get_xdata(), 6)) for line in precision.lines}
    bound_to_estimate = (scale(0.9529), scale(0.98))
    assert tuple(np.round(bound_to_estimate, 6)) in places
    curve = levels.lines[-1]
    assert len(curve.get_xdata()) == 3
    assert (np.diff(curve.get_xdata()) > 0).all()
    assert (np.diff(curve.get_ydata()) > 0).all()  # less precise is lower down
    widths = [patch.get_width() for patch in bars.patches]
    assert widths[1] / widths[0] == pytest.approx(0.9 / 0.62)
    assert {to_hex(patch.get_facecolor()) for patch in bars.patches} == {palette.FOR}


def test_what_was_not_measured_has_no_chart(draw, make_rule, texts):
    rule = make_rule(without=(None, None), levels=(Level(0.5, 0.98, 214, 0.01),))
    said = texts(draw(rule))
    assert "precision" in said
    assert "precision when more is hidden" not in said
    assert not any("without one" in text for text in said)


def test_an_axis_begins_well_below_what_it_shows():
    for least in np.linspace(0, 1, 101):
        assert 0 <= beginning(least) <= max(0, least - 0.2 * (1 - beginning(least)) + 1e-9)


@pytest.mark.parametrize(
    ("settings", "head", "note"),
    [
        ({}, "enough for", None),
        ({"against": 2}, "keeps", None),
        ({"status": "trivially_robust"} | EMPTY, "nothing needed for", "no region is needed"),
        (SHORT, "not certified: best for", None),
        (SHORT | EMPTY | {"draws": 0}, "nothing certified for", "no rule was found"),
    ],
)
def test_every_status_is_said_and_never_black(
    draw, make_rule, texts, check_texts, settings, head, note
):
    rule = make_rule(**settings)
    figure = draw(rule)
    said = texts(figure)
    assert head in said
    assert (note is None) or note in said
    assert pictures(figure)[0].mean() > 100
    check_texts(figure)


def test_the_caption_is_the_sentences(draw, make_rule, make_cells, names, texts):
    rule = make_rule()
    joined = " ".join(texts(draw(rule)))
    assert " ".join(rule_sentences(rule, names, make_cells())) in joined


def test_hostile_names_are_inert(draw, make_rule, hostile_names, check_texts):
    title = hostile_names[0]
    for against in (None, 1):
        rule = make_rule(against=against)
        check_texts(draw(rule, called=hostile_names, title=title, subtitle=title))


@pytest.mark.parametrize(
    ("cut", "members", "channels"),
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
    draw, make_rule, make_cells, make_picture, check_texts, cut, members, channels
):
    cells = make_cells(*cut)
    others = tuple(player for player in range(cells.count) if player not in members)
    examples = tuple(Example(others[:k], 0, 0.1) for k in (1, 2))
    rule = make_rule(
        superpixels=members,
        without=tuple(np.linspace(0.1, 0.9, len(members)).tolist()),
        keeps=examples,
        breaks=(),
    )
    figure = draw(rule, cells, make_picture(*cells.shape, channels))
    assert figure.get_size_inches()[0] == 9.6
    check_texts(figure)


def test_a_view_smaller_than_the_picture(draw, make_rule, make_cells, texts, check_texts):
    outside = np.zeros((60, 90), bool)
    outside[:, 70:] = True
    figure = draw(make_rule(superpixels=(3, 4)), make_cells(outside=outside))
    assert "in the frame: what the model saw" in texts(figure)
    check_texts(figure)


def test_equal_rules_give_equal_bytes_whatever_the_users_settings(draw, make_rule):
    import matplotlib

    before = figure_bytes(draw(make_rule()))
    with matplotlib.rc_context({"font.size": 30, "font.family": "serif", "image.origin": "lower"}):
        assert figure_bytes(draw(make_rule())) == before


def test_what_cannot_be_drawn_is_refused(draw, make_rule, make_picture):
    with pytest.raises(InputError, match="rule must be made of superpixels 0 to 8"):
        draw(make_rule(superpixels=(9,), without=(None,)))
    with pytest.raises(InputError, match="height and width"):
        draw(make_rule(), image=make_picture(61, 90))
    with pytest.raises(InputError, match="height and width"):
        draw(make_rule(), blanks={None: np.zeros((61, 90, 3), np.uint8)})
    whole = Segmentation(np.zeros((60, 90), int))
    with pytest.raises(InputError, match="rule must"):
        draw(make_rule(superpixels=(0,), without=(0.1,), alternatives=(make_rule(),)), whole)


def test_of_many_members_the_first_have_bars(draw, make_rule, texts):
    members = tuple(range(9))
    rule = make_rule(superpixels=members[:8], without=(0.5,) * 8)
    figure = draw(rule)
    assert "precision without one region, first 6" in texts(figure)
    uneven = draw(replace(rule, without=(None, 0.2, *(0.5,) * 6)))
    (chart,) = (axes for axes in uneven.axes if axes.patches)
    assert [text.get_text() for text in chart.texts] == ["2", "3", "4", "5", "6", "7"]
