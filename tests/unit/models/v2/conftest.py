"""An inference server that speaks V2 about one small ONNX network, with troubles to order."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("httpx")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from seewhy.models.preprocessing import Preprocessing
from seewhy.models.v2_model import V2Model

SIZE = (24, 32)
LABELS = ["a", "b", "c", "d"]
MEAN, STD = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
SIDECAR = {
    "input": {"channels": "RGB", "size": list(SIZE)},
    "normalise": {"mean": MEAN, "std": STD},
    "output": {"kind": "logits"},
    "labels": LABELS,
}
BINARY = "binary_tensor_data"
TRITON = [BINARY, "model_configuration", "model_repository"]

_TYPES = {"FP16": "<f2", "FP32": "<f4", "FP64": "<f8", "UINT8": "u1"}
_NAMES = {
    f"tensor({kind})": name
    for kind, name in (
        ("float16", "FP16"),
        ("float", "FP32"),
        ("double", "FP64"),
        ("uint8", "UINT8"),
    )
}
_LENGTH = "Inference-Header-Content-Length"


def network(
    *,
    kind: int = TensorProto.FLOAT,
    layout: str = "NCHW",
    batch: Any = "n",
    outputs: tuple[str, ...] = ("logits",),
) -> bytes:
    """A convolution, a mean and a matrix; bytes are divided by 255 inside."""
    rng = np.random.default_rng(0)
    floating = TensorProto.FLOAT if kind == TensorProto.UINT8 else kind
    constants = {
        "kernels": rng.normal(size=(6, 3, 3, 3)),
        "matrix": 4 * rng.normal(size=(6, 4)),
        "shift": rng.normal(size=4),
        "scale": np.array(1 / 255),
    }
    steps = [
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2])
        if layout == "NHWC"
        else helper.make_node("Identity", ["pixels"], ["planes"]),
        helper.make_node("Cast", ["planes"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["numbers", "scale"], ["small"])
        if kind == TensorProto.UINT8
        else helper.make_node("Identity", ["numbers"], ["small"]),
        helper.make_node("Conv", ["small", "kernels"], ["edges"], strides=[2, 2]),
        helper.make_node("Relu", ["edges"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Gemm", ["flat", "matrix", "shift"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["shares"], axis=1),
    ]
    for name in outputs:
        source = "shares" if name.startswith("prob") else "scores"
        steps.append(helper.make_node("Cast", [source], [name], to=floating))
    shape = [batch, 3, *SIZE] if layout == "NCHW" else [batch, *SIZE, 3]
    graph = helper.make_graph(
        steps,
        "small",
        [helper.make_tensor_value_info("pixels", kind, shape)],
        [helper.make_tensor_value_info(name, floating, [batch, 4]) for name in outputs],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model.SerializeToString()


Trouble = Callable[["Service", int, bytes], Awaitable[Response | None]]


@dataclass
class Service:
    """One model behind the protocol; `trouble` may answer the n-th inference request instead."""

    content: bytes
    extensions: list[str] = field(default_factory=list)
    max_batch_size: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    ready: int = 200
    trouble: Trouble | None = None
    url: str = ""
    asked: int = 0
    batches: list[int] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    seen: list[dict[str, str]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0

    def __post_init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.content, options, providers=["CPUExecutionProvider"]
        )

    def always(self, response: Response) -> None:
        """Answer so, whatever is asked."""

        async def trouble(service: Service, number: int, body: bytes) -> Response:
            return response

        self.trouble = trouble

    @property
    def spec(self) -> str:
        return f"v2+{self.url}"

    def app(self) -> Starlette:
        model = "/v2/models/net"
        routes = [
            Route("/v2", self._server),
            Route("/v2/repository/index", self._index, methods=["POST"]),
        ]
        for place in (model, f"{model}/versions/1"):
            routes += [
                Route(place, self._model),
                Route(f"{place}/ready", self._ready),
                Route(f"{place}/config", self._config),
                Route(f"{place}/infer", self._infer, methods=["POST"]),
            ]
        return Starlette(routes=routes)

    async def _server(self, request: Request) -> Response:
        return JSONResponse({"name": "s", "version": "1", "extensions": self.extensions})

    async def _index(self, request: Request) -> Response:
        return JSONResponse([{"name": "net", "version": "1", "state": "READY"}])

    async def _ready(self, request: Request) -> Response:
        return Response(status_code=self.ready)

    async def _config(self, request: Request) -> Response:
        return JSONResponse({"name": "net", "max_batch_size": self.max_batch_size or 0})

    async def _model(self, request: Request) -> Response:
        self.seen.append(dict(request.headers))
        document = {"name": "net", "versions": ["1"], "platform": "onnxruntime_onnx"}
        for key, tensors in (
            ("inputs", self.session.get_inputs()),
            ("outputs", self.session.get_outputs()),
        ):
            document[key] = [
                {
                    "name": t.name,
                    "datatype": _NAMES[t.type],
                    "shape": [n if isinstance(n, int) else -1 for n in t.shape],
                }
                for t in tensors
            ]
        return JSONResponse({**document, **self.metadata})

    async def _infer(self, request: Request) -> Response:
        self.asked += 1
        number = self.asked
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            body = await request.body()
            if self.trouble is not None:
                answer = await self.trouble(self, number, body)
                if answer is not None:
                    return answer
            return await asyncio.to_thread(self.answer, body, request.headers.get(_LENGTH))
        finally:
            self.under_way -= 1

    def answer(self, body: bytes, length: str | None) -> Response:
        head, rest = (body, b"") if length is None else (body[: int(length)], body[int(length) :])
        asked = json.loads(head)
        (sent,) = asked["inputs"]
        kind = _TYPES[sent["datatype"]]
        values = np.frombuffer(rest, kind) if length else np.array(sent["data"], kind)
        values = values.reshape(sent["shape"])
        self.batches.append(len(values))
        self.kinds.add("bytes" if length else "json")
        if self.max_batch_size and len(values) > self.max_batch_size:
            return JSONResponse({"error": "batch too large"}, 400)
        named = asked.get("outputs", ())
        settings = [each.get("parameters", {}).get("binary_data") for each in named]
        if not named:
            settings = [asked.get("parameters", {}).get("binary_data_output")]
        as_bytes = all(settings) and BINARY in self.extensions
        if as_bytes:
            self.kinds.add("answered in bytes")
        names = [each["name"] for each in named] or [t.name for t in self.session.get_outputs()]
        try:
            arrays = self.session.run(names, {sent["name"]: values})
        except Exception as error:
            return JSONResponse({"error": str(error)}, 400)
        return self._written(names, arrays, as_bytes=as_bytes)

    def _written(self, names: list[str], arrays: list[Any], *, as_bytes: bool) -> Response:
        outputs, rest = [], b""
        types = {np.dtype(kind): name for name, kind in _TYPES.items()}
        for name, array in zip(names, arrays, strict=True):
            entry: dict[str, Any] = {
                "name": name,
                "datatype": types[array.dtype],
                "shape": list(array.shape),
            }
            if as_bytes:
                entry["parameters"] = {"binary_data_size": array.nbytes}
                rest += array.tobytes()
            else:
                entry["data"] = array.ravel().tolist()
            outputs.append(entry)
        document = {"model_name": "net", "model_version": "1", "outputs": outputs}
        if not as_bytes:
            return JSONResponse(document)
        head = json.dumps(document).encode()
        return Response(head + rest, headers={_LENGTH: str(len(head))})


class Host:
    """Several services behind one port, each under a prefix of its own."""

    def __init__(self) -> None:
        self.apps: dict[str, Starlette] = {}
        # Named as TCP, or asyncio would not switch Nagle's 40 ms of delay off.
        self.listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen()
        self.root = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        prefix, _, rest = scope["path"].lstrip("/").partition("/")
        await self.apps[prefix]({**scope, "path": f"/{rest}"}, receive, send)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    services = Host()
    server = uvicorn.Server(
        uvicorn.Config(
            services,
            log_level="critical",
            lifespan="off",
            ws="none",
            http="h11",
            timeout_graceful_shutdown=0,
        )
    )
    thread = threading.Thread(target=server.run, args=([services.listening],), daemon=True)
    thread.start()
    yield services
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def serve(host: Host) -> Callable[..., Service]:
    """Start services of one model each."""

    def start(content: bytes | None = None, **settings: Any) -> Service:
        service = Service(network() if content is None else content, **settings)
        prefix = f"service-{len(host.apps)}"
        host.apps[prefix] = service.app()
        service.url = f"{host.root}/{prefix}/v2/models/net"
        return service

    return start


@pytest.fixture
def model(serve: Callable[..., Service]) -> Callable[..., tuple[Service, V2Model]]:
    """Open a model that was well when it was opened, two pictures to a request."""

    def opened(*, extensions: Any = (), **settings: Any) -> tuple[Service, V2Model]:
        service = serve(extensions=list(extensions))
        preprocessing = Preprocessing(SIZE, mean=tuple(MEAN), std=tuple(STD))
        settings = {"preprocess": preprocessing, "output": "logits", "batch": 2, **settings}
        return service, V2Model(service.url, **settings)

    return opened


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Start a server that does with each connection what it is told; gives its URL."""
    listening: list[socket.socket] = []

    def start(talk: Callable[[socket.socket], None]) -> str:
        door = socket.create_server(("127.0.0.1", 0))
        listening.append(door)

        def listen() -> None:
            while True:
                try:
                    caller, _ = door.accept()
                except OSError:
                    return
                with caller, suppress(OSError):
                    talk(caller)

        threading.Thread(target=listen, daemon=True).start()
        return f"http://127.0.0.1:{door.getsockname()[1]}"

    yield start
    for door in listening:
        door.shutdown(socket.SHUT_RDWR)
        door.close()


@pytest.fixture
def onnx_file(tmp_path: Path) -> Callable[[bytes], Path]:
    def written(content: bytes) -> Path:
        path = tmp_path / "net.onnx"
        path.write_bytes(content)
        return path

    return written


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(1).random((23, *SIZE, 3), dtype=np.float32)


@pytest.fixture
def make_network() -> Callable[..., bytes]:
    return network


@pytest.fixture
def sidecar() -> dict[str, Any]:
    return json.loads(json.dumps(SIDECAR))
