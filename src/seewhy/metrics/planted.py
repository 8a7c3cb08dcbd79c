"""Planted evidence: pictures with a model that is exactly a known rule about them.

What an explanation should say is then known, and so is what it cannot see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float64, Int32

from seewhy.errors import InputError
from seewhy.game.toys import ToyGame
from seewhy.image.read import Image
from seewhy.image.resizing import resize
from seewhy.image.segmentation import Segmentation
from seewhy.metrics import planting
from seewhy.metrics.planted_rule import LABELS, PlantedRule
from seewhy.models.callable_model import CallableModel
from seewhy.models.masking_game import CutsPictures

SMALLEST_SIDE = 32
_CELLS = 40
_LAYOUTS = 40
_SIDES_IN_RADIUS = 30


@dataclass(frozen=True, eq=False, kw_only=True)
class Planted:
    """A picture with marks on it, a model that goes by them, and what is true of the two.

    Attributes
    ----------
    image : (side, side, 3) float32
        8-bit values in [0, 1]: it survives a PNG, not a JPEG.
    model : CallableModel
        Classes "planted", "other" and "nothing"; logits. It finds marks wherever they are.
    segmentation : Segmentation
        Into d superpixels, of which each mark lies in one by more than half.
    rule : PlantedRule
        By which the model decides.
    marks : (side, side) int32 array
        Which mark a pixel belongs to; −1: none.
    owners : tuple of int
        The superpixel of every mark.
    on_object : (side, side) bool array
        Where the object is, a roundish thing in the middle.
    target : int
        The class that is explained, "planted".

    Examples
    --------
    >>> from seewhy.metrics.planted_rule import all_of
    >>> picture = planted(all_of(2), np.random.default_rng(0))
    >>> picture.image.shape, picture.segmentation.count
    ((128, 128, 3), 40)
    >>> picture.smallest_sufficient() == [picture.supporting]
    True
    """

    image: Image
    model: CallableModel
    segmentation: Segmentation
    rule: PlantedRule
    marks: Int32[np.ndarray, "h w"]
    owners: tuple[int, ...]
    on_object: Bool[np.ndarray, "h w"]
    target: ClassVar[int] = 0

    @cached_property
    def game(self) -> ToyGame:
        """The log-odds of the target, as a game whose answers are known."""
        return self.rule.game(self.owners, self.segmentation.count)

    def main_effects(self) -> Float64[np.ndarray, " d"]:
        """Give the true values of LIME, Banzhaf and the like, in log-odds."""
        return self.game.main_effects()

    def shapley_values(self) -> Float64[np.ndarray, " d"]:
        """Give the true values of SHAP, in log-odds."""
        return self.game.shapley_values()

    @property
    def supporting(self) -> tuple[int, ...]:
        """The superpixels that speak for the target."""
        return tuple(np.flatnonzero(self.main_effects() > 0).tolist())

    @property
    def opposing(self) -> tuple[int, ...]:
        """The superpixels that speak against it."""
        return tuple(np.flatnonzero(self.main_effects() < 0).tolist())

    @property
    def distracting(self) -> tuple[int, ...]:
        """The superpixels that speak for another class."""
        return tuple(sorted({self.owners[mark] for mark in self.rule.distracting}))

    @property
    def relevant(self) -> tuple[int, ...]:
        """The superpixels that matter for the target, for or against it."""
        return tuple(sorted((*self.supporting, *self.opposing)))

    @property
    def mask(self) -> Bool[np.ndarray, "h w"]:
        """The pixels of all supporting superpixels: where the evidence is."""
        return self.segmentation.selected(self.supporting)

    @property
    def mark_mask(self) -> Bool[np.ndarray, "h w"]:
        """The pixels of the supporting marks themselves, for maps finer than superpixels."""
        return np.isin(self.marks, self.rule.supporting)

    def off_object_share(self) -> float:
        """Say which share of the Shapley values in favour lies beside the object."""
        values = np.maximum(self.shapley_values(), 0)
        beside = {self.owners[mark] for mark in self.rule.supporting[: self.rule.off_object]}
        return float(values[list(beside)].sum() / values.sum())

    def smallest_sufficient(
        self, *, precision: float = 1.0, hidden: float = 0.5
    ) -> list[tuple[int, ...]]:
        """List all smallest sets that are enough; see `PlantedRule.smallest_sufficient`."""
        return self.rule.smallest_sufficient(self.owners, precision=precision, hidden=hidden)

    def smallest_changes(self) -> list[tuple[int, ...]]:
        """List all smallest sets whose hiding changes the prediction."""
        return self.rule.smallest_changes(self.owners)

    def cut(self, segments: Segmentation | CutsPictures) -> Planted:
        """Cut the same picture into other superpixels; what is true changes with them.

        Parameters
        ----------
        segments : Segmentation or segmenter
            Such as ``Slic(40)``.

        Raises
        ------
        InputError
            When a mark is cut so that no superpixel has more than half of it.
        """
        segmentation = segments if isinstance(segments, Segmentation) else segments(self.image)
        owners = _owners(self.marks, segmentation, self.rule.n_marks)
        if owners is None:
            raise InputError(
                "segments must leave more than half of every mark in one superpixel; "
                f"{segmentation.method} with {segmentation.count} superpixels cuts one apart: use "
                "fewer, or plant with these segments, planted(..., segments=...)"
            )
        return replace(self, segmentation=segmentation, owners=owners)


def planted(
    rule: PlantedRule,
    rng: np.random.Generator,
    *,
    side: int = 128,
    segments: int | Segmentation | CutsPictures = _CELLS,
    background: Image | None = None,
) -> Planted:
    """Plant evidence on a picture, with a model that knows nothing else.

    Marks that speak for the class lie on the object (but for ``rule.off_object`` of them),
    those of other classes beside it, those against it anywhere; each has a superpixel of its
    own.

    Parameters
    ----------
    rule : PlantedRule
        Such as ``additive(3, 2, -1)``, ``all_of(2)``, ``any_of(3)`` or ``at_least(2, 4)``.
    rng : numpy.random.Generator
        Draws scene, superpixels and places.
    side : int
        Height and width in pixels, which is also the model's input: nothing is resized.
    segments : int, Segmentation or segmenter
        How many irregular cells, or the superpixels, or what makes them of the picture with its
        marks: then layouts are drawn until it keeps them whole and apart.
    background : (h, w, 3) float32 in [0, 1], optional
        A picture to plant on, stretched to the side, contrast reduced a little; default: a
        drawn scene. The object is then the middle of it.

    Returns
    -------
    Planted

    Raises
    ------
    InputError
        When an argument makes no sense, or there is no room for all marks.
    """
    if side < SMALLEST_SIDE:
        raise InputError(f"side must be at least {SMALLEST_SIDE} pixels; got {side}")
    if isinstance(segments, int) and segments < 2:
        raise InputError(f"segments must be at least 2 superpixels; got {segments}")
    if background is not None and (background.ndim != 3 or background.shape[2] != 3):
        raise InputError(f"background must have shape (h, w, 3); got {background.shape}")
    if isinstance(segments, Segmentation) and segments.shape != (side, side):
        raise InputError(f"segments must have the shape {(side, side)}; got {segments.shape}")
    for _ in range(_LAYOUTS):
        found = _layout(rule, rng, side, segments, background)
        if found is not None:
            return found
    raise InputError(
        f"segments must have room for {rule.n_marks} marks of {2 * _radius(side) + 1} pixels, each "
        f"in a superpixel of its own; none of {_LAYOUTS} layouts had: use fewer superpixels or "
        "fewer marks"
    )


def _layout(
    rule: PlantedRule,
    rng: np.random.Generator,
    side: int,
    segments: int | Segmentation | CutsPictures,
    background: Image | None,
) -> Planted | None:
    """One attempt at a picture; None where there was no room, or marks were cut or joined."""
    drawn, inside = planting.scene(side, rng)
    canvas = planting.quietened(drawn if background is None else resize(background, side, side))
    if isinstance(segments, Segmentation):
        cut = segments
    else:
        count = segments if isinstance(segments, int) else _CELLS
        cut = Segmentation(planting.cells(side, count, rng), method="cells")
    radius = _radius(side)
    centres = planting.places(cut.labels, inside, rule, radius, rng)
    if centres is None:
        return None
    palette = planting.colours(rule.n_marks)
    marks = planting.stamp(canvas, centres, planting.shapes(rule, radius), palette)
    image = canvas.astype(np.float32) / np.float32(255)
    if not isinstance(segments, int | Segmentation):
        cut = segments(image)
    owners = _owners(marks, cut, rule.n_marks)
    if owners is None or len(set(owners)) < rule.n_marks:
        return None
    sizes = np.bincount(marks[marks >= 0], minlength=rule.n_marks)
    model = CallableModel(
        planting.reader(rule, palette, sizes),
        labels=LABELS,
        output="logits",
        input_size=(side, side),
        name="planted",
    )
    return Planted(
        image=image,
        model=model,
        segmentation=cut,
        rule=rule,
        marks=marks,
        owners=owners,
        on_object=inside,
    )


def _owners(
    marks: Int32[np.ndarray, "h w"], segmentation: Segmentation, count: int
) -> tuple[int, ...] | None:
    """Which superpixel has more than half of each mark; None where a mark has none."""
    owners = []
    for mark in range(count):
        labels = segmentation.labels[marks == mark]
        shares = np.bincount(labels + 1, minlength=2)[1:]  # what lies outside is always seen
        if 2 * shares.max() <= len(labels):
            return None
        owners.append(int(shares.argmax()))
    return tuple(owners)


def _radius(side: int) -> int:
    return max(round(side / _SIDES_IN_RADIUS), 2)
