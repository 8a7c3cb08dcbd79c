"""Linear functionals of a game: what one surrogate can be asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from seewhy.game.odd_kernel import OddKernel, Signs


@dataclass(frozen=True)
class Functional:
    """One value per player that depends linearly on the odd part of the game.

    Attributes
    ----------
    covariances : callable
        Kernel and rows of ±1 (n, d) to the covariance (d, n) of every value with the data.
    variances : callable
        Kernel to the prior variance (d,) of every value.
    efficient : bool
        Whether the values add up to v(N) − v(∅), which then belongs to the data.
    """

    covariances: Callable[[OddKernel, Signs], Float64[np.ndarray, "d n"]]
    variances: Callable[[OddKernel], Float64[np.ndarray, " d"]]
    efficient: bool


MAIN_EFFECTS = Functional(
    OddKernel.main_effect_covariances, OddKernel.main_effect_variances, efficient=False
)
"""E[v | i kept] − E[v | i hidden]: Banzhaf values, and LIME's limit."""

SHAPLEY = Functional(OddKernel.shapley_covariances, OddKernel.shapley_variances, efficient=True)
"""Shapley values."""
