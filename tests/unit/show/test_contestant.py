from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.curves import GRID, Curve
from seewhy.metrics.measures import Number
from seewhy.show.contestant import Contestant, number_contested

FLAT = Curve(1 - GRID, 0.5)


def attribution(values, errors=None, name="lime"):
    return Contestant(
        name,
        np.array(values, float),
        None if errors is None else np.array(errors, float),
        None,
        "attribution",
        FLAT,
        FLAT,
        {"srg": Number(0.5, 0.4, 0.6)},
        frozenset(),
    )


def rule(members, count, kind="rule"):
    values = np.zeros(count)
    values[list(members)] = 1
    return replace(attribution(values, name="anchors"), members=tuple(members), kind=kind)


def test_regions_are_numbered_by_shares_of_each_methods_largest():
    # in its own units the second method's 40 would drown the first one's 3
    small = attribution([1.0, 3.0, 0.0, 0.0])
    large = attribution([0.0, 20.0, 40.0, 30.0], name="kernel-shap")
    # 1 and 2 lead a method each; 1 has 1 + .5 over both, 2 has 0 + 1
    assert number_contested([small, large], top=4) == {1: 1, 2: 2, 3: 3, 0: 4}
    assert number_contested([large, small], top=4) == {1: 1, 2: 2, 3: 3, 0: 4}
    assert number_contested([small], top=1) == {1: 1}
    # level at first, so that what the others say decides, not the place
    other = attribution([0.5, 0.0, 1.0, 0.9], name="rise")
    assert number_contested([large, other, small], top=1) == {2: 1, 1: 2}


def test_what_is_uncertain_has_no_number_but_members_do():
    unsure = attribution([1.0, 3.0, -2.0], errors=[0.1, 9.0, 0.1])
    assert unsure.drawn(3) == [2, 0]
    assert set(number_contested([unsure], top=3)) == {0, 2}
    assert set(number_contested([unsure, rule([1], 3)], top=1)) == {1, 2}
    assert rule([2, 0, 1], 3).drawn(1) == [2, 0, 1]
    assert attribution([0.0, 0.0]).drawn(4) == []
    assert number_contested([attribution([0.0, 0.0])], top=4) == {}


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="values must be finite"):
        attribution([1.0, np.nan])
    with pytest.raises(InputError, match="values must be finite"):
        attribution([[1.0]])
    with pytest.raises(InputError, match="standard_error must have the shape"):
        attribution([1.0, 2.0], errors=[1.0])
    with pytest.raises(InputError, match="members must be given for rules"):
        replace(attribution([1.0]), kind="rule")
    with pytest.raises(InputError, match="members must be given for rules"):
        replace(rule([0], 1), kind="attribution")
    with pytest.raises(InputError, match="101 hidden shares"):
        replace(attribution([1.0]), first=Curve(np.ones(5), 1.0))
