"""What goes on in other threads, and that nobody waits for it for ever."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

import seewhy as sw
from seewhy.errors import MissingExtraError
from seewhy.server import offers
from seewhy.server.hall import Hall
from seewhy.server.refusal import RefusedError
from seewhy.server.settings import Settings

WAIT = 20.0


def model(**more):
    def brightness(images):
        return images.mean(axis=(1, 2)) @ np.eye(3)

    return sw.CallableModel(brightness, labels=list("abc"), output="logits", input_size=(8, 8))


@pytest.fixture
def hall():
    hall = Hall(model(), Settings())
    yield hall
    hall.close()
    assert hall.join(WAIT)


def test_joining_waits_for_figures_and_pictures_but_not_for_ever(hall):
    release, begun = threading.Event(), threading.Event()

    def draw():
        begun.set()
        return release.wait(WAIT)

    async def ask():
        drawing = asyncio.create_task(hall.drawing(draw))
        while not begun.is_set():
            await asyncio.sleep(0.01)
        hall.close()
        assert not hall.join(0.05)
        release.set()
        assert await drawing
        assert hall.join(WAIT)
        with pytest.raises(RefusedError, match="being stopped"):
            await hall.decoding(len, "")

    asyncio.run(ask())


def test_the_model_is_asked_by_one_thread_and_no_other(hall):
    async def names():
        calls = [hall.asking(lambda: threading.current_thread().name) for _ in range(3)]
        return set(await asyncio.gather(*calls))

    assert asyncio.run(names()) == {"seewhy-worker"}


def test_methods_that_need_gradients_say_why_they_are_not_offered(hall):
    about = offers.about(hall.model, hall.settings)
    by_name = {method["name"]: method for method in about["methods"]}
    assert by_name["lime"]["unavailable"] is None
    assert "gradients" in by_name["deep-shap"]["unavailable"]
    assert about["model"]["gradients"] is False
    assert all(method["what"].endswith(".") for method in about["methods"])


def test_a_twin_in_torch_is_offered_only_where_torch_is(monkeypatch):
    class Twinned:
        spec = "twinned"

        def twin(self):
            raise MissingExtraError('pip install "seewhy[torch]"')

    monkeypatch.setattr(offers, "find_spec", lambda name: None)
    assert 'pip install "seewhy[torch]"' in offers._no_gradients(Twinned())
    monkeypatch.setattr(offers, "find_spec", lambda name: object())
    assert offers._no_gradients(Twinned()) is None


@pytest.mark.parametrize("name", ["nothing", "../coffee", "", "brick"])
def test_samples_are_those_that_are_offered(name):
    with pytest.raises(RefusedError) as refusal:
        offers.sample(name)
    assert refusal.value.status == 404


def test_a_sample_does_not_tell_where_it_lies():
    assert offers.sample("coffee").picture.path is None
