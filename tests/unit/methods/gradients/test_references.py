"""What pictures are compared with: fills, other pictures, noise; spelled so that they last."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image as PILImage

from seewhy.errors import ImageError, InputError, SpecError
from seewhy.image.fill import BlackFill, BlurFill, GreyFill, MeanFill, NoiseFill, PictureFill
from seewhy.image.listing import listed_pictures
from seewhy.image.read import read_picture
from seewhy.methods.explanation import method_settings
from seewhy.methods.gradients.gradient_shap import GradientShap
from seewhy.methods.gradients.references import references_of, spelled_reference


def rng(seed=0):
    return np.random.default_rng(seed)


def picture(seed=5, shape=(9, 14, 3)):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


@pytest.mark.parametrize(
    ("reference", "spelled"),
    [
        ("fill", "fill"),
        (" black ", "black"),
        ("grey=0.25", "grey:0.25"),
        (GreyFill(0.25), "grey:0.25"),
        (BlackFill(), "black"),
        (BlurFill(0.1), "blur:0.1"),
        (MeanFill(), "mean"),
        (NoiseFill(), "noise"),
    ],
)
def test_references_are_spelled_as_on_the_command_line(reference, spelled):
    assert spelled_reference(reference, ()) == spelled


@pytest.mark.parametrize(
    ("reference", "pictures", "said"),
    [
        ("white", (), "reference must be 'fill', 'pictures', or a fill.*got 'white'"),
        ("grey:2", (), r"value must be in \[0, 1\]"),
        ("pictures", (), "none is given"),
        ("black", (picture(),), "pictures are for reference='pictures'"),
        ("picture:bus.jpg", (), "reference must be 'pictures'"),
        ("PICTURE=bus.jpg", (), "reference must be 'pictures'"),
        (PictureFill(read_picture(picture())), (), "give other pictures as pictures="),
        (3, (), "one of Seewhy's fills such as BlackFill"),
    ],
)
def test_what_is_no_reference_is_refused(reference, pictures, said):
    with pytest.raises((InputError, SpecError), match=said):
        spelled_reference(reference, pictures)


def test_a_folder_stands_for_its_files(tmp_path):
    for name in ("b.png", "a.png", ".hidden", "README.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "inner").mkdir()
    listed = listed_pictures([str(tmp_path), "c.png"])
    assert [str(p) for p in listed] == [str(tmp_path / "a.png"), str(tmp_path / "b.png"), "c.png"]
    with pytest.raises(InputError, match="has no picture"):
        listed_pictures(tmp_path / "inner")
    one = picture()
    assert listed_pictures(one)[0] is one


def test_the_fill_is_the_hidden_picture_of_the_game(view_of, network):
    view = view_of(network())
    found = references_of(view, "fill", (), rng(), draws=3)
    assert found.count == 1
    assert not found.sampled
    np.testing.assert_array_equal(found(np.array([0, 0])), [view.picture.hidden] * 2)


@pytest.mark.parametrize("reference", ["black", "grey:0.3", "blur:0.3", "mean", "noise"])
def test_what_no_superpixel_owns_shows_the_picture(reference, view_of, network):
    view = view_of(network())
    outside = view.picture.labels < 0
    for one in references_of(view, reference, (), rng(), draws=3)(np.arange(1)):
        np.testing.assert_array_equal(one[outside], view.pixels[outside])
        assert (one[~outside] != view.pixels[~outside]).mean() > 0.9


def test_noise_is_drawn_as_often_as_asked_and_stays_what_it_is(view_of, network):
    view = view_of(network())
    found = references_of(view, "noise", (), rng(), draws=3)
    assert found.count == 3
    assert found.sampled
    three = found(np.arange(3))
    assert np.abs(three[0] - three[1]).mean() > 0.2
    np.testing.assert_array_equal(found(np.array([2, 0])), three[[2, 0]])
    again = references_of(view, "noise", (), rng(), draws=3)(np.arange(3))
    np.testing.assert_array_equal(again, three)


def test_pictures_come_to_the_models_input(view_of, network, tmp_path):
    view = view_of(network())
    file = tmp_path / "other.png"
    PILImage.fromarray((picture(6) * 255).astype(np.uint8)).save(file)
    found = references_of(view, "pictures", (str(file), picture(7, (30, 20))), rng(), draws=1)
    assert found.count == 2
    inside = view.picture.labels >= 0
    wanted = view.model.preprocessing.apply(read_picture(str(file)).pixels)
    np.testing.assert_array_equal(found(np.arange(2))[0][inside], wanted[inside])
    outside = view.pixels[~inside]
    np.testing.assert_array_equal(found(np.arange(2))[1][~inside], outside)


def test_the_mean_score_of_references_is_over_all_of_them(view_of, network):
    view = view_of(network(), batch=2)
    found = references_of(view, "noise", (), rng(), draws=5)
    whole, base = found.ends(view)
    np.testing.assert_allclose(base, view.scores(found(np.arange(5))).mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(whole, view.scores(view.pixels[None])[0], atol=1e-6)


def test_a_picture_that_cannot_be_read_is_named(view_of, network):
    method = GradientShap(reference="pictures", pictures=("no_such.png",))
    with pytest.raises(ImageError, match=r"no_such\.png"):
        method(view_of(network()), rng())


def test_settings_name_pictures_and_make_the_method_again(view_of, network):
    method = GradientShap(reference="pictures", pictures=(picture(8), picture(9)), samples=4)
    found = method(view_of(network()), rng()).method
    settings = json.loads(json.dumps(method_settings(found)))
    assert settings["pictures"][0].startswith("image (sha256 ")
    assert settings["pictures"][0] != settings["pictures"][1]
    assert GradientShap(**settings) == found
