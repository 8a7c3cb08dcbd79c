"""The same methods once more: with other random draws, on noisy copies, on a shuffled network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64

from seewhy.errors import InputError, ModelError
from seewhy.game.driver import Listener
from seewhy.methods.change import Change
from seewhy.methods.explanation import Attribution, Method
from seewhy.methods.rule import Rule
from seewhy.metrics.protocol import Protocol
from seewhy.metrics.scoreboard import Candidate
from seewhy.metrics.sufficiency import HIDDEN
from seewhy.models.masking_game import MaskedPicture, game_like, game_of
from seewhy.models.shuffled import can_be_shuffled, shuffle_weights
from seewhy.run.answering import Explanation, Subject, answer_all
from seewhy.run.case import Case
from seewhy.run.contest import Contest
from seewhy.run.provenance import stream

HALVINGS = 3
"""Noise is halved so often, where it changes the prediction."""

Map = Float64[np.ndarray, " d"]
Maps = Mapping[str, Map]


@dataclass(frozen=True, eq=False)
class Repeated:
    """Every method with all its runs, and what the further ones cost.

    Attributes
    ----------
    candidates : tuple of Candidate
    evaluations : int
        Pictures the model classified for the further runs.
    """

    candidates: tuple[Candidate, ...]
    evaluations: int


def repeat(
    case: Case, explanations: Sequence[Explanation], contest: Contest, tell: Listener
) -> Repeated:
    """Run what was asked for again, and enter every method with all its runs.

    Methods without chance are not run again on the same picture: they would say the same.
    Rules and changes are not run again at all; they have certificates of their own.
    """
    attributions = {each.name: each for each in explanations if isinstance(each, Attribution)}
    # as they were asked: an answer's method has a budget of its own, and would share nothing
    everyone = [each for each in case.question.methods if each.name in attributions]
    drawn = [each for each in everyone if attributions[each.name].standard_error is not None]
    runner = _Runner(case, contest, tell)
    again = [runner.again(drawn, run) for run in range(1, contest.repeats)]
    noisy = runner.on_noisy_copies(everyone) if contest.repeats > 1 else []
    shuffled = runner.on_shuffled(everyone) if contest.shuffled else {}
    candidates = tuple(
        _with_runs(each, again, noisy, shuffled)
        if isinstance(each, Attribution)
        else _named(each, case, contest)
        for each in explanations
    )
    return Repeated(candidates, runner.paid)


class _Runner:
    """Runs methods further times, and counts what that costs."""

    def __init__(self, case: Case, contest: Contest, tell: Listener) -> None:
        self.case, self.contest, self.tell = case, contest, tell
        self.paid = 0

    def again(self, methods: Sequence[Method], run: int) -> Maps:
        said = f"again with other draws, {run} of {self.contest.repeats - 1}"
        return self._run(methods, self.case.subject, f"repeat {run}", said)

    def on_noisy_copies(self, methods: Sequence[Method]) -> list[Maps]:
        """On copies that differ by noise and are classified alike; fewer where none is."""
        found = []
        for copy in range(1, self.contest.noisy + 1):
            subject = self._with_noise(stream(self.case.seed, f"noise {copy}"))
            if subject is not None:
                said = f"on a noisy copy, {copy} of {self.contest.noisy}"
                found.append(self._run(methods, subject, f"noisy run {copy}", said))
        return found

    def on_shuffled(self, methods: Sequence[Method]) -> Maps:
        """On the network with its weights shuffled; nothing where that makes no network."""
        case = self.case
        if not can_be_shuffled(case.model):
            return {}
        said = "on the network with shuffled weights"
        try:
            model = shuffle_weights(case.model, stream(case.seed, said))
            game = game_of(model, case.subject.masked)
            subject = replace(case.subject, model=model, game=game, backgrounds={})
            return self._run(methods, subject, said, said)
        except (InputError, ModelError):  # nothing to shuffle, or what came of it answers NaN
            return {}

    def _run(self, methods: Sequence[Method], subject: Subject, seed: str, said: str) -> Maps:
        if not methods:
            return {}
        before = subject.game.evaluations if subject.game is self.case.subject.game else 0
        answers = answer_all(
            methods,
            subject,
            budget=self.contest.budget,
            seed=int(stream(self.case.seed, seed).integers(2**31)),
            equal=True,
            tell=lambda event: self.tell(replace(event, stage=f"{said}: {event.stage}")),
        )
        found = [each for each in answers if isinstance(each, Attribution)]
        by_gradients = sum(each.evaluations for each in found if each.pixel_map is not None)
        self.paid += subject.game.evaluations - before + by_gradients
        return {each.name: each.values[:, 0] for each in found}

    def _with_noise(self, rng: np.random.Generator) -> Subject | None:
        """The picture with so much noise that the model says the same; None where none does."""
        subject = self.case.subject
        whole = np.ones((1, subject.game.n_players), bool)
        said = subject.game(whole).argmax()
        draw = rng.standard_normal(subject.masked.pixels.shape)
        for halving in range(HALVINGS + 1):
            noise = self.contest.protocol.noise / 2**halving
            masked = self._refilled(np.clip(subject.masked.pixels + noise * draw, 0, 1))
            game = game_like(subject.game, subject.model, masked)
            if game(whole).argmax() == said:
                return replace(subject, game=game, masked=masked, backgrounds={})
        return None

    def _refilled(self, shown: np.ndarray) -> MaskedPicture:
        masked, pixels = self.case.subject.masked, shown.astype(np.float32)
        hidden = self.case.question.fill(pixels, masked.labels, stream(self.case.seed, "fill"))
        return replace(masked, pixels=pixels, fill=hidden)


def _with_runs(
    explanation: Attribution, again: Sequence[Maps], noisy: Sequence[Maps], shuffled: Maps
) -> Candidate:
    name, shown = explanation.name, explanation.values[:, 0]
    return Candidate(
        name=name,
        maps=np.array([shown, *(maps.get(name, shown) for maps in again)]),
        reading=explanation.method.reading,
        noisy=np.array([maps[name] for maps in noisy]) if noisy else None,
        shuffled=shuffled.get(name),
        evaluations=explanation.evaluations,
        seconds=explanation.seconds,
    )


def _named(explanation: Rule | Change, case: Case, contest: Contest) -> Candidate:
    """A rule or a change as a map: its members in their order, all others alike."""
    game = case.subject.game
    proves: Literal["sufficient_area", "flip_area"] | None = None
    if isinstance(explanation, Rule):
        members = explanation.superpixels
        if explanation.status != "not_found" and _as_strict(explanation, contest.protocol):
            proves = "sufficient_area"
    else:
        members = explanation.hide
        if explanation.status == "found":
            proves = "flip_area"
    values = np.zeros(game.n_players)
    values[list(members)] = np.linspace(1, 0, len(members), endpoint=False)
    return Candidate(
        name=explanation.name,
        maps=values[None],
        rerun=False,
        area=explanation.area / float(game.areas.sum()),
        proves=proves,
        evaluations=explanation.evaluations,
        seconds=explanation.seconds,
    )


def _as_strict(rule: Rule, protocol: Protocol) -> bool:
    """Whether a rule was certified for no less than maps are."""
    asked = rule.method
    strict = asked.precision >= protocol.precision and asked.confidence >= protocol.confidence
    return strict and asked.hidden == HIDDEN and asked.background == "fill"
