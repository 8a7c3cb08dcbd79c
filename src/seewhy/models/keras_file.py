"""Networks saved by Keras 3, ``FILE.keras``, with a sidecar ``FILE.json`` where they need one."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seewhy.errors import InputError, MissingExtraError, ModelError, did_you_mean, what_happened
from seewhy.models.json_file import read_json_object
from seewhy.models.keras_backend import import_keras, kept_random_state, quiet_import
from seewhy.models.keras_model import KerasModel
from seewhy.models.keras_network import NetworkInput
from seewhy.models.keras_settings import entry_of, found_preprocessing
from seewhy.models.keras_weights import lower_ending
from seewhy.models.onnx_sidecar import read_sidecar
from seewhy.models.preprocessing import SECTIONS, Preprocessing
from seewhy.models.request import ModelRequest

_SAFE_SINCE = (3, 12)  # safe_mode=True could be bypassed before (CVE-2025-9905 and others)
_CODE = {"__lambda__", "TFSMLayer"}  # Python functions, and programs of TensorFlow


@dataclass(frozen=True)
class _Beside:
    """What the sidecar says; None where it does not."""

    preprocessing: Preprocessing | None = None
    source: str = ""
    labels: tuple[str, ...] | None = None
    output: str | None = None


def from_request(request: ModelRequest) -> KerasModel:
    """Load a network saved by Keras 3.

    Nothing in the file is run as Python code; a file that needs it is refused.

    Parameters
    ----------
    request : ModelRequest
        ``FILE.keras``. A file ``FILE.json`` beside it may say, in the grammar of an ONNX sidecar,
        what neither the network nor the request does: labels, size, resizing, normalisation, kind
        of output.

    Returns
    -------
    KerasModel

    Raises
    ------
    MissingExtraError
        When Keras 3 or a back end is not installed, or this Keras could be made to run code by a
        file.
    InputError
        When there is no such file, or something must be given because nothing says it.
    ModelError
        When the file is damaged, or holds Python code or classes that are not Keras's own.
    """
    request.refuse("weights", "pretrained", "device")
    path = Path(request.spec)
    if not path.is_file():
        raise InputError(f"there is no Keras file {str(path)!r}.")
    keras = import_keras()
    network = read_network(path, keras)
    entry = entry_of(network, name=path.name, keras=keras)
    beside = _read_beside(path, network, entry, request.preprocess)
    model = KerasModel(
        network,
        preprocess=request.preprocess or beside.preprocessing or "auto",
        labels=request.labels or beside.labels,
        output=request.output or beside.output or "auto",
        batch=request.batch,
        spec=request.spec,
    )
    found, file = model.origin, path.with_suffix(".json").name
    assert found is not None  # KerasModel says what it found
    model.origin = request.origin(
        preprocessing=found.preprocessing if beside.preprocessing is None else beside.source,
        labels=found.labels if beside.labels is None else file,
        output=found.output if beside.output is None else file,
    )
    return model


def read_network(path: Path, keras: Any) -> Any:
    """Read a network from a file, never running code that is in it.

    Parameters
    ----------
    path : Path
        ``FILE.keras``.
    keras : module
        From `import_keras`.

    Returns
    -------
    keras.Model

    Raises
    ------
    MissingExtraError
        When this Keras could be made to run code by a file.
    ModelError
        When the file is damaged, or holds Python code or classes that are not Keras's own.
    """
    if tuple(int(part) for part in keras.__version__.split(".")[:2]) < _SAFE_SINCE:
        raise MissingExtraError(
            f"Keras {keras.__version__} cannot read {path.name} safely, since a file could make it "
            'run code: pip install -U "seewhy[keras]".'
        )
    try:
        with zipfile.ZipFile(path) as archive:
            structure = json.loads(archive.read("config.json"))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ModelError(
            f"{path.name} is damaged, or is no file that Keras 3 wrote with "
            f"model.save({path.name!r})."
        ) from error
    if not _CODE.isdisjoint(_class_names(structure)):  # Keras can be told to run it all the same
        raise _holds_code(path)
    try:
        with kept_random_state(), quiet_import(), lower_ending(path) as file:
            return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its layers raise
        said = " ".join(str(error).split())
        if "safe_mode" in said or "unsafe" in said.lower():
            raise _holds_code(path) from error
        if "Could not locate" in said or "register_keras_serializable" in said:
            raise ModelError(
                f"{path.name} holds a class that is not Keras's own ({said[:160]}); load it in a "
                "Python module of yours that has the class, with custom_objects, and give "
                "seewhy.KerasModel(network), on the command line py:module:name."
            ) from error
        raise ModelError(
            f"{path.name} cannot be read by Keras {keras.__version__} ({what_happened(error)})."
        ) from error


def _holds_code(path: Path) -> ModelError:
    return ModelError(
        f"{path.name} holds code, in a Lambda layer or the like, which Seewhy never runs from a "
        "file; use a layer of Keras instead, or, if you trust the file, load it in a Python module "
        "of yours and give seewhy.KerasModel(network), on the command line py:module:name."
    )


def _class_names(structure: Any) -> Iterator[str]:
    """Names of all classes in a saved structure."""
    if isinstance(structure, dict):
        yield str(structure.get("class_name"))
        structure = list(structure.values())
    if isinstance(structure, list):
        for part in structure:
            yield from _class_names(part)


def _read_beside(
    path: Path, network: Any, entry: NetworkInput | None, given: Preprocessing | None
) -> _Beside:
    """Read the sidecar, with the size and the channels that the network has itself."""
    file = path.with_suffix(".json")
    if not file.is_file():
        return _Beside()
    document = read_json_object(file, what="sidecar")
    if _is_something_else(document):
        return _Beside()
    says_pixels = not {"input", "resize", "normalise"}.isdisjoint(document)
    said = read_sidecar(
        _with_own_size(document, entry, given), folder=file.parent, output=_placeholder(document)
    )
    _check_layout(said.layout, entry, file)
    returned = document.get("output", {})
    preprocessing, source = said.preprocessing, file.name
    if "normalise" not in document:
        found = found_preprocessing(network, entry, preprocessing.size, name=path.name)
        if found is not None and len(found.preprocessing.mean) == len(preprocessing.mean):
            preprocessing = _resized_as(found.preprocessing, preprocessing)
            source = f"{found.source}; size and resizing: {file.name}"
    return _Beside(
        preprocessing=preprocessing if says_pixels else None,
        source=source,
        labels=said.labels,
        output=said.output if "kind" in returned else None,
    )


def _is_something_else(document: Mapping[str, Any]) -> bool:
    """Such as the settings of a training; a sidecar of misspelt keys only is one all the same."""
    if "class_name" in document:  # the structure of a network, as model.to_json() writes it
        return True
    misspelt = len(document) > 0 and all(did_you_mean(key, SECTIONS) for key in document)
    return SECTIONS.isdisjoint(document) and not misspelt


def _placeholder(document: Mapping[str, Any]) -> Any:
    """The network tells what it returns, where the sidecar does not."""
    returned = document.get("output", {})
    return None if isinstance(returned, Mapping) and "kind" in returned else "raw"


def _with_own_size(
    document: Mapping[str, Any], entry: NetworkInput | None, given: Preprocessing | None
) -> dict[str, Any]:
    said = document.get("input", {})
    if entry is None or not isinstance(said, Mapping):
        return dict(document)
    own: dict[str, Any] = {"channels": {1: "L", 3: "RGB"}.get(entry.channels, "bands")}
    if entry.height is not None and entry.width is not None:
        own["size"] = [entry.height, entry.width]
    elif given is not None:
        own["size"] = list(given.size)
    plain = {"mean": [0] * entry.channels, "std": [1] * entry.channels}
    return {"normalise": plain, **document, "input": {**own, **said}}


def _check_layout(layout: str | None, entry: NetworkInput | None, file: Path) -> None:
    if layout is not None and entry is not None and layout != entry.layout:
        raise InputError(
            f"{file.name} says that the network takes {layout}, but its own shape says "
            f"{entry.layout}; leave the layout out."
        )


def _resized_as(scale: Preprocessing, geometry: Preprocessing) -> Preprocessing:
    """The scale of pixels of one, and size and resizing of another."""
    return replace(geometry, mean=scale.mean, std=scale.std, channels=scale.channels)
