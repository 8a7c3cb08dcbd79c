"""The same network with its weights shuffled: other answers, and everything else as it was."""

from __future__ import annotations

import threading
from importlib.util import find_spec

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from skimage import data

from seewhy.errors import InputError, ModelError
from seewhy.models.callable_model import CallableModel
from seewhy.models.onnx_model import OnnxModel
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.shuffled import can_be_shuffled, shuffle_weights, shuffled_arrays
from seewhy.models.spec import load_model

torch = pytest.importorskip("torch")

from seewhy.models.torch_model import TorchModel  # noqa: E402

SIDECAR = {
    "input": {"layout": "NCHW", "channels": "RGB", "size": [6, 6]},
    "resize": {"stretch": [6, 6], "interpolation": "bilinear"},
    "normalise": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
    "output": {"kind": "logits"},
    "labels": ["a", "b", "c", "d"],
}
RNG = np.random.default_rng(0)
IMAGES = RNG.random((5, 6, 6, 3), dtype=np.float32)
MATRIX, KERNEL, BIAS = (
    RNG.standard_normal(shape).astype(np.float32) for shape in [(8, 4), (8, 3, 3, 3), (8,)]
)


def rng(seed=0):
    return np.random.default_rng(seed)


def check_sibling(model, shuffled, images):
    """What must differ, and what must not."""
    assert shuffled.spec == f"{model.spec} (weights shuffled)"
    assert shuffled.fingerprint != model.fingerprint
    for name in ("framework", "labels", "aliases", "output", "preprocessing", "input_size"):
        assert getattr(shuffled, name) == getattr(model, name), name
    before, after = model(images), shuffled(images)
    assert np.isfinite(after).all()
    assert not np.allclose(before, after, atol=1e-2)
    assert (after.std(axis=0) > 1e-4).any()  # pictures still differ
    fill, labels = np.zeros_like(images[0]), np.zeros(images.shape[1:3], np.int32)
    shown = shuffled.masked(images[0], fill, labels)(np.array([[True], [False]]))
    np.testing.assert_allclose(shown[0], after[0], atol=1e-3)


# ---------------------------------------------------------------- arrays


def test_arrays_keep_their_entries_and_vectors_their_order():
    arrays = {"kernel": KERNEL, "bias": BIAS, "index": np.arange(9).reshape(3, 3)}
    shuffled = shuffled_arrays(arrays, rng())
    assert list(shuffled) == list(arrays)
    np.testing.assert_array_equal(np.sort(shuffled["kernel"], None), np.sort(KERNEL, None))
    assert (shuffled["kernel"] != KERNEL).mean() > 0.9
    assert shuffled["kernel"].dtype == np.float32
    for name in ("bias", "index"):
        np.testing.assert_array_equal(shuffled[name], arrays[name])


# ---------------------------------------------------------------- torch


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3),
        torch.nn.BatchNorm2d(8),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(128, 4),
    )


def torch_model(module, **settings):
    settings = {"labels": list("abcd"), **settings}
    return TorchModel(module, preprocess=Preprocessing((6, 6)), **settings)


def test_a_torch_network_is_copied_and_its_matrices_permuted():
    module = network()
    model = torch_model(module, aliases={"first": 0}, spec="net", batch=3)
    fingerprint, answers = model.fingerprint, model(IMAGES)
    shuffled = shuffle_weights(model, rng())
    check_sibling(model, shuffled, IMAGES)
    assert shuffled.batch_size == 3
    assert model.fingerprint == fingerprint
    np.testing.assert_array_equal(model(IMAGES), answers)
    assert shuffled.module is not module
    for (name, old), new in zip(
        module.named_parameters(), shuffled.module.parameters(), strict=True
    ):
        same = torch.equal(old, new)
        assert same == (old.ndim < 2), name
        assert torch.equal(old.flatten().sort()[0], new.flatten().sort()[0])


def test_the_generator_decides():
    model = torch_model(network())
    one, same, other = (shuffle_weights(model, rng(seed)).fingerprint for seed in (1, 1, 2))
    assert one == same != other


def test_tied_weights_stay_tied_and_modes_stay_as_they_were():
    first, second = torch.nn.Linear(108, 108, bias=False), torch.nn.Linear(108, 108, bias=False)
    second.weight = first.weight
    module = torch.nn.Sequential(torch.nn.Flatten(), first, second).train()
    shuffled = shuffle_weights(torch_model(module, labels=None), rng()).module
    assert shuffled[1].weight is shuffled[2].weight
    assert module.training
    assert shuffled.training


