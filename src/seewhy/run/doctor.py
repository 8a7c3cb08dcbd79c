"""The front door of `seewhy doctor`: whether a model is fed rightly, and behaves."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from seewhy.errors import InputError, ModelError
from seewhy.game.driver import Listener
from seewhy.image.read import Picture, Source, read_picture
from seewhy.models.batching import Batch, Batcher
from seewhy.models.labels import check_labels, find_class
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Model
from seewhy.models.spec import load_model
from seewhy.run.checkup.asking import Asking
from seewhy.run.checkup.examining import examine
from seewhy.run.checkup.findings import Finding
from seewhy.run.checkup.photos import Photo, given_photo, sample_photos
from seewhy.run.checkup.result import Checkup
from seewhy.run.question import ClassName

_ABOUT = 400  # pictures that a check-up of a network that takes 16 at a time asks


def doctor(
    model: Model | str | Path,
    image: Source | None = None,
    *,
    true: ClassName | None = None,
    weights: str | Path | None = None,
    labels: str | Path | Sequence[str] | None = None,
    preprocess: str | Path | Preprocessing = "auto",
    output: str = "auto",
    device: str = "auto",
    batch: Batch = "auto",
    progress: Listener | None = None,
) -> Checkup:
    """Find what is wrong with how a model is fed, named and run, before it is explained.

    A few hundred pictures are asked, photos that come with Seewhy's dependencies, and yours, and
    one or two thousand where they fit into one batch: are the numbers finite, and what they are
    declared to be; does the same picture get the same answer, twice and in any batch; would the
    network know more with another range, normalisation, order of colours or layout; are the class
    names its own; how fast is it, and how long would every method take.

    Parameters
    ----------
    model : Model, str or Path
        A model, or its spec as for `load_model`.
    image : path, PIL image, array or Picture, optional
        A picture of the kind that the model is for.
    true : class name or index, optional
        What it shows. Without it, the way of feeding is judged by sample photos, for models with
        ImageNet's classes by what these show.
    weights, labels, preprocess, output, device, batch
        As for `load_model`, of a model given by its spec.
    progress : callable, optional
        Told how many pictures were asked, as `Progress` events.

    Returns
    -------
    Checkup
        ``ok`` says whether no fault was found. A model that fails or answers wrongly when it is
        first asked is a fault that was found, not an error.

    Raises
    ------
    InputError, ImageError, SpecError, MissingExtraError
        When an argument is not what it should be, or there is no picture to ask about.
    ModelError
        When the model cannot be asked at all: a damaged file, a server that cannot be reached.

    Examples
    --------
    >>> import numpy as np, seewhy as sw
    >>> def restless(images, rng=np.random.default_rng(0)):
    ...     return images.mean((1, 2)) + rng.random((len(images), 3))
    >>> model = sw.CallableModel(
    ...     restless, labels=["red", "green", "blue"], output="logits", input_size=(8, 8)
    ... )
    >>> [finding.check for finding in sw.doctor(model).faults]
    ['same answer twice']
    """
    start = time.perf_counter()
    picture = None if image is None else read_picture(image)
    if true is not None and picture is None:
        raise InputError("true says what the picture shows: give the picture as well.")
    ready = ready_or_fault(
        lambda: load_model(
            model,
            weights=weights,
            labels=labels,
            preprocess=preprocess,
            output=output,
            device=device,
            batch=batch,
        )
    )
    if isinstance(ready, Checkup):
        return ready
    asking = Asking(ready, progress, _ABOUT)
    checkup = examine(asking, _photos(ready, picture, true))
    return replace(checkup, seconds=time.perf_counter() - start)


def ready_or_fault(load: Callable[[], Model]) -> Model | Checkup:
    """Load a model; one that answers wrongly when it is first asked has the fault looked for.

    Parameters
    ----------
    load : callable
        Returns the model.

    Returns
    -------
    Model or Checkup

    Raises
    ------
    SeewhyError
        When it cannot be asked at all.
    """
    try:
        return load()
    except ModelError as error:
        if not _while_asked(error):
            raise
        return Checkup(None, findings=(Finding("loading", "fault", str(error)),))


def _while_asked(error: ModelError) -> bool:
    """Whether a model had been loaded, and failed at its first picture, or at its labels."""
    asking = {Batcher.run.__code__, check_labels.__code__}
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(frame.f_code in asking for frame in frames)


def _photos(model: Model, picture: Picture | None, true: ClassName | None) -> tuple[Photo, ...]:
    index = None if true is None else find_class(true, model.labels, model.aliases)
    given = () if picture is None else (given_photo(model, picture, index),)
    photos = (*given, *sample_photos(model))
    if not photos:
        raise InputError("no sample photo is installed to ask about: give an image of your own.")
    return photos
