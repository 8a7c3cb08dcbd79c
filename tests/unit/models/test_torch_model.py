"""TorchModel: right answers, and the person's module as it was."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from seewhy.errors import InputError, ModelError
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import is_model

torch = pytest.importorskip("torch")

from seewhy.models.torch_model import TorchModel  # noqa: E402

SIDE = 8
PREPROCESSING = Preprocessing((SIDE, SIDE), mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
IMAGES = np.random.default_rng(0).random((7, SIDE, SIDE, 3), dtype=np.float32)


class Function(torch.nn.Module):
    """A module from a function, with a parameter so that it has a place and a number type."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, images):
        return self.function(images * self.scale)


def means(images):
    return images.mean(dim=(2, 3))


def small_network(*, seed: int = 0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3, padding=1),
        torch.nn.BatchNorm2d(6),
        torch.nn.ReLU(inplace=True),
        torch.nn.Dropout(0.5),
        torch.nn.AdaptiveAvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(24, 4),
    )


def recorder(module):
    """The module, and a list that gets a copy of each input it sees."""
    seen = []
    module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    return module, seen


def puzzle(seed: int = 1, players: int = 5):
    rng = np.random.default_rng(seed)
    image, fill = rng.random((2, SIDE, SIDE, 3), dtype=np.float32)
    labels = rng.integers(-1, players, (SIDE, SIDE)).astype(np.int32)
    labels[0, 0] = players - 1
    return image, fill, labels, rng.random((11, players)) < 0.5


def composited(image, fill, labels, masks):
    return np.stack(
        [np.where((row[labels] | (labels < 0))[..., None], image, fill) for row in masks]
    )


def test_it_is_a_model():
    model = TorchModel(Function(means), preprocess=PREPROCESSING)
    assert is_model(model)
    assert model.spec == "Function"
    assert model.framework == "torch"


def test_scores_are_the_linear_map_of_the_normalised_pixels():
    linear = torch.nn.Linear(SIDE * SIDE * 3, 2)
    model = TorchModel(
        torch.nn.Sequential(torch.nn.Flatten(), linear), preprocess=PREPROCESSING, batch=3
    )
    planes = ((IMAGES - np.array([0.4, 0.5, 0.6])) / np.array([0.2, 0.25, 0.3])).transpose(
        0, 3, 1, 2
    )
    weight, bias = (p.detach().numpy().astype(float) for p in (linear.weight, linear.bias))
    scores = model(IMAGES)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, planes.reshape(7, -1) @ weight.T + bias, atol=1e-5)


def test_bgr_models_get_blue_first():
    preprocessing = Preprocessing((SIDE, SIDE), mean=(0.1, 0.2, 0.3), channels="BGR")
    scores = TorchModel(Function(means), preprocess=preprocessing)(IMAGES)
    np.testing.assert_allclose(
        scores, IMAGES.mean(axis=(1, 2))[:, ::-1] - [0.1, 0.2, 0.3], atol=1e-6
    )


@pytest.mark.parametrize("batch", [1, 2, 7, "auto"])
def test_the_batch_does_not_change_the_answers(batch):
    network = small_network()
    reference = TorchModel(network, preprocess=PREPROCESSING, batch=7)(IMAGES)
    np.testing.assert_allclose(
        TorchModel(network, preprocess=PREPROCESSING, batch=batch)(IMAGES), reference, atol=1e-6
    )


def state_of(network):
    return (
        [part.training for part in network.modules()],
        [(p.requires_grad, p.grad is None, p.data_ptr(), p.stride()) for p in network.parameters()],
        {name: value.clone() for name, value in network.state_dict().items()},
        torch.get_rng_state(),
        torch.is_grad_enabled(),
    )


def assert_same_state(before, after):
    assert before[0] == after[0]
    assert before[1] == after[1]
    assert all(torch.equal(before[2][name], after[2][name]) for name in before[2])
    assert torch.equal(before[3], after[3])
    assert before[4] == after[4]


def test_the_module_is_left_as_it_was():
    network = small_network().train()
    network[1].eval()  # a person may freeze a part
    network[0].weight.requires_grad_(False)
    before = state_of(network)
    model = TorchModel(network, preprocess=PREPROCESSING, batch=3)
    image, fill, labels, masks = puzzle()
    first = model(IMAGES)
    model.masked(image, fill, labels)(masks)
    assert_same_state(before, state_of(network))
    np.testing.assert_array_equal(first, model(IMAGES))  # dropout is off during calls
    assert network.training


