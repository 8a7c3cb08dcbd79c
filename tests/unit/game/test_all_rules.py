"""Precisions of all rules, against the sum over all masks that each of them is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seewhy.game.all_rules import best_of_all, precisions_of_all
from seewhy.game.decision import decision_of
from seewhy.game.design import all_masks
from seewhy.game.game import Game
from seewhy.game.neighbourhood import Neighbourhood
from seewhy.game.sufficient import Demands
from seewhy.game.toys import network_game, threshold_game

DEMANDS = Demands(0.95, 0.05, 4096)


def rng(*seed):
    return np.random.default_rng(seed)


def around(game, hidden=0.5, *others):
    decision = decision_of(game)
    return Neighbourhood((decision, *map(decision.elsewhere, others)), hidden)


def precision_of(games, rule, hidden):
    """Σ over the masks of the others, and the mean over backgrounds."""
    others = np.flatnonzero(~rule)
    shown = all_masks(len(others)).masks if len(others) else np.zeros((1, 0), bool)
    masks = np.tile(rule, (len(shown), 1))
    masks[:, others] = shown
    chances = np.where(shown, 1 - hidden, hidden).prod(axis=1)
    return float(np.mean([chances @ (game(masks)[:, 0] > 0) for game in games]))


@pytest.mark.parametrize("hidden", [0.3, 0.5, 1.0])
@pytest.mark.parametrize("backgrounds", [1, 3])
@settings(max_examples=12, deadline=None)
@given(n_players=st.integers(1, 6), seed=st.integers(0, 10_000))
def test_precisions_are_sums_over_all_masks(hidden, backgrounds, n_players, seed):
    games = [network_game(n_players, rng(seed, number)) for number in range(backgrounds)]
    found = precisions_of_all(around(games[0], hidden, *games[1:]))
    rules = all_masks(n_players).masks
    assert found.shape == (len(rules),)
    wanted = [precision_of(games, rule, hidden) for rule in rules]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize("n_players", [2, 4, 6])
@pytest.mark.parametrize("threshold", [0.6, 0.9, 0.999])
@pytest.mark.parametrize("hidden", [0.5, 1.0])
@pytest.mark.parametrize("votes", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_the_best_is_the_smallest_that_reaches_and_of_those_the_most_precise(
    n_players, seed, threshold, hidden, votes
):
    weights = rng(seed).random(n_players)
    game = (
        threshold_game(weights, 0.6 * weights.sum())
        if votes
        else network_game(n_players, rng(seed))
    )
    banned = (seed % n_players,) if seed % 3 == 0 else ()
    found = best_of_all(around(game, hidden), Demands(threshold, 0.05, 4096), banned)
    rules = [rule for rule in all_masks(n_players).masks if not rule[list(banned)].any()]
    precisions = {
        tuple(np.flatnonzero(rule)): precision_of([game], rule, hidden)
        for rule in rules
        if not rule.all()
    }
    reaching = {rule: p for rule, p in precisions.items() if p >= threshold - 1e-12}
    certificate = found.certificate
    assert certificate.exact
    assert certificate.bound == certificate.precision
    assert certificate.precision == pytest.approx(precisions[certificate.kept])
    assert certificate.certified == bool(reaching)
    if reaching:
        size = min(map(len, reaching))
        best = max(p for rule, p in reaching.items() if len(rule) == size)
        assert (len(certificate.kept), certificate.precision) == (size, pytest.approx(best))
    else:
        assert certificate.precision == pytest.approx(max(precisions.values()))
    for player, rest in found.without.items():
        less = tuple(k for k in certificate.kept if k != player)
        assert rest == pytest.approx(precisions[less])
    assert set(found.without) == set(certificate.kept)
    assert found.irreducible == bool(reaching)  # nothing smaller reaches it


def test_the_certificate_holds_all_masks_around_the_rule():
    found = best_of_all(around(threshold_game([1, 1, 1, 0, 0], 1.5)), DEMANDS, ())
    draws = found.certificate.draws
    assert len(draws) == 8
    assert draws.masks[:, list(found.certificate.kept)].all()
    assert len({row.tobytes() for row in draws.masks}) == 8


def test_nothing_is_asked_twice():
    game = network_game(7, rng(0))
    best_of_all(around(game), DEMANDS, ())
    assert game.evaluations == 2**7


def test_the_whole_picture_is_no_rule():
    all_needed = around(threshold_game([1] * 4, 3.5))
    found = best_of_all(all_needed, DEMANDS, ())
    assert len(found.certificate.kept) == 3
    assert found.certificate.precision == 0.5
    assert not found.certificate.certified
    assert not found.irreducible


def test_a_model_that_always_agrees_has_the_empty_rule():
    constant = Game(lambda masks: np.tile([1.0, 0.0], (len(masks), 1)), 4)
    found = best_of_all(around(constant), DEMANDS, ())
    assert (found.certificate.kept, found.certificate.precision) == ((), 1.0)
    assert found.irreducible
    assert found.members == ()


def test_members_come_as_much_as_the_prediction_hinges_on_them():
    found = best_of_all(around(threshold_game([1, 3, 2, 0, 0], 5.5)), DEMANDS, ())
    assert found.certificate.kept == (0, 1, 2)
    uneven = best_of_all(around(threshold_game([1, 4, 2, 1, 0], 5.5)), DEMANDS, ())
    assert uneven.certificate.kept == (1, 2)
    assert uneven.members == tuple(sorted((1, 2), key=uneven.without.get))
    assert uneven.without[1] < uneven.without[2]
