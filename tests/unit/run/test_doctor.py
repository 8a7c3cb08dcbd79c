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


def judged(model) -> tuple[list[Finding], str]:
    """Findings about the feeding that are not ok, and the verdict on the class names."""
    photos, asking = sample_photos(model), Asking(model)
    log_p = read(model(shown(photos, ("plain",))), "logits")
    findings, better = check_feeding(asking, "logits", photos)
    names = check_names(asking, "logits", photos, log_p, fed_wrongly=better is not None)
    return [each for each in findings if each.verdict != "ok"], names.verdict


@pytest.fixture(scope="module")
def healthy(network) -> sw.run.checkup.result.Checkup:
    return sw.doctor(network)


def found(checkup, check: str) -> Finding:
    return next(each for each in checkup.findings if each.check == check)


def test_a_sound_network_has_no_fault(healthy, network):
    assert healthy.ok
    assert {each.verdict for each in healthy.findings if each.check != "batch"} == {"ok"}
    assert healthy.asked <= 300
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
    now = healthy.speeds[-1].per_second
    costs = {cost.method: cost for cost in healthy.costs}
    assert {"lime", "kernel-shap", "partition-shap", "anchors", "occlusion"} <= set(costs)
    assert costs["lime"].evaluations == 1024
    assert costs["lime"].at_most
    assert costs["lime"].seconds == pytest.approx(1024 / now)
    assert not costs["occlusion"].at_most


def test_the_document_holds_plain_values(healthy):
    import json

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
    assert '"channels": "RGB"' in order.says


def test_missing_normalisation(network, inside):
    [scale], _ = judged(fed(network, inside, mean=(0,) * 3, std=(1,) * 3))
    assert (scale.check, scale.verdict) == (SCALE, "fault")
    assert "normalisation is missing" in scale.says
    assert '{"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}' in scale.says


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


def test_a_network_that_forgot_everything_is_no_fault(network):
    findings, names = judged(shuffle_weights(network, np.random.default_rng(0)))
    assert findings == []
    assert names == "advice"


def test_a_picture_and_what_it_shows(network):
    without_twin = fed(network, network, mean=(0,) * 3, std=(1,) * 3)
    sure = sw.doctor(without_twin, data.coffee(), true="espresso")
    assert sure.ok
    assert sure.model.gradients == "no"
    assert "gradient-shap" not in {cost.method for cost in sure.costs}
    assert found(sure, NAMES).says == "image is called espresso, as --true says."
    [seen] = sure.seen
    assert (seen.name, seen.predictions[0].label) == ("image", "espresso")


