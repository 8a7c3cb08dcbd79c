"""The same numbers as captum, where it is right: path methods and Grad-CAM."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.game.scores import ClassScores
from seewhy.image.segmentation import Segmentation
from seewhy.image.segmenters import Slic
from seewhy.methods.gradients.grad_cam import GradCam
from seewhy.methods.gradients.gradient_shap import GradientShap
from seewhy.methods.gradients.integrated_gradients import IntegratedGradients
from seewhy.methods.gradients.pixels import PixelView
from seewhy.models.masking_game import masked_picture
from seewhy.models.preprocessing import Preprocessing

torch = pytest.importorskip("torch")
captum = pytest.importorskip("captum.attr")

from seewhy.models.torch_model import TorchModel  # noqa: E402

nn = torch.nn
SIDE = 16
TARGETS = (1, 3)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def view():
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(12, 12, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(48, 5),
    ).eval()
    preprocessing = Preprocessing((SIDE, SIDE), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
    model = TorchModel(net, preprocess=preprocessing, output="raw", batch=256)
    labels = np.kron(np.arange(16).reshape(4, 4), np.ones((4, 4), int))
    image = rng().random((SIDE, SIDE, 3), dtype=np.float32)
    picture = masked_picture(model, image, Segmentation(labels))
    return PixelView(model, picture, ClassScores("raw", TARGETS))


def inputs_of(view):
    return (view.model.to_input(pixels[None]) for pixels in (view.pixels, view.reference))


@pytest.mark.parametrize("steps", [3, 50])
def test_integrated_gradients_are_captums(view, steps):
    found = IntegratedGradients(steps=steps)(view, rng())
    picture, reference = inputs_of(view)
    peer = captum.IntegratedGradients(view.model.module)
    for column, target in enumerate(TARGETS):
        wanted = peer.attribute(
            picture, reference, target=target, n_steps=steps, method="gausslegendre"
        )
        np.testing.assert_allclose(
            found.pixel_map[column], wanted.sum(dim=1)[0].detach().numpy(), atol=1e-6, rtol=1e-4
        )


def test_independent_gradient_samples_agree_with_captums_within_noise(view):
    found = GradientShap(samples=2000, sampling="random")(view, rng())
    picture, reference = inputs_of(view)
    peer = captum.GradientShap(view.model.module)
    torch.manual_seed(0)
    pooled = [
        view.picture.pool(
            peer.attribute(picture, reference, n_samples=2000, stdevs=0.0, target=target)
            .sum(dim=1)[0]
            .detach()
            .numpy()
        )
        for target in TARGETS
    ]
    # both err independently, by as much
    z = (found.values - np.stack(pooled, axis=1)) / (np.sqrt(2) * found.standard_error)
    assert np.abs(z).max() < 5
    assert 0.4 < np.sqrt((z**2).mean()) < 1.7
    share = (found.standard_error**2).sum() / (found.values**2).sum()
    assert share < 0.01, "so close that agreement says something"


@pytest.mark.parametrize("layer", ["3", "4"])
def test_grad_cam_is_captums(view, layer):
    found = GradCam(layer=layer)(view, rng())
    picture, _ = inputs_of(view)
    peer = captum.LayerGradCam(view.model.module, view.model.module[int(layer)])
    for column, target in enumerate(TARGETS):
        wanted = peer.attribute(picture, target=target, relu_attributions=True)
        wanted = nn.functional.interpolate(wanted, size=(SIDE, SIDE), mode="bilinear")[0, 0]
        np.testing.assert_allclose(found.pixel_map[column], wanted.detach().numpy(), atol=1e-6)
    assert found.pixel_map.max() > 1e-4


def test_grad_cam_is_captums_on_a_real_network(shared_data):
    from seewhy.models.spec import load_model

    weights = shared_data / "models" / "squeezenet1_1-imagenet.pth"
    loaded = load_model("torchvision:squeezenet1_1", weights=weights)
    model = TorchModel(loaded.module, preprocess=loaded.preprocessing, output="raw")
    picture = masked_picture(model, shared_data / "photos" / "school_bus.jpg", Slic(40))
    view = PixelView(model, picture, ClassScores("raw", (779, 654)))
    found = GradCam()(view, rng())
    assert found.method.layer == "features"
    peer = captum.LayerGradCam(model.module.eval(), model.module.features)
    inputs = model.to_input(view.pixels[None])
    for column, target in enumerate((779, 654)):
        wanted = peer.attribute(inputs, target=target, relu_attributions=True)
        wanted = nn.functional.interpolate(wanted, size=(224, 224), mode="bilinear")[0, 0].detach()
        np.testing.assert_allclose(found.pixel_map[column], wanted, atol=1e-4 * wanted.max())
