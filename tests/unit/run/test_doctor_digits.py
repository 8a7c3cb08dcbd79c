"""What the doctor says of a reader of digits, which knows none of the sample photos.

Judged by one picture and what it shows: a sound network's mistake is never a fault, and what is
broken is at least advised on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import seewhy as sw
from seewhy.image.drawn import SEVEN, drawn
from seewhy.image.read import read_picture
from seewhy.run.checkup.asking import Asking, read
from seewhy.run.checkup.fed import LAYOUT, ORDER, SCALE, check_feeding
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.named import CHECK as NAMES
from seewhy.run.checkup.named import check_names
from seewhy.run.checkup.photos import given_photo, sample_photos, shown

TWO = (((0.3, 0.3), (0.45, 0.2), (0.62, 0.3), (0.55, 0.5), (0.3, 0.78), (0.7, 0.78)),)
MEAN, STD = np.float32(0.1307), np.float32(0.3081)
UNTOUCHED = {"mean": (0.0,), "std": (1.0,)}


@pytest.fixture(scope="module")
def network():
    return sw.load_model("builtin:digits")


@pytest.fixture(scope="module")
def inside(network):
    """The network itself: normalised pixels in, logits out."""
    return lambda pixels: network(np.ascontiguousarray(pixels * STD + MEAN, np.float32))


def fed(network, fn, **changes) -> sw.CallableModel:
    return sw.CallableModel(
        fn,
        labels=network.labels,
        output="logits",
        input_size=network.input_size,
        preprocess=replace(network.preprocessing, **changes),
        batch=64,
    )


def judged(model, strokes, true: str) -> dict[str, Finding]:
    """All that a drawn digit can tell."""
    picture = read_picture(drawn(strokes))
    photos = (given_photo(model, picture, model.labels.index(true)), *sample_photos(model))
    log_p = read(model(shown(photos, ("plain",))), "logits")
    asking = Asking(model)
    found = check_feeding(asking, "logits", photos)
    names = check_names(asking, "logits", photos, log_p, fed_wrongly=found.excuses)
    return {each.check: each for each in (*found.findings, names)}


def test_a_mistake_of_a_sound_network_is_no_fault(network, inside):
    model = fed(network, inside)
    checkup = sw.doctor(model, drawn(SEVEN), true="7")
    assert checkup.seen[0].predictions[0].label == "1"  # or this would test nothing
    assert checkup.ok, checkup
    [names] = [each for each in checkup.findings if each.check == NAMES]
    assert names.verdict == "advice"
    assert "7 comes as number 2 of 10: a mistake of the network" in names.says
    assert "try others" in names.says


def test_a_digit_that_it_knows(network, inside):
    findings = judged(fed(network, inside), TWO, "2")
    assert {check: each.verdict for check, each in findings.items()} == {
        SCALE: "ok", LAYOUT: "ok", NAMES: "ok"
    }  # fmt: skip
    assert ORDER not in findings


@pytest.mark.parametrize(
    ("broken", "changes", "check", "said"),
    [
        (lambda inside: inside, UNTOUCHED, SCALE, "normalisation is missing"),
        (lambda inside: lambda x: inside((x / 255 - MEAN) / STD), UNTOUCHED, SCALE, "0 to 255"),
        (lambda inside: lambda x: inside((1 - x - MEAN) / STD), UNTOUCHED, SCALE, "invert"),
        (lambda inside: lambda x: inside(x.transpose(0, 2, 1, 3)), {}, LAYOUT, "exchanged"),
    ],
    ids=["not normalised", "0-1 for 0-255", "dark for light", "turned"],
)
def test_fed_wrongly(network, inside, broken, changes, check, said):
    findings = judged(fed(network, broken(inside), **changes), TWO, "2")
    assert findings[check].verdict in ("advice", "fault")
    assert said in findings[check].says
    assert findings[NAMES].verdict != "fault"  # the names are right


def test_the_remedy_mends_it(network, inside):
    def wants_bytes(pixels):
        return inside((pixels / 255 - MEAN) / STD)

    remedy = judged(fed(network, wants_bytes, **UNTOUCHED), TWO, "2")[SCALE].remedy
    mended = sw.CallableModel(
        wants_bytes,
        labels=network.labels,
        output="logits",
        input_size=network.input_size,
        preprocess=sw.Preprocessing.from_json(remedy),
    )
    assert {each.verdict for each in judged(mended, TWO, "2").values()} == {"ok"}


def test_names_shifted_by_one(network, inside):
    model = fed(network, inside)
    model.labels = (*network.labels[1:], network.labels[0])
    assert judged(model, TWO, "2")[NAMES].verdict in ("advice", "fault")
