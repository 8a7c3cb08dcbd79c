"""One picture explained: a bundle of frozen values that shows and saves itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32, Int

from seewhy.errors import InputError, did_you_mean
from seewhy.game.scores import Score
from seewhy.image.read import Picture
from seewhy.image.segmentation import Segmentation
from seewhy.methods.explanation import Attribution
from seewhy.models.labels import find_class
from seewhy.models.preprocessing import Preprocessing
from seewhy.run.provenance import ModelCard, Prediction

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure

    from seewhy.show.row import PixelMap, Row


FIGURE_ROWS = 10


@dataclass(frozen=True, eq=False, kw_only=True)
class Explained:
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
    segmentation : Segmentation
        On the original picture; pixels the model does not see are outside.
    fill : mapping
        Name and settings of what stands where a superpixel is hidden.
    score : str
        The scale of the values.
    seed : int
        Gives every number again.
    evaluations : int
        Masked pictures that were paid for in all.
    seconds, model_seconds : float
        Wall-clock time, and the part of it spent asking the model.
    explanations : tuple of Attribution
    fingerprint : str
        Equal for two results made from the same model, picture and settings.
    """

    picture: Picture
    model: ModelCard
    predictions: tuple[Prediction, ...]
    targets: tuple[Prediction, ...]
    against: Prediction | None
    segmentation: Segmentation = field(repr=False)
    fill: Mapping[str, Any]
    score: Score
    seed: int
    evaluations: int
    seconds: float
    model_seconds: float
    explanations: tuple[Attribution, ...] = field(repr=False)
    fingerprint: str

    def __getitem__(self, name: str) -> Attribution:
        """Return the explanation of a method by its name, e.g. ``result["lime"]``."""
        for explanation in self.explanations:
            if explanation.name == name:
                return explanation
        names = [explanation.name for explanation in self.explanations]
        raise KeyError(
            f"this result holds {', '.join(map(repr, names))}; got {name!r}"
            f"{did_you_mean(name, names)}"
        )

    def rows(self, name: str | None = None) -> list[Row]:
        """Return what the figure of one method shows: a row per target."""
        from seewhy.show.row import Row

        chosen = self.explanations[0] if name is None else self[name]
        gap = chosen.completeness_gap
        return [
            Row(
                label=target.label,
                probability=target.probability,
                values=chosen.values[:, t],
                standard_error=(
                    None if chosen.standard_error is None else chosen.standard_error[:, t]
                ),
                fidelity=None if chosen.fidelity is None else chosen.fidelity[t],
                against=None if self.against is None else self.against.label,
                reading=chosen.method.reading,
                pixel_map=self._pixel_map(chosen, t),
                completeness_gap=None if gap is None else float(gap[t]),
            )
            for t, target in enumerate(self.targets)
        ]

    def _pixel_map(self, chosen: Attribution, column: int) -> PixelMap | None:
        from seewhy.show.row import PixelMap

        if chosen.pixel_map is None:
            return None
        steps = Preprocessing.from_json(self.model.preprocessing)
        window = steps.view(self.picture.height, self.picture.width)
        return PixelMap(chosen.pixel_map[column], window)

    def figure(self, name: str | None = None) -> Figure:
        """Draw one method's explanation: a row per class, ten at most.

        Parameters
        ----------
        name : str, optional
            The method; default the first.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from seewhy.show.figures import attribution_figure

        chosen = self.explanations[0] if name is None else self[name]
        rows = self.rows(chosen.name)
        shown = "" if len(rows) <= FIGURE_ROWS else f"{FIGURE_ROWS} of {len(rows)} classes · "
        return attribution_figure(
            self.picture.pixels,
            self.segmentation,
            rows[:FIGURE_ROWS],
            title=f"{chosen.name.upper()} · {self.model.spec} · {self.picture.name}",
            subtitle=f"{shown}{chosen.evaluations} picture{'s'[: chosen.evaluations > 1]} asked · "
            f"{self.segmentation.count} regions · {self._compared_with(chosen)}",
            score=self.score,
        )

    def _compared_with(self, chosen: Attribution) -> str:
        """What a method holds the picture against, or where it looks."""
        layer = getattr(chosen.method, "layer", None)
        if layer is not None:
            return f"layer: {layer}"
        reference = getattr(chosen.method, "reference", "fill")
        return f"fill: {self.fill['name']}" if reference == "fill" else f"reference: {reference}"

    def sentences(self, name: str | None = None) -> list[str]:
        """Say in plain words what each target's explanation shows."""
        from seewhy.show.badges import number_regions
        from seewhy.show.words import summary

        rows = self.rows(name)
        numbers = number_regions(rows)
        return [
            summary(row, numbers, score=self.score, segmentation=self.segmentation) for row in rows
        ]

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

        chosen = self.explanations[0] if name is None else self[name]
        return image_and_mask(
            self.picture.pixels,
            self.segmentation,
            chosen.values[:, self._column(label)],
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

    def _column(self, label: str | int) -> int:
        indices = [target.index for target in self.targets]
        if isinstance(label, int | np.integer):
            if int(label) in indices:
                return indices.index(int(label))
            explained = ", ".join(f"{t.index} ({t.label})" for t in self.targets)
            raise InputError(f"label must be one of the explained classes {explained}; got {label}")
        return find_class(label, [target.label for target in self.targets], {})
