r"""Owen values on a binary hierarchy: every node's share, from exact sums or from the surrogate.

Where the Shapley value of player i averages over all orders of all players,
the Owen value lets whole groups come and go (Owen 1977; on a binary tree this
is the game behind ``shap.PartitionExplainer``). For every block B beside the
path from i to the root, one fair coin decides whether the block is kept or
hidden as a whole; with C what is kept so,

.. math::
    φ_i = E_C[v(C ∪ i) − v(C)] .

Nodes have values in the same way, and a node is worth exactly the sum of its
two children L and R, whose difference is all that has to be found:

.. math::
    φ_L + φ_R = φ_{L∪R}, \qquad
    φ_L − φ_R = δ = E_C[v(C ∪ L) − v(C ∪ R)], \qquad φ_N = v(N) − v(∅) .

So a hierarchy of d players needs 2 Σ 2^depth masks over its d − 1 joins, far
fewer than 2^d, and they come in complementary pairs. On a character
χ_T(x) = Π_{j∈T} x_j the functional is 2 if i ∈ T and every block beside i's
path holds an even number of T, else 0: Owen values too see the odd part
alone, and `odd_kernel.OddKernel` gives them in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.errors import InputError
from seewhy.game.contexts import contexts_of
from seewhy.game.design import PAIRED_LAWS, Design, Law, end_scores
from seewhy.game.fidelity import PairedScores
from seewhy.game.hierarchy import Hierarchy
from seewhy.game.linear_models import without_rounding
from seewhy.game.odd_kernel import OddKernel, Signs
from seewhy.game.permutations import (
    Orders,
    mean_and_error,
    walk_contributions,
    with_reverses,
)
from seewhy.game.surrogate import OddProcess, fit_odd_process
from seewhy.game.threads import one_blas_thread


@dataclass(frozen=True, eq=False)
class NodeValues:
    """Owen values of all nodes of a hierarchy, one column per target.

    Attributes
    ----------
    values : (2d − 1, t) array
        Players first, then groups in the order of their merges; the root is v(N) − v(∅).
    standard_error : (2d − 1, t) array or None
        None when nothing was sampled.
    """

    values: Float64[np.ndarray, "nodes t"]
    standard_error: Float64[np.ndarray, "nodes t"] | None


def share_down(
    hierarchy: Hierarchy,
    differences: Float64[np.ndarray, "m t"],
    whole: Float64[np.ndarray, " t"],
) -> Float64[np.ndarray, "nodes t"]:
    """Share v(N) − v(∅) between the two sides of every join, from the root down.

    Parameters
    ----------
    hierarchy : Hierarchy
    differences : (d − 1, t) array
        φ_L − φ_R of every join.
    whole : (t,) array
        v(N) − v(∅).

    Returns
    -------
    (2d − 1, t) array
        Values of all nodes.
    """
    values = np.empty((hierarchy.n_nodes, len(whole)))
    values[hierarchy.root] = whole
    for node, (first, second) in hierarchy.downwards():
        difference = differences[node - hierarchy.n_players]
        values[first] = (values[node] + difference) / 2
        values[second] = (values[node] - difference) / 2
    return values


def hierarchical_orders(hierarchy: Hierarchy, n_pairs: int, rng: np.random.Generator) -> Orders:
    """Draw orders in which groups stay together, each followed by its reverse.

    At every join a fair coin decides which side comes first. What players add
    along such walks is unbiased for their Owen values, and turning all coins
    reverses the walk.

    Returns
    -------
    (2 ``n_pairs``, d) int array
    """
    coins = rng.random((n_pairs, len(hierarchy.merges))) < 0.5
    sizes = hierarchy.members.sum(axis=1)
    start = np.zeros((n_pairs, hierarchy.n_nodes), np.int64)
    for node, (first, second) in hierarchy.downwards():
        here, turned = start[:, node], coins[:, node - hierarchy.n_players]
        start[:, first] = here + np.where(turned, sizes[second], 0)
        start[:, second] = here + np.where(turned, 0, sizes[first])
    return with_reverses(start[:, : hierarchy.n_players].argsort(axis=1))


def owen_covariances(
    kernel: OddKernel, x: Signs, hierarchy: Hierarchy
) -> Float64[np.ndarray, "nodes n"]:
    r"""Covariances of every node's Owen value with the data at ``x``.

    For a player i, with sibling blocks B_l on its path,

    .. math::
        2 a_0 x_i + 2 a_1 c\, r_i x_i \prod_l \tfrac12
            \Big[\prod_{j∈B_l} (1 + r_j x_j) + \prod_{j∈B_l} (1 − r_j x_j)\Big],

    and for a node the sum over its players.
    """
    signed = kernel.participation[:, None] * x.T
    joined = kernel.product * np.exp(kernel.log_constant) * signed
    joined *= _even_surroundings(hierarchy, signed)
    return hierarchy.sum_over_nodes(2 * (kernel.linear * x.T + joined))


def owen_variances(kernel: OddKernel, hierarchy: Hierarchy) -> Float64[np.ndarray, " nodes"]:
    """Prior variances of every node's Owen value.

    No character counts for two players: i needs an odd number of it on its own
    side of the join where the paths meet, j an even one. So players are
    independent a priori and their variances add up.
    """
    ones = np.ones((1, hierarchy.n_players))
    return 2 * owen_covariances(kernel, ones, hierarchy)[:, 0]


def _even_surroundings(
    hierarchy: Hierarchy, signed: Float64[np.ndarray, "d n"]
) -> Float64[np.ndarray, "d n"]:
    """Π over the blocks beside each player's path of ½ [Π (1 + s_j) + Π (1 − s_j)]."""
    # by log: a product over the players of a block is a sum over a node
    up = np.exp(hierarchy.sum_over_nodes(np.log1p(signed)))
    down = np.exp(hierarchy.sum_over_nodes(np.log1p(-signed)))
    even = (up + down) / 2
    surroundings = np.ones_like(even)
    for node, (first, second) in hierarchy.downwards():
        surroundings[first] = surroundings[node] * even[second]
        surroundings[second] = surroundings[node] * even[first]
    return surroundings[: hierarchy.n_players]


