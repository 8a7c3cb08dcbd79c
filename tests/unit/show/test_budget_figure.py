from __future__ import annotations

import math

import numpy as np
import pytest
from matplotlib.colors import to_hex

from seewhy.errors import InputError
from seewhy.metrics.measures import BY_KEY, Number
from seewhy.show import palette
from seewhy.show.budget_figure import budget_figure
from seewhy.show.comparison_words import head
from seewhy.show.saving import figure_bytes
from seewhy.show.series import looks_of

SRG = BY_KEY["srg"]
BUDGETS = (64, 128, 256, 512)


def rising(end, budgets=BUDGETS):
    return [(each, Number(end - 2 / each**0.5, end - 3 / each**0.5, end)) for each in budgets]


def field(count=3):
    return {f"method {k}": rising(0.9 - 0.01 * k) for k in range(count)}


def draw(curves, **settings):
    usual = {"measure": SRG, "title": "BUDGET", "subtitle": "60 regions"}
    return budget_figure(curves, **(usual | settings))


def lines_of(figure):
    """What joins points: the drawn curves, in order."""
    return [line for line in figure.axes[0].lines if len(line.get_xdata()) == len(BUDGETS)][::2]


def test_budgets_are_logarithmic_and_values_linear():
    figure = draw(field(1))
    (line,) = lines_of(figure)
    steps = np.diff(line.get_xdata())
    np.testing.assert_allclose(steps, steps[0])
    heights = np.array(line.get_ydata())
    values = np.array([number.value for _, number in rising(0.9)])
    scaled = np.diff(heights) / np.diff(values)
    np.testing.assert_allclose(scaled, scaled[0])
    ends = [bar.get_ydata() for bar in figure.axes[0].lines if len(set(bar.get_xdata())) == 1]
    reach = [max(y) - min(y) for y in ends if len(y) == 2][-len(BUDGETS) :]
    np.testing.assert_allclose(reach, [3 / each**0.5 * scaled[0] for each in BUDGETS])


@pytest.mark.parametrize("count", [1, 3, 16])
def test_names_stand_where_lines_end_and_never_on_each_other(check_texts, count):
    figure = draw(field(count))
    check_texts(figure)
    heights = {
        text.get_text(): text.get_position()[1]
        for text in figure.texts
        if text.get_text().startswith("method")
    }
    assert len(heights) == count
    # the first method ends highest
    order = sorted(heights, key=heights.__getitem__, reverse=True)
    assert order == [f"method {k}" for k in range(count)]


def test_every_method_has_its_own_look_and_references_are_grey():
    curves = {**field(), "reference: random order": rising(0.1)}
    figure = draw(curves)
    looks = looks_of(curves)
    for line, (name, look) in zip(lines_of(figure), looks.items(), strict=True):
        assert to_hex(line.get_color()) == look.colour, name
    (name,) = (text for text in figure.texts if text.get_text() == "random order")
    assert name.get_color() == palette.SECONDARY


def test_points_of_one_budget_stand_beside_each_other():
    x = [line.get_xdata()[0] for line in lines_of(draw(field(4)))]
    assert (np.diff(x) > 0.03).all()
    step = np.diff(lines_of(draw(field(4)))[0].get_xdata())[0]
    assert x[-1] - x[0] < step / 2


def test_what_is_far_below_does_not_squeeze_the_others(texts):
    curves = {"lime": rising(0.9), "rise": [(64, Number(-30.0)), (512, Number(0.5))]}
    figure = draw(curves, measure=BY_KEY["r2"])
    assert "not drawn: what is below −1.00" in texts(figure)
    first = lines_of(figure)[0].get_ydata()
    assert max(first) - min(first) > 0.05
    assert "not drawn: what is below −1.00" not in texts(draw(field()))


def test_budgets_and_values_are_written_in_their_units(texts):
    shares = {"lime": [(1000, Number(0.2, 0.1, 0.3)), (20000, Number(0.5, 0.4, 0.6))]}
    said = texts(draw(shares, measure=BY_KEY["flip_area"]))
    assert {"1 000", "20 000", "20 %", "60 %", head(BY_KEY["flip_area"]), "lime"} <= set(said)
    assert BY_KEY["flip_area"].meaning in " ".join(said)


def test_crowded_budgets_are_thinned_out(check_texts):
    check_texts(draw({"lime": rising(0.9, range(64, 600, 8))}))


def test_one_point_without_an_interval(check_texts):
    check_texts(draw({"occlusion": [(62, Number(0.5))]}))


def test_hostile_names_are_inert(hostile_names, check_texts):
    name = hostile_names[0]
    curves = {name + " " * k: points for k, points in enumerate(field().values())}
    check_texts(draw(curves, title=name, subtitle=name))


def test_what_is_not_finite_is_left_out(texts):
    curves = {"lime": rising(0.9), "rise": [(64, Number(math.nan))], "grad-cam": []}
    said = texts(draw(curves))
    assert "lime" in said
    assert not {"rise", "grad-cam"} & set(said)


def test_equal_figures_give_equal_bytes():
    assert figure_bytes(draw(field())) == figure_bytes(draw(field()))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="at least one finite number"):
        draw({"lime": [(64, Number(math.inf))]})
    with pytest.raises(InputError, match="at least one finite number"):
        draw({})
    with pytest.raises(InputError, match="budgets must be at least 1; 'lime' has 0"):
        draw({"lime": [(0, Number(0.5))]})
