"""Pictures that were given to the app, by names that cannot be guessed and are no paths."""

from __future__ import annotations

import base64
import io
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image as pillow
from PIL import UnidentifiedImageError

from seewhy.errors import ImageError, ModelError, SeewhyError
from seewhy.game.scores import score_columns
from seewhy.image.decoding import decode_bytes
from seewhy.image.read import Picture, as_image, read_picture
from seewhy.image.resizing import resize
from seewhy.models.masking_game import log_probabilities
from seewhy.models.protocol import Model
from seewhy.run.provenance import TOP_PREDICTIONS
from seewhy.server.refusal import RefusedError

PREVIEW = 720
LONGEST_NAME = 120
_WHITE = np.ones(3, np.float32)
Json = dict[str, Any]


@dataclass(frozen=True)
class Given:
    """A picture with the id under which it can be asked about.

    Attributes
    ----------
    picture : Picture
    id : str
    preview : str
        A data URL.
    """

    picture: Picture
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    preview: str = field(default="", repr=False)


class Pictures:
    """The last pictures; the oldest are dropped, by count and by memory.

    Parameters
    ----------
    most : int
    memory : int
        Bytes of pixels; the last picture stays whatever its size.
    """

    def __init__(self, *, most: int, memory: int) -> None:
        self._most, self._memory = most, memory
        self._kept: OrderedDict[str, Given] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, given: Given) -> None:
        """Take one in."""
        with self._lock:
            self._kept[given.id] = given
            while len(self._kept) > 1 and self._too_many():
                self._kept.popitem(last=False)

    def __getitem__(self, name: str) -> Given:
        """Return one, which thereby becomes the last to be dropped.

        Raises
        ------
        RefusedError
            There is none, or none any more.
        """
        with self._lock:
            if name not in self._kept:
                raise RefusedError(404, "this picture is no longer here: give it again")
            self._kept.move_to_end(name)
            return self._kept[name]

    def _too_many(self) -> bool:
        held = sum(given.picture.pixels.nbytes for given in self._kept.values())
        return len(self._kept) > self._most or held > self._memory


def decoded(data: bytes, name: str, *, max_pixels: int) -> Given:
    """Decode an uploaded file.

    Raises
    ------
    RefusedError
        413 for too many pixels, 415 for what is no picture of a known format, 422 for a damaged
        one.
    """
    name = clean_name(name)
    if not data:
        raise RefusedError(400, "the file is empty: choose a picture")
    try:
        pixels = as_image(decode_bytes(data, f"the picture {name!r}", _WHITE, max_pixels))
    except ImageError as error:
        sentence = str(error).replace("shrink it or raise max_pixels", "shrink it")
        raise RefusedError(_status_of(error), sentence) from error
    except MemoryError as error:
        raise RefusedError(
            413, "the machine has no memory left for this picture: shrink it"
        ) from error
    return taken(replace(read_picture(pixels), name=name, path=None))


def taken(picture: Picture) -> Given:
    """Give a picture an id and a preview."""
    return Given(picture, preview=thumbnail(picture, PREVIEW))


def thumbnail(picture: Picture, side: int) -> str:
    """Return a small version as a data URL."""
    from seewhy.show.render import to_rgb

    zoom = min(1.0, side / max(picture.height, picture.width))
    height, width = (max(1, round(zoom * n)) for n in (picture.height, picture.width))
    small = pillow.fromarray(to_rgb(resize(picture.pixels, height, width)))
    packed = io.BytesIO()
    small.save(packed, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(packed.getvalue()).decode("ascii")


def told(given: Given, predictions: list[Json]) -> Json:
    """Describe a picture to the browser."""
    picture = given.picture
    return {
        "id": given.id,
        "name": picture.name,
        "width": picture.width,
        "height": picture.height,
        "preview": given.preview,
        "predictions": predictions,
    }


def predictions_for(picture: Picture, model: Model) -> list[Json]:
    """Ask the model for the five likeliest classes, the likeliest first.

    Raises
    ------
    RefusedError
        The model cannot take such a picture (422), or fails (500).
    """
    try:
        raw = model.output == "raw"
        outputs = model(model.preprocessing.apply(picture.pixels)[None])
        columns = outputs if raw else log_probabilities(outputs, model.output)
    except ModelError as error:
        raise RefusedError(500, str(error)) from error
    except SeewhyError as error:
        raise RefusedError(422, str(error)) from error
    order = [int(i) for i in np.argsort(-columns[0], kind="stable")[:TOP_PREDICTIONS]]
    scores = score_columns(columns, "raw" if raw else "log-odds", order)[0]
    return [
        {
            "index": index,
            "label": model.labels[index],
            "probability": None if raw else float(np.exp(np.float64(columns[0, index]))),
            "score": float(score),
        }
        for index, score in zip(order, scores, strict=True)
    ]


def clean_name(name: str) -> str:
    r"""Make what a browser calls a file one short line without a path.

    Examples
    --------
    >>> clean_name("C:\\photos\\my\tbus.jpg"), clean_name("../..")
    ('my bus.jpg', 'picture')
    """
    last = name.encode("utf-8", "replace").decode().replace("\\", "/").rpartition("/")[2]
    line = " ".join("".join(c if c.isprintable() else " " for c in last).split())
    if len(line) > LONGEST_NAME:
        line = f"{line[: LONGEST_NAME - 12]}…{line[-11:]}"
    return line if line.strip(". ") else "picture"


def _status_of(error: ImageError) -> int:
    if isinstance(error.__cause__, UnidentifiedImageError):
        return 415
    too_large = isinstance(error.__cause__, pillow.DecompressionBombError)
    return 413 if too_large or error.__cause__ is None else 422
