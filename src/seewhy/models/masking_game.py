"""Model × picture × superpixels × fill → the game that every black-box method plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int, Int32
from scipy.special import log_expit, log_softmax

from seewhy.errors import InputError, ModelError
from seewhy.game.game import Game
from seewhy.image.fill import Fill, MeanFill
from seewhy.image.read import Image, Source, read_image
from seewhy.image.segmentation import OUTSIDE, Segmentation
from seewhy.models.protocol import MaskedModel, Model, Output

_MEAN_FILL = MeanFill()
_CLIP = 1e-6
_PORTION = 64
_UNNORMALISED = 0.02
_SAME = 1e-4  # relative; batches of equal size give equal bits on all devices we know


@runtime_checkable
class CutsPictures(Protocol):
    """What is needed of a segmenter: a picture in, its superpixels out."""

    def __call__(self, image: Image) -> Segmentation:
        """Cut a picture into superpixels."""
        ...


Segments: TypeAlias = Segmentation | Int[np.ndarray, "H W"] | CutsPictures


def masking_game(
    model: Model,
    image: Source,
    segments: Segments,
    *,
    fill: Fill = _MEAN_FILL,
    seed: int | np.random.Generator = 0,
) -> Game:
    """Make the game of hiding superpixels of a picture from a model.

    Parameters
    ----------
    model : Model
        The classifier.
    image : path, PIL image, or (H, W, C) array in [0, 1]
        The picture at full resolution.
    segments : Segmentation, (H, W) array of labels, or segmenter
        In the picture's own pixels. A segmenter is run on what the model sees of it.
    fill : Fill
        What stands where a superpixel is hidden; computed on the picture at the model's input.
    seed : int or numpy.random.Generator
        For random fills. They are drawn once, so the game stays a function.

    Returns
    -------
    Game
        Players are the superpixels, neighbours its affinity. Columns are log-probabilities of all
        classes (one output p counts as the two classes [1 - p, p]), or the raw outputs of a model
        that declares them raw. Superpixels with no pixel at the model's input are null players;
        `visible_segments` drops them.

    Raises
    ------
    InputError
        When picture, segments and model do not fit together.
    ModelError
        When the model answers differently to the same picture, or outside what it declares.
    """
    return game_of(model, masked_picture(model, image, segments, fill=fill, seed=seed))


@dataclass(frozen=True, eq=False)
class MaskedPicture:
    """A picture at a model's input, what hides it, and which superpixel owns which pixel.

    Attributes
    ----------
    pixels, fill : (h, w, c) float32 in [0, 1]
        The picture, and what stands where a superpixel is hidden.
    labels : (h, w) int32
        Visible superpixel of every pixel, numbered without gaps; −1 is always shown.
    visible : (m,) int array
        Which of the picture's d superpixels they are.
    segmentation : Segmentation
        The d superpixels, on the picture as it was read.
    """

    pixels: Image
    fill: Image
    labels: Int32[np.ndarray, "h w"]
    visible: Int[np.ndarray, " m"]
    segmentation: Segmentation

    @property
    def hidden(self) -> Image:
        """The picture with every superpixel hidden; what belongs to none stays."""
        return np.where((self.labels == OUTSIDE)[..., None], self.pixels, self.fill)

    def pool(self, heatmap: Float[np.ndarray, "h w"]) -> Float64[np.ndarray, " d"]:
        """Sum a map of the model's input over every superpixel; those it cannot see get 0."""
        sums = np.bincount(self.labels.ravel() + 1, heatmap.ravel(), len(self.visible) + 1)
        pooled = np.zeros(self.segmentation.count)
        pooled[self.visible] = sums[1:]
        return pooled

    def areas(self) -> Float64[np.ndarray, " d"]:
        """Say what share of the model's input every superpixel covers."""
        return self.pool(np.ones(self.labels.shape)) / self.labels.size

    def affinity(self) -> Float64[np.ndarray, "d d"]:
        """Say how much superpixels belong together: those that touch, by likeness of colour.

        Returns
        -------
        (d, d) array
            exp(−distance of mean colours / median distance of neighbours) for superpixels
            that share a border, at least 1e-6; 0 for all others.
        """
        touching = self.segmentation.adjacency()
        areas = np.maximum(self.pool(np.ones(self.labels.shape)), 1)
        channels = np.moveaxis(self.pixels, 2, 0)
        means = np.stack([self.pool(channel) / areas for channel in channels], axis=1)
        distances = np.linalg.norm(means[:, None] - means, axis=2)
        usual = float(np.median(distances[touching])) if touching.any() else 0.0
        likeness = np.exp(-distances / usual) if usual > 0 else np.ones_like(distances)
        return np.where(touching, np.maximum(likeness, 1e-6), 0.0)


