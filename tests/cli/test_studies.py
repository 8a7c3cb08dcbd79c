"""The networks of the studies, as their readers would give them: real classes, random weights."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pillow
from typer.testing import CliRunner

from seewhy.cli.app import app

torch = pytest.importorskip("torch")
if find_spec("torchvision") is None:
    pytest.skip("needs torchvision", allow_module_level=True)

from seewhy.models.torchvision_models import import_torchvision  # noqa: E402

RUN = CliRunner()
GREY_TO_RGB = {
    "input": {"channels": "RGB", "size": [224, 224]},
    "resize": {"stretch": [224, 224], "interpolation": "bilinear"},
    "normalise": {"mean": [0.1307] * 3, "std": [0.3081] * 3},
}


SMALL = {"input": {"size": [64, 64]}, "normalise": {"mean": [0.45] * 3, "std": [0.25] * 3}}
"""A comparison asks thousands of pictures: small ones, which these networks take as well."""


def random_network(name: str, **settings: object):
    torch.manual_seed(0)
    return import_torchvision().models.get_model(name, weights=None, **settings).eval()


@pytest.fixture
def fine_tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A ResNet18 for ten digits, and a digit of 28 × 28: what the studies have."""
    monkeypatch.chdir(tmp_path)
    network = random_network("resnet18")
    network.fc = torch.nn.Linear(512, 10)
    torch.save(network.state_dict(), "mine.pth")
    Path("digits.txt").write_text("\n".join(f"digit {i}" for i in range(10)))
    Path("mnist.json").write_text(json.dumps(GREY_TO_RGB))
    pixels = np.zeros((28, 28), np.uint8)
    pixels[6:8, 8:20] = 255
    for row in range(8, 23):
        pixels[row, 18 - (row - 8) // 2 :][:2] = 230
    pillow.fromarray(pixels).save("seven.png")
    return network


MINE = ["seven.png", "--model", "torchvision:resnet18", "--weights", "mine.pth"]
MINE += ["--labels", "digits.txt", "--preprocess", "mnist.json", "--segments", "grid:3"]


def test_resnet18_of_digits_answers_as_torchvisions_own_pipeline(fine_tuned):
    done = RUN.invoke(
        app, ["explain", *MINE, "--method", "lime,partition-shap", "--budget", "64", "--out", "out"]
    )
    assert done.exit_code == 0, done.output
    assert "10 classes, RGB, stretched to 224×224 (bilinear)" in done.stdout
    assert "(preprocessing and labels: as given; output: what all of torchvision's" in done.stdout
    said = json.loads(Path("out/explanation.json").read_text())
    transforms = import_torchvision().transforms
    theirs = transforms.Compose(
        [
            transforms.Grayscale(3),
            transforms.Resize((224, 224)),
            transforms.ToTensor(),
            transforms.Normalize([0.1307] * 3, [0.3081] * 3),
        ]
    )
    with torch.inference_mode():
        wanted = fine_tuned(theirs(pillow.open("seven.png"))[None]).softmax(dim=1)[0]
    for prediction in said["predictions"]:
        assert prediction["label"] == f"digit {prediction['index']}"
        assert abs(prediction["probability"] - float(wanted[prediction["index"]])) < 1e-5


def test_resnet18_of_digits_is_compared(fine_tuned):
    asked = ["--method", "lime,gradient-shap", "--budget", "32", "--repeats", "1"]
    Path("mnist.json").write_text(json.dumps(SMALL))
    done = RUN.invoke(app, ["compare", *MINE, *asked, "--out", "out"])
    assert done.exit_code == 0, done.output
    assert Path("out/comparison.json").is_file()


@pytest.mark.slow
def test_resnet34_is_explained_and_compared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(random_network("resnet34").state_dict(), "resnet34.pth")
    from seewhy.image.samples import sample_path

    asked = [str(sample_path("motorcycle")), "--model", "torchvision:resnet34"]
    asked += ["--weights", "resnet34.pth", "--segments", "grid:2", "--budget", "16"]
    done = RUN.invoke(app, ["explain", *asked, "--method", "lime", "--out", "explained"])
    assert done.exit_code == 0, done.output
    assert "torchvision's ResNet34_Weights.IMAGENET1K_V1" in done.stdout
    Path("small.json").write_text(json.dumps(SMALL))
    asked += ["--preprocess", "small.json"]
    done = RUN.invoke(
        app,
        ["compare", *asked, "--method", "lime,occlusion", "--repeats", "1", "--out", "compared"],
    )
    assert done.exit_code == 0, done.output
