"""What sample photos show, found among a model's classes whatever their order and spelling."""

from __future__ import annotations

import numpy as np
import pytest

from seewhy.models.labels import imagenet_labels
from seewhy.run.checkup.truths import imagenet_columns, is_numbered, shown_columns

NAMES = imagenet_labels()


@pytest.mark.parametrize(
    "spelling",
    [
        lambda name: name,
        lambda name: name.replace(" ", "_").upper(),
        lambda name: f"{name}, Nomen scientificum",
    ],
    ids=["simple", "keras", "synonyms"],
)
def test_spellings(spelling):
    labels = [spelling(name) for name in NAMES]
    assert shown_columns(labels)["coffee"] == tuple(
        NAMES.index(name) for name in ("espresso", "cup", "coffee mug")
    )


def test_order_does_not_matter():
    order = np.random.default_rng(0).permutation(1000)
    labels = [NAMES[i] for i in order]
    columns = imagenet_columns(labels)
    assert all(order[column] == index for index, column in columns.items())
    assert len(columns) >= 990  # a few names stand for two classes


def test_a_list_with_a_background_class():
    labels = ["background", *NAMES]
    assert shown_columns(labels)["rocket"][0] == NAMES.index("missile") + 1


def test_other_lists_that_share_words():
    assert shown_columns(["cup", "suit", "moped"]) == {}
    assert shown_columns([*NAMES[:500], *map(str, range(500))]) == {}


def test_numbers_are_taken_for_the_usual_order():
    labels = [f"class {i}" for i in range(1000)]
    assert is_numbered(labels)
    assert shown_columns(labels) == shown_columns(NAMES)
    assert not is_numbered(labels[:999])
    assert not is_numbered(NAMES)


def test_timm_and_hugging_face_spell_them_findably():
    pytest.importorskip("torch")
    from seewhy.models.torchvision_models import import_torchvision

    import_torchvision()
    data = pytest.importorskip("timm.data")
    info = data.ImageNetInfo()
    labels = [info.index_to_description(i) for i in range(1000)]
    shown = shown_columns(labels)
    assert {photo: len(columns) for photo, columns in shown.items()} == {
        photo: len(columns) for photo, columns in shown_columns(NAMES).items()
    }
    assert "espresso" in labels[shown["coffee"][0]]
    assert shown["coffee"][0] == NAMES.index("espresso")
