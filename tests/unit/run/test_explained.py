"""What a result offers to the person who holds it."""

from __future__ import annotations

import numpy as np
import pytest

import seewhy as sw


@pytest.fixture
def result(model, picture) -> sw.Explained:
    return sw.explain(picture, model, segments="grid:2", fill="black", top=2)


def test_unknown_method_names_those_there_are(result):
    with pytest.raises(KeyError, match="this result holds 'lime'; got 'lmie'; did you mean 'lime'"):
        result["lmie"]


def test_image_and_mask_shows_the_region_that_spoke_for_the_class(result, picture):
    image, mask = result.get_image_and_mask("corner", num_features=1, hide_rest=True)
    assert mask[:16, :16].all()
    assert not mask[16:].any()
    np.testing.assert_allclose(image[:16, :16], picture[:16, :16] / 255, atol=1e-6)
    assert not image[16:].any()


def test_image_and_mask_of_what_spoke_against(result):
    _, mask = result.get_image_and_mask(0, negative_only=True, num_features=4)
    assert mask[16:, 16:].all()
    assert not mask[:16, :16].any()


def test_image_and_mask_of_a_class_that_was_not_explained(result):
    with pytest.raises(sw.InputError, match=r"one of the explained classes 0 \(corner\)"):
        result.get_image_and_mask(2)


def test_notebook_shows_a_png(result):
    assert result._repr_png_().startswith(b"\x89PNG")


def test_sentences_name_class_and_region(result):
    sentences = result.sentences()
    assert len(sentences) == 2
    assert "corner" in sentences[0]
