"""Who is let in: Host, Origin, token, addresses, sizes; through a real server."""

from __future__ import annotations

import http.client
import json
import socket
from contextlib import suppress

import pytest

EVERYTHING = [
    ("GET", "/"),
    ("GET", "/api/about"),
    ("GET", "/api/labels?q=c"),
    ("POST", "/api/pictures"),
    ("POST", "/api/pictures/sample/coffee"),
    ("POST", "/api/jobs"),
    ("GET", "/api/jobs/x"),
    ("DELETE", "/api/jobs/x"),
    ("GET", "/api/jobs/x/events"),
    ("GET", "/api/jobs/x/view"),
    ("POST", "/api/jobs/x/what-if"),
    ("GET", "/api/jobs/x/report.html"),
    ("GET", "/api/jobs/x/result.zip"),
    ("GET", "/nowhere"),
]
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}


def raw(app, *lines, body=b""):
    """Send exactly these lines, and return status and body."""
    with socket.create_connection(("127.0.0.1", app.port), timeout=20) as wire:
        wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
        reply = http.client.HTTPResponse(wire)
        reply.begin()
        return reply.status, reply.read()


def checked(reply):
    """Nothing leaves without the headers, and no error without a plain sentence."""
    for name, value in HEADERS.items():
        assert reply.headers[name] == value, (reply.url, name)
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert "server" not in reply.headers
    if reply.status_code >= 400:
        sentence = reply.json()["error"]
        assert sentence
        assert "Traceback" not in sentence
    return reply


@pytest.mark.parametrize(("method", "path"), EVERYTHING)
def test_nothing_is_answered_without_the_token(app, method, path):
    bare = {"X-Seewhy-Token": ""}
    del app.client.headers["X-Seewhy-Token"]
    try:
        missing = checked(app.client.request(method, path))
    finally:
        app.client.headers["X-Seewhy-Token"] = app.token
    assert missing.status_code == 401
    assert checked(app.client.request(method, path, headers=bare)).status_code == 403
    wrong = {"X-Seewhy-Token": app.token[:-1] + "!"}
    assert checked(app.client.request(method, path, headers=wrong)).status_code == 403


@pytest.mark.parametrize("token", ["é", "\xff\xfe", "a" * 9000, "%00", "null"])
def test_odd_tokens_are_wrong_tokens(app, token):
    status, _ = raw(
        app,
        "GET /api/about HTTP/1.1",
        f"Host: 127.0.0.1:{app.port}",
        f"X-Seewhy-Token: {token}",
    )
    assert status == 403


def test_the_token_counts_in_the_header_and_in_the_address(app):
    address = f"/api/about?token={app.token}"
    assert app.client.get("/api/about").status_code == 200
    app.client.headers.pop("X-Seewhy-Token")
    try:
        assert app.client.get(address).status_code == 200
        assert app.client.get(f"/?token={app.token}").status_code == 200
        assert app.client.get("/api/about?token=").status_code == 401
    finally:
        app.client.headers["X-Seewhy-Token"] = app.token


def test_the_page_and_its_files(app):
    page = checked(app.client.get("/"))
    assert page.headers["content-type"].startswith("text/html")
    assert b"<script" in page.content
    app.client.headers.pop("X-Seewhy-Token")
    try:
        for name, kind in [("app.js", "text/javascript"), ("app.css", "text/css")]:
            reply = checked(app.client.get(f"/assets/{name}"))
            assert reply.status_code == 200
            assert reply.headers["content-type"].startswith(kind)
        for name in ("viewer.js", "viewer.css"):
            assert checked(app.client.get(f"/assets/{name}")).status_code == 200
    finally:
        app.client.headers["X-Seewhy-Token"] = app.token


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example:{port}", "evil.example", "localhost", "127.0.0.1", "localhost:1", ""),
        *("127.0.0.1.nip.io:{port}", "localhost:{port}.evil.example", "192.168.0.7:{port}"),
    ],
)
def test_a_host_that_is_not_ours_gets_nothing_even_with_the_token(app, host):
    status, body = raw(
        app,
        "GET /api/about HTTP/1.1",
        f"Host: {host.format(port=app.port)}",
        f"X-Seewhy-Token: {app.token}",
    )
    assert status == 421
    assert json.loads(body)["error"]


@pytest.mark.parametrize("path", ["/assets/app.js", "/", "/api/about"])
def test_nor_does_it_get_the_scripts(app, path):
    status, _ = raw(app, f"GET {path} HTTP/1.1", "Host: evil.example")
    assert status == 421


