"""What a picture is compared with when its pixels are explained: the references."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import numpy as np
from jaxtyping import Float32, Float64, Int

from seewhy.errors import InputError, SpecError
from seewhy.image.fill import Fill, PictureFill, parse_fill
from seewhy.image.read import Source, read_picture
from seewhy.image.segmentation import OUTSIDE
from seewhy.methods.gradients.pixels import PixelView

Reference: TypeAlias = "str | Fill"
"""``"fill"``, ``"pictures"``, or a fill or its spelling, such as ``"blur:0.05"``."""

FILL, PICTURES, NOISE = "fill", "pictures", "noise"
M = TypeVar("M", bound=Any)


def spelled_reference(reference: Reference, pictures: Iterable[Source]) -> str:
    """Check what a picture is to be compared with, and spell it as the command line does.

    Parameters
    ----------
    reference : str or Fill
        ``"fill"``: what stands where superpixels are hidden, so that explanations of one picture
        share their beginning with LIME's and SHAP's. ``"pictures"``: those that are given.
        Otherwise a fill, ``"black"``, ``"grey"``, ``"blur"``, ``"noise"``, ``"mean"``,
        ``"mean-colour"``; a number may follow, after a colon or an equals sign.
    pictures : iterable of paths, arrays or Pictures
        Needed by ``"pictures"``, and by nothing else.

    Returns
    -------
    str
        A frozen value that a document can hold.

    Raises
    ------
    InputError
        When the reference is none of these, or pictures are missing or superfluous.
    """
    spelled = reference if isinstance(reference, str) else _spelled_fill(reference)
    spelled = spelled.strip().replace("=", ":")
    given = len(tuple(pictures)) > 0
    if spelled == PICTURES:
        if not given:
            raise InputError(
                "reference='pictures' compares with other pictures, and none is given: "
                "pictures=[…], paths or arrays."
            )
        return spelled
    if given:
        raise InputError(f"pictures are for reference='pictures'; got reference={spelled!r}.")
    if spelled.lower().startswith("picture:"):
        raise InputError(
            f"reference must be 'pictures' with pictures=[…] to compare with a picture; "
            f"got {spelled!r}."
        )
    if spelled != FILL:
        _fill(spelled)
    return spelled


def is_random(reference: Reference) -> bool:
    """Tell whether every drawing of a reference gives another picture."""
    return reference == NOISE


@dataclass(frozen=True, eq=False)
class References:
    """References at the model's input, those drawn by chance only while they are looked at.

    Attributes
    ----------
    count : int
        How many there are.
    """

    count: int
    _fixed: Float32[np.ndarray, "m h w c"] | None
    _draw: Callable[[int], Float32[np.ndarray, "h w c"]]

    @property
    def sampled(self) -> bool:
        """Whether they stand for all that might have been drawn."""
        return self._fixed is None

    def __call__(self, numbers: Int[np.ndarray, " n"]) -> Float32[np.ndarray, "n h w c"]:
        """Return the references of these numbers; a single one is not copied."""
        if self._fixed is None:
            return np.stack([self._draw(int(number)) for number in numbers])
        if self.count == 1:
            return np.broadcast_to(self._fixed[0], (len(numbers), *self._fixed.shape[1:]))
        return self._fixed[numbers]

    def ends(self, view: PixelView) -> tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, " k"]]:
        """Return the score of the picture, and the mean score of all references."""
        size, total = view.model.batch_size, 0.0
        whole = view.scores(view.pixels[None])[0]
        for start in range(0, self.count, size):
            numbers = np.arange(start, min(start + size, self.count))
            total = total + view.scores(self(numbers)).sum(axis=0)
        return whole, np.asarray(total / self.count)


def references_of(
    view: PixelView,
    reference: Reference,
    pictures: tuple[Source, ...],
    rng: np.random.Generator,
    *,
    draws: int,
) -> References:
    """Bring what a picture is compared with to the model's input.

    Parameters
    ----------
    view : PixelView
        Pixels that belong to no superpixel always show the picture itself, as in the game.
    reference : str
        From `spelled_reference`.
    pictures : tuple
        From `listed_pictures`.
    rng : numpy.random.Generator
        Draws noise.
    draws : int
        How many to draw of random ones; there are as many others as pictures were given, or one.
    """
    shown = view.picture
    if reference == PICTURES:
        fixed = np.stack([_at_input(view, picture) for picture in pictures])
    elif reference == FILL:
        fixed = view.reference[None]
    else:
        fill = _fill(reference)
        if is_random(reference):
            seeds = rng.integers(2**63, size=draws)
            return References(
                draws,
                None,
                lambda i: fill(shown.pixels, shown.labels, np.random.default_rng(seeds[i])),
            )
        fixed = fill(shown.pixels, shown.labels, rng)[None]
    return References(len(fixed), fixed, lambda i: fixed[i])


def described(method: M) -> M:
    """Name the pictures among a method's settings by file and fingerprint, as documents do."""
    if not method.pictures:
        return method
    read = (read_picture(picture) for picture in method.pictures)
    names = tuple(f"{picture.name} (sha256 {picture.sha256[:16]})" for picture in read)
    return replace(method, pictures=names)


def _at_input(view: PixelView, source: Source) -> Float32[np.ndarray, "h w c"]:
    pixels = view.model.preprocessing.apply(read_picture(source).pixels)
    return np.where((view.picture.labels == OUTSIDE)[..., None], view.pixels, pixels)


def _fill(spelled: Reference) -> Fill:
    try:
        return parse_fill(str(spelled))
    except SpecError as unknown:
        raise SpecError(
            "reference must be 'fill', 'pictures', or a fill such as 'black', 'grey:0.5', "
            f"'blur:0.05' or 'noise'; got {spelled!r}."
        ) from unknown


def _spelled_fill(fill: Any) -> str:
    """Spell one of Seewhy's fills; its settings hold all that is needed."""
    if isinstance(fill, PictureFill) or not callable(getattr(fill, "settings", None)):
        raise InputError(
            "reference must be 'fill', 'pictures', or one of Seewhy's fills such as BlackFill(); "
            f"got {type(fill).__qualname__}: give other pictures as pictures=[…]."
        )
    name, *numbers = fill.settings().values()
    return ":".join([str(name), *map(repr, numbers)])
