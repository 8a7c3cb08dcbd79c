"""timm's classifiers: their own preprocessing and names, anybody's weights."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import numpy as np
import pytest
import skimage.data
from PIL import Image as PILImage

from seewhy.errors import InputError, MissingExtraError, ModelError, SpecError
from seewhy.game.scores import ClassScores
from seewhy.models.labels import find_class, imagenet_aliases, imagenet_labels
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.request import ModelRequest
from seewhy.models.spec import load_model, resolve_preprocessing

torch = pytest.importorskip("torch")
if find_spec("torchvision") is None or find_spec("timm") is None:
    pytest.skip("needs torchvision and timm", allow_module_level=True)

from seewhy.models import timm_models  # noqa: E402
from seewhy.models.torchvision_models import import_torchvision  # noqa: E402

import_torchvision()
import timm  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

TINY = "test_resnet"
PHOTOS = ("astronaut", "rocket")


def theirs(module, photo):
    """What timm's own pipeline answers."""
    config = timm.data.resolve_model_data_config(module)
    transform = timm.data.create_transform(**config, is_training=False)
    with torch.inference_mode():
        return module.eval()(transform(PILImage.fromarray(photo))[None]).numpy()


@pytest.mark.parametrize(
    "name",
    ["resnet10t.c3_in1k", "mobilenetv3_small_050", "test_vit.r160_in1k", "test_convnext", "folder"],
)
def test_answers_are_those_of_timms_own_pipeline(name, tmp_path, lively, ours):
    if name == "folder":  # as the hub would give it
        module = lively(timm.create_model("test_efficientnet", num_classes=7))
        timm.models.save_for_hf(module, tmp_path)
        model = load_model(f"timm:{tmp_path}")
        assert len(model.labels) == 7
    else:
        module = lively(timm.create_model(name))
        save_file(module.state_dict(), tmp_path / "w.safetensors")
        model = load_model(f"timm:{name}", weights=tmp_path / "w.safetensors")
    answers = []
    for photo in (getattr(skimage.data, each)() for each in PHOTOS):
        answers.append(theirs(module, photo))
        scale = max(np.abs(answers[-1]).max(), 1)
        np.testing.assert_allclose(ours(model, photo), answers[-1], atol=1e-5 * scale)
    assert np.ptp(answers, axis=0).max() > 1e-2  # or the pictures would not matter


@pytest.fixture(scope="module")
def random():
    return load_model(f"timm:{TINY}", pretrained=False)


def test_a_network_with_random_weights(random):
    assert random.spec == f"timm:{TINY}"
    assert random.framework == "timm"
    assert random.labels == imagenet_labels()
    assert random.aliases == imagenet_aliases()
    assert find_class("station wagon", random.labels, random.aliases) == 436
    assert random.origin.preprocessing == "timm's test_resnet.r160_in1k"
    assert str(random.origin).endswith(
        "labels: ImageNet-1k; output: what all of timm's classifiers return"
    )


def test_random_weights_are_the_same_each_time_and_cost_no_draw(random):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    other = load_model(f"timm:{TINY}.r160_in1k", pretrained=False)
    assert torch.equal(before, torch.get_rng_state())
    assert other.fingerprint == random.fingerprint
    assert load_model("timm:test_vit", pretrained=False).fingerprint != random.fingerprint


def test_gradients(random):
    image = random.preprocessing.apply(skimage.data.astronaut().astype(np.float32) / 255)
    values, gradients = random.path_gradients(
        image, np.zeros_like(image)[None], np.array([0.5]), ClassScores("log-odds", (3,))
    )
    assert gradients.shape == (1, 1, *random.input_size[:2])
    assert np.isfinite(values).all()
    assert np.isfinite(gradients).all()
    assert np.abs(gradients).max() > 0


@pytest.mark.parametrize(("classes", "channels"), [(5, 3), (1, 1), (1000, 16)])
def test_classes_and_channels_come_from_the_file(tmp_path, classes, channels, lively):
    module = lively(timm.create_model(TINY, num_classes=classes, in_chans=channels), channels)
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    model = load_model(f"timm:{TINY}", weights=tmp_path / "w.safetensors")
    assert model.input_size == (160, 160, channels)
    names = tuple(f"class {i}" for i in range(max(classes, 2)))  # a single logit: two classes
    assert model.labels == (imagenet_labels() if classes == 1000 else names)
    assert ("averaged" in model.origin.preprocessing) == (channels != 3)
    images = np.random.default_rng(0).random((2, 160, 160, channels), np.float32)
    inputs = torch.from_numpy(model.preprocessing.normalise(images)).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = module(inputs.contiguous()).numpy()
    np.testing.assert_allclose(model(images), expected, atol=1e-5)
    assert np.ptp(expected) > 0.01


