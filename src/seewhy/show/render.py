"""Pictures as arrays of uint8: softened, tinted, outlined, mapped, hidden.

Pure functions of NumPy arrays, so that every pixel can be tested. Those that mix colours do
so in float64 and round once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8
from PIL import Image as pillow
from scipy import ndimage

from seewhy.errors import InputError
from seewhy.game.statistics import certain
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.show import palette

RGB = UInt8[np.ndarray, "h w 3"]

STRONGEST_TINT = 0.72
TINT_EXPONENT = 0.7
PIXEL_PERCENTILE = 98.5

# Rec. 601, as everyone converts to grey.
_LUMA = np.array([0.299, 0.587, 0.114])
_DESATURATE = 0.5
_LIGHTEN = 0.25
_DIM_OUTSIDE = 0.6
_HALO_OPACITY = 0.9


def to_rgb(image: Shaped[np.ndarray, "h w c"]) -> RGB:
    """Turn a picture of 1 to 16 channels into one that can be shown.

    Parameters
    ----------
    image : (h, w, c) array
        uint8, or floats in [0, 1]. With three channels or more the first three are
        red, green and blue; else the first is grey.

    Returns
    -------
    uint8 array (h, w, 3)

    Raises
    ------
    InputError
        If the picture does not have three dimensions.
    """
    if image.ndim != 3 or not image.shape[2]:
        raise InputError(f"image must have shape (h, w, c); got {image.shape}")
    colours = image[:, :, :3] if image.shape[2] >= 3 else np.repeat(image[:, :, :1], 3, axis=2)
    if colours.dtype == np.uint8:
        return colours
    return _uint8(np.clip(colours.astype(np.float64), 0, 1) * 255)


def soften(image: Shaped[np.ndarray, "h w c"]) -> RGB:
    """Step a picture back behind what is drawn on it: half desaturated, lightened by a quarter.

    Parameters
    ----------
    image : (h, w, c) array
        See :func:`to_rgb`.
    """
    return _uint8(_softened(to_rgb(image)))


def tint(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    values: Float[np.ndarray, " d"],
    standard_error: Float[np.ndarray, " d"] | None,
    *,
    strongest: float | None = None,
) -> RGB:
    """Tint the softened picture by what spoke for a class (teal) and against it (orange).

    A superpixel's opacity is .72 (|value| / strongest)^.7; one whose 95 % interval
    includes zero gets none. What lies outside the model's view is dimmed.

    Parameters
    ----------
    image : (h, w, c) array
        See :func:`to_rgb`.
    segmentation : Segmentation
        Of the same height and width, d superpixels.
    values : (d,) array
        Signed effects.
    standard_error : (d,) array or None
        None: every non-zero value is certain.
    strongest : float, optional
        The magnitude that gets the full tint; the largest of ``values`` unless
        several pictures are to be compared.

    Raises
    ------
    InputError
        If the sizes do not agree.
    """
    pixels = _softened(checked(image, segmentation))
    relative = _relative(values, segmentation, strongest)
    opacity = STRONGEST_TINT * np.abs(relative) ** TINT_EXPONENT
    opacity[~certain(values, standard_error)] = 0
    alpha = segmentation.paint(opacity)[..., None]
    hues = np.where(relative[:, None] > 0, palette.rgb(palette.FOR), palette.rgb(palette.AGAINST))
    tinted = pixels + alpha * (segmentation.paint(hues) - pixels)
    outside = segmentation.labels == OUTSIDE
    tinted[outside] += _DIM_OUTSIDE * (255 - tinted[outside])
    return _uint8(tinted)


def heat_map(
    segmentation: Segmentation,
    values: Float[np.ndarray, " d"],
    *,
    strongest: float | None = None,
) -> RGB:
    """Map every effect, certain or not, to one diverging colour scale through white.

    Parameters
    ----------
    segmentation : Segmentation
        d superpixels.
    values : (d,) array
        Signed effects.
    strongest : float, optional
        The magnitude at either end of the scale; the largest of ``values`` by default.
    """
    colours = ramp(_relative(values, segmentation, strongest))
    painted = segmentation.paint(colours)
    painted[segmentation.labels == OUTSIDE] = palette.rgb(palette.OUTSIDE_VIEW)
    return painted.astype(np.uint8)


def pixel_heat_map(
    heatmap: Float[np.ndarray, "h w"],
    segmentation: Segmentation,
    area: tuple[float, float, float, float],
    *,
    strongest: float,
) -> RGB:
    """Map the value of every pixel of the model's input to the diverging scale.

    Parameters
    ----------
    heatmap : (h, w) array
        At the model's input.
    segmentation : Segmentation
        As large as what is drawn; what belongs to no superpixel is outside.
    area : tuple of float
        Top, left, bottom and right of the model's input, in pixels of what is drawn.
    strongest : float
        The magnitude at either end of the scale; beyond it colours stay.
    """
    top, left, bottom, right = area
    height, width = segmentation.shape
    down, across = heatmap.shape[0] / (bottom - top), heatmap.shape[1] / (right - left)
    # from a drawn pixel to the input's: what Pillow calls an affine transform
    inverse = (across, 0.0, -left * across, 0.0, down, -top * down)
    shown = pillow.fromarray(heatmap.astype(np.float32)).transform(
        (width, height), pillow.Transform.AFFINE, inverse, pillow.Resampling.BILINEAR
    )
    painted = ramp(np.asarray(shown, np.float64) / (strongest or 1.0))
    painted[segmentation.labels == OUTSIDE] = palette.rgb(palette.OUTSIDE_VIEW)
    return painted


def strongest_of(maps: Sequence[Float[np.ndarray, "h w"]]) -> float:
    """Return where the colours of pixel maps end: few pixels must not make the others pale."""
    if not maps:
        return 0.0
    return float(np.percentile(np.abs(np.stack(maps)), PIXEL_PERCENTILE))


def ramp(position: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape 3"]:
    """Return the colours of the diverging scale: −1 orange, 0 white, 1 teal, linear between."""
    share = np.clip(position, -1, 1)[..., None]
    hue = np.where(share > 0, palette.rgb(palette.FOR), palette.rgb(palette.AGAINST))
    return _uint8(255 + np.abs(share) * (hue - 255.0))


def hide_rest(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    players: Iterable[int],
    background: str = palette.BACKGROUND,
) -> RGB:
    """Show only some superpixels, the rest in one colour.

    Parameters
    ----------
    image : (h, w, c) array
        See :func:`to_rgb`.
    segmentation : Segmentation
        Of the same height and width.
    players : iterable of int
        The superpixels that stay.
    background : str
        ``"#rrggbb"``.
    """
    shown = checked(image, segmentation).copy()
    shown[~segmentation.selected(players)] = palette.rgb(background)
    return shown


def line_width(shape: tuple[int, int]) -> int:
    """Return how many pixels wide a line should be on a picture of this height and width."""
    return max(1, round(max(shape) / 250))


def outline(
    pixels: RGB, segmentation: Segmentation, colours: Mapping[int, str], *, width: int | None = None
) -> RGB:
    """Draw a coloured line inside the border of some superpixels, a white halo around it.

    Parameters
    ----------
    pixels : uint8 array (h, w, 3)
        What to draw on; it is left alone.
    segmentation : Segmentation
        Of the same height and width.
    colours : mapping of int to str
        Superpixel to ``"#rrggbb"``.
    width : int, optional
        Of the line and of the halo, in pixels; :func:`line_width` by default.

    Returns
    -------
    uint8 array (h, w, 3)
        The picture's edge closes a superpixel as a border does.
    """
    drawn = checked(pixels, segmentation).astype(np.float64)
    reach = line_width(segmentation.shape) if width is None else width
    boxes = ndimage.find_objects(segmentation.labels + 1, segmentation.count)
    pieces = [(player, widened(boxes[player], reach)) for player in colours]
    # All halos first: the halo of one superpixel must not cover its neighbour's line.
    for player, box in pieces:
        mine = segmentation.labels[box] == player
        halo = ~mine & (ndimage.distance_transform_edt(~mine) <= reach)
        window = drawn[box]
        window[halo] += _HALO_OPACITY * (255 - window[halo])
    for player, box in pieces:
        mine = segmentation.labels[box] == player
        drawn[box][mine & (inner_distance(mine) <= reach)] = palette.rgb(colours[player])
    return _uint8(drawn)


def inner_distance(mask: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """Return every marked pixel's distance to the nearest unmarked one; beyond the edge counts.

    Parameters
    ----------
    mask : bool array (h, w)
        Marked pixels.

    Returns
    -------
    float array (h, w)
        In pixels: 1 just inside the border, 0 where unmarked.
    """
    distance: Float[np.ndarray, "h w"] = ndimage.distance_transform_edt(np.pad(mask, 1))
    return distance[1:-1, 1:-1]


def _softened(pixels: RGB) -> Float[np.ndarray, "h w 3"]:
    colours = pixels.astype(np.float64)
    colours += _DESATURATE * ((colours @ _LUMA)[..., None] - colours)
    colours += _LIGHTEN * (255 - colours)
    return colours


def _uint8(values: Float[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    return np.rint(values).astype(np.uint8)


def checked(image: Shaped[np.ndarray, "h w c"], segmentation: Segmentation) -> RGB:
    """Return the picture as it can be shown, if it is as large as the segmentation."""
    pixels = to_rgb(image)
    if pixels.shape[:2] != segmentation.shape:
        raise InputError(
            f"image must have the segmentation's height and width {segmentation.shape}; "
            f"got {pixels.shape[:2]}"
        )
    return pixels


def _relative(
    values: Float[np.ndarray, " d"], segmentation: Segmentation, strongest: float | None
) -> Float[np.ndarray, " d"]:
    if values.shape != (segmentation.count,):
        raise InputError(
            f"values must have shape ({segmentation.count},), one per superpixel; "
            f"got {values.shape}"
        )
    largest = float(np.abs(values).max()) if strongest is None else strongest
    return np.clip(values / largest, -1, 1) if largest > 0 else np.zeros(len(values))


def widened(box: tuple[slice, slice], margin: int) -> tuple[slice, slice]:
    """Return a box of rows and columns that reaches further, but never below zero."""
    rows, columns = box
    return (
        slice(max(0, rows.start - margin), rows.stop + margin),
        slice(max(0, columns.start - margin), columns.stop + margin),
    )
