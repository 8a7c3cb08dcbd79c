from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError, ModelError
from seewhy.game.design import all_masks
from seewhy.game.game import Game, as_view


class Counting:
    """A two-column value that records every mask it is asked about."""

    def __init__(self, n_players):
        self.weights = np.arange(1.0, n_players + 1)
        self.asked = []

    def __call__(self, masks):
        self.asked.extend(map(tuple, masks.tolist()))
        total = masks @ self.weights
        return np.stack([total, -total], axis=1)


def log_probabilities(logits):
    """A game of one player per class that keeps or drops its logit."""

    def value(masks):
        shown = masks * logits
        return shown - np.log(np.exp(shown).sum(axis=1, keepdims=True))

    return Game(value, len(logits), columns="log-probability")


MASKS = all_masks(3).masks


def test_what_is_remembered_comes_back_in_the_order_paid():
    game = Game(Counting(11), 11)
    assert game.remembered()[0].shape == (0, 11)
    masks = np.random.default_rng(0).random((5, 11)) < 0.5
    values = game(masks)
    game(masks[[2]])
    game(~masks, remember=False)
    again, known = game.remembered()
    assert (again == masks).all()
    assert (known == values).all()
    known[:] = 0  # a copy: the memory stays
    assert (game(masks) == values).all()


def test_values_come_back_as_float32_in_the_order_asked():
    game = Game(Counting(3), 3)
    values = game(MASKS[[5, 1, 7]])
    assert values.dtype == np.float32
    assert values.tolist() == [[4, -4], [1, -1], [6, -6]]


def test_each_mask_is_paid_once_within_a_call_and_between_calls():
    value = Counting(3)
    game = Game(value, 3)
    first = game(MASKS[[1, 2, 1, 1]])
    assert first[:, 0].tolist() == [1, 2, 1, 1]
    assert game.evaluations == 2
    second = game(MASKS[[2, 3, 1]])
    assert second[:, 0].tolist() == [2, 3, 1]
    assert game.evaluations == 3
    assert value.asked == [tuple(row) for row in MASKS[[1, 2, 3]].tolist()]


def test_a_stream_pays_for_every_row_and_is_not_remembered():
    value = Counting(3)
    game = Game(value, 3)
    assert game(MASKS[[1, 1]], remember=False)[:, 0].tolist() == [1, 1]
    assert game.evaluations == 2
    game(MASKS[[1]])
    assert game.evaluations == 3
    assert len(value.asked) == 3


def test_masks_are_told_apart_at_any_width():
    # packed bits of 9 players fill two bytes; the last player alone must make a difference
    masks = np.zeros((2, 9), bool)
    masks[1, 8] = True
    game = Game(Counting(9), 9)
    assert game(masks)[:, 0].tolist() == [0, 9]
    assert game.evaluations == 2


def test_the_memory_grows_and_forgets_nothing():
    masks = all_masks(11).masks
    game = Game(Counting(11), 11)
    order = np.random.default_rng(0).permutation(len(masks))
    for part in np.array_split(order, 37):
        game(masks[part])
    assert game.evaluations == len(masks)
    assert np.array_equal(game(masks)[:, 0], masks @ np.arange(1.0, 12))
    assert game.evaluations == len(masks)


def test_what_comes_back_is_a_copy_of_the_memory():
    game = Game(Counting(3), 3)
    game(MASKS)[:] = 99
    assert game(MASKS[[1]])[0, 0] == 1


def test_no_masks_are_no_values_once_the_game_was_asked():
    game = Game(Counting(3), 3)
    game(MASKS[:1])
    assert game(MASKS[:0]).shape == (0, 2)
    assert game.evaluations == 1


def test_a_column_is_a_plain_function_of_one_mask_or_many():
    game = Game(Counting(3), 3)
    negative = game.column(1)
    assert negative(np.array([1, 0, 1])).tolist() == [-4]
    assert negative(MASKS[[2, 3]]).tolist() == [-2, -3]
    assert negative(MASKS).dtype == np.float64
    assert game.evaluations == len(MASKS)


