"""The protocol: every setting counts, and senseless ones are refused."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from seewhy.errors import InputError
from seewhy.image.fill import BlurFill, MeanFill, parse_fill
from seewhy.metrics import protocol
from seewhy.metrics.protocol import RISE_BLUR, Protocol, other_fill

CHANGED = {
    "steps": 16,
    "orders": 5,
    "fresh_pairs": 65,
    "precision": 0.9,
    "confidence": 0.9,
    "certificate_budget": 641,
    "top_share": 0.2,
    "noise": 0.03,
}


def test_every_setting_changes_the_hash():
    assert set(CHANGED) == {field.name for field in fields(Protocol)}
    hashes = {replace(Protocol(), **{name: value}).hash for name, value in CHANGED.items()}
    assert len(hashes | {Protocol().hash}) == len(CHANGED) + 1
    assert all(len(each) == 12 and int(each, 16) >= 0 for each in hashes)


def test_so_does_what_a_measure_means(monkeypatch):
    before = Protocol().hash
    monkeypatch.setattr(protocol, "RULES", protocol.RULES + 1)
    assert Protocol().hash != before


@pytest.mark.parametrize(
    ("setting", "value", "wanted"),
    [
        ("steps", 1, "whole number of at least 2"),
        ("steps", 3.5, "whole number of at least 2"),
        ("orders", 0, "whole number of at least 1"),
        ("fresh_pairs", 8, "whole number of at least 16"),
        ("precision", 1.0, "between 0 and 1"),
        ("confidence", 0.0, "between 0 and 1"),
        ("top_share", 1.5, "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(setting, value, wanted):
    with pytest.raises(InputError, match=f"{setting} must .*{wanted}.*got {value}"):
        Protocol(**{setting: value})


@pytest.mark.parametrize("name", ["mean", "black", "grey:0.5", "noise", "blur", "blur:0.01"])
def test_the_other_fill_is_another(name):
    fill = parse_fill(name)
    assert other_fill(fill).settings()["name"] != fill.settings()["name"]
    assert other_fill(fill) == (MeanFill() if name.startswith("blur") else BlurFill())


def test_insertion_begins_with_rises_blur():
    assert RISE_BLUR.sigma * 224 == pytest.approx(5)