class TestSmallModels:
    """Faults that a model of a few numbers can have."""

    @staticmethod
    def model(fn, *, output="logits", labels=("red", "green", "blue"), size=(16, 16), **more):
        return sw.CallableModel(fn, labels=labels, output=output, input_size=size, **more)

    @staticmethod
    def colours(images):
        return 5 * images.mean(axis=(1, 2))

    def test_logits_that_are_probabilities(self):
        checkup = sw.doctor(self.model(lambda x: softmax(self.colours(x))))
        [fault] = checkup.faults
        assert fault.check == "outputs"
        assert "softmax is applied twice: say --returns probabilities" in fault.says

    def test_probabilities_that_are_logits(self):
        with_negatives = self.model(lambda x: self.colours(x) - 3, output="probabilities")
        [fault] = sw.doctor(with_negatives).faults
        assert "say --returns logits" in fault.says

    def test_probabilities_that_do_not_sum_to_one(self):
        several = self.model(lambda x: 1 / (1 + np.exp(-self.colours(x))), output="probabilities")
        [fault] = sw.doctor(several).faults
        assert "--returns raw" in fault.says

    def test_softmax_twice_in_the_network(self):
        def seven(images):
            logits = np.stack([9 * images[:, i, i].mean(axis=1) for i in range(7)], axis=1)
            return softmax(softmax(3 * logits))

        twice = self.model(seven, output="probabilities", labels=None)
        [fault] = sw.doctor(twice).faults
        assert fault.check == "outputs"
        assert "take one softmax out" in fault.says
        once = self.model(lambda x: np.sqrt(seven(x)), output="raw", labels=None)
        assert sw.doctor(once).ok

    def test_an_unsure_network_is_not_softmaxed_twice(self):
        weights = np.random.default_rng(0).normal(size=(16 * 16 * 3, 10)) / 40

        def flat(images):
            return softmax(images.reshape(len(images), -1) @ weights)

        assert sw.doctor(self.model(flat, output="probabilities", labels=None)).ok

    def test_dropout_left_on(self):
        rng = np.random.default_rng(0)

        def dropping(images):
            return self.colours(images * (rng.random(images.shape) > 0.3))

        checkup = sw.doctor(self.model(dropping))
        [fault] = checkup.faults
        assert fault.check == "same answer twice"
        assert "dropout" in fault.says
        assert found(checkup, "alone or in a batch").verdict == "not judged"
        assert found(checkup, SCALE).verdict == "not judged"

    def test_batch_statistics(self):
        def normalised(images):
            scores = self.colours(images)
            return (scores - scores.mean(0)) / (scores.std(0) + 1e-3)

        [fault] = sw.doctor(self.model(normalised)).faults
        assert fault.check == "alone or in a batch"
        assert "batch normalisation" in fault.says

    def test_rounding_that_depends_on_the_batch_is_no_fault(self):
        def half(images):
            return self.colours(images) * (1 + 2e-3 * (len(images) > 1))

        checkup = sw.doctor(self.model(half))
        assert checkup.ok
        assert found(checkup, "alone or in a batch").verdict == "advice"

    def test_nan_at_loading(self):
        def nan(images):
            return np.full((len(images), 3), np.nan)

        nan.labels, nan.output, nan.input_size = ["a", "b", "c"], "logits", (16, 16)
        import sys
        from types import ModuleType

        module = ModuleType("nan_model_of_the_doctor")
        module.nan = nan
        sys.modules[module.__name__] = module
        try:
            checkup = sw.doctor(f"py:{module.__name__}:nan")
        finally:
            del sys.modules[module.__name__]
        [fault] = checkup.faults
        assert (fault.check, checkup.model) == ("loading", None)
        assert "NaN" in fault.says
        assert not checkup.to_json()["ok"]

    def test_nan_on_black(self):
        def contrast(images):
            scores = self.colours(images)
            with np.errstate(invalid="ignore"):
                return scores / scores.sum(1, keepdims=True)

        [fault] = sw.doctor(self.model(contrast, output="raw")).faults
        assert fault.check == "numbers"
        assert fault.says.startswith("For a black picture: ")

    def test_nan_on_photos(self):
        def bright(images):
            scores = self.colours(images)
            scores[images.max(axis=(1, 2, 3)) > 0.9] = np.inf
            return scores

        checkup = sw.doctor(self.model(bright))
        assert [each.check for each in checkup.faults] == ["numbers"]
        assert checkup.speeds == ()

    def test_a_model_that_fails_on_dark_photos_only(self):
        def lit(images):
            scores = self.colours(images)
            means = images.mean((1, 2, 3))
            scores[(means > 0.05) & (means < 0.2)] = np.nan
            return scores

        checkup = sw.doctor(self.model(lit))
        assert not checkup.ok
        assert "NaN" in checkup.faults[-1].says
        assert checkup.seen

    def test_memory_that_runs_out(self):
        def small(images):
            if len(images) > 30:
                raise MemoryError
            return self.colours(images)

        checkup = sw.doctor(self.model(small, batch=64))
        assert checkup.ok
        assert [speed.batch for speed in checkup.speeds] == [1, 4, 16]
        assert checkup.costs[0].seconds == pytest.approx(1024 / checkup.speeds[-1].per_second)

    def test_the_same_answer_to_everything(self):
        [fault] = sw.doctor(self.model(lambda x: np.ones((len(x), 3)))).faults
        assert "the same for every photo" in fault.says

    def test_sound_models_of_all_kinds(self):
        weights = np.random.default_rng(0).normal(size=(16 * 16, 1)) / 9

        def tumour(images):
            flat = images.mean(3).reshape(len(images), -1)
            return 1 / (1 + np.exp(-(flat @ weights)))

        sound = {
            "sigmoid": self.model(tumour, output="probabilities", labels=["tumour"]),
            "raw": self.model(self.colours, output="raw"),
            "grey": self.model(
                tumour, output="probabilities", labels=["no", "yes"], size=(16, 16, 1)
            ),
            "bands": self.model(self.colours, labels=None, size=(16, 16, 5)),
            "wide": self.model(self.colours, size=(8, 32)),
        }
        for name, model in sound.items():
            checkup = sw.doctor(model)
            assert checkup.ok, f"{name}: {checkup}"
        assert found(sw.doctor(sound["raw"]), SCALE).verdict == "not judged"

    def test_one_logit_that_looks_like_a_probability(self):
        squashed = self.model(lambda x: x.mean((1, 2, 3)), labels=["bright"])
        finding = found(sw.doctor(squashed), "outputs")
        assert finding.verdict == "advice"
        assert "--returns probabilities" in finding.says
        rectified = self.model(lambda x: x.mean((1, 2)) / 9)
        assert found(sw.doctor(rectified), "outputs").verdict == "ok"

    def test_shuffled_names_against_the_given_picture(self):
        names = [f"name {i}" for i in range(12)]

        def bright_rows(images):
            return 30 * images[:, :12].mean(axis=(2, 3))

        rows = np.zeros((16, 16, 3), np.float32)
        rows[3] = 1.0
        right = sw.doctor(self.model(bright_rows, labels=names), rows, true="name 3")
        assert found(right, NAMES).verdict == "ok"
        reading = rows + np.linspace(0.4, 0, 16, dtype=np.float32)[:, None, None]
        wrong = sw.doctor(self.model(bright_rows, labels=names), reading.clip(0, 1), true="name 11")
        finding = found(wrong, NAMES)
        assert finding.verdict == "fault"
        assert "name 11 comes 12. of 12" in finding.says

    def test_a_near_miss_may_be_a_mistake(self):
        model = self.model(lambda x: x.mean((1, 2))[:, [0, 1, 2, 0]], labels=None)
        photo = Photo("mine.png", np.full((16, 16, 3), 0.5, np.float32), (1,), given=True)
        ranked = {1: "ok", 2: "advice", 3: "advice", 4: "fault"}
        for rank, verdict in ranked.items():
            log_p = np.log(np.roll([[0.4, 0.3, 0.2, 0.1]], 2 - rank, axis=1))
            finding = check_names(Asking(model), "logits", [photo], log_p, fed_wrongly=False)
            assert finding.verdict == verdict, rank
            excused = check_names(Asking(model), "logits", [photo], log_p, fed_wrongly=True)
            assert excused.verdict in ("ok", "advice")

    def test_what_does_not_go_together(self):
        model = self.model(self.colours)
        with pytest.raises(sw.InputError, match="give the picture as well"):
            sw.doctor(model, true="red")
        with pytest.raises(sw.InputError, match="none of the model's 3 classes"):
            sw.doctor(model, data.coffee(), true="yellow")
        with pytest.raises(sw.SpecError):
            sw.doctor("builtin:imagnet")


