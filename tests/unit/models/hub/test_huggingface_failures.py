"""Hugging Face models that cannot be had: no strangers' code, one sentence with the way out."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import pytest

from seewhy.errors import InputError, MissingExtraError, ModelError, SpecError
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.spec import load_model, resolve_preprocessing

torch = pytest.importorskip("torch")
if find_spec("torchvision") is None or find_spec("transformers") is None:
    pytest.skip("needs torchvision and transformers", allow_module_level=True)

from seewhy.models import huggingface  # noqa: E402
from seewhy.models.huggingface import HuggingFaceModel  # noqa: E402
from seewhy.models.torchvision_models import import_torchvision  # noqa: E402

import_torchvision()
import transformers as hf  # noqa: E402
from huggingface_hub import errors as hub_errors  # noqa: E402

NAMES = {0: "cat", 1: "dog", 2: "tree"}


def fails(folder, match, error=ModelError, **settings):
    with pytest.raises(error, match=match) as caught:
        load_model(f"hf:{folder}", **settings)
    assert "\n" not in str(caught.value)


def test_code_that_comes_with_a_model_does_not_run(other, tmp_path):
    code = {"AutoConfig": "evil.C", "AutoModelForImageClassification": "evil.M"}
    folder = other("config.json", model_type="odd", auto_map=code)
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    fails(folder, r"code of its own, which Seewhy does not run; .*HuggingFaceModel\(netw")
    known = other("config.json", model_type="vit")  # then the framework's own code does
    assert load_model(f"hf:{known}").labels == ("cat", "dog", "tree")
    processor = {"AutoImageProcessor": "evil.P"}
    other("preprocessor_config.json", image_processor_type="Odd", auto_map=processor)
    fails(folder, r"prepares pictures is not known: it comes with code of its own")
    assert not (tmp_path / "ran").exists()


def test_pickles_are_read_as_weights_only(other, tmp_path):
    folder = other("config.json")
    weights = load_model(f"hf:{folder}").module.state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    assert load_model(f"hf:{folder}").labels == ("cat", "dog", "tree")

    class Touch:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "ran"),))

    torch.save({"x": Touch()}, folder / "pytorch_model.bin")
    fails(folder, r"its pytorch_model\.bin is refused, .* could run code; take a revision")
    assert not (tmp_path / "ran").exists()


def test_files_that_are_not_there(other):
    folder = other("config.json")
    (folder / "preprocessor_config.json").unlink()
    fails(folder, r"it has no preprocessor_config\.json that can be used; say it with --pr")
    model = load_model(f"hf:{folder}", preprocess=Preprocessing((64, 64)))
    assert model.origin.preprocessing == "as given"
    (folder / "model.safetensors").write_bytes(b"cut off")
    fails(folder, "cannot be loaded: .*header", preprocess=Preprocessing((64, 64)))
    (folder / "config.json").unlink()
    fails(folder, r"has no config\.json, which says what network it holds", SpecError)


def test_networks_that_do_not_classify(other, vit):
    folder = other("config.json", id2label={"0": "a"}, label2id={"a": 0})
    fails(folder, r"not those of its config\.json \(classifier\.bias has another shape")
    folder = other("config.json")
    vit(id2label=NAMES).vit.save_pretrained(folder)
    fails(folder, r"no weights for classifier\.bias and others, so it is not an image cl")
    hf.BertConfig().save_pretrained(folder)
    fails(folder, "is a bert network, which Transformers cannot use as an image class")


def test_weights_do_not_go_with_a_name(folder):
    fails(folder, "weights does not go with", InputError, weights="w.pth")


def test_without_a_network_the_message_names_the_way_out(capfd):
    fails("org/name", r"hf:org/name cannot be loaded: the hub cannot be reached and the ca")
    fails("org/name@v2", r"a copy that was fetched elsewhere is given as hf:FOLDER")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("GatedRepoError", "its owners must grant you access"),
        ("RepositoryNotFoundError", "there is no such model, or it is private"),
        ("RevisionNotFoundError", "there is no such revision"),
        ("RemoteEntryNotFoundError", "a file is missing there"),
        ("HfHubHTTPError", "the hub answers with an error"),
    ],
)
def test_what_the_hub_answers(monkeypatch, kind, words):
    def refuse(*arguments, **settings):
        family = getattr(hub_errors, kind)
        raise OSError("many lines\nof theirs") from family.__new__(family)

    monkeypatch.setattr(hf.AutoConfig, "from_pretrained", refuse)
    fails("org/name", words)


def test_without_transformers_the_pip_line_is_in_the_message(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "transformers", None)
    fails(folder, r'pip install "seewhy\[hf\]"', MissingExtraError)


def test_grey_networks_with_a_processor_for_colours(vit, tmp_path):
    """Which Transformers itself cannot run."""
    vit(num_channels=1, id2label=NAMES).save_pretrained(tmp_path)
    hf.ViTImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(tmp_path)
    fails(
        tmp_path, r"cannot prepare grey pictures for hf:.* as its ViTImageProcessor.*--preprocess"
    )
    with pytest.raises(ModelError, match=r"cannot prepare grey pictures for hf:"):
        resolve_preprocessing(f"hf:{tmp_path}")
    grey = Preprocessing((64, 64), mean=(0.5,), std=(0.5,), channels="L")
    assert load_model(f"hf:{tmp_path}", preprocess=grey).input_size == (64, 64, 1)


@pytest.mark.parametrize(
    "processor", [None, 5, {"size": 224}, hf.ViTImageProcessorPil, hf.ViTConfig()]
)
def test_a_processor_that_is_none(vit, processor):
    with pytest.raises(InputError, match=r"^processor must be an image processor of Transf.*; got"):
        HuggingFaceModel(vit(), processor)


def test_labels_that_are_one_text(vit):
    with pytest.raises(InputError, match="labels must be a sequence of names; got the text 'abc'"):
        HuggingFaceModel(vit(id2label=NAMES), Preprocessing((64, 64)), labels="abc")


class TestNamesOfFolders:
    @pytest.fixture(autouse=True)
    def here(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        return tmp_path

    def test_a_folder_is_one_that_holds_a_configuration(self, folder, here):
        (here / "a/b/c").mkdir(parents=True)
        assert huggingface._place(str(folder)) == (str(folder), None)
        for source in (".", "mine", "a/b/c"):
            (here / source).mkdir(exist_ok=True)
            (here / source / "config.json").write_text("{}")
            assert huggingface._place(source) == (source, None)

    def test_names_on_the_hub(self):
        assert huggingface._place("org/name@abc") == ("org/name", "abc")
        assert huggingface._place("resnet") == ("resnet", None)

    def test_another_folder_hides_a_name_on_the_hub(self, here):
        (here / "org/name").mkdir(parents=True)
        words = r"the folder 'org/name' has no config\.json, and hides a model of that name on the"
        fails("org/name", words, SpecError)
        fails("org/name@v2", words, SpecError)
        (here / "org/name/config.json").write_text("{}")
        fails("org/name@v2", "the folder 'org/name' has no revisions, and hides", SpecError)

    def test_names_that_are_none(self, here):
        for name in ("./nowhere", "~nobody-of-that-name/x", str(here / "x")):
            fails(name, f"there is no folder '{name}'; only a folder's name starts so", SpecError)
        fails(".", r"the folder '\.' has no config\.json", SpecError)
        fails("a/b/c", r"there is no folder 'a/b/c'; .* hf:ORG/NAME", SpecError)
        fails("", "'hf:' names no model; write hf:ORG/NAME or hf:FOLDER", SpecError)
        fails("@v2", "'hf:@v2' names no model", SpecError)
        fails("x" * 300, r"hf:x* cannot be loaded: Transformers fails with .*Repo id")
        (here / "config.json").write_text("{}")
        fails("", "'hf:' names no model", SpecError)
