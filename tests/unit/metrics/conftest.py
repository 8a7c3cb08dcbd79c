"""Benches of games whose answers are known, without a network or a picture."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from seewhy.game.game import Game, View
from seewhy.metrics.bench import Bench
from seewhy.metrics.protocol import Protocol


@pytest.fixture
def bench_for() -> Callable[..., Bench]:
    """Make a bench of functions of masks, (n, d) to (n, k), of which the first column counts."""

    def make(value, d, *, other=None, removing=None, adding=None, areas=None, seed=0, **protocol):
        def view(function) -> View:
            return Game(function, d, areas=areas).view("raw", target=0)

        seen = view(value)
        return Bench(
            view=seen,
            other=seen if other is None else view(other),
            removing=seen if removing is None else view(removing),
            adding=seen if adding is None else view(adding),
            protocol=Protocol(**protocol),
            seed=seed,
        )

    return make