def test_grey_pictures_are_prepared_as_timms_training_script_does():
    config = {"input_size": (1, 96, 96), "interpolation": "bilinear", "crop_pct": 0.9}
    config |= {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.2, 0.5), "crop_mode": "center"}
    found = timm_models.data_config_preprocessing(config, name="x")
    assert (found.channels, found.shorter_side) == ("L", 106)
    np.testing.assert_allclose((found.mean, found.std), [[0.5], [0.3]])


def test_networks_that_fold_pixels_into_channels(tmp_path):
    config = timm.models.get_pretrained_cfg("tresnet_m").to_dict()
    with torch.device("meta"):
        module = timm.create_model("tresnet_m")
        grey = timm.create_model("tresnet_m", in_chans=1, num_classes=2).state_dict()
    assert grey["body.conv1.conv.weight"].shape[1] == 16
    found = timm_models._found(config, module, grey, 3)
    assert found == {"num_classes": 2, "in_chans": 1}
    assert timm_models._found(config, module, module.state_dict(), 3) == {}


def test_weights_of_another_architecture_are_one_sentence(tmp_path):
    module = timm.create_model("test_vit")
    save_file(module.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"'w\.safetensors' does not hold the weights of test_res"):
        load_model(f"timm:{TINY}", weights=tmp_path / "w.safetensors")
    with pytest.raises(InputError, match="there is none at"):
        load_model(f"timm:{TINY}", weights=tmp_path / "nowhere.pth")


def test_a_given_preprocessing_adapts_the_network(tmp_path):
    grey = Preprocessing((64, 64), mean=(0.5,), std=(0.5,), channels="L")
    model = load_model(f"timm:{TINY}", pretrained=False, preprocess=grey)
    assert model.input_size == (64, 64, 1)
    assert model.origin.preprocessing == "as given"
    small = Preprocessing((96, 96))
    model = load_model("timm:test_vit", pretrained=False, preprocess=small, labels=["x"] * 1000)
    assert model.module.pos_embed.shape[1] == 36 + 1  # patches of 16 pixels, and the class
    assert model.aliases == {}
    with pytest.raises(ModelError, match=r"timm cannot build test_resnet img_size=9 \(TypeError"):
        timm_models._build(TINY, {"img_size": 9})


def test_preprocessing_is_borrowed_without_weights():
    found = resolve_preprocessing("timm:vit_tiny_patch16_224")
    assert found == Preprocessing(
        (224, 224), shorter_side=248, interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3
    )
    squashed = resolve_preprocessing("timm:convnext_tiny.in12k_ft_in1k_384")
    assert (squashed.size, squashed.shorter_side, squashed.stretch) == ((384, 384), None, None)
    cropped = resolve_preprocessing("timm:dm_nfnet_f0")
    assert (cropped.size, cropped.stretch) == ((192, 192), (213, 213))


@pytest.mark.parametrize(
    "wish",
    [
        {"crop_mode": "border"},
        {"crop_mode": "squash", "crop_pct": 0.9, "interpolation": "hamming"},
        {"input_size": (3, 64, 96)},
        {"interpolation": "hamming"},
    ],
)
def test_what_cannot_be_reproduced_is_refused(wish):
    config = timm.data.resolve_data_config(pretrained_cfg={"input_size": (3, 96, 96)})
    timm_models.data_config_preprocessing(config, name="x")
    with pytest.raises(ModelError, match=r"as timm does for x \(crop_mode '.*--preprocess FILE"):
        timm_models.data_config_preprocessing(config | wish, name="x")


def test_a_translation_is_tried_before_it_is_believed(monkeypatch):
    class Other(timm_models._Pipeline):
        def __call__(self, picture):
            return np.roll(super().__call__(picture), 1, axis=0)

    monkeypatch.setattr(timm_models, "_Pipeline", Other)
    with pytest.raises(ModelError, match="Seewhy cannot prepare pictures as timm does"):
        resolve_preprocessing(f"timm:{TINY}")


