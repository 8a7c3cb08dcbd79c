"""The bench on which explanations of one class of one picture are judged: games, not pixels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.errors import InputError
from seewhy.game.decision import Decision, decision_of
from seewhy.game.design import bernoulli_pairs
from seewhy.game.game import Game, View
from seewhy.game.scores import ClassScores, Score
from seewhy.image.fill import Fill
from seewhy.image.read import Image
from seewhy.metrics.protocol import RISE_BLUR, Protocol, other_fill
from seewhy.models.masking_game import MaskedPicture, game_like
from seewhy.models.protocol import Model


@dataclass(frozen=True, eq=False)
class Bench:
    """What judges all maps of one picture alike: same class, same fills, same fresh masks.

    Made by `bench_of`, or from games of one's own.

    Attributes
    ----------
    view : View
        The score that was explained, of one target, with the fill it was explained with.
    other : View
        The same score with another fill.
    removing, adding : View
        The probability of the target (of raw outputs: the output) where hidden superpixels
        show what the network takes for zero, and where they are blurred: for deletion and
        insertion.
    protocol : Protocol
    seed : int
        Draws the orders of equal values and the fresh masks.
    """

    view: View
    other: View
    removing: View
    adding: View
    protocol: Protocol = field(default_factory=Protocol)
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.view.targets) != 1:
            raise InputError(
                f"explanations are judged for one class at a time; got {len(self.view.targets)}"
            )

    @property
    def n_players(self) -> int:
        """Number of superpixels d."""
        return self.view.n_players

    @property
    def areas(self) -> Float64[np.ndarray, " d"]:
        """Share of the picture that every superpixel covers."""
        return self.view.areas

    @property
    def evaluations(self) -> int:
        """Masked pictures paid for so far, those of the explanations included."""
        views = (self.view, self.other, self.removing, self.adding)
        return sum(game.evaluations for game in {id(v.game): v.game for v in views}.values())

    @cached_property
    def decision(self) -> Decision | None:
        """Whether the target stays ahead; None where it is not ahead on the whole picture."""
        view = self.view
        outputs = view.game(np.ones((1, self.n_players), bool))[0]
        target = view.targets[0]
        rivals = np.delete(outputs, target) if view.against is None else outputs[view.against]
        if len(outputs) < 2 or outputs[target] <= np.max(rivals):
            return None
        return decision_of(view if view.against is not None else view.game)

    @cached_property
    def fresh(self) -> tuple[Bool[np.ndarray, "n d"], Float64[np.ndarray, " n"]]:
        """Half-hidden pictures that no explanation has seen, in pairs, and their scores."""
        rng = np.random.default_rng([self.seed, 1])
        masks = bernoulli_pairs(self.n_players, self.protocol.fresh_pairs, rng).masks
        return masks, in_portions(self.view, masks)

    def rng(self, *path: int) -> np.random.Generator:
        """Return a generator of its own for one part of the judging."""
        return np.random.default_rng([self.seed, *path])


def in_portions(view: View, masks: Bool[np.ndarray, "n d"]) -> Float64[np.ndarray, " n"]:
    """Ask for the score of the one target in portions of the game's own size."""
    starts = range(0, len(masks), view.portion)
    return np.concatenate([view(masks[s : s + view.portion])[:, 0] for s in starts])


def bench_of(
    model: Model,
    picture: MaskedPicture,
    game: Game,
    asked: ClassScores,
    *,
    fill: Fill,
    seed: int,
    protocol: Protocol | None = None,
) -> Bench:
    """Set up the bench for one class of a picture.

    Parameters
    ----------
    model : Model
    picture : MaskedPicture
        At the model's input, with the fill that it was explained with.
    game : Game
        Of it; what explanations have paid for is free here.
    asked : ClassScores
        One target.
    fill : Fill
        That fill; the other one is blur, or the mean colour where this is blur.
    seed : int
    protocol : Protocol, optional
    """
    probability: Score = "raw" if game.columns == "raw" else "probability"
    target = asked.targets[0]

    def filled(hidden: Image) -> Game:
        return game_like(game, model, replace(picture, fill=hidden))

    def filled_by(kind: Fill) -> Game:
        rng = np.random.default_rng([seed, 2])
        return filled(kind(picture.pixels, picture.labels, rng))

    return Bench(
        view=game.view(asked.score, target=target, against=asked.against),
        other=filled_by(other_fill(fill)).view(asked.score, target=target, against=asked.against),
        removing=filled(_zero(model, picture)).view(probability, target=target),
        adding=filled_by(RISE_BLUR).view(probability, target=target),
        protocol=protocol or Protocol(),
        seed=seed,
    )


def _zero(model: Model, picture: MaskedPicture) -> Image:
    """The colour that preprocessing turns into zeros, as far as pixels can show it."""
    steps = model.preprocessing
    mean = steps.mean[::-1] if steps.channels == "BGR" else steps.mean
    colour = np.clip(np.array(mean, np.float32), 0, 1)
    return np.broadcast_to(colour, picture.pixels.shape).astype(np.float32)
