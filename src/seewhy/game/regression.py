"""Weighted ridge regression on masks: the paper's LIME, and the check on the surrogate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64
from scipy.linalg import eigh

from seewhy.errors import InputError

LIME_KERNEL_WIDTH = 0.25
ROUNDING = 1e-12  # eigenvalues this much below the largest one are rounding, not data


@dataclass(frozen=True, eq=False)
class Regression:
    """Coefficients of a linear model of the game, one column per target.

    Attributes
    ----------
    coefficients : (d, t) array
    intercept : (t,) array
    standard_error : (d, t) array
        HC3 sandwich: holds also where the game is not linear.
    left_out : (n, t) array
        Prediction of every row by a fit without it.
    """

    coefficients: Float64[np.ndarray, "d t"]
    intercept: Float64[np.ndarray, " t"]
    standard_error: Float64[np.ndarray, "d t"]
    left_out: Float64[np.ndarray, "n t"]


def lime_weights(
    masks: Bool[np.ndarray, "n d"], width: float = LIME_KERNEL_WIDTH
) -> Float64[np.ndarray, " n"]:
    """Weigh masks by how near they are to the whole picture, as LIME does.

    The cosine distance of a mask z to all ones is 1 − √(|z|/d), so the weight
    exp(−distance² / (2 width²)) depends on the number of kept players alone.

    Parameters
    ----------
    masks : (n, d) bool array
    width : float
        0.25 in the ``lime`` package.
    """
    distance = 1 - np.sqrt(masks.mean(axis=1))
    return np.exp(-(distance**2) / (2 * width**2))


def weighted_ridge(
    features: Bool[np.ndarray, "n d"] | Float[np.ndarray, "n d"],
    values: Float64[np.ndarray, "n t"],
    *,
    weights: Float64[np.ndarray, " n"] | None = None,
    ridge: float = 0.0,
    intercept: bool = True,
) -> Regression:
    """Fit values ≈ intercept + features · coefficients by weighted least squares.

    Parameters
    ----------
    features : (n, d) array
    values : (n, t) array
        One column per target; all are solved at once.
    weights : (n,) array, optional
        Default 1.
    ridge : float
        Penalty on the squared coefficients (not on the intercept), in the units
        of the weights; 1.0 in the ``lime`` package. Without one, the smallest of
        all solutions is taken when there are fewer rows than players.
    intercept : bool
        False forces the fit through the origin, as odd functions of ±1 go.

    Returns
    -------
    Regression
    """
    if ridge < 0:
        raise InputError(f"ridge must not be negative; got {ridge}")
    weight = np.ones(len(features)) if weights is None else weights
    share = weight / weight.sum() if intercept else np.zeros_like(weight)
    x = features.astype(np.float64)
    # measured from the first row, so that a constant is exactly zero whatever its level
    level = values[0] if intercept else np.zeros(values.shape[1])
    x_mean, y_mean = share @ x, share @ (values - level)
    x, y = x - x_mean, values - level - y_mean
    weighted = (x * weight[:, None]).T
    sizes, axes = eigh(weighted @ x)
    seen = sizes > ROUNDING * sizes[-1]
    influence = (axes[:, seen] / (sizes[seen] + ridge)) @ axes[:, seen].T @ weighted
    coefficients = influence @ y
    leverage = np.einsum("nd,dn->n", x, influence) + share
    residuals = (y - x @ coefficients) / np.maximum(1 - leverage, 1e-6)[:, None]
    error = np.sqrt((influence**2) @ residuals**2)
    origin = level + y_mean - x_mean @ coefficients
    return Regression(coefficients, origin, error, values - residuals)
