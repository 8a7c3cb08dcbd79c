"""What the league says, from its numbers alone: tables, who is better, and whether measures agree.

Means over photos have BCa bootstrap intervals. Two methods are compared photo by photo, by
Wilcoxon's signed-rank test with Holm's correction over all pairs; bold is the best, and what cannot
be told from it. Of both networks together, a photo's score is the mean of its two, so that photos
stay independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seewhy.game.agreement import kendall_w, pairwise_rank_agreement
from seewhy.game.paired import holm, signed_rank_p
from seewhy.metrics.measures import BY_KEY, Number
from seewhy.metrics.protocol import Protocol
from seewhy.run.compare import CENTRE
from seewhy.run.field import REFERENCE, Failure, Field, Line
from seewhy.show.comparison_words import head, with_interval, written

RANKS = ("srg", "srg_other", "insertion", "deletion", "flip_area", "sufficient_area")
VALUES = ("r2", "correlation", "localisation", "pointing")
COSTS = ("evaluations", "seconds")
BOTH = "both networks"
ONE_RANKING = ("lime", "banzhaf", "rise")
BLOB = REFERENCE + CENTRE
RESAMPLED = 2000
LEVEL = 0.05
SAME = 1e-9
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Finished:
    """The photos that all networks have finished.

    Attributes
    ----------
    fields : mapping of str to Field
        Network to its field; the last is that of the means over networks.
    right : mapping of str to sequence of bool
        Network to whether its prediction was the class that the boxes' file gives, by photo.
    """

    fields: Mapping[str, Field]
    right: Mapping[str, Sequence[bool]]

    @classmethod
    def of(cls, rows: Rows, networks: Sequence[str]) -> Finished:
        """Put rows together; refuse those that were judged differently."""
        played = {(row["model"], row["picture"]): row for row in rows}
        order = sorted({picture for _, picture in played})
        done = [name for name in order if all((each, name) in played for each in networks)]
        if not done:
            raise SystemExit("no photo is finished by all networks: play first")
        settings = {str([row[key] for key in ("methods", "protocol", "budget")]) for row in rows}
        if len(settings) > 1:
            raise SystemExit(f"rows of {len(settings)} settings are not comparable")
        failed = [p for p in done if any(played[each, p]["failed"] for each in networks)]
        whole = [picture for picture in done if picture not in failed]
        fields, right = {}, {}
        for each in networks:
            own = [played[each, picture] for picture in whole]
            lost = [played[each, picture] for picture in failed if played[each, picture]["failed"]]
            fields[each] = _field(each, own, lost)
            right[each] = [row["truth"] == row["found"]["target"] for row in own]
        fields[BOTH] = _together(list(fields.values()))
        return cls(fields, right)


def _field(name: str, rows: Rows, lost: Rows) -> Field:
    first = rows[0]
    return Field(
        model=name,
        lines=tuple(Line(**row["found"]) for row in rows),
        failures=tuple(Failure(**row["found"]) for row in lost),
        methods=tuple(first["methods"]),
        protocol=Protocol(**first["protocol"]),
        budget=first["budget"],
        repeats=1,
        seconds=sum(row["seconds"] for row in rows),
    )


def _together(fields: Sequence[Field]) -> Field:
    """Take the mean of a photo over networks, where it is defined for all."""
    lines = []
    for same in zip(*(field.lines for field in fields), strict=True):
        values = {
            name: {
                key: float(np.mean([line.values[name][key] for line in same]))
                for key in same[0].values[name]
                if all(key in line.values[name] for line in same)
            }
            for name in same[0].values
        }
        evaluations = sum(line.evaluations for line in same)
        lines.append(Line(same[0].picture, "", None, evaluations, values))
    seconds = sum(field.seconds for field in fields)
    return replace(fields[0], model=BOTH, lines=tuple(lines), seconds=seconds)


def scores(field: Field, keys: Sequence[str]) -> list[str]:
    """Write a Markdown table: a row per method and reference, a column per measure."""
    keys = [key for key in keys if key in field.measures]
    best = {key: field.best(key) if BY_KEY[key].better else frozenset() for key in keys}
    names = (*field.methods, *field.references)
    counts = [(~np.isnan(field.table(key, names))).sum(axis=0).max() for key in keys]
    heads = [f"{head(BY_KEY[key])}, n = {n}" for key, n in zip(keys, counts, strict=True)]
    lines = ["| | " + " | ".join(heads) + " |", "|---" * (len(keys) + 1) + "|"]
    for name in names:
        cells = [_cell(field.means[name].get(key), key, name in best[key]) for key in keys]
        lines.append(f"| {_shown(name)} | " + " | ".join(cells) + " |")
    return lines


def _cell(number: Number | None, key: str, best: bool) -> str:
    if key in COSTS:
        return written(number, BY_KEY[key])
    said = with_interval(number, BY_KEY[key])
    return f"**{said}**" if best else said


def _shown(name: str) -> str:
    return f"*{name.removeprefix(REFERENCE)}*" if name.startswith(REFERENCE) else name


def against_blob(field: Field, key: str) -> str:
    """Say which methods are better and worse than a blob in the middle, photo by photo."""
    table = field.table(key, (*field.methods, BLOB))
    sign = 1.0 if BY_KEY[key].better == "higher" else -1.0
    differences = [sign * (table[:, i] - table[:, -1]) for i in range(len(field.methods))]
    differences = [each[~np.isnan(each)] for each in differences]
    known = [i for i, each in enumerate(differences) if len(each)]
    adjusted = holm(np.array([signed_rank_p(differences[i]) for i in known]))
    sure = [i for i, p in zip(known, adjusted, strict=True) if p < LEVEL]
    better = [field.methods[i] for i in sure if differences[i].mean() > 0]
    worse = [field.methods[i] for i in sure if differences[i].mean() < 0]
    return (
        f"{BY_KEY[key].label}: better than the blob in the middle: {', '.join(better) or 'none'}; "
        f"worse: {', '.join(worse) or 'none'}"
    )


def one_ranking(field: Field) -> list[str]:
    """Say on how many photos methods that rank alike in theory have the very same scores."""
    said = []
    for key in (*RANKS, "localisation"):
        table = field.table(key, ONE_RANKING)
        table = table[~np.isnan(table).any(axis=1)]
        alike = (np.ptp(table, axis=1) <= SAME).sum()
        said.append(f"{BY_KEY[key].label} {alike} of {len(table)}")
    return [f"{', '.join(ONE_RANKING)}: the same score on {'; '.join(said)} photos"]


def uncertified(field: Field) -> list[str]:
    """Say how often the certificates' budget ended before any part of the photo was enough."""
    table = field.table("sufficient_area")
    table = table[~np.isnan(table).any(axis=1)]
    shares = [
        f"{name} {(column == 1).mean():.0%}"
        for name, column in zip(field.methods, table.T, strict=True)
    ]
    return [f"enough area: the whole picture on this share of photos: {', '.join(shares)}"]


