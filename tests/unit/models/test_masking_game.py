"""masking_game: hidden superpixels, closed forms, and models that cannot be explained."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp
from skimage import data

from seewhy.errors import InputError, ModelError
from seewhy.image.fill import BlackFill, MeanFill, NoiseFill
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.image.segmenters import Grid, Slic
from seewhy.models import builtin
from seewhy.models.callable_model import CallableModel
from seewhy.models.masking_game import (
    log_probabilities,
    masked_picture,
    masking_game,
    view_segments,
    visible_segments,
)
from seewhy.models.preprocessing import Preprocessing

BLACK = BlackFill()
QUADRANTS = np.kron(np.array([[1, 2], [3, 4]]), np.ones((4, 4), int))  # labels starting at one


def every_mask(d):
    return (np.arange(2**d)[:, None] >> np.arange(d) & 1).astype(bool)


def model(fn, *, output="raw", size=(8, 8), labels=None, preprocess=None, batch="auto"):
    return CallableModel(
        fn, labels=labels, output=output, input_size=size, preprocess=preprocess, batch=batch
    )


def quadrant_means(images):
    """One column per quadrant: its mean brightness, 1 where a white picture is kept."""
    return images.reshape(-1, 2, 4, 2, 4, 3).mean(axis=(2, 4, 5)).reshape(-1, 4)


def centre(images):
    """Brightness of the middle."""
    return images[:, 3:5, 3:5].mean(axis=(1, 2, 3))


WHITE = np.ones((8, 8, 3), np.float32)


class TestValues:
    def test_the_mask_comes_through(self):
        game = masking_game(model(quadrant_means), WHITE, QUADRANTS, fill=BLACK)
        assert game.n_players == 4
        assert game.columns == "raw"
        np.testing.assert_array_equal(game(every_mask(4)), every_mask(4).astype(float))

    def test_the_last_superpixel_counts_though_labels_start_at_one(self):
        last = model(lambda images: images[:, 4:, 4:].mean(axis=(1, 2, 3)))
        game = masking_game(last, WHITE, QUADRANTS, fill=BLACK)
        masks = every_mask(4)
        np.testing.assert_array_equal(game(masks)[:, 0], masks[:, 3])

    def test_areas_are_the_shares_of_pixels_that_superpixels_cover(self):
        labels = np.zeros((8, 8), int)
        labels[:2], labels[2:3, :4] = 1, 2
        outside = np.zeros((8, 8), bool)
        outside[:, 7] = True
        segments = Segmentation(labels, outside=outside)
        game = masking_game(model(quadrant_means), WHITE, segments, fill=BLACK)
        shares = [np.mean((segments.labels == k) & ~outside) for k in range(3)]
        np.testing.assert_allclose(game.areas, shares, atol=1e-12)
        assert game.areas.sum() == pytest.approx(7 / 8)
        whole = masking_game(model(quadrant_means), WHITE, QUADRANTS, fill=BLACK)
        np.testing.assert_allclose(whole.areas, [0.25] * 4)

    def test_areas_are_those_of_the_models_input(self):
        half = Preprocessing((8, 8), shorter_side=16)  # it sees the middle and nothing else
        labels = np.zeros((16, 16), int)
        labels[:, 10:], labels[0] = 1, 2
        cropped = model(quadrant_means, preprocess=half)
        game = masking_game(cropped, np.ones((16, 16, 3), np.float32), labels, fill=BLACK)
        assert game.n_players == 3
        np.testing.assert_allclose(game.areas, [0.75, 0.25, 0.0])

    @pytest.mark.parametrize("batch", [1, 3, 16, 1000])
    def test_the_batch_does_not_matter(self, batch):
        game = masking_game(model(quadrant_means, batch=batch), WHITE, QUADRANTS, fill=BLACK)
        np.testing.assert_array_equal(game(every_mask(4)), every_mask(4).astype(float))

    def test_lack_of_memory_does_not_matter(self):
        def hungry(images):
            if len(images) > 3:
                raise MemoryError
            return quadrant_means(images)

        hungry_model = model(hungry, batch=64)
        game = masking_game(hungry_model, WHITE, QUADRANTS, fill=BLACK)
        np.testing.assert_array_equal(game(every_mask(4)), every_mask(4).astype(float))
        assert hungry_model.batch_size <= 3

    def test_the_default_fill_is_the_superpixels_mean_at_the_models_input(self):
        image = np.random.default_rng(0).random((8, 8, 3), dtype=np.float32)
        corner = model(lambda images: images[:, 0, 0])
        game = masking_game(corner, image, QUADRANTS)
        shown = game(np.array([[True] * 4, [False] * 4]))
        np.testing.assert_allclose(shown[0], image[0, 0], rtol=1e-6)
        np.testing.assert_allclose(shown[1], image[:4, :4].mean(axis=(0, 1)), rtol=1e-5)

    def test_a_random_fill_is_drawn_once_and_from_the_seed(self):
        def values(seed):
            noisy = masking_game(
                model(quadrant_means), WHITE, QUADRANTS, fill=NoiseFill(), seed=seed
            )
            hidden = np.zeros((3, 4), bool)
            first = noisy(hidden, remember=False)
            np.testing.assert_array_equal(first, noisy(hidden, remember=False))
            return first[0]

        np.testing.assert_array_equal(values(1), values(1))
        np.testing.assert_array_equal(values(1), values(np.random.default_rng(1)))
        assert np.abs(values(1) - values(2)).max() > 1e-4

    def test_all_neighbours_of_one_colour_belong_together_equally(self):
        game = masking_game(model(quadrant_means), WHITE, QUADRANTS)
        expected = [[0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]]
        np.testing.assert_array_equal(np.asarray(game.affinity, int), expected)

    def test_probing_costs_the_game_nothing(self):
        assert masking_game(model(quadrant_means), WHITE, QUADRANTS).evaluations == 0

    def test_paths_and_whole_numbers_are_pictures_too(self, tmp_path):
        from PIL import Image

        Image.fromarray((WHITE * 255).astype(np.uint8)).save(tmp_path / "white.png")
        for source in (tmp_path / "white.png", (WHITE * 255).astype(np.uint8)):
            game = masking_game(model(quadrant_means), source, QUADRANTS, fill=BLACK)
            np.testing.assert_array_equal(game(np.ones((1, 4), bool)), np.ones((1, 4)))

    def test_a_segmenter_is_run_on_what_the_model_sees(self):
        seen = []

        def cut(image):
            seen.append(image.shape)
            return Segmentation(np.kron(QUADRANTS, np.ones((2, 2), int)))

        cropping = Preprocessing((8, 8), shorter_side=8)
        wide = np.ones((16, 40, 3), np.float32)
        game = masking_game(model(quadrant_means, preprocess=cropping), wide, cut, fill=BLACK)
        assert seen == [(16, 16, 3)]
        np.testing.assert_array_equal(game(every_mask(4)), every_mask(4).astype(float))


class TestInvisible:
    def test_null_players(self):
        """The first superpixel is cropped away, the third is smaller than a pixel."""
        labels = np.ones((32, 64), int)
        labels[:, 32:] = 3
        labels[:, :10] = 0  # outside of the crop 16…48
        labels[10, 20] = 2  # vanishes when 32 become 8
        cropping = model(quadrant_means, preprocess=Preprocessing((8, 8), shorter_side=8))
        game = masking_game(cropping, np.ones((32, 64, 3), np.float32), labels, fill=BLACK)
        assert game.n_players == 4
        values, masks = game(every_mask(4)), every_mask(4)
        np.testing.assert_array_equal(values, masks[:, [1, 3, 1, 3]].astype(float))

    def test_trailing_null_players(self):
        labels = np.zeros((8, 24), int)
        labels[:, 16:] = 5
        game = masking_game(
            model(quadrant_means, preprocess=Preprocessing((8, 8), shorter_side=8)),
            np.ones((8, 24, 3), np.float32),
            labels,
            fill=BLACK,
        )
        np.testing.assert_array_equal(game(every_mask(2))[:, 0], every_mask(2)[:, 0])

    def test_pixels_outside_the_segmentation_are_always_kept(self):
        outside = np.zeros((8, 8), bool)
        outside[4:] = True
        game = masking_game(
            model(quadrant_means), WHITE, Segmentation(QUADRANTS, outside=outside), fill=BLACK
        )
        np.testing.assert_array_equal(game(np.zeros((1, 2), bool)), [[0, 0, 1, 1]])

    def test_visible_segments_drops_them(self):
        labels = np.zeros((32, 64), int)
        labels[:, 32:] = 1
        labels[:, :10] = 2
        labels[10, 20] = 3
        cropping = model(quadrant_means, preprocess=Preprocessing((8, 8), shorter_side=8))
        given = Segmentation(labels, method="mine", settings={"a": 1})
        seen = visible_segments(cropping, (32, 64), given)
        assert seen.count == 2
        assert (seen.method, seen.settings) == ("mine", {"a": 1})
        expected = np.full((32, 64), OUTSIDE)
        expected[:, 16:32], expected[:, 32:48] = 0, 1
        expected[10, 20] = OUTSIDE
        np.testing.assert_array_equal(seen.labels, expected)

    def test_every_player_of_visible_segments_matters_at_the_input(self):
        net = model(
            lambda images: images.reshape(len(images), -1),
            size=(9, 7),
            preprocess=Preprocessing((9, 7), shorter_side=11),
        )
        rng = np.random.default_rng(0)
        labels = np.kron(rng.permutation(12 * 20).reshape(12, 20), np.ones((2, 3), int))
        labels[5, 5:9] = 1000 + np.arange(4)
        seen = visible_segments(net, labels.shape, labels)
        game = masking_game(net, np.ones((*labels.shape, 3), np.float32), seen, fill=BLACK)
        all_but_one = ~np.eye(seen.count, dtype=bool)
        assert (game(all_but_one).sum(axis=1) < 9 * 7 * 3 - 0.5).all()
        np.testing.assert_array_equal(game(np.zeros((1, seen.count), bool)), 0)

    @pytest.mark.parametrize("shape", [(50, 80), (80, 50), (33, 33), (501, 333), (40, 41)])
    @pytest.mark.parametrize("shorter", [None, 17, 24])
    def test_view_segments_covers_exactly_what_is_seen(self, shape, shorter):
        net = model(centre, size=(16, 16), preprocess=Preprocessing((16, 16), shorter))
        picture = np.random.default_rng(0).random((*shape, 3), dtype=np.float32)
        cut = view_segments(net, picture, Grid(9))
        assert cut.shape == shape
        assert cut.method == Grid(9)(picture).method
        at_input = net.preprocessing.labels(cut.labels)
        assert (at_input >= 0).all()
        assert set(np.unique(at_input)) == set(range(cut.count))
        top, left, bottom, right = net.preprocessing.view(*shape)
        area = (bottom - top) * (right - left)
        border = 2 * (sum(shape)) * 2
        assert abs((cut.labels >= 0).sum() - area) <= border

    def test_nothing_visible(self):
        labels = np.zeros((8, 24), int)
        inside = np.zeros((8, 24), bool)
        inside[:, :4] = True
        cropping = model(quadrant_means, preprocess=Preprocessing((8, 8), shorter_side=8))
        with pytest.raises(InputError, match="the part of the picture that the model sees; none"):
            visible_segments(cropping, (8, 24), Segmentation(labels, outside=~inside))


class TestColumns:
    LOGITS = np.array([[1.0, 2.0, -30.0], [300.0, 0.0, 0.0]])

    def test_logits(self):
        found = log_probabilities(self.LOGITS, "logits")
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, log_softmax(self.LOGITS, axis=1), rtol=1e-6)
        np.testing.assert_allclose(logsumexp(found, axis=1), 0, atol=1e-6)

    def test_a_single_logit_is_a_sigmoid(self):
        found = log_probabilities(np.array([[0.0], [3.0], [-200.0]]), "logits")
        np.testing.assert_allclose(found[0], np.log([0.5, 0.5]), rtol=1e-6)
        np.testing.assert_allclose(found[1], -np.log1p(np.exp([3.0, -3.0])), rtol=1e-6)
        np.testing.assert_allclose(found[2], [0, -200], atol=1e-6)

    def test_probabilities_are_clipped(self):
        found = log_probabilities(np.array([[0.0, 0.25, 0.75], [0, 1, 0]]), "probabilities")
        sure = [1e-6, 1 - 1e-6, 1e-6]
        np.testing.assert_allclose(found, np.log([[1e-6, 0.25, 0.75], sure]), rtol=1e-5)

    def test_probabilities_that_do_not_exclude_each_other_are_no_classes(self):
        with pytest.raises(ModelError, match=r"sum to 1\.3, not to 1; declare output='raw'"):
            log_probabilities(np.array([[0.5, 0.5], [0.9, 0.4]]), "probabilities")

    def test_a_single_probability_is_two_classes(self):
        found = log_probabilities(np.array([[0.2], [0.0]]), "probabilities")
        np.testing.assert_allclose(found, np.log([[0.8, 0.2], [1 - 1e-6, 1e-6]]), rtol=1e-5)

    def test_games_carry_them(self):
        game = masking_game(
            model(centre, output="probabilities", labels=["dark", "bright"]),
            0.75 * WHITE,
            QUADRANTS,
            fill=BLACK,
        )
        assert game.columns == "log-probability"
        kept = game(np.ones((1, 4), bool))
        np.testing.assert_allclose(kept, np.log([[0.25, 0.75]]), rtol=1e-5)
        view = game.view("log-odds", target=1)
        np.testing.assert_allclose(view(np.ones((1, 4), bool)), [[np.log(3)]], rtol=1e-5)

    @pytest.mark.parametrize("scale", [-1.0, 2.0])
    def test_probabilities_that_are_none(self, scale):
        with pytest.raises(ModelError, match="declares output='probabilities' but returned"):
            log_probabilities(np.full((2, 3), scale), "probabilities")


class TestModelsThatCannotBeExplained:
    def test_dropout(self):
        rng = np.random.default_rng(0)

        def dropout(images):
            return quadrant_means(images) * rng.integers(0, 2, (len(images), 4)) + rng.random()

        with pytest.raises(ModelError, match=r"changes its answer for the same picture.*eval\(\)"):
            masking_game(model(dropout), WHITE, QUADRANTS)

    def test_batch_statistics(self):
        def batch_norm(images):
            means = quadrant_means(images)
            return means - means.mean(axis=0) + 1

        with pytest.raises(ModelError, match="changes its answer for the same picture"):
            masking_game(model(batch_norm), WHITE, QUADRANTS, fill=BLACK)

    def test_rounding_is_forgiven(self):
        count = iter(range(10**6))

        def wobbling(images):
            return quadrant_means(images) * (1 + 1e-5 * (next(count) % 2))

        masking_game(model(wobbling), WHITE, QUADRANTS)

    def test_not_a_number_under_some_mask(self):
        def fragile(images):
            means = quadrant_means(images)
            return means / (means[:, :1] > 0)

        game = masking_game(model(fragile), WHITE, QUADRANTS, fill=MeanFill())
        game(np.ones((1, 4), bool))
        with (
            np.errstate(all="ignore"),
            pytest.raises(ModelError, match="returned NaN or infinity for 1 of"),
        ):
            masking_game(model(fragile), WHITE, QUADRANTS, fill=BLACK)


class TestMistakes:
    def test_labels_of_another_picture(self):
        message = r"picture's height and width \(8, 8\); got \(4, 4\)"
        with pytest.raises(InputError, match=message):
            masking_game(model(quadrant_means), WHITE, QUADRANTS[:4, :4])
        with pytest.raises(InputError, match=message):
            visible_segments(model(quadrant_means), (8, 8), QUADRANTS[:4, :4])

    def test_segments_of_another_kind(self):
        with pytest.raises(InputError, match="a Segmentation, an array of labels or a segmenter"):
            masking_game(model(quadrant_means), WHITE, "slic:60")

    def test_channels_of_another_picture(self):
        with pytest.raises(InputError, match="takes pictures with 3 channels"):
            masking_game(model(quadrant_means), np.ones((8, 8, 5), np.float32), QUADRANTS)


def test_coffee_needs_the_cup():
    """On a real photo: hiding everything loses the espresso, keeping everything keeps it."""
    net = builtin.load("imagenet")
    game = masking_game(net, data.coffee(), Slic(40))
    everything = np.ones((1, game.n_players), bool)
    espresso = net.labels.index("espresso")
    probability = game.view("probability", target=espresso)
    assert probability(everything)[0, 0] > 0.8
    assert probability(~everything)[0, 0] < 0.5
    assert game.evaluations == 2


class TestMaskedPicture:
    def test_neighbours_of_like_colour_belong_together_more(self):
        stripes = np.zeros((8, 8, 3), np.float32)
        for column, level in enumerate((0.0, 0.1, 0.9, 1.0)):
            stripes[:, 2 * column : 2 * column + 2] = level
        labels = np.repeat(np.arange(4), 2)[None].repeat(8, axis=0)
        affinity = masked_picture(model(quadrant_means), stripes, labels).affinity()
        np.testing.assert_array_equal(affinity, affinity.T)
        # distances .1, .8, .1 (times √3), their median .1
        np.testing.assert_allclose(np.diag(affinity, 1), np.exp([-1.0, -8.0, -1.0]), rtol=1e-4)
        assert affinity[0, 2] == affinity[0, 3] == 0

    def test_maps_are_summed_over_what_can_be_seen(self):
        labels = np.zeros((16, 16), int)
        labels[:, 8:] = 1
        labels[2, 2] = 2  # vanishes when the picture is halved
        found = masked_picture(
            model(quadrant_means), np.ones((16, 16, 3), np.float32), labels, fill=BLACK
        )
        assert found.visible.tolist() == [0, 1]
        assert found.pool(np.ones((8, 8))).tolist() == [32.0, 32.0, 0.0]

    def test_hidden_shows_what_the_game_shows_with_everything_hidden(self):
        labels = np.full((8, 8), -1)
        labels[:, :4] = 0
        segments = Segmentation(labels, outside=labels < 0)
        found = masked_picture(model(quadrant_means), WHITE, segments, fill=BLACK)
        assert (found.hidden[:, :4] == 0).all()
        assert (found.hidden[:, 4:] == 1).all()
