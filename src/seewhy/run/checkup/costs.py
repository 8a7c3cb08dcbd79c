"""How long every method would take with a model: an estimate, before anything is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
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
from seewhy.run.checkup.asking import Asking
from seewhy.run.checkup.measuring import Speed, rate_with
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
_POINTS = 2  # of the first, short calls
_WARM, _TIMED = 3, 3  # calls; PyTorch's first ones plan kernels and start threads
_PATIENCE = 1.0  # seconds for a call; a longer one is taken once, and with fewer points


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


def costs_of(asking: Asking, photo: Photo, speeds: Sequence[Speed]) -> tuple[Cost, ...]:
    """Estimate what every method would take.

    Parameters
    ----------
    asking : Asking
        About the model.
    photo : Photo
        On which a gradient is timed, where there are any.
    speeds : sequence of Speed
        At which it classifies, by batch.

    Returns
    -------
    tuple of Cost
        With default settings, each at the speed of the batches it would use; gradient methods only
        where the model has gradients. Loading the framework that takes these is not counted.
    """
    batch = asking.model.batch_size
    masked = tuple(
        Cost(method, count, "pictures", at_most, count / rate_with(speeds, min(count, batch)))
        for method, (count, at_most) in _MASKED.items()
    )
    return (*masked, *_gradient_costs(asking, photo))


def with_gradients(model: Model) -> DifferentiableModel | None:
    """Return the model that gradient methods would differentiate, if there is one here."""
    if not is_differentiable(model) and getattr(model, "twin", None) is None:
        return None
    try:
        return differentiable(model, wanted_by="doctor")
    except SeewhyError:  # its twin's framework is not installed
        return None


def _gradient_costs(asking: Asking, photo: Photo) -> Iterator[Cost]:
    network = with_gradients(asking.model)
    if network is None:
        return
    try:
        seconds = _seconds_a_gradient(asking, network, photo)
    except SeewhyError:  # a network that has no gradient at such a picture
        return
    for method, count in _GRADIENTS.items():
        yield Cost(method, count, "gradients", False, count * seconds)
    if hasattr(network, "module") and hasattr(network, "to_input"):
        for method, as_gradients in _PASSES.items():
            yield Cost(method, 1, "pass", False, as_gradients * seconds)


def _seconds_a_gradient(asking: Asking, network: DifferentiableModel, photo: Photo) -> float:
    """At the best of a few calls, as many at once as methods take, where that is soon done."""
    warm = min(_timed(asking, network, photo, _POINTS) for _ in range(_WARM))
    points = min(network.batch_size, *_GRADIENTS.values())
    if warm * points / _POINTS > _PATIENCE:
        return warm / _POINTS
    return min(_timed(asking, network, photo, points) for _ in range(_TIMED)) / points


def _timed(asking: Asking, network: DifferentiableModel, photo: Photo, points: int) -> float:
    """Seconds that gradients at some points take, for as many classes as are explained."""
    targets = range(min(TARGETS, len(network.labels)))
    score: Score = "raw" if network.output == "raw" else "log-odds"
    asked = ClassScores(score, tuple(targets))
    references = np.broadcast_to(np.float32(0.5), (points, *photo.pixels.shape))
    positions = np.linspace(0.2, 0.8, points)
    start = time.perf_counter()
    network.path_gradients(photo.pixels, references, positions, asked)
    seconds = time.perf_counter() - start
    asking.count(points, "gradients")
    return seconds
