"""Toy games with known answers: for tests, docs, and users' own sanity checks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.game import Game

Coefficients = Mapping[tuple[int, ...], float]


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