def test_two_hosts_are_none(app):
    ours = f"Host: 127.0.0.1:{app.port}"
    status, _ = raw(app, "GET /assets/app.js HTTP/1.1", ours, "Host: evil.example")
    assert status in (400, 421)
    status, _ = raw(app, "GET /assets/app.js HTTP/1.0")
    assert status in (400, 421)


def test_an_address_with_a_thousand_fields_is_not_read(app):
    fields = "&".join(f"f{n}=1" for n in range(1000))
    assert checked(app.client.get(f"/api/about?{fields}")).status_code == 400


def test_what_stands_before_us_is_not_believed(app):
    status, _ = raw(
        app,
        "GET /api/about HTTP/1.1",
        "Host: evil.example",
        f"X-Forwarded-Host: 127.0.0.1:{app.port}",
        f"X-Seewhy-Token: {app.token}",
    )
    assert status == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://localhost:{port}"]
)
def test_another_origin_may_not_ask(app, origin):
    headers = {"Origin": origin.format(port=app.port)}
    assert checked(app.client.get("/api/about", headers=headers)).status_code == 403
    reply = checked(app.client.options("/api/jobs", headers=headers))
    assert reply.status_code == 403


def test_our_own_origin_may(app):
    headers = {"Origin": f"http://127.0.0.1:{app.port}"}
    assert checked(app.client.get("/api/about", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/..%2fapp.py",
        "/assets/..%2f..%2ferrors.py",
        "/assets/%2e%2e/app.py",
        "/assets/%2fetc%2fpasswd",
        "/assets//etc/passwd",
        "/assets/app.js%00.png",
        "/assets/app.js/",
        "/assets/APP.JS",
        "/assets/app.html",
        "/assets/" + "x" * 10_000,
        "/assets/",
        "/assets",
        "/static/app.js",
        "/api/jobs/..%2f..%2fetc",
        "/api/jobs/%00",
        "/api/jobs/" + "x" * 10_000,
        "/api/jobs/x/../../about/nothing",
        "/api/jobs/x/view/",
        "/api//about",
        "//evil.example/api/about",
        "/api/pictures/sample/..%2f..%2fetc%2fpasswd",
    ],
)
def test_paths_lead_nowhere_else(app, path):
    status, body = raw(
        app,
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{app.port}",
        f"X-Seewhy-Token: {app.token}",
    )
    assert status in (404, 405)
    assert json.loads(body)["error"]
    assert b"root:" not in body
    assert b"import" not in body


@pytest.mark.parametrize(
    "name", ["..%2fcoffee", "%2fetc%2fpasswd", "brick%00", "x" * 5000, "Coffee"]
)
def test_samples_are_a_fixed_list(app, name):
    assert checked(app.client.post(f"/api/pictures/sample/{name}")).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "HEAD"])
def test_other_methods_are_not_allowed(app, method):
    reply = app.client.request(method, "/api/jobs")
    assert reply.status_code == 405


def test_garbage_on_the_wire_is_survived(app):
    for garbage in (
        b"\x00" * 500,
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"A" * 200_000,
    ):
        with socket.create_connection(("127.0.0.1", app.port), timeout=20) as wire:
            wire.sendall(garbage)
            wire.settimeout(5)
            with suppress(TimeoutError, ConnectionError):
                wire.recv(100)
    app.lives()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"session": NaN',
        b'{"session": ' + b"9" * 10_000 + b"}",
        b'{"session": "s", "picture": "\\ud800"}',
        b'{"session": "s", "picture": {"$ne": null}}',
        b'{"session": ["s"], "picture": "x"}',
        b'{"session": "s"}',
    ],
    ids=lambda body: repr(body[:30]),
)
def test_malformed_questions(app, body):
    headers = {"Content-Type": "application/json"}
    reply = checked(app.client.post("/api/jobs", content=body, headers=headers))
    assert reply.status_code in (400, 404)


def test_a_question_must_be_sent_as_json(app):
    # a form, which other sites could send, cannot be that
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        reply = app.client.post("/api/jobs", content=b"{}", headers={"Content-Type": kind})
        assert checked(reply).status_code == 415


def test_a_question_of_a_megabyte_is_not_read(app):
    reply = app.client.post("/api/jobs", content=b" " * 2**20)
    assert checked(reply).status_code == 413
    chunks = (b" " * 65_536 for _ in range(16))
    headers = {"Content-Type": "application/json"}
    reply = app.client.post("/api/jobs", content=chunks, headers=headers)
    assert checked(reply).status_code == 413


def test_an_error_inside_is_told_plainly_and_logged_fully(app, monkeypatch, caplog):
    def broken(*arguments):
        raise RuntimeError("secret path /home/somebody")

    monkeypatch.setattr("seewhy.server.offers.labels_like", broken)
    reply = checked(app.client.get("/api/labels?q=x"))
    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert "secret path" in caplog.text
