"""How large reports are, and how soon a browser has them ready.

Of one photo with five classes and four methods, of `--pictures` photos with LIME and their
likeliest class on one page and in a folder, and of the viewer itself. Ready: from opening the file
to when the page says so, in Chromium, median of `--rounds`; needs the package playwright and
``chromium`` on the PATH. Where there are fewer photos, they come more than once.

    python benchmarks/report_size.py PHOTOS [--pictures 200] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import seewhy as sw
from seewhy.image.listing import listed_pictures
from seewhy.run.reporting import document_of
from seewhy.show import report_files
from seewhy.show.report import inline_json
from seewhy.show.viewer import viewer_script, viewer_style

FOUR = "lime,kernel-shap,partition-shap,occlusion"
READY = ".sw [data-sw=canvas], .sw [data-sw=gallery]"
PARTS = ("picture", "hidden", "labels", "methods", "record")


def explained(photos: list[Any], model: Any, *, pictures: int) -> list[Any]:
    """So many results; where there are fewer photos, results come more than once."""
    found = [
        sw.explain(photo, model, top=1, budget=160, curves=True) for photo in photos[:pictures]
    ]
    return list(islice(cycle(found), pictures))


def kilobytes(size: float) -> float:
    return round(size / 1000, 1)


def sizes_of(name: str, document: dict[str, Any], page: Path) -> dict[str, Any]:
    files = [page] if page.name != report_files.INDEX else list(page.parent.iterdir())
    total = sum(file.stat().st_size for file in files)
    items = document["items"]
    parts = {
        part: kilobytes(statistics.mean(len(inline_json(item[part])) for item in items))
        for part in PARTS
    }
    return {
        "report": name,
        "pictures": len(items),
        "files": len(files),
        "kB": kilobytes(total),
        "page kB": kilobytes(page.stat().st_size),
        "kB a picture": kilobytes(statistics.mean(len(inline_json(item)) for item in items)),
        **parts,
    }


def ready_seconds(page: Path, rounds: int) -> dict[str, float]:
    from playwright.sync_api import sync_playwright

    taken, opened = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(rounds):
            tab = browser.new_page()
            start = time.perf_counter()
            tab.goto(page.as_uri())
            tab.wait_for_selector(READY)
            taken.append(time.perf_counter() - start)
            start = time.perf_counter()
            tab.evaluate("window.seewhy.open(0)")
            tab.wait_for_selector("[data-sw=canvas]")
            opened.append(time.perf_counter() - start)
            tab.close()
        browser.close()
    return {
        "ready s": round(statistics.median(taken), 2),
        "opened s": round(statistics.median(opened), 2),
    }


def measured(
    name: str, results: list[Any], folder: Path, arguments: argparse.Namespace, *, most: int
) -> dict[str, Any]:
    document = document_of(results)
    report_files.MOST_ITEMS = most
    start = time.perf_counter()
    page = report_files.write_report(folder / f"{name.replace(' ', '-')}.html", document)
    written = time.perf_counter() - start
    row = {**sizes_of(name, document, page), "written s": round(written, 2)}
    return row if arguments.no_browser else {**row, **ready_seconds(page, arguments.rounds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos")
    parser.add_argument("--model", default="builtin:imagenet")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    model = sw.load_model(arguments.model)
    photos = list(listed_pictures([arguments.photos]))
    one = sw.explain(photos[0], model, methods=FOUR, top=5, curves=True)
    many = explained(photos, model, pictures=arguments.pictures)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows = [
            measured("five classes", [one], folder, arguments, most=300),
            measured("one page", many, folder, arguments, most=len(many)),
            measured("folder", many, folder, arguments, most=1),
        ]
    viewer = {"viewer.js": len(viewer_script()), "viewer.css": len(viewer_style())}
    for row in rows:
        print("  ".join(f"{key}: {value}" for key, value in row.items()))
    print(f"viewer: {kilobytes(sum(viewer.values()))} kB {viewer}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "viewer": viewer}, indent=1) + "\n")


if __name__ == "__main__":
    main()