def test_half_precision():
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 4)).to(torch.bfloat16)
    shuffled = shuffle_weights(torch_model(module), rng())
    assert shuffled.module[1].weight.dtype == torch.bfloat16
    check_sibling(torch_model(module), shuffled, IMAGES)


def test_one_output_keeps_two_classes():
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 1))
    model = torch_model(module, labels=["no", "yes"])
    check_sibling(model, shuffle_weights(model, rng()), IMAGES)


def test_gradients_are_those_of_the_shuffled_network():
    shuffled = shuffle_weights(torch_model(network()), rng())
    inputs = shuffled.to_input(IMAGES)
    expected = shuffled.module.eval()(inputs).detach().numpy()
    np.testing.assert_allclose(shuffled(IMAGES), expected, atol=1e-5)
    assert all(weight.requires_grad for weight in shuffled.module.parameters())


def test_a_module_without_matrices_is_refused():
    module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    with pytest.raises(InputError, match="weights of two axes or more to be shuffled; Sequential"):
        shuffle_weights(torch_model(module, labels=None), rng())


def test_a_module_that_cannot_be_copied():
    module = network()
    module.lock = threading.Lock()
    with pytest.raises(ModelError, match=r"Sequential cannot be copied.*cannot pickle"):
        shuffle_weights(torch_model(module), rng())


# ---------------------------------------------------------------- ONNX


