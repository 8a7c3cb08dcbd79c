"""OnnxModel: what the file says, what the sidecar says, and where they differ."""

from __future__ import annotations

import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from seewhy.errors import InputError, ModelError
from seewhy.image.read import read_image
from seewhy.models.onnx_model import OnnxModel, borrowed_preprocessing
from seewhy.models.onnx_session import _providers
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.spec import load_model

SIZE = (4, 6)
WEIGHTS = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
IMAGES = np.random.default_rng(1).random((7, *SIZE, 3), dtype=np.float32)
SIDECAR = {
    "input": {"name": "pixels", "layout": "NCHW", "channels": "RGB", "size": [4, 6]},
    "resize": {"stretch": [4, 6], "interpolation": "bicubic"},
    "normalise": {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7]},
    "output": {"name": "scores", "kind": "logits"},
    "labels": ["a", "b", "c", "d", "e"],
}


def network(*, batch="n", layout="NCHW", kind=TensorProto.FLOAT, weights=WEIGHTS, reshape=None):
    """Means of the channels times a matrix."""
    number = helper.tensor_dtype_to_np_dtype(kind)
    shape = [batch, len(weights), *SIZE] if layout == "NCHW" else [batch, *SIZE, len(weights)]
    axes = [2, 3] if layout == "NCHW" else [1, 2]
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["means"], axes=axes, keepdims=0),
        helper.make_node("MatMul", ["means", "weights"], ["scores"]),
    ]
    constants = [numpy_helper.from_array(weights.astype(number), "weights")]
    if reshape is not None:
        constants.append(numpy_helper.from_array(np.array(reshape, np.int64), "shape"))
        nodes.insert(1, helper.make_node("Reshape", ["means", "shape"], ["flat"]))
        nodes[2].input[0] = "flat"
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", kind, shape)],
        [helper.make_tensor_value_info("scores", kind, None)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model


def casting(kind, *, layout="NCHW"):
    """The network, with an input of whole numbers."""
    model = network(layout=layout)
    model.graph.input[0].type.tensor_type.elem_type = kind
    model.graph.node.insert(0, helper.make_node("Cast", ["pixels"], ["real"], to=TensorProto.FLOAT))
    model.graph.node[1].input[0] = "real"
    return model


def changed(**sections):
    document = json.loads(json.dumps(SIDECAR))
    for name, value in sections.items():
        if isinstance(value, dict):
            document[name] = {**document.get(name, {}), **value}
        else:
            document[name] = value
    return document


@pytest.fixture
def write(tmp_path):
    def written(model=None, sidecar=SIDECAR):
        path = tmp_path / "tiny.onnx"
        onnx.save(network() if model is None else model, path)
        if sidecar is not None:
            path.with_suffix(".json").write_text(json.dumps(sidecar))
        return path

    return written


def expected(images=IMAGES):
    normalised = (images - [0.1, 0.2, 0.3]) / [0.5, 0.6, 0.7]
    return normalised.mean(axis=(1, 2)) @ WEIGHTS


class TestAnswers:
    @pytest.mark.parametrize("batch", [1, 3, 64, "auto"])
    def test_closed_form(self, write, batch):
        model = OnnxModel(write(), batch=batch)
        np.testing.assert_allclose(model(IMAGES), expected(), atol=1e-5)
        assert model.labels == ("a", "b", "c", "d", "e")
        assert model.output == "logits"
        assert model.framework == "onnxruntime"

    def test_channels_last(self, write):
        model = OnnxModel(write(network(layout="NHWC"), changed(input={"layout": "NHWC"})))
        np.testing.assert_allclose(model(IMAGES), expected(), atol=1e-5)

    def test_blue_first(self, write):
        model = OnnxModel(write(None, changed(input={"channels": "BGR"})))
        np.testing.assert_allclose(model(IMAGES[..., ::-1]), expected(), atol=1e-5)

    def test_grey(self, write):
        sidecar = changed(input={"channels": "L"}, normalise={"mean": [0], "std": [1]})
        model = OnnxModel(write(network(weights=WEIGHTS[:1]), sidecar))
        np.testing.assert_allclose(
            model(IMAGES[..., :1]), IMAGES[..., :1].mean(axis=(1, 2)) * WEIGHTS[0], atol=1e-5
        )

    @pytest.mark.parametrize("kind", [TensorProto.DOUBLE, TensorProto.FLOAT])
    def test_number_types(self, write, kind):
        np.testing.assert_allclose(
            OnnxModel(write(network(kind=kind)))(IMAGES), expected(), atol=1e-5
        )

    @pytest.mark.parametrize("batch", [1, 2, 5])
    def test_a_fixed_batch_is_honoured(self, write, batch):
        model = OnnxModel(write(network(batch=batch)))
        assert model.batch_size == batch
        np.testing.assert_allclose(model(IMAGES), expected(), atol=1e-5)

    def test_a_batch_that_is_free_in_name_only(self, write):
        """Exporters leave a one in some reshape: declared free, it takes single pictures only."""
        model = OnnxModel(write(network(reshape=[1, 3])))
        assert model.batch_size == 1
        np.testing.assert_allclose(model(IMAGES), expected(), atol=1e-5)

    @pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
    def test_masked_equals_composed_by_hand(self, write, layout):
        model = OnnxModel(write(network(layout=layout), changed(input={"layout": layout})))
        labels = np.arange(24, dtype=np.int32).reshape(SIZE) // 6
        masks = np.random.default_rng(0).random((33, 4)) < 0.5
        by_hand = np.where(masks[:, labels][..., None], IMAGES[0], IMAGES[1])
        outputs = model.masked(IMAGES[0], IMAGES[1], labels)(masks)
        np.testing.assert_allclose(outputs, expected(by_hand), atol=1e-5)


class TestBytes:
    """A model that takes 0 … 255 needs no normalisation, and none is done."""

    @pytest.mark.parametrize(
        "normalise",
        [{"mean": [0, 0, 0], "std": [1, 1, 1]}, {"mean": [0] * 3, "std": [1 / 255] * 3}],
    )
    @pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
    def test_they_are_rounded_pixels(self, write, layout, normalise):
        sidecar = changed(normalise=normalise, input={"layout": layout})
        model = OnnxModel(write(casting(TensorProto.UINT8, layout=layout), sidecar))
        wanted = np.rint(IMAGES * 255).mean(axis=(1, 2)) @ WEIGHTS
        np.testing.assert_allclose(model(IMAGES), wanted, rtol=1e-4, atol=1e-3)

    def test_masked(self, write):
        sidecar = changed(normalise={"mean": [0] * 3, "std": [1] * 3})
        model = OnnxModel(write(casting(TensorProto.UINT8), sidecar))
        labels = np.arange(24, dtype=np.int32).reshape(SIZE) // 6
        masks = np.random.default_rng(0).random((9, 4)) < 0.5
        by_hand = np.where(masks[:, labels][..., None], IMAGES[0], IMAGES[1]).astype(np.float32)
        outputs = model.masked(IMAGES[0], IMAGES[1], labels)(masks)
        np.testing.assert_allclose(outputs, model(by_hand), rtol=1e-5)

    def test_normalisation_is_refused(self, write):
        with pytest.raises(InputError, match="takes bytes, 0 to 255, which leave nothing to norm"):
            OnnxModel(write(casting(TensorProto.UINT8)))


class TestSources:
    """Sidecar, metadata, arguments: which says what, and that it is told."""

    def test_the_sidecar(self, write):
        assert str(OnnxModel(write()).origin) == "preprocessing, labels and output: tiny.json"

    def test_metadata(self, write):
        model = network()
        helper.set_model_props(model, {"seewhy": json.dumps(SIDECAR)})
        loaded = OnnxModel(write(model, sidecar=None))
        np.testing.assert_allclose(loaded(IMAGES), expected(), atol=1e-5)
        assert loaded.labels == tuple("abcde")
        assert loaded.origin.preprocessing == "the metadata of tiny.onnx"
        assert loaded.preprocessing == borrowed_preprocessing(write(model, sidecar=None))

    def test_the_sidecar_goes_before_the_metadata(self, write):
        model = network()
        helper.set_model_props(model, {"seewhy": json.dumps(changed(labels=list("vwxyz")))})
        assert OnnxModel(write(model)).labels == tuple("abcde")

    @pytest.mark.parametrize("text", ["{", "[]"])
    def test_metadata_that_is_no_sidecar(self, write, text):
        model = network()
        helper.set_model_props(model, {"seewhy": text})
        with pytest.raises(InputError, match=r"metadata 'seewhy' of tiny\.onnx must be a JSON"):
            OnnxModel(write(model, sidecar=None))

    def test_arguments_alone_are_enough(self, write):
        said = Preprocessing.from_json(SIDECAR)
        model = load_model(write(sidecar=None), preprocess=said, output="logits")
        np.testing.assert_allclose(model(IMAGES), expected(), atol=1e-5)
        assert str(model.origin) == "preprocessing and output: as given; labels: numbered"

    def test_what_is_given_need_not_be_said(self, write):
        said = Preprocessing.from_json(SIDECAR)
        path = write(None, {"output": SIDECAR["output"], "labels": SIDECAR["labels"]})
        model = OnnxModel(path, preprocess=said)
        np.testing.assert_allclose(model(IMAGES), expected(), atol=1e-5)
        assert str(model.origin) == "preprocessing: as given; labels and output: tiny.json"

    def test_another_json_beside_it_is_left_alone(self, write):
        said = Preprocessing.from_json(SIDECAR)
        model = OnnxModel(write(None, {"lr": 0.1}), preprocess=said, output="logits")
        np.testing.assert_allclose(model(IMAGES), expected(), atol=1e-5)
        with pytest.raises(InputError, match="got 'lr'"):
            OnnxModel(write(None, {"lr": 0.1}))

    def test_but_both_are_needed(self, write):
        with pytest.raises(InputError, match=r"needs a file tiny\.json beside it .*--returns"):
            OnnxModel(write(sidecar=None), preprocess=Preprocessing.from_json(SIDECAR))

    def test_the_output_that_is_given_counts(self, write):
        sidecar = changed()
        del sidecar["output"]["kind"]
        model = OnnxModel(write(None, sidecar), output="raw")
        assert model.output == "raw"
        assert model.origin.output == "as given"
        with pytest.raises(InputError, match="must say what the model returns"):
            OnnxModel(write(None, sidecar))

    @pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
    def test_the_layout_may_be_left_to_the_shape(self, write, layout):
        sidecar = changed()
        del sidecar["input"]["layout"]
        model = OnnxModel(write(network(layout=layout), sidecar))
        np.testing.assert_allclose(model(IMAGES), expected(), atol=1e-5)
        named = OnnxModel(write(network(layout=layout), changed(input={"layout": layout})))
        assert model.fingerprint == named.fingerprint


class TestDevice:
    def test_the_cpu_is_always_there(self, write):
        assert OnnxModel(write(), device="cpu")(IMAGES[:1]).shape == (1, 5)

    @pytest.mark.parametrize("device", ["tensorrt:1", "cpu:1", "gpu", ""])
    def test_another_is_refused_in_a_sentence(self, write, device):
        with pytest.raises(InputError, match=rf"auto, cpu.*; got {device!r}: another build"):
            OnnxModel(write(), device=device)

    @pytest.mark.parametrize(
        ("device", "providers"),
        [
            ("auto", [("CUDAExecutionProvider", {}), "CPUExecutionProvider"]),
            ("cuda:1", [("CUDAExecutionProvider", {"device_id": "1"}), "CPUExecutionProvider"]),
            ("coreml", [("CoreMLExecutionProvider", {}), "CPUExecutionProvider"]),
            ("cpu", [("CPUExecutionProvider", {})]),
        ],
    )
    def test_what_the_cpu_must_help_with(self, device, providers):
        here = ["CoreMLExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
        assert _providers(device, here) == providers


class TestSidecar:
    def test_preprocessing(self, write):
        path = write()
        wanted = Preprocessing(SIZE, None, "bicubic", (0.1, 0.2, 0.3), (0.5, 0.6, 0.7))
        assert OnnxModel(path).preprocessing == borrowed_preprocessing(path) == wanted

    def test_arguments_come_first(self, write):
        borrowed = Preprocessing(SIZE, 7)
        model = OnnxModel(write(), labels=list("vwxyz"), preprocess=borrowed)
        assert model.labels == tuple("vwxyz")
        np.testing.assert_allclose(model(IMAGES), IMAGES.mean(axis=(1, 2)) @ WEIGHTS, atol=1e-5)

    def test_given_elsewhere(self, write, tmp_path):
        path = write(sidecar=None)
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "names.txt").write_text("\n".join("vwxyz"))
        file = tmp_path / "other" / "side.json"
        file.write_text(json.dumps(changed(labels="names.txt")))
        assert OnnxModel(path, sidecar=file).labels == tuple("vwxyz")
        assert OnnxModel(path, sidecar=SIDECAR).labels == tuple("abcde")

    def test_names_of_tensors_and_classes_may_be_left_out(self, write):
        sidecar = changed(labels=None)
        del sidecar["input"]["name"], sidecar["output"]["name"], sidecar["labels"]
        assert OnnxModel(write(None, sidecar)).labels[4] == "class 4"

    def test_missing_says_what_to_write(self, write):
        with pytest.raises(InputError, match=r'needs a file tiny\.json beside it .*"normalise"'):
            OnnxModel(write(sidecar=None))

    @pytest.mark.parametrize(
        ("sections", "error", "message"),
        [
            ({"output": {"kind": "softmax"}}, InputError, "'logits', 'probabilities' or 'raw'"),
            ({"output": "logits"}, InputError, "must say what the model returns"),
            ({"output": {"name": "score"}}, InputError, "one of scores; it says 'score'"),
            ({"input": {"name": "pixel"}}, InputError, "one of pixels; it says 'pixel'"),
            ({"input": {"layout": "NCWH"}}, InputError, "did you mean 'NCHW'"),
            ({"input": {"layout": "NHWC"}}, ModelError, r"takes inputs of shape \('n', 3, 4, 6\)"),
            ({"input": {"size": [5, 6]}, "resize": {"stretch": [5, 6]}}, ModelError, "size"),
            ({"labels": "gone.txt"}, InputError, r"'gone\.txt', but there is no file"),
            ({"input": {"name": ["pixels"]}}, InputError, "one of pixels; it says"),
            ({"labels": 5}, InputError, "a file's name or a list of names; got 5"),
            ({"labels": ["a", "b"]}, ModelError, "5 outputs but 2 labels"),
            ({"normalize": {}}, InputError, "did you mean 'normalise'"),
        ],
    )
    def test_mistakes_are_named(self, write, sections, error, message):
        with pytest.raises(error, match=message):
            OnnxModel(write(None, changed(**sections)))


class TestFile:
    def test_missing(self, tmp_path):
        with pytest.raises(InputError, match=r"no ONNX file '.*none\.onnx'"):
            OnnxModel(tmp_path / "none.onnx")

    @pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08"])
    def test_damaged(self, write, content, capfd):
        path = write()
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"tiny\.onnx is not an ONNX model"):
            OnnxModel(path)
        assert capfd.readouterr().err == ""

    def test_whole_number_inputs_are_refused(self, write):
        with pytest.raises(ModelError, match=r"tensor\(int16\): export the model with a float32"):
            OnnxModel(write(casting(TensorProto.INT16)))

    def test_two_inputs_are_refused(self, write):
        model = network()
        model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))
        with pytest.raises(ModelError, match=r"several inputs \(pixels, more\)"):
            OnnxModel(write(model))

    def test_fingerprint(self, write):
        first = OnnxModel(write()).fingerprint
        assert first == OnnxModel(write(), batch=2, labels=list("vwxyz")).fingerprint
        assert first != OnnxModel(write(network(weights=WEIGHTS + 1))).fingerprint
        assert first != OnnxModel(write(None, changed(output={"kind": "raw"}))).fingerprint
        assert first != OnnxModel(write(None, changed(normalise={"mean": [0, 0, 0]}))).fingerprint

    def test_fingerprint_covers_which_output_is_asked(self, write):
        model = network()
        model.graph.node.append(helper.make_node("Neg", ["scores"], ["negative"]))
        model.graph.output.append(
            helper.make_tensor_value_info("negative", TensorProto.FLOAT, None)
        )
        one, other = (
            OnnxModel(write(model, changed(output={"name": name}))).fingerprint
            for name in ("scores", "negative")
        )
        assert one != other

    def test_fingerprint_covers_weights_kept_in_another_file(self, tmp_path):
        def saved(weights):
            path = tmp_path / "big.onnx"
            onnx.save_model(
                network(weights=weights),
                path,
                save_as_external_data=True,
                location="big.data",
                size_threshold=0,
            )
            return OnnxModel(path, sidecar=SIDECAR).fingerprint

        first = saved(WEIGHTS)
        (tmp_path / "big.data").unlink()
        assert saved(WEIGHTS + 1) != first


def test_mobilenet_on_a_school_bus(shared_data):
    model = OnnxModel(shared_data / "models" / "mobilenet_v2-imagenet.onnx")
    image = read_image(shared_data / "photos" / "school_bus.jpg")
    row = model(model.preprocessing.apply(image)[None])[0]
    assert model.labels[int(row.argmax())] == "school bus"


def test_the_shared_sidecar_needs_its_labels(shared_data, tmp_path):
    for ending in (".onnx", ".json"):
        shutil.copy(shared_data / "models" / f"mobilenet_v2-imagenet{ending}", tmp_path)
    with pytest.raises(InputError, match="but there is no file"):
        OnnxModel(tmp_path / "mobilenet_v2-imagenet.onnx")