def test_views_share_what_is_paid_with_the_game_and_each_other():
    game = log_probabilities(np.array([2.0, 1.0, 0.0]))
    odds = game.view("log-odds", target=[0, 2])
    odds(MASKS)
    game.view("probability", target=1, against=None)(MASKS)
    game.view("log-odds", target=0, against=1)(MASKS)
    game(MASKS)
    assert game.evaluations == odds.evaluations == len(MASKS)


def test_a_view_forms_its_scores_in_float64():
    game = log_probabilities(np.array([2.0, 1.0, 0.0]))
    view = game.view("probability", target=[2, 0])
    scores = view(MASKS)
    assert scores.dtype == np.float64
    assert scores.shape == (8, 2)
    assert np.array_equal(scores, np.exp(game(MASKS)[:, [2, 0]].astype(np.float64)))
    assert view.n_players == 3
    assert view.targets == (2, 0)
    assert view(MASKS[:1], remember=False).shape == (1, 2)
    assert view.evaluations == 9


def test_a_views_column_is_the_score_of_one_target():
    game = log_probabilities(np.array([1.0, 2.0, 3.0]))
    view = game.view("log-odds", target=[2, 0])
    column = view.column(1)
    np.testing.assert_array_equal(column(MASKS), view(MASKS)[:, 1])
    assert column(np.array([1, 0, 1])).shape == (1,)
    with pytest.raises(InputError, match="column must be from 0 to 1; got 2"):
        view.column(2)(MASKS)


def test_probabilities_have_log_odds_behind_them_and_nothing_else_has():
    game = log_probabilities(np.array([1.0, 2.0, 3.0]))
    view = game.view("probability", target=[2, 0])
    log_odds = view.log_odds(MASKS)
    np.testing.assert_allclose(1 / (1 + np.exp(-log_odds)), view(MASKS), rtol=1e-6)
    paid = game.evaluations
    view.log_odds(MASKS)
    assert game.evaluations == paid
    assert game.view("log-odds", target=2).log_odds(MASKS) is None
    assert game.view("probability", target=2, against=1).log_odds(MASKS) is None
    assert as_view(Game(Counting(3), 3)).log_odds(MASKS) is None


def test_a_bare_game_is_the_view_of_all_its_columns():
    raw = as_view(Game(Counting(3), 3))
    assert (raw.score, raw.targets) == ("raw", (0, 1))
    classes = as_view(log_probabilities(np.array([2.0, 1.0, 0.0])))
    assert (classes.score, classes.targets) == ("log-odds", (0, 1, 2))
    assert as_view(classes) is classes


def test_affinity_is_kept_as_a_constant_matrix_without_diagonal_and_inherited():
    affinity = np.ones((3, 3), bool)
    game = Game(Counting(3), 3, affinity=affinity)
    assert game.affinity.dtype == np.float64
    assert np.array_equal(game.affinity, np.ones((3, 3)) - np.eye(3))
    assert game.view("raw", target=0).affinity is game.affinity
    affinity[:] = False
    assert game.affinity.any()
    with pytest.raises(ValueError, match="read-only"):
        game.affinity[0, 1] = 2


def test_areas_are_shares_of_the_picture_and_equal_unless_they_are_given():
    assert Game(Counting(4), 4).areas.tolist() == [0.25] * 4
    shares = np.array([0.5, 0.25, 0.0])
    game = Game(Counting(3), 3, areas=shares)
    shares[:] = 1
    assert game.areas.tolist() == [0.5, 0.25, 0.0]
    assert game.view("raw", target=0).areas is game.areas
    with pytest.raises(ValueError, match="read-only"):
        game.areas[0] = 0.1
    whole = Game(Counting(3), 3, areas=np.full(3, np.float32(1 / 3)))  # rounding is forgiven
    assert whole.areas.dtype == np.float64


def test_time_spent_in_the_model_is_added_up():
    game = Game(Counting(3), 3)
    assert game.seconds == 0
    game(MASKS)
    spent = game.seconds
    assert spent > 0
    game(MASKS)
    assert game.seconds == spent


