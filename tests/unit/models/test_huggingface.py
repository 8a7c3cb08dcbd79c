"""Transformers' image classifiers: from a folder, from a person's hands, no strangers' code."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image as PILImage

from seewhy.errors import InputError, MissingExtraError, ModelError, SpecError
from seewhy.game.scores import ClassScores
from seewhy.models.labels import find_class
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.spec import load_model, resolve_preprocessing

torch = pytest.importorskip("torch")
if find_spec("torchvision") is None or find_spec("transformers") is None:
    pytest.skip("needs torchvision and transformers", allow_module_level=True)

from seewhy.models import hub, huggingface  # noqa: E402
from seewhy.models.huggingface import HuggingFaceModel  # noqa: E402
from seewhy.models.image_processor import processor_preprocessing  # noqa: E402
from seewhy.models.torchvision_models import import_torchvision  # noqa: E402

import_torchvision()
import transformers as hf  # noqa: E402
from huggingface_hub import errors as hub_errors  # noqa: E402

PHOTOS = ("astronaut", "chelsea", "coffee")
NAMES = {0: "cat", 1: "dog", 2: "tree"}
SQUARE = {"height": 64, "width": 64}


@pytest.fixture(autouse=True)
def nobody_knows_the_hub(monkeypatch):
    """As where there is no network, so that no test waits for one."""
    monkeypatch.setattr(hub, "_is_unknown", lambda address: True)


def lively(module, channels=3):
    """Random weights whose answers differ from picture to picture."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        for parameter in module.parameters():
            if parameter.ndim > 1:
                torch.nn.init.kaiming_normal_(parameter)
        norms = [part for part in module.modules() if isinstance(part, torch.nn.BatchNorm2d)]
        for norm in norms:
            torch.nn.init.ones_(norm.weight)
            norm.momentum = 1.0
        if norms:  # as if it had been trained on noise
            module.train()(torch.randn(8, channels, 64, 64))
    return module.eval()


def vit(**settings):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 64, "image_size": 64, "patch_size": 16}
    return hf.ViTForImageClassification(hf.ViTConfig(**sizes, **settings))


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


def ours(model, photo):
    return model(model.preprocessing.apply(photo.astype(np.float32) / 255)[None])


@pytest.mark.parametrize(
    ("build", "processor", "settings"),
    [
        (vit, "ViT", {"size": SQUARE}),
        (resnet, "ConvNext", shorter(64, crop_pct=0.875)),
        (convnext, "ConvNext", shorter(384, resample=2)),
        (swin, "ViT", {"size": SQUARE, "resample": 3}),
        (mobilenet, "MobileNetV2", shorter(79, crop_size=SQUARE)),  # half a pixel on each side
        (
            efficientnet,
            "EfficientNet",
            {"size": SQUARE, "image_std": [0.4, 0.5, 0.6], "rescale_factor": 1 / 127.5}
            | {"rescale_offset": True, "resample": 0},
        ),
        (resnet, "MobileViT", shorter(72, crop_size=SQUARE)),
        (vit, "DeiT", {"size": {"height": 73, "width": 79}, "crop_size": SQUARE}),
        (resnet, "Levit", shorter(56, crop_size={"height": 56, "width": 56})),
        (resnet, "Bit", shorter(48, crop_size=SQUARE, do_normalize=False)),
    ],
)
def test_answers_are_those_of_the_frameworks_own_pipeline(build, processor, settings, tmp_path):
    network = lively(build())
    processor = getattr(hf, f"{processor}ImageProcessorPil")(**settings)
    model = load_model(f"hf:{saved(tmp_path, network, processor)}")
    answers = []
    for photo in (getattr(skimage.data, each)() for each in PHOTOS):
        answers.append(theirs(network, processor, photo))
        scale = max(np.abs(answers[-1]).max(), 1)
        np.testing.assert_allclose(ours(model, photo), answers[-1], atol=1e-5 * scale)
    assert np.ptp(answers, axis=0).max() > 1e-2  # or the pictures would not matter


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    network = lively(vit(id2label=NAMES))
    return saved(tmp_path_factory.mktemp("vit"), network, hf.ViTImageProcessorPil(size=SQUARE))


@pytest.fixture
def other(folder, tmp_path):
    """A copy of the folder to spoil, and a way to change one of its files."""
    copied = shutil.copytree(folder, tmp_path / "other")

    def change(name, **entries):
        document = json.loads((copied / name).read_text()) | entries
        (copied / name).write_text(json.dumps(document))
        return copied

    return change


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


