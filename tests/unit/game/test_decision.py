"""Whether a class stays ahead: margins, ties, what is counted, and games that have no answer."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.decision import Decision, Verdicts, decision_of, lead
from seewhy.game.design import all_masks
from seewhy.game.game import Game
from seewhy.game.toys import linear_game, threshold_game

MASKS = all_masks(3).masks


def three_classes(*, sizes=None, portion=64):
    """Class 0 has what it gets from player 0, class 1 from player 1; class 2 has ½ always."""

    def value(masks):
        if sizes is not None:
            sizes.append(len(masks))
        return np.stack([3.0 * masks[:, 0], 2.0 * masks[:, 1], np.full(len(masks), 0.5)], axis=1)

    return Game(value, 3, portion=portion)


def mask(*kept):
    return np.isin(np.arange(3), kept)[None]


def test_a_lead_is_over_the_best_rival_in_float64():
    outputs = np.array([[1.0, 4.0, 2.5], [1e-3, -1.0, 1.0]], np.float32)
    assert lead(outputs, 1).tolist() == [1.5, -2.0]
    assert lead(outputs, 0, [2]).tolist() == [-1.5, float(np.float32(1e-3)) - 1.0]
    assert lead(outputs, 0, [1, 2]).tolist() == [-3.0, float(np.float32(1e-3)) - 1.0]
    assert outputs[0, 1] == 4.0  # not spoiled


def test_verdicts_say_by_how_much_and_who_wins():
    found = decision_of(three_classes())(np.vstack([mask(0, 1), mask(1), mask(2), mask(0)]))
    assert found.margins.tolist() == [1.0, -2.0, -0.5, 2.5]
    assert found.winners.tolist() == [0, 1, 2, 0]
    assert found.kept.tolist() == [True, False, False, True]
    assert found[1:3].winners.tolist() == [1, 2]
    again = Verdicts.joined([found[:1], found[np.array([3, 1])]])
    assert again.margins.tolist() == [1.0, 2.5, -2.0]


def test_a_tie_does_not_keep_the_prediction():
    decision = decision_of(threshold_game([1, 1], 1.0))
    found = decision(np.array([[True, False], [True, True]]))
    assert found.margins.tolist() == [0.0, 2.0]
    assert found.kept.tolist() == [False, True]


def test_masks_are_asked_in_portions_of_the_games_size_and_told():
    sizes, told = [], []
    decision = decision_of(three_classes(sizes=sizes, portion=3))
    decision.listener = lambda: told.append(decision.evaluations)
    found = decision(MASKS)
    assert max(sizes) == 3
    assert told == [3, 6, 8]
    whole = decision_of(three_classes())(MASKS)
    assert found.margins.tolist() == whole.margins.tolist()
    assert found.winners.tolist() == whole.winners.tolist()


def test_different_masks_are_counted_whatever_the_game_remembers():
    game = three_classes()
    game(MASKS)
    decision = decision_of(game)
    assert decision.evaluations == 0
    decision(MASKS[[1, 2, 1]])
    decision(MASKS[[2, 3]])
    assert decision.evaluations == 3
    assert decision.fresh(MASKS[[3, 4, 5, 4]]) == 2
    assert decision.evaluations == 3
    assert game.evaluations == len(MASKS)


def test_no_masks_have_no_verdicts():
    decision = decision_of(three_classes())
    assert decision(MASKS[:0]).margins.shape == (0,)
    assert decision.evaluations == 0


def test_the_same_can_be_asked_of_another_game():
    decision = decision_of(three_classes().view("raw", target=0, against=2))
    other = decision.elsewhere(threshold_game([1, 1, 1], 2.5))
    assert (other.predicted, other.against) == (0, 2)
    assert other.evaluations == 0
    assert other.n_players == decision.n_players == 3


def test_it_is_about_the_class_that_leads_with_everything_kept():
    game = three_classes()
    assert (decision_of(game).predicted, decision_of(game).against) == (0, None)
    of_another = game.view("raw", target=1)  # what it explains is not what is kept
    assert (decision_of(of_another).predicted, decision_of(of_another).against) == (0, None)
    assert decision_of(game).n_classes == 3


def test_against_a_class_only_that_class_counts():
    game = three_classes()
    against_1 = decision_of(game.view("raw", target=0, against=1))
    against_2 = decision_of(game.view("raw", target=1, against=2))  # second on the whole
    assert (against_2.predicted, against_2.against) == (1, 2)
    assert against_1(mask(2)).margins.tolist() == [0.0]  # a tie, though class 2 leads
    assert against_2(mask(0, 1)).margins.tolist() == [1.5]
    found = against_2(mask(0, 1))
    assert found.kept.tolist() == [True]
    assert found.winners.tolist() == [0]


def test_games_without_an_answer_are_refused():
    with pytest.raises(InputError, match=r"^game must have at least two columns .* got one, which"):
        decision_of(linear_game([1.0, 2.0]).game())
    tied = Game(lambda masks: np.zeros((len(masks), 4)), 3)
    with pytest.raises(InputError, match=r"whole picture; it ranks 0 and 1 equally"):
        decision_of(tied)
    two = three_classes().view("raw", target=[0, 1], against=2)
    with pytest.raises(InputError, match=r"^target must be one class .* got 2$"):
        decision_of(two)
    behind = three_classes().view("raw", target=1, against=0)
    with pytest.raises(
        InputError, match=r"it gives class 0 no less than class 1: hold them the other way round$"
    ):
        decision_of(behind)


def test_a_tie_of_others_than_the_first_does_not_matter():
    game = Game(lambda masks: np.tile([1.0, 3.0, 1.0], (len(masks), 1)), 3)
    assert decision_of(game).predicted == 1


def test_a_decision_can_be_about_any_class():
    found = Decision(three_classes(), 1)(np.vstack([mask(0, 1), mask(1)]))
    assert found.margins.tolist() == [-1.0, 1.5]
