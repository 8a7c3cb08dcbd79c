"""Small pictures and networks for gradient methods."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.scores import ClassScores
from seewhy.image.fill import BlurFill
from seewhy.image.segmentation import Segmentation
from seewhy.methods.gradients.pixels import PixelView
from seewhy.models.masking_game import masked_picture
from seewhy.models.preprocessing import Preprocessing

SIDE = 12


def make_view(module, asked=None, *, output="logits", fill=None, outside=True, seed=0, batch=8):
    """A random picture of nine superpixels, its last column in none of them."""
    from seewhy.models.torch_model import TorchModel

    asked = ClassScores("log-odds", (0, 2)) if asked is None else asked
    preprocessing = Preprocessing((SIDE, SIDE), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    model = TorchModel(module, preprocess=preprocessing, output=output, batch=batch)
    grid = np.arange(9).reshape(3, 3)
    labels = np.kron(grid, np.ones((SIDE // 3, SIDE // 3), int))
    left_out = np.zeros(labels.shape, bool)
    left_out[:, -1] = outside
    image = np.random.default_rng(seed).random((SIDE, SIDE, 3), dtype=np.float32)
    segments = Segmentation(labels, outside=left_out)
    picture = masked_picture(model, image, segments, fill=fill or BlurFill(0.2))
    return PixelView(model, picture, asked)


def make_network(seed=0, classes=4):
    """Convolutions, in-place and functional activations, pooling."""
    torch = pytest.importorskip("torch")

    class Small(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Conv2d(3, 6, 3, padding=1)
            self.act = torch.nn.ReLU(inplace=True)
            self.features = torch.nn.Sequential(torch.nn.Conv2d(6, 8, 3, padding=1), self.act)
            self.pool = torch.nn.AdaptiveAvgPool2d(1)
            self.head = torch.nn.Linear(8, classes)

        def forward(self, x):
            x = self.features(torch.nn.functional.gelu(self.first(x)))
            return 3 * self.head(self.pool(x).flatten(1))

    torch.manual_seed(seed)
    return Small()


@pytest.fixture
def view_of():
    """Make a view of a network on a small picture."""
    pytest.importorskip("torch")
    return make_view


@pytest.fixture
def network():
    """Make a small network."""
    return make_network
