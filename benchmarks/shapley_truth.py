"""Near-exact Shapley values and LIME coefficients of real games, to measure estimators against.

With up to 16 superpixels every mask is asked, and Shapley and Banzhaf values follow exactly.
With more, 10 000 pairs of masks are paid for, sizes stratified, and cross-fitted: a surrogate
with known Shapley values is fitted to four folds of the pairs (of those for LIME's limit as
well), and what it misses is observed on the fifth; the Shapley values of what the five
surrogates miss are estimated without bias, size by size (sizes 1, 2, d − 2 and d − 1 are
enumerated). The surrogates only make this precise: were they wrong, the correction would undo
it. The variance within sizes gives the truth's own standard error.

LIME's limit is its weighted regression on three Hadamard fold-over blocks of order 2048.

    python benchmarks/shapley_truth.py --cache DIRECTORY PHOTO...
    python benchmarks/shapley_truth.py --cache DIRECTORY --regions 14 PHOTO...

For every photo one compressed file is written, with all masks, the log-odds and the probability
of the top class, and the truths; `Truth.read` reads it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, fields
from itertools import combinations
from math import comb, lgamma
from pathlib import Path

import numpy as np

import seewhy as sw
from seewhy.game.design import all_masks, join
from seewhy.game.game import Game
from seewhy.game.hadamard import fold_over
from seewhy.game.regression import lime_weights, weighted_ridge
from seewhy.game.surrogate import OddProcess, fit_odd_process
from seewhy.game.threads import one_blas_thread
from seewhy.models.masking_game import view_segments
from seewhy.models.protocol import Model

SCORES = ("log-odds", "probability")
PAIRS = 10_000
FOLDS = 5
PROXY_PAIRS = 5000
LIMIT_ORDER = 2048
LIMIT_BLOCKS = 3
ENUMERATED = 16
ENUMERATED_SIZES = 2


@dataclass(frozen=True, eq=False)
class Truth:
    """The evaluations of one photo and what follows from them; score by score, as `SCORES`.

    `masks` holds first everything kept and everything hidden, then (for more than 16
    superpixels) pairs of a mask and its complement: the stratified ones, then the blocks of
    LIME's limit; `kind` tells "ends", "size", "limit" or "all" of every row. `scores` is
    (n, 2). Truths are (2, d), own errors (2,): mean squared standard error relative to the
    variance of the truth over players. `banzhaf` is NaN where not all masks were asked.
    """

    segments: np.ndarray
    target: int
    masks: np.ndarray
    kind: np.ndarray
    scores: np.ndarray
    shapley: np.ndarray
    shapley_own: np.ndarray
    shapley_se: np.ndarray
    lime: np.ndarray
    lime_own: np.ndarray
    banzhaf: np.ndarray

    def write(self, path: Path) -> None:
        """Write everything to one compressed file."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        arrays["n_players"] = self.masks.shape[1]
        arrays["masks"] = np.packbits(self.masks, axis=1)
        np.savez_compressed(path, **arrays)

    @classmethod
    def read(cls, path: Path) -> Truth:
        """Read what `write` wrote."""
        with np.load(path) as stored:
            arrays = {field.name: stored[field.name] for field in fields(cls)}
            players = int(stored["n_players"])
        arrays["masks"] = np.unpackbits(arrays["masks"], axis=1, count=players).astype(bool)
        arrays["target"] = int(arrays["target"])
        return cls(**arrays)


