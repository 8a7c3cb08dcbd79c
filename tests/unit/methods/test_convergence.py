"""When an explanation is settled."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.methods.convergence import settled


@pytest.mark.parametrize(
    ("values", "error", "expected"),
    [
        ([5.0, 3.0, 1.0, 0.0], [0.1, 0.1, 0.1, 0.5], True),  # every error at most ε of the largest
        ([5.0, 3.0, 1.0, 0.0], [0.1, 0.1, 0.1, 0.51], True),  # not so, but 3 and 1 are apart
        ([5.0, 1.1, -1.0, 0.0], [0.1, 0.1, 0.1, 0.51], False),  # 1.1 and −1 are not
        ([5.0, -1.3, -1.0, 0.0], [0.1, 0.1, 0.1, 0.51], True),  # .3 > 1.96 √2 · .1
        ([5.0, 1.0, -1.27, 0.0], [0.1, 0.1, 0.1, 0.51], False),  # .27 is not
        ([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], True),
    ],
)
def test_settled_is_small_errors_everywhere_or_the_top_separated(values, error, expected):
    both = np.array([values, [5.0, 1.1, -1.0, 0.0]]).T
    doubts = np.array([error, [0.1, 0.1, 0.1, 0.51]]).T
    assert settled(both, doubts, epsilon=0.1, top_regions=2).tolist() == [expected, False]
    # with as many regions as superpixels there is no next one to be separated from
    small = max(error) <= 0.1 * max(np.abs(values))
    assert settled(both, doubts, epsilon=0.1, top_regions=4).tolist() == [small, False]
    assert settled(both, None, epsilon=0.1, top_regions=4).all()