def masked_picture(
    model: Model,
    image: Source,
    segments: Segments,
    *,
    fill: Fill = _MEAN_FILL,
    seed: int | np.random.Generator = 0,
) -> MaskedPicture:
    """Bring a picture, its superpixels and its fill to a model's input; see `masking_game`."""
    picture = read_image(image)
    segmentation = _segmentation(model, picture, segments)
    labels, visible = _at_input(model, segmentation)
    pixels = model.preprocessing.apply(picture)
    hidden = fill(pixels, labels, np.random.default_rng(seed))
    return MaskedPicture(pixels, hidden, labels, visible, segmentation)


def game_of(model: Model, picture: MaskedPicture) -> Game:
    """Make the game of hiding superpixels of a prepared picture; see `masking_game`."""
    answer = model.masked(picture.pixels, picture.fill, picture.labels)
    _check_deterministic(answer, len(picture.visible), model.spec)
    return _game(model, picture, answer, picture.affinity(), picture.areas())


def game_like(game: Game, model: Model, picture: MaskedPicture) -> Game:
    """Make a further game of a model and the superpixels of another: only the fill differs."""
    answer = model.masked(picture.pixels, picture.fill, picture.labels)
    return _game(model, picture, answer, game.affinity, game.areas)


def _game(
    model: Model,
    picture: MaskedPicture,
    answer: MaskedModel,
    affinity: Float64[np.ndarray, "d d"] | None,
    areas: Float64[np.ndarray, " d"],
) -> Game:
    raw = model.output == "raw"

    def value(masks: Bool[np.ndarray, "n d"]) -> Float32[np.ndarray, "n k"]:
        outputs = answer(np.ascontiguousarray(masks[:, picture.visible]))
        return outputs if raw else log_probabilities(outputs, model.output)

    return Game(
        value,
        picture.segmentation.count,
        affinity=affinity,
        areas=areas,
        columns="raw" if raw else "log-probability",
        portion=max(_PORTION, model.batch_size),
    )


def log_probabilities(
    outputs: Float[np.ndarray, "n k"], output: Output
) -> Float32[np.ndarray, "n c"]:
    """Turn a model's outputs into log-probabilities of its classes.

    Parameters
    ----------
    outputs : (n, k)
        As the model returns them.
    output : {"logits", "probabilities"}
        What they are.

    Returns
    -------
    (n, c) float32
        c = k, except that a single output p (or its logit) becomes the two classes [1 - p, p].

    Raises
    ------
    ModelError
        When probabilities lie outside [0, 1].

    Notes
    -----
    Computed in float64. Probabilities are clipped to [1e-6, 1 - 1e-6]; logits are not.
    """
    exact = np.asarray(outputs, np.float64)
    if output == "logits":
        if exact.shape[1] == 1:
            return np.hstack([log_expit(-exact), log_expit(exact)]).astype(np.float32)
        return np.asarray(log_softmax(exact, axis=1), np.float32)
    low, high = exact.min(initial=0.0), exact.max(initial=1.0)
    if low < -1e-3 or high > 1 + 1e-3:
        raise ModelError(
            "the model declares output='probabilities' but returned values from "
            f"{low:.3g} to {high:.3g}; declare output='logits' (or 'raw')."
        )
    if exact.shape[1] == 1:
        exact = np.hstack([1 - exact, exact])
    total = exact.sum(axis=1)
    if (np.abs(total - 1) > _UNNORMALISED).any():
        raise ModelError(
            "the model declares output='probabilities', but they sum to "
            f"{total[np.abs(total - 1).argmax()]:.3g}, not to 1; declare output='raw' for scores "
            "that do not exclude each other."
        )
    return np.log(np.clip(exact, _CLIP, 1 - _CLIP)).astype(np.float32)


