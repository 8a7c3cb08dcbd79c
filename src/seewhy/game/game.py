"""The masking game: hide some players, ask the model, look at the scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64

from seewhy.errors import InputError, ModelError
from seewhy.game.scores import Score, score_columns

Columns = Literal["raw", "log-probability"]
Masks = Bool[np.ndarray, "n d"]
Affinity = Float64[np.ndarray, "d d"]


class Game:
    """Ask a model about masked pictures, paying for every mask only once.

    A cooperative game v: {0, 1}^d → R^k. A mask is ``True`` where the player
    (superpixel) is **kept**. Values are stored as float32 under the packed
    bits of their mask, so a second question about the same mask is free.

    Parameters
    ----------
    value : callable
        ``(n, d)`` bool masks to ``(n, k)`` outputs; does its own batching.
    n_players : int
        d, at least 1.
    affinity : (d, d) array, optional
        Which players are neighbours (symmetric, non-negative; bool is fine).
    areas : (d,) array, optional
        Share of the picture that every player covers; equal by default.
    columns : {"raw", "log-probability"}
        What the k outputs are. Log-probabilities of all classes allow every
        score; raw outputs only the score "raw".
    portion : int
        How many masks a method should ask about at once, so that the model
        fills its batches and progress can be told in between.

    Attributes
    ----------
    evaluations : int
        Masks paid for so far.
    seconds : float
        Wall-clock time spent in ``value`` so far.

    Raises
    ------
    InputError
        Masks of another width than ``n_players``.
    ModelError
        Outputs of the wrong shape, or not finite.

    Examples
    --------
    >>> game = Game(lambda masks: masks @ np.array([[2.0], [3.0]]), 2)
    >>> game(np.array([[True, False], [True, True]])).ravel().tolist()
    [2.0, 5.0]
    >>> game(np.array([[True, True]])).ravel().tolist(), game.evaluations
    ([5.0], 2)
    """

    def __init__(
        self,
        value: Callable[[Masks], Float[np.ndarray, "n k"]],
        n_players: int,
        *,
        affinity: Bool[np.ndarray, "d d"] | Float[np.ndarray, "d d"] | None = None,
        areas: Float[np.ndarray, " d"] | None = None,
        columns: Columns = "raw",
        portion: int = 64,
    ) -> None:
        if n_players < 1:
            raise InputError(f"n_players must be at least 1; got {n_players}")
        if columns not in get_args(Columns):
            raise InputError(f"columns must be 'raw' or 'log-probability'; got {columns!r}")
        self.n_players = int(n_players)
        self.portion = portion
        self.columns: Columns = columns
        self.affinity = _checked_affinity(affinity, self.n_players)
        self.areas = _checked_areas(areas, self.n_players)
        self.evaluations = 0
        self.seconds = 0.0
        self._value = value
        self._row_of: dict[bytes, int] = {}
        self._store = np.empty((0, 0), np.float32)

    def __call__(self, masks: Masks, *, remember: bool = True) -> Float32[np.ndarray, "n k"]:
        """Pay for the masks not seen before, and return the values of all.

        Parameters
        ----------
        masks : (n, d) bool array
            ``True`` where a player is kept. n may be 0 once the game was asked before.
        remember : bool
            ``False`` pays for every row and stores nothing (for long streams
            of fresh masks).

        Returns
        -------
        (n, k) float32 array
        """
        masks = self._checked_masks(masks)
        if not remember:
            return self._pay(masks)
        keys = [row.tobytes() for row in np.packbits(masks, axis=1)]
        fresh = {key: i for i, key in reversed(list(enumerate(keys))) if key not in self._row_of}
        rows = sorted(fresh.values())
        if rows:
            self._remember([keys[i] for i in rows], self._pay(masks[rows]))
        return self._store[[self._row_of[key] for key in keys]]

    def remembered(self) -> tuple[Masks, Float32[np.ndarray, "n k"]]:
        """Return every mask in memory, in the order in which they were paid, and its values."""
        keys = b"".join(self._row_of)
        packed = np.frombuffer(keys, np.uint8).reshape(len(self._row_of), -(-self.n_players // 8))
        masks = np.unpackbits(packed, axis=1, count=self.n_players).astype(bool)
        return masks, self._store[: len(masks)].copy()

    def column(self, j: int) -> Callable[[np.ndarray], Float64[np.ndarray, " n"]]:
        """Give one output as a plain function of one mask or many, as ``shapiq`` expects.

        Parameters
        ----------
        j : int
            Which of the k outputs.

        Returns
        -------
        callable
            ``(d,)`` or ``(n, d)`` masks (bool or 0/1) to ``(n,)`` float64 values.
        """
        return _as_function(self, j)

    def view(
        self, score: Score, *, target: int | Sequence[int], against: int | None = None
    ) -> View:
        """Look at chosen classes on a chosen scale, sharing everything that is paid.

        Parameters
        ----------
        score : {"log-odds", "probability", "log-probability", "raw"}
            The scale of the values.
        target : int or sequence of int
            Classes (columns) to explain.
        against : int, optional
            A class Q: the value becomes log p_target − log p_Q (raw: the
            difference of the outputs), whatever ``score`` says.

        Returns
        -------
        View
        """
        targets = (target,) if isinstance(target, int | np.integer) else tuple(target)
        if not targets:
            raise InputError("target must name at least one column; got an empty list")
        if self.columns == "raw" and score != "raw":
            raise InputError(
                f"score must be 'raw' for a game with raw outputs; got {score!r}, which needs a "
                "game whose columns are log-probabilities: Game(..., columns='log-probability')"
            )
        return View(self, score, tuple(int(t) for t in targets), against)

    def _pay(self, masks: Masks) -> Float32[np.ndarray, "n k"]:
        start = time.perf_counter()
        answers = np.asarray(self._value(masks))
        self.seconds += time.perf_counter() - start
        with np.errstate(over="ignore"):  # what float32 cannot hold is reported as infinite below
            values = answers.astype(np.float32, copy=False)
        known = self._store.shape[1]  # 0 before the first answer
        if values.ndim != 2 or values.shape != (len(masks), known or max(values.shape[1], 1)):
            wanted = f"({len(masks)}, {known or 'k'})"
            raise ModelError(
                f"the game's value must return an array of shape {wanted} for {len(masks)} masks; "
                f"got {values.shape}"
            )
        if not np.isfinite(values).all():
            bad = int((~np.isfinite(values)).any(axis=1).sum())
            raise ModelError(
                f"the model answered NaN or infinity for {bad} of {len(masks)} masked pictures; "
                "check its preprocessing and precision (float16 often overflows)"
            )
        self.evaluations += len(masks)
        return values

    def _remember(self, keys: Sequence[bytes], values: Float32[np.ndarray, "n k"]) -> None:
        start = len(self._row_of)
        needed = start + len(keys)
        if needed > len(self._store):
            grown = np.empty((max(needed, 2 * len(self._store)), values.shape[1]), np.float32)
            if start:
                grown[:start] = self._store[:start]
            self._store = grown
        self._store[start:needed] = values
        self._row_of.update(zip(keys, range(start, needed), strict=True))

    def _checked_masks(self, masks: Masks) -> Masks:
        masks = np.asarray(masks)
        if masks.ndim != 2 or masks.shape[1] != self.n_players or masks.dtype != bool:
            raise InputError(
                f"masks must be a bool array of shape (n, {self.n_players}), one column per "
                f"player; got {masks.dtype} {masks.shape}; was this design drawn for another game?"
            )
        return masks


class View:
    """Chosen classes of a game on a chosen scale: what an attribution method explains.

    Made by `Game.view`; calling it pays through the game, in whose memory
    everything stays.

    Attributes
    ----------
    game : Game
    score : str
    targets : tuple of int
    against : int or None
    """

    def __init__(
        self, game: Game, score: Score, targets: tuple[int, ...], against: int | None
    ) -> None:
        self.game = game
        self.score: Score = score
        self.targets = targets
        self.against = against

    @property
    def n_players(self) -> int:
        """Number of players d of the game."""
        return self.game.n_players

    @property
    def affinity(self) -> Affinity | None:
        """Which players are neighbours, as the game knows it."""
        return self.game.affinity

    @property
    def areas(self) -> Float64[np.ndarray, " d"]:
        """Share of the picture that every player covers."""
        return self.game.areas

    @property
    def portion(self) -> int:
        """How many masks should be asked about at once."""
        return self.game.portion

    @property
    def evaluations(self) -> int:
        """Masks the game has paid for so far."""
        return self.game.evaluations

    def log_odds(self, masks: Masks) -> Float64[np.ndarray, "n t"] | None:
        """Return the log-odds of which the scores are the probabilities; None where they are not.

        Of masks that were paid for it costs nothing.
        """
        by_class = self.against is None and self.game.columns == "log-probability"
        if not by_class or self.score != "probability":
            return None
        return self.game.view("log-odds", target=self.targets)(masks)

    def column(self, j: int) -> Callable[[np.ndarray], Float64[np.ndarray, " n"]]:
        """Give the score of the j-th target as a plain function of masks; see `Game.column`."""
        return _as_function(self, j)

    def __call__(self, masks: Masks, *, remember: bool = True) -> Float64[np.ndarray, "n t"]:
        """Return the score of every mask for every target, formed in float64."""
        values = self.game(masks, remember=remember)
        return score_columns(values, self.score, self.targets, self.against)


def as_view(game: Game | View) -> View:
    """Take a view as it is, and a bare game as the view of all its columns.

    Parameters
    ----------
    game : Game or View

    Returns
    -------
    View
        For a bare game: score "raw" ("log-odds" when its columns are
        log-probabilities), every column a target.
    """
    if isinstance(game, View):
        return game
    if not isinstance(game, Game):
        raise InputError(
            f"game must be a Game or a View of one; got a {type(game).__name__}: "
            "wrap a function as Game(function, n_players)"
        )
    n_columns = game(np.ones((1, game.n_players), bool)).shape[1]
    score: Score = "raw" if game.columns == "raw" else "log-odds"
    return game.view(score, target=range(n_columns))


def _as_function(game: Game | View, j: int) -> Callable[[np.ndarray], Float64[np.ndarray, " n"]]:
    def value(masks: np.ndarray) -> Float64[np.ndarray, " n"]:
        values = game(np.atleast_2d(masks).astype(bool))
        if not 0 <= j < values.shape[1]:
            raise InputError(f"column must be from 0 to {values.shape[1] - 1}; got {j}")
        return values[:, j].astype(np.float64)

    return value


def _checked_affinity(
    affinity: Bool[np.ndarray, "d d"] | Float[np.ndarray, "d d"] | None, n_players: int
) -> Affinity | None:
    if affinity is None:
        return None
    # one that cannot be written to may be shared
    frozen = isinstance(affinity, np.ndarray) and not affinity.flags.writeable
    frozen = frozen and not np.diagonal(affinity).any()
    matrix = np.array(affinity, dtype=np.float64, copy=None if frozen else True)
    if matrix.shape != (n_players, n_players):
        raise InputError(
            f"affinity must have shape ({n_players}, {n_players}), players by players; "
            f"got {matrix.shape}"
        )
    if not (np.array_equal(matrix, matrix.T) and (matrix >= 0).all()):
        raise InputError(
            "affinity must be symmetric and non-negative; use 0 for players that are not neighbours"
        )
    if not frozen:
        np.fill_diagonal(matrix, 0.0)
    matrix.flags.writeable = False
    return matrix


def _checked_areas(
    areas: Float[np.ndarray, " d"] | None, n_players: int
) -> Float64[np.ndarray, " d"]:
    if areas is None:
        return np.full(n_players, 1 / n_players)
    shares = np.array(areas, dtype=np.float64)
    fits = shares.shape == (n_players,) and (shares >= 0).all() and shares.sum() <= 1 + 1e-6
    if not fits:
        raise InputError(
            f"areas must be {n_players} shares of the picture, from 0 to 1 in all; "
            f"got shape {shares.shape}, sum {shares.sum():.3g}"
        )
    shares.flags.writeable = False
    return shares
