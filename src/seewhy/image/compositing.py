"""Masks × picture × fill → pixels, fast and exact to the bit.

A picture shows the image where a superpixel is kept and the fill where it is hidden.
Seen as unsigned integers, ``fill ^ ((image ^ fill) & kept)`` chooses between the two
without touching a bit of either, for any float. ``kept`` is all ones or all zeros, the
same along runs of pixels of one superpixel, and is therefore written run by run.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt32

from seewhy.errors import InputError

# Masks are worked through in slices whose scratch stays within the processor's cache.
_SCRATCH_BYTES = 1 << 20
_ALL_ONES = np.uint32(0xFFFFFFFF)


class Compositor:
    """Show an image with some superpixels hidden, for many masks at once.

    Parameters
    ----------
    image, fill : float32 array (h, w, c)
        What a kept and what a hidden superpixel shows; already normalised if the
        model wants that. Any values, bit for bit.
    labels : int32 array (h, w)
        Superpixel of every pixel, 0…d−1; a negative label always shows the image.
    layout : {"NHWC", "NCHW"}
        Whether channels come last or first in what is written.
    n_players : int, optional
        d, when the last superpixels have no pixel left at this size; default the
        largest label + 1.

    Attributes
    ----------
    n_players : int
        Columns of a mask.
    shape : tuple of int
        Of one picture: (h, w, c) or (c, h, w).

    Raises
    ------
    InputError
        If image, fill and labels do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> image, fill = np.ones((1, 3, 1), np.float32), np.zeros((1, 3, 1), np.float32)
    >>> compositor = Compositor(image, fill, np.array([[0, 0, 1]], np.int32), layout="NHWC")
    >>> compositor(np.array([[True, False], [False, True]]))[:, 0, :, 0].tolist()
    [[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """

    def __init__(
        self,
        image: Float32[np.ndarray, "h w c"],
        fill: Float32[np.ndarray, "h w c"],
        labels: Int32[np.ndarray, "h w"],
        *,
        layout: Literal["NHWC", "NCHW"],
        n_players: int | None = None,
    ) -> None:
        _check_pair(image, fill, labels, layout)
        self.n_players = _checked_players(labels, n_players)
        order = (0, 1, 2) if layout == "NHWC" else (2, 0, 1)
        shown = np.ascontiguousarray(image.transpose(order)).view(np.uint32)
        self._hidden: UInt32[np.ndarray, "*shape"] = (
            np.ascontiguousarray(fill.transpose(order)).view(np.uint32).copy()
        )
        self._difference = shown ^ self._hidden
        self.shape: tuple[int, ...] = shown.shape
        # Planar pictures share one plane of `kept` between their channels.
        channels = image.shape[2] if layout == "NHWC" else 1
        self._plane = shown.shape if layout == "NHWC" else (1, *shown.shape[1:])
        self._run_players, self._run_lengths = _runs(labels, self.n_players, channels)
        self._slice = max(1, _SCRATCH_BYTES // (4 * channels * labels.size))

    def __call__(
        self, masks: Bool[np.ndarray, "n d"], out: Float32[np.ndarray, " n *shape"] | None = None
    ) -> Float32[np.ndarray, " n *shape"]:
        """Write one picture per mask.

        Parameters
        ----------
        masks : bool array (n, d)
            True where the superpixel is kept.
        out : float32 array (n, *shape), optional
            Written in place and returned; any strides. Without it, a fresh array.

        Returns
        -------
        float32 array (n, *shape)
            The image where kept, the fill where hidden, bit for bit.

        Raises
        ------
        InputError
            If masks or ``out`` have the wrong type or shape.
        """
        self._check_masks(masks)
        pictures = self._checked_out(out, len(masks))
        bits = pictures.view(np.uint32)
        for start in range(0, len(masks), self._slice):
            part = bits[start : start + self._slice]
            np.bitwise_and(self._kept(masks[start : start + self._slice]), self._difference, part)
            np.bitwise_xor(part, self._hidden, part)
        return pictures

    def _kept(self, masks: Bool[np.ndarray, "m d"]) -> UInt32[np.ndarray, " m *plane"]:
        words = np.empty((len(masks), self.n_players + 1), dtype=np.uint32)
        np.multiply(masks, _ALL_ONES, out=words[:, :-1])
        words[:, -1] = _ALL_ONES
        runs = words.take(self._run_players, axis=1)
        return np.repeat(runs, self._run_lengths, axis=1).reshape(len(masks), *self._plane)

    def _check_masks(self, masks: Bool[np.ndarray, "n d"]) -> None:
        if masks.ndim != 2 or masks.shape[1] != self.n_players or masks.dtype != bool:
            raise InputError(
                f"masks must be bool of shape (n, {self.n_players}), one column per superpixel; "
                f"got {masks.dtype} of shape {masks.shape}"
            )

    def _checked_out(
        self, out: Float32[np.ndarray, " n *shape"] | None, count: int
    ) -> Float32[np.ndarray, " n *shape"]:
        wanted = (count, *self.shape)
        if out is None:
            return np.empty(wanted, dtype=np.float32)
        if out.shape != wanted or out.dtype != np.float32 or not out.flags.writeable:
            raise InputError(
                f"out must be a writeable float32 array of shape {wanted}; "
                f"got {out.dtype} of shape {out.shape}"
            )
        return out


def _runs(
    labels: Int32[np.ndarray, "h w"], n_players: int, channels: int
) -> tuple[Int32[np.ndarray, " r"], Int32[np.ndarray, " r"]]:
    """Player and length (in numbers, not pixels) of every run of equal labels."""
    flat = labels.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(np.append(starts, flat.size)) * channels
    players = flat[starts]
    # One column after the players' own is always kept.
    return np.where(players < 0, n_players, players), lengths


def _checked_players(labels: Int32[np.ndarray, "h w"], n_players: int | None) -> int:
    needed = int(labels.max()) + 1
    if n_players is None:
        return max(needed, 0)
    if n_players < needed:
        raise InputError(
            f"n_players must be at least {needed}, the largest label + 1; got {n_players}"
        )
    return n_players


def _check_pair(
    image: Float32[np.ndarray, "h w c"],
    fill: Float32[np.ndarray, "h w c"],
    labels: Int32[np.ndarray, "h w"],
    layout: str,
) -> None:
    if layout not in ("NHWC", "NCHW"):
        raise InputError(f"layout must be 'NHWC' or 'NCHW'; got {layout!r}")
    for name, pixels in (("image", image), ("fill", fill)):
        if pixels.dtype != np.float32 or pixels.ndim != 3 or not pixels.size:
            raise InputError(
                f"{name} must be float32 of shape (h, w, c); "
                f"got {pixels.dtype} of shape {pixels.shape}"
            )
    if fill.shape != image.shape:
        raise InputError(f"fill must have the image's shape {image.shape}; got {fill.shape}")
    if labels.shape != image.shape[:2] or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"labels must be integers of the image's shape {image.shape[:2]}; "
            f"got {labels.dtype} of shape {labels.shape}"
        )
