"""Scores of classes as torch computes them, so that they can be differentiated."""

from __future__ import annotations

from typing import Any

from seewhy.game.scores import ClassScores
from seewhy.models.line_checks import check_asked
from seewhy.models.protocol import Output
from seewhy.models.torch_extra import torch

CLIP = 1e-6


def torch_scores(outputs: Any, asked: ClassScores, output: Output) -> Any:
    """Turn a network's outputs into the scores of the classes asked for.

    Equal to what the masking game says of the same outputs, see
    `seewhy.game.scores.score_columns`.

    Parameters
    ----------
    outputs : torch.Tensor
        (n, k), as the network returns them.
    asked : ClassScores
        Which classes, on which scale.
    output : {"logits", "probabilities", "raw"}
        What the outputs are.

    Returns
    -------
    torch.Tensor
        (n, t) float64, formed as the game forms its scores.

    Raises
    ------
    InputError
        A class that does not exist, or a score that raw outputs do not have.
    """
    logs = _logs(outputs, output)
    check_asked(asked, logs.shape[1], output)
    chosen = logs[:, list(asked.targets)]
    if asked.against is not None:
        return chosen - logs[:, [asked.against]]
    if output == "raw":
        return chosen
    if asked.score == "log-odds":
        return chosen - torch.logsumexp(logs[:, _others(logs.shape[1], asked)], dim=2)
    if output == "logits":
        chosen = torch.log_softmax(logs, dim=1)[:, list(asked.targets)]
    return torch.exp(chosen) if asked.score == "probability" else chosen


def _logs(outputs: Any, output: Output) -> Any:
    """Logits, or the logs of clipped probabilities, of every class; raw outputs as they are."""
    # as the game forms its scores; Apple's devices have no float64
    outputs = outputs.to(torch.float32 if outputs.device.type == "mps" else torch.float64)
    single = outputs.shape[1] == 1
    if output == "logits":
        # one logit z of the second of two classes: the other's is 0
        return torch.cat([torch.zeros_like(outputs), outputs], dim=1) if single else outputs
    if output == "probabilities":
        both = torch.cat([1 - outputs, outputs], dim=1) if single else outputs
        return torch.log(torch.clamp(both, CLIP, 1 - CLIP))
    return outputs


def _others(n_classes: int, asked: ClassScores) -> Any:
    """Indices (t, k − 1) of the classes that each target is weighed against."""
    classes = torch.arange(n_classes)
    return torch.stack([classes[classes != target] for target in asked.targets])
