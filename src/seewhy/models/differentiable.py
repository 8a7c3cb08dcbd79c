"""Models that can be differentiated: what gradient methods ask of them beyond `Model`."""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, Float64

from seewhy.errors import InputError, MissingExtraError
from seewhy.game.scores import ClassScores
from seewhy.models.protocol import Model


@runtime_checkable
class DifferentiableModel(Model, Protocol):
    """A classifier that can say how its scores change along straight lines between pictures."""

    def path_gradients(
        self,
        image: Float32[np.ndarray, "h w c"],
        references: Float32[np.ndarray, "n h w c"],
        positions: Float[np.ndarray, " n"],
        asked: ClassScores,
    ) -> tuple[Float64[np.ndarray, "n t"], Float32[np.ndarray, "t n h w"]]:
        """Differentiate scores at points between references and a picture.

        Parameters
        ----------
        image : (h, w, c) float32 in [0, 1]
            The picture x, at the input size.
        references : (n, h, w, c) float32 in [0, 1]
            One r for every point.
        positions : (n,) array in [0, 1]
            The point is r + position · (x − r).
        asked : ClassScores
            Which classes, on which scale.

        Returns
        -------
        scores : (n, t) array
            At the points.
        contributions : (t, n, h, w) array
            Gradient · (x − r) at every pixel, summed over channels. Their integral over
            positions from 0 to 1 adds up to the score of x minus that of r.
        """
        ...


def is_differentiable(model: Model) -> TypeGuard[DifferentiableModel]:
    """Tell whether a model has gradients as it is."""
    return hasattr(model, "path_gradients")


def differentiable(model: Model, *, wanted_by: str) -> DifferentiableModel:
    """Return a model that has gradients: itself, or its twin in a framework that has them.

    Parameters
    ----------
    model : Model
    wanted_by : str
        The method, for the message.

    Raises
    ------
    InputError
        The model has no gradients, and no twin that has.
    MissingExtraError
        Its twin needs torch, which is absent.
    """
    if is_differentiable(model):
        return model
    twin = getattr(model, "twin", None)
    if twin is not None:
        try:
            twinned: DifferentiableModel = twin()
        except MissingExtraError as missing:
            raise MissingExtraError(
                f"{wanted_by} differentiates {model.spec}, for which it needs PyTorch, which is "
                'not installed: pip install "seewhy[torch]".'
            ) from missing
        return twinned
    raise InputError(
        f"{wanted_by} needs a model with gradients; {model.spec} ({model.framework}) has none: "
        "give it as torchvision:…, timm:…, hf:… or keras:…, as a TorchModel or a KerasModel, or "
        "use a method that only asks for scores, such as kernel-shap."
    )


def torch_module(model: Any, *, wanted_by: str) -> Any:
    """Return a model whose torch module can be looked into.

    Parameters
    ----------
    model : DifferentiableModel
    wanted_by : str
        The method, for the message.

    Raises
    ------
    InputError
        The model is no `TorchModel`.
    """
    if hasattr(model, "module") and hasattr(model, "to_input"):
        return model
    raise InputError(
        f"{wanted_by} looks into a PyTorch network; {model.spec} ({model.framework}) does not "
        "give one: give it as torchvision:… or as a TorchModel, or use gradient-shap, which only "
        "needs gradients."
    )
