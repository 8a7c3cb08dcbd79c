"""The bench: which games judge, what they cost, and that all maps meet the same masks."""

from __future__ import annotations

import numpy as np
import pytest

import seewhy as sw
from seewhy.errors import InputError
from seewhy.game.game import Game
from seewhy.game.scores import ClassScores
from seewhy.game.toys import linear_game, random_game, threshold_game
from seewhy.image.fill import BlurFill, MeanFill, parse_fill
from seewhy.metrics.bench import Bench, bench_of, in_portions
from seewhy.metrics.protocol import RISE_BLUR, Protocol
from seewhy.models.masking_game import game_of, masked_picture
from seewhy.models.preprocessing import Preprocessing

SIDE = 24
D = 9
HIDDEN, WHOLE = np.zeros((1, D), bool), np.ones((1, D), bool)
MEAN = (0.2, 0.5, 0.8)


def channel_means(images):
    return 3 * images.mean(axis=(1, 2)).astype(np.float32)


def judged(output="logits", *, fill="mean", channels="RGB", against=None, score="log-odds"):
    """The bench of a model that compares its normalised channels, with model and picture."""
    steps = Preprocessing((SIDE, SIDE), mean=MEAN, std=(0.25,) * 3, channels=channels)
    model = sw.CallableModel(
        channel_means, labels=None, output=output, input_size=(SIDE, SIDE), preprocess=steps
    )
    pixels = np.random.default_rng(0).random((SIDE, SIDE, 3)).astype(np.float32)
    labels = np.kron(np.arange(D).reshape(3, 3), np.ones((8, 8), int))
    kind = parse_fill(fill)
    picture = masked_picture(model, pixels, labels, fill=kind)
    game = game_of(model, picture)
    asked = ClassScores("raw" if output == "raw" else score, (0,), against)
    return bench_of(model, picture, game, asked, fill=kind, seed=0), model, picture


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_deletion_ends_where_the_network_sees_zeros(channels):
    bench, *_ = judged(channels=channels)
    assert bench.removing(HIDDEN)[0, 0] == pytest.approx(1 / 3, abs=1e-6)
    raw, *_ = judged("raw", channels=channels)
    np.testing.assert_allclose(raw.removing.game(HIDDEN), 0, atol=1e-5)
    assert raw.removing.score == "raw"


def test_insertion_begins_with_the_blurred_picture():
    bench, _, picture = judged("raw")
    rng = np.random.default_rng(0)
    blurred = RISE_BLUR(picture.pixels, picture.labels, rng)
    expected = 3 * ((blurred.mean(axis=(0, 1)) - MEAN) / 0.25)
    np.testing.assert_allclose(bench.adding.game(HIDDEN)[0], expected, atol=1e-4)
    whole = 3 * ((picture.pixels.mean(axis=(0, 1)) - MEAN) / 0.25)
    for view in (bench.view, bench.other, bench.removing, bench.adding):
        np.testing.assert_allclose(view.game(WHOLE)[0], whole, atol=1e-4)


@pytest.mark.parametrize(
    ("fill", "other"), [("mean", BlurFill()), ("black", BlurFill()), ("blur", MeanFill())]
)
def test_the_other_fill_hides_otherwise(fill, other):
    bench, _, picture = judged("raw", fill=fill)
    shown = other(picture.pixels, picture.labels, np.random.default_rng(0))
    mask = np.arange(D)[None] < 4
    composed = np.where((picture.labels < 4)[..., None], picture.pixels, shown)
    expected = 3 * ((composed.mean(axis=(0, 1)) - MEAN) / 0.25)
    np.testing.assert_allclose(bench.other.game(mask)[0], expected, atol=1e-4)


def test_scores_are_those_that_were_explained_and_curves_are_of_probabilities():
    bench, *_ = judged(against=2)
    assert [v.score for v in (bench.view, bench.other)] == ["log-odds"] * 2
    assert [v.against for v in (bench.view, bench.other)] == [2, 2]
    assert [v.score for v in (bench.removing, bench.adding)] == ["probability"] * 2
    assert [v.against for v in (bench.removing, bench.adding)] == [None, None]


