"""Searches for a change: smallest where few superpixels allow it, irreducible where not."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.game.decision import Decision, decision_of
from seewhy.game.design import all_masks
from seewhy.game.flip_search import find_flip
from seewhy.game.game import Game
from seewhy.game.toys import network_game, threshold_game


def rng(*seed):
    return np.random.default_rng(seed)


def without(n_players, hide):
    mask = np.ones((1, n_players), bool)
    mask[0, list(hide)] = False
    return mask


def flipping(game, masks, wanted=None):
    outputs = game(masks, remember=False).astype(float)
    column = wanted or 0
    lead = outputs[:, column] - np.delete(outputs, column, axis=1).max(axis=1)
    return lead > 0 if wanted else lead < 0


def flips(game, hide, wanted=None):
    return bool(flipping(game, without(game.n_players, hide), wanted)[0])


def smallest_of(game, wanted=None):
    """The size of the smallest set that flips, by looking at all; None if there is none."""
    masks = all_masks(game.n_players).masks[:-1]
    return min((~masks).sum(axis=1)[flipping(game, masks, wanted)].tolist(), default=None)


def is_irreducible(game, hide, wanted=None):
    return len(hide) == 1 or not any(flips(game, hide - {k}, wanted) for k in hide)


def votes(n_players, seed):
    weights = rng(seed).exponential(size=n_players) - 0.1
    weights[0] += 1  # in all they are for the first class
    return threshold_game(weights, rng(seed, 1).uniform(0.1, 0.9) * weights.sum())


def three_classes(n_players, seed):
    """Three random networks; everything kept, the first of them leads."""
    parts = [network_game(n_players, rng(seed, k)) for k in range(3)]
    whole = np.ones((1, n_players), bool)
    tops = [float(part(whole)[0, 0]) for part in parts]

    def value(masks):
        columns = [part(masks)[:, 0] - top for part, top in zip(parts, tops, strict=True)]
        return np.stack([columns[0] + 0.5, columns[1], columns[2] - 0.5], axis=1)

    return Game(value, n_players)


@settings(max_examples=40, deadline=None)
@given(
    n_players=st.integers(1, 8),
    seed=st.integers(0, 10_000),
    make=st.sampled_from([votes, lambda d, s: network_game(d, rng(s))]),
)
def test_with_few_superpixels_it_is_one_of_the_smallest(n_players, seed, make):
    game = make(n_players, seed)
    found = find_flip(decision_of(game), 1024, rng(seed), gains_lead=False)
    smallest = smallest_of(game)
    assert found.smallest == (smallest is not None)
    assert (found.gain > 0) == (smallest is not None)
    if smallest is not None:
        assert len(found.hide) == smallest
        assert flips(game, found.hide)
    else:
        masks = all_masks(n_players).masks[:-1]
        assert found.gain == pytest.approx(float(-2 * game(masks)[:, 0].min()), rel=1e-6)


def test_with_ten_superpixels_too_and_every_mask_is_asked_once():
    for seed in range(4):
        game = network_game(10, rng(seed))
        found = find_flip(decision_of(game), 1024, rng(0), gains_lead=False)
        assert found.smallest
        assert found.evaluations + 1 == game.evaluations == 1024  # the whole picture is on top
        assert len(found.hide) == smallest_of(game)


@settings(max_examples=25, deadline=None)
@given(n_players=st.integers(2, 7), seed=st.integers(0, 10_000), wanted=st.integers(1, 2))
def test_a_class_can_be_made_to_win(n_players, seed, wanted):
    game = three_classes(n_players, seed)
    found = find_flip(Decision(game, wanted), 1024, rng(seed), gains_lead=True)
    smallest = smallest_of(game, wanted)
    assert (found.gain > 0) == (smallest is not None)
    outputs = game(without(n_players, found.hide))[0].astype(float)
    assert found.gain == pytest.approx(outputs[wanted] - np.delete(outputs, wanted).max())
    if smallest is not None:
        assert len(found.hide) == smallest
        assert flips(game, found.hide, wanted)


@pytest.mark.parametrize("n_players", [12, 13])
@pytest.mark.parametrize("budget", [60, 150, 400, 4000])
def test_smallest_is_said_only_where_it_is_true(n_players, budget):
    said = 0
    for seed in range(10):
        game = votes(n_players, seed) if seed % 2 else network_game(n_players, rng(seed))
        found = find_flip(decision_of(game), budget, rng(seed), gains_lead=False)
        assert found.gain > 0
        if found.smallest:
            said += 1
            assert len(found.hide) == smallest_of(game)
    assert said == 10 if budget == 4000 else said > 0


def test_smallest_is_not_said_of_three_where_two_may_do():
    """Three of the strong change it, and so do the two weakest, which show nothing alone."""

    def value(masks):
        z = (~masks).astype(float)
        lead = 2.5 - z[:, :10].sum(axis=1) - 3 * z[:, 18] * z[:, 19]
        return np.stack([lead, -lead], axis=1)

    brief = find_flip(decision_of(Game(value, 20)), 60, rng(0), gains_lead=False)
    assert (len(brief.hide), brief.smallest) == (3, False)
    long = find_flip(decision_of(Game(value, 20)), 1000, rng(0), gains_lead=False)
    assert (set(long.hide), long.smallest) == ({18, 19}, True)


@pytest.mark.parametrize("n_players", [14, 20, 40, 89])
@pytest.mark.parametrize("patient", [True, False])
def test_no_member_can_be_shown_again(n_players, patient):
    for seed in range(8):
        game = votes(n_players, seed) if seed % 2 else network_game(n_players, rng(seed))
        decision = decision_of(game)
        found = find_flip(decision, 1024, rng(seed), gains_lead=False, patient=patient)
        assert flips(game, found.hide)
        assert is_irreducible(game, set(found.hide))
        assert found.evaluations == decision.evaluations <= 1024


@pytest.mark.parametrize("needed", [9, 20, 33])
def test_large_sets_are_found_though_none_does_anything_alone(needed):
    """Class 0 needs 41 − needed of 40: so many must go, whichever."""
    game = threshold_game(np.ones(40), 40.5 - needed)
    found = find_flip(decision_of(game), 1024, rng(0), gains_lead=False, patient=False)
    assert len(found.hide) == needed
    assert found.gain == 1.0


def test_a_hidden_group_of_many_among_others_is_found():
    """Any of six keeps it: only all of them together change it."""
    weights = np.zeros(40)
    weights[[3, 8, 13, 21, 30, 39]] = 1
    found = find_flip(decision_of(threshold_game(weights, 0.5)), 1024, rng(0), gains_lead=False)
    assert sorted(found.hide) == [3, 8, 13, 21, 30, 39]


def test_who_shows_nothing_alone_is_ranked_in_company():
    """Seven of the eight at the end, or dozens of the others; alone, none makes a difference."""
    weights = np.array([0.1] * 32 + [1.0] * 8)

    def value(masks):
        lead = np.clip(masks @ weights - 4.45, -1, 1)
        return np.stack([lead, -lead], axis=1)

    found = find_flip(decision_of(Game(value, 40)), 1024, rng(0), gains_lead=False, patient=False)
    assert len(found.hide) == 7
    assert min(found.hide) >= 32
    gaining = Game(lambda masks: value(masks)[:, ::-1], 40)  # the same, asked of the other class
    found = find_flip(Decision(gaining, 0), 1024, rng(0), gains_lead=True, patient=False)
    assert len(found.hide) == 7


def test_one_that_does_it_alone_ends_the_search():
    weights = [0.01] * 17 + [1] + [0.01] * 12
    game = threshold_game(weights, 1.0)
    found = find_flip(decision_of(game), 1024, rng(0), gains_lead=False)
    assert found.hide == (17,)
    assert found.smallest
    assert found.evaluations == 30


def test_of_equally_many_the_smaller_in_area_is_hidden():
    areas = np.array([0.1, 0.3, 0.05, 0.2])
    votes_of_one = threshold_game([1, 1, 1, 1], 3.5)
    game = Game(lambda masks: votes_of_one(masks, remember=False), 4, areas=areas)
    found = find_flip(decision_of(game), 1024, rng(0), gains_lead=False)
    assert found.hide == (2,)


@pytest.mark.parametrize("budget", [40, 41, 47, 60, 100, 250])
def test_a_budget_is_kept(budget):
    for seed in range(12):
        game = votes(40, seed) if seed % 2 else network_game(40, rng(seed))
        found = find_flip(decision_of(game), budget, rng(seed), gains_lead=False)
        assert found.evaluations <= budget
        assert found.evaluations + 1 >= game.evaluations  # and the whole picture
        assert (found.gain > 0) == flips(game, found.hide)


def test_a_budget_is_counted_from_where_the_decision_was():
    game = threshold_game(np.ones(30), 20.5)
    decision = decision_of(game)
    decision(rng(0).random((200, 30)) < 0.5)
    found = find_flip(decision, 100, rng(0), gains_lead=False)
    assert len(found.hide) == 10
    assert decision.evaluations <= 300


def test_where_nothing_changes_it_the_nearest_is_given():
    game = Game(lambda m: np.stack([2 + m[:, 0] + m[:, 1], np.ones(len(m))], axis=1), 14)
    found = find_flip(decision_of(game), 300, rng(0), gains_lead=False)
    assert {0, 1} <= set(found.hide)
    assert found.gain == -1.0
    assert not found.smallest


def known_changes(n_players, sets):
    return np.vstack([without(n_players, hide) for hide in sets])


def needle(n_players, hide):
    """Only exactly these, and their neighbours that hide more, change it; there is no slope."""

    def value(masks):
        lead = np.where((~masks[:, hide]).all(axis=1) & masks[:, 0], -1.0, 1.0)
        return np.stack([lead, -lead], axis=1)

    return Game(value, n_players)


def test_masks_that_are_known_to_change_it_are_begun_with():
    needed = list(range(2, 30, 3))
    game = needle(30, needed)
    known = known_changes(30, [range(1, 30), [*needed, 3, 4], [5, 6]])
    alone = find_flip(decision_of(game), 200, rng(0), gains_lead=False)
    helped = find_flip(decision_of(game), 200, rng(0), gains_lead=False, known=known)
    assert alone.gain < 0
    assert set(helped.hide) == set(needed)


@pytest.mark.parametrize("count", [1, 100, 2000])
def test_known_masks_of_any_number_leave_the_change_irreducible(count):
    """Among them may be the whole picture, and the same mask twice."""
    for seed in range(6):
        game = votes(40, seed) if seed % 2 else network_game(40, rng(seed))
        masks = rng(seed).random((count, 40)) < 0.5
        known = np.vstack([masks, masks[:1], np.ones((1, 40), bool), np.zeros((1, 40), bool)])
        found = find_flip(decision_of(game), 1024, rng(seed), gains_lead=False, known=known)
        alone = find_flip(decision_of(game), 1024, rng(seed), gains_lead=False)
        assert found.evaluations <= 1024
        assert len(found.hide) <= len(alone.hide)
        assert is_irreducible(game, set(found.hide))


def test_of_many_known_masks_only_as_many_are_looked_at_as_it_takes():
    game = threshold_game(np.ones(40), 30.5)
    known = rng(0).random((2000, 40)) < 0.5
    keys = {row.tobytes() for row in known}
    asked = []

    def value(masks):
        asked.extend(row.tobytes() for row in masks)
        return game(masks, remember=False)

    whole = np.ones((1, 40), bool)
    found = [
        find_flip(
            decision_of(Game(value, 40)), 1024, rng(0), gains_lead=False, known=masks, patient=False
        )
        for masks in (known, np.vstack([whole, known]))
    ]
    assert found[0] == found[1]  # the whole picture is none of them
    assert 3 <= sum(key in keys for key in asked) <= 2 * 100


def test_no_known_masks_are_none():
    game = votes(20, 0)
    none = np.ones((0, 20), bool)
    with_none = find_flip(decision_of(game), 300, rng(0), gains_lead=False, known=none)
    assert with_none == find_flip(decision_of(game), 300, rng(0), gains_lead=False)


def test_patience_spends_the_budget_and_is_never_worse():
    for seed in range(6):
        game = votes(25, seed)
        hasty = find_flip(decision_of(game), 1500, rng(0), gains_lead=False, patient=False)
        patient = find_flip(decision_of(game), 1500, rng(0), gains_lead=False)
        assert hasty.evaluations <= patient.evaluations
        assert len(patient.hide) <= len(hasty.hide)


def test_best_first_betters_what_halving_found():
    """Two strong ones are in each other's way; two weak ones together do it."""

    def value(masks):
        z = (~masks).astype(float)
        lead = (
            2 - 1.9 * np.maximum.reduce([z[:, 0], z[:, 1], z[:, 2]]) - 0.3 * z[:, 3:9].sum(axis=1)
        )
        lead -= 1.6 * z[:, 10] * z[:, 11]
        return np.stack([lead, -lead], axis=1)

    game = Game(value, 16)
    found = find_flip(decision_of(game), 2000, rng(0), gains_lead=False)
    sizes = [
        size for size in (1, 2) if any(flips(game, hide) for hide in combinations(range(16), size))
    ]
    assert len(found.hide) == min(sizes)


def test_the_members_that_undo_most_come_first():
    game = threshold_game([3.0, 1.0, 1.0, 1.0] + [0.1] * 16, 3.9)
    found = find_flip(decision_of(game), 1024, rng(0), gains_lead=False)
    assert found.hide[0] == 0
    assert found.irreducible


def test_where_nothing_comes_nearer_nothing_is_hidden():
    def value(masks):
        lead = np.where(masks.all(axis=1), 1.0, 2.0)
        return np.stack([lead, -lead], axis=1)

    found = find_flip(decision_of(Game(value, 20)), 200, rng(0), gains_lead=False)
    assert (found.hide, found.irreducible, found.smallest) == ((), False, False)
    assert found.gain < 0


def test_thousands_of_superpixels():
    game = threshold_game([1.0] * 3 + [0.0] * 4997, 2.5)
    found = find_flip(decision_of(game), 10_000, rng(0), gains_lead=False)
    assert (len(found.hide), found.smallest) == (1, True)