def test_the_module_is_left_as_it_was_when_it_raises():
    network = small_network().train()
    network[1].eval()
    model = TorchModel(network, preprocess=PREPROCESSING)
    before = state_of(network)
    image, fill, labels, masks = puzzle()
    outputs = model.masked(image, fill, labels)
    network[6].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model(IMAGES)
    with pytest.raises(ZeroDivisionError):
        outputs(masks)
    assert_same_state(before, state_of(network))


def test_overridden_train_is_not_called():
    class Counting(Function):
        calls = 0

        def train(self, mode=True):
            self.calls += 1
            return super().train(mode)

    network = Counting(means)
    TorchModel(network, preprocess=PREPROCESSING)(IMAGES)
    assert network.calls == 0


def test_nothing_is_recorded_for_gradients():
    modes = []
    network = Function(means)
    network.register_forward_pre_hook(lambda *_: modes.append(torch.is_inference_mode_enabled()))
    model = TorchModel(network, preprocess=PREPROCESSING)
    image, fill, labels, masks = puzzle()
    model.masked(image, fill, labels)(masks)
    model(IMAGES)
    assert modes == [True] * len(modes)


@pytest.mark.parametrize(
    "wrapped", [lambda s: SimpleNamespace(logits=s), lambda s: {"loss": None, "logits": s}]
)
def test_logits_are_taken_out_of_what_wraps_them(wrapped):
    plain = TorchModel(Function(means), preprocess=PREPROCESSING)(IMAGES)
    model = TorchModel(Function(lambda x: wrapped(means(x))), preprocess=PREPROCESSING)
    np.testing.assert_array_equal(model(IMAGES), plain)


@pytest.mark.parametrize("wrapped", [lambda s: (s, s), lambda s: {"scores": s}, lambda s: None])
def test_other_outputs_are_refused_with_the_way_out(wrapped):
    with pytest.raises(ModelError, match=r"must return a tensor .* wrap it in a module"):
        TorchModel(Function(lambda x: wrapped(means(x))), preprocess=PREPROCESSING)


def test_squeezed_answers_are_understood():
    one = TorchModel(Function(lambda x: x.mean(dim=(1, 2, 3))), preprocess=PREPROCESSING)
    assert one(IMAGES).shape == (7, 1)
    assert one(IMAGES[:1]).shape == (1, 1)
    three = TorchModel(Function(lambda x: means(x).squeeze()), preprocess=PREPROCESSING, batch=3)
    np.testing.assert_array_equal(three(IMAGES)[6:], three(IMAGES[6:]))


def test_feature_maps_are_refused():
    with pytest.raises(ModelError, match=r"shape \(1, k\).*got shape \(1, 3, 8, 8\)"):
        TorchModel(Function(lambda x: x), preprocess=PREPROCESSING)


def test_nan_is_refused():
    with pytest.raises(ModelError, match="NaN or infinity"):
        TorchModel(Function(lambda x: means(x) / 0), preprocess=PREPROCESSING)


def test_a_module_for_other_pictures_is_named():
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(5, 2))
    with pytest.raises(ModelError, match=r"cannot classify a picture of 8 × 8 with 3 channels"):
        TorchModel(network, preprocess=PREPROCESSING)


def test_labels_are_numbered_or_must_fit():
    network = Function(means)
    assert TorchModel(network, preprocess=PREPROCESSING).labels == ("class 0", "class 1", "class 2")
    named = TorchModel(network, preprocess=PREPROCESSING, labels=["a", "b", "c"])
    assert named.labels == ("a", "b", "c")
    with pytest.raises(ModelError, match="3 outputs but 2 labels"):
        TorchModel(network, preprocess=PREPROCESSING, labels=["a", "b"])
    with pytest.raises(InputError, match="sequence of names"):
        TorchModel(network, preprocess=PREPROCESSING, labels="abc")


