"""LIME against what must be true of it: its limit, its intervals, its exactness, its fidelity."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from seewhy.game.design import all_masks
from seewhy.game.game import Game
from seewhy.game.regression import lime_weights
from seewhy.game.toys import ToyGame, linear_game, random_game
from seewhy.methods.banzhaf import Banzhaf
from seewhy.methods.lime import Lime


def rng(*seed):
    return np.random.default_rng(seed)


def dense_game(n_players, seed):
    """Three hundred interactions of two and three players: LIME's noise is all there is."""
    return random_game(n_players, rng(n_players, seed), interactions=300, largest=3, strength=0.5)


def relative_error(values, truth):
    return ((values - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()


def weighted_least_squares(game, width=0.25):
    """LIME's regression on every mask there is, by orthogonal factorisation: (d + 1,) solution."""
    masks = all_masks(game.n_players).masks
    root = np.sqrt(lime_weights(masks, width))[:, None]
    columns = np.column_stack([np.ones(len(masks)), masks])
    # the game stores its values as float32
    values = game(masks).astype(np.float32).astype(np.float64)
    return np.linalg.lstsq(columns * root, values * root)[0][:, 0]


def spectrum(game):
    """Shares of the variance over all masks: single players, other odd orders, even orders."""
    n_players = game.n_players
    coefficients = game(all_masks(n_players).masks)[:, 0]
    for bit in range(n_players):
        low, high = np.moveaxis(coefficients.reshape(-1, 2, 2**bit), 1, 0)
        coefficients = np.stack([low + high, low - high], axis=1).ravel()
    power = (coefficients / 2**n_players) ** 2
    order = np.bitwise_count(np.arange(2**n_players))
    parts = [order == 1, (order % 2 == 1) & (order > 1), (order % 2 == 0) & (order > 0)]
    return np.array([power[part].sum() for part in parts]) / power[1:].sum()


def true_r2(game, found):
    masks = all_masks(game.n_players).masks
    values = game(masks)[:, 0]
    residuals = values - found.base_value[0] - masks @ found.values[:, 0]
    return 1 - (residuals**2).sum() / ((values - values.mean()) ** 2).sum()


def shares_of(found):
    fidelity = found.fidelity[0]
    return np.array([fidelity.main, fidelity.odd, fidelity.even])


def test_95_per_cent_intervals_cover_93_to_97_per_cent_at_a_fixed_budget():
    covered = []
    for n_players in (20, 40, 50):
        for seed in range(24):
            game = dense_game(n_players, seed)
            for budget in (64, 128, 256):
                found = Lime(budget=budget)(game.game(), rng(budget, seed))
                low, high = (end[:, 0] for end in found.interval())
                covered.extend((low <= game.main_effects()) & (game.main_effects() <= high))
    assert len(covered) > 2000
    assert 0.93 < np.mean(covered) < 0.97


def at_least_game(needed, of, n_players, seed):
    """As many of a few players must be kept, for 6; nothing hinges on the others."""
    marks = np.sort(rng(seed, n_players).choice(n_players, of, replace=False))
    terms = {}
    for size in range(needed, of + 1):
        factor = 6.0 * (-1) ** (size - needed) * comb(size - 1, needed - 1)
        terms |= {tuple(map(int, group)): factor for group in combinations(marks, size)}
    return ToyGame(n_players, terms)


@pytest.mark.parametrize("method", [Lime, Banzhaf])
@pytest.mark.parametrize("budget", ["auto", 128, 256])
@pytest.mark.parametrize(("needed", "of"), [(2, 4), (3, 3), (3, 5)])
def test_what_nothing_hinges_on_is_not_sure_to_matter_more_often_than_its_level_says(
    needed, of, budget, method
):
    """Three players that act together must not lend their effect to a fourth, their alias."""
    sure, nulls = 0, 0
    for n_players in (30, 50):
        for seed in range(6):
            game = at_least_game(needed, of, n_players, seed)
            found = method(budget=budget)(game.game(), rng(seed))
            truth, values = game.main_effects(), found.values[:, 0]
            null = truth == 0
            assert null.sum() == n_players - of
            sure += (null & found.certain()[:, 0] & (np.abs(values) > 0.1 * truth.max())).sum()
            nulls += null.sum()
            assert found.certain()[~null, 0].mean() >= 0.5 or budget != "auto"
    assert sure <= 0.01 * nulls


def test_intervals_of_the_papers_design_cover_too():
    covered = []
    for seed in range(40):
        game = dense_game(20, seed)
        found = Lime(design="random", budget=400, ridge=0.0, kernel_width=1e3)(
            game.game(), rng(seed)
        )
        low, high = (end[:, 0] for end in found.interval())
        covered.extend((low <= game.main_effects()) & (game.main_effects() <= high))
    assert 0.92 < np.mean(covered) < 0.98


@pytest.mark.parametrize("n_players", [12, 40])
def test_error_bars_and_errors_shrink_with_the_budget(n_players):
    budgets = (64, 256, 1000)
    errors, bars = np.empty((2, 3, 6))
    for seed in range(6):
        game = dense_game(n_players, seed)
        for row, budget in enumerate(budgets):
            found = Lime(budget=budget)(game.game(), rng(seed))
            errors[row, seed] = relative_error(found.values[:, 0], game.main_effects())
            bars[row, seed] = found.standard_error.mean()
    assert (np.diff(bars, axis=0) < 0).all()
    assert (np.diff(np.median(errors, axis=1)) < 0).all()


@pytest.mark.parametrize("n_players", [1, 2, 4, 8])
@pytest.mark.parametrize("width", [0.25, 0.6])
def test_with_few_players_it_is_limes_weighted_regression_on_every_mask(n_players, width):
    game = (
        random_game(n_players, rng(n_players), interactions=20, largest=n_players, strength=1.0)
        if n_players > 1
        else linear_game([2.5])
    )
    found = Lime(kernel_width=width)(game.game(), rng(0))
    expected = weighted_least_squares(game, width)
    np.testing.assert_allclose(found.values[:, 0], expected[1:], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found.base_value[0], expected[0], rtol=1e-10, atol=1e-10)
    assert found.standard_error is None
    assert found.converged.all()
    assert found.evaluations == 2**n_players


def test_the_papers_design_has_the_same_limit_up_to_its_weights():
    # LIME's limit at 12 players is the weighted regression on all masks; its kernel does little
    game = dense_game(12, 0)
    limit = weighted_least_squares(game)[1:]
    random = Lime(design="random", budget=4000, ridge=1.0)(game.game(), rng(0))
    error = random.values[:, 0] - limit
    assert (np.abs(error) < 4 * random.standard_error[:, 0] + 0.01 * np.abs(limit).max()).all()
    assert relative_error(limit, game.main_effects()) < 0.02
    designed = Lime(budget=2048)(game.game(), rng(0))
    assert relative_error(designed.values[:, 0], game.main_effects()) < 0.002
    errors = [
        relative_error(Lime(design="random", budget=n)(game.game(), rng(1)).values[:, 0], limit)
        for n in (200, 800, 3200)
    ]
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("n_players", [2, 6, 17, 40])
@pytest.mark.parametrize("design", ["fold-over", "random"])
def test_a_game_that_looks_only_at_the_last_player_gives_it_all_the_weight(n_players, design):
    weights = np.zeros(n_players)
    weights[-1] = 3.0
    found = Lime(budget=256, design=design)(linear_game(weights).game(), rng(0))
    assert found.top(1) == [n_players - 1]
    # the ridge of the paper's design shrinks it; what it takes goes to the base value
    shrunk = 0.15 if design == "random" else 0.05
    assert found.values[-1, 0] == pytest.approx(3.0, abs=shrunk)
    assert np.abs(found.values[:-1]).max() < 0.05
    assert found.base_value[0] == pytest.approx(0.0, abs=shrunk)


@pytest.mark.parametrize("n_players", [1, 3, 12, 40])
@pytest.mark.parametrize("design", ["fold-over", "random"])
@pytest.mark.parametrize("level", [0.0, -7.5])
def test_a_constant_game_has_no_values_no_doubt_and_has_converged(n_players, design, level):
    found = Lime(design=design)(ToyGame(n_players, {(): level}).game(), rng(0))
    np.testing.assert_allclose(found.values, 0, atol=1e-12)
    if n_players > 10:
        np.testing.assert_allclose(found.standard_error, 0, atol=1e-12)
        assert found.evaluations < 300
    else:
        assert found.standard_error is None
    assert found.base_value[0] == pytest.approx(level)
    assert found.converged.all()


@pytest.mark.parametrize("n_players", [1, 2, 3, 100])
def test_any_number_of_players_will_do(n_players):
    weights = np.linspace(-1, 2, n_players)
    found = Lime()(linear_game(weights).game(), rng(0))
    assert found.values.shape == (n_players, 1)
    tolerance = 1e-6 if n_players < 4 else 4 * found.standard_error[:, 0]
    assert (np.abs(found.values[:, 0] - weights) <= tolerance).all()
    assert found.fidelity[0].r2 > 0.99
    assert found.converged.all()


def test_a_budget_below_one_block_still_answers_with_honest_doubt():
    covered, errors = [], []
    for seed in range(12):
        game = dense_game(50, seed)
        found = Lime(budget=60)(game.game(), rng(seed))
        assert found.evaluations == 62
        low, high = (end[:, 0] for end in found.interval())
        covered.extend((low <= game.main_effects()) & (game.main_effects() <= high))
        errors.append(relative_error(found.values[:, 0], game.main_effects()))
        assert found.fidelity[0].kind == "leave-one-pair-out"
    assert np.mean(covered) > 0.85
    assert np.median(errors) < 0.5


@pytest.mark.parametrize(
    ("budget", "kind"),
    [("auto", "held-out"), (256, "leave-one-pair-out"), (100, "leave-one-pair-out")],
)
def test_fidelity_is_r_squared_over_all_masks_within_its_interval(budget, kind):
    inside, misses = [], []
    for seed in range(40):
        game = random_game(12, rng(seed), interactions=40, largest=4, strength=0.8)
        found = Lime(budget=budget)(game.game(), rng(seed))
        fidelity, r2 = found.fidelity[0], true_r2(game, found)
        assert fidelity.kind == kind
        inside.append(fidelity.low <= r2 <= fidelity.high)
        misses.append(fidelity.r2 - r2)
    assert np.mean(inside) >= 0.85
    assert abs(np.mean(misses)) < 0.05


def test_fidelity_of_the_papers_design_is_r_squared_over_all_masks():
    inside = []
    for seed in range(40):
        game = random_game(12, rng(seed), interactions=40, largest=4, strength=0.8)
        found = Lime(budget=600, design="random")(game.game(), rng(seed))
        assert found.fidelity[0].kind == "held-out"
        inside.append(found.fidelity[0].low <= true_r2(game, found) <= found.fidelity[0].high)
    assert np.mean(inside) >= 0.85


def test_fidelity_is_not_measured_when_the_papers_design_has_no_room_for_it():
    assert Lime(budget=400, design="random")(dense_game(20, 0).game(), rng(0)).fidelity is None


@pytest.mark.parametrize("n_players", [3, 6, 10])
def test_after_enumeration_fidelity_and_variance_shares_are_exact(n_players):
    game = random_game(n_players, rng(n_players), interactions=30, largest=3, strength=1.0)
    found = Lime()(game.game(), rng(0))
    fidelity = found.fidelity[0]
    assert (fidelity.kind, fidelity.masks) == ("all masks", 2**n_players)
    assert fidelity.low == fidelity.r2 == fidelity.high
    np.testing.assert_allclose(fidelity.r2, true_r2(game, found), atol=1e-6)
    np.testing.assert_allclose(shares_of(found), spectrum(game), atol=1e-6)
    # the best linear model over all masks is the main effects: weights cannot beat it
    assert fidelity.r2 <= fidelity.main + 1e-9


@pytest.mark.parametrize("budget", [128, 512])
def test_variance_shares_of_a_sample_are_near_the_spectrum(budget):
    misses = []
    for seed in range(20):
        game = random_game(12, rng(seed), interactions=60, largest=4, strength=1.0)
        found = Lime(budget=budget)(game.game(), rng(seed))
        misses.append(shares_of(found) - spectrum(game))
    assert np.abs(np.mean(misses, axis=0)).max() < 0.03
    assert np.sqrt(np.mean(np.square(misses))) < 0.05


def test_a_game_of_pairs_is_too_complicated_for_a_linear_explanation_and_says_so():
    # x_0 x_1 alone, as unanimity games of z: no main effect at all
    game = ToyGame(20, {(0, 1): 4.0, (0,): -2.0, (1,): -2.0})
    # a whole block, judged on its 128 pairs: the mean of 16 held-out values ±2 alone
    # explains a sixteenth of them by chance
    found = Lime(budget=256)(game.game(), rng(0))
    assert found.fidelity[0].r2 < 0.05
    assert found.fidelity[0].even > 0.95
    assert not found.certain().any()


@pytest.mark.parametrize("design", ["fold-over", "random"])
@pytest.mark.parametrize("n_players", [8, 30])
def test_several_targets_in_one_call_are_each_target_alone(design, n_players):
    games = [dense_game(n_players, seed) for seed in range(3)]
    game = Game(lambda masks: np.hstack([g(masks) for g in games]), n_players)
    lime = Lime(design=design, budget=200 if n_players > 8 else 256)
    together = lime(game.view("raw", target=[2, 0, 1]), rng(0))
    assert together.targets == (2, 0, 1)
    for column, target in enumerate(together.targets):
        alone = lime(game.view("raw", target=target), rng(0))
        close = {"rtol": 1e-10, "atol": 1e-12}
        np.testing.assert_allclose(together.values[:, [column]], alone.values, **close)
        np.testing.assert_allclose(together.base_value[[column]], alone.base_value, **close)
        if alone.standard_error is not None:
            error = together.standard_error[:, [column]]
            np.testing.assert_allclose(error, alone.standard_error, **close)
        assert together.converged[column] == alone.converged[0]
        if alone.fidelity is not None:
            np.testing.assert_allclose(
                [together.fidelity[column].r2, together.fidelity[column].low],
                [alone.fidelity[0].r2, alone.fidelity[0].low],
                **close,
            )


@pytest.mark.parametrize("design", ["fold-over", "random"])
def test_adding_a_constant_moves_the_base_value_alone(design):
    game = dense_game(30, 0)
    lifted = ToyGame(30, {**game.coefficients, (): 100.0})
    lime = Lime(budget=200, design=design)
    plain, moved = (lime(g.game(), rng(0)) for g in (game, lifted))
    # float32 keeps values near 100 to about 4e-6
    np.testing.assert_allclose(moved.values, plain.values, atol=2e-4)
    np.testing.assert_allclose(moved.base_value, plain.base_value + 100.0, atol=2e-3)


def test_an_empty_picture_far_outside_bends_no_value():
    """Log-odds of a mean over black: linear where half is kept, −13.8 where nothing is."""
    brightness = np.linspace(0.2, 1.0, 16)

    def value(masks):
        share = np.clip((masks @ brightness) / 20, 1e-6, 1 - 1e-6)
        return np.log(share / (1 - share))[:, None]

    rows = all_masks(16).masks
    truth = 2 * np.where(rows, 0.5, -0.5).T @ value(rows)[:, 0] / len(rows) * 2
    for seed in range(3):
        found = Lime(budget=256)(Game(value, 16), rng(seed))
        error = np.square(found.values[:, 0] - truth).mean() / truth.var()
        assert error < 0.05
        assert found.fidelity[0].r2 > 0.9


@pytest.mark.parametrize("level", [3.0, -40.0, 1e-3])
def test_float32_rounding_is_no_evidence(level):
    noise = np.random.default_rng(0)

    def value(masks):
        return (level * (1 + 2e-7 * noise.standard_normal((len(masks), 1)))).astype(np.float32)

    found = Lime()(Game(value, 30), rng())
    assert not found.values.any()
    assert found.converged.all()


def test_shares_do_not_contradict_r_squared_at_small_budgets():
    """Shrunken values must not make a linear game look interactive."""
    for seed in range(10):
        found = Lime(budget=64)(random_game(50, rng(seed), interactions=20).game(), rng(seed))
        assert found.fidelity[0].main > found.fidelity[0].r2 - 0.05
