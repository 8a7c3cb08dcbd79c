"""Contributions of pixels by DeepLIFT's rescale rule, complete on networks as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seewhy.errors import InputError, ModelError
from seewhy.methods.gradients.rescale.mode import RescaleMode
from seewhy.methods.gradients.rescale.tape import Tape, UnpairedError
from seewhy.models.torch_extra import torch


@dataclass(frozen=True, kw_only=True)
class Rescaled:
    """What each pixel contributes to the difference between the image and each reference.

    Parameters
    ----------
    contributions : torch.Tensor
        (t, m, c, h, w), of t targets and m references.
    score : torch.Tensor
        (t,), of the image.
    reference_scores : torch.Tensor
        (m, t).
    unknown : tuple of str
        Nonlinear functions without a rule that the network called; they kept their gradient, and
        the contributions are not complete.
    """

    contributions: Any
    score: Any
    reference_scores: Any
    unknown: tuple[str, ...]

    @property
    def completeness_gap(self) -> Any:
        """(t,) float64: the mean over references of the sum of contributions less Δ."""
        sums = self.contributions.double().sum((2, 3, 4))
        return (sums - (self.score - self.reference_scores).double().T).mean(1)


def rescaled_contributions(forward: Callable[[Any], Any], image: Any, references: Any) -> Rescaled:
    """Share the difference between an image and its references out among the pixels.

    DeepLIFT's rescale rule, at the level of functions rather than of modules: every nonlinear
    function that the network calls is replaced, on the way back, by one that connects what the
    image and a reference give it. In-place functions, modules that are used twice, functional
    calls, gates, attention and maxima over overlapping windows are all explained completely.

    Parameters
    ----------
    forward : callable
        Network and score: pictures (n, c, h, w) to scores (n, t), each row by itself.
    image : torch.Tensor
        (1, c, h, w).
    references : torch.Tensor
        (m, c, h, w), of the same number type, on the same device.

    Returns
    -------
    Rescaled
        Neither the network nor the arguments are changed.

    Raises
    ------
    InputError
        When image or references have another shape.
    ModelError
        When ``forward`` returns something else than (n, t), or takes other steps for one picture
        than for another.

    Notes
    -----
    Shrikumar, Greenside, Kundaje (2017), "Learning important features through propagating
    activation differences"; averaged over references it is the DeepSHAP of Lundberg, Lee (2017).
    The references' pass costs m pictures forward and t·m backward, the image's one forward.

    Examples
    --------
    >>> pixels, grey = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)
    >>> found = rescaled_contributions(lambda x: x.flatten(1).relu().sum(1, True), pixels, grey)
    >>> found.contributions.sum().item(), found.score.item(), found.unknown
    (4.0, 4.0, ())
    """
    _check(image, references)
    with torch.inference_mode(False), torch.enable_grad():
        image, references = (pictures.detach().clone() for pictures in (image, references))
        try:
            passes = _both_passes(forward, image, references)
        except UnpairedError:  # the batch axis is merged with another: swin's windows
            passes = _both_passes(forward, image.expand_as(references), references)
        pixels, score, reference_scores, unknown = passes
        multipliers = _backwards(reference_scores, pixels)
    return Rescaled(
        contributions=multipliers * (image - references),
        score=score,
        reference_scores=reference_scores.detach(),
        unknown=unknown,
    )


def _both_passes(
    forward: Callable[[Any], Any], image: Any, references: Any
) -> tuple[Any, Any, Any, tuple[str, ...]]:
    """Run the image, then the references: their pixels, both scores, unknown functions."""
    tape = Tape()
    # copies of leaves: a network may overwrite its input, and the mode cuts leaves off
    entered = image.clone().requires_grad_().clone()
    with RescaleMode(tape, records=True) as recording:
        score = _checked(forward(entered), len(image), of="the image")[0].detach()
    pixels = references.clone().requires_grad_()
    entered = pixels.clone()
    with RescaleMode(tape, records=False) as pairing:
        reference_scores = _checked(forward(entered), len(references), of="the references")
    tape.check_finished()
    return pixels, score, reference_scores, tuple(sorted(recording.unknown | pairing.unknown))


def _checked(scores: Any, rows: int, *, of: str) -> Any:
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or len(scores) != rows:
        found = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
        raise ModelError(
            f"forward must return scores (n, t), here {rows} rows for {of}; got {found}."
        )
    return scores


def _backwards(scores: Any, pixels: Any) -> Any:
    """Multipliers (t, m, c, h, w); rows are independent, so one sum serves all references.

    Target after target through the one graph. All at once (`is_grads_batched`) takes as long, t
    times the memory, and does not know how to batch every function.
    """
    targets = scores.shape[1]
    if not scores.requires_grad:
        return pixels.new_zeros(targets, *pixels.shape)
    sums = scores.sum(0)
    multipliers = pixels.new_empty(targets, *pixels.shape)
    for target in range(targets):
        multipliers[target] = torch.autograd.grad(
            sums[target], pixels, retain_graph=target < targets - 1
        )[0]
    return multipliers


def _check(image: Any, references: Any) -> None:
    if image.ndim != 4 or len(image) != 1:
        raise InputError(f"image must be one picture (1, c, h, w); got {tuple(image.shape)}.")
    if references.ndim != 4 or not len(references) or references.shape[1:] != image.shape[1:]:
        raise InputError(
            f"references must be pictures (m, c, h, w) as large as the image, whose shape is "
            f"{tuple(image.shape)}; got {tuple(references.shape)}."
        )
