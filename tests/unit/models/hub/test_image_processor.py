"""Image processors of Transformers, translated and tried out, or refused."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from seewhy.errors import ModelError

pytest.importorskip("torch")
if find_spec("torchvision") is None or find_spec("transformers") is None:
    pytest.skip("needs torchvision and transformers", allow_module_level=True)

from seewhy.models.image_processor import processor_preprocessing
from seewhy.models.torchvision_models import import_torchvision

import_torchvision()
import transformers as hf  # noqa: E402

SQUARE = {"height": 64, "width": 64}


@pytest.mark.parametrize(
    ("processor", "settings"),
    [
        ("ViT", {"do_resize": False}),
        ("ViT", {"resample": 5}),  # Hamming
        ("ViT", {"rescale_factor": 0}),
        ("ViT", {"image_mean": [0.5]}),  # as many as for grey pictures, but three deviations
        ("ViT", {"image_mean": [0.5, 0.5], "image_std": [0.5, 0.5]}),
        ("ViT", {"size": {"shortest_edge": 64}}),  # as wide as the picture is
        ("Perceiver", {}),  # crops before it resizes
        ("ImageGPT", {}),  # makes colours into words
    ],
)
def test_a_processor_that_cannot_be_reproduced_is_refused(processor, settings):
    name = f"{processor}ImageProcessorPil"
    with pytest.raises(ModelError, match=rf"pictures for x as its {name} does; .*--preprocess FIL"):
        processor_preprocessing(getattr(hf, name)(**settings), channels=3, name="x")


def test_a_translation_is_tried_before_it_is_believed():
    class Mirrored(hf.ViTImageProcessorPil):
        def resize(self, image, *arguments, **settings):
            return super().resize(image, *arguments, **settings)[..., ::-1]

    for kind, trusted in ((Mirrored, False), (hf.ViTImageProcessorPil, True)):
        try:
            processor_preprocessing(kind(), channels=3, name="x")
        except ModelError:
            assert not trusted
        else:
            assert trusted


@pytest.mark.parametrize("resample", [0, 1, 2, 3])
def test_both_back_ends_are_translated_alike(resample):
    settings = {"size": SQUARE, "resample": resample}
    found = [
        processor_preprocessing(family(**settings), channels=3, name="x")
        for family in (hf.ViTImageProcessorPil, hf.ViTImageProcessor)
    ]
    assert found[0] == found[1]
    assert found[0].interpolation == ("nearest", "lanczos", "bilinear", "bicubic")[resample]
