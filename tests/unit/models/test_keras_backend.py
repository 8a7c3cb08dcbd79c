"""Keras is imported on the back end that is there, without a word, or one sentence says why not."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from importlib.util import find_spec
from types import ModuleType

import pytest

from seewhy.errors import MissingExtraError
from seewhy.models import keras_backend
from seewhy.models.keras_backend import import_keras, kept_random_state

PIP = r'pip install "seewhy\[keras\]"'


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Says which packages there are, in a process that has not imported Keras."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    imported = []

    def only(*names):
        def find(name):
            return object() if name in names else None

        def importing(name):
            backend = os.environ.get("KERAS_BACKEND", "tensorflow")
            for needed in (name, backend):
                if needed not in names:
                    raise ModuleNotFoundError(f"No module named {needed!r}", name=needed)
            imported.append(backend)
            module = ModuleType("keras")
            module.__version__ = "3.9.0"
            return module

        monkeypatch.setattr(keras_backend, "find_spec", find)
        monkeypatch.setattr(keras_backend, "import_module", importing)
        return imported

    return only


class TestBackend:
    @pytest.mark.parametrize(
        ("names", "backend"),
        [
            (("tensorflow", "torch", "jax"), "tensorflow"),
            (("torch", "jax"), "torch"),
            (("jax",), "jax"),
        ],
    )
    def test_the_first_that_is_installed(self, installed, names, backend):
        imported = installed("keras", *names)
        import_keras()
        assert imported == [backend]
        assert "KERAS_BACKEND" not in os.environ  # processes that this one starts choose anew

    def test_what_the_environment_says(self, installed, monkeypatch):
        imported = installed("keras", "tensorflow", "jax")
        monkeypatch.setenv("KERAS_BACKEND", "jax")
        import_keras()
        assert imported == ["jax"]
        assert os.environ["KERAS_BACKEND"] == "jax"

    def test_what_the_configuration_says_is_left_to_keras(self, installed, monkeypatch, tmp_path):
        asked = installed("keras", "tensorflow", "torch")
        (tmp_path / "keras.json").write_text(json.dumps({"backend": "torch"}))
        import_keras()
        assert asked == ["tensorflow"]  # what the stand-in takes where nothing is asked

    def test_one_that_is_imported_stays(self, monkeypatch):
        already = ModuleType("keras")
        already.__version__ = "3.1.0"
        monkeypatch.setitem(sys.modules, "keras", already)
        assert import_keras() is already


class TestMissing:
    def test_keras(self, installed):
        installed("torch")
        with pytest.raises(MissingExtraError, match=f"needs Keras, which is not installed: {PIP}"):
            import_keras()

    def test_what_keras_itself_needs(self, installed, monkeypatch):
        """Then nothing is asked of the environment any more either."""
        installed("keras", "torch")

        def broken(name):
            raise ModuleNotFoundError("No module named 'optree'", name="optree")

        monkeypatch.setattr(keras_backend, "import_module", broken)
        with pytest.raises(ModuleNotFoundError, match="optree"):
            import_keras()
        assert "KERAS_BACKEND" not in os.environ

    def test_every_back_end(self, installed):
        installed("keras")
        with pytest.raises(MissingExtraError, match=f"needs a back end, .* none is.*{PIP}"):
            import_keras()

    def test_the_back_end_asked_for(self, installed, monkeypatch):
        installed("keras", "torch")
        monkeypatch.setenv("KERAS_BACKEND", "jax")
        with pytest.raises(MissingExtraError, match=f"back end jax, which is not.*{PIP}"):
            import_keras()

    def test_keras_2(self, monkeypatch):
        old = ModuleType("keras")
        old.__version__ = "2.15.0"
        monkeypatch.setitem(sys.modules, "keras", old)
        with pytest.raises(MissingExtraError, match=f"needs Keras 3; Keras 2.15.0 is: {PIP}"):
            import_keras()


def test_random_numbers_are_as_they_were():
    random.seed(3)
    expected = [random.random() for _ in range(2)]
    random.seed(3)
    first = random.random()
    with kept_random_state():
        random.seed(0)
        random.random()
    assert [first, random.random()] == expected


SPEAKING = """
import os, sys
from seewhy.models.keras_backend import import_keras, quiet_import
keras = import_keras()
keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])(keras.ops.zeros((1, 4)))
for name in [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]:
    del sys.modules[name]
with quiet_import():
    os.write(2, b"I0000 00:00:17 port.cc:153] oneDNN custom operations are on.\\n")
    print("a sentence", file=sys.stderr)
print("done")
"""


def test_nothing_is_said_on_the_terminal_but_what_others_say():
    if find_spec("keras") is None:
        pytest.skip("needs Keras")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SPEAKING], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("done\n", "a sentence\n")
