from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seewhy.errors import InputError
from seewhy.game.design import Law, ends, join
from seewhy.game.game import Game
from seewhy.game.toys import linear_game, random_game
from seewhy.methods.permutation_shap import PermutationShap

truth = settings(
    max_examples=30,
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
            assert a.tobytes() == b.tobytes(), field.name
        elif field.name != "seconds":
            assert a == b, field.name


@truth
@given(st.integers(1, 40), st.integers(8, 500))
def test_a_number_pays_for_as_many_whole_walks_as_it_affords(n_players, budget):
    game = linear_game(np.arange(1.0, n_players + 1)).game()
    pair = 2 * (n_players - 1)
    if 2**n_players <= budget:
        found = PermutationShap(budget=budget)(game, rng())
        assert found.evaluations == game.evaluations == 2**n_players
        assert found.standard_error is None
    elif budget < pair:
        with pytest.raises(
            InputError,
            match=rf"^budget must be at least {pair} masks for one walk through {n_players} ",
        ):
            PermutationShap(budget=budget)(game, rng())
    else:
        found = PermutationShap(budget=budget)(game, rng())
        assert found.evaluations == budget // pair * pair + 2
        assert game.evaluations <= found.evaluations


def test_values_are_shapley_values_within_their_error_bars():
    covered = []
    for seed in range(20):
        game = hard_game(25, seed)
        found = PermutationShap(budget=500)(game.game(), rng(seed))
        low, high = found.interval(0.9)
        inside = (low[:, 0] <= game.shapley_values()) & (game.shapley_values() <= high[:, 0])
        covered.append(inside)
        assert found.base_value[0] == pytest.approx(game(ends(25).masks)[1, 0])
    assert 0.87 < np.mean(covered) < 0.96


@pytest.mark.parametrize("budget", [76, 300, "auto"])
def test_values_add_up_to_the_last_bit_that_matters(budget):
    game = hard_game(30)
    found = PermutationShap(budget=budget)(game.game(), rng())
    whole, empty = game.game()(ends(30).masks)[:, 0].astype(float)
    assert abs(found.values.sum() - (whole - empty)) < 1e-9


def test_few_superpixels_are_enumerated_with_interactions():
    game = random_game(8, rng(1), interactions=20)
    found = PermutationShap()(game.game(), rng())
    np.testing.assert_allclose(found.values[:, 0], game.shapley_values(), atol=1e-5)
    assert found.standard_error is None
    assert found.converged.all()
    assert found.interactions.shape == (8, 8, 1)


def test_auto_stops_early_on_an_easy_game_and_spends_1024_on_a_hard_one():
    easy = PermutationShap()(linear_game(rng().standard_normal(40)).game(), rng())
    assert easy.converged.all()
    assert easy.evaluations == 2 + 3 * 78
    hard = PermutationShap(epsilon=1e-9, top_regions=40)(hard_game(40).game(), rng())
    assert not hard.converged.any()
    assert hard.evaluations == 2 + 1024 // 78 * 78


def test_too_many_superpixels_for_auto_are_refused_with_what_it_takes():
    with pytest.raises(
        InputError, match=r"^budget must be at least 1198 masks for one walk .* got 1024: raise it"
    ):
        PermutationShap()(linear_game(np.ones(600)).game(), rng())


def test_every_target_is_answered_from_the_same_walks():
    one, two = hard_game(20, 1), hard_game(20, 2)
    both = Game(lambda masks: np.hstack([one(masks), two(masks)]), 20)
    found = PermutationShap(budget=200)(both, rng())
    alone = PermutationShap(budget=200)(two.game(), rng())
    assert found.targets == (0, 1)
    np.testing.assert_allclose(found.values[:, [1]], alone.values, atol=1e-12)
    seen = PermutationShap(budget=200)(both.view("raw", target=1), rng())
    assert seen.targets == (1,)
    assert np.array_equal(seen.values, found.values[:, [1]])


def test_planning_asks_nothing_and_estimating_is_the_rest_of_the_call():
    method, game = PermutationShap(budget=160), hard_game(30).game()
    design = join(method.plan(30, rng(), affinity=np.ones((30, 30))))
    assert set(design.laws.tolist()) == {Law.ENDS, Law.WALKS}
    view = game.view("raw", target=0)
    by_hand = method.estimate(design, view(design.masks), targets=(0,))
    same(by_hand, method(view, rng()))
    assert method(view, rng()).seconds > 0
    assert method.estimate(design, view(design.masks)).targets == (0,)


def test_one_seed_gives_equal_bytes_and_another_does_not():
    method = PermutationShap(budget=200)
    first, second, other = (method(hard_game(30).game(), rng(seed)) for seed in (1, 1, 2))
    same(first, second)
    assert not np.array_equal(first.values, other.values)


def test_progress_rises_to_its_total():
    events = []
    found = PermutationShap(name="orders")(
        linear_game(np.ones(40)).game(), rng(), progress=events.append
    )
    assert {event.stage for event in events} == {"orders: asking the model"}
    assert events[0].total == 1024
    assert events[-1].done == events[-1].total == found.evaluations - 2


def test_a_game_that_changes_by_rounding_alone_is_constant():
    noise = rng().random(2**12)
    game = Game(lambda masks: 5 + 1e-6 * noise[masks.sum(axis=1)][:, None], 12)
    found = PermutationShap(budget=100)(game, rng())
    assert np.array_equal(found.values, np.zeros((12, 1)))
    assert found.converged.all()


def test_it_is_a_frozen_value_that_shares_no_design():
    assert PermutationShap() == PermutationShap(budget="auto")
    assert PermutationShap().name == "permutation-shap"
    assert PermutationShap.reading == "share"
    assert not PermutationShap().answers_from_any_pairs
    with pytest.raises(FrozenInstanceError):
        PermutationShap().budget = 3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"budget": 7}, r"budget must be 'auto' or a whole number of at least 8 masks; got 7"),
        ({"budget": 9.5}, r"budget must be 'auto' or a whole number of at least 8 masks; got 9.5"),
        ({"epsilon": 0.0}, r"epsilon must be positive; got 0.0"),
        ({"top_regions": 0}, r"top_regions must be a whole number of at least 1; got 0"),
    ],
)
def test_bad_settings_are_said_in_a_sentence(setting, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        PermutationShap(**setting)
