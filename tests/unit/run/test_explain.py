"""The front door, on a model whose explanation is known in advance."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as pillow

import seewhy as sw
from seewhy.errors import InputError
from seewhy.run.provenance import stream

QUARTERS = "grid:2x2"


def test_known_model_gets_its_known_explanation(model, picture):
    result = sw.explain(picture, model, segments=QUARTERS, fill="black", score="raw", top=2)
    # log-probabilities are stored, so only differences of logits can be exact
    contrast = sw.explain(
        picture, model, segments=QUARTERS, fill="black", target="corner", against="neither"
    )
    corner = 4 * (picture[:16, :16] / 255).mean()
    np.testing.assert_allclose(contrast["lime"].values[:, 0], [corner, 0, 0, 0], atol=1e-5)
    assert result["lime"].targets == (0, 1)


def test_a_model_of_the_last_superpixel_gives_it_all_the_weight():
    """Labels that start at 1: the lime package addresses 0…d−1 and finds nothing."""
    labels = np.arange(1, 5).repeat(8)[None, :].repeat(32, axis=0)

    def last_only(images: np.ndarray) -> np.ndarray:
        return np.stack([images[:, :, 24:].mean(axis=(1, 2, 3))], axis=1)

    model = sw.CallableModel(last_only, labels=["x"], output="raw", input_size=(32, 32))
    picture = np.full((32, 32, 3), 0.8, np.float32)
    for given in (labels, labels * 3 - 7):
        result = sw.explain(picture, model, segments=given, fill="black", score="raw")
        np.testing.assert_allclose(result["lime"].values[:, 0], [0, 0, 0, 0.8], atol=1e-6)


def test_same_picture_same_bytes_whatever_it_came_in(model, picture, tmp_path):
    path = tmp_path / "picture.png"
    pillow.fromarray(picture).save(path)
    asked = {"segments": "grid:4", "budget": 64, "fill": "noise"}
    first = sw.explain(picture, model, **asked)
    for again in (path, str(path), pillow.open(path), picture.astype(np.float32) / 255):
        result = sw.explain(again, model, **asked)
        assert result["lime"].values.tobytes() == first["lime"].values.tobytes()
        assert result.fingerprint == first.fingerprint


def test_seed_changes_the_masks_and_the_fingerprint(model, picture):
    results = [sw.explain(picture, model, segments="grid:4", budget=32, seed=s) for s in (1, 2)]
    assert results[0].fingerprint != results[1].fingerprint
    assert results[0].seed == 1


def test_streams_depend_on_seed_and_name_only():
    assert stream(1, "lime").random() == stream(1, "lime").random()
    assert stream(1, "lime").random() != stream(1, "fill").random()
    assert stream(1, "lime").random() != stream(2, "lime").random()


def test_two_methods_share_what_is_paid(model, picture):
    methods = [sw.Lime(), sw.Lime(name="paper", kernel_width=0.25)]
    result = sw.explain(picture, model, methods=methods, segments=QUARTERS)
    assert result.evaluations == 16
    assert result["paper"].values.tobytes() == result["lime"].values.tobytes()


def test_budget_is_shared_and_overridden(model, picture):
    methods = [sw.Lime(), sw.Lime(budget=32, name="small")]
    result = sw.explain(picture, model, methods=methods, segments="grid:4", budget=64)
    assert result["lime"].evaluations == 66
    assert result["small"].evaluations == 34


def test_targets_by_name_index_and_list(model, picture):
    asked = {"segments": QUARTERS}
    assert sw.explain(picture, model, target="REST", **asked)["lime"].targets == (1,)
    assert sw.explain(picture, model, target=2, **asked)["lime"].targets == (2,)
    both = sw.explain(picture, model, target=["neither", 0, "corner"], **asked)
    assert both["lime"].targets == (2, 0)


def test_against_alone_takes_the_likeliest_other_class(model, picture):
    result = sw.explain(picture, model, against="corner", segments=QUARTERS)
    assert [t.label for t in result.targets] == ["rest"]
    assert result.against.label == "corner"


def test_predictions_are_the_models_own(model, picture):
    result = sw.explain(picture, model, segments=QUARTERS)
    logits = model((picture / 255).astype(np.float32)[None])[0].astype(float)
    probabilities = np.exp(logits) / np.exp(logits).sum()
    assert [p.label for p in result.predictions] == ["corner", "rest", "neither"]
    np.testing.assert_allclose(
        [p.probability for p in result.predictions], np.sort(probabilities)[::-1], rtol=1e-5
    )


def test_progress_is_told_and_changes_nothing(model, picture):
    events: list[sw.Progress] = []
    quiet = sw.explain(picture, model, segments="grid:4", budget=64)
    told = sw.explain(picture, model, segments="grid:4", budget=64, progress=events.append)
    assert told["lime"].values.tobytes() == quiet["lime"].values.tobytes()
    done = [e.done for e in events if e.stage.startswith("lime")]
    assert done == sorted(done)
    assert done[-1] == 64


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"target": "korner"}, "korner.*did you mean 'corner'"),
        ({"target": 7}, "3 classes"),
        ({"target": []}, "target must name at least one class"),
        ({"target": "rest", "against": "rest"}, "against must be another class.*'rest' for both"),
        ({"top": 0}, "top must be a whole number of at least 1; got 0"),
        ({"score": "odds"}, "score must be one of log-odds.*got 'odds'"),
        ({"segments": "slik:60"}, "did you mean 'slic"),
        ({"segments": "grid:1x1"}, "has one superpixel"),
        ({"segments": np.zeros((5, 5), int)}, r"height and width \(32, 32\); got \(5, 5\)"),
        ({"fill": "bluur"}, "did you mean 'blur'"),
        ({"budget": 3}, "budget must be 'auto' or a whole number of at least 8 masks; got 3"),
        ({"methods": ["lime"]}, r"methods must be methods such as Lime\(\); got 'lime'"),
        ({"methods": sw.Lime}, r"got the class Lime: call it, Lime\(\)"),
        ({"methods": sw.Lime(name="a/b")}, "letters, digits.*got 'a/b'"),
        ({"fill": sw.GreyFill}, "got the class GreyFill"),
        ({"segments": sw.Slic}, "got the class Slic"),
        ({"segments": "slic:100000"}, "at most 10000"),
        ({"top": 2.5}, "top must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0 on; got -1"),
        ({"methods": "lim"}, "did you mean 'lime'"),
        ({"segments": 60}, r"segments must be a segmenter such as Slic\(60\).*got 60"),
        ({"fill": 0}, r"fill must be a fill such as MeanFill\(\).*got 0"),
        ({"methods": []}, "methods must hold at least one method"),
        ({"methods": [sw.Lime(), sw.Lime()]}, "different names; got 'lime' twice"),
    ],
)
def test_bad_settings_get_one_sentence(model, picture, asked, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        sw.explain(picture, model, **asked)
    assert "\n" not in str(caught.value)


def test_raw_outputs_refuse_log_odds(picture):
    raw = sw.CallableModel(
        lambda images: images.mean(axis=(1, 2, 3))[:, None],
        labels=["brightness"],
        output="raw",
        input_size=(32, 32),
    )
    with pytest.raises(InputError, match="score must be 'raw'"):
        sw.explain(picture, raw, segments=QUARTERS)
    result = sw.explain(picture, raw, segments=QUARTERS, score="raw")
    assert result.predictions[0].probability is None


def test_one_output_is_a_two_class_model(picture):
    one = sw.CallableModel(
        lambda images: images.mean(axis=(1, 2, 3))[:, None],
        labels=["dark", "bright"],
        output="probabilities",
        input_size=(32, 32),
    )
    result = sw.explain(picture, one, segments=QUARTERS, fill="black", target=["dark", "bright"])
    values = result["lime"].values
    np.testing.assert_allclose(values[:, 0], -values[:, 1], atol=1e-6)
    assert (values[:, 1] > 0).all()


def test_one_pixel_is_refused(model):
    with pytest.raises(InputError, match=r"1×1 pixels.*nothing to compare"):
        sw.explain(np.zeros((1, 1, 3), np.float32), model)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_pictures(model, channels):
    rng = np.random.default_rng(0)
    picture = rng.random((40, 48, channels)).astype(np.float32)
    assert sw.explain(picture, model, segments="slic:12", budget=32)["lime"].values.shape[1] == 3


def test_one_method_or_its_name_will_do(model, picture):
    asked = {"segments": QUARTERS}
    default = sw.explain(picture, model, **asked)
    for methods in (sw.Lime(), "lime"):
        again = sw.explain(picture, model, methods=methods, **asked)
        assert again["lime"].values.tobytes() == default["lime"].values.tobytes()


def test_a_picture_that_hiding_does_not_change_says_so(model):
    result = sw.explain(np.full((32, 32, 3), 0.5, np.float32), model, segments=QUARTERS)
    assert not result["lime"].values.any()
    assert "does not change what the model says about corner" in result.sentences()[0]


def test_superpixels_too_small_for_the_model_are_dropped(model):
    """1 600 squares of a picture of 400 pixels' side do not all survive at 32."""
    picture = np.random.default_rng(0).random((400, 400, 3)).astype(np.float32)
    result = sw.explain(picture, model, segments="grid:40", budget=32, top=1)
    assert result.segmentation.count == 32 * 32
    assert len(result["lime"].values) == 32 * 32
