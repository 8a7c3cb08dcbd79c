"""Plans: which masks to pay for, when main effects, Shapley or Owen values are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from seewhy.game.contexts import ContextDraws, count_contexts
from seewhy.game.design import (
    Design,
    Law,
    all_masks,
    bernoulli,
    bernoulli_pairs,
    count_masks,
    ends,
    from_masks,
    join,
    no_masks,
    singles,
    sized_pairs,
)
from seewhy.game.fidelity import ENOUGH_HELD_OUT_PAIRS
from seewhy.game.hadamard import fold_over, smallest_order
from seewhy.game.hierarchy import Hierarchy

FREE_COLUMNS = 1.25
RANDOM_BLOCK = 128
SHARED_ORDER = 128  # the smallest fold-over block of a shared design that can afford it
SIZED_BLOCKS = 3  # of all sizes, for every further fold-over block of a shared design
GROUPS_PAY = 0.5
"""What is added to the masks of main effects where Owen values are asked with them.

On five photos of 50 superpixels, 384 masks planned for main effects and 192 more, single players
and contexts, left every method about the error that 384 masks of its own leave it, in the median
(`benchmarks/compare_cost.py`). With fewer fold-over rows main effects lose more than groups gain.
"""


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


def shared_blocks(
    n_players: int,
    most: int,
    rng: np.random.Generator,
    affinity: Float[np.ndarray, "d d"] | None,
    *,
    growing: bool = False,
) -> Iterator[Design]:
    """One design for LIME, Banzhaf, RISE and Shapley values together.

    Every player alone and its complement, which Shapley values hinge on; a fold-over
    block, which main effects hinge on; then masks of all sizes, and every fourth time
    another fold-over block. A budget too small for the first two is spent on sizes.

    Parameters
    ----------
    n_players : int
    most : int
        Masks to spend; an odd one stays unspent, and so does what exceeds all there are.
    rng : numpy.random.Generator
    affinity : (d, d) array, optional
        Which players are neighbours.
    growing : bool
        Yield parts, each worth an estimate, instead of all at once.
    """
    order = smallest_order(max(n_players, SHARED_ORDER))
    if 2 * n_players + 2 * order > most:
        order = smallest_order(n_players)
    if 2 * n_players + 2 * order > most:
        yield sized_pairs(n_players, most // 2, rng, smallest=1)
        return
    parts = [singles(n_players) | fold_over(n_players, order, rng, affinity=affinity)]
    left = most - len(parts[0])
    while left > 1:
        if len(parts) % (SIZED_BLOCKS + 1) == 0 and 2 * order <= left:
            part = fold_over(n_players, order, rng, affinity=affinity)
        else:
            part = sized_pairs(n_players, min(order, left // 2), rng, avoid=join(parts))
        if not len(part):
            break
        parts.append(part)
        left -= len(part)
    yield from parts if growing else [join(parts)]


def for_main_effects(
    n_players: int,
    most: int,
    rng: np.random.Generator,
    affinity: Float[np.ndarray, "d d"] | None,
    *,
    growing: bool,
) -> Iterator[Design]:
    """The two ends, then every mask where ``most`` affords it, else fold-over blocks."""
    yield ends(n_players)
    if affords_all(n_players, most):
        yield all_but_ends(n_players)
    elif growing:
        yield from growing_blocks(n_players, most, rng, affinity)
    else:
        yield fitted_to_budget(n_players, most, rng, affinity)


def for_everything(
    n_players: int,
    most: int,
    rng: np.random.Generator,
    affinity: Float[np.ndarray, "d d"] | None,
    *,
    growing: bool,
) -> Iterator[Design]:
    """The two ends, then every mask where ``most`` affords it, else `shared_blocks`."""
    yield ends(n_players)
    if affords_all(n_players, most):
        yield all_but_ends(n_players)
    else:
        yield from shared_blocks(n_players, most, rng, affinity, growing=growing)


def for_groups_too(
    n_players: int,
    most: int,
    rng: np.random.Generator,
    affinity: Float[np.ndarray, "d d"] | None,
    *,
    hierarchies: Sequence[Hierarchy],
    growing: bool,
) -> Iterator[Design]:
    """One design for main effects, Shapley values, and Owen values of some hierarchies.

    The two ends, then every mask where ``most`` affords it. Else two thirds are spent
    as by `for_main_effects`, and one third on every player alone and its complement, if
    that is enough for them, and on contexts of the hierarchies. Where two thirds
    reach all contexts, all are paid for: Owen values are exact, and main effects get the rest.

    Parameters
    ----------
    n_players : int
    most : int
        Masks to spend; an odd one stays unspent.
    rng : numpy.random.Generator
        Draws the masks for main effects first: they are those of `for_main_effects`.
    affinity : (d, d) array, optional
        Which players are neighbours.
    hierarchies : sequence of Hierarchy
        At least one; several share the contexts equally.
    growing : bool
        Yield parts, each with its share of contexts and worth an estimate.
    """
    if affords_all(n_players, most):
        yield ends(n_players)
        yield all_but_ends(n_players)
        return
    distinct = tuple(dict.fromkeys(hierarchies))
    main = most_for_main_effects(most)
    contexts = sum(map(count_contexts, distinct))
    groups = contexts if contexts <= main else most - main
    main, alone = most - groups, 2 * n_players <= groups
    blocks = for_main_effects(n_players, main, rng, affinity, growing=growing)
    paid = next(blocks)
    yield paid
    asked = 0
    for block in blocks:
        asked += len(block)
        due = groups * asked // main if asked + 1 < main else most - asked
        part = block
        if alone:
            part |= singles(n_players)
            alone = False
        pairs = (due + asked - paid.budget - len(part)) // 2
        part |= _contexts_and_sizes(distinct, pairs, rng, besides=paid | part)
        paid |= part
        yield part


def _contexts_and_sizes(
    hierarchies: Sequence[Hierarchy], pairs: int, rng: np.random.Generator, *, besides: Design
) -> Design:
    """Draw contexts of all hierarchies in equal shares; where there are no more, of all sizes."""
    found = no_masks(besides.n_players)
    for done, hierarchy in enumerate(hierarchies):
        draws = ContextDraws(hierarchy, rng, besides=besides | found)
        share = (pairs - len(found) // 2) // (len(hierarchies) - done)
        found |= draws.draw(max(share, 0))
    left = pairs - len(found) // 2
    return found | sized_pairs(besides.n_players, max(left, 0), rng, avoid=besides | found)


def most_for_main_effects(most: int) -> int:
    """Return how many of so many masks are planned for main effects when groups are asked too."""
    return round(most / (1 + GROUPS_PAY))


def affords_all(n_players: int, most: int) -> bool:
    """Tell whether so many masks are all there are."""
    return count_masks(n_players) <= most


def all_but_ends(n_players: int) -> Design:
    """Every mask there is, but for the two ends, which every plan begins with."""
    masks = all_masks(n_players).masks
    return from_masks(masks[masks.any(axis=1) & ~masks.all(axis=1)], Law.ALL)
