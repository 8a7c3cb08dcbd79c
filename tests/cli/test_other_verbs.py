"""``seewhy demo``, ``seewhy models`` and the bare command."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from seewhy import __version__
from seewhy.cli.app import app
from seewhy.cli.demo import PICTURES

RUN = CliRunner()


def test_demo_explains_three_pictures(tmp_path, monkeypatch):
    done = RUN.invoke(app, ["demo", "--out", str(tmp_path / "demo")])
    assert done.exit_code == 0, done.output
    moped = json.loads((tmp_path / "demo/motorcycle/explanation.json").read_text())
    assert len(moped["explanations"]) == 5
    assert moped["predictions"][0]["label"] == "moped"
    hopper = json.loads((tmp_path / "demo/grace_hopper/explanation.json").read_text())
    assert [e["kind"] for e in hopper["explanations"]] == ["attribution", "rule", "counterfactual"]
    assert hopper["true"]["label"] == "military uniform"
    assert "academic gown" in done.stdout
    assert (tmp_path / "demo/grace_hopper/figure.png").stat().st_size > 10_000
    seven = json.loads((tmp_path / "demo/seven/explanation.json").read_text())
    assert (seven["predictions"][0]["label"], seven["true"]["label"]) == ("1", "7")
    assert seven["explanations"][2]["becomes"]["label"] == "7"
    assert (tmp_path / "demo/seven.png").is_file()
    monkeypatch.setattr("seewhy.cli.demo.PICTURES", PICTURES[:1])  # the quick one
    again = RUN.invoke(app, ["demo", "--out", str(tmp_path / "demo"), "--quiet"])
    assert again.exit_code == 0, again.output
    assert len(again.stdout.splitlines()) == 1


def test_models_lists_specs():
    listed = RUN.invoke(app, ["models"])
    assert "builtin:imagenet" in listed.stdout
    rows = json.loads(RUN.invoke(app, ["models", "--json"]).stdout)
    assert {"spec", "what", "needs", "available"} <= set(rows[0])


def test_models_keeps_specs_whole_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("seewhy.models.known._installed", lambda *modules: False)
    listed = RUN.invoke(app, ["models"]).stdout
    assert "v2+http://HOST/v2/models/NAME" in listed
    assert "seewhy[http]" in listed


def test_version_and_help():
    assert RUN.invoke(app, ["--version"]).stdout == f"seewhy {__version__}\n"
    for command in app.registered_commands:
        shown = RUN.invoke(app, [command.callback.__name__, "--help"])
        assert shown.exit_code == 0
        assert "Usage" in shown.stdout
    assert RUN.invoke(app, ["explian"]).exit_code == 2
