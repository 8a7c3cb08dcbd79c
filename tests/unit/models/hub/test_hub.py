"""The Hugging Face hub's client: kept quiet, left as it was, not waited for."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.util import find_spec

import pytest

from seewhy.errors import MissingExtraError
from seewhy.models.spec import load_model

pytest.importorskip("torch")
if find_spec("torchvision") is None or find_spec("transformers") is None:
    pytest.skip("needs torchvision and transformers", allow_module_level=True)

from seewhy.models import hub
from seewhy.models.torchvision_models import import_torchvision

import_torchvision()
import transformers as hf  # noqa: E402


def test_nothing_appears_and_all_settings_are_as_before(folder, capfd):
    from huggingface_hub import constants
    from huggingface_hub.utils import are_progress_bars_disabled

    hf.utils.logging.enable_progress_bar()
    levels = [logging.getLogger(name).level for name in ("transformers", "huggingface_hub")]
    load_model(f"hf:{folder}")
    seen = capfd.readouterr()
    assert seen.out == seen.err == ""
    assert [logging.getLogger(name).level for name in ("transformers", "huggingface_hub")] == levels
    assert hf.utils.logging.is_progress_bar_enabled()
    assert not are_progress_bars_disabled()
    assert not constants.HF_HUB_OFFLINE
    hf.utils.logging.disable_progress_bar()
    load_model(f"hf:{folder}")
    assert not hf.utils.logging.is_progress_bar_enabled()
    assert are_progress_bars_disabled()
    hf.utils.logging.enable_progress_bar()


def test_the_hubs_name_is_asked_for_once(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(hub, "getproxies", dict)
    monkeypatch.setattr(hub.socket, "getaddrinfo", lambda host, port: [(host, port)])
    assert not hub._is_unknown("https://huggingface.co")

    def unknown(host, port):
        raise OSError("Name or service not known")

    monkeypatch.setattr(hub.socket, "getaddrinfo", unknown)
    assert hub._is_unknown("https://huggingface.co")
    monkeypatch.setattr(hub, "getproxies", lambda: {"https": "http://proxy"})
    assert not hub._is_unknown("https://huggingface.co")


@pytest.mark.parametrize("extra", ["timm", "hf"])
class TestTheFirstPipLineSuffices:
    def test_without_torch(self, extra):
        code = (
            "import sys; sys.modules['torch'] = None\n"
            "from seewhy.errors import MissingExtraError\n"
            "from seewhy.models.spec import load_model\n"
            f"try: load_model('{extra}:resnet18')\n"
            "except MissingExtraError as error: print(error)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.stderr == ""
        line = f'this model needs PyTorch, which is not installed: pip install "seewhy[{extra}]".'
        assert done.stdout.strip() == line

    def test_without_torchvision(self, extra, monkeypatch):
        monkeypatch.setitem(sys.modules, "torchvision", None)
        with pytest.raises(
            MissingExtraError, match=rf'needs torchvision, .*: pip install "seewhy\[{extra}\]"\.$'
        ):
            load_model(f"{extra}:resnet18")
