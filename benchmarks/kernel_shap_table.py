"""Markdown tables of what `kernel_shap.py` measured; only figures that are there."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np

Row = dict
LEVELS = (0.01, 0.001)
OURS = "ours"
SHARED = "ours, shared with LIME"
SHARED_BUDGETS = (256, 384, 512, 1000)


def identity(row: Row) -> tuple:
    """What makes a run the same run."""
    names = ("photo", "regions", "score", "method", "budget", "seed")
    return tuple(row[name] for name in names)


def read_rows(path: Path) -> list[Row]:
    """Read all rows; of the same run the last one counts."""
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
    return list({identity(row): row for row in rows}.values())


def over_photos(rows: Iterable[Row], key: str) -> float | None:
    """Median over photos of the median over seeds."""
    of_photo = defaultdict(list)
    for row in rows:
        if key in row:
            of_photo[row["photo"]].append(row[key])
    return median(median(values) for values in of_photo.values()) if of_photo else None


def calls_to(level: float, curve: dict[int, float]) -> str:
    """Where a curve of errors against budgets first falls to a level, log by log."""
    points = sorted(curve.items())
    if not points:
        return ""
    if points[0][1] <= level:
        return f"≤ {points[0][0]}"
    for (n, high), (m, low) in pairwise(points):
        if low <= level:
            share = np.log(high / level) / np.log(high / low)
            return f"{_two_digits(n * (m / n) ** share):,}".replace(",", " ")
    return f"> {points[-1][0]:,}".replace(",", " ")


def _two_digits(number: float) -> int:
    unit = 10 ** max(int(np.floor(np.log10(number))) - 1, 0)
    return int(round(number / unit) * unit)


def short(value: float | None) -> str:
    """Two significant digits, without a leading zero."""
    if value is None:
        return "–"
    if value >= 10:
        return f"{value:.0f}"
    text = np.format_float_positional(value, precision=2, fractional=False, trim="-")
    return text[1:] if text.startswith("0.") else text


def _markdown(title: str, head: list[str], body: list[list[str]]) -> None:
    print(f"\n{title}\n\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for line in body:
        print("| " + " | ".join(line) + " |")


def _cells(rows: list[Row], budgets: list[int], key: str) -> dict[int, float]:
    found = {b: over_photos((r for r in rows if r["budget"] == b), key) for b in budgets}
    return {budget: value for budget, value in found.items() if value is not None}


def error_table(rows: list[Row], title: str) -> None:
    """Errors against budgets, and the calls to two levels."""
    budgets = sorted({row["budget"] for row in rows})
    body = []
    for method in dict.fromkeys(row["method"] for row in rows):
        curve = _cells([row for row in rows if row["method"] == method], budgets, "error")
        if curve:
            cells = [short(curve.get(budget)) for budget in budgets]
            body.append([method, *cells, " / ".join(calls_to(level, curve) for level in LEVELS)])
    _markdown(f"Error, {title}", ["calls", *map(str, budgets), "calls to .01 / .001"], body)


def ratio_table(rows: list[Row], title: str) -> None:
    """How many times less squared error ours has than a peer in the same run, and how often."""
    budgets = sorted({row["budget"] for row in rows})
    run_of = {identity(row): row for row in rows if "error" in row}
    body = []
    for method in dict.fromkeys(row["method"] for row in rows):
        cells = []
        for budget in budgets:
            ratios = []
            for key, row in run_of.items():
                mine = run_of.get((*key[:3], OURS, *key[4:]))
                if row["method"] == method and row["budget"] == budget and mine:
                    ratios.append(row["error"] / max(mine["error"], 1e-12))
            share = f"{np.mean(np.array(ratios) > 1):.0%}" if ratios else ""
            cells.append(f"{short(median(ratios))} ({share} of {len(ratios)})" if ratios else "–")
        if method != OURS and any(cell != "–" for cell in cells):
            body.append([method, *cells])
    head = ["peer / ours, median (ours better)", *map(str, budgets)]
    _markdown(f"Paired ratios, {title}", head, body)


def cover_table(rows: list[Row], title: str) -> None:
    """Share of true values inside intervals of nominally 90 %, over all runs."""
    budgets = sorted({row["budget"] for row in rows})
    body = []
    for method in dict.fromkeys(row["method"] for row in rows if "cover" in row):
        cells = []
        for budget in budgets:
            found = [r for r in rows if r["method"] == method and r["budget"] == budget]
            covers = [row["cover"] for row in found if "cover" in row]
            worst = f"{np.mean(covers):.2f} ({min(covers):.2f})" if covers else "–"
            cells.append(worst)
        body.append([method, *cells])
    head = ["90 % intervals, mean (worst run)", *map(str, budgets)]
    _markdown(f"Coverage, {title}", head, body)


def shared_table(rows: list[Row], title: str) -> None:
    """LIME's and the Shapley error, photo by photo and median."""
    photos = list(dict.fromkeys(row["photo"] for row in rows))
    body = []
    for budget in SHARED_BUDGETS:
        for method in dict.fromkeys(row["method"] for row in rows):
            here = [r for r in rows if r["method"] == method and r["budget"] == budget]
            cells = []
            for key in ("lime", "error"):
                of_photo = [
                    short(over_photos((r for r in here if r["photo"] == photo), key))
                    for photo in photos
                ]
                middle = over_photos(here, key)
                seen = middle is not None
                cells.append(f"**{short(middle)}** ({' / '.join(of_photo)})" if seen else "–")
            if cells[0] != "–" or (method == "shap.KernelExplainer" and cells[1] != "–"):
                body.append([str(budget), method, *cells])
    names = " / ".join(photos)
    head = ["calls", "from", f"LIME error: median ({names})", "Shapley error, likewise"]
    _markdown(f"One set of calls for LIME and Shapley values, {title}", head, body)


