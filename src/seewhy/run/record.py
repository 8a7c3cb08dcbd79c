"""What the model really said about masks that a person can reach by hiding regions by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from seewhy.game.driver import Listener, Progress
from seewhy.game.game import Columns, Game
from seewhy.methods.change import Change
from seewhy.methods.explanation import Attribution
from seewhy.methods.rule import Rule
from seewhy.run.answering import Explanation

BY_HAND = 3
"""So many clicks make a mask that a person comes across without following a ranking."""

FOLLOWED = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45)
"""How many of the strongest regions are hidden, or shown, when a ranking is followed."""

SINGLES = 6
"""So many of the strongest regions are also hidden alone: those that wear a badge."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Record:
    """Masked pictures that were asked about, and what the model said.

    Attributes
    ----------
    masks : (n, d) bool array
        True where the superpixel is kept.
    classes : mapping of int to str
        The classes whose outputs are kept: those a result speaks of, and whatever came
        first for any of the masks.
    outputs : (n, c) float32 array
        One column per class, in their order.
    kind : {"log-probability", "raw"}
        What they are.
    """

    masks: Bool[np.ndarray, "n d"]
    classes: Mapping[int, str]
    outputs: Float32[np.ndarray, "n c"]
    kind: Columns


def follow(game: Game, explanations: Sequence[Explanation], tell: Listener) -> None:
    """Pay for what becomes of the picture while the strongest regions are hidden, or shown.

    For every class of every attribution: the first 1, 2, … 45 regions of the ranking hidden,
    the same regions alone shown, and each of the six strongest hidden alone.
    """
    masks = [mask for values in _columns(explanations) for mask in _followed(values)]
    for start in range(0, len(masks), game.portion):
        tell(Progress("following the strongest regions", start, len(masks)))
        game(np.array(masks[start : start + game.portion]))
    tell(Progress("following the strongest regions", len(masks), len(masks)))


def record_of(
    game: Game,
    explanations: Sequence[Explanation],
    *,
    spoken_of: Iterable[int],
    labels: Sequence[str],
) -> Record:
    """Pick from all that was paid for what a person can reach by clicking.

    That is: few regions hidden or few shown, a beginning of a ranking hidden or shown, and the
    regions of rules and changes.

    Parameters
    ----------
    game : Game
    explanations : sequence of Attribution, Rule or Change
    spoken_of : iterable of int
        Classes to keep in any case.
    labels : sequence of str
        Of all classes.
    """
    masks, outputs = game.remembered()
    hidden = game.n_players - masks.sum(axis=1)
    named = {mask.tobytes() for mask in _of_rules(explanations, game.n_players)}
    reached = np.minimum(hidden, game.n_players - hidden) <= BY_HAND
    reached |= np.array([mask.tobytes() in named for mask in masks], bool)
    for values in _columns(explanations):
        reached |= _along(masks, _ranking(values))
    masks, outputs = masks[reached], outputs[reached]
    classes = sorted({*spoken_of, *np.argmax(outputs, axis=1).tolist()})
    return Record(
        masks=masks,
        classes={index: labels[index] for index in classes},
        outputs=np.ascontiguousarray(outputs[:, classes]),
        kind=game.columns,
    )


def _columns(explanations: Iterable[Explanation]) -> Iterator[Float64[np.ndarray, " d"]]:
    for explanation in explanations:
        if isinstance(explanation, Attribution):
            yield from explanation.values.T


def _followed(values: Float64[np.ndarray, " d"]) -> Iterator[Bool[np.ndarray, " d"]]:
    walk = _ranking(values)
    for size in FOLLOWED:
        if size < len(values):
            yield _without(walk[:size], len(values))
            yield ~_without(walk[:size], len(values))
    for player in np.argsort(-np.abs(values), kind="stable")[:SINGLES]:
        if values[player] != 0:
            yield _without([player], len(values))


def _along(masks: Bool[np.ndarray, "n d"], walk: Sequence[int]) -> Bool[np.ndarray, " n"]:
    """Tell which masks hide, or show, a beginning of a ranking."""
    ordered = masks[:, walk]
    # kept regions in one run at either end: the ranking changes sides once at most
    changes: Bool[np.ndarray, " n"] = (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) <= 1
    return changes


def _of_rules(
    explanations: Iterable[Explanation], n_players: int
) -> Iterator[Bool[np.ndarray, " d"]]:
    """The masks that rules and changes name, from both ends."""
    for members in _named(explanations):
        yield _without(members, n_players)
        yield ~_without(members, n_players)


def _named(explanations: Iterable[Explanation]) -> Iterator[Sequence[int]]:
    for explanation in explanations:
        if isinstance(explanation, Change):
            yield explanation.hide
        elif isinstance(explanation, Rule):
            for rule in (explanation, *explanation.alternatives):
                yield rule.superpixels
                yield from (e.hidden for e in (*rule.keeps, *rule.breaks) if not e.background)


def _ranking(values: Float64[np.ndarray, " d"]) -> Sequence[int]:
    """What speaks for the class most comes first; equal values in their own order."""
    return np.argsort(-values, kind="stable").tolist()


def _without(players: Sequence[int], n_players: int) -> Bool[np.ndarray, " d"]:
    mask = np.ones(n_players, bool)
    mask[list(players)] = False
    return mask