def softmax(scores: np.ndarray) -> np.ndarray:
    raised = np.exp(scores - scores.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


class TestOnePicture:
    """A network of other classes than ImageNet's, judged by one picture and what it shows."""

    LABELS = ("warm", "cold", "dim", "bright")

    @classmethod
    def colour_reader(cls, images: np.ndarray) -> np.ndarray:
        """A network that wants RGB from -1 to 1 and is sure of warm and cold."""
        red, _, blue = np.moveaxis(images.mean((1, 2)), 1, 0)
        light = images.mean((1, 2, 3))
        return 12 * np.stack([red - blue, blue - red, -light - 0.5, light - 0.5], axis=1)

    @classmethod
    def model(cls, **preprocessing) -> sw.CallableModel:
        usual = {"size": (16, 16), "mean": (0.5,) * 3, "std": (0.5,) * 3}
        steps = sw.Preprocessing(**(usual | preprocessing))
        return sw.CallableModel(
            cls.colour_reader,
            labels=cls.LABELS,
            output="logits",
            input_size=(16, 16),
            preprocess=steps,
        )

    PICTURE = np.full((16, 16, 3), (0.8, 0.5, 0.2), np.float32)

    def test_rightly_fed(self):
        assert sw.doctor(self.model(), self.PICTURE, true="warm").ok

    def test_blue_for_red(self):
        checkup = sw.doctor(self.model(channels="BGR"), self.PICTURE, true="warm")
        order = found(checkup, ORDER)
        assert order.verdict in ("advice", "fault")
        assert "it takes RGB, not BGR" in order.says
        assert found(checkup, SCALE).verdict == "ok"
        assert found(checkup, NAMES).verdict == "advice"
