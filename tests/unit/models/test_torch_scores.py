"""Scores as torch forms them are those of the masking game, and can be differentiated."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError
from seewhy.game.scores import ClassScores, score_columns
from seewhy.models.masking_game import log_probabilities

torch = pytest.importorskip("torch")

from seewhy.models.torch_scores import torch_scores  # noqa: E402

SCORES = ("log-odds", "probability", "log-probability", "raw")


def outputs_of(output, columns, seed=0):
    logits = torch.from_numpy(np.random.default_rng(seed).normal(0, 4, (6, columns)))
    if output == "probabilities":
        return logits.sigmoid() if columns == 1 else logits.softmax(dim=1)
    return logits


def scores_of_the_game(outputs, asked, output):
    columns = outputs if output == "raw" else log_probabilities(outputs, output)
    return score_columns(columns, asked.score, asked.targets, asked.against)


@pytest.mark.parametrize("against", [None, 1])
@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("columns", [1, 2, 5])
@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_scores_are_those_of_the_game(output, columns, score, against):
    asked = ClassScores(score, (0, 1, 0) if columns < 3 else (4, 1, 2), against)
    outputs = outputs_of(output, columns)
    found = torch_scores(outputs, asked, output)
    assert found.dtype == torch.float64
    wanted = scores_of_the_game(outputs.numpy(), asked, output)
    np.testing.assert_allclose(found.numpy(), wanted, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("against", [None, 0])
def test_raw_outputs_stay_as_they_are(against):
    asked = ClassScores("raw", (2, 1), against)
    outputs = outputs_of("raw", 4)
    found = torch_scores(outputs, asked, "raw").numpy()
    np.testing.assert_allclose(found, scores_of_the_game(outputs.numpy(), asked, "raw"))


def test_a_class_that_is_nearly_certain_keeps_its_log_odds_and_gradient():
    logits = torch.tensor([[40.0, 0.0, -3.0]], dtype=torch.float32, requires_grad=True)
    found = torch_scores(logits, ClassScores("log-odds", (0,)), "logits")
    assert found.item() == pytest.approx(40 - np.logaddexp(0, -3), abs=1e-6)
    found.sum().backward()
    share = 1 / (1 + np.exp(-3))
    np.testing.assert_allclose(logits.grad.numpy(), [[1, -share, share - 1]], atol=1e-6)


@pytest.mark.parametrize("score", SCORES)
def test_gradients_are_those_of_small_steps(score):
    asked = ClassScores(score, (1, 3))
    outputs = outputs_of("logits", 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda o: torch_scores(o, asked, "logits"), outputs)


def test_half_precision_outputs_are_scored_in_float64():
    logits = outputs_of("logits", 5).half()
    asked = ClassScores("log-odds", (2,))
    found = torch_scores(logits, asked, "logits").numpy()
    np.testing.assert_allclose(found, scores_of_the_game(logits.numpy(), asked, "logits"), 1e-6)


@pytest.mark.parametrize(
    ("asked", "output", "said"),
    [
        (ClassScores("log-odds", (5,)), "logits", "target must be a class from 0 to 4; got 5"),
        (ClassScores("raw", (0,), -1), "raw", "against must be a class from 0 to 4; got -1"),
        (ClassScores("probability", (0,)), "raw", "score must be 'raw' for a model with raw"),
    ],
)
def test_what_the_outputs_do_not_have_is_refused(asked, output, said):
    with pytest.raises(InputError, match=said):
        torch_scores(outputs_of("raw", 5), asked, output)
