"""Consensus: who has a voice of their own, what is agreed, and what is in dispute."""

from __future__ import annotations

import numpy as np
import pytest

import seewhy as sw
from seewhy.game.agreement import kendall_w
from seewhy.game.toys import linear_game
from seewhy.methods.explanation import Attribution
from seewhy.methods.registry import METHOD_NAMES, method_class
from seewhy.metrics.consensus import NOTABLE, STRONG, VOICES, consensus_of, voices_of

D = 12
CLEAR = np.array([8.0, 6, -5, 4, 1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])


def said(key, values, error=None, **settings):
    """What a method would answer, with values of our own."""
    values = np.asarray(values, float)[:, None]
    return Attribution(
        values=values,
        standard_error=None if error is None else np.broadcast_to(error, D)[:, None] * 1.0,
        base_value=np.zeros(1),
        targets=(0,),
        evaluations=1,
        seconds=0.0,
        fidelity=None,
        converged=np.ones(1, bool),
        method=method_class(key)(**settings),
    )


def swapped(values, *pairs):
    values = np.array(values, float)
    for one, other in pairs:
        values[[one, other]] = values[[other, one]]
    return values


def test_every_attribution_has_a_voice():
    rules = {"anchors", "counterfactual"}
    assert set(VOICES) == set(METHOD_NAMES) - rules


def test_lime_banzhaf_and_rise_are_one_voice():
    three = [said("lime", CLEAR), said("banzhaf", CLEAR), said("rise", CLEAR / 2)]
    assert [voice.method for voice in voices_of(three)] == ["lime"]
    assert consensus_of(three) is None
    both = consensus_of([*three, said("kernel-shap", CLEAR), said("permutation-shap", -CLEAR)])
    assert [voice.name for voice in both.voices] == ["main effects", "Shapley values"]
    assert [voice.method for voice in both.voices] == ["lime", "kernel-shap"]
    assert both.concordance == 1.0


def test_their_values_are_one_number_up_to_a_factor():
    """Why they count once: on a game whose every mask is asked."""
    game = linear_game([2.0, -1.0, 0.5, 0.25])
    rng = np.random.default_rng(0)
    found = [method()(game.game(), rng) for method in (sw.Lime, sw.Banzhaf, sw.Rise)]
    voices = [voices_of([each])[0] for each in found]
    assert len({voice.name for voice in voices}) == 1
    for voice in voices[1:]:
        np.testing.assert_allclose(voice.values, voices[0].values, atol=1e-3)


def test_weights_without_a_sign_and_silence_have_no_voice():
    assert voices_of([said("grad-cam", np.abs(CLEAR))]) == ()
    assert consensus_of([said("lime", CLEAR), said("grad-cam", np.abs(CLEAR))]) is None
    assert voices_of([said("occlusion", np.zeros(D))]) == ()
    # silence does not speak for others of its kind either
    voices = voices_of([said("lime", np.zeros(D)), said("banzhaf", CLEAR)])
    assert [voice.method for voice in voices] == ["banzhaf"]


def test_values_are_shares_of_the_largest():
    (voice,) = voices_of([said("occlusion", -4 * CLEAR, 0.8)])
    assert np.abs(voice.values).max() == 1.0
    np.testing.assert_allclose(voice.values, -CLEAR / 8)
    np.testing.assert_allclose(voice.standard_error, 0.025)
    low, high = voice.interval()
    np.testing.assert_allclose(high - low, 2 * 1.959964 * 0.025, rtol=1e-6)
    exact = voices_of([said("occlusion", CLEAR)])[0].interval()
    assert (exact[0] == exact[1]).all()


def test_what_all_say_is_agreed_strongest_first():
    found = consensus_of(
        [said("lime", CLEAR), said("kernel-shap", 10 * CLEAR), said("occlusion", CLEAR)]
    )
    assert list(found.agreed) == [0, 1, 2, 3]  # the strongest third of twelve
    assert list(found.agreed.values()) == pytest.approx([1, 0.75, -0.625, 0.5])
    assert found.disputed == ()
    assert found.concordance == 1.0


