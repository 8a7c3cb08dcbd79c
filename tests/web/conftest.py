"""A real browser that fails a test on whatever a visitor would never be told about."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import Request as Question
from urllib.request import urlopen

import numpy as np
import pytest

import seewhy as sw

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOCAL_SCHEMES = frozenset({"file", "data", "blob", "about"})


@dataclass
class Watch:
    """What went wrong behind a page's back.

    ``allowed_hosts`` holds the ``host:port`` that may be asked; ``expected`` parts of console
    messages that the test provokes on purpose, each of which has to come.
    """

    allowed_hosts: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Listen to a page and to the windows it opens."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"uncaught: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", self._request)
        page.on("websocket", lambda socket: self.troubles.append(f"web socket to {socket.url}"))
        page.on("popup", self.follow)
        page.on("crash", lambda _: self.troubles.append("the page crashed"))

    def verdict(self) -> None:
        """Raise an AssertionError that lists every trouble which the test did not provoke."""
        found = list(self.troubles)
        for part in self.expected:
            told = [trouble for trouble in found if part in trouble]
            assert told, f"the console never said {part!r}; it said {found}"
            found = [trouble for trouble in found if part not in trouble]
        assert not found, "the page was not clean:\n" + "\n".join(found)

    def _console(self, message: ConsoleMessage) -> None:
        text = message.text
        policy = "Content Security Policy" in text or "Content-Security-Policy" in text
        if message.type in {"error", "assert"} or (message.type == "warning" and policy):
            self.troubles.append(
                f"console {message.type}: {text} {message.location.get('url', '')}"
            )

    def _dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        self.asked.append(request.url)
        if url.scheme not in LOCAL_SCHEMES and url.netloc not in self.allowed_hosts:
            self.troubles.append(f"request to {request.url}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, started once per worker."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("needs the Python package playwright, which drives the browser")
    chromium = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(chromium).exists():
        pytest.skip("needs the browser Chromium, as `chromium` on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def driver_loop(browser: Browser) -> Iterator[None]:
    """Hide Playwright's event loop from the tests between: ``asyncio.run`` refuses beside it."""
    loop = browser._impl_obj._loop  # type: ignore[attr-defined]
    asyncio._set_running_loop(loop)
    yield
    asyncio._set_running_loop(None)


@pytest.fixture
def page_watch() -> Watch:
    """What the page of this test may do, and what it did."""
    return Watch()


@pytest.fixture
def new_page(
    browser: Browser, driver_loop: None, page_watch: Watch
) -> Iterator[Callable[..., Page]]:
    """Open further watched pages, each in a browser profile of its own.

    Keywords are those of Playwright's ``Browser.new_context``: a viewport, a colour scheme.
    """
    contexts = []

    def open_page(**settings: Any) -> Page:
        context = browser.new_context(**settings)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page_watch.follow(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    page_watch.verdict()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A fresh page of 1280 × 900 pixels."""
    return new_page(viewport={"width": 1280, "height": 900})


@pytest.fixture
def open_document(page: Page, tmp_path: Path) -> Callable[[dict[str, Any]], Page]:
    """Show a view document as a report lies on a disk: one file, opened by ``file://``."""

    from seewhy.show.report import report_html

    def show(document: dict[str, Any]) -> Page:
        target = tmp_path / "report.html"
        target.write_text(report_html(document), encoding="utf-8")
        page.goto(target.as_uri())
        page.wait_for_selector(".sw")
        return page

    return show


SIDE = 64
LABELS = ["lamp", "scooter", "<img src=x onerror=alert(1)>", "passenger car"]


class Corners:
    """Four classes that look at four corners and act together a little; as slow as it is told."""

    def __init__(self) -> None:
        self.pause = 0.0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        time.sleep(self.pause)
        means = images.mean(axis=3)
        corners = [means[:, :16, :20], means[:, :16, 40:], means[:, 48:, :20], means[:, 48:, 40:]]
        light = np.stack([corner.mean(axis=(1, 2)) for corner in corners], axis=1)
        logits = 6 * light + np.array([0.9, 0.6, 0.3, 0.0])
        return logits + light[:, :1] * light[:, 3:] * np.array([2, 0, 0, 0])


@dataclass
class RunningApp:
    """The app behind a real server, for as long as a test lasts.

    ``hall`` is the state that its requests share: looking there, unlike asking over the
    network, does not tell the app that anybody still waits.
    """

    authority: str
    token: str
    corners: Corners
    model: Any
    hall: Any

    @property
    def url(self) -> str:
        return f"http://{self.authority}/?token={self.token}"

    def json(self, path: str, body: Any = None) -> Any:
        """Ask what the page asks; a body makes it a POST."""
        question = Question(
            f"http://{self.authority}{path}",
            None if body is None else json.dumps(body).encode(),
            {"X-Seewhy-Token": self.token, "Content-Type": "application/json"},
        )
        with urlopen(question, timeout=20) as reply:
            return json.load(reply)


@pytest.fixture
def seewhy_app(page_watch: Watch) -> Iterator[RunningApp]:
    """The app with a quick model of four classes, on a free port that the page may ask."""
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    from seewhy.server.app import create_app
    from seewhy.server.serving import open_socket, server_of, until_stopped
    from seewhy.server.settings import Settings

    corners = Corners()
    model = sw.CallableModel(
        corners, labels=LABELS, output="logits", input_size=(SIDE, SIDE), name="corners", batch=16
    )
    with open_socket("127.0.0.1", 0) as listening:
        settings = Settings(port=listening.getsockname()[1], grace=0.5)
        app = create_app(model, settings)
        server = server_of(app)
        serving = threading.Thread(
            target=lambda: asyncio.run(until_stopped(server, app.state.hall, listening))
        )
        serving.start()
        authority = f"127.0.0.1:{settings.port}"
        page_watch.allowed_hosts.append(authority)
        try:
            yield RunningApp(authority, settings.token, corners, model, app.state.hall)
        finally:
            corners.pause = 0.0
            server.should_exit = True
            serving.join(20)
    assert not serving.is_alive()
    assert app.state.hall.worker.join(20)
