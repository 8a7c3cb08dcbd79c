"""Grad-CAM: by hand on a small network, and the right layer on every kind."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.errors import InputError, ModelError
from seewhy.game.scores import ClassScores
from seewhy.methods.gradients.grad_cam import GradCam
from seewhy.models.callable_model import CallableModel

torch = pytest.importorskip("torch")
nn = torch.nn

RAW = ClassScores("raw", (0, 2))


def cam(view, layer="auto"):
    return GradCam(layer=layer)(view, np.random.default_rng(0))


class Tokens(nn.Module):
    """A small vision transformer whose head reads the class token alone."""

    def __init__(self, extra=1):
        super().__init__()
        torch.manual_seed(0)
        self.extra = extra
        self.patches = nn.Conv2d(3, 8, 3, stride=3)
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.last = nn.LayerNorm(8)
        self.head = nn.Linear(8, 4)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([tokens.mean(dim=1, keepdim=True).expand(-1, self.extra, -1), tokens], 1)
        normed = self.norm(tokens)
        tokens = self.last(tokens + self.attention(normed, normed, normed)[0])
        return self.head(tokens[:, 0])


class Last(nn.Module):
    """Channels last, as Swin has them."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.mix, self.head = (
            nn.Conv2d(3, 7, 3, stride=3),
            nn.Linear(7, 7),
            nn.Linear(7, 4),
        )

    def forward(self, x):
        return self.head(self.mix(self.patches(x).permute(0, 2, 3, 1)).mean(dim=(1, 2)))


def test_maps_are_those_computed_by_hand(view_of, network):
    net = network()
    view = view_of(net, RAW, output="raw")
    found = cam(view)
    assert found.method.layer == "features"
    with torch.no_grad():
        inputs = view.model.to_input(view.pixels[None])
        maps = net.features(nn.functional.gelu(net.first(inputs)))[0]
        # logits are 3 · head(mean over places), so the mean gradient is 3 · weight / places
        weights = 3 * net.head.weight[[0, 2]] / maps[0].numel()
        wanted = torch.einsum("tc,chw->thw", weights, maps).relu().numpy()
    np.testing.assert_allclose(found.pixel_map, wanted, atol=1e-6)
    assert wanted.max() > 1e-3
    np.testing.assert_allclose(found.values, view.pool(found.pixel_map))
    assert found.standard_error is None
    assert found.completeness_gap is None
    assert found.converged.all()
    assert found.evaluations == 1


def test_both_of_two_classes_are_asked(view_of, network):
    """Their log-odds cancel in a sum, which must not hide the layer that they stand on."""
    found = cam(view_of(network(classes=2), ClassScores("log-odds", (0, 1))))
    assert found.method.layer == "features"


def test_coarse_maps_are_enlarged_between_their_centres(view_of):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 5, 4, stride=4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)
    )
    found = cam(view_of(net, RAW, output="raw")).pixel_map
    assert cam(view_of(net, RAW, output="raw")).method.layer == "0"
    assert found.shape == (2, 12, 12)
    # 3 × 3 cells of 4 pixels: between two centres the way is straight
    rows = found[:, 1:6, 5]
    np.testing.assert_allclose(np.diff(rows, n=2, axis=1)[:, 1:], 0, atol=1e-6)


def test_a_classifier_made_of_convolutions_is_no_feature_layer(view_of):
    torch.manual_seed(0)
    net = nn.Sequential()
    net.add_module("features", nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(inplace=True)))
    net.add_module(
        "classifier",
        nn.Sequential(
            nn.Dropout(), nn.Conv2d(6, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        ),
    )
    assert cam(view_of(net)).method.layer == "features"


@pytest.mark.parametrize("extra", [1, 3])
def test_tokens_are_read_before_the_last_attention(view_of, extra):
    net = Tokens(extra)
    found = cam(view_of(net))
    assert found.method.layer == "norm"
    assert found.pixel_map.max() > 0
    named = cam(view_of(net), "norm")
    np.testing.assert_array_equal(named.pixel_map, found.pixel_map)
    # behind it, only the class token counts
    assert cam(view_of(net), "last").pixel_map.max() == 0


def test_channels_may_come_last(view_of):
    net = Last()
    view = view_of(net, RAW, output="raw")
    found = cam(view)
    assert found.method.layer == "mix"
    with torch.no_grad():
        inputs = view.model.to_input(view.pixels[None])
        maps = net.mix(net.patches(inputs).permute(0, 2, 3, 1))[0]
        coarse = (maps @ net.head.weight[[0, 2]].T / 16).relu().permute(2, 0, 1)
        wanted = nn.functional.interpolate(coarse[None], size=(12, 12), mode="bilinear")[0]
    np.testing.assert_allclose(found.pixel_map, wanted.numpy(), atol=1e-6)


def test_what_a_layer_answers_is_taken_before_it_is_overwritten(view_of):
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 5, 3, padding=1)
    nets = [
        nn.Sequential(
            conv, nn.ReLU(inplace=inplace), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)
        )
        for inplace in (True, False)
    ]
    nets[1][4].load_state_dict(nets[0][4].state_dict())
    one, other = (cam(view_of(net), "0").pixel_map for net in nets)
    np.testing.assert_array_equal(one, other)


def test_the_network_is_left_without_hooks_and_in_its_mode(view_of, network):
    net = network().train()
    view = view_of(net)
    with torch.no_grad():
        cam(view)
    assert not any(part._forward_hooks for part in net.modules())
    assert all(part.training for part in net.modules())
    assert all(p.grad is None for p in net.parameters())
    with pytest.raises(InputError, match="layer must be"):
        cam(view, "feature")
    assert not any(part._forward_hooks for part in net.modules())


def test_layers_are_found_or_refused_in_one_sentence(view_of, network):
    view = view_of(network())
    with pytest.raises(InputError, match=r"got 'feature'; did you mean 'features'"):
        cam(view, "feature")
    with pytest.raises(ModelError, match="layer 'head' of Small gave no maps"):
        cam(view, "head")
    with pytest.raises(InputError, match="layer must be 'auto' or the name"):
        GradCam(layer="")
    flat = nn.Sequential(nn.Flatten(), nn.Linear(432, 4))
    with pytest.raises(InputError, match="grad-cam needs a layer that still looks at places"):
        cam(view_of(flat))


def test_a_model_that_is_no_torch_network_is_refused(view_of, network):
    view = view_of(network())
    plain = CallableModel(
        lambda x: x.mean(axis=(1, 2)), labels=list("abc"), output="raw", input_size=(12, 12, 3)
    )
    object.__setattr__(view, "model", plain)
    with pytest.raises(InputError, match="grad-cam looks into a PyTorch network"):
        cam(view)
