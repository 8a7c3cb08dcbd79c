"""What a server says about its model: what follows from it, and what is left open."""

from __future__ import annotations

import pytest
from onnx import TensorProto

from seewhy.errors import InputError, ModelError, SpecError
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.v2_address import V2Address, read_address
from seewhy.models.v2_metadata import Served
from seewhy.models.v2_model import V2Model
from seewhy.models.v2_wire import Tensor

SIZE = (24, 32)
PREPROCESSING = Preprocessing(SIZE)


def opened(service, **settings):
    return V2Model(service.url, **{"preprocess": PREPROCESSING, "output": "logits", **settings})


def tensor(name, shape, datatype="FP32"):
    return {"name": name, "datatype": datatype, "shape": shape}


class TestAddress:
    @pytest.mark.parametrize(
        ("url", "root", "path"),
        [
            ("v2+http://host/v2/models/m", "http://host", "/v2/models/m"),
            ("https://host:8443/v2/models/m/", "https://host:8443", "/v2/models/m"),
            ("v2+http://h/a/b/v2/models/m/versions/3", "http://h/a/b", "/v2/models/m/versions/3"),
            ("http://[::1]:80/v2/models/m/infer", "http://[::1]:80", "/v2/models/m"),
            ("http://h/v2/models/v2/versions/v2", "http://h", "/v2/models/v2/versions/v2"),
        ],
    )
    def test_parts(self, url, root, path):
        address = read_address(url)
        assert (address.root, address.path) == (root, path)
        assert address.spec == f"v2+{root}{path}"
        assert address.user is None

    def test_user_and_password(self):
        address = read_address("v2+http://a%40b:p%2Fw@host:1/v2/models/m")
        assert address == V2Address("http://host:1", "m", None, ("a@b", "p/w"))
        assert "p/w" not in repr(address)

    @pytest.mark.parametrize(
        "url",
        [
            "v2+http://me:secret@host/v1/models/m",
            "v2+http://me:secret@host/v2/models/",
            "v2+http://me:secret@host/v2/models/m/load",
            "v2+http://host/v2/models/m?key=secret",
            "v2+http://host/v2/models/m#secret",
            "v2+http://me:secret@host:x/v2/models/m",
            "v2+http://me:se/cret@host/v2/models/m",
            "v2+http:///v2/models/m",
            "v2+ftp://host/v2/models/m",
            "v2+http://[host/v2/models/m",
        ],
    )
    def test_others_are_refused_without_showing_secrets(self, url):
        with pytest.raises(SpecError, match=r"must read v2\+http://HOST") as caught:
            read_address(url)
        assert "cret" not in str(caught.value)


class TestLayout:
    def served(self):
        return Served("net", frozenset(), b"", (), (), None)

    @pytest.mark.parametrize(
        ("shape", "wanted"),
        [
            ((-1, 3, 24, 32), "NCHW"),
            ((4, 24, 32, 3), "NHWC"),
            ((-1, 3, -1, -1), "NCHW"),
            ((-1, -1, -1, 3), "NHWC"),
            ((-1, -1, 32, -1), "NHWC"),
        ],
    )
    def test_follows_from_the_shape(self, shape, wanted):
        entry = Tensor("pixels", "FP32", shape)
        assert self.served().layout(entry, PREPROCESSING, None) == wanted
        other = "NHWC" if wanted == "NCHW" else "NCHW"
        with pytest.raises(ModelError, match=rf"24 × 32 with 3 channels, {other} \[-1"):
            self.served().layout(entry, PREPROCESSING, other)

    @pytest.mark.parametrize(
        ("shape", "preprocessing"),
        [
            ((-1, -1, -1, -1), PREPROCESSING),
            ((-1, 3, 3, 3), Preprocessing((3, 3))),
        ],
    )
    def test_two_readings_are_asked_about(self, shape, preprocessing):
        entry = Tensor("pixels", "FP32", shape)
        with pytest.raises(InputError, match=r"says neither NCHW nor NHWC; give a sidecar"):
            self.served().layout(entry, preprocessing, None)
        assert self.served().layout(entry, preprocessing, "NHWC") == "NHWC"

    @pytest.mark.parametrize(
        "shape", [(3, 24, 32), (-1, 3, 32, 24), (-1, 2304), (), (-1, 1, 24, 32)]
    )
    def test_another_size_is_refused(self, shape):
        with pytest.raises(ModelError, match="correct its size and channels"):
            self.served().layout(Tensor("pixels", "FP32", shape), PREPROCESSING, None)


