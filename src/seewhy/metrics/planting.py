"""Drawing pictures with marks on them, and reading the marks again, exactly.

A mark is a chequered shape of two colours that occur nowhere else: one channel full on, one
off. No fill can produce it, since no mean, blur or noise has both colours in their places.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt8
from scipy.ndimage import distance_transform_edt, gaussian_filter, maximum_filter, minimum_filter
from scipy.spatial import cKDTree

from seewhy.image.read import Image
from seewhy.image.segmentation import OUTSIDE
from seewhy.metrics.planted_rule import PlantedRule

NO_MARK = -1
_DARKEST, _BRIGHTEST = 26, 229  # of 255: no background pixel has a channel full on or off
_OBJECT_AXES = (0.33, 0.38)  # shares of the side
_MIDDLES = (64, 144)  # the third channel; six hues times two make twelve marks
_CHEQUER = 32

Colours = UInt8[np.ndarray, "m 2 3"]


def cells(side: int, count: int, rng: np.random.Generator) -> Int32[np.ndarray, "h w"]:
    """Cut a square into irregular cells: nearest points of a jittered grid, borders wavy."""
    rows = max(round(count**0.5), 1)
    in_row = [count // rows + (row < count % rows) for row in range(rows)]
    points = np.array(
        [((i + 0.5) / rows, (j + 0.5) / n) for i, n in enumerate(in_row) for j in range(n)]
    )
    points += rng.uniform(-0.3, 0.3, points.shape) / np.array([rows, count / rows])
    where = np.moveaxis(np.mgrid[:side, :side], 0, -1) + 0.5
    waves = [gaussian_filter(rng.standard_normal((side, side)), side / 24) for _ in range(2)]
    bend = np.stack([wave / wave.std() for wave in waves], axis=-1) * side / 80
    nearest = cKDTree(points).query((where + bend) / side)[1]
    return nearest.astype(np.int32)


def texture(side: int, rng: np.random.Generator, *, steepness: float) -> Image:
    """Draw noise with the spectrum of photos: amplitudes fall with frequency, hues go along."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    planes = []
    for _ in range(3):
        spectrum = np.fft.rfft2(rng.standard_normal((side, side))) * frequency**-steepness
        plane = np.fft.irfft2(spectrum, s=(side, side))
        planes.append(plane / plane.std())
    light, *tints = planes
    shade = np.stack([light + 0.35 * tints[0], light, light + 0.35 * tints[1]], axis=-1)
    middle = rng.uniform(0.35, 0.65, 3)
    return np.clip(middle + 0.14 * shade, 0, 1).astype(np.float32)


