"""V2Model against the same network in this process: JSON and bytes, batches, layouts, types."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from onnx import TensorProto
from skimage import data

import seewhy as sw
from seewhy.errors import InputError, ModelError
from seewhy.models.onnx_model import OnnxModel
from seewhy.models.origin import Origin
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.request import ModelRequest
from seewhy.models.v2_model import V2Model, from_request

SIZE = (24, 32)
TRITON = ["binary_tensor_data", "model_configuration", "model_repository"]
PREPROCESSING = Preprocessing(SIZE, mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3))
BYTES = Preprocessing(SIZE)


@pytest.fixture
def same(serve, make_network, onnx_file):
    """One network behind a server and in this process."""

    def start(*, preprocess=PREPROCESSING, extensions=(), max_batch_size=None, model=None, **net):
        content = make_network(**net)
        service = serve(content, extensions=list(extensions), max_batch_size=max_batch_size)
        here = OnnxModel(onnx_file(content), preprocess=preprocess, output="logits")
        there = V2Model(service.url, preprocess=preprocess, output="logits", **(model or {}))
        return service, there, here

    return start


class TestScores:
    @pytest.mark.parametrize("extensions", [[], TRITON])
    @pytest.mark.parametrize("concurrency", [1, 3])
    def test_equal_those_of_the_same_file(self, same, pictures, extensions, concurrency):
        settings = {"batch": 2, "concurrency": concurrency}
        service, there, here = same(extensions=extensions, model=settings)
        np.testing.assert_allclose(there(pictures), here(pictures), atol=1e-5)
        assert service.kinds == ({"bytes", "answered in bytes"} if extensions else {"json"})
        assert sorted(service.batches) == [1, 1] + [2] * 11  # the first is the grey picture
        assert there.batch_size == 2 * concurrency

    def test_bytes_and_json_give_the_same_bits(self, same, pictures):
        _, as_bytes, _ = same(extensions=TRITON)
        _, as_json, _ = same(extensions=TRITON, model={"binary": False})
        assert as_bytes(pictures).tobytes() == as_json(pictures).tobytes()

    @pytest.mark.parametrize("extensions", [[], TRITON])
    @pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
    @pytest.mark.parametrize(
        ("kind", "preprocess"),
        [
            (TensorProto.FLOAT16, PREPROCESSING),
            (TensorProto.DOUBLE, PREPROCESSING),
            (TensorProto.UINT8, BYTES),
        ],
    )
    def test_types_and_layouts(self, same, pictures, extensions, layout, kind, preprocess):
        _, there, here = same(
            kind=kind, layout=layout, extensions=extensions, preprocess=preprocess
        )
        tolerance = 1e-2 if kind == TensorProto.FLOAT16 else 1e-5  # half a unit in the last place
        np.testing.assert_allclose(there(pictures), here(pictures), atol=tolerance)
        assert there.preprocessing == here.preprocessing

    def test_bytes_are_rounded_not_cut(self, same, pictures):
        _, there, _ = same(kind=TensorProto.UINT8, preprocess=BYTES)
        rounded = np.rint(pictures * 255) / 255
        assert there(pictures).tobytes() == there(rounded).tobytes()

    @pytest.mark.parametrize("batch", [1, 5])
    def test_a_fixed_batch_is_filled_up(self, same, pictures, batch):
        service, there, here = same(batch=batch, model={"batch": 64})
        np.testing.assert_allclose(there(pictures), here(pictures), atol=1e-5)
        assert set(service.batches) == {batch}

    def test_the_largest_batch_is_heeded(self, same, pictures):
        service, there, here = same(max_batch_size=4, extensions=TRITON, model={"batch": 64})
        np.testing.assert_allclose(there(pictures), here(pictures), atol=1e-5)
        assert max(service.batches) == 4

    @pytest.mark.parametrize("extensions", [[], TRITON])
    def test_one_of_several_outputs(self, serve, make_network, pictures, extensions):
        service = serve(
            make_network(outputs=("probabilities", "features", "logits")), extensions=extensions
        )
        logits = V2Model(service.url, preprocess=PREPROCESSING, output="logits")(pictures)
        shares = V2Model(service.url, preprocess=PREPROCESSING, output="probabilities")(pictures)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        np.testing.assert_allclose(shares, shifted / shifted.sum(axis=1, keepdims=True), atol=1e-5)

    def test_requests_are_under_way_together(self, same, pictures):
        import asyncio

        service, there, here = same(model={"batch": 1, "concurrency": 4})

        async def linger(service, number, body):
            await asyncio.sleep(0.02 if number % 2 else 0.1)  # answers overtake each other

        service.trouble = linger
        np.testing.assert_allclose(there(pictures), here(pictures), atol=1e-5)
        assert service.most_under_way == 4


class TestExplanation:
    @pytest.mark.parametrize("extensions", [[], TRITON])
    def test_equals_that_of_the_same_file(self, same, extensions):
        _, there, here = same(extensions=extensions, model={"batch": 7})
        photo = data.astronaut()[::4, ::4]
        wanted, got = (
            sw.explain(
                photo, model, methods="kernel-shap", segments="grid:3x4", budget=128, seed=0
            )["kernel-shap"].values
            for model in (here, there)
        )
        assert np.abs(wanted).max() > 0.01
        np.testing.assert_allclose(got, wanted, atol=1e-4)


class TestWhatIsSaid:
    def test_by_a_sidecar(self, serve, make_network, onnx_file, pictures, sidecar, tmp_path):
        content = make_network(outputs=("first", "second"))
        sidecar["output"]["name"] = "second"
        file = tmp_path / "net.json"
        file.write_text(json.dumps(sidecar))
        here = OnnxModel(onnx_file(content))
        for given in (sidecar, file, str(file)):
            there = V2Model(serve(content).url, sidecar=given)
            np.testing.assert_allclose(there(pictures), here(pictures), atol=1e-5)
            assert there.labels == ("a", "b", "c", "d")
        assert there.origin is not None
        assert there.origin.labels == there.origin.output == "net.json"

    def test_arguments_go_before_the_sidecar(self, serve, sidecar):
        model = V2Model(
            serve().url, sidecar=sidecar, labels=list("wxyz"), output="raw", preprocess=BYTES
        )
        assert (model.labels, model.output) == (tuple("wxyz"), "raw")
        assert model.preprocessing == BYTES
        assert model.origin == Origin("as given", "as given", "as given")

    def test_on_the_command_line(self, serve):
        service = serve()
        request = ModelRequest(
            service.spec, preprocess=PREPROCESSING, output="logits", labels=tuple("wxyz"), batch=3
        )
        model = from_request(request)
        assert (model.spec, model.labels) == (service.spec, tuple("wxyz"))
        assert model.batch_size == 12
        assert model.framework == "v2"

    def test_a_version(self, serve, pictures):
        service = serve()
        url = f"{service.url}/versions/1"
        model = V2Model(url, preprocess=PREPROCESSING, output="logits")
        assert model.spec == f"v2+{url}"
        assert model(pictures).shape == (23, 4)

    def test_classes_are_numbered_without_labels(self, serve):
        model = V2Model(serve().url, preprocess=PREPROCESSING, output="logits")
        assert model.labels[3] == "class 3"
        assert model.origin is not None
        assert model.origin.labels == "numbered"

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({}, r'"size": \[24, 32\].* and output as .*--preprocess FILE\.json --returns logits'),
            ({"output": "logits"}, r'give preprocess as .*"mean".*line --preprocess FILE\.json\)'),
            ({"preprocess": PREPROCESSING}, r"give output as 'logits', .*line --returns logits\)"),
        ],
    )
    def test_what_is_missing_is_asked_for(self, serve, given, message):
        with pytest.raises(InputError, match=message):
            V2Model(serve().url, **given)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"weights": "w.pth"}, "weights does not go with"),
            ({"pretrained": False}, "pretrained=False does not go with"),
            ({"device": "cuda"}, "device='cuda' does not go with"),
        ],
    )
    def test_what_a_server_cannot_heed_is_refused(self, given, message):
        request = ModelRequest("v2+http://me:secret@nowhere/v2/models/net", **given)
        with pytest.raises(InputError, match=message) as caught:
            from_request(request)
        assert "secret" not in str(caught.value)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"labels": "abcd"}, "labels must be a sequence of names; got the text 'abcd'"),
            ({"labels": ["a"] * 3}, "has 4 outputs but 3 labels"),
            ({"output": "softmax"}, "output must be"),
            ({"binary": "yes"}, "binary must be True, False or 'auto'; got 'yes'"),
            ({"batch": 0}, "batch must be"),
            ({"timeout": 0}, "timeout must be a positive number of seconds; got 0"),
            ({"timeout": float("inf")}, "timeout must be a positive number"),
            ({"retries": -1}, "retries must be a whole number, 0 or more; got -1"),
            ({"concurrency": 0}, "concurrency must be a whole number, 1 or more; got 0"),
            ({"headers": {"Authorization": "clé"}}, "headers must be a mapping"),
            ({"headers": "Bearer x"}, "headers must be a mapping"),
            ({"headers": {"Authorization": "a\nb"}}, "headers hold something that HTTP"),
        ],
    )
    def test_mistakes_are_named(self, serve, given, message):
        arguments = {"preprocess": PREPROCESSING, "output": "logits", **given}
        with pytest.raises((InputError, ModelError), match=message):
            V2Model(serve().url, **arguments)


class TestSecrets:
    def test_headers_are_sent(self, serve):
        service = serve()
        V2Model(
            service.url,
            preprocess=PREPROCESSING,
            output="logits",
            headers={"Authorization": "Bearer k"},
        )
        assert service.seen[0]["authorization"] == "Bearer k"

    def test_a_password_is_sent_but_never_shown(self, serve):
        service = serve()
        url = service.url.replace("//", "//me:se%40cret@")
        model = V2Model(url, preprocess=PREPROCESSING, output="logits")
        assert service.seen[0]["authorization"] == "Basic bWU6c2VAY3JldA=="
        assert model.spec == service.spec
        plain = V2Model(service.url, preprocess=PREPROCESSING, output="logits")
        assert plain.fingerprint == model.fingerprint
        service.trouble = _broken
        with pytest.raises(ModelError) as caught:
            model(np.zeros((1, *SIZE, 3), np.float32))
        assert "cret" not in str(caught.value)
        assert "cret" not in repr(model)


async def _broken(service, number, body):
    from starlette.responses import Response

    return Response("<html>proxy error</html>")


class TestFingerprint:
    def test_covers_what_can_be_known(self, serve, make_network):
        service = serve(make_network(outputs=("first", "second")))

        def mark(**changes):
            settings = {"preprocess": PREPROCESSING, "output": "logits", **changes}
            name = settings.pop("name", "first")
            sidecar = {
                "input": {"size": list(SIZE)},
                "output": {"kind": "raw", "name": name},
            }
            return V2Model(service.url, sidecar=sidecar, **settings).fingerprint

        first = mark()
        assert mark(batch=3, concurrency=1, labels=list("wxyz"), timeout=5, binary=False) == first
        assert mark(output="raw") != first
        assert mark(preprocess=Preprocessing(SIZE)) != first
        assert mark(name="second") != first
        service.metadata = {"versions": ["1", "2"]}
        assert mark() != first


def test_without_httpx_the_pip_line_is_said():
    code = (
        "import sys; sys.modules['httpx'] = None\n"
        "import seewhy as sw\n"
        "try:\n    sw.load_model('v2+http://host/v2/models/m')\n"
        "except ImportError as error:\n    print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "MissingExtraError a model on a server needs httpx, which is not installed: "
        'pip install "seewhy[http]".\n'
    )