def standings(field: Field, keys: Sequence[str]) -> np.ndarray:
    """Return (measures, photos, methods), larger better."""
    signs = [1.0 if BY_KEY[key].better == "higher" else -1.0 for key in keys]
    return np.stack([sign * field.table(key) for sign, key in zip(signs, keys, strict=True)])


def agreement(field: Field) -> list[str]:
    """Say whether measures rank the methods alike: Kendall's W, and Spearman's ρ of every two.

    Methods that rank alike count once: their ties are no agreement of measures.
    """
    field = replace(field, methods=tuple(m for m in field.methods if m not in ONE_RANKING[1:]))
    ranked = [key for key in (*RANKS, *VALUES) if key in field.ranking and key != "pointing"]
    keys = [key for key in ranked if all(key in field.means[name] for name in field.methods)]
    table = standings(field, keys)
    means = np.nanmean(table, axis=1)
    rng = np.random.default_rng(field.seed)
    draws = rng.integers(table.shape[1], size=(RESAMPLED, table.shape[1]))
    low, high = np.quantile([_concordance(table[:, draw]) for draw in draws], [0.025, 0.975])
    single = [kendall_w(photo) for photo in table.swapaxes(0, 1) if not np.isnan(photo).any()]
    spearman = pairwise_rank_agreement(means)
    heads = [BY_KEY[key].label for key in keys]
    lines = [
        f"Kendall's W of {len(keys)} measures that rank {means.shape[1]} methods (LIME for its two "
        f"equals, too) by their means: "
        f"{kendall_w(means):.2f} (photos resampled: {low:.2f}–{high:.2f}); unrelated measures "
        f"would reach about {1 / len(keys):.2f}. On a single photo, mean over {len(single)}: "
        f"{np.mean(single):.2f}.",
        "",
        "| Spearman | " + " | ".join(heads) + " |",
        "|---" * (len(keys) + 1) + "|",
    ]
    rows = [" | ".join(f"{rho:.2f}".replace("-", "−") for rho in row) for row in spearman]
    return lines + [f"| {name} | {row} |" for name, row in zip(heads, rows, strict=True)]


def _concordance(table: np.ndarray) -> float:
    return kendall_w(np.nanmean(table, axis=1))


def by_rightness(field: Field, right: Sequence[bool]) -> list[str]:
    """Write the localisation of right and of wrong predictions apart."""
    lines = []
    for said, wanted in (("right", True), ("wrong", False)):
        kept = tuple(line for line, was in zip(field.lines, right, strict=True) if was is wanted)
        if kept:
            lines += [f"{len(kept)} {said} predictions:", ""]
            lines += [*scores(replace(field, lines=kept), ("localisation", "pointing")), ""]
    return lines


def report(finished: Finished, out: Path) -> None:
    """Print everything, and save every field with its figure."""
    for name, field in finished.fields.items():
        classified = f"{field.costs:,}".replace(",", " ")
        print(f"\n## {name}: {len(field.lines)} photos\n")
        print(f"{classified} pictures classified, {field.seconds / 60:.0f} minutes\n")
        for keys in (RANKS, (*VALUES, *COSTS)):
            print("\n".join(scores(field, keys)) + "\n")
        print("\n".join(f"- {said}" for said in field.sentences()) + "\n")
        compared = [key for key in (*RANKS, "correlation", "localisation") if key in field.ranking]
        print("\n".join(f"- {against_blob(field, key)}" for key in compared))
        told = [*one_ranking(field), *(uncertified(field) if name in finished.right else [])]
        print("\n".join(f"- {said}" for said in told) + "\n")
        print("\n".join(agreement(field)) + "\n")
        if name in finished.right:
            print("\n".join(by_rightness(field, finished.right[name])))
        field.save(out / "fields" / name.replace(" ", "-"))
