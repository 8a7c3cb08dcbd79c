"""Gradients of a torch network along straight lines between pictures, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64

from seewhy.errors import ModelError
from seewhy.game.scores import ClassScores
from seewhy.models.batching import Batcher
from seewhy.models.line_checks import check_gradients
from seewhy.models.protocol import Output
from seewhy.models.torch_extra import torch
from seewhy.models.torch_scores import torch_scores

Network = Callable[[Any], Any]


def line_gradients(
    network: Network,
    image: Any,
    references: Any,
    positions: Float[np.ndarray, " n"],
    asked: ClassScores,
    *,
    output: Output,
    batcher: Batcher,
) -> tuple[Float64[np.ndarray, "n t"], Float32[np.ndarray, "t n h w"]]:
    """Differentiate scores at points between references and a picture; see `DifferentiableModel`.

    Parameters
    ----------
    network : callable
        Normalised pictures (b, c, h, w) to outputs (b, k).
    image : torch.Tensor
        (1, c, h, w), normalised, on the network's device.
    references : callable
        Takes a slice of the points; returns their references, (b or 1, c, h, w).
    positions : (n,) array in [0, 1]
        0 is the reference, 1 the picture.
    asked : ClassScores
        Which classes, on which scale.
    output : {"logits", "probabilities", "raw"}
        What the network returns.
    batcher : Batcher
        With the batch that suits a backward pass.

    Raises
    ------
    ModelError
        When scores or gradients are not finite, or the network cannot be differentiated.
    """
    h, w = image.shape[2:]
    contributions = np.empty((len(asked.targets), len(positions), h, w), np.float32)

    def step(rows: slice) -> np.ndarray:
        reference = references(rows)
        place = torch.as_tensor(positions[rows], dtype=image.dtype, device=image.device)
        difference = image - reference
        points = reference + place[:, None, None, None] * difference
        scores, gradients = _scores_and_gradients(
            lambda inputs: torch_scores(network(inputs), asked, output), points, name=batcher.name
        )
        for target, gradient in enumerate(gradients):
            shares = (gradient.float() * difference.float()).sum(dim=1)
            contributions[target, rows] = shares.cpu().numpy()
        return np.asarray(scores.detach().cpu().numpy())

    with torch.inference_mode(False), torch.enable_grad():
        scores = batcher.run(len(positions), step).astype(np.float64)
    check_gradients(contributions, name=batcher.name)
    return scores, contributions


def _scores_and_gradients(scores_at: Network, points: Any, *, name: str) -> tuple[Any, list[Any]]:
    """Scores (b, t), and t gradients (b, c, h, w), from one forward pass.

    One backward pass per class through the one graph. A batched one
    (``is_grads_batched``) costs 1.0 to 2 times as much of a CPU, where convolutions under vmap
    leave their fast paths, and t times the memory anywhere; the pictures of a batch fill a GPU
    without it, so that nothing is gained there.
    """
    leaf = points.detach().requires_grad_()
    scores = scores_at(leaf.clone())  # a network may overwrite its input, but no leaf
    if not scores.requires_grad:
        raise ModelError(
            f"{name} cannot be differentiated: its outputs do not depend on its input in a way "
            "that torch records; remove detach() and no_grad() from its forward."
        )
    last = scores.shape[1] - 1
    # rows are independent of each other, so that one sum serves them all
    gradients = [
        torch.autograd.grad(column.sum(), leaf, retain_graph=target < last)[0]
        for target, column in enumerate(scores.unbind(dim=1))
    ]
    return scores, gradients
