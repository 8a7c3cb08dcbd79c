"""Anchors: what a rule says, of which games, and which settings and games are refused."""

from __future__ import annotations

import re

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.game import Game
from seewhy.game.toys import linear_game, network_game, threshold_game
from seewhy.methods.anchors import Anchors


def rng(*seed):
    return np.random.default_rng(seed)


def planted(n_players, members, quota, **settings):
    votes = np.zeros(n_players)
    votes[list(members)] = 1
    game = threshold_game(votes, quota)
    return Game(lambda masks: game(masks, remember=False), n_players, **settings)


def constant(n_players, columns=2):
    return Game(lambda masks: np.tile(np.arange(columns, 0, -1.0), (len(masks), 1)), n_players)


def two_groups(n_players):
    """All of 0, 1, or all of 2, 3, 4."""

    def value(masks):
        lead = (masks[:, :2].all(axis=1) | masks[:, 2:5].all(axis=1)) - 0.5
        return np.stack([lead, -lead], axis=1)

    return Game(value, n_players)


def verdict(game, hidden):
    mask = np.ones((1, game.n_players), bool)
    mask[0, list(hidden)] = False
    return game(mask, remember=False)[0]


def test_a_rule_says_what_it_found():
    areas = np.linspace(0.01, 0.04, 30)
    rule = Anchors()(planted(30, {2, 5, 11}, 2.5, areas=areas), rng(0))
    assert rule.status == "sufficient"
    assert sorted(rule.superpixels) == [2, 5, 11]
    assert (rule.target, rule.against) == (0, None)
    assert rule.precision == 1.0
    assert 0.95 < rule.precision_lower_bound < 1
    assert not rule.exact
    assert rule.draws >= 79
    assert rule.coverage == 0.125
    assert rule.area == pytest.approx(areas[[2, 5, 11]].sum())
    assert rule.irreducible
    assert len(rule.without) == 3
    assert list(rule.without) == sorted(rule.without)  # what it hinges on most, first
    assert rule.breakdown == 1.0
    assert [level.hidden for level in rule.levels] == [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    assert rule.transplants == ()
    assert rule.transplant_rate is None
    assert rule.breaks == ()
    assert rule.alternatives == ()
    assert rule.seconds > 0
    assert (rule.name, rule.confidence) == ("anchors", 0.95)
    assert rule.method == Anchors()


def test_with_few_superpixels_it_is_exact():
    game = planted(6, {0, 3, 4}, 1.5)
    rule = Anchors(name="two of three")(game, rng(0))
    assert (rule.status, rule.exact, rule.irreducible) == ("sufficient", True, True)
    assert len(rule.superpixels) == 2
    assert set(rule.superpixels) < {0, 3, 4}
    assert rule.precision == rule.precision_lower_bound == 1.0
    assert rule.draws == 16
    assert rule.without == (0.75, 0.75)
    assert rule.levels[0].standard_error == 0
    assert rule.name == "two of three"
    assert rule.evaluations == game.evaluations == 64


@pytest.mark.parametrize("n_players", [8, 14, 40])
@pytest.mark.parametrize("budget", ["auto", 300])
def test_different_masks_are_counted_the_whole_picture_among_them(n_players, budget):
    for seed in range(5):
        game = network_game(n_players, rng(seed))
        rule = Anchors(budget=budget)(game, rng(seed))
        assert rule.evaluations == game.evaluations


@pytest.mark.parametrize("n_players", [9, 14, 40, 89])
def test_a_budget_is_kept(n_players):
    for seed in range(4):
        game = network_game(n_players, rng(seed))
        for budget in (103, 200, 800, 1600):
            rule = Anchors(budget=budget)(game, rng(seed))
            assert rule.evaluations <= budget
            assert (rule.status == "not_found") == (rule.precision_lower_bound < 0.95)


def test_the_automatic_budget_is_4096_and_grows_with_the_precision():
    told = []
    Anchors()(network_game(40, rng(0)), rng(0), progress=told.append)
    assert {each.total for each in told} == {4096}
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert told[0].stage == "anchors: asking the model"
    told.clear()
    rule = Anchors(precision=0.999)(planted(40, {3}, 0.5), rng(0), progress=told.append)
    assert rule.status == "sufficient"
    assert rule.precision_lower_bound >= 0.999
    assert told[0].total > 4096


def test_progress_ends_with_what_was_paid():
    told = []
    rule = Anchors(count=2)(two_groups(30), rng(0), progress=told.append)
    assert told[-1].done == rule.evaluations
    assert told[-1].total == 2 * 4096


def test_a_budget_that_certifies_nothing_is_refused_and_the_number_named_suffices():
    for precision, confidence in [(0.95, 0.95), (0.9, 0.9), (0.99, 0.5)]:
        method = {"precision": precision, "confidence": confidence}
        with pytest.raises(InputError, match=r"^budget must be at least \d+ masked pictures") as e:
            Anchors(**method, budget=9)(planted(40, {0}, 0.5), rng(0))
        needed = int(re.search(r"least (\d+)", str(e.value))[1])
        assert f"{precision:g} with confidence {confidence:g}; got 9" in str(e.value)
        with pytest.raises(InputError, match=f"at least {needed} .* got {needed - 1}:"):
            Anchors(**method, budget=needed - 1)(planted(40, {0}, 0.5), rng(0))
        found = Anchors(**method, budget=needed)(planted(40, {0}, 0.5), rng(0))
        assert found.status == "sufficient"


def test_enumerating_needs_no_more_than_all_masks_there_are():
    assert Anchors(budget=16)(planted(4, {0}, 0.5), rng(0)).superpixels == (0,)
    with pytest.raises(InputError, match=r"at least 16 masked"):
        Anchors(budget=15)(planted(4, {0}, 0.5), rng(0))


def test_too_little_to_be_sure_is_said_with_the_best_there_was():
    game = threshold_game(np.ones(40), 28.5)
    rule = Anchors(budget=150)(game, rng(0))
    assert rule.status == "not_found"
    assert 0.4 < rule.precision_lower_bound < rule.precision < 0.95
    assert len(rule.superpixels) > 15
    assert not rule.irreducible
    assert set(rule.without) == {None}
    assert rule.levels == ()
    assert rule.breakdown is None
    assert rule.breaks
    assert rule.transplants == ()


def test_where_all_are_needed_there_is_no_rule():
    for n_players in (5, 30):
        rule = Anchors(count=2)(threshold_game(np.ones(n_players), n_players - 0.5), rng(0))
        assert rule.status == "not_found"
        assert len(rule.superpixels) == n_players - 1
        assert rule.precision == rule.precision_lower_bound == 0.5
        assert rule.exact
        assert rule.alternatives == ()


@pytest.mark.parametrize("n_players", [4, 40])
def test_a_model_that_always_agrees_has_nothing_to_point_at(n_players):
    others = {"other": Game(lambda masks: np.tile([0.0, 1.0, 0, 0, 0], (len(masks), 1)), n_players)}
    rule = Anchors(count=3)(constant(n_players, 5), rng(0), backgrounds=others)
    assert rule.status == "trivially_robust"
    assert rule.alternatives == ()
    assert rule.transplants == ()
    assert rule.superpixels == ()
    assert (rule.area, rule.coverage) == (0, 1)
    assert rule.breakdown == 1.0
    assert rule.irreducible
    assert rule.breaks == ()


def test_games_without_a_prediction_are_refused():
    with pytest.raises(InputError, match=r"^game must have at least two columns"):
        Anchors()(linear_game([1.0, 2.0]).game(), rng(0))
    tie = Game(lambda masks: np.ones((len(masks), 3)), 5)
    with pytest.raises(InputError, match=r"^the model must put one class first"):
        Anchors()(tie, rng(0))


def third_class_wins(n_players=20):
    """P leads Q while 0 and 1 are kept; 2 must be kept lest a third class lead both."""

    def value(masks):
        p = np.where(masks[:, :2].all(axis=1), 2.0, -1.0)
        third = np.where(masks[:, 2], 1.0, 5.0)
        return np.stack([p, np.zeros(len(masks)), third], axis=1)

    return Game(value, n_players)


def test_against_a_class_a_third_one_may_win():
    ahead_of_all = Anchors()(third_class_wins(), rng(0))
    assert sorted(ahead_of_all.superpixels) == [0, 1, 2]
    view = third_class_wins().view("raw", target=0, against=1)
    ahead_of_one = Anchors()(view, rng(0))
    assert sorted(ahead_of_one.superpixels) == [0, 1]
    assert (ahead_of_one.target, ahead_of_one.against) == (0, 1)
    assert ahead_of_one.status == "sufficient"
    assert all(each.margin == 2.0 for each in ahead_of_one.keeps)  # over class 1, whoever leads
    behind = third_class_wins().view("raw", target=1, against=0)
    with pytest.raises(InputError, match="hold them the other way round"):
        Anchors()(behind, rng(0))


def test_a_view_without_a_rival_is_about_the_class_that_leads():
    rule = Anchors()(third_class_wins().view("raw", target=[1, 2]), rng(0))
    assert (rule.target, rule.against) == (0, None)


def before(needed, *, always=False, alone=1):
    """A picture of class ``alone``, which turns to 0 where all of ``needed`` are kept."""

    def value(masks):
        outputs = np.zeros((len(masks), 3))
        outputs[:, alone] = 1.0
        outputs[masks[:, needed].all(axis=1) | always, 0] = 2.0
        return outputs

    return Game(value, 20)


def test_before_other_pictures_a_rule_must_hold_on_all_of_them():
    game, others = before([0]), {"a": before([0, 1]), "b": before([0, 2], alone=2)}
    filled = Anchors()(game, rng(0), backgrounds=others)
    assert filled.superpixels == (0,)
    assert [(t.background, t.becomes, t.keeps) for t in filled.transplants] == [
        ("a", 1, False),
        ("b", 2, False),
    ]
    assert filled.transplant_rate == 0.0
    assert all(each.background is None for each in filled.keeps)
    rule = Anchors(background="pictures")(game, rng(0), backgrounds=others)
    assert sorted(rule.superpixels) == [0, 1, 2]
    assert rule.transplant_rate == 1.0
    assert {each.background for each in rule.keeps} <= {"a", "b"}
    assert rule.status == "sufficient"


def test_one_example_says_before_which_picture_it_broke():
    backgrounds = {"a": before([0]), "hard": before([0, 1, 2, 3, 4])}
    rule = Anchors(background="pictures", precision=0.52)(
        before([0]), rng(0), backgrounds=backgrounds
    )
    assert rule.breaks
    assert {each.background for each in rule.breaks} == {"hard"}
    assert {each.becomes for each in rule.breaks} == {1}


def test_pictures_of_the_same_class_are_left_out():
    others = {"same": before([0], always=True), "other": before([0])}
    rule = Anchors()(before([0]), rng(0), backgrounds=others)
    assert [t.background for t in rule.transplants] == ["other"]
    only = {"same": before([0], always=True)}
    with pytest.raises(InputError, match=r"^backgrounds must hold at least one .* got none"):
        Anchors(background="pictures")(before([0]), rng(0), backgrounds=only)
    with pytest.raises(InputError, match=r"^backgrounds must hold at least one"):
        Anchors(background="pictures")(before([0]), rng(0))


def test_evaluations_before_pictures_are_theirs_and_the_whole_picture_on_top():
    game, others = before([0]), {"a": before([0, 1]), "b": before([0, 2])}
    rule = Anchors(background="pictures")(game, rng(0), backgrounds=others)
    assert rule.evaluations == sum(each.evaluations for each in others.values())
    assert game.evaluations == 1


def test_progress_counts_pictures_before_all_backgrounds():
    told, others = [], {"a": before([0, 1]), "b": before([0, 2])}
    method = Anchors(background="pictures")
    rule = method(before([0]), rng(0), backgrounds=others, progress=told.append)
    assert told[-1].done == rule.evaluations
    steps = np.diff([each.done for each in told])
    assert steps.min() >= 0
    assert steps.max() <= 64


def test_several_rules_share_no_superpixel():
    rule = Anchors(count=2)(two_groups(30), rng(0))
    assert set(rule.superpixels) == {0, 1}
    (other,) = rule.alternatives
    assert set(other.superpixels) == {2, 3, 4}
    assert other.status == "sufficient"
    assert 0 < other.evaluations < rule.evaluations  # the first one's are those of all
    assert other.alternatives == ()


@pytest.mark.parametrize("n_players", [7, 30])
def test_no_more_rules_are_given_than_there_are(n_players):
    rule = Anchors(count=9)(two_groups(n_players), rng(0))
    assert len(rule.alternatives) == 1
    assert all(each.status == "sufficient" for each in rule.alternatives)


@pytest.mark.parametrize("seed", range(5))
def test_examples_keep_or_break_and_are_different(seed):
    game = network_game(30, rng(seed))
    rule = Anchors(precision=0.8)(game, rng(seed))
    assert rule.keeps
    assert rule.breaks
    for each in (*rule.keeps, *rule.breaks):
        outputs = verdict(game, each.hidden)
        assert not set(each.hidden) & set(rule.superpixels)
        assert each.margin == pytest.approx(float(outputs[0] - outputs[1]), rel=1e-6)
        assert each.becomes == int(outputs.argmax())
    assert all(each.margin > 0 for each in rule.keeps)
    margins = [each.margin for each in rule.breaks]
    assert margins == sorted(margins)
    assert margins[-1] <= 0
    assert len({each.hidden for each in rule.keeps}) == len(rule.keeps) <= 4
    assert len({each.hidden for each in rule.breaks}) == len(rule.breaks) <= 4


def test_kept_examples_are_typical():
    game = network_game(9, rng(1))
    rule = Anchors(precision=0.8)(game, rng(1))
    masks = (rng(2).random((4000, 9)) < 0.5) | np.isin(np.arange(9), rule.superpixels)
    margins = np.subtract.reduce(game(masks).astype(float), axis=1)
    middle = np.median(margins[margins > 0])
    spread = margins[margins > 0].std()
    assert all(abs(each.margin - middle) < 0.5 * spread for each in rule.keeps)


@pytest.mark.parametrize("n_players", [7, 40])
def test_breakdown_is_the_last_level_that_held(n_players):
    """One of five more must be shown: 1 − p⁵ of the masks."""
    votes = np.zeros(n_players)
    votes[:6] = 1
    votes[0] = 3
    rule = Anchors(hidden=0.3, precision=0.9)(threshold_game(votes, 3.5), rng(0))
    assert rule.superpixels == (0,)
    held = [level.hidden for level in rule.levels if level.precision >= 0.9]
    assert rule.breakdown == max(held)
    assert rule.breakdown in (0.5, 0.6)
    assert rule.levels[-1].precision < 0.9


def test_a_dear_rule_leaves_enough_to_say_how_far_it_holds():
    """Whether members are needed could be asked for ever; that ends in time."""
    rules = [Anchors()(network_game(89, rng(seed)), rng(seed)) for seed in range(8)]
    assert np.median([rule.evaluations for rule in rules]) > 3000
    assert max(rule.evaluations for rule in rules) <= 4096
    assert sum(len(rule.levels) > 1 for rule in rules) >= 6


def test_the_own_level_is_the_certificate():
    rule = Anchors(hidden=0.35)(planted(30, {1, 2}, 1.5), rng(0))
    own = rule.levels[0]
    assert (own.hidden, own.precision, own.draws) == (0.35, rule.precision, rule.draws)
    assert rule.levels[1].hidden == 0.4
    assert rule.coverage == pytest.approx(0.65**2)


@pytest.mark.parametrize("portion", [1, 7, 64, 5000])
@pytest.mark.parametrize("n_players", [8, 20, 40])
def test_portions_and_what_is_remembered_do_not_matter(portion, n_players):
    def game(**settings):
        network = network_game(n_players, rng(4))
        return Game(lambda masks: network(masks, remember=False), n_players, **settings)

    expected = Anchors()(game(), rng(1))
    knowing = game(portion=portion)
    knowing(rng(2).random((300, n_players)) < 0.5)
    found = Anchors()(knowing, rng(1))
    for name in ("superpixels", "precision_lower_bound", "without", "levels", "evaluations"):
        assert getattr(found, name) == getattr(expected, name)
    assert found.keeps == expected.keeps


def test_another_seed_may_find_another_rule():
    votes = np.zeros(30)
    votes[:9] = 1
    game = threshold_game(votes, 3.5)
    found = {Anchors()(game, rng(seed)).superpixels for seed in range(6)}
    assert len(found) > 1


def test_it_says_when_a_rule_was_first_certified():
    rule = Anchors()(threshold_game([1.0, 1.0, 1.0] + [0.0] * 27, 2.5), rng(0))
    assert rule.draws < rule.found_after < rule.evaluations
    exact = Anchors()(threshold_game([1.0, 1.0, 0.0], 1.5), rng(0))
    assert exact.found_after == exact.evaluations == 8
