"""PartitionSHAP: superpixels in groups within groups, every group with its share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import numpy as np
from jaxtyping import Float, Float64

from seewhy.errors import InputError
from seewhy.game import contexts, owen, permutations
from seewhy.game.design import Design, end_scores, ends
from seewhy.game.hierarchy import Hierarchy, balanced_hierarchy, hierarchy_from_affinity
from seewhy.game.linear_models import LinearModel
from seewhy.methods.designed import Designed
from seewhy.methods.explanation import Attribution, Reading

Estimator = Literal["surrogate", "walks"]
MOST_FOR_SURROGATE = 10_000


@dataclass(frozen=True, kw_only=True)
class PartitionShap(Designed):
    """Share the score among groups of superpixels, and within every group among its parts.

    Owen values on a hierarchy: superpixels that touch and look alike are
    joined two by two, up to the whole picture. A group is present or absent as
    a whole while others are judged, so no value rests on pictures that tear
    every object to shreds; and a coarse explanation agrees with a fine one,
    since every group is worth exactly the sum of its parts. The result holds
    the value of every group (`Attribution.node_values`), not of superpixels alone.

    Where the budget reaches all the masks that the hierarchy asks for (about
    1 000 for 35 superpixels, a few thousand or more for 50), the values are
    exact, and those of large groups are long before that.

    Parameters
    ----------
    budget : int or "auto"
        Masked pictures to ask the model about, besides the whole and the empty
        one. A number is spent fully (in pairs, or whole walks; not beyond what
        makes the values exact); "auto" stops when every target has converged,
        at 1 024 at the latest.
    estimator : {"surrogate", "walks"}
        "surrogate" reads the values off a Gaussian process fitted to masks that
        split one group each; "walks" averages what superpixels add along orders
        in which groups stay together: it assumes nothing, and needs two to
        three times the masks for the same error.
    hierarchy : Hierarchy, optional
        Default: by the game's affinity, strongest first; of a game without one,
        halves of halves.
    epsilon : float
        A target has converged when every standard error is below ``epsilon``
        times the largest value, …
    top_regions : int
        … or when its so many strongest superpixels are separated from the rest.
    name : str
        Under which the result is found.

    References
    ----------
    Owen: Values of games with a priori unions, 1977. Lundberg:
    ``shap.PartitionExplainer``. Rashid, Amparore et al.: ShapBPT, AAAI 2026.

    Examples
    --------
    >>> game = Game(lambda masks: masks[:, :1] * masks[:, 1:2] * 4.0, 3)
    >>> found = PartitionShap(hierarchy=Hierarchy(3, ((0, 2), (1, 3))))(
    ...     game, np.random.default_rng(0)
    ... )
    >>> found.node_values.ravel().tolist()
    [2.0, 2.0, 0.0, 2.0, 4.0]
    """

    estimator: Estimator = "surrogate"
    hierarchy: Hierarchy | None = None
    name: str = "partition-shap"
    reading: ClassVar[Reading] = "share"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.estimator not in get_args(Estimator):
            raise InputError(f"estimator must be 'surrogate' or 'walks'; got {self.estimator!r}")
        given: object = self.hierarchy
        if isinstance(given, Mapping):  # as documents hold it
            object.__setattr__(self, "hierarchy", Hierarchy(**given))
        elif not isinstance(given, Hierarchy | None):
            raise InputError(f"hierarchy must be a Hierarchy or None; got a {type(given).__name__}")

    @property
    def answers_from_any_pairs(self) -> bool:
        """Whether a design that other methods share will do."""
        return self.estimator == "surrogate"

    def plan(
        self,
        n_players: int,
        rng: np.random.Generator,
        *,
        affinity: Float[np.ndarray, "d d"] | None = None,
    ) -> Iterator[Design]:
        """Choose the masks; see `Designed.plan`."""
        most, growing = self.most, self.growing
        hierarchy = self.hierarchy_of(n_players, affinity)
        self.check_budget(hierarchy, most)
        yield ends(n_players)
        if contexts.count_contexts(hierarchy) <= most:
            yield contexts.context_masks(hierarchy)
        elif self.estimator == "walks":
            n_pairs = permutations.pairs_within(n_players, most)
            for size in permutations.growing_rounds(n_players, n_pairs) if growing else [n_pairs]:
                yield permutations.walks(owen.hierarchical_orders(hierarchy, size, rng))
        else:
            yield from contexts.context_blocks(hierarchy, most, rng, growing=growing)

    def estimate(
        self,
        design: Design,
        scores: Float64[np.ndarray, "n k"],
        *,
        targets: tuple[int, ...] | None = None,
        affinity: Float[np.ndarray, "d d"] | None = None,
        log_odds: Float64[np.ndarray, "n k"] | None = None,
    ) -> Attribution:
        """Turn the scores of a design into values; see `Designed.estimate`."""
        hierarchy = self.hierarchy_of(design.n_players, affinity)
        nodes = owen.owen_from_design(design, scores, hierarchy)
        values, error, players = nodes.values, nodes.standard_error, design.n_players
        model = LinearModel(
            values[:players],
            None if error is None else error[:players],
            end_scores(design, scores)[1],
            None,
        )
        return replace(
            self.attribution(model, design, targets),
            hierarchy=hierarchy,
            node_values=values,
            node_standard_error=error,
        )

    def check_budget(self, hierarchy: Hierarchy, most: int) -> None:
        """Refuse more masks than a surrogate can learn from, where they would not be all."""
        learns = self.estimator == "surrogate" and contexts.count_contexts(hierarchy) > most
        if learns and most > MOST_FOR_SURROGATE:
            raise InputError(
                f"budget must be at most {MOST_FOR_SURROGATE} masks for estimator='surrogate'; "
                f"got {most}: use estimator='walks'"
            )

    def hierarchy_of(
        self, n_players: int, affinity: Float[np.ndarray, "d d"] | None = None
    ) -> Hierarchy:
        """Return the hierarchy that a game of so many players is explained on.

        Raises
        ------
        InputError
            The one that was set has another number of players.
        """
        if self.hierarchy is not None:
            if self.hierarchy.n_players != n_players:
                raise InputError(
                    f"hierarchy must have the game's {n_players} players; got one of "
                    f"{self.hierarchy.n_players}: make it from the same superpixels"
                )
            return self.hierarchy
        if affinity is None:
            return balanced_hierarchy(n_players)
        return hierarchy_from_affinity(affinity)
