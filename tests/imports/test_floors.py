"""Imports point down only: a file knows its own floor's folder and the floors below it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "seewhy"
FLOORS = {
    "game": 0,
    "image": 1,
    "models": 2,
    "methods": 3,
    "metrics": 4,
    "show": 5,
    "run": 6,
    "server": 7,
    "cli": 8,
}
FOR_ALL = {"", "errors"}  # the package itself and its errors
ABOVE_ALL = {"", "__main__"}  # hand names on, or start the command: may import anything


def part_of(module):
    """The folder or file just below the package: "game" of "seewhy.game.design"."""
    return module.split(".")[1] if "." in module else ""


def module_name(path, source):
    parts = list(path.relative_to(source.parent).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path, source):
    """Every module that a file names: at the top, in functions, for types, in lazy tables."""
    module = module_name(path, source)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - (node.level - 1)]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            if base == source.name:  # from seewhy import show: a folder, or a public name
                folders = [alias.name for alias in node.names if (source / alias.name).is_dir()]
                yield from (f"{base}.{folder}" for folder in folders)
            yield base
        elif isinstance(node, ast.Constant):
            # what lazy tables and import_module are given
            yield from re.findall(rf"\A{source.name}(?:\.\w+)+\Z", str(node.value))


def upward_imports(source):
    """List "file imports module" for every import that does not point down."""
    found = []
    for path in sorted(source.rglob("*.py")):
        mine = part_of(module_name(path, source))
        if mine in ABOVE_ALL:
            continue
        for module in imported_modules(path, source):
            if module.split(".")[0] != source.name:
                continue
            theirs = part_of(module)
            if theirs in FOR_ALL or theirs == mine:
                continue
            allowed = mine in FLOORS and theirs in FLOORS and FLOORS[theirs] < FLOORS[mine]
            if not allowed:
                found.append(f"{path.relative_to(source)} imports {module}")
    return found


def test_imports_point_down_only():
    assert upward_imports(SOURCE) == []


def test_every_folder_has_a_floor():
    folders = {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    assert folders
    assert folders <= set(FLOORS)


def plant(tmp_path, where, line):
    source = tmp_path / "seewhy"
    for folder in FLOORS:
        (source / folder).mkdir(parents=True)
        (source / folder / "__init__.py").write_text("")
    (source / "__init__.py").write_text("from seewhy.run import explain\n")
    (source / "__main__.py").write_text("from seewhy.cli import main\n")
    (source / "errors.py").write_text("")
    path = source / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line)
    return source


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("game/design.py", "from seewhy.image.read import read_image"),
        ("game/design.py", "import seewhy.methods.lime"),
        ("game/deep/er.py", "from seewhy import show"),
        ("methods/lime.py", "def call():\n    from ..run import explain"),
        ("methods/__init__.py", "from ..show import figures"),
        ("models/spec.py", "import importlib\nimportlib.import_module('seewhy.run.explain')"),
        ("methods/__init__.py", "_HOME = {'explain': 'seewhy.run.explain'}"),
        ("image/read.py", "if TYPE_CHECKING:\n    from seewhy.models.protocol import Model"),
        ("server/app.py", "from seewhy.cli.main import main"),
        ("errors.py", "from seewhy.game import design"),
        ("show/figures.py", "from seewhy.__main__ import main"),
        ("elsewhere/new.py", "from seewhy.game import design"),
    ],
)
def test_the_walker_catches_an_import_that_points_up(tmp_path, where, line):
    found = upward_imports(plant(tmp_path, where, line))
    assert len(found) == 1
    assert found[0].startswith(f"{where} imports seewhy.")


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("game/design.py", "from seewhy.errors import InputError\nimport numpy"),
        ("game/design.py", "from seewhy import __version__\nfrom . import toys"),
        ("methods/lime.py", "from seewhy.game.game import Game\nfrom .explanation import Rule"),
        ("cli/main.py", "from seewhy.run import explain\nfrom seewhy.show import report"),
        ("show/figures.py", "import seewhyever\nfrom seewhyever.run import explain"),
    ],
)
def test_the_walker_lets_imports_point_down(tmp_path, where, line):
    assert upward_imports(plant(tmp_path, where, line)) == []
