from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from seewhy.errors import InputError
from seewhy.game.design import all_masks, bernoulli
from seewhy.game.regression import lime_weights, weighted_ridge

RNG = np.random.default_rng(0)
MASKS = bernoulli(7, 60, RNG).masks
VALUES = RNG.standard_normal((60, 2)) + MASKS @ RNG.standard_normal((7, 2))
WEIGHTS = RNG.random(60) + 0.1


@pytest.mark.parametrize("ridge", [0.0, 1.0, 30.0])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_the_fit_is_scikit_learns(ridge, weights):
    fit = weighted_ridge(MASKS, VALUES, weights=weights, ridge=ridge)
    peer = Ridge(alpha=ridge).fit(MASKS.astype(float), VALUES, sample_weight=weights)
    np.testing.assert_allclose(fit.coefficients, peer.coef_.T, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(fit.intercept, peer.intercept_, rtol=1e-9, atol=1e-11)


def test_without_intercept_the_fit_goes_through_the_origin():
    signs = np.where(MASKS, 1.0, -1.0)
    fit = weighted_ridge(signs, VALUES, weights=WEIGHTS, intercept=False)
    root = np.sqrt(WEIGHTS)[:, None]
    expected = np.linalg.lstsq(signs * root, VALUES * root)[0]
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-9)
    assert np.array_equal(fit.intercept, np.zeros(2))


@pytest.mark.parametrize("intercept", [True, False])
def test_left_out_predictions_are_those_of_fits_without_the_row(intercept):
    fit = weighted_ridge(MASKS, VALUES, weights=WEIGHTS, intercept=intercept)
    for row in (0, 17, 59):
        others = np.arange(60) != row
        without = weighted_ridge(
            MASKS[others], VALUES[others], weights=WEIGHTS[others], intercept=intercept
        )
        expected = without.intercept + MASKS[row] @ without.coefficients
        np.testing.assert_allclose(fit.left_out[row], expected, rtol=1e-9)


def test_standard_errors_are_the_hc3_sandwich():
    fit = weighted_ridge(MASKS, VALUES)
    design = np.column_stack([np.ones(60), MASKS])
    bread = np.linalg.inv(design.T @ design)
    leverage = np.diag(design @ bread @ design.T)
    residuals = VALUES[:, 0] - design @ bread @ design.T @ VALUES[:, 0]
    meat = design.T @ np.diag((residuals / (1 - leverage)) ** 2) @ design
    expected = np.sqrt(np.diag(bread @ meat @ bread))[1:]
    np.testing.assert_allclose(fit.standard_error[:, 0], expected, rtol=1e-9)


def test_standard_errors_cover_a_game_that_is_not_linear():
    truth, covered = None, []
    masks = all_masks(6).masks
    values = (masks[:, 0] * 2.0 + masks[:, 1] * masks[:, 2] * 3.0 - masks[:, 3])[:, None]
    truth = weighted_ridge(masks, values).coefficients
    for seed in range(150):
        rows = np.random.default_rng(seed).integers(len(masks), size=80)
        fit = weighted_ridge(masks[rows], values[rows])
        covered.append(np.abs(fit.coefficients - truth) <= 1.96 * fit.standard_error)
    assert 0.92 < np.mean(covered) < 0.98


def test_with_fewer_rows_than_players_the_smallest_solution_is_taken():
    masks, values = bernoulli(30, 12, RNG).masks, RNG.standard_normal((12, 1))
    fit = weighted_ridge(masks, values)
    centred = masks - masks.mean(axis=0)
    expected = np.linalg.pinv(centred) @ (values - values.mean())
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-8, atol=1e-10)


def test_features_that_never_change_get_nothing():
    masks = np.ones((5, 3), bool)
    fit = weighted_ridge(masks, np.arange(5.0)[:, None])
    assert np.array_equal(fit.coefficients, np.zeros((3, 1)))
    assert fit.intercept[0] == 2.0


def test_weights_are_limes_cosine_kernel():
    masks = all_masks(5).masks
    ones = np.ones(5)
    cosine = [m @ ones / np.sqrt(max(m.sum(), 1) * 5) for m in masks.astype(float)]
    distance = 1 - np.array(cosine)
    expected = np.sqrt(np.exp(-(distance**2) / 0.25**2))
    np.testing.assert_allclose(lime_weights(masks), expected, rtol=1e-12)
    assert lime_weights(np.ones((1, 5), bool)) == 1.0
    assert np.all(lime_weights(masks, width=0.5) >= lime_weights(masks))


def test_a_negative_ridge_is_refused():
    with pytest.raises(InputError, match=r"^ridge must not be negative; got -1\.0$"):
        weighted_ridge(MASKS, VALUES, ridge=-1.0)
