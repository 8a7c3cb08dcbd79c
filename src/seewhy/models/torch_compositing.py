"""Masks × picture × fill → pixels on the device where a network lives."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int32

from seewhy.errors import InputError
from seewhy.models.torch_extra import torch


class DeviceCompositor:
    """Show an image with some superpixels hidden, composited on a device.

    The picture, its fill and the label map are uploaded once; afterwards only masks travel.

    Parameters
    ----------
    image, fill : (h, w, c) float32
        Already normalised.
    labels : (h, w) int32
        Superpixel of each pixel, 0 … d-1; -1 pixels are always kept.
    device : torch.device
        Where.

    Raises
    ------
    InputError
        If image, fill and labels do not fit together.
    """

    def __init__(
        self,
        image: Float32[np.ndarray, "h w c"],
        fill: Float32[np.ndarray, "h w c"],
        labels: Int32[np.ndarray, "h w"],
        *,
        device: Any,
    ) -> None:
        if not image.shape == fill.shape or labels.shape != image.shape[:2]:
            raise InputError(
                f"image, fill and labels must be of one size; got {image.shape}, {fill.shape} and "
                f"{labels.shape}."
            )
        self.n_players = max(int(labels.max()) + 1, 0)
        # One column after the players' own is always kept.
        columns = np.where(labels < 0, self.n_players, labels).astype(np.int64)
        self._labels = torch.from_numpy(columns).to(device)
        self._image, self._fill = (
            torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).to(device)
            for pixels in (image, fill)
        )

    def __call__(self, masks: Bool[np.ndarray, "n d"]) -> Any:
        """Composite one picture per mask.

        Parameters
        ----------
        masks : (n, d) bool
            True where the superpixel is kept.

        Returns
        -------
        torch.Tensor
            (n, c, h, w) float32: the image where kept, the fill where hidden, bit for bit.

        Raises
        ------
        InputError
            When the masks have another shape or type.
        """
        if masks.ndim != 2 or masks.shape[1] != self.n_players or masks.dtype != bool:
            raise InputError(
                f"masks must be bool of shape (n, {self.n_players}), one column per superpixel; "
                f"got {masks.dtype} of shape {masks.shape}."
            )
        always = np.ones((len(masks), 1), bool)
        kept = torch.from_numpy(np.hstack([masks, always])).to(self._labels.device)
        return torch.where(kept[:, self._labels][:, None], self._image, self._fill)
