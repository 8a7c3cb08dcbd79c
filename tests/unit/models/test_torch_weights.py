"""Weights are read, programs are not."""

from __future__ import annotations

import os
import pickle
import warnings
from collections import OrderedDict

import pytest

from seewhy.errors import InputError, ModelError

torch = pytest.importorskip("torch")

from seewhy.models.torch_weights import fit_state_dict, read_state_dict  # noqa: E402

STATE = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()


def same(state, other=STATE):
    return list(state) == list(other) and all(torch.equal(state[k], other[k]) for k in other)


@pytest.mark.parametrize("ending", [".pth", ".pt", ".th", ".bin", ".ckpt", ".PTH"])
def test_state_dicts_come_back(tmp_path, ending):
    torch.save(STATE, tmp_path / f"weights{ending}")
    assert same(read_state_dict(tmp_path / f"weights{ending}"))
    assert same(read_state_dict(str(tmp_path / f"weights{ending}")))


def test_safetensors_come_back(tmp_path):
    save_file = pytest.importorskip("safetensors.torch").save_file
    save_file(dict(STATE), tmp_path / "weights.safetensors")
    state = read_state_dict(tmp_path / "weights.safetensors")
    assert same({k: state[k] for k in STATE})


@pytest.mark.parametrize(
    "wrapped",
    [
        {"state_dict": STATE, "epoch": 3},
        {"model": STATE, "optimizer": {"lr": 0.1}},
        {"model_state_dict": STATE},
        OrderedDict((f"module.{k}", v) for k, v in STATE.items()),
        {"state_dict": {f"module._orig_mod.{k}": v for k, v in STATE.items()}},
    ],
    ids=["state_dict", "model", "model_state_dict", "module", "compiled"],
)
def test_checkpoints_are_unwrapped(tmp_path, wrapped):
    torch.save(wrapped, tmp_path / "checkpoint.pth")
    assert same(read_state_dict(tmp_path / "checkpoint.pth"))


def test_a_prefix_that_only_some_names_have_belongs_to_them(tmp_path):
    state = {"module.a": torch.ones(1), "b": torch.ones(1)}
    torch.save(state, tmp_path / "weights.pth")
    assert list(read_state_dict(tmp_path / "weights.pth")) == ["module.a", "b"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_become_float32_and_integers_stay(tmp_path, dtype):
    torch.save(
        {"w": torch.tensor([0.5, 2.0], dtype=dtype), "n": torch.tensor(7)}, tmp_path / "w.pt"
    )
    state = read_state_dict(tmp_path / "w.pt")
    assert state["w"].dtype == torch.float32
    assert state["w"].tolist() == [0.5, 2.0]
    assert state["n"].dtype == torch.int64


def test_versions_of_layers_survive(tmp_path):
    wrapped = torch.nn.DataParallel(torch.nn.Sequential(torch.nn.BatchNorm1d(2)))
    torch.save(wrapped.state_dict(), tmp_path / "w.pth")
    assert read_state_dict(tmp_path / "w.pth")._metadata["0"] == {"version": 2}


class Touch:
    """A pickle of this creates a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_file_is_refused_and_does_not_run(tmp_path, legacy):
    witness = tmp_path / "ran"
    file = tmp_path / "evil.pth"
    torch.save(
        {"state_dict": STATE, "x": Touch(witness)},
        file,
        _use_new_zipfile_serialization=not legacy,
    )
    with pytest.raises(ModelError, match=r"'evil.pth' is refused: it holds more than weights") as e:
        read_state_dict(file)
    assert "\n" not in str(e.value)
    assert not witness.exists()
    torch.load(file, weights_only=False)  # the trap was real
    assert witness.exists()


def test_a_plain_pickle_with_code_is_refused_and_does_not_run(tmp_path):
    witness = tmp_path / "ran"
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Touch(witness)))
    with pytest.raises(ModelError, match="refused"):
        read_state_dict(tmp_path / "evil.pth")
    assert not witness.exists()


def test_text_is_refused(tmp_path):
    (tmp_path / "text.pth").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="refused: it holds something else than weights"):
        read_state_dict(tmp_path / "text.pth")


def test_whole_modules_and_programs_are_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(ModelError, match=r"refused.*torch\.nn\.modules\.linear\.Linear"):
        read_state_dict(tmp_path / "module.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "script.pt"))
    with pytest.raises(ModelError, match="TorchScript program"):
        read_state_dict(tmp_path / "script.pt")


def test_damaged_files_are_one_sentence(tmp_path):
    torch.save(STATE, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    for name, content in [("cut", whole[:900]), ("empty", b""), ("zip", b"PK\x03\x04" + b"0" * 99)]:
        (tmp_path / f"{name}.pth").write_bytes(content)
        with pytest.raises(ModelError, match="cannot be read as PyTorch weights") as e:
            read_state_dict(tmp_path / f"{name}.pth")
        assert "\n" not in str(e.value)
    pytest.importorskip("safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"123")
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        read_state_dict(tmp_path / "cut.safetensors")


@pytest.mark.parametrize("content", [{"epoch": 1}, {}, [torch.ones(1)], {"w": 3}])
def test_files_without_weights_are_named(tmp_path, content):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(ModelError, match="holds no state dict"):
        read_state_dict(tmp_path / "other.pth")


def test_missing_files_and_other_endings(tmp_path):
    with pytest.raises(InputError, match=r"there is none at '.*nothing\.pth'"):
        read_state_dict(tmp_path / "nothing.pth")
    (tmp_path / "w.h5").write_bytes(b"")
    with pytest.raises(InputError, match=r"must be a \.safetensors file or one of"):
        read_state_dict(tmp_path / "w.h5")


def test_an_old_torch_does_not_read_pickles(tmp_path, monkeypatch):
    torch.save(STATE, tmp_path / "w.pth")
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(ModelError, match=r"install torch 2\.6 or later"):
        read_state_dict(tmp_path / "w.pth")


def network():
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def test_weights_fit_without_the_counters_of_batch_normalisation():
    module = network()
    state = OrderedDict((k, v) for k, v in STATE.items() if "num_batches" not in k)
    fit_state_dict(module, state, source="w", network="net")
    assert torch.equal(module[0].weight, STATE["0.weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("0.bias"), r"\(missing: 0\.bias\)"),
        (lambda s: s.update(more=torch.ones(1)), r"\(unexpected: more\)"),
        (
            lambda s: s.update({"0.weight": torch.ones(5, 3)}),
            r"0\.weight is \(5, 3\) where the network has \(2, 3\)",
        ),
        (
            lambda s: s.update({f"x{i}": torch.ones(1) for i in range(9)}),
            r"unexpected: x0, x1, x2 and 6 more",
        ),
    ],
)
def test_weights_of_another_network_are_named(change, message):
    module = network()
    before = module[0].weight.clone()
    state = OrderedDict(STATE)
    change(state)
    with pytest.raises(ModelError, match=message):
        fit_state_dict(module, state, source="w", network="net")
    assert torch.equal(module[0].weight, before)


def test_the_real_checkpoint_of_a_training_script(shared_data):
    state = read_state_dict(shared_data / "models" / "resnet20-cifar10.th")
    assert next(iter(state)) == "conv1.weight"
    assert state["linear.weight"].shape == (10, 64)
