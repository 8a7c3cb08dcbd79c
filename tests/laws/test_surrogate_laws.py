"""The surrogate against textbook mathematics, with every mask and every character enumerated."""

from __future__ import annotations

from dataclasses import replace
from math import factorial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from seewhy.game.design import all_masks, bernoulli_pairs, ends
from seewhy.game.fidelity import PairedScores
from seewhy.game.functionals import MAIN_EFFECTS, SHAPLEY
from seewhy.game.hadamard import fold_over
from seewhy.game.likelihood import JITTER, Evidence
from seewhy.game.odd_kernel import OddKernel
from seewhy.game.surrogate import OddProcess, fit_odd_process
from seewhy.game.toys import linear_game, random_game

law = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@st.composite
def kernels(draw, smallest=1, largest=9):
    n_players = draw(st.integers(smallest, largest))
    decay = draw(st.lists(st.floats(0.01, 2.5), min_size=n_players, max_size=n_players))
    return OddKernel(draw(st.floats(0.001, 3.0)), draw(st.floats(0.001, 3.0)), np.array(decay))


@st.composite
def processes(draw):
    """A process with random hyper-parameters, on random pairs of a random function."""
    kernel = draw(kernels(smallest=3, largest=8))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n_players = len(kernel.decay)
    n_pairs = int(rng.integers(2, 2 ** (n_players - 1) + 1))
    pairs = bernoulli_pairs(n_players, n_pairs, rng).masks[::2]
    x = np.vstack([np.where(pairs, 1.0, -1.0), np.ones((1, n_players))])
    noise = draw(st.sampled_from([0.003, 0.03, 0.3]))
    return OddProcess(
        x, rng.standard_normal(len(x)), kernel, noise, draw(st.floats(0.1, 10.0)), len(pairs)
    )


def every_sign(n_players):
    return np.where(all_masks(n_players).masks, 1.0, -1.0)


def characters(x):
    """χ_T at the rows of ``x``, one column for every set T of odd size, and those sets as rows."""
    sets = all_masks(x.shape[1]).masks
    odd = sets[sets.sum(axis=1) % 2 == 1]
    return np.stack([x[:, chosen].prod(axis=1) for chosen in odd], axis=1), odd


def character_variances(kernel, sets):
    interaction = np.where(sets, np.tanh(kernel.decay), 1.0).prod(axis=1)
    constant = 2 * np.exp(-kernel.decay.sum()) * np.cosh(kernel.decay).prod()
    return kernel.product * constant * interaction + kernel.linear * (sets.sum(axis=1) == 1)


def main_effect_operator(n_players):
    """Mean over masks with the player minus mean over masks without, as a matrix on all masks."""
    masks = all_masks(n_players).masks
    return np.where(masks, 1.0, -1.0).T / 2 ** (n_players - 1)


def shapley_operator(n_players):
    """The definition by marginal contributions, as a matrix on all masks."""
    masks = all_masks(n_players).masks
    sizes = masks.sum(axis=1)
    joined = [factorial(max(s - 1, 0)) * factorial(n_players - s) for s in sizes.tolist()]
    missing = [factorial(s) * factorial(max(n_players - s - 1, 0)) for s in sizes.tolist()]
    weights = np.where(masks, np.array(joined)[:, None], -np.array(missing)[:, None])
    return weights.T / factorial(n_players)


def main_effect_functionals(n_players):
    return main_effect_operator(n_players) @ characters(every_sign(n_players))[0]


def shapley_functionals(n_players):
    return shapley_operator(n_players) @ characters(every_sign(n_players))[0]


def calibration(process, functional):
    return process.calibration(functional.covariances(process.kernel, process.x))


def posterior(process, functionals):
    """Gaussian conditioning in the space of characters: w ~ N(0, Λ), y = χ w + noise."""
    features, sets = characters(process.x)
    prior = np.diag(character_variances(process.kernel, sets))
    noise = np.full(len(process.y), process.noise)
    noise[-1] = 0
    jitter = JITTER * (process.kernel.linear * process.x.shape[1] + process.kernel.product)
    covariance = features @ prior @ features.T + np.diag(noise + jitter)
    gain = np.linalg.solve(covariance, features @ prior).T
    mean = gain @ process.y
    spread = prior - gain @ features @ prior
    return functionals @ mean, np.diag(functionals @ spread @ functionals.T), covariance


