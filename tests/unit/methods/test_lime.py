from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from seewhy.errors import InputError
from seewhy.game.design import Law, join
from seewhy.game.game import Game
from seewhy.game.toys import linear_game, random_game
from seewhy.methods.lime import Lime

truth = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def rng(seed=0):
    return np.random.default_rng(seed)


def hard_game(n_players, seed=0):
    return random_game(n_players, rng(seed), interactions=300, largest=3, strength=0.5)


def same(first, second):
    """Byte-equal but for the seconds."""
    for field in fields(first):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            assert a.tobytes() == b.tobytes(), field.name
        elif field.name != "seconds":
            assert a == b, field.name


@truth
@given(st.integers(1, 45), st.integers(8, 400), st.sampled_from(["fold-over", "random"]))
def test_a_number_is_spent_fully_and_never_exceeded(n_players, budget, design):
    game = linear_game(np.arange(1.0, n_players + 1)).game()
    if design == "random" and budget <= n_players:
        with pytest.raises(InputError, match=f"larger than the number of players, {n_players}"):
            Lime(budget=budget, design=design)(game, rng())
        return
    found = Lime(budget=budget, design=design)(game, rng())
    assert game.evaluations <= found.evaluations <= budget + 2
    if 2**n_players <= budget:
        assert game.evaluations == found.evaluations == 2**n_players
    elif design == "random":
        assert found.evaluations == budget + 2
    else:
        # pairs of masks: of an odd number one mask is left
        assert found.evaluations == budget - budget % 2 + 2


@pytest.mark.parametrize("budget", [64, 128, 256, 1000])
def test_a_number_does_not_stop_early_on_an_easy_game(budget):
    game = linear_game([5.0, *np.zeros(29)]).game()
    found = Lime(budget=budget)(game, rng())
    assert found.evaluations == budget + 2
    assert found.converged.all()


def test_auto_stops_early_on_an_easy_game():
    game = linear_game(rng().standard_normal(40)).game()
    found = Lime()(game, rng())
    assert found.converged.all()
    assert found.evaluations == game.evaluations == 2 + 128 + 32


@pytest.mark.parametrize("n_players", [20, 40, 100, 300])
def test_auto_spends_1024_masks_on_a_hard_game_and_says_that_it_has_not_converged(n_players):
    game = hard_game(n_players).game()
    found = Lime(epsilon=1e-9, top_regions=n_players)(game, rng())
    assert not found.converged.any()
    assert found.evaluations == 1026
    assert 0 <= found.evaluations - game.evaluations < 40  # a few masks of 20 players come twice


def test_auto_of_the_papers_design_stops_early_too():
    easy = Lime(design="random")(linear_game([9.0, *np.ones(29)]).game(), rng())
    assert easy.converged.all()
    assert easy.evaluations < 1026
    hard = Lime(design="random", epsilon=1e-9, top_regions=30)(hard_game(30).game(), rng())
    assert not hard.converged.any()
    assert hard.evaluations == 1026


def test_tighter_epsilon_costs_more_and_delivers_smaller_errors():
    game = hard_game(40)
    coarse, fine = (
        Lime(epsilon=epsilon, top_regions=40)(game.game(), rng()) for epsilon in (0.1, 0.02)
    )
    assert coarse.evaluations < fine.evaluations
    for found, epsilon in ((coarse, 0.1), (fine, 0.02)):
        assert found.converged.all()
        assert found.standard_error.max() <= epsilon * np.abs(found.values).max()


def test_separated_top_regions_are_enough():
    # three giants over a sea of interactions: errors stay large, but the order is clear
    game = hard_game(30)
    giants = {(j,): 40.0 + j for j in (4, 11, 23)}
    game = replace(game, coefficients={**game.coefficients, **giants})
    found = Lime(epsilon=1e-9, top_regions=3)(game.game(), rng())
    assert found.converged.all()
    assert found.evaluations < 1026
    assert sorted(found.top(3)) == [4, 11, 23]


class TwoColumns:
    """An easy column and a hard one; ``first`` says which of them is larger when all is kept."""

    def __init__(self, first):
        self.easy = linear_game([50.0, *np.zeros(29)])
        self.hard = hard_game(30)
        self.lead = 500.0 if first == "hard" else -500.0

    def __call__(self, masks):
        return np.hstack([self.easy(masks), self.hard(masks) + self.lead])


@pytest.mark.parametrize(("first", "evaluations"), [("easy", 2 + 128 + 32), ("hard", 1026)])
def test_of_a_bare_game_the_largest_column_decides_when_to_stop(first, evaluations):
    value = TwoColumns(first)
    game = Game(value, 30)
    everything = game(np.ones((1, 30), bool))[0]
    assert everything.argmax() == ("easy", "hard").index(first)
    found = Lime(epsilon=0.01, top_regions=30)(game, rng())
    assert found.evaluations == evaluations
    assert found.values.shape == (30, 2)


def test_of_a_view_every_target_decides_when_to_stop():
    lime = Lime(epsilon=0.01, top_regions=30)
    easy = lime(Game(TwoColumns("easy"), 30).view("raw", target=0), rng())
    both = lime(Game(TwoColumns("easy"), 30).view("raw", target=[0, 1]), rng())
    assert easy.evaluations == 2 + 128 + 32
    assert both.evaluations > easy.evaluations