def view_segments(model: Model, image: Source, segmenter: CutsPictures) -> Segmentation:
    """Cut what the model sees of a picture into superpixels, at the picture's own resolution.

    Parameters
    ----------
    model : Model
        Whose crop counts.
    image : path, PIL image, or (H, W, C) array in [0, 1]
        The whole picture.
    segmenter : callable
        Such as ``Slic(60)``.

    Returns
    -------
    Segmentation
        Of the whole picture; what the model does not see is outside.
    """
    picture = read_image(image)
    window = _window(model, *picture.shape[:2])
    inside = segmenter(np.ascontiguousarray(picture[window]))
    labels = np.full(picture.shape[:2], OUTSIDE, np.int32)
    labels[window] = inside.labels
    return Segmentation(
        labels, outside=labels == OUTSIDE, method=inside.method, settings=inside.settings
    )


def visible_segments(
    model: Model, image_shape: tuple[int, ...], segments: Segmentation | Int[np.ndarray, "H W"]
) -> Segmentation:
    """Drop the superpixels that the model cannot see.

    Parameters
    ----------
    model : Model
        Whose crop and input size count.
    image_shape : (H, W, ...)
        Of the picture.
    segments : Segmentation or (H, W) array of labels
        In the picture's own pixels.

    Returns
    -------
    Segmentation
        Of those superpixels that keep at least one pixel at the model's input, renumbered. All
        else, and what lies outside the model's crop, is outside.

    Raises
    ------
    InputError
        When the shapes differ, or no superpixel is visible.
    """
    segmentation = _fitting(segments, image_shape)
    _, visible = _at_input(model, segmentation)
    seen = np.zeros(segmentation.shape, bool)
    window = _window(model, *segmentation.shape)
    seen[window] = np.isin(segmentation.labels[window], visible)
    return Segmentation(
        segmentation.labels,
        outside=~seen,
        method=segmentation.method,
        settings=segmentation.settings,
    )


def _segmentation(model: Model, picture: Image, segments: Segments) -> Segmentation:
    if isinstance(segments, Segmentation | np.ndarray):
        return _fitting(segments, picture.shape)
    if callable(segments):
        return view_segments(model, picture, segments)
    raise InputError(
        "segments must be a Segmentation, an array of labels or a segmenter; got a "
        f"{type(segments).__name__}."
    )


def _fitting(
    segments: Segmentation | Int[np.ndarray, "H W"], image_shape: tuple[int, ...]
) -> Segmentation:
    segmentation = segments if isinstance(segments, Segmentation) else Segmentation(segments)
    if segmentation.shape != tuple(image_shape[:2]):
        raise InputError(
            f"segments must have the picture's height and width {tuple(image_shape[:2])}; got "
            f"{segmentation.shape}."
        )
    return segmentation


def _at_input(
    model: Model, segmentation: Segmentation
) -> tuple[Int32[np.ndarray, "h w"], Int[np.ndarray, " m"]]:
    """Labels at the model's input, numbered without gaps, and which superpixels they are."""
    labels = model.preprocessing.labels(segmentation.labels)
    visible = np.unique(labels[labels != OUTSIDE])
    if not len(visible):
        raise InputError(
            "segments must have a superpixel within the part of the picture that the model sees; "
            "none has."
        )
    number = np.full(segmentation.count + 1, OUTSIDE, np.int32)
    number[visible] = np.arange(len(visible))
    return number[labels], visible  # OUTSIDE picks the last entry, which is OUTSIDE


def _window(model: Model, height: int, width: int) -> tuple[slice, slice]:
    """Whole pixels that the model's crop touches."""
    top, left, bottom, right = model.preprocessing.view(height, width)
    # Divisions leave a hair above or below a whole number.
    rows = slice(int(np.floor(top + 1e-6)), int(np.ceil(bottom - 1e-6)))
    return rows, slice(int(np.floor(left + 1e-6)), int(np.ceil(right - 1e-6)))


def _check_deterministic(answer: MaskedModel, n_players: int, name: str) -> None:
    """Ask twice for the whole picture, in different company of the same size."""
    kept, hidden = np.ones((1, n_players), bool), np.zeros((1, n_players), bool)
    alone = answer(np.vstack([kept, hidden]))[0]
    again = answer(np.vstack([kept, kept]))
    change = float(np.abs(again - alone).max())
    if change > _SAME * max(float(np.abs(alone).max()), 1e-6):
        raise ModelError(
            f"{name} changes its answer for the same picture, by up to {change:.2g}; switch off "
            "dropout, random augmentation and batch statistics (model.eval() in PyTorch)."
        )
