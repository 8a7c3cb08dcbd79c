"""EfficientNet-Lite0 without torch: the weights, the graph, and what a hostile file may do."""

from __future__ import annotations

import io
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from seewhy.errors import ModelError
from seewhy.models import efficientnet_lite
from seewhy.models.efficientnet_lite import BLOCKS, onnx_model, read_weights


@pytest.fixture(scope="module")
def weights():
    return read_weights()


def run(model, inputs):
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"pixels": inputs})[0]


class TestWeights:
    def test_all_tensors_in_order(self, weights):
        names = list(weights)
        assert len(names) == 296
        assert (names[0], names[-1]) == ("_conv_stem.weight", "_fc.bias")
        assert weights["_conv_stem.weight"].shape == (32, 3, 3, 3)
        assert weights["_fc.weight"].shape == (1000, 1280)
        assert weights["_bn0.num_batches_tracked"].shape == ()

    def test_equal_to_torchs_own_reading(self, weights):
        torch = pytest.importorskip("torch")
        expected = torch.load(efficientnet_lite.weights_path(), weights_only=True)
        assert list(expected) == list(weights)
        for name, tensor in expected.items():
            np.testing.assert_array_equal(weights[name], tensor.numpy())

    def test_blocks_are_those_of_the_paper(self):
        assert len(BLOCKS) == 16
        assert sum(block.has_skip for block in BLOCKS) == 9
        assert BLOCKS[-1].channels_out == 320


class TestGraph:
    def test_logits_equal_timms(self, weights):
        torch = pytest.importorskip("torch")
        from seewhy.models.torchvision_models import import_torchvision

        import_torchvision()
        timm = pytest.importorskip("timm")
        network = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
        state = {
            name: torch.tensor(array)
            for name, array in zip(network.state_dict(), weights.values(), strict=True)
        }
        network.load_state_dict(state)
        inputs = np.random.default_rng(0).uniform(-1, 1, (3, 3, 224, 224)).astype(np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(inputs)).numpy()
        np.testing.assert_allclose(run(onnx_model(weights), inputs), expected, atol=1e-4)

    def test_the_batch_is_free(self, weights):
        inputs = np.random.default_rng(0).uniform(-1, 1, (3, 3, 224, 224)).astype(np.float32)
        model = onnx_model(weights)
        together = run(model, inputs)
        alone = np.concatenate([run(model, inputs[i : i + 1]) for i in range(3)])
        np.testing.assert_allclose(together, alone, atol=1e-4)

    def test_weights_of_another_network_are_named(self, weights):
        with pytest.raises(ModelError, match=r"_fc\.bias must have shape \(1000,\); got nothing"):
            onnx_model({name: array for name, array in weights.items() if name != "_fc.bias"})
        with pytest.raises(ModelError, match=r"_fc\.bias .*got shape \(10,\)"):
            onnx_model({**weights, "_fc.bias": np.zeros(10, np.float32)})


class Evil:
    """Pickles into a call of anything."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Tensor:
    """Pickles as torch pickles a tensor in its old format."""

    def __init__(self, *recipe):
        self.recipe = recipe


class LegacyPickler(pickle._Pickler):
    """Writes what torch.save wrote before 1.6, without torch."""

    def persistent_id(self, item):
        if isinstance(item, tuple) and item[:1] == ("persistent",):
            return ("storage", _Named("torch", item[1]), item[2], "cpu", 99, None)
        return None

    def save(self, item, *arguments, **keywords):
        if isinstance(item, _Named):
            self.write(pickle.GLOBAL + f"{item.module}\n{item.name}\n".encode())
        elif isinstance(item, Tensor):
            self.save(_Named("torch._utils", "_rebuild_tensor_v2"))
            self.save((*item.recipe, False, OrderedDict()))
            self.write(pickle.REDUCE)
        else:
            super().save(item, *arguments, **keywords)


class _Named:
    def __init__(self, module, name):
        self.module, self.name = module, name


def legacy_file(path, state, *, magic=None):
    file = io.BytesIO()
    for item in (efficientnet_lite._MAGIC if magic is None else magic, 1001, {}, state, ["0"]):
        LegacyPickler(file, protocol=2).dump(item)
    storage = np.arange(6, dtype=np.float32)
    file.write(len(storage).to_bytes(8, "little") + storage.tobytes())
    path.write_bytes(file.getvalue())
    return path


def tensor(offset=0, shape=(2, 3), strides=(3, 1), kind="FloatStorage"):
    return Tensor(("persistent", kind, "0"), offset, shape, strides)


class TestUnpickler:
    def test_tensors_are_read(self, tmp_path):
        path = legacy_file(tmp_path / "w.pth", {"a": tensor(), "b": tensor(1, (2,), (3,))})
        read = read_weights(path)
        np.testing.assert_array_equal(read["a"], [[0, 1, 2], [3, 4, 5]])
        np.testing.assert_array_equal(read["b"], [1, 4])

    def test_transposed_storage(self, tmp_path):
        read = read_weights(legacy_file(tmp_path / "w.pth", {"a": tensor(0, (3, 2), (1, 3))}))
        np.testing.assert_array_equal(read["a"], [[0, 3], [1, 4], [2, 5]])

    @pytest.mark.parametrize(
        "recipe", [(1,), (0, (2, 4)), (0, (2, 3), (4, 1)), (-1,), (0, (2, 3), (-3, 1)), (0, (0, 3))]
    )
    def test_a_tensor_never_reaches_beyond_its_storage(self, tmp_path, recipe):
        with pytest.raises(ModelError, match=r"beyond its storage|refused"):
            read_weights(legacy_file(tmp_path / "w.pth", {"a": tensor(*recipe)}))

    @pytest.mark.parametrize("evil", [Evil(os.mkdir, "pwned"), Evil(eval, "1/0"), Evil(print, "x")])
    def test_a_file_cannot_run_anything(self, tmp_path, monkeypatch, capsys, evil):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ModelError, match=r"ask for \w+\.\w+, which is no tensor; refused"):
            read_weights(legacy_file(tmp_path / "w.pth", {"a": evil}))
        assert not (tmp_path / "pwned").exists()
        assert capsys.readouterr().out == ""

    def test_not_even_through_torch(self, tmp_path):
        with pytest.raises(ModelError, match=r"ask for torch\.load"):
            read_weights(legacy_file(tmp_path / "w.pth", {"a": _Named("torch", "load")}))

    @pytest.mark.parametrize("content", [b"", b"not a pickle", b"PK\x03\x04zip", b"\x80\x02K\x01."])
    def test_damaged_files_are_named(self, tmp_path, content):
        (tmp_path / "w.pth").write_bytes(content)
        with pytest.raises(ModelError, match=r"cannot read the weights '.*w\.pth'"):
            read_weights(tmp_path / "w.pth")

    def test_another_kind_of_pickle(self, tmp_path):
        with pytest.raises(ModelError, match=r"torch\.save wrote before 1\.6"):
            read_weights(legacy_file(tmp_path / "w.pth", {"a": tensor()}, magic=7))

    def test_cut_off(self, tmp_path):
        whole = legacy_file(tmp_path / "w.pth", {"a": tensor()}).read_bytes()
        (tmp_path / "w.pth").write_bytes(whole[:-4])
        with pytest.raises(ModelError, match="beyond its storage"):
            read_weights(tmp_path / "w.pth")
