"""The front door: one picture, one model, and why it said what it said."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seewhy.errors import InputError
from seewhy.game.driver import Listener, Progress
from seewhy.game.game import Game
from seewhy.game.scores import ClassScores, Score
from seewhy.image.fill import Fill, MeanFill
from seewhy.image.read import Picture, read_picture
from seewhy.image.samples import sample_pictures
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Segmenter, Slic
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
from seewhy.models.spec import load_model
from seewhy.run.answering import Explanation, Subject, answer_all
from seewhy.run.classes import Classes, classes_of, with_classes_found
from seewhy.run.explained import Explained, backdrops_shown, names_told
from seewhy.run.provenance import ModelCard, fingerprint, predictions_of, seed_of, stream
from seewhy.run.question import (
    Budget,
    ClassName,
    Methods,
    Question,
    as_fill,
    as_segments,
    check,
    checked_backgrounds,
    checked_methods,
)

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image as PillowImage

    ImageSource = str | Path | PillowImage | np.ndarray | Picture

MAX_SUPERPIXELS = 5000


def explain(
    image: ImageSource,
    model: Model | str,
    *,
    methods: Methods | None = None,
    top: int = 3,
    target: ClassName | Sequence[ClassName] | None = None,
    against: ClassName | None = None,
    true: ClassName | None = None,
    segments: Segmenter | Segmentation | np.ndarray | str = Slic(60),  # noqa: B008  (frozen)
    fill: Fill | str = MeanFill(),  # noqa: B008  (frozen)
    score: Score = "log-odds",
    budget: Budget = "auto",
    seed: int | None = None,
    backgrounds: ImageSource | Sequence[ImageSource] | None = None,
    progress: Listener | None = None,
) -> Explained:
    """Explain why a model said what it said about a picture.

    Parameters
    ----------
    image : path, PIL image, array or Picture
        Arrays are (h, w) or (h, w, c), uint8 or float in [0, 1].
    model : Model or str
        A model, or its spec: ``"builtin:imagenet"``, ``"torchvision:resnet34"``,
        ``"file.onnx"``, ``"py:module:function"``.
    methods : method, list or tuple of methods, or str
        Default LIME; with ``true``, LIME, anchors and counterfactual. Two of one kind need
        a ``name=``. "lime,kernel-shap" is as good as ``[Lime(), KernelShap()]``.
    top : int
        Explain the so many likeliest classes, …
    target : class name, index, or list of them
        … or these.
    against : class name or index
        Explain why the target rather than this class; the likeliest other class
        is the target if none is given. Anchors then keep whichever of the two leads ahead of
        the other, and a counterfactual puts the other first.
    true : class name or index
        What the picture shows: the likeliest class is explained against it, with the anchor
        of what the model said and the smallest change found to the truth. Where the model is right,
        against the runner-up.
    segments : segmenter, Segmentation, label array or str
        What the players are. A segmenter sees the model's view of the picture;
        labels are in the picture's own coordinates.
    fill : Fill or str
        What is seen where a superpixel is hidden.
    score : {"log-odds", "probability", "log-probability", "raw"}
        The scale of the values.
    budget : int or "auto"
        Masked pictures that LIME, Banzhaf, RISE and KernelSHAP may ask about together, in one
        design that they share; PermutationSHAP and PartitionSHAP have as many for themselves. A
        method's own budget overrides it; gradient methods, anchors and counterfactuals have
        their own.
    seed : int, optional
        Default: from the picture's pixels, so the same picture gives the same answer.
    backgrounds : picture, folder, or sequence of them, optional
        Other pictures onto which anchors are transplanted, the first 200; default: photos that
        come with scikit-image and matplotlib.
    progress : callable, optional
        Told what is being done, as `Progress` events.

    Returns
    -------
    Explained

    Raises
    ------
    InputError, ImageError, SpecError, ModelError, MissingExtraError
        In one sentence that names the argument and the way out.

    Examples
    --------
    >>> import numpy as np, seewhy as sw
    >>> def bright_left(images):
    ...     left = images[:, :, :14].mean(axis=(1, 2, 3))
    ...     return np.stack([left, 1 - left], axis=1)
    >>> model = sw.CallableModel(
    ...     bright_left, labels=["left", "right"], output="probabilities", input_size=(28, 28)
    ... )
    >>> picture = np.tile(np.linspace(0.9, 0.1, 28, dtype=np.float32), (28, 1))[..., None]
    >>> result = sw.explain(
    ...     picture.repeat(3, 2), model, segments="grid:1x2", fill="black", score="probability"
    ... )
    >>> result["lime"].values[:, 0].round(3).tolist()
    [0.692, 0.0]
    """
    question = Question(
        methods=checked_methods(methods, misclassified=true is not None),
        top=top,
        target=target,
        against=against,
        true=true,
        segments=as_segments(segments),
        fill=as_fill(fill),
        score=score,
        budget=budget,
        seed=seed,
        backgrounds=checked_backgrounds(backgrounds),
    )
    return answer(question, read_picture(image), load_model(model), progress=progress)


def answer(
    question: Question, picture: Picture, model: Model, *, progress: Listener | None = None
) -> Explained:
    """Answer a question about one picture; see `explain` for what goes wrong and how."""
    start = time.perf_counter()
    check(question, model)
    question = replace(question, methods=with_classes_found(question.methods, model))
    tell = progress or (lambda event: None)
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
    subject = _subject(question, model, masked, game, classes, backgrounds)
    explanations = answer_all(
        question.methods, subject, budget=question.budget, seed=seed, tell=tell
    )
    return Explained(
        picture=picture,
        model=ModelCard.of(model),
        predictions=predictions_of(game, model.labels, subject.asked.score),
        targets=classes.targets,
        against=classes.against,
        true=classes.true,
        names=names_told(explanations, model.labels),
        segmentation=segmentation,
        fill=question.fill.settings(),
        hidden=masked.hidden,
        backdrops={name: backdrops[name] for name in backdrops_shown(explanations)},
        score=subject.asked.score,
        seed=seed,
        evaluations=_evaluations(subject, explanations),
        seconds=time.perf_counter() - start,
        model_seconds=sum(each.seconds for each in (game, *subject.backgrounds.values())),
        explanations=explanations,
        fingerprint=_fingerprint(model, picture, segmentation, question, subject, seed),
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


def _evaluations(subject: Subject, explanations: Sequence[Explanation]) -> int:
    games = (subject.game, *subject.backgrounds.values())
    by_gradients = sum(
        explanation.evaluations
        for explanation in explanations
        if isinstance(explanation, Attribution) and explanation.pixel_map is not None
    )
    return sum(game.evaluations for game in games) + by_gradients


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


def _fingerprint(
    model: Model,
    picture: Picture,
    segmentation: Segmentation,
    question: Question,
    subject: Subject,
    seed: int,
) -> str:
    parts: dict[str, Any] = {
        "model": asdict(ModelCard.of(model)),
        "image": picture.sha256,
        "segments": hashlib.sha256(segmentation.labels.tobytes()).hexdigest(),
        "fill": question.fill.settings(),
        "asked": asdict(subject.asked),
        "contrast_rules": subject.contrast_rules,
        "budget": question.budget,
        "seed": seed,
        "backgrounds": question.backgrounds and [p.sha256 for p in question.backgrounds],
        "methods": [[method.name, method_settings(method)] for method in question.methods],
    }
    return fingerprint(parts)