def test_the_usual_pipeline_says_the_same(folder):
    """With torchvision for a back end, 8 bits are rounded otherwise here and there."""
    model = load_model(f"hf:{folder}")
    pipeline = hf.pipeline("image-classification", model=str(folder), device="cpu")
    photo = skimage.data.astronaut()
    answers = {row["label"]: row["score"] for row in pipeline(PILImage.fromarray(photo), top_k=3)}
    scores = torch.from_numpy(ours(model, photo)).softmax(1)[0].numpy()
    np.testing.assert_allclose(scores, [answers[label] for label in model.labels], atol=2e-3)


def test_a_live_network_with_its_processor(folder):
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
    def model(self, **settings):
        network = vit(**settings)
        c = network.config.num_channels
        return HuggingFaceModel(
            network, Preprocessing((64, 64), mean=(0.5,) * c, std=(1,) * c, channels="bands")
        )

    def test_numbers_for_names(self):
        model = self.model(num_labels=3)
        assert model.labels == ("class 0", "class 1", "class 2")
        assert model.origin.labels == "numbered (config.json names none)"

    def test_one_output_stands_for_two_classes(self):
        model = self.model(id2label={0: "pneumonia"})
        assert (model.labels, model.output) == (("not pneumonia", "pneumonia"), "logits")

    def test_several_labels_at_once_are_log_odds_of_each(self):
        model = self.model(id2label=NAMES, problem_type="multi_label_classification")
        assert model.output == "raw"
        assert model.origin.output == "config.json (problem_type multi_label_classification)"

    def test_other_spellings_of_imagenets_classes(self):
        from seewhy.models.labels import imagenet_labels

        names = list(imagenet_labels())
        names[436] = "estate"  # as this file calls it
        model = self.model(id2label=dict(enumerate(names)))
        assert find_class("station wagon", model.labels, model.aliases) == 436
        names[0] = "carp"
        assert self.model(id2label=dict(enumerate(names))).aliases == {}

    def test_channels(self):
        network = vit(num_channels=1, id2label=NAMES)
        grey = {"image_mean": [0.4], "image_std": [0.3], "size": SQUARE}
        model = HuggingFaceModel(network, hf.ViTImageProcessorPil(**grey))
        assert (model.input_size, model.preprocessing.channels) == ((64, 64, 1), "L")
        assert self.model(num_channels=5).input_size == (64, 64, 5)
        with pytest.raises(ModelError, match="cannot prepare 5-channel pictures for ViTForImage"):
            HuggingFaceModel(vit(num_channels=5), hf.ViTImageProcessorPil(**grey))


