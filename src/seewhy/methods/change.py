"""What a counterfactual says: hide these superpixels, and the model says something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seewhy.methods.explanation import Method

ChangeStatus = Literal["found", "not_found"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Change:
    """Few superpixels whose hiding changes what the model says.

    Attributes
    ----------
    status : {"found", "not_found"}
        "not_found": no masked picture that was asked about changed the prediction as
        wanted; what is given is the nearest to it.
    hide : tuple of int
        The superpixels to hide, the one that does most first.
    target : int
        The class that the model puts first on the whole picture.
    wanted : int or None
        The class that it was to put first; None: any other.
    becomes : int
        The class that it puts first with the superpixels hidden.
    margin : float
        By how much the wanted class (or the best other one) then leads all others
        (log-probability, or raw output); negative where it does not.
    before, probabilities : mapping of int to float
        Of every class that is first, second or third before or after, and of the wanted
        one: on the whole picture, and after the change. Empty for a model with raw outputs.
    area : float
        Share of what the model sees that is hidden.
    irreducible : bool
        Whether no member can be shown again: every set without one of them was tried, which
        a budget that ended early may have cut short.
    smallest : bool
        Whether every smaller set was tried, so that this is one of the smallest there are.
    evaluations : int
        Masked pictures that this costs alone; where other methods' pairs were
        there to rank superpixels by, beside those.
    seconds : float
        Wall-clock time, the model's included.
    method : Method
        The settings that made it.
    """

    status: ChangeStatus
    hide: tuple[int, ...]
    target: int
    wanted: int | None
    becomes: int
    margin: float
    before: dict[int, float]
    probabilities: dict[int, float]
    area: float
    irreducible: bool
    smallest: bool
    evaluations: int
    seconds: float
    method: Method

    @property
    def name(self) -> str:
        """The method's name."""
        return self.method.name