class TestTensors:
    def test_several_inputs(self, serve):
        service = serve(metadata={"inputs": [tensor("a", [1]), tensor("b", [2])]})
        with pytest.raises(ModelError, match=r"several inputs \(a FP32 \[1\], b FP32 \[2\]\)"):
            opened(service)

    @pytest.mark.parametrize("datatype", ["BYTES", "INT64", "BF16"])
    def test_other_types(self, serve, datatype):
        service = serve(metadata={"inputs": [tensor("a", [-1, 3, 24, 32], datatype)]})
        with pytest.raises(
            ModelError, match=rf"one of FP16, FP32, FP64, UINT8; it is a {datatype}"
        ):
            opened(service)

    def test_an_input_of_another_name(self, serve, sidecar):
        sidecar["input"]["name"] = "pixel"
        with pytest.raises(InputError, match=r"inputs are pixels FP32 .*; got 'pixel'"):
            V2Model(serve().url, sidecar=sidecar)

    def test_a_server_that_lists_none_needs_a_sidecar(self, serve, sidecar, pictures):
        """MLServer says only what its model-settings.json says."""
        service = serve(metadata={"inputs": [], "outputs": []}, extensions=["binary_tensor_data"])
        with pytest.raises(InputError, match="its inputs are not listed"):
            opened(service)
        sidecar["input"]["name"] = "pixels"
        with pytest.raises(InputError, match="neither NCHW nor NHWC"):
            V2Model(service.url, sidecar=sidecar)
        sidecar["input"]["layout"] = "NCHW"
        silent = V2Model(service.url, sidecar=sidecar)
        assert service.kinds == {"bytes", "answered in bytes"}
        service.metadata = {}
        assert (
            silent(pictures).tobytes() == V2Model(service.url, sidecar=sidecar)(pictures).tobytes()
        )

    @pytest.mark.parametrize(
        ("names", "kind", "wanted"),
        [
            (["boxes", "logits"], "logits", "logits"),
            (["boxes", "output"], "logits", "output"),
            (["output", "logits"], "logits", "logits"),
            (["logits", "probabilities"], "probabilities", "probabilities"),
            (["anything"], "raw", "anything"),
            ([], "raw", None),
        ],
    )
    def test_the_output_is_the_one_of_the_usual_name(self, names, kind, wanted):
        listed = tuple(Tensor(name, "FP32", (-1, 4)) for name in names)
        assert Served("net", frozenset(), b"", (), listed, None).answer(None, kind) == wanted

    @pytest.mark.parametrize(
        ("names", "said"),
        [
            (["first", "second"], None),
            (["scores", "output"], None),
            (["a", "b"], "c"),
            (["a"], "c"),
        ],
    )
    def test_outputs_that_leave_it_open_are_listed(self, names, said):
        listed = tuple(Tensor(name, "FP32", (-1, 4)) for name in names)
        served = Served("net", frozenset(), b"", (), listed, None)
        with pytest.raises(InputError, match=rf"one of {names[0]} FP32 \[-1, 4\].*; got {said!r}"):
            served.answer(said, "logits")

    def test_bytes_are_not_normalised(self, serve, make_network):
        service = serve(make_network(kind=TensorProto.UINT8))
        with pytest.raises(InputError, match="takes bytes, 0 to 255, which leave nothing to norm"):
            opened(service, preprocess=Preprocessing(SIZE, mean=(0.5,) * 3))
        scaled = Preprocessing(SIZE, std=(1 / 255,) * 3)
        assert opened(service, preprocess=scaled).fingerprint == opened(service).fingerprint
        with pytest.raises(InputError, match=r'such as {"input": {[^}]*}}'):
            V2Model(service.url)


class TestServer:
    def test_a_wrong_name_lists_the_right_one(self, serve):
        service = serve()
        with pytest.raises(
            ModelError, match=r"does not describe /v2/models/nett .*404.*; did you mean 'net'\?"
        ):
            V2Model(service.url + "t")
        with pytest.raises(ModelError, match=r"models/r%C3%A9sum%C3%A9 .*; it has net\."):
            V2Model(service.url.replace("/net", "/r%C3%A9sum%C3%A9"))

    def test_a_wrong_version(self, serve):
        with pytest.raises(
            ModelError, match=r"models/net/versions/7 \(404.*; leave the version out"
        ):
            V2Model(f"{serve().url}/versions/7")

    def test_not_ready(self, serve):
        with pytest.raises(ModelError, match=r"is there but not ready \(400\); try again"):
            opened(serve(ready=400))

    def test_a_server_that_does_not_know_ready(self, serve):
        assert opened(serve(ready=404)).labels[0] == "class 0"

    @pytest.mark.parametrize(
        "metadata",
        [
            {"inputs": 5},
            {"inputs": [5]},
            {"inputs": [{"name": "a"}]},
            {"outputs": [tensor("a", ["x"])]},
            {"outputs": [tensor("a", None)]},
        ],
    )
    def test_descriptions_that_are_none(self, serve, metadata):
        with pytest.raises(ModelError, match="must describe its inputs and outputs"):
            opened(serve(metadata=metadata))

    def test_shapes_in_quotes_are_read(self, serve, pictures):
        """As some servers write 64-bit numbers."""
        service = serve(metadata={"inputs": [tensor("pixels", ["-1", "3", "24", "32"])]})
        assert opened(service)(pictures).shape == (23, 4)


class TestOtherServers:
    @pytest.mark.parametrize(
        ("status", "message"),
        [
            (b"404 Not Found", r"does not describe .*is it the address of a V2 server"),
            (b"200 OK", r"must describe its inputs .*<html>hello</html>'"),
            (b"401 Unauthorized", r"wants to know who asks \(401.*headers="),
            (b"403 Forbidden", r"wants to know who asks \(403"),
            (b"302 Found\r\nLocation: https://login.example/", r"sends to https://login\.example/"),
        ],
    )
    def test_are_told_apart(self, raw_server, status, message):
        def talk(caller):
            caller.recv(65536)
            head = b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 18\r\n\r\n"
            caller.sendall(head + b"<html>hello</html>")

        with pytest.raises(ModelError, match=message):
            V2Model(f"{raw_server(talk)}/v2/models/net")