@pytest.mark.parametrize(
    ("processor", "settings"),
    [
        ("ViT", {"do_resize": False}),
        ("ViT", {"resample": 5}),  # Hamming
        ("ViT", shorter(64)),  # as wide as the picture is
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


def test_networks_of_timm_behind_transformers(tmp_path):
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


class TestFailures:
    def fails(self, folder, match, error=ModelError, **settings):
        with pytest.raises(error, match=match) as caught:
            load_model(f"hf:{folder}", **settings)
        assert "\n" not in str(caught.value)

    def test_code_that_comes_with_a_model_does_not_run(self, other, tmp_path):
        code = {"AutoConfig": "evil.C", "AutoModelForImageClassification": "evil.M"}
        folder = other("config.json", model_type="odd", auto_map=code)
        (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
        self.fails(folder, r"code of its own, which Seewhy does not run; .*HuggingFaceModel\(netw")
        known = other("config.json", model_type="vit")  # then the framework's own code does
        assert load_model(f"hf:{known}").labels == ("cat", "dog", "tree")
        processor = {"AutoImageProcessor": "evil.P"}
        other("preprocessor_config.json", image_processor_type="Odd", auto_map=processor)
        self.fails(folder, r"prepares pictures is not known: it comes with code of its own")
        assert not (tmp_path / "ran").exists()

    def test_pickles_are_read_as_weights_only(self, other, tmp_path):
        folder = other("config.json")
        weights = load_model(f"hf:{folder}").module.state_dict()
        (folder / "model.safetensors").unlink()
        torch.save(weights, folder / "pytorch_model.bin")
        assert load_model(f"hf:{folder}").labels == ("cat", "dog", "tree")

        class Touch:
            def __reduce__(self):
                return (os.mkdir, (str(tmp_path / "ran"),))

        torch.save({"x": Touch()}, folder / "pytorch_model.bin")
        self.fails(folder, r"its pytorch_model\.bin is refused, .* could run code; take a revision")
        assert not (tmp_path / "ran").exists()

    def test_files_that_are_not_there(self, other):
        folder = other("config.json")
        (folder / "preprocessor_config.json").unlink()
        self.fails(
            folder, r"it has no preprocessor_config\.json that can be used; say it with --pr"
        )
        model = load_model(f"hf:{folder}", preprocess=Preprocessing((64, 64)))
        assert model.origin.preprocessing == "as given"
        (folder / "model.safetensors").write_bytes(b"cut off")
        self.fails(folder, "cannot be loaded: .*header", preprocess=Preprocessing((64, 64)))
        (folder / "config.json").unlink()
        self.fails(folder, r"has no config\.json; it must be one that save_pretrained", SpecError)

    def test_networks_that_do_not_classify(self, other):
        folder = other("config.json", id2label={"0": "a"}, label2id={"a": 0})
        self.fails(folder, r"not those of its config\.json \(classifier\.bias has another shape")
        folder = other("config.json")
        vit(id2label=NAMES).vit.save_pretrained(folder)
        self.fails(folder, r"no weights for classifier\.bias and others, so it is not an image cl")
        hf.BertConfig().save_pretrained(folder)
        self.fails(folder, "is a bert network, which Transformers cannot use as an image class")

    def test_names_that_are_none(self, folder):
        for name in ("./nowhere", "a/b/c", ""):
            self.fails(name, f"there is no folder '{name}'; .* hf:ORG/NAME", SpecError)
        self.fails(folder, "weights does not go with", InputError, weights="w.pth")

    def test_without_a_network_the_message_names_the_way_out(self, capfd):
        self.fails(
            "org/name", r"hf:org/name cannot be loaded: the hub cannot be reached and the ca"
        )
        self.fails("org/name@v2", r"a copy that was fetched elsewhere is given as hf:FOLDER")
        assert capfd.readouterr().err == ""

    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("GatedRepoError", "its owners must grant you access"),
            ("RepositoryNotFoundError", "there is no such model, or it is private"),
            ("RevisionNotFoundError", "there is no such revision"),
            ("RemoteEntryNotFoundError", "a file is missing there"),
            ("HfHubHTTPError", "the hub answers with an error"),
        ],
    )
    def test_what_the_hub_answers(self, monkeypatch, kind, words):
        def refuse(*arguments, **settings):
            family = getattr(hub_errors, kind)
            raise OSError("many lines\nof theirs") from family.__new__(family)

        monkeypatch.setattr(hf.AutoConfig, "from_pretrained", refuse)
        self.fails("org/name", words)

    def test_without_transformers_the_pip_line_is_in_the_message(self, monkeypatch, folder):
        monkeypatch.setitem(sys.modules, "transformers", None)
        self.fails(folder, r'pip install "seewhy\[hf\]"', MissingExtraError)


def test_nothing_appears_and_all_settings_are_as_before(folder, capfd):
    from huggingface_hub import constants
    from huggingface_hub.utils import are_progress_bars_disabled

    hf.utils.logging.enable_progress_bar()
    levels = [logging.getLogger(name).level for name in ("transformers", "huggingface_hub")]
    load_model(f"hf:{folder}")
    seen = capfd.readouterr()
    assert seen.out == seen.err == ""
    assert [logging.getLogger(name).level for name in ("transformers", "huggingface_hub")] == levels
    assert hf.utils.logging.is_progress_bar_enabled()
    assert not are_progress_bars_disabled()
    assert not constants.HF_HUB_OFFLINE
    hf.utils.logging.disable_progress_bar()
    load_model(f"hf:{folder}")
    assert not hf.utils.logging.is_progress_bar_enabled()
    assert are_progress_bars_disabled()
    hf.utils.logging.enable_progress_bar()


def test_the_hubs_name_is_asked_for_once(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(hub, "getproxies", dict)
    monkeypatch.setattr(hub.socket, "getaddrinfo", lambda host, port: [(host, port)])
    assert not hub._is_unknown("https://huggingface.co")

    def unknown(host, port):
        raise OSError("Name or service not known")

    monkeypatch.setattr(hub.socket, "getaddrinfo", unknown)
    assert hub._is_unknown("https://huggingface.co")
    monkeypatch.setattr(hub, "getproxies", lambda: {"https": "http://proxy"})
    assert not hub._is_unknown("https://huggingface.co")


def test_the_names_of_the_module(folder):
    assert huggingface._place(str(folder)) == (str(Path(folder)), None)
    assert huggingface._place("org/name@abc") == ("org/name", "abc")
    assert huggingface._place("resnet") == ("resnet", None)
