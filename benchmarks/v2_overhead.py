"""What a network costs more behind an inference server than in the same process, per mask.

The script starts a small server in another process that speaks KServe V2 over the loopback device
and runs the file in ONNX Runtime with the settings of `OnnxModel`. In turn, `--rounds` times, the
same masks of a picture of noise are asked about in this process and over HTTP: numbers as JSON and
as bytes, one request at a time and four. Medians per mask, and of the differences to this process
in the same round. Server and client share the cores here, so requests at the same time gain little.

Without a file, the network is a mean of each channel, which costs next to nothing: what is left is
the way to the server and back.

    python benchmarks/v2_overhead.py [FILE.onnx] [--sidecar FILE.json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper

import seewhy as sw
from seewhy.models.onnx_session import open_session

LENGTH = "Inference-Header-Content-Length"
WAYS = [("JSON", False, 1), ("JSON", False, 4), ("bytes", True, 1), ("bytes", True, 4)]


def serve(file: Path, listening: socket.socket) -> None:
    """Speak as much V2 about one float32 network as `V2Model` asks for."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    session = open_session(file, name=file.name)
    answers = session.get_outputs()

    def described(tensor: Any) -> dict[str, Any]:
        shape = [n if isinstance(n, int) else -1 for n in tensor.shape]
        return {"name": tensor.name, "datatype": "FP32", "shape": shape}

    async def server(request: Request) -> Response:
        return JSONResponse({"name": "bench", "extensions": ["binary_tensor_data"]})

    async def model(request: Request) -> Response:
        inputs = [described(tensor) for tensor in session.get_inputs()]
        return JSONResponse({"inputs": inputs, "outputs": [described(t) for t in answers]})

    def answer(body: bytes, length: str | None) -> Response:
        head = body if length is None else body[: int(length)]
        asked = json.loads(head)
        (sent,) = asked["inputs"]
        values = np.asarray(sent["data"], "<f4") if length is None else body[int(length) :]
        pictures = np.frombuffer(values, "<f4").reshape(sent["shape"])
        name = asked["outputs"][0]["name"]
        scores = session.run([name], {sent["name"]: pictures})[0]
        entry = {"name": name, "datatype": "FP32", "shape": list(scores.shape)}
        if length is None:
            return JSONResponse({"outputs": [{**entry, "data": scores.ravel().tolist()}]})
        entry["parameters"] = {"binary_data_size": scores.nbytes}
        head = json.dumps({"outputs": [entry]}).encode()
        return Response(head + scores.tobytes(), headers={LENGTH: str(len(head))})

    async def infer(request: Request) -> Response:
        return await asyncio.to_thread(answer, await request.body(), request.headers.get(LENGTH))

    at = "/v2/models/net"
    routes = [Route("/v2", server), Route(at, model), Route(f"{at}/infer", infer, methods=["POST"])]
    config = uvicorn.Config(Starlette(routes=routes), log_level="critical", lifespan="off")
    uvicorn.Server(config).run(sockets=[listening])


def write_means(folder: Path) -> Path:
    """Write the mean of each channel of 224² pictures as a network, with its sidecar."""
    shape = ["n", 3, 224, 224]
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["pixels"], ["means"], axes=[2, 3], keepdims=0)],
        "means",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", 3])],
    )
    file = folder / "means.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    file.write_bytes(model.SerializeToString())
    sidecar = {"input": {"size": [224, 224], "layout": "NCHW"}, "output": {"kind": "raw"}}
    file.with_suffix(".json").write_text(json.dumps(sidecar))
    return file


def open_port() -> socket.socket:
    """Listen on a free port; named as TCP, or asyncio would leave Nagle's 40 ms of delay on."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    return listening


def milliseconds(call: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start) / count


def measure(file: Path, sidecar: Path, url: str, *, count: int, rounds: int) -> None:
    here = sw.OnnxModel(file, sidecar=sidecar)
    there = [
        sw.V2Model(url, sidecar=sidecar, binary=binary, concurrency=concurrency)
        for _, binary, concurrency in WAYS
    ]
    rng = np.random.default_rng(0)
    h, w, c = here.input_size
    image, fill = rng.random((2, h, w, c), dtype=np.float32)
    segments = (np.arange(h)[:, None] * 8 // h * 8 + np.arange(w) * 8 // w).astype(np.int32)
    masks = rng.random((count, 64)) < 0.5
    asked = [model.masked(image, fill, segments) for model in (here, *there)]
    wanted = asked[0](masks)
    worst = max(float(np.abs(ask(masks) - wanted).max()) for ask in asked[1:])
    times = np.array([[milliseconds(lambda: ask(masks), count) for ask in asked]  # noqa: B023
                      for _ in range(rounds)])  # fmt: skip
    print(f"{file.name}, {count} masks of {h}×{w}×{c}, {rounds} rounds")
    print(f"largest difference between the scores: {worst:.1g}")
    print(f"{'in this process':32s} {np.median(times[:, 0]):6.2f} ms a mask")
    for column, ((name, _, concurrency), model) in enumerate(zip(WAYS, there, strict=True), 1):
        way = f"{name}, {concurrency} × {model.batch_size // concurrency} pictures at a time"
        more = np.median(times[:, column] - times[:, 0])
        print(f"{way:32s} {np.median(times[:, column]):6.2f} ms a mask, {more:+.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--sidecar", type=Path)
    parser.add_argument("--masks", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.file, socket.socket(fileno=options.serve))
        return
    with tempfile.TemporaryDirectory() as folder, open_port() as listening:
        file = options.file or write_means(Path(folder))
        sidecar = options.sidecar or file.with_suffix(".json")
        number = listening.fileno()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v2/models/net"
        command = [sys.executable, __file__, str(file), "--serve", str(number)]
        server = subprocess.Popen(command, pass_fds=[number])
        try:
            measure(file, sidecar, url, count=options.masks, rounds=options.rounds)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
