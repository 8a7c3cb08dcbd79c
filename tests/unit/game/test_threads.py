"""Small matrices get one BLAS thread, and the caller's setting comes back."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from seewhy.game.threads import one_blas_thread


def blas_threads() -> set[int]:
    return {
        library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"
    }


def test_one_thread_inside_and_the_old_number_after():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == before


def test_the_old_number_comes_back_after_an_error():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with pytest.raises(RuntimeError), one_blas_thread():
            raise RuntimeError("an estimate failed")
        assert blas_threads() == before
