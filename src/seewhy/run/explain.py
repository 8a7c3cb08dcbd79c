"""The front door: one picture, one model, and why it said what it said."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seewhy.errors import InputError
from seewhy.game.driver import Listener, Progress
from seewhy.game.game import Game
from seewhy.game.scores import SCORES, ClassScores, Score
from seewhy.image.fill import Fill, MeanFill, parse_fill
from seewhy.image.read import Picture, read_picture
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Segmenter, Slic, parse_segmenter
from seewhy.methods.explanation import AttributionMethod, method_settings
from seewhy.methods.lime import Lime
from seewhy.methods.registry import parse_methods
from seewhy.models.differentiable import differentiable
from seewhy.models.labels import find_class
from seewhy.models.masking_game import game_of, masked_picture, view_segments, visible_segments
from seewhy.models.protocol import Model
from seewhy.models.spec import load_model
from seewhy.run.answering import answer_all, explains_pixels
from seewhy.run.explained import Explained
from seewhy.run.provenance import (
    ModelCard,
    Prediction,
    fingerprint,
    prediction_of,
    predictions_of,
    seed_of,
    stream,
)

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image as PillowImage

    ImageSource = str | Path | PillowImage | np.ndarray | Picture

ClassName = str | int
MAX_SUPERPIXELS = 5000

Budget = int | Literal["auto"]
Methods = list[AttributionMethod] | tuple[AttributionMethod, ...] | AttributionMethod | str


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of a picture: every setting of `explain` but the picture and the model.

    The command line builds one and uses it for many pictures.
    """

    methods: tuple[AttributionMethod, ...]
    top: int
    target: ClassName | Sequence[ClassName] | None
    against: ClassName | None
    segments: Segmenter | Segmentation
    fill: Fill
    score: Score
    budget: Budget
    seed: int | None


def explain(
    image: ImageSource,
    model: Model | str,
    *,
    methods: Methods = (Lime(),),  # noqa: B008  (frozen)
    top: int = 3,
    target: ClassName | Sequence[ClassName] | None = None,
    against: ClassName | None = None,
    segments: Segmenter | Segmentation | np.ndarray | str = Slic(60),  # noqa: B008  (frozen)
    fill: Fill | str = MeanFill(),  # noqa: B008  (frozen)
    score: Score = "log-odds",
    budget: Budget = "auto",
    seed: int | None = None,
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
        Default LIME. Two of one kind need a ``name=``. "lime,kernel-shap" is as good as
        ``[Lime(), KernelShap()]``.
    top : int
        Explain the so many likeliest classes, …
    target : class name, index, or list of them
        … or these.
    against : class name or index
        Explain why the target rather than this class; the likeliest other class
        is the target if none is given.
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
        method's own budget overrides it, and gradient methods have samples of their own.
    seed : int, optional
        Default: from the picture's pixels, so the same picture gives the same answer.
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
        methods=checked_methods(methods),
        top=top,
        target=target,
        against=against,
        segments=_as_segments(segments),
        fill=_as_fill(fill),
        score=score,
        budget=budget,
        seed=seed,
    )
    return answer(question, read_picture(image), load_model(model), progress=progress)


def answer(
    question: Question, picture: Picture, model: Model, *, progress: Listener | None = None
) -> Explained:
    """Answer a question about one picture; see `explain` for what goes wrong and how."""
    start = time.perf_counter()
    _check(question, model)
    tell = progress or (lambda event: None)
    tell(Progress("finding superpixels", 0, 1))
    segmentation = _segmentation(question.segments, model, picture)
    seed = seed_of(picture.sha256) if question.seed is None else question.seed
    masked = masked_picture(
        model, picture.pixels, segmentation, fill=question.fill, seed=stream(seed, "fill")
    )
    game = game_of(model, masked)
    targets, against = _classes(question, game, model)
    # log p_P − log p_Q is a log-odds whatever the score was called
    score = question.score if against is None or game.columns == "raw" else "log-odds"
    asked = ClassScores(
        score, tuple(t.index for t in targets), None if against is None else against.index
    )
    explanations = answer_all(
        question.methods, game, asked, masked, model, budget=question.budget, seed=seed, tell=tell
    )
    by_gradients = sum(e.evaluations for e in explanations if e.pixel_map is not None)
    return Explained(
        picture=picture,
        model=ModelCard.of(model),
        predictions=predictions_of(game, model.labels, score),
        targets=targets,
        against=against,
        segmentation=segmentation,
        fill=question.fill.settings(),
        score=score,
        seed=seed,
        evaluations=game.evaluations + by_gradients,
        seconds=time.perf_counter() - start,
        model_seconds=game.seconds,
        explanations=explanations,
        fingerprint=_fingerprint(model, picture, segmentation, question, seed),
    )


