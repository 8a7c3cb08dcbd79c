"""load_model: every form of a name, and a hint for every other."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from seewhy.errors import InputError, SpecError
from seewhy.models import torchvision_models
from seewhy.models.callable_model import CallableModel
from seewhy.models.known import known_models
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.spec import load_model, resolve_preprocessing


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of the user's into the current directory; give its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    written = []

    def write(text):
        name = f"users_{len(written)}_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{name}.py").write_text(text)
        written.append(name)
        return name

    yield write
    for name in written:
        sys.modules.pop(name, None)


FUNCTION = """
def f(images):
    return images.mean(axis=(1, 2))
"""


class TestPython:
    def test_a_function_that_says_what_it_is(self, module):
        name = module(FUNCTION + "f.output = 'raw'\nf.input_size = (4, 5)\nf.labels = 'rgb'\n")
        model = load_model(f"py:{name}:f", labels=["x", "y", "z"], batch=3)
        assert model.spec == f"py:{name}:f"
        assert model.labels == ("x", "y", "z")
        assert model.input_size == (4, 5, 3)
        assert model.batch_size == 3
        assert model(np.ones((2, 4, 5, 3), np.float32)).tolist() == [[1, 1, 1]] * 2

    def test_or_whose_module_says_it(self, module):
        name = module(FUNCTION + "output, input_size = 'raw', (4, 5)\nlabels = ['r', 'g', 'b']\n")
        assert load_model(f"py:{name}:f").labels == ("r", "g", "b")

    def test_labels_from_a_file(self, module, tmp_path):
        name = module(FUNCTION + "output, input_size = 'raw', (4, 5)\n")
        (tmp_path / "labels.txt").write_text("one\ntwo\nthree\n")
        assert load_model(f"py:{name}:f").labels[0] == "class 0"
        assert load_model(f"py:{name}:f", labels="labels.txt").labels == ("one", "two", "three")

    def test_preprocessing_may_be_given(self, module):
        name = module(FUNCTION + "output, input_size = 'raw', (224, 224)\n")
        model = load_model(f"py:{name}:f", preprocess="builtin:imagenet")
        assert model.preprocessing.shorter_side == 256

    def test_a_ready_model(self, module):
        name = module(
            "from seewhy.models import CallableModel\n" + FUNCTION + "m = CallableModel(f, "
            "labels=None, output='raw', input_size=(4, 5), name='mine')\n"
        )
        assert load_model(f"py:{name}:m").spec == "mine"
        with pytest.raises(InputError, match="labels does not go with"):
            load_model(f"py:{name}:m", labels=["a", "b", "c"])

    @pytest.mark.parametrize(
        ("text", "attribute", "error", "message"),
        [
            (FUNCTION, "f", InputError, r"does not say its output; add .* f\.output ="),
            (FUNCTION + "output = 'raw'", "f", InputError, r"f\.input_size = \(224, 224\)"),
            (FUNCTION, "g", SpecError, "has no 'g'"),
            ("predict = 3", "predictt", SpecError, "did you mean 'predict'"),
            ("predict = 3", "predict", InputError, "is a int; it must be a model"),
            ("class Predict: pass", "Predict", InputError, "is a type; it must be a model"),
        ],
    )
    def test_mistakes_are_named(self, module, text, attribute, error, message):
        with pytest.raises(error, match=message):
            load_model(f"py:{module(text)}:{attribute}")

    def test_a_torch_module_is_told_about_its_adapter(self, module):
        pytest.importorskip("torch")
        name = module("import torch\nnet = torch.nn.Identity()\n")
        with pytest.raises(InputError, match=r"is a Identity; .*TorchModel\(network"):
            load_model(f"py:{name}:net")

    @pytest.mark.parametrize("spec", ["py:", "py:module", "py:module:", "py::f"])
    def test_incomplete(self, spec):
        with pytest.raises(SpecError, match=r"must read py:package\.module:callable"):
            load_model(spec)

    def test_no_such_module(self):
        with pytest.raises(SpecError, match=r"no module 'there\.is\.none'"):
            load_model("py:there.is.none:f")

    @pytest.mark.parametrize(
        ("code", "said"),
        [
            ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found'"),
            ("x = 1\n1 / 0", r"ZeroDivisionError: division by zero \(.*, line 2\)"),
            ("def f(:", "SyntaxError"),
        ],
    )
    def test_a_module_that_fails_is_named_with_its_line(self, module, code, said):
        with pytest.raises(SpecError, match=f"fails: .*{said}"):
            load_model(f"py:{module(code)}:f")


class TestNames:
    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("resnet34", "no model is called 'resnet34'; known are builtin:imagenet, torchvision"),
            ("torchvison:resnet34", "did you mean 'torchvision'"),
            ("buitlin:imagenet", "did you mean 'builtin'"),
            ("keras3:VGG16", "did you mean 'keras'"),
            ("https://host/v2/models/m", r"write v2\+https://host/v2/models/m for one that"),
            ("builtin:digit", "no model 'digit' comes with Seewhy"),
            (
                "resnet.pth",
                r"holds weights but no network; .*timm:NAME or keras:NAME with weights",
            ),
            ("http://me:secret@host/net", r"'http://host/net' does not .* v2\+http://host/net"),
            ("htp://me:secret@host/net", r"no model is called 'htp://host/net'"),
            ("", "no model is called ''"),
        ],
    )
    def test_unknown(self, spec, message):
        with pytest.raises(SpecError, match=message):
            load_model(spec)

    @pytest.mark.parametrize(
        "keywords",
        [
            {"weights": "w.pth"},
            {"pretrained": False},
            {"device": "cuda"},
            {"preprocess": Preprocessing((4, 4))},
            {"labels": ["a"]},
        ],
    )
    def test_arguments_that_mean_nothing_here_are_refused(self, keywords):
        with pytest.raises(InputError, match="does not go with 'builtin:imagenet'"):
            load_model("builtin:imagenet", **keywords)

    def test_a_model_passes_through(self):
        model = CallableModel(
            lambda x: x.mean(axis=(1, 2)), labels=None, output="raw", input_size=(4, 4)
        )
        assert load_model(model) is model
        with pytest.raises(InputError, match="this one is ready"):
            load_model(model, batch=4)

    @pytest.mark.parametrize("thing", [None, 3, lambda x: x])
    def test_something_else(self, thing):
        with pytest.raises(InputError, match="wrap a torch module with TorchModel"):
            load_model(thing)

    def test_torchvision_gets_what_was_asked(self, monkeypatch, tmp_path):
        asked = {}
        monkeypatch.setattr(
            torchvision_models, "load", lambda name, **keywords: asked.update(name=name, **keywords)
        )
        (tmp_path / "labels.txt").write_text("a\nb\n")
        load_model(
            "torchvision:resnet34@V1",
            weights="w.pth",
            labels=tmp_path / "labels.txt",
            preprocess="builtin:imagenet",
            device="cpu",
            batch=3,
        )
        assert asked.pop("preprocess").size == (224, 224)
        assert asked == {
            "name": "resnet34@V1",
            "weights": "w.pth",
            "pretrained": True,
            "labels": ("a", "b"),
            "output": "logits",
            "device": "cpu",
            "batch": 3,
        }


class TestPreprocessing:
    def test_each_source(self, tmp_path, monkeypatch):
        wanted = Preprocessing((6, 5), 8)
        (tmp_path / "p.json").write_text(json.dumps(wanted.to_json()))
        sidecar = {**wanted.to_json(), "output": {"kind": "raw"}}
        (tmp_path / "m.json").write_text(json.dumps(sidecar))
        monkeypatch.setattr(
            torchvision_models,
            "torchvision_preprocessing",
            lambda name: SimpleNamespace(name=name),
        )
        assert resolve_preprocessing(wanted) is wanted
        assert resolve_preprocessing(tmp_path / "p.json") == wanted
        assert resolve_preprocessing(str(tmp_path / "m.onnx")) == wanted
        assert resolve_preprocessing("builtin:imagenet").interpolation == "bicubic"
        assert resolve_preprocessing("torchvision:resnet34").name == "resnet34"

    def test_mistakes(self, tmp_path):
        with pytest.raises(InputError, match=r"preprocessing file '.*none\.json'"):
            resolve_preprocessing(tmp_path / "none.json")
        with pytest.raises(InputError, match=r"must be a Preprocessing.*got a int"):
            resolve_preprocessing(224)


def test_known_models():
    rows = {row.spec: row for row in known_models()}
    assert rows["builtin:imagenet"].available
    assert rows["FILE.onnx"].available
    assert 'pip install "seewhy[torch]"' in rows["torchvision:NAME[@WEIGHTS]"].needs


def test_naming_models_imports_no_framework():
    code = (
        "import sys; from seewhy.models import load_model, known_models; known_models();\n"
        "try: load_model('resnet34')\n"
        "except ValueError: pass\n"
        "heavy = {'torch', 'torchvision', 'onnx', 'onnxruntime', 'skimage'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert output.strip() == "[]"
