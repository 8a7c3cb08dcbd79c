"""The app behind a real server on a real port, with a model that counts what it is asked."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image as pillow

import seewhy as sw

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from seewhy.server.app import create_app
from seewhy.server.serving import open_socket, server_of, until_stopped
from seewhy.server.settings import Settings

WAIT = 20.0
SIDE = 32
LABELS = ["corner", "rest", "neither"]
ASKED = {"methods": "occlusion", "segments": "grid:4", "fill": "black"}
"""Not the mean colour: the model below would not see that a region is hidden."""


class Patches:
    """Adds up the brightness of two patches; counts, waits, or fails when told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.pause = 0.0
        self.trouble: Callable[[np.ndarray], Any] | None = None

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.asked += len(images)
        time.sleep(self.pause)
        if self.trouble is not None:
            return self.trouble(images)
        corner = images[:, : SIDE // 2, : SIDE // 2].mean(axis=(1, 2, 3))
        rest = images[:, SIDE // 2 :, SIDE // 2 :].mean(axis=(1, 2, 3))
        return np.stack([4 * corner, 2 * rest, np.zeros_like(rest)], axis=1)


def model_of(patches: Patches) -> sw.CallableModel:
    return sw.CallableModel(
        patches, labels=LABELS, output="logits", input_size=(SIDE, SIDE), name="patches", batch=16
    )


@dataclass
class App:
    """A running app, and a client that has its token."""

    settings: Settings
    client: httpx.Client
    server: Any
    patches: Patches | None

    @property
    def port(self) -> int:
        return self.settings.port

    @property
    def token(self) -> str:
        return self.settings.token

    def lives(self) -> None:
        """It still answers; asked after everything that was done to it."""
        reply = self.client.get("/api/about")
        assert reply.status_code == 200, reply.text

    def give(self, data: bytes | None = None, name: str = "photo.png") -> dict[str, Any]:
        body = photo() if data is None else data
        reply = self.client.post("/api/pictures", params={"name": name}, content=body)
        assert reply.status_code == 201, reply.text
        return reply.json()

    def submit(self, picture: str, session: str = "page", **asked: Any) -> httpx.Response:
        asked = {**ASKED, **asked}
        return self.client.post("/api/jobs", json={"session": session, "picture": picture, **asked})

    def start(self, picture: str, session: str = "page", **asked: Any) -> str:
        reply = self.submit(picture, session, **asked)
        assert reply.status_code == 202, reply.text
        return reply.json()["id"]

    def start_long(self, picture: str, session: str = "page") -> str:
        """A job that goes on for minutes unless it is stopped."""
        assert self.patches is not None
        self.patches.pause = 0.005
        return self.start(picture, session, methods="rise:budget=60000", segments="grid:8")

    def status(self, job: str) -> dict[str, Any]:
        reply = self.client.get(f"/api/jobs/{job}")
        assert reply.status_code == 200, reply.text
        return reply.json()

    def until(self, job: str, *states: str) -> dict[str, Any]:
        limit = time.monotonic() + WAIT
        while time.monotonic() < limit:
            status = self.status(job)
            if status["state"] in states:
                return status
            time.sleep(0.02)
        raise AssertionError(f"the job is still {status}")

    def until_busy(self, job: str) -> None:
        """The model is being asked about masks."""
        limit = time.monotonic() + WAIT
        while not self.status(job)["done"]:
            assert time.monotonic() < limit
            time.sleep(0.02)

    def explained(self, **asked: Any) -> str:
        job = self.start(self.give()["id"], **asked)
        status = self.until(job, "done", "failed", "cancelled")
        assert status["state"] == "done", status
        return job

    def listen(self, job: str) -> list[tuple[str, dict[str, Any]]]:
        """All events of a job until its end."""
        with self.client.stream("GET", f"/api/jobs/{job}/events") as stream:
            assert stream.status_code == 200
            assert stream.headers["content-type"].startswith("text/event-stream")
            return list(events(stream.iter_lines()))

    def what_if(self, job: str, hidden: Any) -> httpx.Response:
        return self.client.post(f"/api/jobs/{job}/what-if", json={"hidden": hidden})


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(128, 256, (48, 48, 3), dtype=np.uint8)


def photo(array: np.ndarray | None = None, kind: str = "PNG") -> bytes:
    packed = io.BytesIO()
    pillow.fromarray(pixels() if array is None else array).save(packed, kind)
    return packed.getvalue()


@contextmanager
def running(model: Any, patches: Patches | None = None, **settings: Any) -> Iterator[App]:
    with open_socket("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        app = create_app(model, Settings(port=port, **settings))
        server = server_of(app)
        thread = threading.Thread(
            target=lambda: asyncio.run(until_stopped(server, app.state.hall, listening))
        )
        thread.start()
        try:
            headers = {"X-Seewhy-Token": app.state.settings.token}
            base = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=base, headers=headers, timeout=WAIT) as client:
                yield App(app.state.settings, client, server, patches)
        finally:
            server.should_exit = True
            thread.join(WAIT)
            if patches is not None:
                patches.pause = 0.0
            assert app.state.hall.worker.join(WAIT)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def shared() -> Iterator[App]:
    """One app for the tests that leave nothing behind."""
    patches = Patches()
    with running(model_of(patches), patches) as app:
        yield app


@pytest.fixture
def app(shared: App) -> Iterator[App]:
    """The shared app, which must answer after the test as before."""
    yield shared
    assert shared.patches is not None
    shared.patches.pause, shared.patches.trouble = 0.0, None
    shared.lives()


@pytest.fixture
def start_app() -> Iterator[Callable[..., App]]:
    """Start apps with settings of their own."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(**settings: Any) -> App:
            patches = Patches()
            return stack.enter_context(running(model_of(patches), patches, **settings))

        yield start
