"""Several pictures at once: files, arrays, and folders of files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.errors import InputError
from seewhy.image.read import PICTURE_ENDINGS, Source


def listed_pictures(pictures: Any, *, name: str = "pictures") -> tuple[Source, ...]:
    """Take one picture or several; a folder stands for the pictures in it.

    Parameters
    ----------
    pictures : path, array, Picture, or iterable of them
    name : str
        What the argument is called in a complaint.

    Raises
    ------
    InputError
        When a folder holds no picture.
    """
    if not isinstance(pictures, Iterable) or isinstance(pictures, str | np.ndarray):
        pictures = (pictures,)
    listed: list[Source] = []
    for picture in pictures:
        if isinstance(picture, str | os.PathLike) and Path(picture).is_dir():
            files = sorted(f for f in Path(picture).iterdir() if f.is_file() and f.name[0] != ".")
            files = [file for file in files if file.suffix.lower() in PICTURE_ENDINGS]
            if not files:
                raise InputError(
                    f"{name} names the folder {str(picture)!r}, which has no picture "
                    "(.jpg, .png, …)"
                )
            listed += files
        else:
            listed.append(picture)
    return tuple(listed)
