"""What anchors refuse, in one sentence."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.toys import threshold_game
from seewhy.methods.anchors import Anchors


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, 1.5, 95, "0.95", True])
@pytest.mark.parametrize("name", ["precision", "confidence"])
def test_probabilities_out_of_range_are_refused(name, value):
    with pytest.raises(InputError, match=f"^{name} must lie between 0 and 1, exclusive; got"):
        Anchors(**{name: value})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": 0.0}, r"hidden must be a probability in \(0, 1\]; got 0.0"),
        ({"hidden": 1.1}, r"hidden must be a probability in \(0, 1\]; got 1.1"),
        ({"hidden": "half"}, r"hidden must be a probability in \(0, 1\]; got 'half'"),
        ({"background": "blur"}, "background must be 'fill' or 'pictures'; got 'blur'"),
        ({"budget": 0}, "budget must be 'auto' or a whole number; got 0"),
        ({"budget": 100.0}, "budget must be 'auto' or a whole number; got 100.0"),
        ({"budget": True}, "budget must be 'auto' or a whole number; got True"),
        ({"count": True}, "count must be a whole number of at least 1; got True"),
        ({"hidden": True}, r"hidden must be a probability in \(0, 1\]; got True"),
        ({"count": 0}, "count must be a whole number of at least 1; got 0"),
        ({"count": 1.5}, "count must be a whole number of at least 1; got 1.5"),
    ],
)
def test_bad_settings_are_said_in_a_sentence(settings, message):
    with pytest.raises(InputError, match=f"^{message}"):
        Anchors(**settings)


def test_a_precision_that_auto_does_not_reach_names_the_budget_needed():
    with pytest.raises(InputError, match=r"budget must be at least \d+ masked pictures"):
        Anchors(precision=0.99999)(threshold_game([1.0] * 30, 29.5), np.random.default_rng(0))


@pytest.mark.parametrize("settings", [{"hidden": 0.01}, {"hidden": 0.05, "precision": 0.75}])
def test_seldom_hidden_is_no_error(settings):
    rule = Anchors(budget=2000, **settings)(
        threshold_game([1.0] * 40, 39.5), np.random.default_rng(0)
    )
    assert rule.status in ("sufficient", "not_found", "trivially_robust")
