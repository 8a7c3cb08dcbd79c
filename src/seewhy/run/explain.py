"""The front door: one picture, one model, and why it said what it said."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from seewhy.game.driver import Listener
from seewhy.game.scores import Score
from seewhy.image.fill import Fill, MeanFill
from seewhy.image.read import Picture, read_picture
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Segmenter, Slic
from seewhy.models.protocol import Model
from seewhy.models.spec import load_model
from seewhy.run.answering import answer_all
from seewhy.run.case import Case, open_case
from seewhy.run.explained import Explained
from seewhy.run.question import (
    Budget,
    ClassName,
    Methods,
    Question,
    as_fill,
    as_segments,
    checked_backgrounds,
    checked_methods,
)
from seewhy.run.record import follow

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.Image import Image as PillowImage

    ImageSource = str | Path | PillowImage | np.ndarray | Picture


def explain(  # noqa: PLR0913  (one parameter per setting)
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
    curves: bool = False,
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
        Masked pictures that LIME, Banzhaf, RISE, KernelSHAP and PartitionSHAP may ask about
        together, in one design that they share; PermutationSHAP has as many for itself. A
        method's own budget overrides it; gradient methods, anchors and counterfactuals have
        their own.
    seed : int, optional
        Default: from the picture's pixels, so the same picture gives the same answer.
    backgrounds : picture, folder, or sequence of them, optional
        Other pictures onto which anchors are transplanted, the first 200; default: photos that
        come with scikit-image and matplotlib.
    curves : bool
        Also ask what becomes of the picture as the strongest regions are hidden one after the
        other, and as they alone are shown: up to 30 further pictures per class and method,
        which the report draws as curves and answers clicks from.
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
        curves=curves,
    )
    return answer(question, read_picture(image), load_model(model), progress=progress)


def answer(
    question: Question, picture: Picture, model: Model, *, progress: Listener | None = None
) -> Explained:
    """Answer a question about one picture; see `explain` for what goes wrong and how."""
    return answer_case(question, picture, model, progress=progress)[0]


def answer_case(
    question: Question, picture: Picture, model: Model, *, progress: Listener | None = None
) -> tuple[Explained, Case]:
    """Answer a question, and hand back the case, whose game can be asked further."""
    start = time.perf_counter()
    tell = progress or (lambda event: None)
    case = open_case(question, picture, model, tell=tell)
    explanations = answer_all(
        case.question.methods, case.subject, budget=question.budget, seed=case.seed, tell=tell
    )
    if question.curves:
        follow(case.subject.game, explanations, tell)
    return case.explained(explanations, seconds=time.perf_counter() - start), case
