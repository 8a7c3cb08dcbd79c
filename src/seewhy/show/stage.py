"""What the model saw of a picture, at the size shown, with some superpixels hidden or set apart."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Shaped

from seewhy.errors import InputError
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show import palette
from seewhy.show.render import RGB, checked, outline
from seewhy.show.sizing import crop_to_view, for_display

# Rec. 601, as everyone converts to grey.
_LUMA = np.array([0.299, 0.587, 0.114])
_LIGHTEN_REST = 0.62
_LIGHTEN_OUTSIDE = 0.6
_HAIRLINE_OPACITY = 0.5


@dataclass(frozen=True, eq=False)
class Stage:
    """A picture cut down to what the model saw, at the size shown.

    Attributes
    ----------
    pixels : uint8 array (h, w, 3)
    segmentation : Segmentation
        As large as the pixels; superpixels keep their numbers.
    source : Segmentation
        Of the whole picture, at its own size.
    """

    pixels: RGB
    segmentation: Segmentation
    source: Segmentation

    @classmethod
    def of(cls, image: Shaped[np.ndarray, "h w c"], segmentation: Segmentation) -> Stage:
        """Bring a picture to size.

        Parameters
        ----------
        image : (h, w, c) array
            See :func:`~seewhy.show.render.to_rgb`.
        segmentation : Segmentation
            Of the same height and width.

        Raises
        ------
        InputError
            If the sizes do not agree.
        """
        part, part_segmentation, _ = crop_to_view(checked(image, segmentation), segmentation)
        pixels, shown = for_display(part, part_segmentation)
        return cls(pixels, shown, segmentation)

    def like(self, other: Shaped[np.ndarray, "h w c"]) -> RGB:
        """Bring another picture, as large as the first was, to the same part and size."""
        return Stage.of(other, self.source).pixels

    def hiding(self, players: Iterable[int], blank: RGB) -> RGB:
        """Return the picture with another one, brought to size, where superpixels are hidden."""
        hidden = self.segmentation.selected(players)
        return np.where(hidden[..., None], blank, self.pixels)


def keep_colours(
    image: Shaped[np.ndarray, "h w c"], segmentation: Segmentation, members: Iterable[int]
) -> RGB:
    """Leave some superpixels as they are; the rest turns grey and steps far back.

    Parameters
    ----------
    image : (h, w, c) array
        See :func:`~seewhy.show.render.to_rgb`.
    segmentation : Segmentation
        Of the same height and width.
    members : iterable of int
        The superpixels that keep their colours.

    Returns
    -------
    uint8 array (h, w, 3)
        Elsewhere grey by luminance, lightened by 62 %; what lies outside the model's
        view once more, by 60 %.
    """
    pixels = checked(image, segmentation)
    grey: Float[np.ndarray, "h w"] = pixels.astype(np.float64) @ _LUMA
    grey += _LIGHTEN_REST * (255 - grey)
    outside = segmentation.labels == OUTSIDE
    grey[outside] += _LIGHTEN_OUTSIDE * (255 - grey[outside])
    rest = np.rint(grey).astype(np.uint8)[..., None]
    return np.where(segmentation.selected(members)[..., None], pixels, rest)


def outline_together(
    pixels: RGB,
    segmentation: Segmentation,
    members: Collection[int],
    colour: str,
    *,
    width: int | None = None,
    hairlines: bool = True,
) -> RGB:
    """Draw one line around several superpixels; the borders between them are hairlines.

    Parameters
    ----------
    pixels : uint8 array (h, w, 3)
        What to draw on; it is left alone.
    segmentation : Segmentation
        Of the same height and width.
    members : collection of int
        The superpixels; none is well, too.
    colour : str
        ``"#rrggbb"``.
    width : int, optional
        Of the line, in pixels; see :func:`~seewhy.show.render.outline`.
    hairlines : bool
        Whether to draw the borders between members.
    """
    inside = segmentation.selected(members)
    if not inside.any():
        return pixels
    drawn = pixels
    if hairlines:
        line = _inner_borders(segmentation, inside)
        lighter = pixels + _HAIRLINE_OPACITY * (255.0 - pixels)
        drawn = np.where(line[..., None], np.rint(lighter), pixels).astype(np.uint8)
    # the lowest label becomes superpixel 0: the members together
    together = Segmentation(np.where(inside, 0, 1), outside=segmentation.labels == OUTSIDE)
    return outline(drawn, together, {0: colour}, width=width)


def in_colour(stage: Stage, members: Collection[int], colour: str = palette.FOR) -> RGB:
    """Return the picture with some superpixels in full colour and one line around them."""
    kept = keep_colours(stage.pixels, stage.segmentation, members)
    return outline_together(kept, stage.segmentation, members, colour)


def checked_players(name: str, players: Iterable[int], segmentation: Segmentation) -> None:
    """Refuse superpixels that a segmentation does not have."""
    wrong = [player for player in players if not 0 <= player < segmentation.count]
    if wrong:
        raise InputError(
            f"{name} must be made of superpixels 0 to {segmentation.count - 1} of the "
            f"segmentation; got {wrong[0]}"
        )


def _inner_borders(
    segmentation: Segmentation, inside: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """One pixel wide, on the upper or left side of a border between two members."""
    labels = segmentation.labels
    line = np.zeros(inside.shape, bool)
    line[:-1] |= (labels[:-1] != labels[1:]) & inside[:-1] & inside[1:]
    line[:, :-1] |= (labels[:, :-1] != labels[:, 1:]) & inside[:, :-1] & inside[:, 1:]
    return line
