"""PyTorch, or one sentence about how to get it: the single place that imports it."""

from __future__ import annotations

from seewhy.errors import MissingExtraError

try:
    import torch
except ModuleNotFoundError as _error:
    if _error.name != "torch":  # a torch that is there but broken speaks for itself
        raise
    raise MissingExtraError(
        'this model needs PyTorch, which is not installed: pip install "seewhy[torch]".'
    ) from _error

__all__ = ["torch"]