def test_what_one_does_not_count_among_its_strongest_is_not_agreed():
    other = swapped(CLEAR, (3, 4))  # the fifth is notable, but not among the four strongest
    found = consensus_of([said("lime", CLEAR), said("occlusion", other)])
    assert list(found.agreed) == [0, 1, 2]
    assert round(STRONG * D) == 4


def test_what_one_is_not_certain_of_is_not_agreed():
    error = np.zeros(D)
    error[1] = 100.0
    found = consensus_of([said("lime", CLEAR, error), said("occlusion", CLEAR)])
    assert list(found.agreed) == [0, 2, 3]
    assert found.disputed == ()  # second of twelve: not among the strongest tenth of either


def test_certain_opposite_signs_are_in_dispute():
    other = CLEAR.copy()
    other[2] *= -1
    found = consensus_of([said("lime", CLEAR, 0.1), said("occlusion", other)])
    assert found.disputed == (2,)
    assert 2 not in found.agreed
    unsure = consensus_of([said("lime", CLEAR, 3.0), said("occlusion", other)])
    assert 2 not in unsure.disputed


def test_what_is_small_has_no_sign_worth_a_dispute():
    """Without sampling every value is certain, of however little."""
    small = NOTABLE * 8 * 0.9
    one, other = CLEAR.copy(), CLEAR.copy()
    one[7], other[7] = small, -small
    assert consensus_of([said("occlusion", one), said("lime", other)]).disputed == ()
    one[7], other[7] = small / 0.8, -small / 0.8
    assert consensus_of([said("occlusion", one), said("lime", other)]).disputed == (7,)


def test_the_strongest_of_one_of_which_another_knows_no_sign_is_in_dispute():
    error = np.zeros(D)
    error[0] = 100.0
    found = consensus_of([said("lime", CLEAR), said("occlusion", CLEAR, error)])
    assert found.disputed == (0,)
    nothing = CLEAR.copy()
    nothing[0] = 0.0
    assert consensus_of([said("lime", CLEAR), said("occlusion", nothing)]).disputed == (0,)


def test_disputes_are_told_largest_first():
    other = CLEAR.copy()
    other[[1, 3]] *= -1
    other[3] = -7.9
    found = consensus_of([said("lime", CLEAR), said("occlusion", other)])
    assert found.disputed == (3, 1)


def test_concordance_is_kendalls():
    rng = np.random.default_rng(0)
    maps = CLEAR + rng.standard_normal((3, D))
    found = consensus_of(
        [said(key, row) for key, row in zip(("lime", "occlusion", "deep-shap"), maps, strict=True)]
    )
    assert found.concordance == pytest.approx(kendall_w(maps))
    turned = consensus_of([said("lime", CLEAR), said("occlusion", -CLEAR)])
    assert turned.concordance == pytest.approx(0.0)
    assert turned.agreed == {}


def test_another_column_is_another_class():
    two = [
        Attribution(
            values=np.stack([CLEAR, sign * CLEAR], axis=1),
            standard_error=None,
            base_value=np.zeros(2),
            targets=(0, 1),
            evaluations=1,
            seconds=0.0,
            fidelity=None,
            converged=np.ones(2, bool),
            method=method_class(key)(),
        )
        for key, sign in (("lime", 1), ("occlusion", -1))
    ]
    assert consensus_of(two).concordance == 1.0
    assert consensus_of(two, 1).agreed == {}


def test_even_of_two_superpixels_there_is_a_strongest():
    values = np.array([[1.0], [0.0]])
    voices = [
        Attribution(
            values=values,
            standard_error=None,
            base_value=np.zeros(1),
            targets=(0,),
            evaluations=1,
            seconds=0.0,
            fidelity=None,
            converged=np.ones(1, bool),
            method=method_class(key)(),
        )
        for key in ("lime", "occlusion")
    ]
    assert consensus_of(voices).agreed == {0: 1.0}