def stratified_sizes(n_players: int, n_pairs: int) -> dict[int, int]:
    """How many pairs of each size s ≤ d/2: all of size 1 and 2, else as 1/√(s (d − s))."""
    few = {size: comb(n_players, size) for size in range(1, ENUMERATED_SIZES + 1)}
    sizes = np.arange(ENUMERATED_SIZES + 1, n_players // 2 + 1)
    share = 1 / np.sqrt(sizes * (n_players - sizes))  # leverage
    share[2 * sizes == n_players] /= 2
    counts = np.round((n_pairs - sum(few.values())) * share / share.sum()).astype(int)
    return few | dict(zip(sizes.tolist(), counts.tolist(), strict=True))


def stratified_masks(n_players: int, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform masks of every size, none twice (turned round counts as the same)."""
    masks = []
    for size, count in stratified_sizes(n_players, n_pairs).items():
        if size <= ENUMERATED_SIZES:
            chosen = np.array(list(combinations(range(n_players), size)))
            masks.append(np.eye(n_players, dtype=bool)[chosen].any(axis=1))
            continue
        seen: dict[bytes, np.ndarray] = {}
        while len(seen) < count:
            chosen = rng.random((count, n_players)).argsort(axis=1) < size
            for row in chosen:
                turned = row if 2 * size < n_players or row[0] else ~row
                if len(seen) < count:
                    seen.setdefault(turned.tobytes(), turned)
        masks.append(np.array(list(seen.values())))
    return np.concatenate(masks)


def residual_shapley(
    masks: np.ndarray, residual: np.ndarray, whole: float
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values of an odd function from pairs of all sizes ≤ d/2, and their variances.

    φ_i = (1/d) Σ_{s=1}^{d} m_s⁺ − (1/d) Σ_{s=0}^{d−1} m_s⁻ with m_s± the mean over masks of
    size s with and without i; an odd function has m_{d−s}⁻ = −m_s⁺.
    """
    d = masks.shape[1]
    values, variances = np.full(d, 2 * whole / d), np.zeros(d)
    sizes = masks.sum(axis=1)
    for size in range(1, d // 2 + 1):
        z, y = masks[sizes == size].astype(float), residual[sizes == size]
        left = 1 - len(z) / (comb(d, size) / (2 if 2 * size == d else 1))  # none drawn twice
        if 2 * size == d:  # one half of a pair tells as much as the other
            with_i, variance = _mean(np.concatenate([z, 1 - z]), np.append(y, -y))
            values += 2 / d * with_i
        else:
            with_i, variance = _mean(z, y)
            without, other = _mean(1 - z, y)
            values += 2 / d * (with_i - without)
            variance = variance + other
        if left > 0:
            variances += (2 / d) ** 2 * left * variance
    return values, variances


def _mean(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of y over the masks that hold i, and its variance, for every i."""
    count = z.sum(axis=0)
    mean = y @ z / count
    return mean, (y**2 @ z / count - mean**2) / np.maximum(count - 1, 1)


def predict(process: OddProcess, x: np.ndarray) -> np.ndarray:
    alpha = process._alpha * process.scale
    return np.concatenate(
        [process.kernel(part, process.x) @ alpha for part in np.array_split(x, -(-len(x) // 512))]
    )


def different_pairs(masks: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smaller mask of every pair, and the odd part of the score there; none twice."""
    first, odd = masks[::2], (scores[::2] - scores[1::2]) / 2
    twice = 2 * first.sum(axis=1)
    turn = (twice > first.shape[1]) | ((twice == first.shape[1]) & ~first[:, 0])
    first, odd = first ^ turn[:, None], np.where(turn, -odd, odd)
    _, kept = np.unique(np.packbits(first, axis=1), axis=0, return_index=True)
    return first[kept], odd[kept]


def cross_fitted(
    masks: np.ndarray, odd: np.ndarray, whole: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Shapley values (d,) and their standard errors, from pairs stratified by size."""
    d = masks.shape[1]
    x = np.where(masks, 1.0, -1.0)
    sizes = masks.sum(axis=1)
    fold = np.full(len(masks), -1)  # sizes that are enumerated belong to every fold
    for size in range(ENUMERATED_SIZES + 1, d // 2 + 1):
        rows = rng.permutation(np.flatnonzero(sizes == size))
        fold[rows] = np.arange(len(rows)) % FOLDS
    known = np.concatenate([x, np.ones((1, d))])
    values, missed = np.zeros(d), np.append(odd, whole)
    for k in range(FOLDS):
        others = np.flatnonzero(fold != k)
        others = np.sort(rng.choice(others, min(PROXY_PAIRS, len(others)), replace=False))
        proxy = fit_odd_process(x[others], odd[others], whole)
        values += proxy.shapley_values()[0] / FOLDS
        held, shared = np.append(fold == k, False), np.append(fold < 0, True)
        missed[held] -= predict(proxy, known[held])
        missed[shared] -= predict(proxy, known[shared]) / FOLDS
    correction, variance = residual_shapley(masks, missed[:-1], missed[-1])
    values += correction
    return values + (2 * whole - values.sum()) / d, np.sqrt(variance)


def lime_limit(masks: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return weighted_ridge(masks, scores[:, None], weights=lime_weights(masks)).coefficients[:, 0]


def relative(squares: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean(squares) / np.var(truth))


def exact_values(masks: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shapley and Banzhaf values from all 2^d masks, in any order."""
    d = masks.shape[1]
    sizes = masks.sum(axis=1)
    log_weights = [lgamma(s + 1) + lgamma(d - s) - lgamma(d + 1) for s in range(d)]
    weights = np.exp(np.array(log_weights))
    shapley = np.empty(d)
    for i in range(d):
        z = masks[:, i]
        shapley[i] = weights[sizes[z] - 1] @ scores[z] - weights[sizes[~z]] @ scores[~z]
    signs = np.where(masks, 2.0, -2.0)
    return shapley, scores @ signs / len(masks)


def game_of(photo: Path, model: Model, regions: int) -> tuple[Game, sw.Segmentation, int]:
    image = sw.read_image(photo)
    segments = view_segments(model, image, sw.Slic(regions))
    game = sw.masking_game(model, image, segments)
    target = int(game(np.ones((1, game.n_players), bool))[0].argmax())
    return game, segments, target


def evaluate(
    game: Game, target: int, rng: np.random.Generator, progress: Path
) -> tuple[np.ndarray, ...]:
    """Masks, their kinds, and both scores of the target; goes on where `progress` ends."""
    d = game.n_players
    ends = np.repeat([[True], [False]], d, axis=1)
    if d <= ENUMERATED:
        masks = all_masks(d).masks
        kind = np.full(len(masks), "all", "<U5")
    else:
        sizes = stratified_masks(d, PAIRS, rng)
        pairs = np.stack([sizes, ~sizes], axis=1).reshape(-1, d)
        limit = join(fold_over(d, LIMIT_ORDER, rng) for _ in range(LIMIT_BLOCKS)).masks
        masks = np.concatenate([ends, pairs, limit])
        kind = np.repeat(np.array(["ends", "size", "limit"]), [2, len(pairs), len(limit)])
    if not progress.exists():
        np.save(progress, np.full((len(masks), 2), np.nan))
    scores = np.load(progress, mmap_mode="r+")
    for start in range(0, len(masks), 1024):
        part = slice(start, start + 1024)
        if np.isnan(scores[part]).any():
            for j, score in enumerate(SCORES):  # the game remembers, so both cost once
                scores[part, j] = game.view(score, target=target)(masks[part])[:, 0]
            scores.flush()
    return masks, kind, np.array(scores)


@one_blas_thread()
def truth_of(
    segments: np.ndarray, target: int, masks: np.ndarray, kind: np.ndarray, scores: np.ndarray
) -> Truth:
    found = [_one_score(masks, kind, scores[:, j]) for j in range(len(SCORES))]
    columns = [np.stack(column) for column in zip(*found, strict=True)]
    shapley, error, lime, lime_own, banzhaf = columns
    own = np.array([relative(e**2, t) for e, t in zip(error, shapley, strict=True)])
    return Truth(
        segments, target, masks, kind, scores, shapley, own, error, lime, lime_own, banzhaf
    )


def _one_score(
    masks: np.ndarray, kind: np.ndarray, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, np.ndarray]:
    d = masks.shape[1]
    if d <= ENUMERATED:
        shapley, banzhaf = exact_values(masks, scores)
        return shapley, np.zeros(d), lime_limit(masks, scores), 0.0, banzhaf
    limit = kind == "limit"
    lime = lime_limit(masks[limit], scores[limit])
    blocks = zip(
        np.split(masks[limit], LIMIT_BLOCKS), np.split(scores[limit], LIMIT_BLOCKS), strict=True
    )
    parts = np.stack([lime_limit(*block) for block in blocks])
    own = relative(parts.var(axis=0, ddof=1) / LIMIT_BLOCKS, lime)
    pairs = different_pairs(masks[2:], scores[2:])
    whole = float(scores[0] - scores[1]) / 2
    shapley, error = cross_fitted(*pairs, whole, np.random.default_rng(7))
    return shapley, error, lime, own, np.full(d, np.nan)


def asked(
    photo: Path, model: Model, regions: int, cache: Path
) -> tuple[np.ndarray, int, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, target, masks, kinds and scores; kept, since the calls are the dear part."""
    path = cache / f"asked-{photo.stem}-{regions}.npz"
    if path.exists():
        with np.load(path) as stored:
            masks = np.unpackbits(stored["masks"], axis=1, count=int(stored["n_players"]))
            return (stored["segments"], int(stored["target"]), masks.astype(bool),
                    stored["kind"], stored["scores"])  # fmt: skip
    game, segments, target = game_of(photo, model, regions)
    progress = path.with_suffix(".npy")
    masks, kind, scores = evaluate(game, target, np.random.default_rng(2026), progress)
    np.savez_compressed(
        path,
        segments=segments.labels,
        target=target,
        n_players=game.n_players,
        masks=np.packbits(masks, axis=1),
        kind=kind,
        scores=scores,
    )
    progress.unlink()
    return segments.labels, target, masks, kind, scores


def make(photo: Path, model: Model, regions: int, cache: Path) -> Path:
    """Write the truth of a photo, unless it is there; return where it is."""
    path = cache / f"truth-{photo.stem}-{regions}.npz"
    if path.exists():
        return path
    start = time.perf_counter()
    found = asked(photo, model, regions, cache)
    waited = time.perf_counter() - start
    truth = truth_of(*found)
    truth.write(path)
    own = ", ".join(
        f"{score} {shapley:.1e} (lime {lime:.1e})"
        for score, shapley, lime in zip(SCORES, truth.shapley_own, truth.lime_own, strict=True)
    )
    count, players = truth.masks.shape
    print(
        f"{photo.stem}: d = {players}, {count} masks in {waited:.0f} s, "
        f"{time.perf_counter() - start:.0f} s in all; own error: {own}",
        flush=True,
    )
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--model", default="builtin:imagenet")
    parser.add_argument("--weights")
    parser.add_argument("--regions", type=int, default=50)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    model = sw.load_model(options.model, weights=options.weights)
    for photo in options.photos:
        make(photo, model, options.regions, options.cache)


if __name__ == "__main__":
    main()
