"""The check-up finds what was broken on purpose, and lets sound models be.

Gains in the log-probability of what six sample photos show, over the declared way of feeding them,
measured on three ImageNet networks (EfficientNet-Lite0, MobileNetV2, SqueezeNet 1.1):

==================  =====  =====  ====
fed                 Lite0  V2     1.1
==================  =====  =====  ====
rightly             < 0    < 0    < 0
red and blue swapped 0.40  0.76   0.69
without normalising  0.39  0.90   1.89
normalised twice     0.68  1.11   0.53
planes as pixels     2.98  2.98   2.90
height for width     1.47  1.63   1.60
0–255 for 0–1        2.73  3.00   0.62
0–1 for 0–255        3.00  2.99   2.85
==================  =====  =====  ====

"< 0": no alternative gains anything. Advice begins at 0.15, a fault at 0.25.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from skimage import data

import seewhy as sw
from seewhy.models.shuffled import shuffle_weights
from seewhy.run.checkup.asking import Asking, read
from seewhy.run.checkup.fed import LAYOUT, ORDER, SCALE, check_feeding
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.measuring import rate_with
from seewhy.run.checkup.named import CHECK as NAMES
from seewhy.run.checkup.named import check_names
from seewhy.run.checkup.photos import Photo, sample_photos, shown

MEAN = STD = np.float32(0.5)


@pytest.fixture(scope="module")
def network():
    return sw.load_model("builtin:imagenet")


@pytest.fixture(scope="module")
def inside(network) -> Callable[[np.ndarray], np.ndarray]:
    """The network itself: normalised pixels in, logits out."""
    return lambda pixels: network(np.ascontiguousarray(pixels * STD + MEAN, np.float32))


def fed(network, fn, **changes) -> sw.CallableModel:
    return sw.CallableModel(
        fn,
        labels=network.labels,
        output="logits",
        input_size=network.input_size,
        preprocess=replace(network.preprocessing, **changes),
        batch=network.batch_size,
    )


def all_judged(model, *own: Photo) -> tuple[tuple[Finding, ...], Finding]:
    """Findings about the feeding, and about the class names."""
    photos, asking = (*own, *sample_photos(model)), Asking(model)
    log_p = read(model(shown(photos, ("plain",))), "logits")
    fed = check_feeding(asking, "logits", photos)
    return fed.findings, check_names(asking, "logits", photos, log_p, fed_wrongly=fed.excuses)


def judged(model) -> tuple[list[Finding], str]:
    """What is said against the feeding, and the verdict on the class names."""
    findings, names = all_judged(model)
    return [each for each in findings if each.verdict in ("advice", "fault")], names.verdict


def refed(model: sw.CallableModel, fn, finding: Finding) -> sw.CallableModel:
    """The same network, fed as the remedy says."""
    document = json.loads(json.dumps(finding.remedy))
    return sw.CallableModel(
        fn,
        labels=model.labels,
        output="logits",
        input_size=model.input_size,
        preprocess=sw.Preprocessing.from_json(document),
        batch=model.batch_size,
    )


@pytest.fixture(scope="module")
def healthy(network) -> sw.run.checkup.result.Checkup:
    return sw.doctor(network)


def found(checkup, check: str) -> Finding:
    return next(each for each in checkup.findings if each.check == check)


def test_a_sound_network_has_no_fault(healthy, network):
    assert healthy.ok
    assert {each.verdict for each in healthy.findings if each.check != "batch"} == {"ok"}
    assert healthy.model.fingerprint == network.fingerprint
    assert healthy.model.origin["preprocessing"] == "built in"
    coffee = next(each for each in healthy.seen if each.name == "coffee")
    assert coffee.predictions[0].label == "espresso"
    assert coffee.predictions[0].probability > 0.9
    assert str(healthy).count("✓") >= 8


def test_speed_memory_and_what_methods_take(healthy):
    assert healthy.speeds[0].batch == 1
    assert all(speed.per_second > 1 for speed in healthy.speeds)
    assert healthy.best_batch in {speed.batch for speed in healthy.speeds}
    now = rate_with(healthy.speeds, healthy.model.batch)
    costs = {cost.method: cost for cost in healthy.costs}
    assert {"lime", "kernel-shap", "partition-shap", "anchors", "occlusion"} <= set(costs)
    assert costs["lime"].evaluations == 1024
    assert costs["lime"].at_most
    assert costs["lime"].seconds == pytest.approx(1024 / now)
    assert not costs["occlusion"].at_most


def test_the_document_holds_plain_values(healthy):
    document = json.loads(json.dumps(healthy.to_json(), allow_nan=False))
    assert document["ok"] is True
    assert len(document["findings"]) == len(healthy.findings)
    assert document["model"]["preprocessing"]["normalise"]["mean"] == [0.5, 0.5, 0.5]


def test_squeezenet_fed_rightly(shared_data):
    pytest.importorskip("torch")  # torchvision alone may refuse to be imported
    weights = shared_data / "models/squeezenet1_1-imagenet.pth"
    model = sw.load_model("torchvision:squeezenet1_1", weights=weights)
    assert judged(model) == ([], "ok")


def test_mobilenet_fed_rightly_and_wrongly(shared_data):
    model = sw.load_model(shared_data / "models/mobilenet_v2-imagenet.onnx")
    assert judged(model) == ([], "ok")
    blue_first = fed(model, lambda pixels: model(pixels * STD + MEAN), channels="BGR")
    [order], _ = judged(blue_first)
    assert (order.check, order.verdict) == (ORDER, "fault")


def test_blue_for_red(network, inside):
    [order], names = judged(fed(network, inside, channels="BGR"))
    assert (order.check, order.verdict, names) == (ORDER, "fault", "ok")
    assert "it takes RGB, not BGR" in order.says
    assert order.remedy["input"]["channels"] == "RGB"
    assert order.remedy["resize"] == network.preprocessing.to_json()["resize"]
    mended = refed(fed(network, inside, channels="BGR"), inside, order)
    assert judged(mended) == ([], "ok")


def test_missing_normalisation(network, inside):
    [scale], _ = judged(fed(network, inside, mean=(0,) * 3, std=(1,) * 3))
    assert (scale.check, scale.verdict) == (SCALE, "fault")
    assert "normalisation is missing" in scale.says
    assert scale.remedy["normalise"] == {"mean": [0.5] * 3, "std": [0.5] * 3}
    assert sw.Preprocessing.from_json(scale.remedy) == network.preprocessing


def test_normalised_twice(network, inside):
    [scale], _ = judged(fed(network, lambda pixels: inside((pixels - MEAN) / STD)))
    assert (scale.check, scale.verdict) == (SCALE, "fault")
    assert "normalised twice" in scale.says


def test_bytes_for_the_unit_interval(network, inside):
    model = fed(
        network,
        lambda pixels: inside((pixels - MEAN) / STD),
        mean=(0,) * 3,
        std=(1 / 255,) * 3,
    )
    [scale], _ = judged(model)
    assert (scale.check, scale.verdict) == (SCALE, "fault")
    assert "it does not want 0 to 255" in scale.says


def test_the_unit_interval_for_bytes(network, inside):
    def wants_bytes(pixels):
        return inside((pixels / 255 - MEAN) / STD)

    [scale], names = judged(fed(network, wants_bytes, mean=(0,) * 3, std=(1,) * 3))
    assert (scale.check, scale.verdict) == (SCALE, "fault")
    assert "it wants 0 to 255 and gets 0 to 1" in scale.says
    assert names == "advice"  # nothing is recognised, for a reason that was found


def test_reshaped_where_it_should_be_transposed(network, inside):
    def confused(pixels):
        planes = np.ascontiguousarray(pixels).reshape(-1, 3, 224, 224)
        return inside(planes.transpose(0, 2, 3, 1))

    [layout], _ = judged(fed(network, confused))
    assert (layout.check, layout.verdict) == (LAYOUT, "fault")
    assert "reshape does not" in layout.says


def test_planes_taken_for_pixels(network, inside):
    def confused(pixels):
        planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        return inside(planes.reshape(-1, 224, 224, 3))

    [layout], _ = judged(fed(network, confused))
    assert (layout.check, layout.verdict) == (LAYOUT, "fault")


def test_height_for_width(network, inside):
    [layout], _ = judged(fed(network, lambda pixels: inside(pixels.transpose(0, 2, 1, 3))))
    assert (layout.check, layout.verdict) == (LAYOUT, "fault")
    assert "height and width exchanged" in layout.says


def test_shuffled_names_against_sample_photos(network):
    order = np.random.default_rng(0).permutation(1000)
    model = sw.CallableModel(
        network,
        labels=[network.labels[i] for i in order],
        output="logits",
        input_size=network.input_size,
        preprocess=replace(network.preprocessing, mean=(0,) * 3, std=(1,) * 3),
        batch=16,
    )
    photos, asking = sample_photos(model), Asking(model)
    log_p = read(model(shown(photos, ("plain",))), "logits")
    names = check_names(asking, "logits", photos, log_p, fed_wrongly=False)
    assert names.verdict == "fault"
    assert names.says.startswith("Only 0 of 6 sample photos get a right name")


def test_numbered_classes_that_answer_as_imagenets(network):
    model = fed(network, network, mean=(0,) * 3, std=(1,) * 3)
    model.labels = tuple(f"class {i}" for i in range(1000))
    photos = sample_photos(model)
    log_p = read(model(shown(photos, ("plain",))), "logits")
    names = check_names(Asking(model), "logits", photos, log_p, fed_wrongly=False)
    assert names.verdict == "advice"
    assert "--labels FILE" in names.says
    own = Photo("mine.png", photos[0].pixels, (5,), given=True)
    with_own = check_names(
        Asking(model), "logits", (own, *photos), log_p[[0, *range(len(photos))]], fed_wrongly=False
    )
    assert with_own.verdict == "advice"
    assert "class 5 comes as number" in with_own.says
    assert "--labels FILE" in with_own.says


def test_names_shifted_by_one_whatever_a_given_picture_says(network):
    model = fed(network, network, mean=(0,) * 3, std=(1,) * 3)
    model.labels = tuple(np.roll(network.labels, 1).tolist())
    said = int(network(shown(sample_photos(network)[:1], ("plain",))).argmax())
    photo = replace(sample_photos(model)[0], name="cat.png", truth=(said,), given=True)
    _, names = all_judged(model, photo)  # it is called what --true says, and others are not
    assert names.verdict == "fault"
    assert "of 6 sample photos get a right name" in names.says


def test_a_network_that_forgot_everything_is_no_fault(network):
    findings, names = all_judged(shuffle_weights(network, np.random.default_rng(0)))
    assert {each.verdict for each in findings} == {"not judged"}
    assert len(findings) == 3
    assert names.verdict == "advice"


def test_a_picture_and_what_it_shows(network):
    without_twin = fed(network, network, mean=(0,) * 3, std=(1,) * 3)
    sure = sw.doctor(without_twin, data.coffee(), true="espresso")
    assert sure.ok
    assert sure.model.gradients == "no"
    assert "gradient-shap" not in {cost.method for cost in sure.costs}
    assert found(sure, NAMES).says == (
        "image is called espresso, as --true says; 6 of 6 sample photos get a right name."
    )
    [seen] = sure.seen
    assert (seen.name, seen.predictions[0].label) == ("image", "espresso")
