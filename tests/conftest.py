"""Fixtures that more than one floor needs."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).parents[1] / ".." / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real photos and weights kept beside the checkout; tests that want them skip without."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs ../shared/data, which lies beside the checkout and not in it")
    return SHARED_DATA.resolve()
