"""How the app ends: streams are closed, jobs cancelled, and nobody waits for a model that hangs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from .conftest import WAIT, events, photo

MODEL = """
import time
import numpy as np

def quick(images):
    time.sleep(0.01)
    corner = images[:, :16, :16].mean(axis=(1, 2, 3))
    return np.stack([4 * corner, 1 + 0 * corner], axis=1)

calls = 0

def hangs(images):
    global calls
    calls += 1
    if calls > 12:
        open("hanging", "w").close()
        time.sleep(3600)
    return quick(images)

for fn in (quick, hangs):
    fn.labels, fn.output, fn.input_size = ["corner", "rest"], "logits", (32, 32)
"""
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")


@pytest.fixture
def start(tmp_path: Path):
    """Run ``seewhy serve`` as a person would; returns the process and a client."""
    (tmp_path / "slow_model.py").write_text(MODEL)
    processes, clients = [], []

    def begin(model="quick"):
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "seewhy", "serve", "--model", f"py:slow_model:{model}"),
                *("--port", "0", "--no-open"),
            ],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        for line in process.stdout:
            found = re.search(r"(http://\S+)/\?token=(\S+)", line)
            if found:
                break
        else:
            raise AssertionError(process.stderr.read())
        base, token = found.groups()
        client = httpx.Client(base_url=base, headers={"X-Seewhy-Token": token}, timeout=WAIT)
        clients.append(client)
        return process, client

    yield begin
    for client in clients:
        client.close()
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.wait(WAIT)
        process.stdout.close()
        process.stderr.close()


def watched_job(client):
    """A job that would go on for minutes; returns once it runs, with its stream open."""
    given = client.post("/api/pictures?name=x.png", content=photo())
    assert given.status_code == 201, given.text
    asked = {"session": "s", "picture": given.json()["id"], "segments": "grid:8"}
    job = client.post("/api/jobs", json={**asked, "methods": "rise:budget=90000"}).json()["id"]
    told, running = [], threading.Event()

    def listen():
        with client.stream("GET", f"/api/jobs/{job}/events") as stream:
            for name, status in events(stream.iter_lines()):
                told.append(name)
                if status["done"] or name != "progress":
                    running.set()

    thread = threading.Thread(target=listen)
    thread.start()
    return running, thread, told


def until_hanging(folder):
    limit = time.monotonic() + WAIT
    while not (folder / "hanging").exists():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_ends_it_in_the_middle_of_a_job(start, number):
    process, client = start()
    running, thread, told = watched_job(client)
    assert running.wait(WAIT)
    process.send_signal(number)
    assert process.wait(WAIT) == 0
    thread.join(WAIT)
    assert told[-1] == "cancelled"  # the stream was ended, not cut
    assert process.stderr.read() == ""
    assert process.stdout.read().endswith("Ended.\n")


def test_a_model_that_hangs_is_not_waited_for(start, tmp_path):
    process, client = start("hangs")
    _, thread, told = watched_job(client)
    until_hanging(tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait(WAIT) == 0
    thread.join(WAIT)
    assert told[-1] == "cancelled"
    assert process.stderr.read() == ""


def test_a_second_signal_forces_it(start, tmp_path):
    process, client = start("hangs")
    _, thread, _ = watched_job(client)
    until_hanging(tmp_path)
    while process.poll() is None:  # one of them comes while it waits for the model
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    assert process.returncode == 130
    thread.join(WAIT)
    assert "Traceback" not in process.stderr.read()