def owen_from_process(
    process: OddProcess, hierarchy: Hierarchy
) -> tuple[Float64[np.ndarray, " nodes"], Float64[np.ndarray, " nodes"]]:
    """Read the Owen value of every node, and its standard error, off a surrogate of the game.

    The process must know v(N) − v(∅) (``whole=`` of `fit_odd_process`): the root
    is that, but for the jitter of the kernel matrix, and has no error.
    """
    covariances = owen_covariances(process.kernel, process.x, hierarchy)
    variances = owen_variances(process.kernel, hierarchy)
    # groups apart from players, so that error bars of either are widened by their own misses
    kinds = slice(hierarchy.n_players), slice(hierarchy.n_players, None)
    parts = [process.posterior(covariances[kind], variances[kind]) for kind in kinds]
    values, error = (np.concatenate(both) for both in zip(*parts, strict=True))
    error[hierarchy.root] = 0.0  # known, not estimated
    return values, error


def owen_from_walks(
    contributions: Float64[np.ndarray, "p d t"], hierarchy: Hierarchy
) -> tuple[Float64[np.ndarray, "nodes t"], Float64[np.ndarray, "nodes t"]]:
    """Average what players add to walks, and groups likewise, each with its error.

    Parameters
    ----------
    contributions : (p, d, t) array
        Of antithetic pairs of `hierarchical_orders`, see `walk_contributions`.
    hierarchy : Hierarchy
    """
    added = np.moveaxis(contributions, 1, 0)
    nodes = np.moveaxis(hierarchy.sum_over_nodes(added), 0, 1)
    values, error = mean_and_error(nodes)
    # groups vary more than players, who are to share their variance among themselves
    error[: hierarchy.n_players] = mean_and_error(contributions)[1]
    error[hierarchy.root] = 0.0  # known, not estimated
    return values, error


