"""One BLAS thread for small matrices: two are up to a hundred times slower on a busy machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import scipy.linalg  # noqa: F401  (its BLAS must be loaded before the controller looks)
from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run the block with one BLAS thread, and restore what was set before.

    Kernel matrices here have a few hundred rows. Threads that wait for each
    other there cost far more than they compute, and make last digits depend on
    the machine.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
