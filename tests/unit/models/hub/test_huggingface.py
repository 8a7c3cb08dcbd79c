"""Transformers' image classifiers: from a folder, from a person's hands."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest
import skimage.data
from PIL import Image as PILImage

from seewhy.errors import InputError, ModelError
from seewhy.game.scores import ClassScores
from seewhy.models.labels import find_class
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.spec import load_model, resolve_preprocessing

torch = pytest.importorskip("torch")
if find_spec("torchvision") is None or find_spec("transformers") is None:
    pytest.skip("needs torchvision and transformers", allow_module_level=True)

from seewhy.models.huggingface import HuggingFaceModel  # noqa: E402
from seewhy.models.torchvision_models import import_torchvision  # noqa: E402

import_torchvision()
import transformers as hf  # noqa: E402

PHOTOS = ("astronaut", "chelsea", "coffee")
NAMES = {0: "cat", 1: "dog", 2: "tree"}
SQUARE = {"height": 64, "width": 64}


def resnet(**settings):
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}
    return hf.ResNetForImageClassification(hf.ResNetConfig(**sizes, layer_type="basic", **settings))


def convnext():
    sizes = {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}
    return hf.ConvNextForImageClassification(hf.ConvNextConfig(**sizes, id2label=NAMES))


def swin():
    sizes = {"embed_dim": 8, "depths": [1, 1], "num_heads": [2, 2]}
    config = hf.SwinConfig(**sizes, image_size=64, window_size=4, id2label=NAMES)
    return hf.SwinForImageClassification(config)


def mobilenet():
    config = hf.MobileNetV2Config(depth_multiplier=0.25, image_size=64, id2label=NAMES)
    return hf.MobileNetV2ForImageClassification(config)


def efficientnet():
    sizes = {"width_coefficient": 0.25, "depth_coefficient": 0.1, "hidden_dim": 320}
    config = hf.EfficientNetConfig(**sizes, image_size=64, id2label=NAMES)
    return hf.EfficientNetForImageClassification(config)


BUILDERS = {"resnet": resnet, "convnext": convnext, "swin": swin, "mobilenet": mobilenet}
BUILDERS |= {"efficientnet": efficientnet}


def shorter(edge, **settings):
    return {"size": {"shortest_edge": edge}, **settings}


def saved(folder, network, processor):
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def theirs(network, processor, photo):
    """What the framework answers by hand."""
    with torch.inference_mode():
        return network(**processor(PILImage.fromarray(photo), return_tensors="pt")).logits.numpy()


@pytest.mark.parametrize(
    ("network", "processor", "settings"),
    [
        ("vit", "ViT", {"size": SQUARE}),
        ("resnet", "ConvNext", shorter(64, crop_pct=0.875)),
        ("convnext", "ConvNext", shorter(384, resample=2)),
        ("swin", "ViT", {"size": SQUARE, "resample": 3}),
        ("mobilenet", "MobileNetV2", shorter(79, crop_size=SQUARE)),  # half a pixel on each side
        (
            "efficientnet",
            "EfficientNet",
            {"size": SQUARE, "image_std": [0.4, 0.5, 0.6], "rescale_factor": 1 / 127.5}
            | {"rescale_offset": True, "resample": 0},
        ),
        ("resnet", "MobileViT", shorter(72, crop_size=SQUARE)),
        ("vit", "DeiT", {"size": {"height": 73, "width": 79}, "crop_size": SQUARE}),
        ("resnet", "Levit", shorter(56, crop_size={"height": 56, "width": 56})),
        ("resnet", "Bit", shorter(48, crop_size=SQUARE, do_normalize=False)),
    ],
)
def test_answers_are_those_of_the_frameworks_own_pipeline(
    network, processor, settings, tmp_path, lively, ours, vit
):
    network = lively((BUILDERS | {"vit": vit})[network]())
    processor = getattr(hf, f"{processor}ImageProcessorPil")(**settings)
    model = load_model(f"hf:{saved(tmp_path, network, processor)}")
    answers = []
    for photo in (getattr(skimage.data, each)() for each in PHOTOS):
        answers.append(theirs(network, processor, photo))
        scale = max(np.abs(answers[-1]).max(), 1)
        np.testing.assert_allclose(ours(model, photo), answers[-1], atol=1e-5 * scale)
    assert np.ptp(answers, axis=0).max() > 1e-2  # or the pictures would not matter


def test_a_folder(folder):
    model = load_model(f"hf:{folder}")
    assert isinstance(model, HuggingFaceModel)
    assert (model.spec, model.framework) == (f"hf:{folder}", "transformers")
    assert (model.labels, model.output) == (("cat", "dog", "tree"), "logits")
    assert model.origin.preprocessing == "preprocessor_config.json"
    assert model.origin.labels == "config.json"
    assert not model.module.training
    assert resolve_preprocessing(f"hf:{folder}") == model.preprocessing
    given = load_model(f"hf:{folder}", labels=["a", "b", "c"], output="raw", batch=3, device="cpu")
    assert (given.labels, given.output, given.batch_size) == (("a", "b", "c"), "raw", 3)
    assert given.origin.labels == given.origin.output == "as given"


def test_the_usual_pipeline_says_the_same(folder, ours):
    """With torchvision for a back end, 8 bits are rounded otherwise here and there."""
    model = load_model(f"hf:{folder}")
    pipeline = hf.pipeline("image-classification", model=str(folder), device="cpu")
    photo = skimage.data.astronaut()
    answers = {row["label"]: row["score"] for row in pipeline(PILImage.fromarray(photo), top_k=3)}
    scores = torch.from_numpy(ours(model, photo)).softmax(1)[0].numpy()
    np.testing.assert_allclose(scores, [answers[label] for label in model.labels], atol=2e-3)


def test_a_live_network_with_its_processor(folder, ours):
    network = hf.AutoModelForImageClassification.from_pretrained(folder).train()
    for backend in ("pil", "torchvision"):
        processor = hf.AutoImageProcessor.from_pretrained(folder, backend=backend)
        model = HuggingFaceModel(network, processor, batch=2)
        assert model.fingerprint == load_model(f"hf:{folder}").fingerprint
    assert model.spec == str(folder)
    assert model.module is network
    assert model.batch_size == 2
    assert network.training
    assert model.origin.preprocessing == "the processor as given"
    photo = skimage.data.chelsea()
    expected = theirs(network.eval(), hf.ViTImageProcessorPil(size=SQUARE), photo)
    np.testing.assert_allclose(ours(model, photo), expected, atol=1e-5)
    other = HuggingFaceModel(network, Preprocessing((64, 64)), labels=["a", "b", "c"])
    assert other.fingerprint != model.fingerprint
    assert other.labels == ("a", "b", "c")
    with pytest.raises(InputError, match="model must be an image classifier of Transformers, with"):
        HuggingFaceModel(torch.nn.Flatten(), processor)


def test_gradients(folder):
    model = load_model(f"hf:{folder}")
    image = model.preprocessing.apply(skimage.data.astronaut().astype(np.float32) / 255)
    values, gradients = model.path_gradients(
        image, np.zeros_like(image)[None], np.array([0.5]), ClassScores("log-odds", (1,))
    )
    assert gradients.shape == (1, 1, 64, 64)
    assert np.isfinite(values).all()
    assert np.isfinite(gradients).all()
    assert np.abs(gradients).max() > 0


def test_random_weights_are_the_same_each_time_and_cost_no_draw(folder):
    before = torch.get_rng_state()
    models = [load_model(f"hf:{folder}", pretrained=wish) for wish in (False, False, True)]
    assert torch.equal(before, torch.get_rng_state())
    first, second, trained = (model.fingerprint for model in models)
    assert first == second != trained


def test_half_precision_is_computed_in_float32(folder, tmp_path):
    network = hf.AutoModelForImageClassification.from_pretrained(folder).half()
    saved(tmp_path, network, hf.ViTImageProcessorPil(size=SQUARE))
    assert {p.dtype for p in load_model(f"hf:{tmp_path}").module.parameters()} == {torch.float32}


class TestWhatTheConfigurationSays:
    @pytest.fixture
    def model(self, vit):
        def build(**settings):
            network = vit(**settings)
            c = network.config.num_channels
            return HuggingFaceModel(
                network, Preprocessing((64, 64), mean=(0.5,) * c, std=(1,) * c, channels="bands")
            )

        return build

    def test_numbers_for_names(self, model):
        made = model(num_labels=3)
        assert made.labels == ("class 0", "class 1", "class 2")
        assert made.origin.labels == "numbered (config.json names none)"

    def test_one_output_stands_for_two_classes(self, model):
        made = model(id2label={0: "pneumonia"})
        assert (made.labels, made.output) == (("not pneumonia", "pneumonia"), "logits")

    def test_several_labels_at_once_are_log_odds_of_each(self, model):
        made = model(id2label=NAMES, problem_type="multi_label_classification")
        assert made.output == "raw"
        assert made.origin.output == "config.json (problem_type multi_label_classification)"

    def test_other_spellings_of_imagenets_classes(self, model):
        from seewhy.models.labels import imagenet_labels

        names = list(imagenet_labels())
        names[436] = "estate"  # as this file calls it
        made = model(id2label=dict(enumerate(names)))
        assert find_class("station wagon", made.labels, made.aliases) == 436
        names[0] = "carp"
        assert model(id2label=dict(enumerate(names))).aliases == {}

    def test_channels(self, model, vit):
        network = vit(num_channels=1, id2label=NAMES)
        grey = {"image_mean": [0.4], "image_std": [0.3], "size": SQUARE}
        made = HuggingFaceModel(network, hf.ViTImageProcessorPil(**grey))
        assert (made.input_size, made.preprocessing.channels) == ((64, 64, 1), "L")
        assert model(num_channels=5).input_size == (64, 64, 5)
        with pytest.raises(ModelError, match="cannot prepare 5-channel pictures for ViTForImage"):
            HuggingFaceModel(vit(num_channels=5), hf.ViTImageProcessorPil(**grey))


def test_networks_of_timm_behind_transformers(tmp_path, lively, ours):
    timm = pytest.importorskip("timm")
    timm.models.save_for_hf(lively(timm.create_model("test_resnet")), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["model_args"]["num_classes"]  # which Transformers would then give it twice
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = load_model(f"hf:{tmp_path}")
    same = load_model(f"timm:{tmp_path}")
    assert model.preprocessing == same.preprocessing
    assert model.labels[0] == "tench, Tinca tinca"
    assert model.aliases == same.aliases
    assert model.origin.preprocessing == "config.json"
    photo = skimage.data.coffee()
    np.testing.assert_allclose(ours(model, photo), ours(same, photo), atol=1e-5)
