from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from seewhy.game.design import bernoulli_pairs, ends
from seewhy.game.driver import pay_until_converged
from seewhy.game.game import Game


@dataclass
class Seen:
    """An estimate that records what it was made of, and is settled after so many masks."""

    masks: np.ndarray
    scores: np.ndarray
    converged: np.ndarray


class Recording:
    """A value of two columns that notes the size of every batch."""

    def __init__(self):
        self.batches = []

    def __call__(self, masks):
        self.batches.append(len(masks))
        return np.stack([masks.sum(axis=1), masks[:, 0]], axis=1).astype(float)


def estimator(needed, calls):
    def estimate(design, scores):
        calls.append(len(design))
        enough = np.array([design.budget >= n for n in needed])
        return Seen(design.masks, scores, enough)

    return estimate


def plan(*pairs, n_players=30):
    rng = np.random.default_rng(0)
    yield ends(n_players)
    for count in pairs:
        yield bernoulli_pairs(n_players, count, rng)


def view_of(value):
    return Game(value, 30).view("raw", target=[0, 1])


def pay(view, blocks, needed, watch, **settings):
    calls = []
    result = pay_until_converged(view, blocks, estimator(needed, calls), watch=watch, **settings)
    return *result, calls


def test_a_fixed_plan_is_paid_to_its_end_and_estimated_once():
    value = Recording()
    seen, design, calls = pay(view_of(value), plan(10, 20, 30), (0, 0), None)
    assert design.budget == 120
    assert calls == [122]
    assert sum(value.batches) == 122
    assert np.array_equal(seen.masks, design.masks)
    assert np.array_equal(seen.scores[:, 0], design.masks.sum(axis=1))


@pytest.mark.parametrize(("watch", "budget"), [([0], 20), ([1], 60), ([0, 1], 60), ([], 20)])
def test_payments_end_when_every_watched_target_is_settled(watch, budget):
    value = Recording()
    seen, design, calls = pay(view_of(value), plan(10, 20, 30), (20, 60), watch)
    assert design.budget == budget
    assert sum(value.batches) == budget + 2
    assert calls == [22, 62][: len(calls)]
    assert len(seen.scores) == budget + 2


def test_an_unsettled_plan_ends_with_all_of_it():
    seen, design, calls = pay(view_of(Recording()), plan(10, 20), (999, 999), [0])
    assert design.budget == 60
    assert calls == [22, 62]
    assert not seen.converged.any()


def test_nothing_is_estimated_from_the_ends_alone_unless_there_is_nothing_else():
    *_, calls = pay(view_of(Recording()), plan(10), (0, 0), [0])
    assert calls == [22]
    _, design, calls = pay(view_of(Recording()), plan(0), (0, 0), [0])
    assert (design.budget, calls) == (0, [2])


def test_what_is_paid_is_told_in_rising_numbers_up_to_the_budget():
    told = []
    _, design, _ = pay(view_of(Recording()), plan(50, 100), (0, 0), None, on_paid=told.append)
    assert told == [64, 100, 164, 228, 292, 300]
    assert told[-1] == design.budget


def test_being_watched_changes_no_batch_and_no_score():
    alone, watched = Recording(), Recording()
    first, *_ = pay(view_of(alone), plan(50, 100), (0, 0), None)
    second, *_ = pay(view_of(watched), plan(50, 100), (0, 0), None, on_paid=lambda paid: None)
    assert alone.batches == watched.batches
    assert max(alone.batches) == view_of(alone).portion
    assert np.array_equal(first.scores, second.scores)


def test_remembered_masks_are_free():
    value = Recording()
    view = view_of(value)
    pay(view, plan(10, 20), (0, 0), None)
    pay(view, plan(10, 20, 30), (0, 0), None)
    assert sum(value.batches) == 122
