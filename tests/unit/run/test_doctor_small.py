"""Faults that models of a few numbers can have, and what one picture says of other classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage import data

import seewhy as sw
from seewhy.run.checkup.asking import Asking, read
from seewhy.run.checkup.fed import LAYOUT, ORDER, SCALE
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.measuring import Speed, advise_batch, measure, rate_with
from seewhy.run.checkup.named import CHECK as NAMES
from seewhy.run.checkup.named import check_names
from seewhy.run.checkup.photos import Photo


def found(checkup, check: str) -> Finding:
    return next(each for each in checkup.findings if each.check == check)


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
        assert checkup.speeds[-1].batch == 16  # 64 were halved, and halved again
        assert "not tried" not in found(checkup, "batch").says
        assert checkup.costs[0].seconds == pytest.approx(1024 / checkup.speeds[-1].per_second)

    def test_every_picture_is_counted(self):
        asked = 0

        def counting(images):
            nonlocal asked
            asked += len(images)
            return self.colours(images)

        model, asked = self.model(counting, batch=64), 0
        assert sw.doctor(model).asked == asked

    @pytest.mark.parametrize(
        ("seconds", "tried"),
        [
            (lambda n: 0.004 * n, [1, 4, 64]),  # no faster: the model's own is tried all the same
            (lambda n: 0.004 + 0.001 * n, [1, 4, 16, 64]),
            (lambda n: 0.1 * n, [1, 4]),  # 64 would take seconds
            (lambda n: 9.0, [1]),
        ],
    )
    def test_which_batches_are_tried(self, monkeypatch, seconds, tried):
        def timed(asking, images):
            return seconds(len(images))

        monkeypatch.setattr(Asking, "timed", timed)
        model = self.model(self.colours, batch=64)
        speeds = measure(Asking(model), np.zeros((2, 16, 16, 3), np.float32))
        assert [speed.batch for speed in speeds] == tried
        assert [speed.per_second for speed in speeds] == [n / seconds(n) for n in tried]

    @pytest.mark.parametrize(
        ("rates", "now", "verdict", "says"),
        [
            ({1: 100, 4: 180, 16: 200}, 16, "ok", "16 at a time, 200 a second, is as fast"),
            ({1: 100, 4: 6510, 16: 3209}, 16, "ok", "3209 pictures a second; 4 at a time would do"),
            ({1: 100, 4: 300, 16: 200}, 16, "advice", "--batch 4 is faster than the present 16"),
            ({1: 10, 4: 30}, 64, "advice", "64 pictures at a time would take seconds"),
        ],
    )
    def test_what_is_said_of_batches(self, rates, now, verdict, says):
        speeds = [Speed(batch, per_second, None) for batch, per_second in rates.items()]
        finding = advise_batch(speeds, now)
        assert finding.verdict == verdict
        assert says in finding.says

    def test_estimates_are_for_the_batch_really_used(self):
        speeds = [Speed(1, 10, None), Speed(16, 100, None), Speed(64, 200, None)]
        assert [rate_with(speeds, batch) for batch in (1, 61, 64, 999)] == [10, 100, 200, 200]

    def test_the_same_answer_to_everything(self):
        [fault] = sw.doctor(self.model(lambda x: np.ones((len(x), 3)))).faults
        assert "the same for every photo" in fault.says

    def test_sound_for_what_cannot_be_told_without_a_truth(self):
        checkup = sw.doctor(self.model(self.colours))
        for check in (SCALE, ORDER, LAYOUT):
            assert found(checkup, check).verdict == "not judged"
            assert "--true NAME" in found(checkup, check).says

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
        wrong = sw.doctor(self.model(bright_rows, labels=names), reading.clip(0, 1), true="name 8")
        finding = found(wrong, NAMES)
        assert finding.verdict == "fault"
        assert "name 8 comes as number 9 of 12, however the picture is shown" in finding.says

    @pytest.mark.parametrize(
        ("chances", "verdict"),
        [
            ([0.95, 0.05, 0, 0, 0, 0], "ok"),  # of the first class, which is the true one
            ([0.05, 0.95, 0, 0, 0, 0], "advice"),
            ([1e-5, 0.97, 0.03, 0, 0, 0], "advice"),  # the third, among those held possible
            ([1e-5, 0.95, 0.03, 0.02, 0, 0], "fault"),
            ([1e-2, 0.92, 0.04, 0.03, 0, 0], "advice"),  # not so unlikely
            ([1e-5, 0.55, 0.25, 0.2, 0, 0], "advice"),  # it is not sure of any
        ],
    )
    def test_a_mistake_or_other_names(self, chances, verdict):
        logits = np.log(np.array(chances) + 1e-9)
        model = self.model(lambda x: np.tile(logits, (len(x), 1)), labels=None)
        photo = Photo("mine.png", np.full((16, 16, 3), 0.5, np.float32), (0,), given=True)
        log_p = read(model(photo.pixels[None]), "logits")
        said = check_names(Asking(model), "logits", [photo], log_p, fed_wrongly=False)
        assert said.verdict == verdict
        excused = check_names(Asking(model), "logits", [photo], log_p, fed_wrongly=True)
        assert excused.verdict in ("ok", "advice")

    def test_a_name_that_depends_on_how_the_picture_is_shown_may_be_a_mistake(self):
        def unsteady(images):
            dark = images.mean((1, 2, 3)) < 0.45
            return np.where(dark[:, None], [[0, 0, 0, 0]], [[-30, 9, 0, 0]])

        model = self.model(unsteady, labels=None)
        photo = Photo("mine.png", np.full((16, 16, 3), 0.46, np.float32), (0,), given=True)
        log_p = read(model(photo.pixels[None]), "logits")
        names = check_names(Asking(model), "logits", [photo], log_p, fed_wrongly=False)
        assert names.verdict == "fault"  # dark in one view of six
        dim = replace(photo, pixels=np.full((16, 16, 3), 0.4501, np.float32))
        dim.pixels[::2] -= 0.0002
        dim.pixels[:8] -= np.float32(0.2)
        dim.pixels[8:] += np.float32(0.2)
        names = check_names(Asking(model), "logits", [dim], log_p, fed_wrongly=False)
        assert names.verdict == "advice"

    def test_without_sample_photos(self, monkeypatch, tmp_path):
        monkeypatch.setattr("seewhy.run.checkup.photos.sample_path", tmp_path.joinpath)
        model = self.model(self.colours)
        with pytest.raises(sw.InputError, match="no sample photo is installed"):
            sw.doctor(model)
        alone = sw.doctor(model, np.full((16, 16, 3), (200, 90, 90), np.uint8), true="red")
        assert alone.ok, alone
        assert found(alone, NAMES).verdict == "ok"

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
        assert checkup.remedy["input"]["channels"] == "RGB"
        assert found(checkup, NAMES).verdict == "advice"

    def test_grey_says_nothing_about_colours(self):
        model = sw.CallableModel(
            lambda pixels: 12 * pixels.mean((1, 2, 3))[:, None] * np.array([-1, 1]),
            labels=["dim", "bright"],
            output="logits",
            input_size=(16, 16),
            preprocess=self.model().preprocessing,
        )
        checkup = sw.doctor(model, np.full((16, 16), 230, np.uint8), true="bright")
        assert found(checkup, ORDER).says == "Not judged: the picture has no colours."
        assert found(checkup, SCALE).verdict == "ok"
