"""Our rescale rule against shap's and captum's, on networks that they explain completely."""

from __future__ import annotations

import warnings

import pytest

from seewhy.methods.gradients.rescale import rescaled_contributions
from seewhy.models.torchvision_models import import_torchvision

torch = pytest.importorskip("torch")
nn = torch.nn


def pictures(size, channels=3):
    generator = torch.Generator().manual_seed(0)
    both = torch.randn(4, channels, size, size, generator=generator)
    return both[:1], both[1:]


def vgg_without_in_place():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = import_torchvision().models.vgg16_bn(num_classes=5).eval()
    for part in network.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
    return network


def small_network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 8, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(72, 10),
            nn.ReLU(),
            nn.Linear(10, 4),
        ).eval()


def relative_difference(ours, theirs):
    return float((ours - theirs).abs().max() / theirs.abs().max())


def test_equal_to_shap_on_vgg16_bn():
    shap = pytest.importorskip("shap")
    network, (image, references) = vgg_without_in_place(), pictures(32)
    ours = rescaled_contributions(network, image, references).contributions.mean(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        explainer = shap.DeepExplainer(network, references)
        theirs = explainer.shap_values(image, check_additivity=False)  # (1, c, h, w, t)
    theirs = torch.as_tensor(theirs)[0].movedim(-1, 0)
    assert relative_difference(ours, theirs) < 1e-4


def test_equal_to_captum_on_a_plain_network():
    attr = pytest.importorskip("captum.attr")
    network, (image, references) = small_network(), pictures(10, channels=2)
    ours = rescaled_contributions(network, image, references).contributions
    for target in range(4):
        for number in range(3):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = attr.DeepLift(network).attribute(
                    image, baselines=references[[number]], target=target
                )
            assert relative_difference(ours[target, number], theirs[0].detach()) < 1e-5
