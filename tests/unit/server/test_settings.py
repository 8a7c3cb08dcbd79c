"""Which Host headers are ours, where we listen, and where we say that we do."""

from __future__ import annotations

import socket

import pytest

from seewhy.errors import InputError
from seewhy.server.answers import safe_stem
from seewhy.server.serving import address_of, open_socket
from seewhy.server.settings import Settings, is_loopback


@pytest.mark.parametrize(
    ("host", "authority", "ours"),
    [
        ("127.0.0.1", "127.0.0.1:8765", True),
        ("127.0.0.1", "LOCALHOST:8765", True),
        ("127.0.0.1", "[::1]:8765", True),
        ("127.0.0.1", "localhost", False),
        ("127.0.0.1", "localhost:80", False),
        ("127.0.0.1", "evil.example:8765", False),
        ("127.0.0.1", "localhost.evil.example:8765", False),
        ("127.0.0.1", "127.0.0.1.nip.io:8765", False),
        ("127.0.0.1", "localhost:8765@evil.example", False),
        ("127.0.0.1", "evil@localhost:8765", False),
        ("127.0.0.1", "192.168.0.7:8765", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", ":8765", False),
        ("127.0.0.1", "[::1", False),
        ("box.lan", "box.lan:8765", True),
        ("box.lan", "other.lan:8765", False),
        ("0.0.0.0", "192.168.0.7:8765", True),
        ("0.0.0.0", "box.lan:8765", False),
        ("::", "[fe80::1]:8765", True),
        ("::", "evil.example:8765", False),
    ],
)
def test_host_headers(host, authority, ours):
    assert Settings(host=host).names_us(authority) is ours


def test_port_80_need_not_be_named():
    assert Settings(port=80).names_us("localhost")


@pytest.mark.parametrize(
    ("host", "only_here"),
    [
        *((host, True) for host in ("127.0.0.1", "localhost", "::1", "127.0.0.9")),
        *((host, False) for host in ("0.0.0.0", "", "192.168.0.7", "box.lan")),
    ],
)
def test_loopback(host, only_here):
    assert is_loopback(host) is only_here


def test_every_app_has_a_token_of_its_own_and_does_not_show_it():
    first, second = Settings(), Settings()
    assert first.token != second.token
    assert len(first.token) >= 32
    assert first.token not in repr(first)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8765/?token=T-_"),
        ("0.0.0.0", "http://127.0.0.1:8765/?token=T-_"),
        ("::1", "http://[::1]:8765/?token=T-_"),
    ],
)
def test_the_address_to_open(host, address):
    assert address_of(Settings(host=host, token="T-_")) == address


def test_a_taken_port_is_refused_when_it_was_named_and_passed_over_when_not(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {taken} is taken: .* or 0 for any"):
            open_socket("127.0.0.1", taken)
        monkeypatch.setattr("seewhy.server.serving.DEFAULT_PORT", taken)
        with open_socket("127.0.0.1", None) as ours:
            assert ours.getsockname()[1] != taken


@pytest.mark.parametrize("host", ["203.0.113.5", "no such host", "x" * 300, "a..b"])
def test_an_address_that_is_not_this_machines_is_refused(host, monkeypatch):
    with pytest.raises(InputError):
        open_socket(host, 0)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("bus.jpg", "bus"),
        ("../../etc/passwd", "passwd"),
        ('a"; filename="b.exe', "a_filename_b"),
        ("a\r\nb.png", "a_b"),
        ("写真.png", "picture"),
        ("x" * 999 + ".png", "x" * 60),
        ("CON .png", "CON"),
        ("", "picture"),
    ],
)
def test_names_of_downloads_are_plain(name, stem):
    assert safe_stem(name) == stem
