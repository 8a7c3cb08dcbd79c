"""Plans: which blocks of masks to pay for, when main effects are wanted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from seewhy.game.design import (
    Design,
    Law,
    all_masks,
    bernoulli,
    bernoulli_pairs,
    from_masks,
    join,
    no_masks,
)
from seewhy.game.fidelity import ENOUGH_HELD_OUT_PAIRS
from seewhy.game.hadamard import fold_over, smallest_order

FREE_COLUMNS = 1.25
RANDOM_BLOCK = 128


def random_blocks(n_players: int, most: int, rng: np.random.Generator) -> Iterator[Design]:
    """Independent coin tosses, 128 masks at a time; from 512 masks on, 16 pairs are held out."""
    held = ENOUGH_HELD_OUT_PAIRS if most >= 4 * RANDOM_BLOCK else 0
    block = bernoulli_pairs(n_players, held, rng, held_out=True)
    for start in range(len(block), most, RANDOM_BLOCK):
        size = min(RANDOM_BLOCK, most - start)
        part = bernoulli(n_players, size, rng)
        yield join([part, block]) if start == len(block) else part


def growing_blocks(
    n_players: int,
    most: int,
    rng: np.random.Generator,
    affinity: Float[np.ndarray, "d d"] | None,
) -> Iterator[Design]:
    """A fold-over block with spare columns and 16 held-out pairs; then double what is fitted.

    What is left when that no longer fits (all of ``most``, for very many
    players) is spent as by `fitted_to_budget`.
    """
    order = smallest_order(FREE_COLUMNS * n_players)
    if 2 * order + 2 * ENOUGH_HELD_OUT_PAIRS > most:
        yield fitted_to_budget(n_players, most, rng, affinity)
        return
    first = fold_over(n_players, order, rng, affinity=affinity)
    held = bernoulli_pairs(n_players, ENOUGH_HELD_OUT_PAIRS, rng, held_out=True, avoid=first)
    yield first | held
    spent = len(first) + len(held)
    while spent + 2 * order <= most:
        yield fold_over(n_players, order, rng, affinity=affinity)
        spent += 2 * order
        order *= 2
    if spent < most:
        yield fitted_to_budget(n_players, most - spent, rng, affinity)


def fitted_to_budget(
    n_players: int,
    budget: int,
    rng: np.random.Generator,
    affinity: Float[np.ndarray, "d d"] | None,
) -> Design:
    """The largest fold-over blocks that fit; of the pairs left over, 16 measure the fidelity.

    The rest of them is fitted, and so are all when fewer than 16 are left, which
    would measure nothing well. A budget below one block is spent on random pairs.
    """
    smallest = smallest_order(n_players)
    blocks: list[Design] = []
    left = budget
    while left >= 2 * smallest:
        order = smallest_order((left // 2 + 1) / 2)
        blocks.append(fold_over(n_players, order, rng, affinity=affinity))
        left -= 2 * order
    held = ENOUGH_HELD_OUT_PAIRS if blocks and left >= 2 * ENOUGH_HELD_OUT_PAIRS else 0
    design = join([*blocks, no_masks(n_players)])
    design |= bernoulli_pairs(n_players, held, rng, held_out=True, avoid=design)
    return design | bernoulli_pairs(n_players, left // 2 - held, rng, avoid=design)


def all_but_ends(n_players: int) -> Design:
    """Every mask there is, but for the two ends, which every plan begins with."""
    masks = all_masks(n_players).masks
    return from_masks(masks[masks.any(axis=1) & ~masks.all(axis=1)], Law.ALL)
