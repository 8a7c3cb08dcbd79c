"""How long every method would take with a model: an estimate, before anything is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seewhy.errors import SeewhyError
from seewhy.game.scores import ClassScores, Score
from seewhy.methods.anchors import AUTO_BUDGET as ANCHORS_BUDGET
from seewhy.methods.designed import AUTO_BUDGET
from seewhy.methods.gradients.gradient_shap import GradientShap
from seewhy.methods.gradients.integrated_gradients import IntegratedGradients
from seewhy.models.differentiable import DifferentiableModel, differentiable, is_differentiable
from seewhy.models.protocol import Model
from seewhy.run.checkup.photos import Photo

SUPERPIXELS = 60
TARGETS = 3
_MASKED: dict[str, tuple[int, bool]] = {
    "lime": (AUTO_BUDGET, True),
    "kernel-shap": (AUTO_BUDGET, True),
    "partition-shap": (AUTO_BUDGET, True),
    "permutation-shap": (AUTO_BUDGET, True),
    "banzhaf": (AUTO_BUDGET, True),
    "rise": (AUTO_BUDGET, True),
    "occlusion": (SUPERPIXELS + 1, False),
    "anchors": (ANCHORS_BUDGET, True),
    "counterfactual": (AUTO_BUDGET, True),
}
_GRADIENTS: dict[str, int] = {
    "gradient-shap": GradientShap().samples,
    "integrated-gradients": IntegratedGradients().steps,
}
# DeepSHAP's one pass takes picture and reference together, and every function twice
_PASSES: dict[str, int] = {"deep-shap": 3, "grad-cam": 1}
_POINTS = 2


@dataclass(frozen=True)
class Cost:
    """What one method would cost for one picture.

    Attributes
    ----------
    method : str
    evaluations : int
        Pictures asked, gradients taken, or passes through the network and back.
    unit : {"pictures", "gradients", "pass"}
    at_most : bool
        Whether it stops earlier when the answer is settled, as it usually is.
    seconds : float
    """

    method: str
    evaluations: int
    unit: str
    at_most: bool
    seconds: float


def costs_of(model: Model, photo: Photo, *, per_second: float) -> tuple[Cost, ...]:
    """Estimate what every method would take.

    Parameters
    ----------
    model : Model
    photo : Photo
        On which a gradient is timed, where there are any.
    per_second : float
        Pictures that the model classifies.

    Returns
    -------
    tuple of Cost
        With default settings; gradient methods only where the model has gradients.
    """
    masked = tuple(
        Cost(method, count, "pictures", at_most, count / per_second)
        for method, (count, at_most) in _MASKED.items()
    )
    return (*masked, *_gradient_costs(model, photo))


def with_gradients(model: Model) -> DifferentiableModel | None:
    """Return the model that gradient methods would differentiate, if there is one here."""
    if not is_differentiable(model) and getattr(model, "twin", None) is None:
        return None
    try:
        return differentiable(model, wanted_by="doctor")
    except SeewhyError:  # its twin's framework is not installed
        return None


def _gradient_costs(model: Model, photo: Photo) -> Iterator[Cost]:
    network = with_gradients(model)
    if network is None:
        return
    try:
        seconds = _seconds_a_gradient(network, photo)
    except SeewhyError:  # a network that has no gradient at such a picture
        return
    for method, count in _GRADIENTS.items():
        yield Cost(method, count, "gradients", False, count * seconds)
    if hasattr(network, "module") and hasattr(network, "to_input"):
        for method, as_gradients in _PASSES.items():
            yield Cost(method, 1, "pass", False, as_gradients * seconds)


def _seconds_a_gradient(network: DifferentiableModel, photo: Photo) -> float:
    """One of `_POINTS` at once, for as many classes as are explained."""
    targets = range(min(TARGETS, len(network.labels)))
    score: Score = "raw" if network.output == "raw" else "log-odds"
    asked = ClassScores(score, tuple(targets))
    references = np.broadcast_to(np.float32(0.5), (_POINTS, *photo.pixels.shape))
    positions = np.linspace(0.2, 0.8, _POINTS)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        network.path_gradients(photo.pixels, references, positions, asked)
        times.append(time.perf_counter() - start)
    return min(times) / _POINTS