def test_progress_rises_to_its_total_and_changes_nothing():
    events = []
    lime = Lime(budget=300)
    watched = lime(hard_game(40).game(), rng(), progress=events.append)
    same(watched, lime(hard_game(40).game(), rng()))
    assert {event.stage for event in events} == {"lime: asking the model"}
    done = [event.done for event in events]
    assert done == [64, 128, 192, 256, 300, 300]
    assert {event.total for event in events} == {300}


def test_progress_ends_complete_when_auto_stops_early():
    events = []
    found = Lime(name="quick")(linear_game(np.ones(40)).game(), rng(), progress=events.append)
    assert events[0].total == 1024
    assert events[0].stage == "quick: asking the model"
    assert events[-1].done == events[-1].total == found.evaluations - 2
    assert all(a.done <= b.done for a, b in pairwise(events))


@pytest.mark.parametrize("design", ["fold-over", "random"])
@pytest.mark.parametrize("budget", ["auto", 200])
def test_one_seed_gives_equal_bytes_and_another_does_not(design, budget):
    lime = Lime(design=design, budget=budget)
    first, second, other = (lime(hard_game(30).game(), rng(seed)) for seed in (1, 1, 2))
    same(first, second)
    assert not np.array_equal(first.values, other.values)


def test_masks_already_paid_for_are_free_and_change_nothing():
    game = hard_game(30).game()
    alone = Lime(budget=128)(game, rng())
    paid = game.evaluations
    again = Lime(budget=128)(game, rng())
    assert game.evaluations == paid
    same(alone, again)


def test_neighbours_are_taken_from_the_game():
    chain = np.eye(30, k=1) + np.eye(30, k=-1)
    value = hard_game(30)
    plain = Lime(budget=64)(Game(value, 30), rng())
    aware = Lime(budget=64)(Game(value, 30, affinity=chain), rng())
    planned = join(Lime(budget=64).plan(30, rng(), affinity=chain))
    scores = value(planned.masks).astype(np.float32).astype(np.float64)
    expected = Lime(budget=64).estimate(planned, scores)
    assert not np.array_equal(plain.values, aware.values)
    assert np.array_equal(aware.values, expected.values)


def test_planning_asks_nothing_and_estimating_is_the_rest_of_the_call():
    lime, game = Lime(budget=96), hard_game(30).game()
    design = join(lime.plan(30, rng()))
    assert design.budget == 96
    assert design.masks[0].all()
    assert not design.masks[1].any()
    view = game.view("raw", target=0)
    by_hand = lime.estimate(design, view(design.masks), targets=(0,))
    same(by_hand, lime(view, rng()))
    assert by_hand.seconds == 0.0
    assert lime(view, rng()).seconds > 0


def test_estimates_number_their_targets_unless_told():
    lime, game = Lime(budget=64), hard_game(20)
    design = join(lime.plan(20, rng()))
    scores = np.repeat(game(design.masks), 2, axis=1)
    assert lime.estimate(design, scores).targets == (0, 1)
    assert lime.estimate(design, scores, targets=(7, 3)).targets == (7, 3)


@pytest.mark.parametrize(
    ("lime", "n_players", "laws"),
    [
        (Lime(), 10, {Law.ENDS, Law.ALL}),
        (Lime(), 11, {Law.ENDS, Law.FOLD_OVER, Law.PAIRS}),
        (Lime(budget=64), 6, {Law.ENDS, Law.ALL}),
        (Lime(budget=64), 7, {Law.ENDS, Law.FOLD_OVER}),
        (Lime(budget=64), 40, {Law.ENDS, Law.PAIRS}),
        (Lime(design="random"), 40, {Law.ENDS, Law.BERNOULLI, Law.PAIRS}),
        (Lime(design="random", budget=64), 40, {Law.ENDS, Law.BERNOULLI}),
    ],
)
def test_the_plan_is_chosen_by_players_and_budget(lime, n_players, laws):
    design = join(lime.plan(n_players, rng()))
    assert set(design.laws.tolist()) == {str(law) for law in laws}


def test_a_lime_is_a_frozen_value():
    assert Lime() == Lime(budget="auto")
    assert Lime() != Lime(budget=64)
    assert Lime().name == "lime"
    with pytest.raises(FrozenInstanceError):
        Lime().budget = 3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"budget": 7}, r"budget must be 'auto' or a whole number of at least 8 masks; got 7"),
        (
            {"budget": 64.0},
            r"budget must be 'auto' or a whole number of at least 8 masks; got 64.0",
        ),
        (
            {"budget": "all"},
            r"budget must be 'auto' or a whole number of at least 8 masks; got 'all'",
        ),
        ({"design": "sobol"}, r"design must be 'fold-over' or 'random'; got 'sobol'"),
        ({"epsilon": 0.0}, r"epsilon must be positive; got 0.0"),
        ({"epsilon": float("nan")}, r"epsilon must be positive; got nan"),
        ({"kernel_width": -1.0}, r"kernel_width must be positive; got -1.0"),
        ({"top_regions": 0}, r"top_regions must be a whole number of at least 1; got 0"),
        ({"top_regions": 2.5}, r"top_regions must be a whole number of at least 1; got 2.5"),
        ({"ridge": -0.5}, r"ridge must not be negative; got -0.5"),
    ],
)
def test_bad_settings_are_said_in_a_sentence(setting, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        Lime(**setting)


@pytest.mark.parametrize("budget", [64, 600])
def test_the_number_of_blas_threads_changes_nothing(budget):
    found = []
    for threads in (1, 2):
        game = random_game(20, rng(), interactions=200).game()
        with threadpool_limits(threads, user_api="blas"):
            found.append(Lime(budget=budget)(game, rng()))
    same(*found)
