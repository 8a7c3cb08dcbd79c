"""The torch twin of the built-in model gives its logits, and can be differentiated."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from seewhy.errors import ModelError
from seewhy.models.builtin import load as load_builtin
from seewhy.models.efficientnet_lite import read_weights

torch = pytest.importorskip("torch")

from seewhy.models.efficientnet_lite_torch import build, torch_twin  # noqa: E402


@pytest.fixture(scope="module")
def pictures():
    skimage_data = pytest.importorskip("skimage.data")
    model = load_builtin("imagenet")
    photos = [skimage_data.chelsea(), skimage_data.coffee()]
    real = [model.preprocessing.apply(photo.astype(np.float32) / 255) for photo in photos]
    noise = np.random.default_rng(0).random((2, 224, 224, 3), dtype=np.float32)
    return np.concatenate([real, noise])


def test_the_twin_has_the_logits_of_the_built_in_model(pictures):
    twin, builtin = torch_twin(), load_builtin("imagenet")
    logits = twin(pictures)
    np.testing.assert_allclose(logits, builtin(pictures), atol=1e-4)
    assert np.ptp(logits) > 5
    assert twin.labels[logits[1].argmax()] == "espresso"
    assert twin.labels == builtin.labels
    assert twin.aliases == builtin.aliases
    assert twin.preprocessing == builtin.preprocessing
    assert twin.spec == builtin.spec


def test_the_twin_is_timms_network(pictures):
    from seewhy.models.torchvision_models import import_torchvision

    import_torchvision()
    timm = pytest.importorskip("timm")
    peer = timm.create_model("tf_efficientnet_lite0").eval()
    weights = read_weights()
    names = list(peer.state_dict())
    assert len(names) == len(weights)
    peer.load_state_dict(
        {n: torch.tensor(array) for n, array in zip(names, weights.values(), strict=True)}
    )
    inputs = torch.from_numpy(pictures * 2 - 1).permute(0, 3, 1, 2)
    with torch.no_grad():
        np.testing.assert_allclose(build(weights)(inputs), peer(inputs), atol=1e-4)


@pytest.mark.parametrize("size", [(97, 130), (224, 225)])
def test_odd_sizes_are_padded_as_tensorflow_does(size):
    from seewhy.models.efficientnet_lite_torch import _SameConv2d

    convolution = _SameConv2d(1, 1, 3, stride=2, bias=False)
    convolution.weight.data.fill_(1.0)
    out = convolution(torch.ones(1, 1, *size))[0, 0]
    assert out.shape == tuple(-(-side // 2) for side in size)
    # SAME: an even side is padded at its end only, an odd one at both.
    rows, columns = (3.0 if side % 2 == 0 else 2.0 for side in size)
    assert out[0, 0] == rows * columns
    assert out[-1, -1] == 4.0


def test_the_twin_can_be_differentiated(pictures):
    twin = torch_twin()
    inputs = twin.to_input(pictures[1:2]).requires_grad_()
    twin.forward(inputs)[0, 967].backward()
    assert inputs.grad.abs().max() > 0


def test_it_needs_no_torchvision():
    code = (
        "import sys; sys.modules['torchvision'] = None; sys.modules['timm'] = None\n"
        "from seewhy.models.efficientnet_lite_torch import torch_twin\n"
        "print(torch_twin())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "TorchModel('builtin:imagenet', 1000 classes)\n", done.stderr


def test_building_costs_no_draw():
    before = torch.get_rng_state()
    build(read_weights())
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("_fc.bias"), r"not those of EfficientNet-Lite0.*_fc\.bias"),
        (lambda w: w.update(_extra=np.ones(1)), "_extra"),
        (lambda w: w.update({"_fc.bias": np.ones(3, np.float32)}), r"_fc\.bias"),
    ],
)
def test_other_weights_are_refused(change, message):
    weights = read_weights()
    change(weights)
    with pytest.raises(ModelError, match=message) as error:
        build(weights)
    assert "\n" not in str(error.value)
