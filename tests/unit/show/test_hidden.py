"""What hiding everything leaves of a picture, at the picture's own size."""

from __future__ import annotations

import numpy as np

from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show.hidden import with_everything_hidden


def test_the_models_input_is_laid_over_its_window():
    image = np.zeros((8, 12, 3), np.uint8)
    labels = np.full((8, 12), OUTSIDE)
    labels[:, 2:10] = np.arange(8) // 4
    hidden = np.full((4, 4, 3), 200, np.uint8)
    shown = with_everything_hidden(
        image, Segmentation(labels, outside=labels == OUTSIDE), hidden, (0.0, 2.0, 8.0, 10.0)
    )
    assert (shown[:, 2:10] == 200).all()  # to the very edge
    assert (shown[:, :2] == 0).all()
    assert (shown[:, 10:] == 0).all()


def test_halves_stay_halves():
    hidden = np.zeros((4, 4, 3), np.uint8)
    hidden[:, 2:] = 255
    labels = np.arange(64).reshape(8, 8)
    shown = with_everything_hidden(
        np.zeros((8, 8, 1), np.float32), Segmentation(labels), hidden, (0.0, 0.0, 8.0, 8.0)
    )
    assert (shown[:, :3] < 64).all()
    assert (shown[:, 5:] > 191).all()
