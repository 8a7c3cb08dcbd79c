"""Bounds that hold whenever one stops: against integrals, Clopper–Pearson, and many streams."""

from __future__ import annotations

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import xlog1py, xlogy
from scipy.stats import beta, binom

from seewhy.game.certificates import (
    MOST_DRAWS,
    SequentialTest,
    certifies,
    fewest_draws,
    log_wealth,
    lower_bound,
    upper_bound,
)

COUNTS = [(0, 0), (1, 0), (79, 0), (5, 5), (40, 3), (400, 12), (0, 7), (3000, 90)]
LONGEST = 2000


def mean_over_prior(hits, misses, above):
    """∫ q^s (1−q)^f π(q) dq over (above, 1), π = Beta(1, ½), relative to its top: log, value.

    q = 1 − u², which takes away the pole of π at 1.
    """
    top = hits / (hits + misses) if hits + misses else 0.5
    top = max(top, above)
    scale = xlogy(hits, top) + xlog1py(misses, -top)

    def integrand(u):
        q = 1 - u * u
        return exp(xlogy(hits, q) + xlogy(misses, u * u) - scale)  # 2u du · u⁻¹ / 2

    end = (1 - above) ** 0.5
    peak = min((1 - top) ** 0.5, end)
    cuts = sorted({0.0, max(peak - 0.05, 0.0), peak, min(peak + 0.05, end), end})
    parts = [quad(integrand, a, b, epsabs=0)[0] for a, b in pairwise(cuts)]
    return scale, sum(parts)


def integrated_log_wealth(hits, misses, precision):
    scale, value = mean_over_prior(hits, misses, precision)
    _, prior = mean_over_prior(0, 0, precision)
    return scale + log(value / prior) - hits * log(precision) - misses * log(1 - precision)


@pytest.mark.parametrize(("hits", "misses"), COUNTS)
@pytest.mark.parametrize("precision", [0.05, 0.5, 0.9, 0.95, 0.999])
def test_wealth_is_the_mean_over_the_prior_above_the_precision(hits, misses, precision):
    found = log_wealth(hits, misses, precision)
    assert found == pytest.approx(integrated_log_wealth(hits, misses, precision), abs=1e-6)


@pytest.mark.parametrize("error", [0.2, 0.05, 0.001])
@pytest.mark.parametrize(("hits", "misses"), [(79, 0), (40, 3), (400, 12), (3000, 90), (30, 30)])
def test_the_bound_is_where_the_integral_has_grown_as_asked(hits, misses, error):
    bound = lower_bound(hits, misses, error)
    assert integrated_log_wealth(hits, misses, bound) == pytest.approx(-log(error), abs=1e-4)
    below = np.linspace(0.01, 1, 40, endpoint=False) * bound
    assert min(log_wealth(hits, misses, m) for m in below) > -log(error)


@pytest.mark.parametrize("error", [0.05, 0.01, 0.001])
@pytest.mark.parametrize(("hits", "misses"), [(20, 0), (100, 0), (95, 5), (300, 20), (970, 30)])
def test_looking_all_the_time_costs_little_over_looking_once(hits, misses, error):
    once = float(beta.ppf(error, hits, misses + 1))  # Clopper–Pearson
    bound, share = lower_bound(hits, misses, error), hits / (hits + misses)
    assert bound < once
    assert share - bound < 2.1 * (share - once) + 0.002


def worst_moments(bound_of, precision, streams, rng):
    """In how many streams the bound exceeds the precision at some moment."""
    most = np.full(LONGEST + 1, -1)  # misses up to which it does, after every number of draws
    for n in range(1, LONGEST + 1):
        most[n] = most[n - 1]
        while most[n] + 1 <= n and bound_of(n - most[n] - 1, most[n] + 1) > precision:
            most[n] += 1
    misses = np.cumsum(rng.random((streams, LONGEST)) >= precision, axis=1)
    return int((misses <= most[1:]).any(axis=1).sum())


@pytest.mark.parametrize(("precision", "error"), [(0.95, 0.05), (0.8, 0.1), (0.99, 0.2)])
def test_the_bound_holds_though_one_stops_at_the_worst_moment(precision, error):
    streams = 4000
    wrong = worst_moments(
        lambda s, f: lower_bound(s, f, error), precision, streams, np.random.default_rng(1)
    )
    assert wrong <= binom.ppf(1 - 1e-4, streams, error)
    assert wrong > streams * error / 20  # nor is it that safe by being useless