@law
@given(kernels())
def test_the_kernel_is_its_expansion_in_odd_characters(kernel):
    x = every_sign(len(kernel.decay))
    features, sets = characters(x)
    expansion = (features * character_variances(kernel, sets)) @ features.T
    np.testing.assert_allclose(kernel(x, x), expansion, rtol=1e-10, atol=1e-12)


@law
@given(kernels())
def test_main_effects_covary_with_the_data_as_enumeration_says(kernel):
    x = every_sign(len(kernel.decay))
    features, sets = characters(x)
    variances, functionals = (
        character_variances(kernel, sets),
        main_effect_functionals(len(kernel.decay)),
    )
    expected = functionals * variances @ features.T
    np.testing.assert_allclose(kernel.main_effect_covariances(x), expected, rtol=1e-8, atol=1e-10)
    prior = np.diag(functionals * variances @ functionals.T)
    np.testing.assert_allclose(kernel.main_effect_variances(), prior, rtol=1e-9)


@law
@given(kernels())
def test_shapley_values_covary_with_the_data_as_enumeration_says(kernel):
    x = every_sign(len(kernel.decay))
    features, sets = characters(x)
    variances, functionals = (
        character_variances(kernel, sets),
        shapley_functionals(len(kernel.decay)),
    )
    expected = functionals * variances @ features.T
    np.testing.assert_allclose(kernel.shapley_covariances(x), expected, rtol=1e-8, atol=1e-10)
    prior = np.diag(functionals * variances @ functionals.T)
    np.testing.assert_allclose(kernel.shapley_variances(), prior, rtol=4e-7)


@law
@given(processes())
def test_posterior_of_main_effects_is_textbook_conditioning(process):
    mean, variance, _ = posterior(process, main_effect_functionals(process.x.shape[1]))
    values, error = process.main_effects()
    factor = process.scale * process.amplitude * calibration(process, MAIN_EFFECTS)
    np.testing.assert_allclose(values, process.scale * mean, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose((error / factor) ** 2, variance, rtol=1e-5, atol=1e-7)


@law
@given(processes())
def test_posterior_of_shapley_values_is_textbook_conditioning(process):
    mean, variance, _ = posterior(process, shapley_functionals(process.x.shape[1]))
    values, error = process.shapley_values()
    factor = process.scale * process.amplitude * calibration(process, SHAPLEY)
    np.testing.assert_allclose(values, process.scale * mean, rtol=1e-5, atol=2e-5 * process.scale)
    np.testing.assert_allclose((error / factor) ** 2, variance, rtol=1e-5, atol=2e-6)


@law
@given(processes())
def test_shapley_values_add_up_to_the_whole_minus_the_empty(process):
    values, _ = process.shapley_values()
    assert abs(values.sum() - 2 * process.y[-1] * process.scale) < 1e-9
    # and they do so by themselves, before what is missing is spread
    bare = process.scale * (process.kernel.shapley_covariances(process.x) @ process._alpha)
    np.testing.assert_allclose(bare, values, atol=1e-5 * process.scale)


@law
@given(processes())
def test_amplitude_is_the_profiled_scale_of_the_prior(process):
    _, _, covariance = posterior(process, np.zeros((1, 2 ** (process.x.shape[1] - 1))))
    quadratic = process.y @ np.linalg.solve(covariance, process.y)
    np.testing.assert_allclose(process.amplitude, np.sqrt(quadratic / len(process.y)), rtol=1e-6)


def without(process, pair):
    rows = np.arange(len(process.y)) != pair
    return replace(process, x=process.x[rows], y=process.y[rows], pairs=process.pairs - 1)


@law
@given(processes())
def test_leaving_a_pair_out_is_fitting_without_it(process):
    pairs = process.x[:-1]
    refitted = [
        pairs[m] @ without(process, m).main_effects()[0] / 2 for m in range(len(process.y) - 1)
    ]
    np.testing.assert_allclose(
        process.left_out(MAIN_EFFECTS), refitted, rtol=1e-6, atol=1e-7 * process.scale
    )


@law
@given(processes(), st.sampled_from([MAIN_EFFECTS, SHAPLEY]))
def test_error_bars_widen_by_how_far_values_move_without_each_pair(process, functional):
    covariances = functional.covariances(process.kernel, process.x)
    values, _ = process.posterior(covariances, functional.variances(process.kernel))
    moved = foreseen = 0.0
    for m in range(process.pairs):
        rest = without(process, m)
        others = functional.covariances(process.kernel, rest.x)
        moved += np.sum((values - process.scale * (others @ rest._alpha)) ** 2)
        # what a pair teaches is how much less variance is left once it is known
        lost = np.einsum("dn,dn->d", covariances @ process._inverse, covariances)
        lost -= np.einsum("dn,dn->d", others @ rest._inverse, others)
        foreseen += lost.sum() * (process.amplitude * process.scale) ** 2
    expected = max(1.0, np.sqrt(moved / foreseen)) if foreseen > 0 else 1.0
    np.testing.assert_allclose(process.calibration(covariances), expected, rtol=1e-3)


@st.composite
def evidences(draw):
    """Some pairs of a random function, and parameters to judge them by."""
    n_players = draw(st.integers(2, 8))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n_pairs = int(rng.integers(2, 2 ** (n_players - 1) + 1))
    x = np.where(bernoulli_pairs(n_players, n_pairs, rng).masks[::2], 1.0, -1.0)
    parameters = np.concatenate([[-2.0, -1.0, -3.0], np.full(n_players, -1.0)])
    parameters += 0.7 * rng.standard_normal(len(parameters))
    return Evidence(x, rng.standard_normal(len(x))), parameters


@law
@given(evidences())
def test_the_gradient_of_the_evidence_is_its_slope(case):
    evidence, parameters = case
    _, gradient = evidence(parameters)
    step = 1e-5
    slopes = [
        (evidence(parameters + step * unit)[0] - evidence(parameters - step * unit)[0]) / (2 * step)
        for unit in np.eye(len(parameters))
    ]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-5)


