"""Pictures that come with dependencies."""

from __future__ import annotations

import pytest

from seewhy.errors import InputError
from seewhy.image.samples import SAMPLE_NAMES, sample_path, sample_pictures


def test_all_of_them_are_installed_with_the_dependencies():
    pictures = sample_pictures()
    assert len(pictures) == len(SAMPLE_NAMES)
    assert len({picture.sha256 for picture in pictures}) == len(SAMPLE_NAMES)


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'rocket'"):
        sample_path("rockett")
