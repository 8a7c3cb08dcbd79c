"""How far a rule holds: levels of hiding, and other pictures."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.decision import decision_of
from seewhy.game.game import Game
from seewhy.game.neighbourhood import Neighbourhood
from seewhy.game.robustness import LEVELS, levels_beyond, of_other_classes, transplants
from seewhy.game.toys import threshold_game


def rng(*seed):
    return np.random.default_rng(seed)


def around(game, hidden=0.5):
    return Neighbourhood((decision_of(game),), hidden)


def any_of(players, n_players):
    votes = np.zeros(n_players)
    votes[list(players)] = 1
    return threshold_game(votes, 0.5)


def levels(nearby, kept, threshold=0.95, *, seed=0, most=10_000):
    return levels_beyond(nearby, kept, threshold, rng(seed), most=most)


def test_levels_begin_above_the_rules_own_and_go_on_while_it_holds():
    found = levels(around(threshold_game([1.0] + [0.0] * 19, 0.5), 0.3), (0,))
    assert [level.hidden for level in found] == [h for h in LEVELS if h > 0.35]
    assert {level.precision for level in found} == {1.0}
    assert [level.draws for level in found] == [48] * 6 + [1]
    assert found[-1].standard_error == 0  # the rule alone is one picture
    assert 0 < found[0].standard_error < 0.05


def test_the_last_level_is_the_first_at_which_it_gives_way():
    """One of five others must be shown: it fails with probability p⁵."""
    game, last = any_of(range(5), 40), []
    for seed in range(10):
        found = levels(around(game, 0.2), (), seed=seed)
        assert all(level.precision >= 0.95 for level in found[:-1])
        assert found[-1].precision < 0.95
        last.append(found[-1].hidden)
    assert sorted(last)[4:6] == [0.6, 0.6]  # 1 − p⁵ is .99, .97, .92 from .4 on


def test_shares_are_the_precisions_of_their_levels():
    game = any_of(range(2), 30)
    for seed in range(20):
        for level in levels(around(game, 0.1), (), 0.05, seed=seed):
            truth = 1 - level.hidden**2
            assert abs(level.precision - truth) < 5 * level.standard_error + 1e-9


def test_a_level_far_below_the_threshold_is_not_paid_in_full():
    game = any_of([0], 30)
    (level,) = levels(around(game), ())
    assert level.draws == 16
    assert level.precision < 0.9


def test_where_few_masks_are_left_all_are_asked():
    game = any_of([0, 1], 5)
    found = levels(around(game), (), 0.5)  # 32 masks: its 1 − p²
    for level in found:
        assert level.precision == pytest.approx(1 - level.hidden**2)
        assert level.standard_error == 0
    assert [level.hidden for level in found] == [0.6, 0.7, 0.8]


def test_no_more_is_asked_than_allowed():
    for most in (0, 47, 48, 150, 250):
        nearby = around(threshold_game([1.0] + [0.0] * 29, 0.5))
        found = levels(nearby, (0,), most=most)
        assert nearby.evaluations <= most
        assert len(found) == min(most // 48, 5)


def picture(whole_is, alone_is, n_players=3):
    """Another picture, of a class of its own, in which player 0 shows through or not."""

    def value(masks):
        outputs = np.zeros((len(masks), 4))
        outputs[:, whole_is] = 1.0
        outputs[masks[:, 0], alone_is] += 2.0
        outputs[masks.all(axis=1), 1] += 9.0
        return outputs

    return Game(value, n_players)


def test_transplants_are_onto_pictures_of_other_classes():
    decision = decision_of(picture(whole_is=0, alone_is=1))
    assert decision.predicted == 1
    games = {
        "same": picture(whole_is=1, alone_is=1),
        "takes it": picture(whole_is=2, alone_is=1),
        "turns": picture(whole_is=2, alone_is=3),
        "tied": Game(lambda masks: np.tile([1.0, 1.0, 0.0, 0.0], (len(masks), 1)), 3),
    }
    others = of_other_classes({name: decision.elsewhere(game) for name, game in games.items()})
    assert list(others) == ["takes it", "turns", "tied"]  # a tie is not of that class
    found = transplants((0,), others)
    assert [(each.background, each.becomes, each.keeps) for each in found] == [
        ("takes it", 1, True),
        ("turns", 3, False),
        ("tied", 0, False),
    ]
    assert [each.keeps for each in transplants((1,), others)] == [False] * 3
    assert transplants((0,), {}) == ()


def test_another_picture_is_asked_twice_of_a_kind_it_is_transplanted_to():
    decision = decision_of(picture(whole_is=0, alone_is=1))
    others = of_other_classes({"a": decision.elsewhere(picture(whole_is=2, alone_is=1))})
    transplants((0,), others)
    assert others["a"].evaluations == 2