def scene(side: int, rng: np.random.Generator) -> tuple[Image, Bool[np.ndarray, "h w"]]:
    """Draw an object, a rough ellipse in the middle, before a background; and say where it is."""
    rows, columns = (np.mgrid[:side, :side] + 0.5) / side - 0.5
    row, column = rng.uniform(-0.06, 0.06, 2)
    tall, wide = rng.permutation(_OBJECT_AXES)
    inside = ((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2 < 1
    background = texture(side, rng, steepness=1.3)
    foreground = texture(side, rng, steepness=0.9)
    return np.where(inside[..., None], foreground, background), inside


def quietened(image: Image) -> UInt8[np.ndarray, "h w c"]:
    """Bring a picture to 8 bits, with the extremes left free for marks."""
    levels = np.rint(_DARKEST + image.astype(np.float64) * (_BRIGHTEST - _DARKEST))
    return levels.astype(np.uint8)


def colours(count: int) -> Colours:
    """Give every mark two colours of its own, alike but for one channel."""
    hues = list(permutations(range(3)))
    pairs = np.zeros((count, 2, 3), np.uint8)
    for mark in range(count):
        full, middle, _ = hues[mark % len(hues)]
        pairs[mark, :, full] = 255
        low = _MIDDLES[mark // len(hues)]
        pairs[mark, :, middle] = low, low + _CHEQUER
    return pairs


def shapes(rule: PlantedRule, radius: int) -> list[Bool[np.ndarray, "s s"]]:
    """Give every mark its shape: discs speak for the class, crosses against, diamonds of others."""
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disc = rows**2 + columns**2 <= radius**2
    cross = disc & (np.minimum(abs(rows), abs(columns)) <= radius // 4)
    diamond = abs(rows) + abs(columns) <= radius
    return [
        cross if mark in rule.opposing else diamond if mark in rule.distracting else disc
        for mark in range(rule.n_marks)
    ]


def places(
    labels: Int32[np.ndarray, "h w"],
    inside: Bool[np.ndarray, "h w"],
    rule: PlantedRule,
    radius: int,
    rng: np.random.Generator,
) -> list[tuple[int, int]] | None:
    """Find a centre for every mark, wholly in a superpixel of its own; None if there is no room."""
    edges = _edges(labels) | _edges(inside.astype(np.int32))
    room = distance_transform_edt(~np.pad(edges, 1, constant_values=True))[1:-1, 1:-1] > radius
    room &= labels != OUTSIDE
    off = rule.supporting[: rule.off_object]
    found: dict[int, tuple[int, int]] = {}
    for mark in (*rule.supporting, *rule.opposing, *rule.distracting):
        side = inside if mark in rule.supporting and mark not in off else ~inside
        free = room if mark in rule.opposing else room & side
        owners = np.unique(labels[free])
        if not len(owners):
            return None
        owner = int(rng.choice(owners))
        spots = np.argwhere(free & (labels == owner))
        row, column = spots[rng.integers(len(spots))]
        found[mark] = int(row), int(column)
        room &= labels != owner
    return [found[mark] for mark in range(rule.n_marks)]


def stamp(
    canvas: UInt8[np.ndarray, "h w 3"],
    centres: Sequence[tuple[int, int]],
    outlines: Sequence[Bool[np.ndarray, "s s"]],
    palette: Colours,
) -> Int32[np.ndarray, "h w"]:
    """Draw marks onto a picture, in place, and say which pixel belongs to which."""
    which = np.full(canvas.shape[:2], NO_MARK, np.int32)
    for mark, ((row, column), outline) in enumerate(zip(centres, outlines, strict=True)):
        rows, columns = np.nonzero(outline)
        reach = outline.shape[0] // 2
        rows, columns = rows + row - reach, columns + column - reach
        which[rows, columns] = mark
        canvas[rows, columns] = palette[mark, (rows + columns) % 2]
    return which


def reader(
    rule: PlantedRule, palette: Colours, sizes: Int64[np.ndarray, " m"]
) -> Callable[[Float32[np.ndarray, "n h w 3"]], np.ndarray]:
    """Make the model: a mark is seen where more than half of its pixels have its colours."""
    codes = _codes(palette).ravel()
    order = np.argsort(codes)
    known = codes[order]
    owner = np.append(order // 2, rule.n_marks)  # the last stands for no mark

    def read_marks(images: Float32[np.ndarray, "n h w 3"]) -> np.ndarray:
        n = len(images)
        found = _codes(np.rint(images * 255).astype(np.int32)).reshape(n, -1)
        place = np.searchsorted(known, found).clip(max=len(known) - 1)
        mark = owner[np.where(known[place] == found, place, -1)]
        width = rule.n_marks + 1
        bins = mark + width * np.arange(n)[:, None]
        counts = np.bincount(bins.ravel(), minlength=n * width).reshape(n, width)[:, :-1]
        return rule.logits(2 * counts > sizes)

    digest = hashlib.sha256(repr((rule, palette.tolist(), sizes.tolist())).encode()).hexdigest()
    # What tells one rule from another wherever functions are known by their name.
    read_marks.__qualname__ = f"read_marks[{digest[:16]}]"
    return read_marks


def _codes(levels: Int32[np.ndarray, "*any 3"] | Colours) -> Int32[np.ndarray, "*any"]:
    red, green, blue = np.moveaxis(levels.astype(np.int32), -1, 0)
    return np.asarray((red << 16) | (green << 8) | blue)


def _edges(labels: Int32[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    return np.asarray(maximum_filter(labels, 3) != minimum_filter(labels, 3))
