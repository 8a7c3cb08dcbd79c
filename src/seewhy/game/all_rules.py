"""Every rule there is, compared exactly: for few superpixels, of which all masks can be asked."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float64

from seewhy.game.design import all_masks
from seewhy.game.neighbourhood import Neighbourhood
from seewhy.game.sufficient import Certificate, Demands, Kept, Sufficient


def precisions_of_all(around: Neighbourhood) -> Float64[np.ndarray, " n"]:
    """Return the precision of every rule there is, at the number whose bits are its members.

    From the pictures that show exactly S, one player after another is set free:
    P(A) = (1 − p) P(A ∪ {j}) + p P(A with j hidden).
    """
    d, backgrounds = around.n_players, len(around.decisions)
    masks = all_masks(d).masks
    draws = around.ask(
        np.tile(masks, (backgrounds, 1)), np.repeat(np.arange(backgrounds), len(masks))
    )
    table = draws.verdicts.kept.reshape(backgrounds, -1).mean(axis=0).reshape((2,) * d)
    for axis in range(d):
        hidden, kept = np.take(table, 0, axis), np.take(table, 1, axis)
        table = np.stack([(1 - around.hidden) * kept + around.hidden * hidden, kept], axis)
    return np.asarray(table.reshape(-1), np.float64)


def best_of_all(around: Neighbourhood, demands: Demands, banned: Kept) -> Sufficient:
    """Return the smallest rule that reaches the threshold, of those the most precise.

    Where none does, the most precise one of all but the whole picture.
    """
    precision = precisions_of_all(around)
    members: Bool[np.ndarray, "n d"] = all_masks(around.n_players).masks
    allowed = ~members[:, list(banned)].any(axis=1) & ~members.all(axis=1)
    reaches = precision >= demands.threshold - 1e-12
    sizes = members.sum(axis=1)
    if (allowed & reaches).any():
        order = np.lexsort((-precision, sizes, ~(allowed & reaches)))
    else:
        order = np.lexsort((sizes, -precision, ~allowed))
    best = int(order[0])
    kept = tuple(int(player) for player in np.flatnonzero(members[best]))
    without = {k: float(precision[best - 2**k]) for k in kept}
    exact, enough = float(precision[best]), bool(reaches[best])
    certificate = Certificate(kept, exact, exact, True, around.everything(kept)[0], enough)
    irreducible = enough and all(rest < demands.threshold - 1e-12 for rest in without.values())
    return Sufficient(certificate, irreducible, without, around.evaluations)