def onnx_network(*, matrix=None, kind=TensorProto.FLOAT):
    """A convolution, a ReLU, a mean and a matrix; the latter an initialiser or as given."""
    number = helper.tensor_dtype_to_np_dtype(kind)
    nodes = [
        helper.make_node("Conv", ["pixels", "kernel", "bias"], ["maps"]),
        helper.make_node("Relu", ["maps"], ["positive"]),
        helper.make_node("ReduceMean", ["positive"], ["means"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["means", "matrix"], ["scores"]),
    ]
    constants = [
        numpy_helper.from_array(array.astype(number), name)
        for name, array in (("kernel", KERNEL), ("bias", BIAS), ("matrix", MATRIX))
        if name != "matrix" or matrix is None
    ]
    graph = helper.make_graph(
        nodes if matrix is None else [matrix, *nodes],
        "tiny",
        [helper.make_tensor_value_info("pixels", kind, ["n", 3, 6, 6])],
        [helper.make_tensor_value_info("scores", kind, ["n", 4])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model


def constant_node():
    tensor = numpy_helper.from_array(MATRIX, "value")
    return helper.make_node("Constant", [], ["matrix"], value=tensor)


def branch_node():
    """The matrix within both branches of an If."""

    def branch(name):
        made = helper.make_node(
            "Constant", [], [name], value=numpy_helper.from_array(MATRIX, "value")
        )
        told = helper.make_tensor_value_info(name, TensorProto.FLOAT, [8, 4])
        return helper.make_graph([made], name, [], [told])

    return helper.make_node(
        "If", ["yes"], ["matrix"], then_branch=branch("then"), else_branch=branch("else")
    )


def written(tmp_path, model, **saving):
    path = tmp_path / "tiny.onnx"
    onnx.save(model, path, **saving)
    return OnnxModel(path, sidecar=SIDECAR)


@pytest.mark.parametrize(
    "kind", [TensorProto.FLOAT, TensorProto.FLOAT16], ids=["float32", "float16"]
)
def test_initialisers_are_permuted(tmp_path, kind):
    model = written(tmp_path, onnx_network(kind=kind))
    content = (tmp_path / "tiny.onnx").read_bytes()
    check_sibling(model, shuffle_weights(model, rng()), IMAGES)
    assert (tmp_path / "tiny.onnx").read_bytes() == content


def test_the_answer_is_that_of_permuted_arrays(tmp_path):
    shuffled = shuffle_weights(written(tmp_path, onnx_network()), rng(3))
    arrays = shuffled_arrays({"kernel": KERNEL, "bias": BIAS, "matrix": MATRIX}, rng(3))
    kernel, bias, matrix = (torch.from_numpy(array) for array in arrays.values())
    inputs = torch.from_numpy((IMAGES - 0.5) / 0.25).permute(0, 3, 1, 2)
    maps = torch.relu(torch.nn.functional.conv2d(inputs, kernel, bias))
    np.testing.assert_allclose(shuffled(IMAGES), maps.mean(dim=(2, 3)) @ matrix, atol=1e-4)


@pytest.mark.parametrize("node", [constant_node, branch_node])
def test_weights_that_are_no_initialisers(tmp_path, node):
    network = onnx_network(matrix=node())
    network.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    kernel = next(t for t in network.graph.initializer if t.name == "kernel")
    flat = numpy_helper.from_array(np.full_like(KERNEL, 0.1), "kernel")
    kernel.CopyFrom(flat)  # permuting it changes nothing: the difference is the matrix's
    model = written(tmp_path, network)
    check_sibling(model, shuffle_weights(model, rng()), IMAGES)


def test_weights_in_a_file_of_their_own(tmp_path):
    model = written(
        tmp_path,
        onnx_network(),
        save_as_external_data=True,
        location="tiny.weights",
        size_threshold=0,
    )
    shuffled = shuffle_weights(model, rng())
    check_sibling(model, shuffled, IMAGES)
    (tmp_path / "inside").mkdir()
    inside = written(tmp_path / "inside", onnx_network())
    np.testing.assert_array_equal(shuffled(IMAGES), shuffle_weights(inside, rng())(IMAGES))


def test_quantised_networks_are_refused(tmp_path):
    network = onnx_network()
    for name in ("matrix", "kernel"):
        tensor = next(t for t in network.graph.initializer if t.name == name)
        whole = np.rint(10 * numpy_helper.to_array(tensor)).astype(np.int8)
        tensor.CopyFrom(numpy_helper.from_array(whole, f"{name}_quantised"))
        scale = numpy_helper.from_array(np.float32(0.1), f"{name}_scale")
        network.graph.initializer.append(scale)
        inputs = [f"{name}_quantised", f"{name}_scale"]
        network.graph.node.insert(0, helper.make_node("DequantizeLinear", inputs, [name]))
    with pytest.raises(InputError, match=r"tiny\.onnx has none: quantised networks hold whole"):
        shuffle_weights(written(tmp_path, network), rng())


def test_a_file_that_is_gone(tmp_path):
    model = written(tmp_path, onnx_network())
    (tmp_path / "tiny.onnx").unlink()
    with pytest.raises(ModelError, match=r"tiny\.onnx cannot be read to shuffle its weights"):
        shuffle_weights(model, rng())


# ---------------------------------------------------------------- functions


def test_functions_have_no_weights():
    model = CallableModel(
        lambda images: images.mean(axis=(1, 2)),
        labels=None,
        output="logits",
        input_size=(6, 6),
        name="mean",
    )
    assert not can_be_shuffled(model)
    assert can_be_shuffled(torch_model(network()))
    with pytest.raises(InputError, match=r"those of mean \(python\) cannot be reached"):
        shuffle_weights(model, rng())
    with pytest.raises(InputError, match="cannot be reached"):
        model.with_shuffled_weights(rng())


# ---------------------------------------------------------------- real networks


def photos(model):
    pictures = [data.coffee(), data.chelsea(), data.astronaut(), data.rocket()]
    return np.stack([model.preprocessing.apply((p / 255).astype(np.float32)) for p in pictures])


def test_the_built_in_network_and_its_twin_are_shuffled_alike():
    model = load_model("builtin:imagenet")
    images = photos(model)
    shuffled = shuffle_weights(model, rng())
    check_sibling(model, shuffled, images)
    answers = shuffled(images)
    assert answers.std(axis=0).mean() > 0.1 * model(images).std(axis=0).mean()
    twin = shuffled.twin()
    assert twin.spec == shuffled.spec
    np.testing.assert_allclose(twin(images), answers, atol=2e-3)
    assert shuffled.twin() is twin


def test_a_real_onnx_file(shared_data):
    model = load_model(str(shared_data / "models" / "mobilenet_v2-imagenet.onnx"))
    check_sibling(model, shuffle_weights(model, rng()), photos(model))


@pytest.mark.skipif(find_spec("torchvision") is None, reason="needs torchvision")
def test_a_real_torch_network(shared_data):
    weights = shared_data / "models" / "squeezenet1_1-imagenet.pth"
    model = load_model("torchvision:squeezenet1_1", weights=weights)
    check_sibling(model, shuffle_weights(model, rng()), photos(model))
