from __future__ import annotations

import numpy as np

from seewhy.game.odd_kernel import OddKernel

X = np.where(np.random.default_rng(0).random((6, 50)) < 0.5, 1.0, -1.0)


def kernel_of(total, n_players=50):
    return OddKernel(0.5 / n_players, 0.5, np.full(n_players, total / n_players))


def test_the_prior_is_odd_and_symmetric():
    kernel = kernel_of(2.0)
    covariance = kernel(X, X)
    np.testing.assert_allclose(covariance, covariance.T, rtol=1e-14)
    np.testing.assert_allclose(kernel(X, -X), -covariance, rtol=1e-14)


def test_large_decays_neither_overflow_nor_vanish():
    # sinh(800) overflows; the kernel of a mask with itself tends to a0 d + a1
    kernel = kernel_of(800.0)
    np.testing.assert_allclose(np.diag(kernel(X, X)), 1.0, rtol=1e-12)
    assert np.isfinite(kernel.shapley_covariances(X)).all()


def test_no_interactions_are_left_when_decays_vanish():
    # with b → 0 the product term is 2 a1 e^-B (b·u): linear, and as small as b
    kernel = OddKernel(1.0, 1.0, np.full(50, 1e-9))
    np.testing.assert_allclose(kernel(X, X), X @ X.T, atol=1e-6)
    np.testing.assert_allclose(kernel.shapley_covariances(X), 2 * X.T, atol=1e-6)
    np.testing.assert_allclose(kernel.shapley_variances(), 4.0, rtol=1e-6)
    np.testing.assert_allclose(kernel.main_effect_variances(), 4.0, rtol=1e-6)


def test_log_constant_and_participation_are_their_formulas():
    decay = np.array([0.1, 0.7, 2.0])
    kernel = OddKernel(1.0, 1.0, decay)
    constant = 2 * np.exp(-decay.sum()) * np.cosh(decay).prod()
    np.testing.assert_allclose(np.exp(kernel.log_constant), constant, rtol=1e-14)
    np.testing.assert_allclose(kernel.participation, np.tanh(decay), rtol=1e-14)
