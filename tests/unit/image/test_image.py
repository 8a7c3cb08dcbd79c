"""The folder hands names on, and only when they are asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

import seewhy.image


@pytest.mark.parametrize("name", seewhy.image.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(seewhy.image, name) is not None
    assert name in dir(seewhy.image)


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Slick'"):
        _ = seewhy.image.Slick


def test_importing_loads_no_library() -> None:
    code = """if True:
        import sys, seewhy.image
        assert not {"skimage", "PIL", "scipy", "numpy"} & set(sys.modules)
        from seewhy.image import Slic, MeanFill, Compositor
        assert "skimage" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)
