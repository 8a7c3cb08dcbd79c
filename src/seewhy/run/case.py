"""One question about one picture: brought to the model, ready to be answered, and its answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float32

from seewhy.errors import InputError
from seewhy.game.driver import Listener, Progress
from seewhy.game.game import Game
from seewhy.game.scores import ClassScores
from seewhy.image.read import Picture
from seewhy.image.samples import sample_pictures
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Segmenter
from seewhy.methods.anchors import Anchors
from seewhy.methods.explanation import Attribution, method_settings
from seewhy.models.backgrounds import backdrops_of, background_games
from seewhy.models.masking_game import (
    MaskedPicture,
    game_of,
    masked_picture,
    view_segments,
    visible_segments,
)
from seewhy.models.protocol import Model
from seewhy.run.answering import Explanation, Subject
from seewhy.run.classes import Classes, classes_of, with_classes_found
from seewhy.run.explained import Explained, backdrops_shown, names_told
from seewhy.run.provenance import ModelCard, fingerprint, predictions_of, seed_of, stream
from seewhy.run.question import Question, check
from seewhy.run.record import Record, record_of

MAX_SUPERPIXELS = 5000


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """A picture cut, hidden and shown to the model, so that methods can be asked.

    Made by `open_case`.

    Attributes
    ----------
    question : Question
        With the classes that methods name found.
    picture : Picture
    model : Model
    segmentation : Segmentation
    seed : int
    classes : Classes
    subject : Subject
        What methods are asked about.
    backdrops : mapping of str to (h, w, c) array
        Other pictures at the model's input.
    """

    question: Question
    picture: Picture
    model: Model
    segmentation: Segmentation
    seed: int
    classes: Classes
    subject: Subject
    backdrops: Mapping[str, Float32[np.ndarray, "h w c"]]

    def explained(self, explanations: Sequence[Explanation], *, seconds: float) -> Explained:
        """Bundle answers with everything that they are about."""
        subject, model = self.subject, self.model
        games = (subject.game, *subject.backgrounds.values())
        return Explained(
            picture=self.picture,
            model=ModelCard.of(model),
            predictions=predictions_of(subject.game, model.labels, subject.asked.score),
            targets=self.classes.targets,
            against=self.classes.against,
            true=self.classes.true,
            names=names_told(explanations, model.labels),
            segmentation=self.segmentation,
            fill=self.question.fill.settings(),
            hidden=subject.masked.hidden,
            backdrops={name: self.backdrops[name] for name in backdrops_shown(explanations)},
            score=subject.asked.score,
            seed=self.seed,
            evaluations=self.paid(explanations),
            seconds=seconds,
            model_seconds=sum(each.seconds for each in games),
            explanations=tuple(explanations),
            fingerprint=_fingerprint(self),
            record=self.record(explanations),
        )

    def record(self, explanations: Sequence[Explanation]) -> Record:
        """Pick what was paid for and can be reached by hand, with every class spoken of."""
        game, model, classes = self.subject.game, self.model, self.classes
        named = [*predictions_of(game, model.labels, self.subject.asked.score), *classes.targets]
        named += [each for each in (classes.against, classes.true) if each is not None]
        spoken_of = {each.index for each in named} | set(names_told(explanations, model.labels))
        return record_of(game, explanations, spoken_of=spoken_of, labels=model.labels)

    def paid(self, explanations: Sequence[Explanation]) -> int:
        """Count the pictures that the model has classified for these answers."""
        games = (self.subject.game, *self.subject.backgrounds.values())
        by_gradients = sum(
            explanation.evaluations
            for explanation in explanations
            if isinstance(explanation, Attribution) and explanation.pixel_map is not None
        )
        return sum(game.evaluations for game in games) + by_gradients


def open_case(question: Question, picture: Picture, model: Model, *, tell: Listener) -> Case:
    """Bring a picture to a model: check, cut, hide, and find out which classes are meant."""
    check(question, model)
    question = replace(question, methods=with_classes_found(question.methods, model))
    tell(Progress("finding superpixels", 0, 1))
    segmentation = _segmentation(question.segments, model, picture)
    seed = seed_of(picture.sha256) if question.seed is None else question.seed
    masked = masked_picture(
        model, picture.pixels, segmentation, fill=question.fill, seed=stream(seed, "fill")
    )
    game = game_of(model, masked)
    classes = classes_of(question, game, model)
    backdrops = backdrops_of(model, _other_pictures(question, picture, model))
    backgrounds = background_games(game, model, masked, backdrops)
    return Case(
        question=question,
        picture=picture,
        model=model,
        segmentation=segmentation,
        seed=seed,
        classes=classes,
        subject=_subject(question, model, masked, game, classes, backgrounds),
        backdrops=backdrops,
    )


def _other_pictures(question: Question, picture: Picture, model: Model) -> list[Picture]:
    """What anchors are transplanted onto; nothing where nobody asks for anchors."""
    pictures = question.backgrounds
    if not any(isinstance(method, Anchors) for method in question.methods):
        return []
    if pictures is None:  # photos are grey or in colour
        pictures = sample_pictures() if model.input_size[2] in (1, 3) else ()
    return [other for other in pictures if other.sha256 != picture.sha256]


def _subject(
    question: Question,
    model: Model,
    masked: MaskedPicture,
    game: Game,
    classes: Classes,
    backgrounds: Mapping[str, Game],
) -> Subject:
    # log p_P − log p_Q is a log-odds whatever the score was called
    contrast = classes.against is not None and game.columns != "raw"
    asked = ClassScores(
        "log-odds" if contrast else question.score,
        tuple(target.index for target in classes.targets),
        None if classes.against is None else classes.against.index,
    )
    contrast_rules = classes.against is not None and classes.true is None
    return Subject(game, asked, masked, model, backgrounds, contrast_rules)


def _segmentation(
    segments: Segmenter | Segmentation, model: Model, picture: Picture
) -> Segmentation:
    if not isinstance(segments, Segmentation):
        segments = view_segments(model, picture.pixels, segments)
    found = visible_segments(model, (picture.height, picture.width), segments)
    if found.count > MAX_SUPERPIXELS:
        raise InputError(
            f"segments must give at most {MAX_SUPERPIXELS} superpixels; got {found.count}: "
            "no one reads more, and each costs model calls"
        )
    if found.count < 2:
        raise InputError(
            f"the picture {picture.name} ({picture.width}×{picture.height} pixels) has one "
            "superpixel, so there is nothing to compare; give finer segments or a larger picture"
        )
    return found


def _fingerprint(case: Case) -> str:
    question, subject = case.question, case.subject
    parts: dict[str, Any] = {
        "model": asdict(ModelCard.of(case.model)),
        "image": case.picture.sha256,
        "segments": hashlib.sha256(case.segmentation.labels.tobytes()).hexdigest(),
        "fill": question.fill.settings(),
        "asked": asdict(subject.asked),
        "contrast_rules": subject.contrast_rules,
        "budget": question.budget,
        "seed": case.seed,
        "backgrounds": question.backgrounds and [p.sha256 for p in question.backgrounds],
        "methods": [[method.name, method_settings(method)] for method in question.methods],
    }
    return fingerprint(parts)