@pytest.mark.parametrize(
    ("answer", "shape"),
    [
        (lambda masks: np.zeros(len(masks)), r"\(2, k\) for 2 masks; got \(2,\)"),
        (lambda masks: np.zeros((len(masks) + 1, 4)), r"\(2, k\) for 2 masks; got \(3, 4\)"),
        (lambda masks: np.zeros((len(masks), 0)), r"\(2, k\) for 2 masks; got \(2, 0\)"),
    ],
)
def test_answers_of_the_wrong_shape_are_named(answer, shape):
    with pytest.raises(
        ModelError, match=f"^the game's value must return an array of shape {shape}$"
    ):
        Game(answer, 3)(MASKS[:2])


def test_answers_whose_width_changes_are_named():
    widths = iter([2, 3])
    game = Game(lambda masks: np.zeros((len(masks), next(widths))), 3)
    game(MASKS[:1])
    with pytest.raises(ModelError, match=r"shape \(1, 2\) for 1 masks; got \(1, 3\)$"):
        game(MASKS[1:2])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e39])
def test_answers_that_are_not_finite_in_float32_are_counted_and_not_kept(wrong):
    def value(masks):
        values = np.ones((len(masks), 2))
        values[masks[:, 0], 1] = wrong
        return values

    game = Game(value, 3)
    with pytest.raises(
        ModelError,
        match=r"^the model answered NaN or infinity for 4 of 8 masked pictures; "
        r"check its preprocessing and precision \(float16 often overflows\)$",
    ):
        game(MASKS)
    assert game.evaluations == 0
    assert game(MASKS[[0]]).tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("masks", "came"),
    [
        (np.ones((2, 4), bool), r"bool \(2, 4\)"),
        (np.ones(3, bool), r"bool \(3,\)"),
        (np.ones((2, 3)), r"float64 \(2, 3\)"),
    ],
)
def test_masks_of_another_game_are_refused(masks, came):
    with pytest.raises(
        InputError,
        match=rf"^masks must be a bool array of shape \(n, 3\), one column per player; "
        rf"got {came}; was this design drawn for another game\?$",
    ):
        Game(Counting(3), 3)(masks)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_players": 0}, "n_players must be at least 1; got 0"),
        (
            {"n_players": 3, "columns": "logits"},
            "columns must be 'raw' or 'log-probability'; got 'logits'",
        ),
        (
            {"n_players": 3, "affinity": np.ones((2, 2))},
            r"affinity must have shape \(3, 3\), players by players; got \(2, 2\)",
        ),
        (
            {"n_players": 3, "affinity": np.triu(np.ones((3, 3)))},
            "affinity must be symmetric and non-negative; "
            "use 0 for players that are not neighbours",
        ),
        (
            {"n_players": 3, "affinity": -np.ones((3, 3))},
            "affinity must be symmetric and non-negative; "
            "use 0 for players that are not neighbours",
        ),
        (
            {"n_players": 3, "areas": [0.2, 0.8]},
            r"areas must be 3 shares of the picture, from 0 to 1 in all; got shape \(2,\), sum 1",
        ),
        (
            {"n_players": 3, "areas": [0.5, 0.5, 0.5]},
            r"areas must be 3 shares of the picture, from 0 to 1 in all; got shape \(3,\), sum 1.5",
        ),
        (
            {"n_players": 3, "areas": [0.5, -0.5, 0.5]},
            r"areas must be 3 shares of the picture, from 0 to 1 in all; got shape \(3,\), sum 0.5",
        ),
        (
            {"n_players": 3, "areas": [0.5, np.nan, 0.5]},
            r"areas must be 3 shares of the picture, from 0 to 1 in all; got shape \(3,\), sum nan",
        ),
    ],
)
def test_bad_settings_are_said_in_a_sentence(settings, message):
    with pytest.raises(InputError, match=f"^{message}$"):
        Game(Counting(3), **settings)


def test_raw_outputs_have_no_log_odds():
    with pytest.raises(
        InputError,
        match=r"^score must be 'raw' for a game with raw outputs; got 'log-odds', which needs a "
        r"game whose columns are log-probabilities: Game\(\.\.\., columns='log-probability'\)$",
    ):
        Game(Counting(3), 3).view("log-odds", target=0)


def test_a_view_of_nothing_is_refused():
    with pytest.raises(
        InputError, match=r"^target must name at least one column; got an empty list$"
    ):
        Game(Counting(3), 3).view("raw", target=[])
