"""``seewhy serve``: what it prints, refuses and loads."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

from seewhy.cli.app import app
from seewhy.server.settings import DEFAULT_PORT

MODEL = ["--model", "py:quick_model:quick"]
runner = CliRunner()


def serve(*options):
    return runner.invoke(app, ["serve", *MODEL, *options])


@pytest.fixture
def ended(monkeypatch):
    """Serve nothing, and tell what would have been served."""
    seen = {}

    def run(application, listening):
        seen["settings"] = application.state.settings
        seen["port"] = listening.getsockname()[1]
        application.state.hall.close()

    monkeypatch.setattr("seewhy.server.serving.serve", run)
    return seen


def test_it_serves_until_it_is_interrupted(here):
    command = [sys.executable, "-m", "seewhy", "serve", *MODEL, "--port", "0"]
    process = subprocess.Popen(
        command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline().startswith("py:quick_model:quick: 3 classes, RGB")
        assert (
            process.stdout.readline()
            == "  (preprocessing, labels and output: said by the function)\n"
        )
        address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", process.stdout.readline())[0]
        with urllib.request.urlopen(address, timeout=20) as page:
            assert b"<script" in page.read()
        about = address.replace("/?", "/api/about?")
        with urllib.request.urlopen(about, timeout=20) as reply:
            assert json.load(reply)["model"]["classes"] == 3
        process.send_signal(signal.SIGINT)
        printed, complaints = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert printed.endswith("Ended.\n")
    assert complaints == ""


def test_the_address_is_printed_with_its_token(here, ended):
    done = serve("--port", "0")
    assert done.exit_code == 0, done.output
    token = ended["settings"].token
    assert f"http://127.0.0.1:{ended['port']}/?token={token}" in done.stdout
    assert ended["settings"].port == ended["port"]
    assert "!" not in done.stderr


def test_a_token_of_ones_own(here, ended, monkeypatch):
    assert serve("--port", "0", "--token", "my-own-token-0123").exit_code == 0
    assert ended["settings"].token == "my-own-token-0123"
    monkeypatch.setenv("SEEWHY_TOKEN", "from-the-environment")
    assert serve("--port", "0").exit_code == 0
    assert ended["settings"].token == "from-the-environment"


@pytest.mark.parametrize(
    "token", ["short", "", "with space and more", "ümlaut-and-more-text", "a&b=c&d=e&f=g&h=i"]
)
def test_a_weak_token_is_refused(here, ended, token):
    done = serve("--port", "0", "--token", token)
    assert done.exit_code == 2
    assert done.stderr.startswith("seewhy: --token must be 16 or more letters")
    assert not ended


def test_a_taken_port_is_refused_with_the_way_out(here, ended):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = serve("--port", str(port))
    assert done.exit_code == 2
    assert done.stderr == (
        f"seewhy: --port {port} is taken: give another one, or 0 for any that is free\n"
    )


def test_the_usual_port_is_passed_over_when_it_is_taken(here, ended):
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", DEFAULT_PORT))
        except OSError:
            pass  # somebody else has it: just as well
        else:
            other.listen()
        assert serve().exit_code == 0
    assert ended["port"] != DEFAULT_PORT


def test_letting_others_in_is_warned_of(here, ended):
    done = serve("--port", "0", "--host", "0.0.0.0")
    assert done.exit_code == 0
    assert done.stderr.startswith("! --host 0.0.0.0 lets other machines in")
    assert f"http://127.0.0.1:{ended['port']}/" in done.stdout


def test_a_host_that_is_not_here_is_refused(here, ended):
    done = serve("--port", "0", "--host", "203.0.113.5")
    assert done.exit_code == 2
    assert done.stderr.startswith("seewhy: cannot listen at 203.0.113.5:0")


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_ports_that_do_not_exist(here, ended, port):
    done = serve("--port", port)
    assert done.exit_code == 2
    if port == "x":
        assert "Invalid value for '--port'" in done.stderr
    else:
        assert done.stderr == f"seewhy: --port must be a number from 0 to 65535; got {port}\n"


def test_a_model_that_cannot_be_loaded_leaves_no_port_taken(here, ended):
    done = runner.invoke(app, ["serve", "--model", "py:nowhere:fn", "--port", "0"])
    assert done.exit_code == 2
    assert "nowhere" in done.stderr


def test_the_browser_is_opened_only_when_asked(here, ended, monkeypatch):
    import threading

    opened, done = [], threading.Event()
    monkeypatch.setattr("webbrowser.open", lambda address: (opened.append(address), done.set()))
    serve("--port", "0")
    assert not done.wait(0.1)
    serve("--port", "0", "--open")
    assert done.wait(20)
    assert opened[0].endswith(ended["settings"].token)


def loaded(code):
    report = "\nimport sys; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_loads_no_web_server():
    printed = loaded(
        "import sys\nsys.argv = ['seewhy', 'serve', '--help']\n"
        "from seewhy.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code"
    )
    assert "--token" in printed
    for module in ("'starlette'", "'uvicorn'", "'anyio'", "'onnxruntime'"):
        assert module not in printed


@pytest.mark.parametrize("missing", ["starlette", "uvicorn", "anyio"])
def test_without_the_extra_the_pip_line_is_printed(here, missing):
    code = (
        f"import sys\nsys.modules[{missing!r}] = None\n"
        "sys.argv = ['seewhy', 'serve']\nfrom seewhy.cli import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "seewhy: the app needs Starlette and uvicorn, which are not installed: "
        'pip install "seewhy[serve]".\n'
    )
