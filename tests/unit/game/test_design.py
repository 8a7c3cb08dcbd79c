from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.design import (
    Law,
    all_masks,
    bernoulli,
    bernoulli_pairs,
    ends,
    from_masks,
    interleave_complements,
    join,
)


def pairs_of(masks):
    """The set of unordered {mask, complement} pairs."""
    return {min(row.tobytes(), (~row).tobytes()) for row in masks}


def test_the_ends_are_everything_kept_then_everything_hidden_and_cost_nothing():
    design = ends(3)
    assert design.masks.tolist() == [[True] * 3, [False] * 3]
    assert len(design) == 2
    assert design.budget == 0
    assert design.n_players == 3


def test_joined_designs_keep_the_order_law_and_tag_of_their_rows():
    rng = np.random.default_rng(0)
    first, second = bernoulli(4, 3, rng), bernoulli_pairs(4, 2, rng, held_out=True)
    joined = ends(4) | first | second
    assert np.array_equal(joined.masks[2:5], first.masks)
    assert np.array_equal(joined.masks[5:], second.masks)
    assert joined.laws.tolist() == ["ends"] * 2 + ["bernoulli"] * 3 + ["pairs"] * 4
    assert joined.held_out.tolist() == [False] * 5 + [True] * 4
    assert joined.budget == 7
    again = join([ends(4), first, second])
    assert np.array_equal(again.masks, joined.masks)


def test_rows_are_chosen_by_law_and_by_whether_they_are_held_out():
    rng = np.random.default_rng(0)
    design = join([ends(3), bernoulli_pairs(3, 1, rng), bernoulli_pairs(3, 1, rng, held_out=True)])
    assert np.flatnonzero(design.rows()).tolist() == [0, 1, 2, 3]
    assert np.flatnonzero(design.rows(Law.PAIRS)).tolist() == [2, 3]
    assert np.flatnonzero(design.rows(Law.PAIRS, held_out=True)).tolist() == [4, 5]
    assert np.flatnonzero(design.rows(Law.ENDS, Law.PAIRS, held_out=None)).tolist() == [*range(6)]
    assert not design.rows(Law.ALL).any()


@pytest.mark.parametrize("n_players", [1, 2, 5])
def test_all_masks_holds_every_mask_once(n_players):
    masks = all_masks(n_players).masks
    assert masks.shape == (2**n_players, n_players)
    assert len(np.unique(masks, axis=0)) == 2**n_players


def test_too_many_players_to_enumerate_are_refused():
    with pytest.raises(
        InputError,
        match=r"^n_players must be at most 20 to enumerate all masks; "
        r"got 21: use a sampled design$",
    ):
        all_masks(21)


def test_bernoulli_masks_are_fair_coins():
    masks = bernoulli(10, 4000, np.random.default_rng(0)).masks
    assert np.abs(masks.mean(axis=0) - 0.5).max() < 4 * 0.5 / np.sqrt(4000)
    correlation = np.corrcoef(masks.T) - np.eye(10)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(4000)


def test_pairs_are_a_mask_then_its_complement_and_none_comes_twice():
    masks = bernoulli_pairs(6, 20, np.random.default_rng(0)).masks
    assert np.array_equal(masks[1::2], ~masks[::2])
    assert len(pairs_of(masks)) == 20


def test_as_many_pairs_come_back_as_exist():
    design = bernoulli_pairs(4, 100, np.random.default_rng(0))
    assert len(design) == 2**4
    assert len(np.unique(design.masks, axis=0)) == 2**4


def test_pairs_avoid_those_of_another_design_however_turned():
    taken = from_masks(bernoulli_pairs(5, 10, np.random.default_rng(0)).masks[1::2], Law.PAIRS)
    rest = bernoulli_pairs(5, 100, np.random.default_rng(1), avoid=taken)
    assert len(rest) == 2 * (2**4 - 10)
    assert not pairs_of(rest.masks) & pairs_of(taken.masks)


def test_no_pairs_are_an_empty_design_of_the_right_width():
    design = bernoulli_pairs(5, 0, np.random.default_rng(0))
    assert design.masks.shape == (0, 5)
    assert design.budget == 0


def test_pairs_of_very_many_players_are_drawn():
    assert len(bernoulli_pairs(200, 3, np.random.default_rng(0))) == 6


def test_designs_are_deterministic_for_a_seed():
    first, second = (bernoulli_pairs(12, 9, np.random.default_rng(5)).masks for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, bernoulli_pairs(12, 9, np.random.default_rng(6)).masks)


def test_complements_are_interleaved():
    masks = np.array([[True, False], [True, True]])
    expected = [[True, False], [False, True], [True, True], [False, False]]
    assert interleave_complements(masks).tolist() == expected
