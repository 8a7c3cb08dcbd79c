"""Toy games with known answers: for tests, docs, and users' own sanity checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.design import all_masks, bernoulli
from seewhy.game.game import Game

Coefficients = Mapping[tuple[int, ...], float]

HIDDEN_UNITS = 32
MASKS_FOR_MEDIAN = 4096  # an even number: the median lies between two of them


@dataclass(frozen=True)
class ToyGame:
    r"""A game whose main effects and Shapley values are known.

    v(z) = Σ_T c_T Π_{j∈T} z_j, a sum of unanimity games ("all of T are kept").

    Parameters
    ----------
    n_players : int
    coefficients : mapping of tuple of players to float
        c_T; the empty tuple is the value with everything hidden.

    Examples
    --------
    >>> game = ToyGame(3, {(0, 1): 1.0, (2,): 1.0})
    >>> game.main_effects().tolist(), game.shapley_values().tolist()
    ([0.5, 0.5, 1.0], [0.5, 0.5, 1.0])
    """

    n_players: int
    coefficients: Coefficients

    def __call__(self, masks: Bool[np.ndarray, "n d"]) -> Float64[np.ndarray, "n 1"]:
        """Return the value of every mask, as one column."""
        values = np.zeros(len(masks))
        for players, coefficient in self.coefficients.items():
            values += coefficient * masks[:, list(players)].all(axis=1)
        return values[:, None]

    def game(self) -> Game:
        """Return it as a game that counts and remembers."""
        return Game(self, self.n_players)

    def main_effects(self) -> Float64[np.ndarray, " d"]:
        """E[v | j kept] − E[v | j hidden] = Σ_{T∋j} c_T 2^{1−|T|}: Banzhaf values, LIME's limit."""
        return self._spread(lambda size: 0.5 ** (size - 1))

    def shapley_values(self) -> Float64[np.ndarray, " d"]:
        """Σ_{T∋j} c_T / |T|: members of a coalition share its coefficient equally."""
        return self._spread(lambda size: 1 / size)

    def _spread(self, share: Callable[[int], float]) -> Float64[np.ndarray, " d"]:
        values = np.zeros(self.n_players)
        for players, coefficient in self.coefficients.items():
            if players:
                values[list(players)] += coefficient * share(len(players))
        return values


def linear_game(weights: Iterable[float]) -> ToyGame:
    """Every player adds its own weight, whoever else is there."""
    coefficients: dict[tuple[int, ...], float] = {
        (j,): float(weight) for j, weight in enumerate(weights)
    }
    return ToyGame(len(coefficients), coefficients)


def random_game(
    n_players: int,
    rng: np.random.Generator,
    *,
    interactions: int = 60,
    largest: int = 4,
    strength: float = 0.3,
) -> ToyGame:
    """Draw a game with heavy-tailed main effects and sparse interactions.

    Parameters
    ----------
    n_players : int
        At least ``largest``.
    rng : numpy.random.Generator
    interactions : int
        How many coalitions of 2…``largest`` players have a coefficient.
    largest : int
        Size of the largest interacting coalition.
    strength : float
        Standard deviation of an interaction, where main effects have 1.
    """
    singles = rng.standard_normal(n_players) * rng.gamma(0.5, 2.0, n_players)
    coefficients: dict[tuple[int, ...], float] = {
        (j,): float(weight) for j, weight in enumerate(singles)
    }
    for _ in range(interactions):
        size = int(rng.integers(2, largest + 1))
        players = tuple(sorted(rng.choice(n_players, size, replace=False).tolist()))
        coefficients[players] = coefficients.get(players, 0.0) + strength * float(
            rng.standard_normal()
        )
    return ToyGame(n_players, coefficients)


def threshold_game(weights: Iterable[float], quota: float) -> Game:
    """Let players vote between two classes: the first leads if the kept weigh more than a quota.

    Columns are (lead, −lead), with lead = Σ_{j kept} w_j − quota. With weights of 1 and a
    quota of d − ½ all of the players are needed, with ½ any one of them does, and with
    k − ½ any k of them.

    Parameters
    ----------
    weights : iterable of float
        One per player; 0 for a player that nothing hinges on.
    quota : float
        Between the sums that the weights can reach: a sum that equals it is a tie.

    Examples
    --------
    >>> two_of_three = threshold_game([1, 1, 1], 1.5)
    >>> two_of_three(np.array([[True, True, False], [True, False, False]])).tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    votes = np.array(list(weights), np.float64)
    return Game(lambda masks: _in_favour(masks @ votes - quota), len(votes))


def network_game(n_players: int, rng: np.random.Generator) -> Game:
    """Draw a small random network of two classes, undecided about half-hidden pictures.

    Columns are (lead, −lead), with lead = ±(v · tanh(W z + b) − t). The threshold t is the
    median over half-hidden masks, so that about half of them keep the first class; the
    sign is such that the whole picture is of that class.

    Parameters
    ----------
    n_players : int
    rng : numpy.random.Generator
    """
    inner = 2 * rng.standard_normal((n_players, HIDDEN_UNITS)) / np.sqrt(n_players)
    offset, outer = rng.standard_normal((2, HIDDEN_UNITS))

    def output(masks: Bool[np.ndarray, "n d"]) -> Float64[np.ndarray, " n"]:
        return np.asarray(np.tanh(masks @ inner + offset) @ outer)

    few = 2.0**n_players <= MASKS_FOR_MEDIAN
    masks = all_masks(n_players) if few else bernoulli(n_players, MASKS_FOR_MEDIAN, rng)
    middle = float(np.median(output(masks.masks)))
    sign = np.sign(output(np.ones((1, n_players), bool)) - middle)
    return Game(lambda masks: _in_favour(sign * (output(masks) - middle)), n_players)


def _in_favour(lead: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, "n 2"]:
    return np.stack([lead, -lead], axis=1)
