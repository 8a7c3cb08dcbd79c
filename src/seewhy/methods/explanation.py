"""What methods answer: frozen values that know how sure they are and where they came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.driver import Listener
from seewhy.game.fidelity import Fidelity
from seewhy.game.game import Game, View
from seewhy.game.statistics import certain, interval_factor


class AttributionMethod(Protocol):
    """A method that gives every superpixel a value: frozen settings, plus one call."""

    @property
    def name(self) -> str:
        """The name under which results are found, e.g. "lime"."""
        ...

    def __call__(
        self, game: Game | View, rng: np.random.Generator, *, progress: Listener | None = None
    ) -> Attribution:
        """Explain every target of the game."""
        ...


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
        Of gradient methods: what the values miss of f(x) − f(reference).
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

    def __post_init__(self) -> None:
        for array in (self.values, self.standard_error, self.base_value, self.converged):
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


def method_settings(method: AttributionMethod) -> dict[str, Any]:
    """Return the settings of a method as a dictionary for a document, without its name."""
    settings: dict[str, Any] = asdict(method)  # type: ignore[call-overload]
    settings.pop("name", None)
    return settings