def test_what_was_paid_for_the_explanation_is_not_paid_again():
    bench, *_ = judged()
    bench.view(WHOLE)
    before = bench.evaluations
    bench.view(WHOLE)
    assert bench.evaluations == before
    bench.adding(WHOLE)
    assert bench.evaluations == before + 1


def test_shared_games_are_counted_once(bench_for):
    bench = bench_for(linear_game(np.ones(4)), 4)
    in_portions(bench.view, np.eye(4, dtype=bool))
    assert bench.evaluations == 4


def test_fresh_masks_are_pairs_and_the_same_for_all_who_are_judged(bench_for):
    one = bench_for(random_game(40, np.random.default_rng(0)), 40, seed=3)
    masks, scores = one.fresh
    assert masks.shape == (2 * Protocol().fresh_pairs, 40)
    assert (masks[::2] == ~masks[1::2]).all()
    assert abs(masks[::2].mean() - 0.5) < 4.5 * 0.5 / np.sqrt(masks[::2].size)
    assert one.fresh[0] is masks
    again = bench_for(random_game(40, np.random.default_rng(0)), 40, seed=3)
    assert (again.fresh[0] == masks).all()
    assert (again.fresh[1] == scores).all()
    other = bench_for(random_game(40, np.random.default_rng(0)), 40, seed=4)
    assert (other.fresh[0] != masks).any()


def test_draws_of_one_part_are_not_those_of_another(bench_for):
    bench = bench_for(linear_game(np.ones(4)), 4, seed=1)
    first, other, again = (bench.rng(*path).random(8) for path in ((3, 0), (3, 1), (3, 0)))
    assert (first == again).all()
    assert (first != other).all()


def test_portions_change_nothing():
    asked = []

    def value(masks):
        asked.append(len(masks))
        return masks.sum(axis=1, keepdims=True).astype(float)

    view = Game(value, 5, portion=7).view("raw", target=0)
    masks = np.unpackbits(np.arange(20, dtype=np.uint8)[:, None], axis=1)[:, 3:].astype(bool)
    assert in_portions(view, masks).tolist() == masks.sum(axis=1).tolist()
    assert max(asked) <= 7
    assert sum(asked) == 20


def test_the_decision_is_whether_the_class_stays_ahead():
    def value(masks):
        return np.stack([masks @ [2.0, 1.0], 1.5 + 0 * masks[:, 0], masks @ [0.0, 2.5]], axis=1)

    def bench_with(target, against=None):
        view = Game(value, 2).view("raw", target=target, against=against)
        return Bench(view, view, view, view)

    masks = np.array([[True, True], [True, False], [False, True]])
    assert bench_with(0).decision(masks).kept.tolist() == [True, True, False]
    assert bench_with(0, against=2).decision(masks).kept.tolist() == [True, True, False]
    assert bench_with(0, against=1).decision(masks).kept.tolist() == [True, True, False]
    assert bench_with(1).decision is None
    assert bench_with(2).decision is None  # second
    # it need not be first to be ahead of one
    assert bench_with(2, against=1).decision(masks).kept.tolist() == [True, False, True]
    assert bench_with(1, against=2).decision is None


def test_with_one_column_nothing_is_decided():
    view = linear_game([1.0, 1.0]).game().view("raw", target=0)
    assert Bench(view, view, view, view).decision is None


def test_one_class_is_judged_at_a_time():
    two = threshold_game([1.0, 1.0], 0.5).view("raw", target=(0, 1))
    with pytest.raises(InputError, match="one class at a time; got 2"):
        Bench(two, two, two, two)


def test_areas_are_those_of_the_superpixels():
    bench, _, picture = judged()
    assert bench.n_players == D
    np.testing.assert_allclose(bench.areas, picture.areas())
