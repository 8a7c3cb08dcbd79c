"""Curves against the peers' figures, recorded: RISE's formula, Xplique 2.0.2, Quantus 0.6.0."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from seewhy.game.curves import curve_along, orders_of
from seewhy.game.game import Game
from seewhy.metrics.additivity import correlation_on_fresh
from seewhy.metrics.bench import Bench

K = np.arange(16)
BRIGHTNESS = ((7 * K) % 16 + 1) / 16
WEIGHTS = ((5 * K + 3) % 16 - 6) / 8
AREAS = np.full(16, 1 / 16)
RNG = np.random.default_rng(0)
MAPS = {
    "gradient times input": WEIGHTS * BRIGHTNESS + K / 1024,
    "another order": ((11 * K + 5) % 16) / 16 - 0.4,
    "brightness": BRIGHTNESS,
}
# Deletion to black, insertion into .25, deletion least first. RISE's formula in float64; Xplique
# Deletion/Insertion(steps=16) the same to 1e-7; Quantus PixelFlipping(features_in_step=4,
# perturb_baseline=0.0) with the picture's own score put before its 16 to the last bit.
AREAS_UNDER = {
    "gradient times input": (0.20611730372415824, 0.7846746086485128, 0.8337073819930056),
    "another order": (0.3137381493267051, 0.5379627061630955, 0.5165193103245751),
    "brightness": (0.540460283083389, 0.37079535409975584, 0.269756740197351),
}
# Quantus IROF on these 16 patches, np.trapz restored.
IROF = {
    "gradient times input": 8.778685218213788,
    "another order": 4.1841611990564385,
    "brightness": -4.460001758292023,
}
# Quantus FaithfulnessCorrelation(subset_size=12 pixels, perturb_baseline=0.0) with np.random.choice
# replaced by all 560 triples of patches; it takes the picture as float32, hence the last digits.
CORRELATION = {
    "gradient times input": 0.67224033,
    "another order": 0.12457131,
    "brightness": -0.41506396,
}


def probability(patches):
    """Of a sigmoid model with two products, from (n, 16) patch brightnesses."""
    logit = patches @ WEIGHTS - 0.5
    logit += 2 * patches[:, 0] * patches[:, 5] - 1.5 * patches[:, 2] * patches[:, 9]
    return 1 / (1 + np.exp(-logit))


def with_fill(fill):
    return lambda masks: probability(np.where(masks, BRIGHTNESS, fill))


@pytest.mark.parametrize("name", MAPS)
def test_areas_are_rises_xpliques_and_quantus(name):
    most, least = (
        orders_of(MAPS[name], RNG, most=1, least_first=reverse) for reverse in (False, True)
    )
    found = (
        curve_along(most, AREAS, with_fill(0.0), steps=16).area,
        curve_along(least, AREAS, with_fill(0.25), steps=16).area,
        curve_along(least, AREAS, with_fill(0.0), steps=16).area,
    )
    assert found == pytest.approx(AREAS_UNDER[name], abs=1e-12)


@pytest.mark.parametrize("name", MAPS)
def test_irof_follows_from_the_area(name):
    # IROF sums the trapezoids of f / f(x) from the first hidden patch on, without the one before.
    orders = orders_of(MAPS[name], RNG, most=1)
    area = curve_along(orders, AREAS, with_fill(0.0), steps=16).area
    whole, first = with_fill(0.0)(np.stack([orders[0] >= 0, np.arange(16) != orders[0][0]]))
    irof = 16 - (16 * area - (whole + first) / 2) / whole
    assert irof == pytest.approx(IROF[name], abs=1e-10)


@pytest.mark.parametrize("name", MAPS)
def test_correlation_is_faithfulness_correlation_on_its_masks(name):
    """Its sums are of what is hidden against the drop, ours of what is kept against the score.

    Theirs hides a fixed number at random, ours each by coin toss; on equal masks both are one.
    """
    hidden = np.array(list(combinations(range(16), 3)))
    masks = np.ones((len(hidden), 16), bool)
    np.put_along_axis(masks, hidden, False, axis=1)
    view = Game(lambda m: with_fill(0.0)(m)[:, None], 16).view("raw", target=0)
    bench = Bench(view, view, view, view)
    bench.__dict__["fresh"] = (masks, view(masks)[:, 0])
    assert correlation_on_fresh(bench, MAPS[name]).value == pytest.approx(
        CORRELATION[name], abs=1e-6
    )