def test_arguments_are_checked():
    with pytest.raises(InputError, match=r"torch\.nn\.Module; got a function.*CallableModel"):
        TorchModel(means, preprocess=PREPROCESSING)
    with pytest.raises(InputError, match="did you mean 'logits'"):
        TorchModel(Function(means), preprocess=PREPROCESSING, output="logit")
    with pytest.raises(InputError, match="preprocess must be"):
        TorchModel(Function(means), preprocess=3)
    with pytest.raises(InputError, match="batch must be"):
        TorchModel(Function(means), preprocess=PREPROCESSING, batch=0)
    with pytest.raises(InputError, match=r"images must have shape \(n, 8, 8, 3\)"):
        TorchModel(Function(means), preprocess=PREPROCESSING)(IMAGES[:, :4])


@pytest.mark.parametrize("device", ["gpu", "cuda:99", 3.5])
def test_an_absent_device_is_one_sentence(device):
    with pytest.raises(InputError, match="device must be 'auto' or one that is present"):
        TorchModel(Function(means), preprocess=PREPROCESSING, device=device)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried …"),
        RuntimeError("MPS backend out of memory"),
        MemoryError(),
    ],
)
def test_lack_of_memory_halves_the_batch(error):
    def greedy(images):
        if len(images) > 3:
            raise error
        return means(images)

    model = TorchModel(Function(greedy), preprocess=PREPROCESSING, batch=7)
    np.testing.assert_allclose(
        model(IMAGES), TorchModel(Function(means), preprocess=PREPROCESSING)(IMAGES), atol=1e-6
    )
    assert model.batch_size == 3


def test_other_errors_do_not_halve_the_batch():
    def picky(images):
        if len(images) > 3:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        return means(images)

    model = TorchModel(Function(picky), preprocess=PREPROCESSING, batch=7)
    with pytest.raises(RuntimeError, match="mat1"):
        model(IMAGES)
    assert model.batch_size == 7


def test_the_batch_rule_is_fixed():
    def size(side):
        return TorchModel(Function(means), preprocess=Preprocessing((side, side))).batch_size

    assert [size(side) for side in (224, 112, 448)] == [16, 64, 4]


def test_convolutions_get_channels_last_pictures():
    network, seen = recorder(small_network())
    model = TorchModel(network, preprocess=PREPROCESSING)
    image, fill, labels, masks = puzzle()
    model(IMAGES)
    model.masked(image, fill, labels)(masks)
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in seen)


