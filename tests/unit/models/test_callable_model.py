"""CallableModel: any function, and what it declares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from seewhy.errors import InputError, ModelError
from seewhy.models.callable_model import CallableModel
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Model, is_model


def channel_means(images):
    return images.mean(axis=(1, 2))


def make(fn=channel_means, **keywords):
    settings = {"labels": ["r", "g", "b"], "output": "raw", "input_size": (4, 5), **keywords}
    return CallableModel(fn, **settings)


IMAGES = np.random.default_rng(0).random((9, 4, 5, 3), dtype=np.float32)


def test_is_a_model():
    model: Model = make()
    assert is_model(model)
    assert not is_model(channel_means)
    assert model.input_size == (4, 5, 3)
    assert model.framework == "python"
    assert model.spec == f"py:{__name__}:channel_means"


@pytest.mark.parametrize("batch", [1, 4, 100, "auto"])
def test_the_function_sees_pixels_as_they_are(batch):
    np.testing.assert_allclose(make(batch=batch)(IMAGES), IMAGES.mean(axis=(1, 2)), rtol=1e-6)


def test_auto_batch_follows_the_size():
    assert make(input_size=(224, 224)).batch_size == 32
    assert make(input_size=(448, 448)).batch_size == 8


def test_pictures_given_are_never_changed():
    def rude(images):
        images *= 0
        return channel_means(images)

    before = IMAGES.copy()
    make(rude)(IMAGES)
    np.testing.assert_array_equal(IMAGES, before)


def test_a_single_output_is_two_classes():
    brightness = {"fn": lambda x: x.mean(axis=(1, 2, 3)), "output": "probabilities"}
    assert make(**brightness, labels=["dark", "bright"]).labels == ("dark", "bright")
    assert make(**brightness, labels=["bright"]).labels == ("not bright", "bright")
    with pytest.raises(ModelError, match="1 outputs but 3 labels"):
        make(**brightness)


def test_unnamed_classes_are_numbered():
    assert make(labels=None).labels == ("class 0", "class 1", "class 2")


@pytest.mark.parametrize(
    ("size", "channels"), [((4, 5, 1), "L"), ((4, 5, 3), "RGB"), ((4, 5, 7), "bands")]
)
def test_channels_follow_the_input_size(size, channels):
    model = make(lambda x: x.sum(axis=(1, 2)), input_size=size, labels=None)
    assert model.preprocessing.channels == channels
    assert len(model.labels) == size[2]


def test_preprocessing_with_normalisation(tmp_path):
    preprocessing = Preprocessing((4, 5), 6, mean=(0.5,) * 3, std=(0.25,) * 3)
    expected = (IMAGES.mean(axis=(1, 2)) - 0.5) / 0.25
    np.testing.assert_allclose(make(preprocess=preprocessing)(IMAGES), expected, rtol=1e-4)
    file = tmp_path / "preprocessing.json"
    file.write_text(json.dumps(preprocessing.to_json()))
    assert make(preprocess=file).preprocessing == preprocessing
    with pytest.raises(InputError, match=r"input_size is \(8, 8\).*must agree"):
        make(preprocess=preprocessing, input_size=(8, 8))


def test_fingerprint_covers_name_and_settings():
    assert make().fingerprint == make(batch=2).fingerprint
    others = [make(output="logits"), make(lambda x: channel_means(x)), make(input_size=(5, 5))]
    assert len({make().fingerprint, *(model.fingerprint for model in others)}) == 4


def test_fingerprint_covers_the_code():
    def made(factor, *, quoted=False):
        text = f"def f(x):\n    return (lambda y: y.mean(axis=(1, 2)) * {factor})(x)\n"
        spaces = {"__name__": "users"}
        exec("\n\n" * quoted + text, spaces)
        return make(spaces["f"]).fingerprint

    assert made(2) == made(2, quoted=True)
    assert made(2) != made(3)


def test_fingerprint_covers_the_code_of_an_objects_call():
    class Means:
        def __call__(self, images):
            return channel_means(images)

    first = make(Means()).fingerprint
    Means.__call__ = lambda self, images: channel_means(images) + 1
    assert make(Means()).fingerprint != first


def test_fingerprint_covers_default_and_bound_arguments():
    def made(factor, bound=None):
        def f(x, weight=factor):
            return x.mean(axis=(1, 2)) * weight

        return make(f if bound is None else partial(f, weight=bound)).fingerprint

    assert made(2) == made(2)
    assert made(2) != made(3)
    assert made(2, bound=4) == made(2, bound=4)
    assert len({made(2, bound=4), made(2, bound=5), made(2)}) == 3


FINGERPRINT = """
import seewhy as sw

def f(x, here=object()):
    return x.mean(axis=(1, 2)) * ("a" in {"a", "b", "c", "d"})

said = dict(labels=None, output="raw", input_size=(4, 4))
print(sw.CallableModel(f, **said).fingerprint)
"""


def test_fingerprint_is_the_same_in_another_process():
    def printed(hash_seed):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", FINGERPRINT]
        return subprocess.run(command, env=environment, capture_output=True, check=True).stdout

    assert printed("1") == printed("2")


def test_memory_is_survived():
    def hungry(images):
        if len(images) > 2:
            raise MemoryError
        return channel_means(images)

    model = make(hungry, batch=8)
    np.testing.assert_allclose(model(IMAGES), IMAGES.mean(axis=(1, 2)), rtol=1e-6)
    assert model.batch_size == 2


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"fn": 3}, InputError, "must be a function"),
        ({"output": "logit"}, InputError, "did you mean 'logits'"),
        ({"input_size": 224}, InputError, r"\(h, w\) or \(h, w, c\); got 224"),
        ({"input_size": (0, 5)}, InputError, "positive"),
        ({"labels": "labels.txt"}, InputError, "read_labels"),
        ({"labels": ["a"]}, ModelError, "3 outputs but 1 labels"),
        ({"batch": 0}, InputError, "batch must be"),
        ({"fn": lambda x: x.mean(axis=(1, 2)) * np.nan}, ModelError, "NaN or infinity"),
        ({"fn": lambda x: x}, ModelError, r"shape \(1, k\)"),
    ],
)
def test_mistakes_are_named(keywords, error, message):
    with pytest.raises(error, match=message):
        make(**keywords)
