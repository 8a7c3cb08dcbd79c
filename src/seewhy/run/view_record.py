"""What the model really said about hidden regions, as an entry of a view document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float32, Int

from seewhy.run.view_pictures import deflated

if TYPE_CHECKING:
    from seewhy.run.record import Record

MOST_MASKS = 600
"""More are left out: those that hide, and show, the most regions first."""


def record_entry(record: Record | None) -> dict[str, Any] | None:
    """Pack masks into bits, and what the model said about them into numbers.

    Parameters
    ----------
    record : Record or None
        None, or without a mask: there is nothing to tell.
    """
    if record is None or not len(record.masks):
        return None
    chosen = _chosen(record.masks)
    packed = np.packbits(record.masks[chosen], axis=1, bitorder="little")
    return {
        "classes": list(record.classes),
        "names": list(record.classes.values()),
        "masks": deflated(packed.tobytes()),
        "n": len(chosen),
        "outputs": deflated(_rounded(record.outputs[chosen]).tobytes()),
        "kind": record.kind,
    }


def _rounded(outputs: Float32[np.ndarray, "n c"]) -> Float32[np.ndarray, "n c"]:
    """Outputs to 13 binary digits: a page shows three decimal ones, and zeros deflate well."""
    bits = np.ascontiguousarray(outputs, dtype="<f4").view("<u4")
    return ((bits + 0x400) & np.uint32(0xFFFFF800)).astype("<u4").view("<f4")


def _chosen(masks: Bool[np.ndarray, "n d"]) -> Int[np.ndarray, " m"]:
    """Rows of masks that are told, each once, in their order."""
    _, first = np.unique(np.packbits(masks, axis=1), axis=0, return_index=True)
    rows = np.sort(first)
    kept = masks[rows].sum(axis=1)
    clicks = np.minimum(kept, masks.shape[1] - kept)
    return np.sort(rows[np.argsort(clicks, kind="stable")[:MOST_MASKS]])
