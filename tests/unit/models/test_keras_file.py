"""FILE.keras: the network's own answers, a sidecar for the rest, and no code is ever run."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from seewhy.errors import InputError, MissingExtraError, ModelError, SpecError
from seewhy.models.origin import Origin, origin_of
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.spec import load_model, resolve_preprocessing

if find_spec("keras") is None:
    pytest.skip("needs Keras", allow_module_level=True)

from seewhy.models.keras_backend import import_keras
from seewhy.models.keras_file import read_network

keras = import_keras()
L = keras.layers
SIDE = 10
IMAGES = np.random.default_rng(0).random((5, SIDE, SIDE, 3), dtype=np.float32)


def network(*begin, end=("softmax",), shape=(SIDE, SIDE, 3)):
    entry = keras.Input(shape)
    x = entry
    for layer in begin:
        x = layer(x)
    x = L.GlobalAveragePooling2D()(L.Conv2D(4, 3, activation="relu")(x))
    x = L.Dense(3)(x)
    for layer in end:
        x = L.Activation(layer)(x)
    return keras.Model(entry, x)


@pytest.fixture
def saved(tmp_path):
    def save(net, beside=None, name="net"):
        path = tmp_path / f"{name}.keras"
        with warnings.catch_warnings():  # Keras copies variables as NumPy 2 does not like it
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            net.save(path)
        if beside is not None:
            path.with_suffix(".json").write_text(json.dumps(beside))
        return path

    return save


def answers(net, inputs):
    return np.asarray(keras.ops.convert_to_numpy(net(inputs, training=False)))


class TestAlone:
    def test_the_networks_own_answers(self, saved):
        net = network(L.Rescaling(1 / 255), L.RandomFlip())
        path = saved(net)
        model = load_model(path)
        np.testing.assert_allclose(model(IMAGES), answers(net, IMAGES * 255), atol=1e-5)
        assert (model.spec, model.output) == (str(path), "probabilities")
        assert str(origin_of(model)) == (
            "preprocessing: its layer Rescaling(1/255); labels: numbered; output: its last "
            "activation, softmax"
        )
        assert model.fingerprint == load_model(path).fingerprint
        assert resolve_preprocessing(path) == model.preprocessing

    def test_an_adapted_normalization(self, saved):
        layer = L.Normalization()
        layer.adapt(IMAGES * 255)
        net = network(layer)
        model = load_model(saved(net))
        np.testing.assert_allclose(model(IMAGES), answers(net, IMAGES * 255), atol=1e-5)

    def test_an_ending_in_capitals(self, saved):
        net = network(L.Rescaling(1 / 255))
        path = saved(net)
        path = path.rename(path.with_name("NET.KERAS"))
        model = load_model(path)
        np.testing.assert_allclose(model(IMAGES), answers(net, IMAGES * 255), atol=1e-5)
        assert model.spec == str(path)

    def test_what_is_given_goes_first(self, saved):
        path = saved(
            network(end=["relu"]), {"output": {"kind": "logits"}, "labels": ["x", "y", "z"]}
        )
        given = Preprocessing((SIDE, SIDE), std=(0.5, 0.5, 0.5))
        model = load_model(path, labels=["a", "b", "c"], preprocess=given, output="raw")
        assert (model.labels, model.preprocessing, model.output) == (("a", "b", "c"), given, "raw")
        assert origin_of(model) == Origin("as given", "as given", "as given")

    @pytest.mark.parametrize(
        "argument", [{"weights": "a.h5"}, {"pretrained": False}, {"device": "cuda"}]
    )
    def test_what_does_not_go_with_it(self, saved, argument):
        with pytest.raises(InputError, match="does not go with"):
            load_model(saved(network(L.Rescaling(1 / 255))), **argument)

    def test_nothing_says_how_pixels_are_scaled(self, saved):
        with pytest.raises(InputError, match=r"net.keras does not say how its pixels are scaled"):
            load_model(saved(network()))


class TestSidecar:
    def test_labels_only(self, saved, tmp_path):
        (tmp_path / "names.txt").write_text("cat\ndog\nbird\n")
        model = load_model(saved(network(L.Rescaling(1 / 255)), {"labels": "names.txt"}))
        assert model.labels == ("cat", "dog", "bird")
        assert model.preprocessing == Preprocessing((SIDE, SIDE), std=(1 / 255,) * 3)
        assert origin_of(model).labels == "net.json"
        assert origin_of(model).preprocessing == "its layer Rescaling(1/255)"

    def test_normalisation(self, saved):
        net = network()
        beside = {"normalise": {"mean": [0.5] * 3, "std": [0.25] * 3}}
        model = load_model(saved(net, beside))
        np.testing.assert_allclose(model(IMAGES), answers(net, (IMAGES - 0.5) / 0.25), atol=1e-5)
        assert origin_of(model).preprocessing == "net.json"

    def test_resizing_leaves_the_scale_of_its_layers(self, saved):
        beside = {"resize": {"shorter_side": 12, "interpolation": "bicubic"}}
        model = load_model(saved(network(L.Rescaling(1 / 255)), beside))
        assert model.preprocessing == Preprocessing((SIDE, SIDE), 12, "bicubic", std=(1 / 255,) * 3)
        assert origin_of(model).preprocessing == (
            "its layer Rescaling(1/255); size and resizing: net.json"
        )

    def test_the_size_of_a_network_that_takes_any(self, saved):
        net = network(L.Rescaling(1 / 255), shape=(None, None, 5))
        with pytest.raises(InputError, match="takes pictures of any size"):
            load_model(saved(net))
        model = load_model(saved(net, {"input": {"size": [12, 14]}}))
        assert model.input_size == (12, 14, 5)
        assert model.preprocessing.std == (1 / 255,) * 5
        given = Preprocessing((16, 16), mean=(0,) * 5, std=(1 / 255,) * 5, channels="bands")
        path = saved(net, {"labels": ["a", "b", "c"]})
        assert load_model(path, preprocess=given).input_size == (16, 16, 5)

    def test_the_kind_of_output(self, saved):
        beside = {"output": {"kind": "raw"}}
        model = load_model(saved(network(L.Rescaling(1 / 255), end=["relu"]), beside))
        assert model.output == "raw"
        assert origin_of(model).output == "net.json"

    def test_another_layout(self, saved):
        with pytest.raises(InputError, match=r"net.json says .* NCHW, but its own shape says NHWC"):
            load_model(saved(network(L.Rescaling(1 / 255)), {"input": {"layout": "NCHW"}}))

    def test_an_unknown_key(self, saved):
        with pytest.raises(InputError, match="got 'lables'; did you mean 'labels'"):
            load_model(saved(network(L.Rescaling(1 / 255)), {"lables": []}))

    @pytest.mark.parametrize(
        "beside", [{"lr": 0.1, "epochs": 3}, {"output_dir": "x", "seed": 1}, {}]
    )
    def test_another_file_beside_it(self, saved, beside):
        model = load_model(saved(network(L.Rescaling(1 / 255)), beside))
        assert str(origin_of(model)) == (
            "preprocessing: its layer Rescaling(1/255); labels: numbered; output: its last "
            "activation, softmax"
        )

    def test_the_structure_that_keras_writes_is_none(self, saved):
        net = network(L.Rescaling(1 / 255))
        assert load_model(saved(net, json.loads(net.to_json()))).labels[0] == "class 0"


class TestRefusals:
    @pytest.mark.parametrize("version", ["3.0.5", "3.6.0", "3.11.3"])
    def test_a_keras_that_a_file_can_make_run_code(self, saved, monkeypatch, version):
        path = saved(network(L.Rescaling(1 / 255)))
        monkeypatch.setattr(keras, "__version__", version)
        monkeypatch.setattr(keras.saving, "load_model", None)  # not even asked
        expected = (
            f"Keras {version} cannot read net.keras safely, since a file could make it run code: "
            'pip install -U "seewhy[keras]".'
        )
        with pytest.raises(MissingExtraError, match=f"^{re.escape(expected)}$"):
            load_model(path)

    @pytest.mark.parametrize("version", ["3.12.0", "3.13.0.dev2", "4.0.0"])
    def test_one_that_it_cannot(self, saved, monkeypatch, version):
        path = saved(network(L.Rescaling(1 / 255)))
        monkeypatch.setattr(keras, "__version__", version)
        assert read_network(path, keras).count_params() > 0

    def test_a_function_of_another_module(self, saved):
        """What Keras before 3.12 called, whatever it was."""
        path = saved(network(L.Rescaling(1 / 255)))
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        structure = json.loads(files["config.json"])
        layers = structure["config"]["layers"]
        evil = {"module": "os", "class_name": "function", "config": "system", "name": "x"}
        call = {"args": ["exit 1"], "kwargs": {}}
        layers.append({**evil, "registered_name": "system", "inbound_nodes": [call]})
        files["config.json"] = json.dumps(structure).encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        with pytest.raises(ModelError, match="holds a class that is not Keras's own"):
            load_model(path)

    def test_a_lambda_layer(self, saved, tmp_path):
        ran = str(tmp_path / "ran")
        code = L.Lambda(lambda x: (open(ran, "w").close(), x)[1], output_shape=(SIDE, SIDE, 3))
        path = saved(network(code, L.Rescaling(1 / 255)))
        Path(ran).unlink(missing_ok=True)
        with pytest.raises(ModelError, match=r"net.keras holds code, in a Lambda layer"):
            load_model(path)
        assert not Path(ran).exists()

    def test_a_lambda_layer_where_somebody_allows_them(self, saved):
        path = saved(network(L.Lambda(lambda x: x, output_shape=(SIDE, SIDE, 3))))
        keras.config.enable_unsafe_deserialization()
        try:
            with pytest.raises(ModelError, match="never runs from a file"):
                load_model(path)
        finally:
            keras.src.backend.common.global_state.set_global_attribute("safe_mode_saving", None)

    def test_a_program_of_tensorflow(self, saved):
        path = saved(network(L.Rescaling(1 / 255)))
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        files["config.json"] = files["config.json"].replace(b'"Rescaling"', b'"TFSM\\u004cayer"')
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        with pytest.raises(ModelError, match="holds code"):
            load_model(path)

    def test_a_class_of_its_own(self, saved):
        class Doubled(L.Layer):
            def call(self, x):
                return 2 * x

        path = saved(network(Doubled()))
        with pytest.raises(ModelError, match=r"a class that is not Keras's own .*KerasModel"):
            load_model(path)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(InputError, match="there is no Keras file"):
            load_model(tmp_path / "none.keras")

    @pytest.mark.parametrize("kept", [0, 100, 3000])
    def test_a_damaged_file(self, saved, kept):
        path = saved(network(L.Rescaling(1 / 255)))
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(ModelError, match=r"net.keras is damaged, or is no file that Keras 3"):
            load_model(path)

    def test_another_archive(self, tmp_path):
        path = tmp_path / "net.keras"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", '{"class_name": "Sequential"}')
        with pytest.raises(ModelError, match=r"net.keras cannot be read by Keras 3"):
            load_model(path)

    def test_a_name_near_it(self):
        with pytest.raises(SpecError, match=r"no model is called 'net.kras'"):
            load_model("net.kras")