def test_names_of_larger_collections(tmp_path):
    labels, aliases, source = timm_models._names({}, 11821, "x")
    assert (len(labels), aliases, source) == (11821, None, "timm's imagenet-12k")
    assert find_class("Tinca tinca", labels) == labels.index("tench, Tinca tinca")
    synsets = timm.data.ImageNetInfo().label_names()
    assert timm_models._names({"label_names": synsets}, 1000, "x")[0] == imagenet_labels()
    own = {"label_names": ("n1", "n2"), "label_descriptions": {"n1": "cat"}}
    assert timm_models._names(own, 2, "hf-hub:a/b") == (["cat", "n2"], None, "config.json")
    assert timm_models._names(own, 3, "hf-hub:a/b") == (None, None, "numbered")


def test_a_folder_says_its_labels(tmp_path):
    module = timm.create_model(TINY, num_classes=2)
    timm.models.save_for_hf(module, tmp_path, model_config={"label_names": ["cat", "dog"]})
    model = load_model(f"timm:{tmp_path}")
    assert model.labels == ("cat", "dog")
    assert model.origin.preprocessing == model.origin.labels == "config.json"
    assert torch.equal(model.module.fc.weight, module.fc.weight)
    (tmp_path / "config.json").unlink()
    with pytest.raises(SpecError, match=r"has no config\.json, which says what network it holds"):
        load_model(f"timm:{tmp_path}")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"timm's configuration of .* could not be read"):
        load_model(f"timm:{tmp_path}")


def test_without_a_network_the_message_names_the_way_out(capfd):
    with pytest.raises(ModelError) as error:
        load_model("timm:resnet10t")
    message = str(error.value)
    assert "(the hub cannot be reached and the cache does not have it)" in message
    assert "fetch the model.safetensors of timm/resnet10t.c3_in1k" in message
    assert "--weights FILE (in Python weights=FILE), or" in message
    with pytest.raises(ModelError, match=r"'timm/resnet10t' could not be read \(the hub cannot"):
        load_model("timm:hf-hub:timm/resnet10t")
    assert "http" not in capfd.readouterr().err


def test_networks_without_classes_or_weights():
    with pytest.raises(ModelError, match="ends in features, not in classes"):
        load_model("timm:vit_small_patch14_dinov2")
    with pytest.raises(ModelError, match="timm has no weights for resnet61q_"):
        timm_models._module("resnet61q_", {"url": None}, ModelRequest("timm:resnet61q_"))


def test_unknown_names():
    with pytest.raises(SpecError, match=r"no classifier 'resnet43'; did you mean 'resnet"):
        load_model("timm:resnet43")
    with pytest.raises(SpecError, match=r"resnet10t has the weights c3_in1k; got 'c4_in1k'; did"):
        load_model("timm:resnet10t.c4_in1k")
    with pytest.raises(SpecError, match=r"resnet10t has the weights c3_in1k; got ''\."):
        load_model("timm:resnet10t.")
    with pytest.raises(SpecError, match="'timm:' names no model; write timm:NAME"):
        load_model("timm:")
    with pytest.raises(
        SpecError, match=r"there is no folder 'timm/resnet18' with a conf.* timm:hf-hub:ORG/N"
    ):
        load_model("timm:timm/resnet18")


def test_a_folder_that_happens_to_be_called_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / TINY).mkdir()
    assert timm_models._find(TINY)[0] == TINY
    with pytest.raises(SpecError, match=rf"the folder '\./{TINY}' has no config\.json"):
        timm_models._find(f"./{TINY}")
    with pytest.raises(SpecError, match=r"there is no folder '~/nowhere'; only a folder's name st"):
        timm_models._find("~/nowhere")
    timm.models.save_for_hf(timm.create_model(TINY), tmp_path / TINY)
    assert timm_models._find(TINY)[0] == f"local-dir:{TINY}"
    assert timm_models._find(f"./{TINY}")[0] == f"local-dir:{TINY}"


def test_names_of_former_times_are_understood():
    found = resolve_preprocessing("timm:tf_mobilenetv3_small_minimal_100")
    assert resolve_preprocessing("timm:tf_mobilenetv3_small_minimal_100.in1k") == found
    renamed = resolve_preprocessing("timm:mixnet_s")
    assert renamed.size == (224, 224)


def test_without_timm_the_pip_line_is_in_the_message(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtraError, match=r'pip install "seewhy\[timm\]"'):
        load_model(f"timm:{TINY}")
