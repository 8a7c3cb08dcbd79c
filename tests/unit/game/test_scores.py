from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.scores import SCORES, score_columns


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return (shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))).astype(np.float32)


def log_odds_in_fifty_digits(log_probabilities, target):
    """Log p_t − log Σ_{j≠t} p_j, of the stored float32 numbers, by decimal arithmetic."""
    with localcontext() as context:
        context.prec = 50
        logs = [Decimal(float(value)) for value in log_probabilities]
        others = sum(log.exp() for j, log in enumerate(logs) if j != target)
        return float(logs[target] - others.ln())


LOGITS = np.random.default_rng(0).standard_normal((6, 7)) * 3


@pytest.mark.parametrize("lead", [0.0, 3.0, 15.0, 40.0, 90.0])
def test_log_odds_are_exact_to_twelve_digits_however_sure_the_model_is(lead):
    logits = LOGITS.copy()
    logits[:, 4] += lead
    stored = log_softmax(logits)
    scores = score_columns(stored, "log-odds", [4, 0, 4])
    for row, found in zip(stored, scores, strict=True):
        expected = [log_odds_in_fifty_digits(row, t) for t in (4, 0, 4)]
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_log_odds_of_two_classes_are_opposite_and_the_logit():
    probability = np.array([0.5, 0.9, 1e-6, 1 - 1e-6])
    stored = np.log(np.stack([1 - probability, probability], axis=1)).astype(np.float32)
    scores = score_columns(stored, "log-odds", [0, 1])
    assert np.array_equal(scores[:, 0], -scores[:, 1])
    np.testing.assert_allclose(
        scores[:, 1], np.log(probability / (1 - probability)), rtol=1e-5, atol=1e-6
    )


def test_a_probability_of_exactly_one_half_is_no_special_case():
    stored = np.log(np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]])).astype(np.float32)
    scores = score_columns(stored, "log-odds", [0, 1, 2])
    np.testing.assert_allclose(scores[[0, 1], [0, 1]], 0, atol=1e-7)
    np.testing.assert_allclose(scores[:, 2], np.log(1 / 3), atol=1e-6)


def test_probability_log_probability_and_raw_are_what_they_say():
    stored = log_softmax(LOGITS)
    exact = stored.astype(np.float64)
    assert np.array_equal(score_columns(stored, "probability", [2, 5]), np.exp(exact[:, [2, 5]]))
    assert np.array_equal(score_columns(stored, "log-probability", [3]), exact[:, [3]])
    assert np.array_equal(score_columns(stored, "raw", [3]), exact[:, [3]])
    assert score_columns(stored, "log-odds", [1]).dtype == np.float64


@pytest.mark.parametrize("score", SCORES)
def test_against_a_class_is_the_difference_of_logarithms_on_every_scale(score):
    stored = log_softmax(LOGITS)
    exact = stored.astype(np.float64)
    expected = exact[:, [0, 6]] - exact[:, [2]]
    assert np.array_equal(score_columns(stored, score, [0, 6], against=2), expected)


def test_log_odds_need_another_class():
    with pytest.raises(
        InputError,
        match=r"^score 'log-odds' needs at least two classes; this game has one column: use 'raw'$",
    ):
        score_columns(np.zeros((2, 1), np.float32), "log-odds", [0])


@pytest.mark.parametrize("target", [7, -1])
def test_a_class_that_does_not_exist_is_named(target):
    message = f"must be a class index from 0 to 6; got {target}$"
    with pytest.raises(InputError, match=f"^target {message}"):
        score_columns(log_softmax(LOGITS), "log-odds", [0, target])
    with pytest.raises(InputError, match=f"^against {message}"):
        score_columns(log_softmax(LOGITS), "log-odds", [0], against=target)


def test_an_unknown_score_is_named():
    with pytest.raises(
        InputError,
        match=r"^score must be one of log-odds, probability, log-probability, raw; got 'logits'$",
    ):
        score_columns(log_softmax(LOGITS), "logits", [0])