def spending_table(rows: list[Row]) -> None:
    """Whether budgets are kept, what fails, and what an estimate itself costs."""
    body = []
    for method in dict.fromkeys(row["method"] for row in rows):
        mine = [row for row in rows if row["method"] == method]
        kept = [row for row in mine if "asked" in row]
        if not kept:
            body.append([method, "–", "–", "–", f"{len(mine)} of {len(mine)}"])
            continue
        asked = [row["asked"] / row["budget"] for row in kept]
        different = [row["different"] / row["budget"] for row in kept]
        dear = [row["seconds"] for row in kept if row["budget"] == 1000]
        body.append(
            [
                method,
                f"{min(asked):.3f}–{max(asked):.3f}",
                f"{min(different):.3f}–{max(different):.3f}",
                f"{median(dear):.2f}" if dear else "–",
                f"{len(mine) - len(kept)} of {len(mine)}",
            ]
        )
    head = ["", "masks asked / budget", "different masks / budget", "s at 1 000", "failed runs"]
    _markdown("What was spent (the two ends apart)", head, body)


def print_tables(rows: list[Row]) -> None:
    """Print every table, for every cut and score."""
    for regions in sorted({row["regions"] for row in rows}, reverse=True):
        for score in dict.fromkeys(row["score"] for row in rows):
            here = [r for r in rows if r["regions"] == regions and r["score"] == score]
            players = sorted({row["d"] for row in here})
            span = f"{players[0]}…{players[-1]}" if len(players) > 1 else f"{players[0]}"
            own = [row["own"] for row in here]
            photos = len({row["photo"] for row in here})
            truth = f"the truth's own: {min(own):.1e}–{max(own):.1e}" if max(own) else "exact truth"
            title = f"{score}, d = {span}, {photos} photos ({truth})"
            alone = [row for row in here if row["method"] != SHARED]  # sharing changes no value
            for table in (error_table, ratio_table, cover_table):
                table(alone, title)
            shared_table(here, title)
    spending_table(rows)
    for failure in sorted({f"{r['method']}: {r['failed']}" for r in rows if "failed" in r}):
        print(f"\n{failure}")