@law
@given(evidences())
def test_the_evidence_is_the_gaussian_density_and_the_priors(case):
    evidence, parameters = case
    linear, product, noise, *decay = np.exp(parameters)
    features, sets = characters(evidence.x)
    prior = character_variances(OddKernel(linear, product, np.array(decay)), sets)
    covariance = (features * prior) @ features.T + noise * np.eye(len(features))
    density = multivariate_normal(np.zeros(len(features)), covariance).logpdf(evidence.y)
    normal = norm.logpdf
    level = np.mean(parameters[3:])
    density += normal(parameters[2], np.log(0.01), 0.7) - normal(0, 0, 0.7)
    density += np.sum(normal(parameters[3:], level, 0.8) - normal(0, 0, 0.8))
    density += normal(level, np.log(2 / len(decay)), 1.5) - normal(0, 0, 1.5)
    found = evidence(parameters)[0] + len(features) / 2 * np.log(2 * np.pi)
    np.testing.assert_allclose(found, -density, rtol=1e-6, atol=1e-5)


def fitted(game, design):
    scores = game(design.masks)
    pairs = PairedScores.of(design.masks, scores)
    whole, empty = game(ends(design.n_players).masks)[:, 0]
    return fit_odd_process(pairs.signs, pairs.odd[:, 0], (whole - empty) / 2)


@pytest.mark.parametrize("n_players", [8, 20, 40])
def test_linear_games_are_recovered(n_players):
    weights = np.random.default_rng(n_players).standard_normal(n_players)
    game = linear_game(weights)
    process = fitted(game, fold_over(n_players, 64, np.random.default_rng(0)))
    for values, error in (process.main_effects(), process.shapley_values()):
        assert np.abs(values - weights).max() < 0.03 * np.abs(weights).max()
        assert (np.abs(values - weights) < 4 * error).all()


@pytest.mark.parametrize("seed", range(3))
def test_all_pairs_of_a_game_give_its_values(seed):
    rng = np.random.default_rng(seed)
    game = random_game(8, rng, interactions=20, largest=4, strength=0.5)
    process = fitted(game, bernoulli_pairs(8, 2**7, rng))
    scale = np.abs(game.main_effects()).max()
    assert np.abs(process.main_effects()[0] - game.main_effects()).max() < 0.01 * scale
    assert np.abs(process.shapley_values()[0] - game.shapley_values()).max() < 0.02 * scale


def test_even_interactions_and_the_level_of_the_game_change_nothing():
    rng = np.random.default_rng(0)
    design = bernoulli_pairs(10, 60, rng)
    x = np.where(design.masks, 1.0, -1.0)
    odd = (x[:, 0] + x[:, 1] * x[:, 2] * x[:, 3])[:, None]
    even = (7 + x[:, 4] * x[:, 5] - 3 * x[:, :4].prod(axis=1))[:, None]
    plain, disturbed = (PairedScores.of(design.masks, part) for part in (odd, odd + even))
    np.testing.assert_allclose(disturbed.odd, plain.odd, atol=1e-14)
