"""The picture and mask that users of the ``lime`` package know, with its slips mended."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64, Shaped

from seewhy.errors import InputError
from seewhy.image.segmentation import Segmentation


def image_and_mask(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    values: Float[np.ndarray, " d"],
    *,
    positive_only: bool | None = None,
    negative_only: bool = False,
    hide_rest: bool = False,
    num_features: int = 5,
    min_weight: float = 0.0,
) -> tuple[Shaped[np.ndarray, "h w c"], Int64[np.ndarray, "h w"]]:
    """Return what lime's ``get_image_and_mask`` returns, for ``skimage``'s ``mark_boundaries``.

    Parameters
    ----------
    image : (h, w, c) array
        The explained picture; it is left alone.
    segmentation : Segmentation
        Of the same height and width, d superpixels.
    values : (d,) array
        Effects on one class.
    positive_only : bool, optional
        Only superpixels that spoke for the class. True unless ``negative_only`` is;
        False marks both kinds.
    negative_only : bool
        Only superpixels that spoke against the class.
    hide_rest : bool
        Make all pixels that are not marked 0.
    num_features : int
        How many superpixels at most, strongest first.
    min_weight : float
        Superpixels of smaller magnitude are left out.

    Returns
    -------
    image : (h, w, c) array
        Of the dtype and within the range given. When both kinds are marked, those for the
        class have their green channel raised to the picture's maximum, those against
        their red; with fewer than three channels only the mask tells them apart.
    mask : int array (h, w)
        1 on what spoke for the class (or against it, when ``negative_only``), −1
        on what spoke against when both are marked, else 0.

    Raises
    ------
    InputError
        If both ``positive_only`` and ``negative_only`` are True, or sizes differ.

    Notes
    -----
    Of ``lime``'s function, mended: ``negative_only=True`` alone works, a superpixel of no
    effect is never marked, and hiding the rest keeps the dtype.
    """
    if positive_only and negative_only:
        raise InputError(
            "positive_only and negative_only must not both be True; leave out the one you do not "
            "mean, or set positive_only=False to mark both kinds"
        )
    _check(image, segmentation, values)
    both = positive_only is False and not negative_only
    marked = _marked(values, None if both else not negative_only, num_features, min_weight)
    shown = np.zeros_like(image) if hide_rest else image.copy()
    chosen = segmentation.selected(marked)
    shown[chosen] = image[chosen]
    mask = chosen.astype(np.int64)
    if both:
        against = segmentation.selected(player for player in marked if values[player] < 0)
        mask[against] = -1
        if image.shape[2] >= 3:
            shown[against, 0] = image.max()
            shown[mask == 1, 1] = image.max()
    return shown, mask


def _marked(
    values: Float[np.ndarray, " d"], positive: bool | None, count: int, min_weight: float
) -> list[int]:
    """The superpixels to mark; ``positive`` None means both kinds."""
    order = [int(player) for player in np.argsort(-np.abs(values), kind="stable")]
    if positive is None:
        # As in lime, the strongest are taken first and the weak among them dropped.
        return [p for p in order[:count] if values[p] != 0 and abs(values[p]) >= min_weight]
    sign = 1 if positive else -1
    return [p for p in order if sign * values[p] > max(min_weight, 0)][:count]


def _check(
    image: Shaped[np.ndarray, "h w c"],
    segmentation: Segmentation,
    values: Float[np.ndarray, " d"],
) -> None:
    if image.ndim != 3 or image.shape[:2] != segmentation.shape:
        raise InputError(
            "image must have shape (h, w, c) with the segmentation's height and width "
            f"{segmentation.shape}; got {image.shape}"
        )
    if values.shape != (segmentation.count,):
        raise InputError(
            f"values must have shape ({segmentation.count},), one per superpixel; "
            f"got {values.shape}"
        )
