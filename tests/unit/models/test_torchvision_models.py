"""torchvision's classifiers: their own preprocessing and names, anybody's weights, any install."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image as PILImage

from seewhy.errors import InputError, MissingExtraError, ModelError, SpecError
from seewhy.models.labels import find_class
from seewhy.models.preprocessing import Preprocessing

torch = pytest.importorskip("torch")
if find_spec("torchvision") is None:
    pytest.skip("needs torchvision", allow_module_level=True)

from seewhy.models import torchvision_models  # noqa: E402
from seewhy.models.torchvision_models import (  # noqa: E402
    import_torchvision,
    load,
    torchvision_preprocessing,
)

SMALL = "squeezenet1_1"


def run(code: str, *, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    inserted = "" if path is None else f"import sys; sys.path.insert(0, {str(path)!r})\n"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", inserted + code], capture_output=True, text=True
    )


IMPORT_TWICE = (
    "from seewhy.models.torchvision_models import import_torchvision\n"
    "first = import_torchvision()\n"
    "assert import_torchvision() is first\n"
    "import torchvision\n"
    "assert torchvision is first\n"
)


def test_the_installed_torchvision_is_imported_in_a_fresh_process():
    done = run(
        IMPORT_TWICE + "import torch\n"
        "net = torchvision.models.resnet18(weights=None).eval()\n"
        "print(tuple(net(torch.zeros(1, 3, 64, 64)).shape))\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(1, 1000)\n"
    broken = run("import torchvision").returncode != 0
    assert done.stderr.count("placeholders") == broken  # said once, and only where it is true


def fake_torchvision(folder: Path, registering: str) -> Path:
    package = folder / "torchvision"
    package.mkdir()
    (package / "half_imported.py").write_text("")
    (package / "models.py").write_text("")
    (package / "__init__.py").write_text(
        "import torch\nimport torchvision.half_imported\ntorchvision.half_imported\n"
        f"{registering}\n"
    )
    metadata = folder / "torchvision-9.9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 9.9\n")
    return folder


def test_missing_operators_are_declared_one_after_the_other(tmp_path):
    registering = "".join(
        f"torch.library.register_fake('torchvision::{name}')(lambda *a: a[0])\n"
        for name in ("nms", "qnms", "later_one")
    )
    done = run(IMPORT_TWICE, path=fake_torchvision(tmp_path, registering))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("nms, qnms, later_one are placeholders") == 1
    assert "torchvision 9.9" in done.stderr


def test_a_placeholder_cannot_be_called(tmp_path):
    registering = "torch.library.register_fake('torchvision::nms')(lambda *a: a[0])"
    code = IMPORT_TWICE + (
        "import gc; gc.collect()\nimport torch\n"
        "try:\n    torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)\n"
        "except NotImplementedError:\n    print('raised')\n"
    )
    assert run(code, path=fake_torchvision(tmp_path, registering)).stdout == "raised\n"


@pytest.mark.parametrize(
    ("failing", "error"),
    [
        ("raise RuntimeError('operator torchvision::nms is odd')", "RuntimeError: operator"),
        (
            "raise RuntimeError('operator torchvision::nms does not exist')",
            "does not exist",
        ),
        ("import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
    ],
)
def test_other_failures_of_the_import_are_not_hidden(tmp_path, failing, error):
    done = run(IMPORT_TWICE, path=fake_torchvision(tmp_path, failing))
    assert done.returncode != 0
    assert error in done.stderr.splitlines()[-1]


def test_without_torchvision_the_pip_line_is_in_the_message(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(MissingExtraError, match=r'pip install "seewhy\[torch\]"'):
        import_torchvision()


@pytest.mark.parametrize(
    "name", ["resnet34", "efficientnet_b1", "swin_t", "vit_b_16@IMAGENET1K_SWAG_E2E_V1"]
)
def test_preprocessing_is_that_of_torchvision(name):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    picture = PILImage.fromarray(noise).resize((500, 334), PILImage.Resampling.BICUBIC)
    architecture, _, weights = name.partition("@")
    entries = import_torchvision().models.get_model_weights(architecture)
    theirs = entries[weights or "DEFAULT"].transforms()(picture).numpy().transpose(1, 2, 0)
    preprocessing = torchvision_preprocessing(name)
    image = np.asarray(picture, np.float32) / 255
    ours = preprocessing.normalise(preprocessing.apply(image))
    assert ours.shape == theirs.shape
    # They round to 8 bits twice on the way; a shift by one pixel would be fifty times as much.
    np.testing.assert_allclose(ours, theirs, atol=1.6 / 255 / min(preprocessing.std))
    assert np.abs(ours - theirs).mean() < 0.4 / 255 / min(preprocessing.std)


@pytest.mark.parametrize(
    "family",
    [
        "alexnet",
        "convnext_tiny",
        "densenet121",
        "efficientnet_b0",
        "googlenet",
        "inception_v3",
        "maxvit_t",
        "mnasnet0_5",
        "mobilenet_v3_small",
        "resnet18",
        "shufflenet_v2_x0_5",
        "squeezenet1_0",
        "swin_v2_t",
        "vgg11_bn",
        "vit_b_32",
    ],
)
def test_the_classifier_is_the_last_layer(family):
    architecture, entry = torchvision_models._entry(family)
    with torch.device("meta"):
        module = torchvision_models._build(architecture, entry, num_classes=1009)
    shapes = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    assert shapes[next(reversed(shapes))][0] == 1009


def saved(tmp_path: Path, module: object, name: str = "weights.pth") -> Path:
    torch.save(module.state_dict(), tmp_path / name)
    return tmp_path / name


def built(architecture: str, **settings: object):
    return import_torchvision().models.get_model(architecture, weights=None, **settings)


def reference(module, preprocessing, images):
    inputs = torch.from_numpy(preprocessing.normalise(images)).permute(0, 3, 1, 2).contiguous()
    with torch.no_grad():
        return module.eval()(inputs).numpy()


@pytest.mark.parametrize("classes", [10, 1])
def test_the_number_of_classes_comes_from_the_file(tmp_path, classes):
    module = built("resnet18")
    module.fc = torch.nn.Linear(512, classes)  # as everybody fine-tunes
    model = load("resnet18", weights=saved(tmp_path, module))
    # a single logit stands for two classes
    assert model.labels == tuple(f"class {i}" for i in range(max(classes, 2)))
    assert model.aliases == {}
    images = np.random.default_rng(0).random((2, 224, 224, 3), dtype=np.float32)
    expected = reference(module, model.preprocessing, images)
    np.testing.assert_allclose(model(images), expected, atol=1e-4)
    names = [f"n{i}" for i in range(classes)]
    named = load("resnet18", weights=tmp_path / "weights.pth", labels=names)
    assert named.labels == (("not n0", "n0") if classes == 1 else tuple(names))
    with pytest.raises(ModelError, match=f"{classes} outputs but 3 labels"):
        load("resnet18", weights=tmp_path / "weights.pth", labels=["a", "b", "c"])


def test_half_precision_checkpoints_load(tmp_path):
    module = built(SMALL).half()
    torch.save(
        {"state_dict": {f"module.{k}": v for k, v in module.state_dict().items()}},
        tmp_path / "half.th",
    )
    model = load(SMALL, weights=tmp_path / "half.th")
    assert {p.dtype for p in model.module.parameters()} == {torch.float32}
    assert torch.equal(model.module.classifier[1].bias, module.classifier[1].bias.float())


def test_weights_of_another_architecture_are_one_sentence(tmp_path):
    file = saved(tmp_path, built("resnet18"))
    with pytest.raises(ModelError) as error:
        load("resnet34", weights=file)
    message = str(error.value)
    assert message.startswith(
        "'weights.pth' does not hold the weights of resnet34 (missing: layer1.2"
    )
    assert "and 77 more" in message
    assert "name the architecture that was trained" in message
    assert "\n" not in message
    with pytest.raises(
        ModelError, match=r"missing: features\.0\.weight.*unexpected: conv1\.weight"
    ):
        load(SMALL, weights=file)


def test_old_densenet_names_are_understood(tmp_path):
    module = built("densenet121")
    old = OrderedDict(
        (
            re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name),
            value,
        )
        for name, value in module.state_dict().items()
    )
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "old.pth")
    model = load("densenet121", weights=tmp_path / "old.pth")
    assert all(torch.equal(v, model.module.state_dict()[k]) for k, v in module.state_dict().items())


def test_side_heads_are_left_out(tmp_path):
    module = built("googlenet", num_classes=4, init_weights=False, transform_input=True)
    module.aux1.fc2 = torch.nn.Linear(1024, 9)  # a head nobody evaluates may be anything
    model = load("googlenet", weights=saved(tmp_path, module))
    assert model.module.transform_input  # its weights expect it, as torchvision's builder knows
    images = np.random.default_rng(0).random((1, 224, 224, 3), dtype=np.float32)
    expected = reference(module, model.preprocessing, images)
    np.testing.assert_allclose(model(images), expected, atol=1e-4)


def test_networks_are_built_for_the_pictures_of_their_entry():
    for name, side in [("vit_b_16", 224), ("vit_b_16@IMAGENET1K_SWAG_E2E_V1", 384)]:
        architecture, entry = torchvision_models._entry(name)
        with torch.device("meta"):
            module = torchvision_models._build(architecture, entry)
        assert module.image_size == side
        assert torchvision_preprocessing(name).size == (side, side)


def test_layers_that_ask_for_the_version_of_their_weights(tmp_path):
    save_file = pytest.importorskip("safetensors.torch").save_file
    module = built("mnasnet0_5", num_classes=3)
    save_file(module.state_dict(), tmp_path / "w.safetensors")  # a file without versions
    assert load("mnasnet0_5", weights=tmp_path / "w.safetensors").labels == (
        "class 0",
        "class 1",
        "class 2",
    )


def test_random_weights_are_the_same_each_time_and_cost_no_draw():
    models = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        models.append(load(SMALL, pretrained=False))
        assert torch.equal(before, torch.get_rng_state())
    assert models[0].fingerprint == models[1].fingerprint
    assert models[0].spec == f"torchvision:{SMALL}"
    assert models[0].device.type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("architecture", "channels"), [("resnet18", 1), ("mobilenet_v3_small", 16), ("inception_v3", 2)]
)
def test_the_number_of_channels_comes_from_the_file(tmp_path, architecture, channels):
    settings = torchvision_models._SETTINGS.get(architecture, {})
    module = built(architecture, num_classes=4, **settings).eval()
    stem_name, stem = next(
        (name, part) for name, part in module.named_modules() if isinstance(part, torch.nn.Conv2d)
    )
    folder, _, own = stem_name.rpartition(".")
    other = torch.nn.Conv2d(
        channels, stem.out_channels, stem.kernel_size, stem.stride, stem.padding, bias=False
    )
    setattr(module.get_submodule(folder), own, other)
    if hasattr(module, "transform_input"):
        module.transform_input = False
    named = "L" if channels == 1 else "bands"
    said = Preprocessing((80, 80), mean=(0.5,) * channels, std=(0.25,) * channels, channels=named)
    before = torch.random.get_rng_state()
    model = load(architecture, weights=saved(tmp_path, module), preprocess=said)
    assert torch.equal(torch.random.get_rng_state(), before)
    pictures = np.random.default_rng(0).random((2, 80, 80, channels), dtype=np.float32)
    with torch.inference_mode():
        wanted = module(torch.from_numpy(said.normalise(pictures)).permute(0, 3, 1, 2)).numpy()
    assert np.abs(model(pictures) - wanted).max() < 1e-5
    with pytest.raises(InputError, match=f"pictures of {channels} channel"):
        load(architecture, weights=saved(tmp_path, module))


def test_names_and_aliases_of_imagenet():
    model = load(SMALL, pretrained=False)
    assert model.labels[436] == "beach wagon"
    assert find_class("station wagon", model.labels, model.aliases) == 436
    assert load(SMALL, pretrained=False, labels=[f"n{i}" for i in range(1000)]).aliases == {}


def test_arguments_reach_the_model(tmp_path):
    other = Preprocessing((96, 96))
    model = load(SMALL, pretrained=False, preprocess=other, batch=3, device="cpu")
    assert (model.preprocessing, model.batch_size, model.device.type) == (other, 3, "cpu")
    borrowed = load(SMALL, pretrained=False, preprocess="torchvision:swin_t").preprocessing
    assert borrowed == torchvision_preprocessing("swin_t")
    assert borrowed.interpolation == "bicubic"


def test_published_weights_come_from_torchs_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    torch.manual_seed(3)
    module = built(SMALL)
    saved(cache, module, "squeezenet1_1-b8a52dc0.pth")
    model = load(f"{SMALL}@IMAGENET1K_V1")
    assert torch.equal(model.module.classifier[1].weight, module.classifier[1].weight)
    assert len(model.labels) == 1000


def test_code_in_the_cache_does_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)

    class Touch:
        def __reduce__(self):
            import os

            return (os.mkdir, (str(tmp_path / "ran"),))

    torch.save({"x": Touch()}, cache / "squeezenet1_1-b8a52dc0.pth")
    with pytest.raises(ModelError):
        load(SMALL)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "error",
    [
        URLError("Temporary failure in name resolution"),
        TimeoutError("timed out"),
        RuntimeError('invalid hash value (expected "b8a52dc0")'),
    ],
)
def test_no_network_names_the_file_to_fetch(monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    module = sys.modules[import_torchvision().models.get_model.__module__]
    monkeypatch.setattr(module, "load_state_dict_from_url", fail)
    with pytest.raises(ModelError, match=r"squeezenet1_1-b8a52dc0\.pth.*--weights FILE"):
        load(SMALL)


def test_unknown_names():
    with pytest.raises(SpecError, match=r"no classifier 'resnet43'; did you mean 'resnet"):
        load("resnet43")
    with pytest.raises(SpecError, match="no classifier 'fcn_resnet50'"):
        load("fcn_resnet50")
    with pytest.raises(SpecError, match="has the weights IMAGENET1K_V1, DEFAULT; got 'V1'"):
        load("resnet34@V1")
    with pytest.raises(InputError, match=r"there is none at 'nowhere\.pth'"):
        load("resnet34", weights="nowhere.pth")


PHOTOS = {
    "ambulance": "ambulance",
    "beach_wagon": "station wagon",
    "car_wheel": "car wheel",
    "golden_retriever": "golden retriever",
    "goldfish": "goldfish",
    "minivan": "minivan",
    "passenger_car": "passenger car",
    "sports_car": "sports car",
    "streetcar": "streetcar",
}


@pytest.fixture(scope="module")
def squeezenet(shared_data):
    return load(SMALL, weights=shared_data / "models" / "squeezenet1_1-imagenet.pth")


@pytest.mark.parametrize("photo", PHOTOS)
def test_squeezenet_recognises_photos(squeezenet, shared_data, photo):
    with PILImage.open(shared_data / "photos" / f"{photo}.jpg") as picture:
        image = np.asarray(picture.convert("RGB"), np.float32) / 255
    scores = squeezenet(squeezenet.preprocessing.apply(image)[None])[0]
    assert scores.argmax() == find_class(PHOTOS[photo], squeezenet.labels, squeezenet.aliases)


def test_squeezenet_answers_as_torchvisions_own_pipeline(squeezenet, shared_data):
    with PILImage.open(shared_data / "photos" / "school_bus.jpg") as picture:
        picture = picture.convert("RGB")
    transforms = import_torchvision().models.SqueezeNet1_1_Weights.DEFAULT.transforms()
    with torch.no_grad():
        theirs = squeezenet.module.eval()(transforms(picture)[None]).softmax(1).numpy()
    image = np.asarray(picture, np.float32) / 255
    scores = squeezenet(squeezenet.preprocessing.apply(image)[None])
    ours = torch.from_numpy(scores).softmax(1).numpy()
    np.testing.assert_allclose(ours, theirs, atol=0.02)
    five = np.argsort(-ours[0])[:5]
    assert find_class("school bus", squeezenet.labels) in five
