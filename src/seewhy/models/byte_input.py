"""Networks that take bytes, 0 to 255, instead of normalised pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from seewhy.errors import InputError
from seewhy.models.preprocessing import Preprocessing


def for_bytes(preprocessing: Preprocessing, *, name: str) -> Preprocessing:
    """Let a network that takes bytes have 0 … 255.

    Parameters
    ----------
    preprocessing : Preprocessing
        Without a mean and a std, or with those that make 0 … 255 of pixels in [0, 1].
    name : str
        How the network is called in messages.

    Returns
    -------
    Preprocessing
        The same, its std 1/255.

    Raises
    ------
    InputError
        When it normalises otherwise.
    """
    count = len(preprocessing.mean)
    scaled = replace(preprocessing, mean=(0.0,) * count, std=(1 / 255,) * count)
    plain = set(preprocessing.mean) == {0.0} and set(preprocessing.std) == {1.0}
    same = np.allclose((*preprocessing.mean, *preprocessing.std), (*scaled.mean, *scaled.std))
    if not (plain or same):
        raise InputError(
            f"{name} takes bytes, 0 to 255, which leave nothing to normalise; leave mean and std "
            f"out of its preprocessing (they are {list(preprocessing.mean)} and "
            f"{list(preprocessing.std)})."
        )
    return scaled
