"""One picture explained: a bundle of frozen values that shows and saves itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int

from seewhy.errors import InputError, did_you_mean
from seewhy.game.scores import Score
from seewhy.image.read import Picture
from seewhy.image.segmentation import Segmentation
from seewhy.methods.explanation import Attribution
from seewhy.methods.rule import Rule
from seewhy.models.labels import find_class
from seewhy.run import drawing
from seewhy.run.answering import Explanation
from seewhy.run.provenance import ModelCard, Prediction, TruePrediction
from seewhy.run.question import STORY
from seewhy.run.record import Record
from seewhy.run.rule_document import classes_told
from seewhy.run.shown import Paged

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure

    from seewhy.show.row import Row


@dataclass(frozen=True, eq=False, kw_only=True)
class Explained(Paged):
    """What `seewhy.explain` returns: predictions, superpixels and one explanation per method.

    Attributes
    ----------
    picture : Picture
        As it was read.
    model : ModelCard
        The model as it was used, its preprocessing included.
    predictions : tuple of Prediction
        The five likeliest classes, likeliest first.
    targets : tuple of Prediction
        The classes that are explained, in the order of the columns of ``values``.
    against : Prediction or None
        The class that the targets are held against.
    true : TruePrediction or None
        The class that the picture shows, where that was said.
    names : mapping of int to str
        Every class that a rule or a change speaks of.
    segmentation : Segmentation
        On the original picture; pixels the model does not see are outside.
    fill : mapping
        Name and settings of what stands where a superpixel is hidden.
    hidden : (h, w, c) array
        The picture at the model's input with every superpixel hidden.
    backdrops : mapping of str to (h, w, c) array
        Other pictures, at the model's input, that show through in the examples of rules.
    score : str
        The scale of the values.
    seed : int
        Gives every number again.
    evaluations : int
        Masked pictures that were paid for in all.
    seconds, model_seconds : float
        Wall-clock time, and the part of it spent asking the model.
    explanations : tuple of Attribution, Rule or Change
    fingerprint : str
        Equal for two results made from the same model, picture and settings.
    record : Record or None
        What the model said about masks that a person can reach by hiding regions by hand;
        None in results of earlier versions.
    """

    picture: Picture
    model: ModelCard
    predictions: tuple[Prediction, ...]
    targets: tuple[Prediction, ...]
    against: Prediction | None
    true: TruePrediction | None
    names: Mapping[int, str]
    segmentation: Segmentation = field(repr=False)
    fill: Mapping[str, Any]
    hidden: Float32[np.ndarray, "h2 w2 c"] = field(repr=False)
    backdrops: Mapping[str, Float32[np.ndarray, "h2 w2 c"]] = field(repr=False)
    score: Score
    seed: int
    evaluations: int
    seconds: float
    model_seconds: float
    explanations: tuple[Explanation, ...] = field(repr=False)
    fingerprint: str
    record: Record | None = field(default=None, repr=False)

    def __getitem__(self, name: str) -> Any:
        """Return the explanation of a method by its name, e.g. ``result["lime"]``.

        An `Attribution`; of anchors a `Rule`; of a counterfactual a `Change`.
        """
        for explanation in self.explanations:
            if explanation.name == name:
                return explanation
        names = [explanation.name for explanation in self.explanations]
        raise KeyError(
            f"this result holds {', '.join(map(repr, names))}; got {name!r}"
            f"{did_you_mean(name, names)}"
        )

    def rows(self, name: str | None = None) -> list[Row]:
        """Return what the figure of an attribution shows: a row per target."""
        return drawing.rows_of(self, self._chosen(name))

    @property
    def tells_story(self) -> bool:
        """Whether the true class was named, and all is there that a story is told from."""
        return drawing.tells_story(self)

    def story(self) -> str:
        """Tell in a paragraph why the model took the picture for what it is not.

        Raises
        ------
        InputError
            The true class was not named, or LIME, anchors or counterfactual is missing.
        """
        return drawing.story_of(self)

    def figure(self, name: str | None = None) -> Figure:
        """Draw one explanation, or the story of a picture whose true class is known.

        Parameters
        ----------
        name : str, optional
            The method, or "story"; default the story where there is one, else the first
            method. Of an attribution, ten classes at most are drawn.

        Returns
        -------
        matplotlib.figure.Figure
        """
        if name == STORY or (name is None and self.tells_story):
            return drawing.story_figure_of(self)
        return drawing.figure_of(self, self._chosen(name))

    def sentences(self, name: str | None = None) -> list[str]:
        """Say in plain words what an explanation shows: of an attribution, one per target."""
        return drawing.sentences_of(self, self._chosen(name))

    def show(self, name: str | None = None) -> None:
        """Show the figure: inline in a notebook, elsewhere in the desktop's picture viewer."""
        from seewhy.show.display import show_png

        show_png(self._png(name))

    def _repr_png_(self) -> bytes:
        return self._png(None)

    def _png(self, name: str | None) -> bytes:
        from seewhy.show.saving import figure_bytes

        return figure_bytes(self.figure(name), "png")

    def get_image_and_mask(
        self,
        label: str | int,
        positive_only: bool | None = None,
        negative_only: bool = False,
        hide_rest: bool = False,
        num_features: int = 5,
        min_weight: float = 0.0,
        *,
        name: str | None = None,
    ) -> tuple[Float32[np.ndarray, "h w c"], Int[np.ndarray, "h w"]]:
        """Return picture and mask of the strongest regions, as the ``lime`` package does.

        Parameters
        ----------
        label : class name or index
            One of the targets.
        positive_only, negative_only : bool
            Only regions for the class (the default), or only those against it;
            ``positive_only=False`` alone: both, marked 1 and −1 in the mask, and
            coloured in the picture.
        hide_rest : bool
            Black out everything else.
        num_features : int
            So many regions at most.
        min_weight : float
            Leave out regions with a smaller absolute value.
        name : str, optional
            The method; default the first.
        """
        from seewhy.show.lime_access import image_and_mask

        values = drawing.checked_attribution(self._chosen(name)).values
        return image_and_mask(
            self.picture.pixels,
            self.segmentation,
            values[:, self._column(label)],
            positive_only=positive_only,
            negative_only=negative_only,
            hide_rest=hide_rest,
            num_features=num_features,
            min_weight=min_weight,
        )

    def save(self, directory: str | PathLike[str]) -> None:
        """Write the result into a directory; see `seewhy.run.store`.

        Raises
        ------
        StoreError
            The directory holds something that is not an earlier result.
        """
        from seewhy.run.store import save

        save(self, directory)

    @classmethod
    def load(cls, directory: str | PathLike[str]) -> Explained:
        """Read a saved result back.

        Raises
        ------
        StoreError
            The directory is no result, is incomplete, was changed, or is of another version.
        """
        from seewhy.run.store import load

        return load(directory)

    def _chosen(self, name: str | None) -> Explanation:
        return self.explanations[0] if name is None else self[name]

    def _column(self, label: str | int) -> int:
        indices = [target.index for target in self.targets]
        if isinstance(label, int | np.integer):
            if int(label) in indices:
                return indices.index(int(label))
            explained = ", ".join(f"{t.index} ({t.label})" for t in self.targets)
            raise InputError(f"label must be one of the explained classes {explained}; got {label}")
        return find_class(label, [target.label for target in self.targets], {})


def names_told(explanations: Sequence[Explanation], labels: Sequence[str]) -> dict[int, str]:
    """Name every class that rules and changes speak of."""
    told = [
        classes_told(explanation)
        for explanation in explanations
        if not isinstance(explanation, Attribution)
    ]
    return {index: labels[index] for index in sorted(set().union(*told))}


def backdrops_shown(explanations: Sequence[Explanation]) -> list[str]:
    """Name the other pictures that the examples of rules were drawn before."""
    rules = [rule for rule in explanations if isinstance(rule, Rule)]
    examples = [
        example
        for rule in rules
        for one in (rule, *rule.alternatives)
        for example in (*one.keeps, *one.breaks)
    ]
    return sorted({example.background for example in examples if example.background is not None})
