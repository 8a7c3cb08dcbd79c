from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from seewhy.game.statistics import interval_factor
from seewhy.methods.explanation import Attribution, method_settings
from seewhy.methods.lime import Lime


def attribution(values, error):
    values = np.asarray(values, float)
    return Attribution(
        values=values,
        standard_error=None if error is None else np.asarray(error, float),
        base_value=np.zeros(values.shape[1]),
        targets=tuple(range(values.shape[1])),
        evaluations=10,
        seconds=0.0,
        fidelity=None,
        converged=np.ones(values.shape[1], bool),
        method=Lime(name="mine"),
    )


VALUES = [[1.0, 0.0], [-3.0, 0.2], [2.0, -0.1], [-2.0, 0.1]]
ERROR = [[0.6, 0.1], [0.1, 0.05], [0.1, 0.1], [0.1, 0.1]]


def test_intervals_reach_as_many_standard_errors_as_the_level_says():
    found = attribution(VALUES, ERROR)
    low, high = found.interval(0.9)
    reach = 1.6448536269514722 * np.array(ERROR)
    np.testing.assert_allclose(high, np.array(VALUES) + reach)
    np.testing.assert_allclose(low, np.array(VALUES) - reach)
    default_low, default_high = found.interval()
    np.testing.assert_allclose(
        default_high - default_low, 2 * interval_factor(0.95) * np.array(ERROR)
    )


def test_a_value_is_certain_when_its_interval_excludes_zero():
    found = attribution(VALUES, ERROR)
    low, high = found.interval()
    assert np.array_equal(found.certain(), (low > 0) | (high < 0))
    assert found.certain()[:, 0].tolist() == [False, True, True, True]
    assert found.certain(level=0.5)[0, 0]


def test_where_nothing_was_sampled_values_are_their_own_intervals():
    found = attribution(VALUES, None)
    low, high = found.interval()
    assert np.array_equal(low, VALUES)
    assert np.array_equal(high, VALUES)
    assert np.array_equal(found.certain(), np.array(VALUES) != 0)


def test_the_top_are_strongest_first_and_ties_keep_their_order():
    found = attribution(VALUES, ERROR)
    assert found.top(3) == [1, 2, 3]
    assert found.top(10, column=1) == [1, 2, 3, 0]
    assert found.top(0) == []


def test_an_attribution_has_the_name_of_its_method_and_does_not_change():
    found = attribution(VALUES, ERROR)
    assert found.name == "mine"
    assert found.completeness_gap is None
    with pytest.raises(FrozenInstanceError):
        found.seconds = 1.0


def test_settings_are_a_plain_dictionary_without_the_name():
    assert method_settings(Lime(budget=64, name="mine")) == {
        "budget": 64,
        "design": "fold-over",
        "epsilon": 0.1,
        "top_regions": 5,
        "kernel_width": 0.25,
        "ridge": 1.0,
    }
