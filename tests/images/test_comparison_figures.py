"""Pictures of comparisons, pixel by pixel, and what of them survives at 600 pixels."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as pillow

from seewhy.game.curves import GRID, Curve
from seewhy.image.segmentation import Segmentation
from seewhy.metrics.measures import BY_KEY, Number
from seewhy.show import palette, render
from seewhy.show.change_figure import hidden_tinted
from seewhy.show.comparison_figure import comparison_figure
from seewhy.show.consensus_figure import agreement
from seewhy.show.contestant import Contestant
from seewhy.show.saving import figure_bytes
from seewhy.show.stage import Stage, in_colour

VALUES = np.array([0.5, -0.25, 0.1, 0.0])
ERRORS = np.array([0.01, 0.01, 0.2, 0.01])
FLAT = Curve(1 - GRID, 0.5)


def quarters(size=300):
    half = (np.arange(size) >= size // 2).astype(int)
    return Segmentation(2 * half[:, None] + half)


def noise(size=300):
    return np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)


def contestant(kind="attribution", members=None, **settings):
    usual = {
        "name": "lime",
        "values": VALUES,
        "standard_error": ERRORS,
        "members": members,
        "kind": kind,
        "first": Curve((1 - GRID) ** 4, 0.2),
        "last": Curve(1 - GRID**4, 0.8),
        "numbers": {"srg": Number(0.6, 0.5, 0.7)},
        "best": frozenset({"srg"}),
    }
    return Contestant(**(usual | settings))


def overlays(*contestants):
    figure = comparison_figure(
        noise(),
        quarters(),
        contestants,
        title="COMPARE",
        subtitle="4 regions",
        columns=[BY_KEY["srg"]],
        verdict=[],
        target="minibus",
    )
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


def away_from_borders(reach=12):
    inner = np.zeros((300, 300), bool)
    for start in (0, 150):
        for left in (0, 150):
            inner[start + reach : start + 150 - reach, left + reach : left + 150 - reach] = True
    return inner


def at_size():
    """The stage at which 300 pixels are shown, and where no outline runs on it."""
    stage = Stage.of(noise(), quarters())
    factor = stage.pixels.shape[0] // 300
    inner = away_from_borders().repeat(factor, 0).repeat(factor, 1)
    return stage, inner


def test_what_is_uncertain_or_zero_keeps_the_softened_picture():
    stage, inner = at_size()
    (drawn,) = overlays(contestant())
    soft = render.soften(stage.pixels)
    for player in range(4):
        part = stage.segmentation.selected([player]) & inner
        assert (drawn[part] == soft[part]).all() == (player in (2, 3))
    tinted = render.tint(stage.pixels, stage.segmentation, VALUES, ERRORS)
    np.testing.assert_array_equal(drawn[inner], tinted[inner])


def test_methods_in_other_units_have_the_same_picture():
    one, other = overlays(
        contestant(), contestant(values=1000 * VALUES, standard_error=1000 * ERRORS)
    )
    np.testing.assert_array_equal(one, other)


def test_rules_and_changes_look_as_in_their_own_figures():
    stage, inner = at_size()
    rule, change = overlays(contestant("rule", (0, 3)), contestant("change", (1,)))
    np.testing.assert_array_equal(rule, in_colour(stage, (0, 3)))
    np.testing.assert_array_equal(change[inner], hidden_tinted(stage, (1,))[inner])
    orange = (change == palette.rgb(palette.AGAINST)).all(axis=2)
    assert orange.any()
    assert not orange[~stage.segmentation.selected((1,))].any()


def test_agreed_regions_are_tinted_and_disputed_ones_striped():
    stage, inner = at_size()
    drawn = agreement(stage, {0: 0.8, 1: -0.5}, {0: "1", 1: "2", 3: "3?"})
    soft = render.soften(stage.pixels)
    tinted = render.tint(
        stage.pixels, stage.segmentation, np.array([0.8, -0.5, 0, 0]), None, strongest=1.0
    )
    agreed = stage.segmentation.selected((0, 1)) & inner
    np.testing.assert_array_equal(drawn[agreed], tinted[agreed])
    alone = stage.segmentation.selected((2,)) & inner
    np.testing.assert_array_equal(drawn[alone], soft[alone])
    disputed = stage.segmentation.selected((3,)) & inner
    untouched = (drawn[disputed] == soft[disputed]).all(axis=1).mean()
    assert 0.45 < untouched < 0.55
    grey = np.array(palette.rgb(palette.SECONDARY), float)
    changed = disputed & (drawn != soft).any(axis=2)
    expected = np.rint(soft[changed] + 0.45 * (grey - soft[changed]))
    np.testing.assert_array_equal(drawn[changed], expected)


def test_an_outline_of_each_kind_surrounds_its_region():
    stage, _ = at_size()
    drawn = agreement(stage, {0: 1.0, 1: -0.5}, {0: "1", 1: "2", 3: "3?"})
    for player, colour in ((0, palette.FOR), (1, palette.AGAINST), (3, palette.SECONDARY)):
        line = (drawn == palette.rgb(colour)).all(axis=2)
        inside = stage.segmentation.selected([player])
        edge = inside & (render.inner_distance(inside) <= 1)
        assert line[edge].all()


@pytest.mark.parametrize("count", [2, 14])
def test_what_is_best_still_stands_out_at_600_pixels(count):
    """Bold numbers in colour, their quiet neighbours without any."""
    best = contestant()
    rest = [replace(best, name=str(k), best=frozenset()) for k in range(count - 1)]
    figure = comparison_figure(
        noise(),
        quarters(),
        [best, *rest],
        title="COMPARE",
        subtitle="4 regions",
        columns=[BY_KEY["srg"]],
        verdict=["Nothing else."],
        target="minibus",
    )
    whole = pillow.open(io.BytesIO(figure_bytes(figure))).convert("RGB")
    small = whole.resize((600, round(whole.height * 600 / whole.width)), pillow.Resampling.LANCZOS)
    pixels = np.asarray(small, float)
    scale = small.width / whole.width
    shown = [text for text in figure.texts if text.get_text() == "0.60"]
    assert len(shown) == count
    colourful = []
    for text in shown:
        box = text.get_window_extent()
        rows = slice(int((whole.height - box.y1) * scale), int((whole.height - box.y0) * scale) + 1)
        part = pixels[rows, int(box.x0 * scale) : int(box.x1 * scale) + 1]
        colourful.append(float((part[..., 1] - part[..., 0]).max()))
        # ink on white: letters have not dissolved
        assert part.min() < 110
    assert colourful[0] > 60
    assert max(colourful[1:]) < 30
