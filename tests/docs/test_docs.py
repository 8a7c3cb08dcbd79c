"""Every Python block of the README and the docs runs, in order, as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    if not blocks:
        pytest.fail(f"{page.name} shows no Python: an example would help")
    # nothing opens a window in a test
    monkeypatch.setattr("seewhy.show.display.show_png", lambda png: None)
    names = _what_the_readme_assumes(tmp_path) if page.name == "README.md" else {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)


def _what_the_readme_assumes(folder: Path) -> dict[str, object]:
    """A photo, and "the network you have in a notebook"."""
    torch = pytest.importorskip("torch")
    import skimage
    from PIL import Image

    import seewhy as sw

    photo = skimage.data.coffee()
    Image.fromarray(photo).save(folder / "bus.jpg")
    names = list(sw.load_model("builtin:imagenet").labels)
    net = torch.nn.Sequential(
        torch.nn.AvgPool2d(32), torch.nn.Flatten(), torch.nn.Linear(3 * 49, 1000)
    )
    return {"net": net, "image": photo, "names": names}


def test_links_point_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"
