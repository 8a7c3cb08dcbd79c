"""Small networks of timm and Transformers, and a hub that nobody can reach."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from seewhy.models import hub  # noqa: E402

NAMES = {0: "cat", 1: "dog", 2: "tree"}
SQUARE = {"height": 64, "width": 64}


@pytest.fixture(autouse=True)
def nobody_knows_the_hub(monkeypatch):
    """As where there is no network, so that no test waits for one."""
    monkeypatch.setattr(hub, "_is_unknown", lambda address: True)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small only wait for their threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def lively():
    """Give a network random weights whose answers differ from picture to picture."""

    def enliven(module, channels=3):
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

    return enliven


@pytest.fixture(scope="session")
def ours():
    """Ask a model about a photo."""
    return lambda model, photo: model(
        model.preprocessing.apply(photo.astype(np.float32) / 255)[None]
    )


@pytest.fixture(scope="session")
def vit():
    """Make a vision transformer of Transformers for pictures of 64 × 64."""
    hf = pytest.importorskip("transformers")

    def build(**settings):
        sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
        sizes |= {"intermediate_size": 64, "image_size": 64, "patch_size": 16}
        return hf.ViTForImageClassification(hf.ViTConfig(**sizes, **settings))

    return build


@pytest.fixture(scope="session")
def folder(tmp_path_factory, lively, vit):
    """A small network with its processor, as save_pretrained of Transformers writes them."""
    hf = pytest.importorskip("transformers")
    place = tmp_path_factory.mktemp("vit")
    lively(vit(id2label=NAMES)).save_pretrained(place)
    hf.ViTImageProcessorPil(size=SQUARE).save_pretrained(place)
    return place


@pytest.fixture
def other(folder, tmp_path):
    """A copy of the folder to spoil, and a way to change one of its files."""
    copied = shutil.copytree(folder, tmp_path / "other")

    def change(name, **entries):
        document = json.loads((copied / name).read_text()) | entries
        (copied / name).write_text(json.dumps(document))
        return copied

    return change
