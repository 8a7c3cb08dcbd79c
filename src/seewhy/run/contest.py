"""A contest of methods: which ones, at what budget, and how thoroughly they are judged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from seewhy.errors import InputError, MissingExtraError
from seewhy.game.scores import Score
from seewhy.image.fill import Fill
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Segmenter
from seewhy.methods.designed import SMALLEST_BUDGET
from seewhy.methods.explanation import Method
from seewhy.methods.registry import method_class
from seewhy.metrics.protocol import Protocol
from seewhy.models.differentiable import differentiable, torch_module
from seewhy.models.protocol import Model
from seewhy.run.question import (
    ClassName,
    Methods,
    Question,
    as_fill,
    as_segments,
    checked_methods,
)

EQUAL_BUDGET = 384
"""Masked pictures per method: enough for LIME and Shapley values of a photo to settle."""

ASKING = ("lime", "kernel-shap", "partition-shap", "banzhaf", "rise", "occlusion")
WITH_GRADIENTS = ("gradient-shap", "integrated-gradients")
INTO_TORCH = ("deep-shap", "grad-cam")
NAMING = ("anchors", "counterfactual")


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What is compared, and how it is judged; the command line builds one for many pictures.

    Attributes
    ----------
    question : Question
        About one class; its budget is what every method may spend.
    repeats : int
        Runs of every method that has chance in it, the one that is shown included.
    noisy : int
        Runs on noisy copies of the picture; none where nothing is repeated.
    shuffled : bool
        Whether methods are also run on the network with shuffled weights.
    budget_curve : bool
        Whether quality is also measured at smaller and larger budgets.
    protocol : Protocol
    tolerant : bool
        Whether methods that cannot answer are left out, which is so where none were named.
    """

    question: Question
    repeats: int = 3
    noisy: int = 2
    shuffled: bool = True
    budget_curve: bool = False
    protocol: Protocol = field(default_factory=Protocol)
    tolerant: bool = False

    def __post_init__(self) -> None:
        for name, least in (("repeats", 1), ("noisy", 0)):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or value < least:
                raise InputError(
                    f"{name} must be a whole number of at least {least}; got {value!r}"
                )
        if not isinstance(self.question.budget, int):
            raise InputError(
                "budget must be a whole number where methods are compared, the same for each; got "
                f"{self.question.budget!r}"
            )
        target = self.question.target
        if isinstance(target, list | tuple) and len(target) != 1:
            raise InputError(
                f"target must be one class where methods are compared; got {len(target)}"
            )

    def for_model(self, model: Model) -> Contest:
        """Enter all methods that a model allows, where none were named."""
        if self.question.methods:
            return self
        methods = methods_for(model, naming=self._names_regions)
        question = replace(self.question, methods=methods)
        return replace(self, question=question, tolerant=True)

    @property
    def budget(self) -> int:
        """Masked pictures that every method may spend."""
        assert isinstance(self.question.budget, int)  # as was checked
        return self.question.budget

    @property
    def _names_regions(self) -> bool:
        """Anchors and counterfactuals are about what the model said, or about two classes."""
        return self.question.target is None or self.question.against is not None


def methods_for(model: Model, *, naming: bool = True) -> tuple[Method, ...]:
    """List what a model allows: all that hide regions, and where it has gradients those, too.

    Permutation SHAP is left out: it estimates what KernelSHAP does, from masks of its own.

    Parameters
    ----------
    model : Model
    naming : bool
        Whether to take in anchors and counterfactuals.
    """
    keys = [*ASKING]
    try:
        with_gradients = differentiable(model, wanted_by="compare")
        keys += WITH_GRADIENTS
        torch_module(with_gradients, wanted_by="compare")
        keys += INTO_TORCH
    except (InputError, MissingExtraError):
        pass  # it is explained without
    if naming and len(model.labels) > 1:
        keys += NAMING
    return tuple(method_class(key)() for key in keys)


def one_question(
    *,
    methods: Methods | None,
    target: ClassName | None,
    against: ClassName | None,
    segments: Segmenter | Segmentation | np.ndarray | str,
    fill: Fill | str,
    score: Score,
    budget: int,
    seed: int | None,
) -> Question:
    """Put the question that all methods of a contest are asked; no methods stand for all."""
    return Question(
        methods=() if methods is None else checked_methods(methods),
        top=1,
        target=target,
        against=against,
        true=None,
        segments=as_segments(segments),
        fill=as_fill(fill),
        score=score,
        budget=_checked_budget(budget),
        seed=seed,
        backgrounds=(),
    )


def _checked_budget(budget: int) -> int:
    """Refuse a budget that is not a number that every method can spend."""
    whole = isinstance(budget, int | np.integer) and not isinstance(budget, bool)
    if not whole or budget < SMALLEST_BUDGET:
        raise InputError(
            f"budget must be a whole number of at least {SMALLEST_BUDGET} masks where methods are "
            f"compared, the same for each; got {budget!r}"
        )
    return int(budget)
