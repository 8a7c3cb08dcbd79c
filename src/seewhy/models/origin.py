"""Where a model's settings come from: what a person wants to know before believing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seewhy.models.protocol import Model


@dataclass(frozen=True)
class Origin:
    """Where what was inferred about a model comes from, in a few words each.

    Parameters
    ----------
    preprocessing, labels, output : str
        ``"preprocessor_config.json"``, ``"as given"``, ``"numbered"``, ….
    """

    preprocessing: str
    labels: str
    output: str

    def __str__(self) -> str:
        """Name each source once: ``"preprocessing and labels: FILE; output: as given"``."""
        of: dict[str, list[str]] = {}
        for setting in ("preprocessing", "labels", "output"):
            of.setdefault(getattr(self, setting), []).append(setting)
        return "; ".join(f"{_listed(settings)}: {source}" for source, settings in of.items())


BUILT_IN = Origin(preprocessing="built in", labels="built in", output="built in")
"""Of the models that come with Seewhy."""


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def origin_of(model: Model) -> Origin | None:
    """Tell where a model's settings come from, when its adapter knows.

    Parameters
    ----------
    model : Model
        Any.

    Returns
    -------
    Origin or None
        None for a model that a person built in Python.
    """
    origin: Origin | None = getattr(model, "origin", None)
    return origin