@one_blas_thread()
def owen_from_design(
    design: Design, scores: Float64[np.ndarray, "n t"], hierarchy: Hierarchy
) -> NodeValues:
    """Estimate the Owen value of every node from whatever masks were paid for.

    Joins all of whose contexts are among them are shared exactly. The others are
    estimated from walks where there are any, else from a surrogate fitted to all
    pairs of a mask and its complement.

    Parameters
    ----------
    design : Design
        With the two ends, and rows in the order in which they were planned.
    scores : (n, t) array
    hierarchy : Hierarchy
    """
    if hierarchy.n_players != design.n_players:
        raise InputError(
            f"hierarchy must have the game's {design.n_players} players; got one of "
            f"{hierarchy.n_players}"
        )
    scores = without_rounding(scores)
    whole, empty = end_scores(design, scores)
    known, differences = _known_differences(design, scores, hierarchy)
    if known.all():
        return NodeValues(share_down(hierarchy, differences, whole - empty), None)
    if (rows := design.rows(Law.WALKS)).any():
        added = walk_contributions(design.masks[rows], scores[rows], empty, whole)
        estimate, error = owen_from_walks(added, hierarchy)
    else:
        estimate, error = _from_pairs(design, scores, hierarchy, (whole - empty) / 2)
    sides = estimate[np.array(hierarchy.merges).T]
    differences = np.where(known[:, None], differences, sides[0] - sides[1])
    values = share_down(hierarchy, differences, whole - empty)
    exact = _exact_nodes(hierarchy, known)[:, None]
    return NodeValues(values, np.where(exact, 0.0, error))


def _known_differences(
    design: Design, scores: Float64[np.ndarray, "n t"], hierarchy: Hierarchy
) -> tuple[Bool[np.ndarray, " m"], Float64[np.ndarray, "m t"]]:
    """Tell of which joins every context was asked, and the difference of their two sides."""
    row_of = {row.tobytes(): number for number, row in enumerate(design.masks)}
    known = np.zeros(len(hierarchy.merges), bool)
    differences = np.zeros((len(known), scores.shape[1]))
    for join, (first, second) in enumerate(hierarchy.merges):
        node = hierarchy.n_players + join
        if 2 << hierarchy.depths[node].item() > len(design):
            continue
        contexts = contexts_of(hierarchy, node)
        sides = [
            [row_of.get(row.tobytes(), -1) for row in contexts | hierarchy.members[side]]
            for side in (first, second)
        ]
        known[join] = -1 not in sides[0] and -1 not in sides[1]
        if known[join]:
            differences[join] = (scores[sides[0]] - scores[sides[1]]).mean(axis=0)
    return known, differences


def _exact_nodes(hierarchy: Hierarchy, known: Bool[np.ndarray, " m"]) -> Bool[np.ndarray, " nodes"]:
    """Nodes to which only known joins lead."""
    exact = np.ones(hierarchy.n_nodes, bool)
    for node, pair in hierarchy.downwards():
        exact[list(pair)] = exact[node] and known[node - hierarchy.n_players]
    return exact


def _from_pairs(
    design: Design,
    scores: Float64[np.ndarray, "n t"],
    hierarchy: Hierarchy,
    whole: Float64[np.ndarray, " t"],
) -> tuple[Float64[np.ndarray, "nodes t"], Float64[np.ndarray, "nodes t"]]:
    """Fit a surrogate per target to all pairs that are not held out."""
    paired = design.rows(*PAIRED_LAWS, Law.CONTEXTS)
    held = design.rows(Law.PAIRS, held_out=True)
    pairs = PairedScores.of(design.masks[paired], scores[paired])
    pairs = pairs.only(pairs.besides(PairedScores.of(design.masks[held], scores[held])))
    pairs = pairs.only(pairs.distinct())
    columns = [
        owen_from_process(fit_odd_process(pairs.signs, odd, float(end)), hierarchy)
        for odd, end in zip(pairs.odd.T, whole, strict=True)
    ]
    values, error = (np.stack(parts, axis=1) for parts in zip(*columns, strict=True))
    return values, error
