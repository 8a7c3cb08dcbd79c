"""A model whose explanation is known: it adds up the brightness of two patches."""

from __future__ import annotations

import numpy as np
import pytest

import seewhy as sw

SIDE = 32


def patches(images: np.ndarray) -> np.ndarray:
    """Class "corner" grows with the top-left quarter, "rest" with the bottom-right one."""
    corner = images[:, : SIDE // 2, : SIDE // 2].mean(axis=(1, 2, 3))
    rest = images[:, SIDE // 2 :, SIDE // 2 :].mean(axis=(1, 2, 3))
    return np.stack([4 * corner, 2 * rest, np.zeros_like(rest)], axis=1).astype(np.float32)


@pytest.fixture
def model() -> sw.CallableModel:
    return sw.CallableModel(
        patches, labels=["corner", "rest", "neither"], output="logits", input_size=(SIDE, SIDE)
    )


@pytest.fixture
def picture() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.integers(128, 256, (SIDE, SIDE, 3), dtype=np.uint8)