def _check(question: Question, model: Model) -> None:
    if question.score not in SCORES:
        raise InputError(f"score must be one of {', '.join(SCORES)}; got {question.score!r}")
    if model.output == "raw" and question.score != "raw":
        raise InputError(
            f"score must be 'raw' for {model.spec}, whose outputs are declared raw; "
            f"got {question.score!r}"
        )
    for method in filter(explains_pixels, question.methods):
        differentiable(model, wanted_by=method.name)  # before anything is paid
    if not _whole(question.top) or question.top < 1:
        raise InputError(f"top must be a whole number of at least 1; got {question.top!r}")
    if question.seed is not None and not (_whole(question.seed) and question.seed >= 0):
        raise InputError(f"seed must be a whole number from 0 on; got {question.seed!r}")


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def checked_methods(methods: Methods) -> tuple[AttributionMethod, ...]:
    """Take methods, one method or their spelling; refuse what is none, and names that clash."""
    if isinstance(methods, str):
        found = parse_methods(methods)
    else:
        found = tuple(methods) if isinstance(methods, list | tuple) else (methods,)
    for method in found:
        if isinstance(method, type) or not is_dataclass(method):
            raise InputError(f"methods must be methods such as Lime(); got {_shown(method)}")
    names = [method.name for method in found]
    if not names:
        raise InputError("methods must hold at least one method, such as Lime(); got none")
    odd = next((name for name in names if not re.fullmatch(r"[\w.-]{1,60}", name)), None)
    if odd is not None:
        raise InputError(
            f"a method's name must be 1 to 60 letters, digits, '.', '_' or '-'; got {odd!r}"
        )
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise InputError(
            f"methods must have different names; got {double!r} twice: give one of them name='…'"
        )
    return found


def _as_segments(
    segments: Segmenter | Segmentation | np.ndarray | str,
) -> Segmenter | Segmentation:
    if isinstance(segments, str):
        return parse_segmenter(segments)
    if isinstance(segments, np.ndarray):
        return Segmentation(segments)
    if isinstance(segments, type) or not isinstance(segments, Segmentation | Callable):
        raise InputError(
            "segments must be a segmenter such as Slic(60), its spelling 'slic:60', a Segmentation "
            f"or an array of labels; got {_shown(segments)}"
        )
    return segments


def _as_fill(fill: Fill | str) -> Fill:
    if isinstance(fill, str):
        return parse_fill(fill)
    if isinstance(fill, type) or not callable(fill):
        raise InputError(
            f"fill must be a fill such as MeanFill(), or its spelling 'mean'; got {_shown(fill)}"
        )
    return fill


def _shown(value: object) -> str:
    """Say what came without pouring out an array."""
    if isinstance(value, type):
        return f"the class {value.__name__}: call it, {value.__name__}()"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


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


def _classes(
    question: Question, game: Game, model: Model
) -> tuple[tuple[Prediction, ...], Prediction | None]:
    """Who is explained, and against whom."""

    def look_up(name: ClassName) -> int:
        return find_class(name, model.labels, model.aliases)

    against = None if question.against is None else look_up(question.against)
    if question.target is None:
        outputs = game(np.ones((1, game.n_players), bool))[0]
        ranked = [int(i) for i in np.argsort(-outputs, kind="stable") if i != against]
        indices = ranked[: question.top if against is None else 1]
    elif isinstance(question.target, str | int | np.integer):
        indices = [look_up(question.target)]
    else:
        indices = list(dict.fromkeys(look_up(name) for name in question.target))
    if not indices:
        raise InputError("target must name at least one class; got an empty list")
    if against in indices:
        raise InputError(
            f"against must be another class than the target; got {model.labels[against]!r} for both"
        )

    def predict(index: int) -> Prediction:
        return prediction_of(game, model.labels, question.score, index)

    return tuple(map(predict, indices)), None if against is None else predict(against)


def _fingerprint(
    model: Model, picture: Picture, segmentation: Segmentation, question: Question, seed: int
) -> str:
    parts: dict[str, Any] = {
        "model": asdict(ModelCard.of(model)),
        "image": picture.sha256,
        "segments": hashlib.sha256(segmentation.labels.tobytes()).hexdigest(),
        "fill": question.fill.settings(),
        "score": question.score,
        "seed": seed,
        "methods": [[method.name, method_settings(method)] for method in question.methods],
    }
    return fingerprint(parts)
