"""Occlusion: what the score loses when one superpixel alone is hidden."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from seewhy.game.driver import Listener, Progress
from seewhy.game.game import Game, View, as_view
from seewhy.methods.explanation import Attribution, Reading


@dataclass(frozen=True, kw_only=True)
class Occlusion:
    """Value each superpixel by what the score loses when it alone is hidden.

    v(N) − v(N∖j), d masked pictures, nothing sampled. Where two superpixels
    show the same thing, hiding either changes nothing and both get 0: that is what the
    averages of the other methods are for.

    Parameters
    ----------
    name : str
        Under which the result is found.

    References
    ----------
    Zeiler, Fergus: Visualizing and understanding convolutional networks, ECCV 2014.

    Examples
    --------
    >>> game = Game(lambda masks: masks @ np.array([[2.0], [-1.0], [0.5]]), 3)
    >>> Occlusion()(game, np.random.default_rng(0)).values.ravel().tolist()
    [2.0, -1.0, 0.5]
    """

    name: str = "occlusion"
    reading: ClassVar[Reading] = "hiding"

    def __call__(
        self, game: Game | View, rng: np.random.Generator, *, progress: Listener | None = None
    ) -> Attribution:
        """Hide every superpixel once, and explain every target of the game.

        Parameters
        ----------
        game : Game or View
            Of a bare game every column is explained.
        rng : numpy.random.Generator
            Not used: nothing is sampled.
        progress : callable, optional
            Told how many masks are paid.
        """
        start = time.perf_counter()
        view = as_view(game)
        d = view.n_players
        masks = np.concatenate([np.ones((1, d), bool), ~np.eye(d, dtype=bool)])
        parts = []
        for first in range(0, len(masks), view.portion):
            parts.append(view(masks[first : first + view.portion]))
            if progress is not None:
                done = min(first + view.portion, len(masks))
                progress(Progress(f"{self.name}: asking the model", done, len(masks)))
        scores = np.concatenate(parts)
        return Attribution(
            values=scores[0] - scores[1:],
            standard_error=None,
            base_value=view(np.zeros((1, d), bool))[0],
            targets=view.targets,
            evaluations=d + 2,
            seconds=time.perf_counter() - start,
            fidelity=None,
            converged=np.ones(len(view.targets), bool),
            method=self,
        )
