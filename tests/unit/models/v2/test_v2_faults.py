"""Servers that fail, hang, answer nonsense or are not there: the right result, or one sentence."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest
from starlette.responses import JSONResponse, Response

import seewhy as sw
from seewhy.errors import ModelError
from seewhy.models import v2_client
from seewhy.models.v2_address import read_address
from seewhy.models.v2_client import V2Client
from seewhy.models.v2_model import V2Model

SIZE = (24, 32)
BINARY = ["binary_tensor_data"]


@pytest.fixture
def hasty(monkeypatch):
    """Pauses between tries a hundredth as long."""
    monkeypatch.setattr(v2_client, "_FIRST_PAUSE", 0.0025)
    monkeypatch.setattr(v2_client, "_LONGEST_PAUSE", 0.08)


class TestAgain:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_every_tenth_request_fails(self, model, pictures, hasty, status):
        service, there = model(extensions=BINARY)
        wanted = there(pictures)

        async def tenth(service, number, body):
            return Response("busy", status) if number % 10 == 0 else None

        service.trouble, before = tenth, service.asked
        assert there(pictures).tobytes() == wanted.tobytes()
        assert there(pictures).tobytes() == wanted.tobytes()
        assert service.asked - before in (26, 27)  # 24, and those that were asked again

    def test_an_explanation_over_a_failing_server_is_the_same(self, model, hasty):
        service, there = model(extensions=BINARY, batch=5)
        photo = np.random.default_rng(0).random((*SIZE, 3))
        settings = {"methods": "kernel-shap", "segments": "grid:3x3", "budget": 64, "seed": 0}
        wanted = sw.explain(photo, there, **settings)["kernel-shap"].values

        async def fourth(service, number, body):
            return Response("busy", 503) if number % 4 == 0 else None

        service.trouble = fourth
        got = sw.explain(photo, there, **settings)["kernel-shap"].values
        assert got.tobytes() == wanted.tobytes()

    def test_for_good(self, model, pictures, hasty):
        service, there = model(retries=2, concurrency=1)
        before = service.asked
        service.always(JSONResponse({"error": "no\nmemory"}, 503))
        with pytest.raises(ModelError) as caught:
            there(pictures)
        assert service.asked - before == 3
        said = str(caught.value)
        assert said.startswith(f"{there.spec} cannot be asked: it answered 503: no memory, after 3")
        assert "; check that the server runs there, or give it longer" in said

    @pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 501])
    def test_what_will_not_change_is_asked_once(self, model, pictures, status):
        service, there = model(concurrency=1)
        before = service.asked
        service.always(JSONResponse({"error": "no"}, status))
        with pytest.raises(ModelError, match=rf"\({status}: no\)"):
            there(pictures)
        assert service.asked - before == 1

    def test_too_much_at_a_time(self, model, pictures):
        service, there = model(concurrency=1)
        service.always(Response(None, 413))
        with pytest.raises(ModelError, match=r"0\.\d MB of 2 pictures as too much .*smaller batch"):
            there(pictures)

    @pytest.mark.parametrize("as_date", [False, True])
    def test_retry_after_is_heeded(self, model, pictures, hasty, as_date):
        service, there = model(concurrency=1)
        at: list[float] = []

        async def busy(service, number, body):
            at.append(time.monotonic())
            later = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
            if len(at) == 1:
                return Response(None, 429, {"Retry-After": later if as_date else "1"})
            return None

        service.trouble = busy
        there(pictures[:1])
        assert 0.95 < at[1] - at[0] < 4

    def test_a_server_that_asks_for_an_hour_is_not_waited_for(self, model, pictures):
        service, there = model()
        service.always(Response(None, 503, {"Retry-After": "3600"}))
        began = time.monotonic()
        with pytest.raises(ModelError, match=r"asks for 3600 s of patience\), after 1 try in"):
            there(pictures)
        assert time.monotonic() - began < 5

    @pytest.mark.parametrize("nonsense", ["soon", "-5", "", "Wed, 99 Foo"])
    def test_a_retry_after_that_cannot_be_read_is_none(self, model, pictures, hasty, nonsense):
        service, there = model(concurrency=1)

        async def once(service, number, body):
            return Response(None, 503, {"Retry-After": nonsense}) if number == 2 else None

        service.trouble = once
        assert there(pictures[:1]).shape == (1, 4)

    def test_the_first_failure_ends_the_others(self, model, pictures):
        service, there = model(batch=1, concurrency=4)

        async def mixed(service, number, body):
            return Response("bad", 400 if number == 3 else 503)

        service.trouble, before = mixed, service.asked
        with pytest.raises(ModelError, match="400: bad"):
            there(pictures)
        time.sleep(1.0)  # longer than the two pauses after which the others would have asked again
        assert service.asked - before <= 7


class TestConnections:
    def test_nobody_listens(self, hasty):
        with socket.create_server(("127.0.0.1", 0)) as door:
            port = door.getsockname()[1]
        with pytest.raises(ModelError, match=r"no connection could be made \(.*refused\), after 5"):
            V2Model(f"http://127.0.0.1:{port}/v2/models/net")

    def test_wrong_host(self, hasty):
        with pytest.raises(ModelError, match=r"host\.invalid/v2/models/net cannot be asked: no c"):
            V2Model("http://host.invalid/v2/models/net", retries=1)

    def test_connections_that_break_are_made_again(self, raw_server, hasty):
        seen = []

        def talk(caller):
            seen.append(caller.recv(65536))
            body = b'{"a": 1}' if len(seen) == 3 else b'{"a"'
            if len(seen) > 1:
                caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + body)

        client = V2Client(read_address(f"{raw_server(talk)}/v2/models/net"))
        assert client.ask("GET", "/v2").body == b'{"a": 1}'
        assert len(seen) == 3

    def test_what_is_not_http(self, raw_server, hasty):
        def talk(caller):
            caller.recv(65536)
            caller.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        with pytest.raises(ModelError, match=r"the connection broke \(.*\), after 2 tries"):
            V2Model(f"{raw_server(talk)}/v2/models/net", retries=1)

    def test_wrong_compression(self, raw_server):
        def talk(caller):
            caller.recv(65536)
            head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
            caller.sendall(head + b"oops")

        with pytest.raises(ModelError, match="answers with what cannot be read"):
            V2Model(f"{raw_server(talk)}/v2/models/net")

    def test_an_answer_without_end(self, raw_server, monkeypatch):
        monkeypatch.setattr(v2_client, "_MOST", 1 << 20)

        def talk(caller):
            caller.recv(65536)
            caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                caller.sendall(b" " * 65536)

        with pytest.raises(ModelError, match="answers with more than 1 MB"):
            V2Model(f"{raw_server(talk)}/v2/models/net")


class TestHanging:
    def test_one_clear_sentence_in_time(self, model, pictures, hasty):
        service, there = model(timeout=1.0, retries=1)

        async def hang(service, number, body):
            await asyncio.sleep(5)

        service.trouble = hang
        began = time.monotonic()
        with pytest.raises(ModelError, match=r"there was no answer within 1 s, after 2 tries in"):
            there(pictures)
        assert time.monotonic() - began < 4

    def test_patience_is_three_time_outs(self, model, pictures, hasty):
        service, there = model(timeout=0.5, retries=100, concurrency=1)

        async def hang(service, number, body):
            await asyncio.sleep(1)

        service.trouble = hang
        with pytest.raises(ModelError, match=r"after 3 tries in [12]\.\d s"):
            there(pictures)

    def test_an_answer_that_drips(self, raw_server, hasty):
        def talk(caller):
            caller.recv(65536)
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                caller.sendall(b" ")
                time.sleep(0.05)

        began = time.monotonic()
        with pytest.raises(ModelError, match=r"there was no answer within 0\.3 s, after 1 try"):
            V2Model(f"{raw_server(talk)}/v2/models/net", timeout=0.3, retries=0)
        assert time.monotonic() - began < 2

    @pytest.mark.parametrize("concurrency", [1, 4])
    def test_an_interrupt_does_not_wait(self, serve, concurrency):
        service = serve()

        async def hang(service, number, body):
            if number > 1:
                await asyncio.sleep(5)

        service.trouble = hang
        code = (
            "import signal, numpy as np, seewhy as sw\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"model = sw.V2Model({service.url!r}, preprocess=sw.Preprocessing({SIZE}), "
            f"output='logits', batch=1, concurrency={concurrency})\n"
            "print('ready', flush=True)\n"
            f"model(np.zeros((9, *{SIZE}, 3), np.float32))"
        )
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        while service.asked < 1 + concurrency:
            time.sleep(0.02)
        interrupted = time.monotonic()
        os.kill(child.pid, signal.SIGINT)
        _, errors = child.communicate(timeout=20)
        assert time.monotonic() - interrupted < 3
        assert errors.splitlines()[-1] == "KeyboardInterrupt"
