"""Pictures from anyone: too large, too many pixels, damaged, or no pictures at all."""

from __future__ import annotations

import http.client
import io
import socket
import struct
import threading
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image as pillow

MB = 2**20


def bomb(side):
    """A PNG of a few KB that says it has side × side pixels."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(10 * MB), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def sent(app, body, name="x.png"):
    return app.client.post("/api/pictures", params={"name": name}, content=body)


def image(kind, **settings):
    array = np.random.default_rng(2).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    packed = io.BytesIO()
    pillow.fromarray(array).save(packed, kind, **settings)
    return packed.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_every_format_that_is_read_from_a_disk_is_taken(app, kind):
    reply = sent(app, image(kind), f"photo.{kind.lower()}")
    assert reply.status_code == 201, reply.text
    told = reply.json()
    assert (told["width"], told["height"]) == (50, 40)
    assert told["preview"].startswith("data:image/jpeg;base64,")
    assert [one["label"] for one in told["predictions"]] == ["corner", "rest", "neither"]
    assert sum(one["probability"] for one in told["predictions"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", 415),
        (b"<?xml version='1.0'?><svg/>", 415),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", 415),
        (b"\xc5\xd0\xd3\xc6" + bytes(60), 415),
        (b"%PDF-1.7\n", 415),
        (b"8BPS" + bytes(100), 415),
        (b"http://169.254.169.254/latest/meta-data", 415),
        (b"#!/bin/sh\nid\n", 415),
        (b"\x93NUMPY" + bytes(100), 415),
        (b"\x80\x04\x95cos\nsystem\n(S'id'\ntR.", 415),
        (image("PNG")[:200], 422),
        (image("JPEG")[:-200], 422),
        (image("PNG").replace(b"IDAT", b"IDXT"), 415),
        (b"\x89PNG\r\n\x1a\n", 415),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else str(value),
)
def test_what_is_no_whole_picture_is_refused_in_a_sentence(app, body, status):
    reply = sent(app, body)
    assert reply.status_code == status, reply.text
    assert reply.json()["error"].count("\n") == 0
    app.lives()


def test_a_picture_of_sixty_thousand_by_sixty_thousand_is_never_unpacked(app):
    tracemalloc.start()
    try:
        reply = sent(app, bomb(60_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reply.status_code == 413
    assert "3600000000 pixels" in reply.json()["error"]
    assert peak < 64 * MB
    app.lives()


def test_a_picture_over_our_own_cap_is_refused_before_it_is_unpacked(app):
    reply = sent(app, bomb(7_000))
    assert reply.status_code == 413
    assert "7000 × 7000 pixels, more than the 25,000,000 allowed" in reply.json()["error"]


def test_a_picture_shorter_than_it_says_is_refused(app):
    assert sent(app, bomb(4_000)).status_code == 422


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
def test_a_hundred_megabytes_are_not_held(app, declared):
    block = bytes(MB)
    tracemalloc.start()
    try:
        with socket.create_connection(("127.0.0.1", app.port), timeout=60) as wire:
            how = f"Content-Length: {100 * MB}" if declared else "Transfer-Encoding: chunked"
            head = (
                f"POST /api/pictures?name=x HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\n"
                f"X-Seewhy-Token: {app.token}\r\n{how}\r\n\r\n"
            )
            wire.sendall(head.encode())
            answer = threading.Thread(target=_send_blocks, args=(wire, block, declared))
            answer.start()
            reply = http.client.HTTPResponse(wire)
            reply.begin()
            status = reply.status
            answer.join(60)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert status == 413
    assert peak < 90 * MB  # the cap is 32, and a buffer that grows is copied
    app.lives()


def _send_blocks(wire, block, declared):
    try:
        for _ in range(100):
            wire.sendall(block if declared else b"%x\r\n" % len(block) + block + b"\r\n")
        if not declared:
            wire.sendall(b"0\r\n\r\n")
    except ConnectionError:
        pass  # the server need not read on


def test_a_false_length_gets_nowhere(app):
    for length in (10**9, 10**30, -1, "x"):
        with socket.create_connection(("127.0.0.1", app.port), timeout=20) as wire:
            head = (
                f"POST /api/pictures HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\n"
                f"X-Seewhy-Token: {app.token}\r\nContent-Length: {length}\r\n\r\n"
            )
            wire.sendall(head.encode() + image("PNG"))
            reply = http.client.HTTPResponse(wire)
            reply.begin()
            assert reply.status in (400, 413)
    app.lives()


def test_a_client_that_leaves_in_the_middle_of_its_upload_is_forgotten(app):
    for _ in range(6):  # more than may be read at once
        with socket.create_connection(("127.0.0.1", app.port), timeout=20) as wire:
            head = (
                f"POST /api/pictures HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\n"
                f"X-Seewhy-Token: {app.token}\r\nContent-Length: 100000\r\n\r\n"
            )
            wire.sendall(head.encode() + b"x" * 1000)
    assert sent(app, image("PNG")).status_code == 201


def test_names_are_told_as_they_are_shown(app):
    hostile = "../../</script><img src=x onerror=alert(1)>\r\nX: y‮.png"
    told = app.give(name=hostile)
    assert told["name"] == "script><img src=x onerror=alert(1)> X: y .png"
    assert len(app.give(name="x" * 10_000)["name"]) == 120
    assert app.give(name="")["name"] == "picture"


def test_samples_are_taken_like_uploads(app):
    about = app.client.get("/api/about").json()
    assert {"id", "name", "thumb"} <= set(about["samples"][0])
    reply = app.client.post(f"/api/pictures/sample/{about['samples'][0]['id']}")
    assert reply.status_code == 201
    assert reply.json()["predictions"]


def test_decoding_does_not_hold_up_others(app, monkeypatch):
    release, begun = threading.Event(), threading.Event()

    def slow(*arguments, **settings):
        begun.set()
        assert release.wait(20)
        raise MemoryError

    monkeypatch.setattr("seewhy.server.pictures.decode_bytes", slow)
    statuses = []
    upload = threading.Thread(target=lambda: statuses.append(sent(app, image("PNG")).status_code))
    upload.start()
    try:
        assert begun.wait(20)
        app.client.get("/api/labels?q=c").raise_for_status()
    finally:
        release.set()
        upload.join(20)
    assert statuses == [413]
