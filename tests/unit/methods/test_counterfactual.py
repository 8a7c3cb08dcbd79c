"""Counterfactuals: what a change says, whose class it makes first, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax

from seewhy.errors import InputError
from seewhy.game.game import Game
from seewhy.game.toys import linear_game, network_game, threshold_game
from seewhy.methods.counterfactual import Counterfactual


def rng(*seed):
    return np.random.default_rng(seed)


def outputs_without(game, hide):
    mask = np.ones((1, game.n_players), bool)
    mask[0, list(hide)] = False
    return game(mask, remember=False)[0].astype(np.float64)


def supported(n_players=6, *, log=True, areas=None):
    """Four classes: 0 lives on players 0 and 1, 1 on player 2, 2 gains when 3 is hidden.

    Class 3 has nothing.
    """

    def value(masks):
        z = masks.astype(float)
        logits = np.stack(
            [2 * z[:, 0] + 2 * z[:, 1], 3 * z[:, 2], 3.5 - 3 * z[:, 3], np.zeros(len(z))], axis=1
        )
        return log_softmax(logits, axis=1) if log else logits

    columns = "log-probability" if log else "raw"
    return Game(value, n_players, columns=columns, areas=areas)


@pytest.mark.parametrize("n_players", [6, 30])
def test_a_change_says_what_it_found(n_players):
    areas = np.arange(1.0, n_players + 1) / n_players**2
    game = supported(n_players, areas=areas)
    change = Counterfactual()(game, rng(0))
    # of 0 and of 1, either lets class 1 win; so 3 does not need to go: 3.5 < 4
    assert change.status == "found"
    assert change.hide == (0,)  # the smaller of the two
    assert (change.target, change.wanted, change.becomes) == (0, None, 1)
    assert change.smallest
    assert change.area == pytest.approx(areas[0])
    after = outputs_without(game, change.hide)
    assert change.margin == pytest.approx(after[1] - after[0])
    assert change.probabilities == pytest.approx({k: np.exp(after[k]) for k in (0, 1, 2)})
    whole = outputs_without(game, ())
    assert change.before == pytest.approx({k: np.exp(whole[k]) for k in (0, 1, 2)})
    assert list(change.before) == list(change.probabilities) == [1, 0, 2]  # likeliest after it
    assert change.name == "counterfactual"
    assert change.method == Counterfactual()
    assert change.seconds > 0


@pytest.mark.parametrize("n_players", [6, 30])
@pytest.mark.parametrize(
    ("wanted", "hide"), [(1, {0}), (2, {0, 3}), (3, None), (None, {0})], ids=str
)
def test_the_class_that_is_asked_for_becomes_first(n_players, wanted, hide):
    change = Counterfactual(target=wanted)(supported(n_players), rng(0))
    assert change.wanted == wanted
    if hide is None:  # class 2 keeps ½ whatever is hidden
        assert change.status == "not_found"
        assert change.margin < 0
        assert not change.smallest
        assert wanted in change.probabilities
        return
    assert change.status == "found"
    assert len(change.hide) == len(hide)
    assert change.becomes == (wanted or 1)
    assert change.margin > 0


def test_a_view_against_a_class_asks_for_that_class():
    game = supported()
    view = game.view("log-odds", target=0, against=2)
    change = Counterfactual()(view, rng(0))
    assert (change.target, change.wanted, change.becomes) == (0, 2, 2)
    assert len(change.hide) == 2
    other = Counterfactual(target=1)(view, rng(0))
    assert (other.wanted, other.becomes) == (1, 1)
    plain = Counterfactual()(game.view("log-odds", target=2), rng(0))
    assert (plain.target, plain.wanted) == (0, None)


def test_the_nearest_to_what_cannot_be_had_is_given():
    game = supported(30)
    change = Counterfactual(target=3)(game, rng(0))
    after = outputs_without(game, change.hide)
    assert change.margin == pytest.approx(after[3] - np.delete(after, 3).max())
    # everything that 0 and 1 live on is gone, and 2 has no more than it must have
    assert {0, 1, 2} <= set(change.hide)
    assert 3 not in change.hide
    assert change.margin == pytest.approx(-0.5, abs=1e-5)
    assert change.becomes == 2


def test_raw_outputs_have_no_probabilities():
    change = Counterfactual()(supported(log=False), rng(0))
    assert change.probabilities == change.before == {}
    assert change.margin == 1.0


def test_what_does_most_comes_first():
    weights = [1.0, 3.0, 2.0, 0.0, 0.0]
    change = Counterfactual()(threshold_game(weights, 0.5), rng(0))
    assert change.hide == (1, 2, 0)


@pytest.mark.parametrize("n_players", [9, 14, 40])
@pytest.mark.parametrize("budget", ["auto", 60, 500])
def test_budgets_are_kept_and_what_is_found_is_true(n_players, budget):
    for seed in range(6):
        game = network_game(n_players, rng(seed))
        change = Counterfactual(budget=budget)(game, rng(seed))
        assert change.evaluations <= (1024 if budget == "auto" else budget)
        after = outputs_without(game, change.hide)
        assert change.status == ("found" if after[1] > after[0] else "not_found")
        assert change.becomes == int(after.argmax())
        assert change.margin == pytest.approx(after[1] - after[0])


def test_evaluations_are_what_it_costs_alone():
    fresh = network_game(40, rng(0))
    expected = Counterfactual()(fresh, rng(1))
    assert fresh.evaluations == expected.evaluations + 1  # and the whole picture
    network = network_game(40, rng(0))
    knowing = Game(lambda masks: network(masks, remember=False), 40, portion=7)
    singles = ~np.eye(40, dtype=bool)
    knowing(singles)
    found = Counterfactual()(knowing, rng(1))
    assert found.evaluations == expected.evaluations
    assert knowing.evaluations == fresh.evaluations  # the forty were not paid again
    assert found.hide == expected.hide


def test_a_change_that_was_paid_for_is_found_for_less():
    """One of 2 to 29 must stay; nothing shows that, but for a mask that is known."""

    def value(masks):
        lead = np.where(masks[:, 1] & ~masks[:, 2:12].any(axis=1), -1.0, 1.0)
        return np.stack([lead, -lead], axis=1)

    known = np.ones((1, 40), bool)
    known[0, 2:20] = False
    blind = Counterfactual(budget=130)(Game(value, 40), rng(0))
    assert blind.status == "not_found"
    change = Counterfactual(budget=130)(Game(value, 40), rng(0), known=known)
    assert change.status == "found"
    assert sorted(change.hide) == list(range(2, 12))


def test_a_number_is_spent_on_smaller_sets_and_auto_is_hasty():
    game = threshold_game(rng(2).exponential(size=40), 20.0)
    hasty = Counterfactual()(game, rng(0))
    patient = Counterfactual(budget=1024)(game, rng(0))
    assert hasty.evaluations < patient.evaluations == 1024
    assert len(patient.hide) <= len(hasty.hide)


def test_progress_is_told():
    told = []
    change = Counterfactual(name="what if")(network_game(40, rng(0)), rng(0), progress=told.append)
    assert told[-1].done == change.evaluations
    assert {(each.stage, each.total) for each in told} == {("what if: asking the model", 1024)}


def test_the_same_seed_finds_the_same():
    def found(seed):
        return Counterfactual()(network_game(60, rng(8)), rng(seed)).hide

    assert found(3) == found(3)


def test_what_cannot_be_asked_is_refused():
    for method, message in [
        (Counterfactual(target=0), r"^target must be another class than the present one, 0: it is"),
        (Counterfactual(target=4), r"^target must be a class index from 0 to 3; got 4$"),
        (Counterfactual(target=-1), r"^target must be a class index from 0 to 3; got -1$"),
        (Counterfactual(target="cat"), r"^target must be a class index .* got 'cat'$"),
        (Counterfactual(budget=5), r"^budget must be at least 6 masked pictures, .* got 5$"),
    ]:
        with pytest.raises(InputError, match=message):
            method(supported(), rng(0))
    with pytest.raises(InputError, match="at least two columns"):
        Counterfactual()(linear_game([1.0, 2.0]).game(), rng(0))
    with pytest.raises(InputError, match="ranks 0 and 1 equally"):
        Counterfactual()(Game(lambda masks: np.zeros((len(masks), 2)), 3), rng(0))
    for budget in (0, 1.5, True, "all"):
        with pytest.raises(InputError, match=r"^budget must be 'auto' or a whole number; got"):
            Counterfactual(budget=budget)


def test_a_single_superpixel_can_be_the_change():
    change = Counterfactual()(threshold_game([1.0], 0.5), rng(0))
    assert (change.hide, change.becomes, change.smallest) == ((0,), 1, True)


@pytest.mark.parametrize("target", [1.5, True, [1]])
def test_targets_are_indices_or_names(target):
    with pytest.raises(InputError, match="target must be a class's name or index"):
        Counterfactual(target=target)
