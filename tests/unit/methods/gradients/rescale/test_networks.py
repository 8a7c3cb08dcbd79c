"""Completeness on stock networks as they are: nothing replaced, nothing switched off."""

from __future__ import annotations

import pytest

from seewhy.methods.gradients.rescale import rescaled_contributions
from seewhy.models.torchvision_models import import_torchvision

torch = pytest.importorskip("torch")
F = torch.nn.functional

FAMILIES = {
    "alexnet": 64,
    "vgg16": 32,
    "vgg16_bn": 32,
    "resnet18": 64,
    "resnet34": 64,
    "resnet50": 64,
    "densenet121": 64,
    "googlenet": 64,
    "inception_v3": 80,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "squeezenet1_1": 64,
    "shufflenet_v2_x1_0": 64,
    "efficientnet_b0": 64,
    "convnext_tiny": 64,
    "vit_b_16": 32,
    "swin_t": 64,
}


def stock(name, size):
    settings = {"num_classes": 10}
    if name in ("googlenet", "inception_v3"):
        settings["init_weights"] = False
    if name == "vit_b_16":
        settings["image_size"] = size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = import_torchvision().models.get_model(name, weights=None, **settings).eval()
        if name == "vit_b_16":  # its head starts at zero
            torch.nn.init.normal_(network.heads.head.weight, std=0.05)
    return network


def pictures(size, dtype, count=2, seed=2):
    generator = torch.Generator().manual_seed(seed)
    image, *references = torch.randn(1 + count, 3, size, size, generator=generator).to(dtype)
    return image[None], torch.stack([torch.zeros_like(image), *references[1:]])


@pytest.mark.parametrize("name", FAMILIES)
def test_contributions_are_complete_on_a_stock_network(name, asked):
    size = FAMILIES[name]
    network = asked["settle"](stock(name, size), size)
    for dtype, bound in ((torch.float32, 1e-4), (torch.float64, 1e-10)):
        network.to(dtype)
        before = asked["state_of"](network)
        found = rescaled_contributions(asked["scores_of"](network, (1, 7)), *pictures(size, dtype))
        assert found.unknown == ()
        assert found.contributions.shape == (4, 2, 3, size, size)
        assert found.contributions.dtype == dtype
        change = (found.score - found.reference_scores).abs()
        assert (change > 1e-4).all()  # else there is nothing to share out
        bound = 1e-3 if (name, dtype) == ("convnext_tiny", torch.float32) else bound
        assert asked["relative_gap"](found).max() <= bound
        assert asked["same_state"](before, asked["state_of"](network))
    with torch.no_grad():
        image, references = pictures(size, torch.float64)
        torch.testing.assert_close(found.score[:2], network(image)[0, [1, 7]])
        torch.testing.assert_close(found.reference_scores[:, :2], network(references)[:, [1, 7]])


def photo(shared_data, name, model):
    from seewhy.image.read import read_image

    pixels = read_image(shared_data / "photos" / name)
    inputs = model.to_input(model.preprocessing.apply(pixels)[None])
    return inputs, model.to_input(torch.full((1, *model.input_size), 0.5).numpy())


def assert_complete(network, image, references, asked, *, targets=(1, 7)):
    before = asked["state_of"](network)
    found = rescaled_contributions(asked["scores_of"](network, targets), image, references)
    assert found.unknown == ()
    assert asked["relative_gap"](found).max() <= 1e-4
    assert asked["same_state"](before, asked["state_of"](network))


def test_contributions_are_complete_on_the_built_in_network(asked):
    from skimage.data import coffee

    from seewhy.models.efficientnet_lite_torch import torch_twin

    model = torch_twin()
    picture = (coffee() / 255).astype("float32")
    image = model.to_input(model.preprocessing.apply(picture)[None])
    grey = model.to_input(torch.full((1, *model.input_size), 0.5).numpy())
    assert_complete(model.module, image, grey, asked, targets=(967, 504))


def test_contributions_are_complete_on_a_real_squeezenet(asked, shared_data):
    from seewhy.models.torchvision_models import load

    weights = shared_data / "models" / "squeezenet1_1-imagenet.pth"
    model = load("squeezenet1_1", weights=weights, device="cpu")
    name = sorted(p.name for p in (shared_data / "photos").glob("*school_bus*"))[0]
    model.module.eval()
    assert_complete(model.module, *photo(shared_data, name, model), asked, targets=(779, 654))


class Block(torch.nn.Module):
    """With the names of the published CIFAR-10 ResNets, whose shortcuts have no weights."""

    def __init__(self, wide_in, wide, stride):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(wide_in, wide, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(wide)
        self.conv2 = torch.nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(wide)
        self.added = wide - wide_in

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.added:
            half = self.added // 2
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, half), "constant", 0)
        out += x
        return F.relu(out)


class CifarResNet(torch.nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        blocks = (depth - 2) // 6
        for number, (wide_in, wide) in enumerate(((16, 16), (16, 32), (32, 64)), 1):
            first = Block(wide_in, wide, 1 if wide == wide_in else 2)
            rest = (Block(wide, wide, 1) for _ in range(blocks - 1))
            setattr(self, f"layer{number}", torch.nn.Sequential(first, *rest))
        self.linear = torch.nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        x = F.avg_pool2d(x, x.size()[3])
        return self.linear(x.view(x.size(0), -1))


@pytest.mark.parametrize("depth", [20, 56])
def test_contributions_are_complete_on_real_cifar_resnets(depth, asked, shared_data):
    import numpy as np

    path = shared_data / "models" / f"resnet{depth}-cifar10.th"
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    network = CifarResNet(depth).eval()
    network.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
    with np.load(shared_data / "cifar10" / "cifar10_test.npz") as data:
        pixels = torch.tensor(data["x"][:4]).permute(0, 3, 1, 2) / 255
    mean, std = (
        torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    pictures = (pixels - mean) / std
    references = torch.cat([torch.zeros_like(pictures[:1]), pictures[1:]])
    assert_complete(network, pictures[:1], references, asked)
