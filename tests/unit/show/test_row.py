from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.show.row import Row

VALUES = np.array([0.5, -2.0, 0.0, 1.0, 3.0])
ERRORS = np.array([0.1, 0.2, 0.0, 0.2, 2.0])


def row(values=VALUES, errors=ERRORS):
    return Row("minibus", 0.4, values, errors, None)


def test_certain_regions_come_first_and_zeros_never():
    # 3.0 ± 2.0 includes zero at 1.96 standard errors; the rest exclude it
    assert row().strongest(5) == [1, 3, 0, 4]
    assert row().strongest(2) == [1, 3]
    assert row(errors=None).strongest(3) == [4, 1, 3]


def test_drawn_share_is_the_certain_part_of_the_squares():
    expected = (0.25 + 4 + 1) / (0.25 + 4 + 1 + 9)
    assert row().drawn_share() == pytest.approx(expected, abs=1e-15)
    assert row(errors=None).drawn_share() == 1
    assert row(values=np.zeros(5)).drawn_share() == 0


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.zeros(0), np.array([1.0, np.nan])])
def test_values_that_are_no_row_are_refused(values):
    with pytest.raises(InputError, match="values must be finite"):
        Row("x", None, values, None, None)


def test_errors_of_another_length_are_refused():
    with pytest.raises(InputError, match="standard_error"):
        row(errors=np.zeros(4))
