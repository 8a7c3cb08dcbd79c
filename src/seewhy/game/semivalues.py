r"""Exact Shapley and Banzhaf values, and pair interactions, from the values of all masks.

With all 2^d values v(S) at hand nothing is sampled. A semivalue averages what
player i adds, Δ_i(S) = v(S ∪ i) − v(S), over the sets S without i, with a weight
that depends on the size of S alone:

.. math::
    \text{Banzhaf: } 2^{1−d}, \qquad \text{Shapley: } \frac{|S|!\,(d−1−|S|)!}{d!} .

Interactions of two players average the second difference
Δ_ij(S) = v(S ∪ ij) − v(S ∪ i) − v(S ∪ j) + v(S) over the sets without both, with
the weights of d − 1 players: the Shapley interaction index of Grabisch and
Roubens (1999), and its Banzhaf twin.

Values come in the order of `seewhy.game.design.all_masks`: bit j of the row's
number says whether player j is kept.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from scipy.special import gammaln

from seewhy.errors import InputError

AllScores = Float64[np.ndarray, "m t"]
SizeWeights = Callable[[int], Float64[np.ndarray, " d"]]


def shapley_weights(n_others: int) -> Float64[np.ndarray, " d"]:
    """Weight of a set of 0…``n_others`` other players in a Shapley value; averages to one."""
    size = np.arange(n_others + 1)
    return np.exp(gammaln(size + 1) + gammaln(n_others - size + 1) - gammaln(n_others + 2))


def banzhaf_weights(n_others: int) -> Float64[np.ndarray, " d"]:
    """Weight of a set of 0…``n_others`` other players in a Banzhaf value: all are equal."""
    return np.full(n_others + 1, 0.5**n_others)


def semivalues(scores: AllScores, weights: SizeWeights) -> Float64[np.ndarray, "d t"]:
    """Average what every player adds over all sets of the others.

    Parameters
    ----------
    scores : (2^d, t) array
        Values of all masks, one column per target.
    weights : callable
        `shapley_weights` or `banzhaf_weights`.

    Returns
    -------
    (d, t) array
    """
    n_players = _players(scores)
    sizes = np.bitwise_count(np.arange(len(scores) // 2))
    weight = weights(n_players - 1)[sizes]
    return np.stack([_contrast(scores, player, weight) for player in range(n_players)])


def interactions(scores: AllScores, weights: SizeWeights) -> Float64[np.ndarray, "d d t"]:
    """Average what every pair of players adds beyond its parts, over all sets of the others.

    Parameters
    ----------
    scores : (2^d, t) array
        Values of all masks, one column per target.
    weights : callable
        `shapley_weights` or `banzhaf_weights`.

    Returns
    -------
    (d, d, t) array
        Symmetric, zero on the diagonal; positive where two players need each other.
    """
    n_players = _players(scores)
    found = np.zeros((n_players, n_players, scores.shape[1]))
    if n_players < 2:
        return found
    weight = weights(n_players - 2)[np.bitwise_count(np.arange(len(scores) // 4))]
    for first in range(n_players):
        without, with_first = _split(scores, first)
        added = with_first - without
        for second in range(first):
            found[first, second] = found[second, first] = _contrast(added, second, weight)
    return found


def shapley_values(scores: AllScores) -> Float64[np.ndarray, "d t"]:
    """Share v(N) − v(∅) among the players, each by what it adds on average.

    Parameters
    ----------
    scores : (2^d, t) array
        Values of all masks, in the order of `seewhy.game.design.all_masks`.

    References
    ----------
    Shapley: A value for n-person games, 1953.

    Examples
    --------
    >>> shapley_values(np.array([[0.0], [1.0], [0.0], [3.0]])).ravel().tolist()
    [2.0, 1.0]
    """
    return semivalues(scores, shapley_weights)


def banzhaf_values(scores: AllScores) -> Float64[np.ndarray, "d t"]:
    """Average what every player adds when each of the others is there by coin toss.

    Parameters
    ----------
    scores : (2^d, t) array
        Values of all masks, in the order of `seewhy.game.design.all_masks`.

    References
    ----------
    Banzhaf: Weighted voting doesn't work, 1965.
    """
    return semivalues(scores, banzhaf_weights)


def _players(scores: AllScores) -> int:
    n_players = len(scores).bit_length() - 1
    if n_players < 1 or len(scores) != 2**n_players:
        raise InputError(
            f"scores must hold the values of all 2^d masks of d ≥ 1 players; got {len(scores)} rows"
        )
    return n_players


def _split(scores: AllScores, player: int) -> tuple[AllScores, AllScores]:
    """Values without and with a player, each over all sets of the others in order."""
    blocks = scores.reshape(-1, 2, 2**player, scores.shape[1])
    columns = scores.shape[1]
    return blocks[:, 0].reshape(-1, columns), blocks[:, 1].reshape(-1, columns)


def _contrast(
    scores: AllScores, player: int, weight: Float64[np.ndarray, " m"]
) -> Float64[np.ndarray, " t"]:
    without, with_player = _split(scores, player)
    return weight @ (with_player - without)
