"""What methods answer: frozen values that know how sure they are and where they came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from jaxtyping import Bool, Float32, Float64

from seewhy.game.fidelity import Fidelity
from seewhy.game.hierarchy import Hierarchy
from seewhy.game.statistics import certain, interval_factor

Reading = Literal["hiding", "showing", "share", "weight"]
"""How a value is to be read: what hiding the superpixel takes away on average; what showing it
adds to the average; its share of the difference between the whole and the hidden picture; or a
weight without a unit."""


class Method(Protocol):
    """Any way to explain: frozen settings, plus one call.

    It is called with what it explains and a random generator: methods that hide
    superpixels with a game, gradient methods with a `PixelView`.
    """

    @property
    def name(self) -> str:
        """The name under which results are found, e.g. "lime"."""
        ...


class AttributionMethod(Method, Protocol):
    """A method that gives every superpixel a value."""

    reading: ClassVar[Reading]


@dataclass(frozen=True, eq=False, kw_only=True)
class Attribution:
    """One value per superpixel and target, with its error bar.

    Attributes
    ----------
    values : (d, k) array
        In units of the score (log-odds, probability, …): what keeping the
        superpixel adds, on average, to the score of the target.
    standard_error : (d, k) array or None
        None where nothing was sampled, so that the values are exact.
    base_value : (k,) array
        What the explanation starts from when every superpixel is hidden.
    targets : tuple of int
        The k classes.
    evaluations : int
        Masked pictures this explanation costs alone, the whole and the empty one included.
    seconds : float
        Wall-clock time, the model's included.
    fidelity : tuple of Fidelity, or None
        One per target: R² on fresh masks, and how the variance splits. None
        when the budget left nothing to measure it on.
    converged : (k,) bool array
        Whether the top regions are separated or every error is small.
    method : AttributionMethod
        The settings that made it.
    completeness_gap : (k,) array or None
        Of gradient methods: what the values miss of Δ = f(x) − mean f(reference), as
        |Σ values − Δ| / max(|Δ|, 0.001 · |f(x)|).
    pixel_map : (k, h, w) float32 array or None
        Of gradient methods: the value of every pixel of the model's input; ``values``
        are its sums over superpixels.
    interactions : (d, d, k) array or None
        Where every mask was asked: what each pair of superpixels adds beyond its parts.
    hierarchy : Hierarchy or None
        Of methods that value groups of superpixels within groups: which ones.
    node_values, node_standard_error : (2d − 1, k) arrays or None
        The value of every node of the hierarchy, the superpixels first; a group is
        worth the sum of its superpixels.
    """

    values: Float64[np.ndarray, "d k"]
    standard_error: Float64[np.ndarray, "d k"] | None
    base_value: Float64[np.ndarray, " k"]
    targets: tuple[int, ...]
    evaluations: int
    seconds: float
    fidelity: tuple[Fidelity, ...] | None
    converged: Bool[np.ndarray, " k"]
    method: AttributionMethod
    completeness_gap: Float64[np.ndarray, " k"] | None = None
    pixel_map: Float32[np.ndarray, "k h w"] | None = None
    interactions: Float64[np.ndarray, "d d k"] | None = None
    hierarchy: Hierarchy | None = None
    node_values: Float64[np.ndarray, "nodes k"] | None = None
    node_standard_error: Float64[np.ndarray, "nodes k"] | None = None

    def __post_init__(self) -> None:
        nodes = (self.node_values, self.node_standard_error)
        for array in (self.values, self.standard_error, self.base_value, self.converged, *nodes):
            if array is not None:
                array.flags.writeable = False

    @property
    def name(self) -> str:
        """The method's name."""
        return self.method.name

    def interval(
        self, level: float = 0.95
    ) -> tuple[Float64[np.ndarray, "d k"], Float64[np.ndarray, "d k"]]:
        """Return lower and upper ends of every value's interval."""
        if self.standard_error is None:
            return self.values, self.values
        reach = interval_factor(level) * self.standard_error
        return self.values - reach, self.values + reach

    def certain(self, level: float = 0.95) -> Bool[np.ndarray, "d k"]:
        """Tell which superpixels have a known sign: their interval excludes zero."""
        return certain(self.values, self.standard_error, level=level)

    def top(self, count: int, *, column: int = 0) -> list[int]:
        """Return the ``count`` superpixels of largest magnitude for one target, strongest first."""
        order = np.argsort(-np.abs(self.values[:, column]), kind="stable")
        return [int(player) for player in order[:count]]


def method_settings(method: Method) -> dict[str, Any]:
    """Return the settings of a method as a dictionary for a document, without its name."""
    settings: dict[str, Any] = asdict(method)  # type: ignore[call-overload]
    settings.pop("name", None)
    return {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in settings.items()
    }
