"""Real pictures that come with our dependencies: for the demo, and as other backgrounds."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from seewhy.errors import InputError, did_you_mean
from seewhy.image.read import Picture, read_picture

_SKIMAGE = ("skimage", "data")
_MATPLOTLIB = ("matplotlib", "mpl-data/sample_data")
_HOME = {
    "astronaut": (*_SKIMAGE, "astronaut.png"),
    "brick": (*_SKIMAGE, "brick.png"),
    "camera": (*_SKIMAGE, "camera.png"),
    "chelsea": (*_SKIMAGE, "chelsea.png"),
    "coffee": (*_SKIMAGE, "coffee.png"),
    "coins": (*_SKIMAGE, "coins.png"),
    "grace_hopper": (*_MATPLOTLIB, "grace_hopper.jpg"),
    "grass": (*_SKIMAGE, "grass.png"),
    "gravel": (*_SKIMAGE, "gravel.png"),
    "hubble": (*_SKIMAGE, "hubble_deep_field.jpg"),
    "moon": (*_SKIMAGE, "moon.png"),
    "motorcycle": (*_SKIMAGE, "motorcycle_left.png"),
    "rocket": (*_SKIMAGE, "rocket.jpg"),
}
SAMPLE_NAMES = tuple(_HOME)


def sample_path(name: str) -> Path:
    """Return where a sample picture lies.

    Raises
    ------
    InputError
        A name that is none of `SAMPLE_NAMES`.
    """
    if name not in _HOME:
        raise InputError(
            f"name must be one of {', '.join(SAMPLE_NAMES)}; got {name!r}"
            f"{did_you_mean(name, SAMPLE_NAMES)}"
        )
    package, folder, file = _HOME[name]
    return Path(str(files(package).joinpath(folder, file)))


@cache  # asked for with every picture that anchors explain
def sample_pictures() -> tuple[Picture, ...]:
    """Read all sample pictures that are installed; a packager may have left some out."""
    paths = map(sample_path, SAMPLE_NAMES)
    return tuple(read_picture(path) for path in paths if path.is_file())
