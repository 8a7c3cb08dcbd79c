"""Probability by way of log-odds, against games whose log-odds are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from seewhy.game.design import all_masks, bernoulli_pairs, ends
from seewhy.game.fidelity import PairedScores
from seewhy.game.functionals import MAIN_EFFECTS, SHAPLEY
from seewhy.game.linear_models import from_pairs
from seewhy.game.log_odds import (
    LogOdds,
    _bent_residuals,
    _best_share,
    _even_covariance,
    _EvenProcess,
    answer_by_log_odds,
)
from seewhy.game.odd_kernel import OddKernel
from seewhy.game.plans import shared_blocks
from seewhy.game.semivalues import shapley_values
from seewhy.game.surrogate import fit_odd_process
from seewhy.game.toys import random_game

N_PLAYERS = 12


def evidence_of(masks, seed=0):
    """Log-odds that few players interact in, centred on indecision and steep enough to saturate."""
    game = random_game(N_PLAYERS, np.random.default_rng(seed), interactions=10, strength=0.3)
    everything = game(all_masks(N_PLAYERS).masks)[:, 0]
    return 2.5 * (game(masks)[:, 0] - everything.mean()) / everything.std()


def case(budget=220, seed=0):
    (design,) = shared_blocks(N_PLAYERS, budget, np.random.default_rng(seed), None)
    whole, empty = evidence_of(ends(N_PLAYERS).masks, seed)
    links = evidence_of(design.masks, seed)
    split = PairedScores.of(design.masks, np.stack([links, expit(links)], axis=1))
    known = (expit(whole) - expit(empty)) / 2
    process = fit_odd_process(split.signs, split.odd[:, 1], float(known))
    ends_of_links = ((whole - empty) / 2, (whole + empty) / 2)
    return process, LogOdds(split.odd[:, 0], split.even[:, 0], ends_of_links)


def truth_of(seed=0):
    return shapley_values(expit(evidence_of(all_masks(N_PLAYERS).masks, seed))[:, None])[:, 0]


def relative_error(values, truth):
    return np.mean((values - truth) ** 2) / np.var(truth)


def test_log_odds_tell_more_than_probabilities_and_the_error_bars_say_so():
    gains, covered, narrower = [], [], []
    for seed in range(12):
        process, links = case(seed=seed)
        truth = truth_of(seed)
        plain, plain_error = process.answer(SHAPLEY)
        values, error = answer_by_log_odds(process, links, SHAPLEY)
        gains.append(relative_error(plain, truth) / relative_error(values, truth))
        covered.append(np.abs(values - truth) < 1.645 * error)
        narrower.append(error.mean() / plain_error.mean())
    assert np.median(gains) > 2
    assert max(narrower) < 1.1
    assert np.median(narrower) < 0.8
    assert 0.84 < np.mean(covered) < 0.98


def test_values_still_add_up_to_the_whole_minus_the_empty():
    process, links = case()
    values, _ = answer_by_log_odds(process, links, SHAPLEY)
    assert abs(values.sum() - 2 * process.y[-1] * process.scale) < 1e-9


def test_answers_are_the_same_bytes_again():
    process, links = case()
    first, second = (answer_by_log_odds(process, links, SHAPLEY) for _ in range(2))
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


@pytest.mark.parametrize("spoil", ["certain", "flat", "unrelated"])
def test_log_odds_that_tell_nothing_leave_the_answer_as_it_was(spoil):
    process, links = case()
    if spoil == "certain":  # one probability is exactly 1
        links.odd[3] = np.inf
    elif spoil == "flat":
        links = LogOdds(0 * links.odd, 0 * links.even, (0.0, 0.0))
    else:
        rng = np.random.default_rng(0)
        links = LogOdds(20 * rng.permutation(links.odd), 20 * rng.permutation(links.even), (0, 0))
    values, error = answer_by_log_odds(process, links, SHAPLEY)
    plain, plain_error = process.answer(SHAPLEY)
    far = 0 if spoil != "unrelated" else 0.3 * np.std(plain)
    assert np.abs(values - plain).max() <= far
    np.testing.assert_allclose(error, plain_error, rtol=0 if spoil != "unrelated" else 0.1)


def test_a_probability_that_never_changes_has_no_values():
    process, links = case()
    flat = fit_odd_process(process.x[:-1], 0 * links.odd, 0.0)
    values, error = answer_by_log_odds(flat, links, SHAPLEY)
    assert np.array_equal(values, np.zeros(N_PLAYERS))
    assert np.array_equal(error, np.zeros(N_PLAYERS))


def test_the_even_kernel_is_its_expansion_in_even_characters():
    rng = np.random.default_rng(0)
    kernel = OddKernel(1.0, 1.0, rng.uniform(0.05, 1.5, 6))
    sets = all_masks(6).masks
    x = np.where(sets, 1.0, -1.0)
    even = sets[sets.sum(axis=1) % 2 == 0]
    features = np.stack([x[:, chosen].prod(axis=1) for chosen in even], axis=1)
    total = kernel.decay.sum()
    constant = 2 * np.exp(-total) * np.cosh(kernel.decay).prod() / (1 + np.exp(-2 * total))
    variances = constant * np.where(even, np.tanh(kernel.decay), 1.0).prod(axis=1)
    expansion = (features * variances) @ features.T + 1.0
    np.testing.assert_allclose(_even_covariance(kernel, x, x), expansion, rtol=1e-12)
    np.testing.assert_allclose(np.diag(expansion), 2.0)


def test_even_parts_are_predicted_and_their_residuals_are_those_of_fits_without_the_pair():
    process, links = case()
    odd = fit_odd_process(process.x[:-1], links.odd, links.ends[0])
    even = _EvenProcess.beside(odd, links)
    masks = bernoulli_pairs(N_PLAYERS, 200, np.random.default_rng(9)).masks
    new = PairedScores.of(masks, evidence_of(masks)[:, None])
    left = even.predict(new.signs) - new.even[:, 0]
    assert np.mean(left**2) < 0.5 * np.var(new.even)
    # textbook conditioning without pair 5, all else as it was
    y = np.append(links.even, links.ends[1]) - links.even.mean()
    covariance = _even_covariance(odd.kernel, odd.x, odd.x) * links.even.var()
    expected = left_out(5, covariance, y, even.alpha / links.even.std())
    np.testing.assert_allclose(links.even[5] - even.residuals()[5], expected + links.even.mean())
    y = np.append(links.odd, links.ends[0])
    odd_left_out = left_out(5, odd.kernel(odd.x, odd.x), y, odd._alpha * odd.scale)
    bent = expit(expected + links.even.mean() + odd_left_out)
    bent = (bent - expit(expected + links.even.mean() - odd_left_out)) / 2
    found = _bent_residuals(process, links, odd, even)[5]
    np.testing.assert_allclose(found, process.scale * process.y[5] - bent, rtol=1e-5)


def left_out(pair, covariance, y, alpha):
    """Predict one row from the others; the noise is what α = (K + noise)⁻¹ y says it is."""
    covariance = covariance + np.diag((y - covariance @ alpha) / alpha)
    others = np.arange(len(y)) != pair
    weights = np.linalg.solve(covariance[np.ix_(others, others)], y[others])
    return covariance[pair, others] @ weights


@pytest.mark.parametrize(
    ("direct", "bent", "share", "gain"),
    [
        ([1.0, -1.0], [0.0, 0.0], 1.0, 0.0),
        ([1.0, -1.0], [-1.0, 1.0], 0.5, 0.0),
        ([1.0, -1.0], [2.0, -2.0], 0.0, 1.0),
        ([1.0, 0.0], [0.0, 1.0], 0.5, np.sqrt(0.5)),
        ([1.0, 0.0], [1.0, 0.0], 0.0, 1.0),
        ([0.0, 0.0], [1.0, 0.0], 0.0, 1.0),
    ],
)
def test_the_share_is_that_of_least_squares(direct, bent, share, gain):
    np.testing.assert_allclose(_best_share(np.array(direct), np.array(bent)), (share, gain))


def test_a_shared_design_takes_log_odds_beside_its_scores():
    (block,) = shared_blocks(N_PLAYERS, 300, np.random.default_rng(0), None)
    design = ends(N_PLAYERS) | block
    links = np.stack([evidence_of(design.masks, seed) for seed in (0, 1)], axis=1)
    scores = expit(links)
    truth = np.stack([truth_of(seed) for seed in (0, 1)], axis=1)
    plain = from_pairs(design, scores, SHAPLEY)
    helped = from_pairs(design, scores, SHAPLEY, links=links)
    assert (helped.standard_error < plain.standard_error).all()
    assert relative_error(helped.values, truth) < relative_error(plain.values, truth)
    assert [f.r2 for f in helped.fidelity] == [f.r2 for f in plain.fidelity]
    alone = from_pairs(design, scores[:, 1:], SHAPLEY, links=links[:, 1:])
    assert np.array_equal(alone.values[:, 0], helped.values[:, 1])


def test_main_effects_do_without_log_odds():
    (block,) = shared_blocks(N_PLAYERS, 300, np.random.default_rng(0), None)
    design = ends(N_PLAYERS) | block
    links = evidence_of(design.masks)[:, None]
    plain = from_pairs(design, expit(links), MAIN_EFFECTS)
    beside = from_pairs(design, expit(links), MAIN_EFFECTS, links=links)
    assert np.array_equal(beside.values, plain.values)
    assert np.array_equal(beside.standard_error, plain.standard_error)
