"""Preprocessing: torchvision's geometry to the pixel, and the grammar of the sidecar."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PILImage
from skimage import data

from seewhy.errors import InputError
from seewhy.models.preprocessing import Preprocessing, load_preprocessing

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
PHOTOS = {
    "coffee": data.coffee,
    "chelsea": data.chelsea,
    "tall": lambda: np.rot90(data.coffee()).copy(),
    "small": lambda: data.coffee()[:61, :97].copy(),
}


def as_float(photo):
    return (photo / 255).astype(np.float32)


def tiny(pixels, **keywords):
    return Preprocessing((2, 2), **keywords).apply(np.asarray(pixels, np.float32))


class TestAgainstTorchvision:
    @pytest.fixture
    def transforms(self):
        pytest.importorskip("torch")
        from seewhy.models.torchvision_models import import_torchvision

        import_torchvision()
        return pytest.importorskip("torchvision.transforms")

    @pytest.mark.parametrize("name", PHOTOS)
    @pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos", "nearest", "box"])
    @pytest.mark.parametrize(
        ("shorter", "crop"), [(256, (224, 224)), (232, (231, 90)), (31, (40, 33))]
    )
    def test_resize_and_crop_agree_to_the_bit(self, transforms, name, interpolation, shorter, crop):
        photo = PHOTOS[name]()
        mode = transforms.InterpolationMode(interpolation)
        peer = transforms.Compose(
            [transforms.Resize(shorter, interpolation=mode), transforms.CenterCrop(crop)]
        )
        expected = np.asarray(peer(PILImage.fromarray(photo)))
        ours = Preprocessing(crop, shorter_side=shorter, interpolation=interpolation)
        of_bytes = ours.apply(as_float(photo))
        assert of_bytes.shape == (*crop, 3)
        assert of_bytes.dtype == np.float32
        assert np.array_equal(of_bytes * np.float32(255), expected)
        # A picture of more than 8 bits is not rounded after each of Pillow's two passes.
        finer = ours.apply(np.clip(as_float(photo) + np.float32(0.1 / 255), 0, 1))
        assert np.abs(finer - expected / 255).max() <= 2.6 / 255
        assert np.abs(finer - expected / 255).mean() <= 0.6 / 255

    def test_normalised_tensor_agrees(self, transforms):
        photo = data.coffee()
        peer = transforms.Compose(
            [
                transforms.Resize((64, 48)),
                transforms.ToTensor(),
                transforms.Normalize(IMAGENET["mean"], IMAGENET["std"]),
            ]
        )
        expected = peer(PILImage.fromarray(photo)).permute(1, 2, 0).numpy()
        preprocessing = Preprocessing((64, 48), **IMAGENET)
        ours = preprocessing.normalise(preprocessing.apply(as_float(photo)))
        assert ours.dtype == np.float32
        assert np.abs(ours - expected).max() <= 1e-6


class TestGeometry:
    @pytest.mark.parametrize(("height", "width"), [(300, 500), (500, 300), (65, 65), (7, 40)])
    @pytest.mark.parametrize("shorter", [None, 40])
    def test_labels_follow_the_pixels(self, height, width, shorter):
        """A picture that shows its labels, resized without interpolation, still shows them."""
        labels = np.random.default_rng(3).integers(0, 9, (height, width)).astype(np.int32)
        picture = (labels[:, :, None] / 8).astype(np.float32)
        preprocessing = Preprocessing(
            (33, 32), shorter, "nearest", mean=(0.0,), std=(1.0,), channels="L"
        )
        shown = preprocessing.apply(picture)[:, :, 0] * 8
        np.testing.assert_array_equal(preprocessing.labels(labels), np.round(shown))

    def test_view_is_the_crop_in_the_pictures_own_pixels(self):
        preprocessing = Preprocessing((224, 224), shorter_side=256)
        assert preprocessing.view(512, 1024) == (32.0, 288.0, 480.0, 736.0)
        assert preprocessing.view(1024, 512) == (288.0, 32.0, 736.0, 480.0)
        assert Preprocessing((224, 224)).view(100, 70) == (0.0, 0.0, 100.0, 70.0)

    def test_what_the_picture_cannot_fill_is_black_and_outside(self):
        preprocessing = Preprocessing((6, 6), shorter_side=4)
        seen = preprocessing.apply(np.ones((8, 8, 3), np.float32))
        labels = preprocessing.labels(np.zeros((8, 8), np.int32))
        assert (seen[1:5, 1:5] == 1).all()
        assert seen.sum() == 16 * 3
        assert (labels[1:5, 1:5] == 0).all()
        assert (labels == -1).sum() == 36 - 16
        assert preprocessing.view(8, 8) == (0.0, 0.0, 8.0, 8.0)

    @given(
        height=st.integers(1, 90), width=st.integers(1, 90), shorter=st.none() | st.integers(1, 40)
    )
    @settings(max_examples=60, deadline=None)
    def test_any_picture_fits(self, height, width, shorter):
        preprocessing = Preprocessing((16, 12), shorter_side=shorter)
        picture = np.full((height, width, 3), 0.25, np.float32)
        seen = preprocessing.apply(picture)
        labels = preprocessing.labels(np.zeros((height, width), np.int32))
        assert seen.shape == (16, 12, 3)
        assert labels.shape == (16, 12)
        np.testing.assert_allclose(seen[labels == 0], 0.25, rtol=1e-6)
        assert not seen[labels == -1].any()
        top, left, bottom, right = preprocessing.view(height, width)
        assert 0 <= top < bottom <= height + 1e-9
        assert 0 <= left < right <= width + 1e-9

    def test_cubic_overshoot_is_clipped(self):
        edge = np.zeros((8, 8, 3), np.float32)
        edge[:, 4:] = 1
        seen = Preprocessing((32, 32), interpolation="bicubic").apply(edge)
        assert seen.min() == 0
        assert seen.max() == 1
        assert len(np.unique(seen)) > 2


class TestChannels:
    def test_grey_is_replicated_for_a_colour_model(self):
        grey = np.array([[[0.1], [0.2]], [[0.3], [0.4]]], np.float32)
        assert np.array_equal(tiny(grey), np.repeat(grey, 3, axis=2))

    def test_colour_becomes_luma_for_a_grey_model(self):
        seen = tiny(np.full((2, 2, 3), (1.0, 0.5, 0.25)), channels="L", mean=(0,), std=(1,))
        np.testing.assert_allclose(seen, 0.299 + 0.587 / 2 + 0.114 / 4, rtol=1e-6)

    def test_grey_of_8_bits_is_pillows(self):
        photo = data.coffee()
        grey = Preprocessing((50, 70), mean=(0,), std=(1,), channels="L").apply(as_float(photo))
        pillow = (
            PILImage.fromarray(photo).convert("L").resize((70, 50), PILImage.Resampling.BILINEAR)
        )
        assert np.array_equal(grey[:, :, 0] * np.float32(255), np.asarray(pillow))

    def test_bgr_stays_rgb_until_normalised(self):
        preprocessing = Preprocessing((1, 1), mean=(0.1, 0.2, 0.3), std=(1, 2, 4), channels="BGR")
        seen = preprocessing.apply(np.array([[[0.9, 0.5, 0.2]]], np.float32))
        np.testing.assert_allclose(seen[0, 0], [0.9, 0.5, 0.2], rtol=1e-6)
        normalised = preprocessing.normalise(seen[None])
        np.testing.assert_allclose(
            normalised[0, 0, 0], [(0.2 - 0.1) / 1, (0.5 - 0.2) / 2, (0.9 - 0.3) / 4], rtol=1e-6
        )

    def test_bands_pass_as_they_are(self):
        bands = np.random.default_rng(0).random((2, 2, 5), dtype=np.float32)
        zeros, ones = (0.0,) * 5, (1.0,) * 5
        assert np.array_equal(tiny(bands, channels="bands", mean=zeros, std=ones), bands)

    def test_other_channels_are_refused_in_a_sentence(self):
        with pytest.raises(InputError, match=r"takes pictures with 3 channels \(RGB\).* has 5"):
            tiny(np.zeros((2, 2, 5)))

    def test_normalise_leaves_its_argument_alone(self):
        image = np.full((2, 2, 3), 0.5, np.float32)
        Preprocessing((2, 2), **IMAGENET).normalise(image)
        assert (image == 0.5).all()


class TestJson:
    @pytest.mark.parametrize(
        "preprocessing",
        [
            Preprocessing((224, 224), 256, "bicubic", **IMAGENET),
            Preprocessing((20, 30), None, "lanczos", **IMAGENET, channels="BGR"),
            Preprocessing((28, 28), 28, "nearest", (0.1,), (0.3,), "L"),
            Preprocessing((28, 28), None, "box", (0.1,) * 4, (0.3,) * 4, "bands"),
        ],
    )
    def test_round_trip(self, preprocessing, tmp_path):
        file = tmp_path / "preprocessing.json"
        file.write_text(json.dumps(preprocessing.to_json()))
        assert load_preprocessing(file) == preprocessing

    def test_defaults_are_stretch_and_no_normalisation(self):
        read = Preprocessing.from_json({"input": {"size": [4, 6], "channels": "L"}})
        assert read == Preprocessing((4, 6), None, "bilinear", (0.0,), (1.0,), "L")
        assert Preprocessing.from_json({"resize": {"stretch": [4, 6]}}) == Preprocessing((4, 6))

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ({}, 'add "size"'),
            ({"normalize": {}}, "did you mean 'normalise'"),
            ({"input": {"size": [4, 4]}, "resize": {"shorter_sid": 3}}, "'shorter_side'"),
            ({"input": {"size": [4, 4]}, "resize": {"stretch": [5, 4]}}, "must equal the input"),
            (
                {"input": {"size": [4, 4]}, "resize": {"stretch": [4, 4], "shorter_side": 4}},
                "got both",
            ),
            ({"input": {"size": [4, 4]}, "resize": {"crop": "random"}}, "'random'"),
            ({"input": {"size": 4}}, "a height and a width; got 4"),
            ({"input": {"size": [4, 0]}}, "positive"),
            ({"input": [4, 4]}, "must be a JSON object"),
            ({"input": {"size": [4, 4], "channels": "RBG"}}, "did you mean 'RGB'"),
            ({"input": {"size": [4, 4]}, "normalise": {"mean": [0], "std": [1]}}, "3 for RGB"),
            ({"input": {"size": [4, 4]}, "normalise": {"std": [1, 0, 1]}}, "positive"),
            ({"input": {"size": [4, 4]}, "normalise": {"mean": 0.5}}, "list of numbers"),
        ],
    )
    def test_mistakes_are_named(self, document, message):
        with pytest.raises(InputError, match=message):
            Preprocessing.from_json(document)

    @pytest.mark.parametrize("content", ["{", "[1]", None])
    def test_unreadable_file(self, tmp_path, content):
        file = tmp_path / "broken.json"
        if content is not None:
            file.write_text(content)
        with pytest.raises(InputError, match=r"preprocessing file .*broken\.json"):
            load_preprocessing(file)

    def test_the_number_of_bands_is_that_of_either(self):
        document = {"input": {"channels": "bands", "size": [2, 2]}, "normalise": {"std": [0.1] * 5}}
        assert Preprocessing.from_json(document).mean == (0.0,) * 5

    @pytest.mark.parametrize("normalise", [{"mean": "123"}, {"std": [1, 1, float("nan")]}])
    def test_what_is_no_number(self, normalise):
        with pytest.raises(InputError, match=r"must be a list of numbers|must be positive"):
            Preprocessing.from_json({"input": {"size": [2, 2]}, "normalise": normalise})

    def test_misspelt_interpolation(self):
        with pytest.raises(InputError, match="did you mean 'bilinear'"):
            Preprocessing((4, 4), interpolation="bilinaer")


class TestStretchThenCrop:
    PREPROCESSING = Preprocessing((4, 5), stretch=(7, 8), crop="centre-low")

    def test_the_view_is_the_centre(self):
        assert self.PREPROCESSING.view(70, 80) == (10, 10, 50, 60)
        even = Preprocessing((4, 5), stretch=(7, 8))  # torchvision rounds 1.5 to 2
        assert even.view(70, 80) == (20, 20, 60, 70)

    def test_pixels_are_those_of_pillow(self):
        noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        resized = PILImage.fromarray(noise).resize((8, 7), PILImage.Resampling.BILINEAR)
        expected = np.asarray(resized.crop((1, 1, 6, 5)), np.float32) / np.float32(255)
        image = noise.astype(np.float32) / 255
        np.testing.assert_array_equal(self.PREPROCESSING.apply(image), expected)

    def test_padding_rounds_alike(self):
        small = Preprocessing((4, 4), stretch=(3, 3), crop="centre-low")
        assert small.apply(np.ones((9, 9, 3), np.float32))[:, :, 0].tolist() == [
            [0, 0, 0, 0],
            *[[0, 1, 1, 1]] * 3,
        ]

    def test_it_is_written_and_read(self):
        document = self.PREPROCESSING.to_json()
        assert document["resize"] == {
            "stretch": [7, 8],
            "interpolation": "bilinear",
            "crop": "centre-low",
        }
        assert Preprocessing.from_json(document) == self.PREPROCESSING

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"stretch": (4, 4), "shorter_side": 4}, "either a shorter_side or a stretch"),
            ({"crop": "center"}, "did you mean 'centre'"),
            ({"stretch": (0, 4)}, "stretch must be a positive"),
        ],
    )
    def test_mistakes_are_named(self, settings, message):
        with pytest.raises(InputError, match=message):
            Preprocessing((4, 4), **settings)