def test_modules_that_cannot_take_channels_last_are_explained_too():
    class Viewing(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = torch.nn.Conv2d(3, 4, 3)
            self.linear = torch.nn.Linear(4 * 36, 2)

        def forward(self, images):
            return self.linear(self.convolution(images).view(len(images), -1))

    network = Viewing()
    model = TorchModel(network, preprocess=PREPROCESSING)
    with torch.no_grad():
        inputs = torch.from_numpy(PREPROCESSING.normalise(IMAGES)).permute(0, 3, 1, 2).contiguous()
        np.testing.assert_allclose(model(IMAGES), network(inputs).numpy(), atol=1e-5)
    image, fill, labels, masks = puzzle()
    np.testing.assert_allclose(
        model.masked(image, fill, labels)(masks),
        model(composited(image, fill, labels, masks)),
        atol=1e-5,
    )


@pytest.mark.parametrize("network", [small_network(), Function(means)], ids=["conv", "plain"])
def test_masked_is_the_model_on_composited_pictures(network):
    model = TorchModel(network, preprocess=PREPROCESSING, batch=4)
    image, fill, labels, masks = puzzle()
    assert (labels == -1).any()
    np.testing.assert_allclose(
        model.masked(image, fill, labels)(masks),
        model(composited(image, fill, labels, masks)),
        atol=1e-6,
    )


@pytest.mark.parametrize("network", [small_network(), Function(means)], ids=["conv", "plain"])
def test_both_ways_of_compositing_agree_to_the_bit(network):
    network, seen = recorder(network.eval())
    model = TorchModel(network, preprocess=PREPROCESSING, batch=4)
    image, fill, labels, masks = puzzle()
    image[0, 0] = PREPROCESSING.mean  # zeros after normalising
    seen.clear()
    by_numpy = model._masked_by_numpy(image, fill, labels)(masks)
    ours = torch.cat(seen)
    seen.clear()
    on_device = model._masked_on_device(image, fill, labels)(masks)
    theirs = torch.cat(seen)
    assert ours.shape == (11, 3, SIDE, SIDE)
    assert torch.equal(ours.contiguous().view(torch.int32), theirs.contiguous().view(torch.int32))
    np.testing.assert_array_equal(by_numpy, on_device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_device_gives_the_answers_of_the_cpu():
    network = small_network()
    image, fill, labels, masks = puzzle()
    here = TorchModel(network, preprocess=PREPROCESSING).masked(image, fill, labels)(masks)
    model = TorchModel(copy.deepcopy(network), preprocess=PREPROCESSING, device="cuda")
    assert next(model.module.parameters()).is_cuda
    np.testing.assert_allclose(model.masked(image, fill, labels)(masks), here, atol=1e-2)


def test_the_buffer_is_reused():
    pointers = []
    network = Function(means)
    network.register_forward_pre_hook(lambda _, inputs: pointers.append(inputs[0].data_ptr()))
    model = TorchModel(network, preprocess=PREPROCESSING, batch=4)
    image, fill, labels, masks = puzzle()
    outputs = model.masked(image, fill, labels)
    pointers.clear()
    outputs(masks)
    outputs(masks)
    assert len(pointers) == 6
    assert len(set(pointers)) == 1


def test_a_module_that_writes_into_its_input_cannot_spoil_the_next_answer():
    network = torch.nn.Sequential(torch.nn.ReLU(inplace=True), Function(means))
    model = TorchModel(network, preprocess=PREPROCESSING, batch=4)
    image, fill, labels, masks = puzzle()
    outputs = model.masked(image, fill, labels)
    first = outputs(masks)
    np.testing.assert_array_equal(first, outputs(masks))
    relu = np.maximum(PREPROCESSING.normalise(composited(image, fill, labels, masks)), 0)
    np.testing.assert_allclose(first, relu.mean(axis=(1, 2)), atol=1e-5)


def test_half_precision_modules_answer_in_float32():
    network = small_network()
    exact = TorchModel(network, preprocess=PREPROCESSING)(IMAGES)
    half = TorchModel(copy.deepcopy(network).bfloat16(), preprocess=PREPROCESSING)(IMAGES)
    assert half.dtype == np.float32
    assert 0 < np.abs(half - exact).max() < 0.05


def test_forward_is_differentiable():
    model = TorchModel(small_network(), preprocess=PREPROCESSING)
    inputs = model.to_input(IMAGES).requires_grad_()
    model.forward(inputs)[:, 1].sum().backward()
    assert inputs.grad.abs().sum() > 0


def test_the_fingerprint_tells_models_apart():
    network = small_network()

    def fingerprint(module=network, **changed):
        return TorchModel(module, **{"preprocess": PREPROCESSING, **changed}).fingerprint

    same = fingerprint()
    assert same == fingerprint(copy.deepcopy(network), batch=2, labels=list("abcd"))
    assert len(same) == 16
    other = copy.deepcopy(network)
    with torch.no_grad():
        other[6].bias[0] = torch.nextafter(other[6].bias[0], torch.tensor(9.0))
    different = {
        same,
        fingerprint(other),
        fingerprint(output="raw"),
        fingerprint(preprocess=Preprocessing((SIDE, SIDE))),
        fingerprint(copy.deepcopy(network).double()),
    }
    assert len(different) == 5


def test_the_fingerprint_follows_training():
    network = small_network()
    model = TorchModel(network, preprocess=PREPROCESSING)
    before = model.fingerprint
    network[6].bias.data.add_(1)
    assert model.fingerprint != before


def test_preprocessing_by_file(tmp_path):
    file = tmp_path / "preprocessing.json"
    file.write_text(json.dumps(PREPROCESSING.to_json()))
    for named in (file, str(file)):
        assert TorchModel(Function(means), preprocess=named).preprocessing == PREPROCESSING
    with pytest.raises(InputError, match="cannot read the preprocessing file"):
        TorchModel(Function(means), preprocess="nothing.json")


def test_without_torch_the_pip_line_is_in_the_message():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from seewhy.errors import MissingExtraError\n"
        "try:\n    from seewhy.models.torch_model import TorchModel\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "seewhy[torch]"' in done.stdout


def test_one_logit_is_two_classes_with_two_names():
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 1))
    for labels, names in (
        (["ill"], ("not ill", "ill")),
        (["well", "ill"], ("well", "ill")),
        (None, ("class 0", "class 1")),
    ):
        model = TorchModel(net, preprocess=Preprocessing((2, 2)), labels=labels)
        assert model.labels == names