def test_bounds_made_for_one_look_do_not_hold_at_the_worst_moment():
    """So the test above can tell."""
    wrong = worst_moments(
        lambda s, f: beta.ppf(0.05, s, f + 1) if s else 0.0, 0.95, 2000, np.random.default_rng(1)
    )
    assert wrong > 3 * binom.ppf(1 - 1e-4, 2000, 0.05)


counts = st.integers(0, 3000)
errors = st.floats(1e-4, 0.5)


@given(counts, counts, errors)
def test_a_bound_rises_with_hits_and_falls_with_misses(hits, misses, error):
    bound = lower_bound(hits, misses, error)
    assert 0 <= bound <= (hits / (hits + misses) if hits + misses else 0)
    assert lower_bound(hits + 1, misses, error) >= bound - 1e-8
    assert lower_bound(hits, misses + 1, error) <= bound + 1e-8
    assert lower_bound(hits, misses, error / 2) <= bound + 1e-8


@given(counts, counts, errors)
def test_the_upper_bound_is_the_lower_one_of_the_misses(hits, misses, error):
    share = hits / (hits + misses) if hits + misses else 1.0
    bound = upper_bound(hits, misses, error)
    assert share - 1e-12 <= bound <= 1
    assert bound == 1 - lower_bound(misses, hits, error)


@given(counts, st.integers(0, 300), st.floats(0.05, 0.995), errors)
def test_to_certify_is_to_have_a_bound_above(hits, misses, precision, error):
    bound = lower_bound(hits, misses, error)
    if abs(bound - precision) > 1e-7:
        assert certifies(hits, misses, precision, error) == (bound > precision)


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("error", [0.2, 0.05, 0.001])
def test_the_fewest_draws_certify_and_one_less_does_not(precision, error):
    fewest = fewest_draws(precision, error)
    assert certifies(fewest, 0, precision, error)
    assert not certifies(fewest - 1, 0, precision, error)
    assert fewest >= log(error) / log(precision)  # what one look would take


def test_what_no_number_of_draws_certifies_takes_more_than_the_most():
    assert fewest_draws(1 - 1e-9, 0.05) > MOST_DRAWS


def answers(test_of, precision, streams, rng):
    """The answer of every stream of draws, and how many draws they took on average."""
    found, draws = [], 0
    for _ in range(streams):
        test = test_of()
        while test.answer == "undecided":
            hits = int(rng.binomial(4, precision))
            test.add(hits, 4 - hits)
        found.append(test.answer)
        draws += test.seen
    return found, draws / streams


@pytest.mark.parametrize(("low", "high", "error"), [(0.95, 0.99, 0.2), (0.4, 0.6, 0.05)])
def test_a_sequential_test_errs_as_rarely_as_it_says_and_is_soon_done(low, high, error):
    streams, rng = 2000, np.random.default_rng(0)
    most = binom.ppf(1 - 1e-4, streams, error / (1 - error))  # Wald's limit
    from_low, _ = answers(lambda: SequentialTest(low, high, error), low, streams, rng)
    from_high, draws = answers(lambda: SequentialTest(low, high, error), high, streams, rng)
    assert from_low.count("high") <= most
    assert from_high.count("low") <= most
    assert min(from_low.count("high"), from_high.count("low")) > error * streams / 20
    clearly, _ = answers(lambda: SequentialTest(low, high, error), low - 0.3, 200, rng)
    assert clearly.count("high") <= 1
    assert draws < needed_at_once(low, high, error)


def needed_at_once(low, high, error):
    """Draws of a test of fixed size with the same errors, for a threshold anywhere between."""
    for draws in range(1, 10_000):
        cut = np.arange(draws + 1)
        alpha, beta_ = binom.sf(cut - 1, draws, low), binom.cdf(cut - 1, draws, high)
        if ((alpha <= error) & (beta_ <= error)).any():
            return draws
    raise AssertionError


def test_a_sequential_test_counts_and_leans_before_it_decides():
    test = SequentialTest(0.5, 0.9, 0.01)
    assert (test.answer, test.seen) == ("undecided", 0)
    test.add(3, 0)
    assert (test.answer, test.leaning, test.seen) == ("undecided", "high", 3)
    test.add(0, 2)
    assert (test.answer, test.leaning, test.seen) == ("undecided", "low", 5)
    test.add(0, 3)
    assert (test.answer, test.leaning) == ("low", "low")
