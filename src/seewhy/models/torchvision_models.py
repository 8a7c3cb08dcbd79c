"""torchvision's classifiers, with the preprocessing and class names of their weights.

Importing torchvision fails where it was built for CUDA and torch was not; a
classifier needs none of the operators that are missing then, so it is imported
all the same (`import_torchvision`).
"""

from __future__ import annotations

import logging
import pickle
import re
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, cast

from seewhy.errors import InputError, MissingExtraError, ModelError, SpecError, did_you_mean
from seewhy.models.batching import Batch
from seewhy.models.labels import imagenet_aliases, imagenet_labels
from seewhy.models.origin import Origin
from seewhy.models.patience import impatience
from seewhy.models.preprocessing import Preprocessing
from seewhy.models.protocol import Output
from seewhy.models.request import ModelRequest
from seewhy.models.resizing import Interpolation
from seewhy.models.torch_extra import torch
from seewhy.models.torch_model import TorchModel
from seewhy.models.torch_module import best_device, first_line
from seewhy.models.torch_stem import fit_stem
from seewhy.models.torch_weights import fit_state_dict, normalise_state_dict, read_state_dict

_log = logging.getLogger("seewhy")

_MISSING_OPERATOR = re.compile(r"operator torchvision::(\w+) does not exist")
_SUPPRESSION = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_placeholders: list[Any] = []  # torch forgets an operator when its Library is collected

# Their training-time side heads are never evaluated, and their published weights expect
# pictures normalised as all of torchvision's, which they then shift themselves.
_SIDE_HEADS = ("AuxLogits.", "aux1.", "aux2.")
_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    name: {"aux_logits": False, "transform_input": True, "init_weights": False}
    for name in ("googlenet", "inception_v3")
}
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.(?=[12]\.)")


def from_request(request: ModelRequest) -> TorchModel:
    """Load a classifier of torchvision; see `load`.

    Parameters
    ----------
    request : ModelRequest
        ``torchvision:NAME[@WEIGHTS]``.

    Returns
    -------
    TorchModel
    """
    return load(
        request.name,
        weights=request.weights,
        pretrained=request.pretrained,
        labels=request.labels,
        preprocess=request.preprocess or "auto",
        output=request.output or "logits",
        device=request.device,
        batch=request.batch,
    )


def borrowed_preprocessing(spec: str) -> Preprocessing:
    """Tell how ``torchvision:NAME`` prepares pictures; see `torchvision_preprocessing`."""
    return torchvision_preprocessing(spec.partition(":")[2])


class _Network(NamedTuple):
    module: Any
    classes: int
    channels: int


def load(
    name: str,
    *,
    weights: str | Path | None = None,
    pretrained: bool = True,
    labels: Sequence[str] | None = None,
    preprocess: Preprocessing | str | Path = "auto",
    output: Output = "logits",
    device: Any = "auto",
    batch: Batch = "auto",
) -> TorchModel:
    """Load a classifier of torchvision.

    Parameters
    ----------
    name : str
        Of the architecture, ``"resnet34"``, or with an entry of its weights,
        ``"resnet34@IMAGENET1K_V1"``; default: torchvision's DEFAULT entry.
    weights : str or Path, optional
        A state dict of your own, as `read_state_dict` reads it. The numbers of classes and of
        channels come from the shapes of its last and first layers.
    pretrained : bool
        Without `weights`: whether to take the entry's own, which torchvision downloads into
        torch's hub folder once. False: random weights, the same at each call.
    labels : sequence of str, optional
        Class names. None: the entry's categories if there are as many as classes, else numbers.
    preprocess : Preprocessing, str or Path
        ``"auto"``: the entry's transforms.
    output : {"logits", "probabilities", "raw"}
        What the network returns.
    device : str or torch.device
        ``"auto"``: CUDA where it is available, else the CPU.
    batch : int or "auto"
        As for `TorchModel`.

    Returns
    -------
    TorchModel

    Raises
    ------
    MissingExtraError
        When torchvision is not installed.
    SpecError
        When there is no such architecture or entry; near names are listed.
    InputError
        When there is no such weights file, or it wants other pictures than torchvision prepares.
    ModelError
        When the weights cannot be read or downloaded, or are those of another architecture.
    """
    architecture, entry = _entry(name)
    state = None
    if weights is not None:
        state = read_state_dict(weights)
    elif pretrained:
        state = _download(architecture, entry)
    source = f"torchvision's {entry.name}" if weights is None else repr(Path(weights).name)
    module, classes, channels = _module(architecture, entry, state, source=source)
    if preprocess == "auto" and channels != 3:
        raise InputError(
            f"preprocess must say how pictures of {channels} channel{'s' * (channels > 1)} are "
            f"made, which {source} takes: torchvision's own is for 3; give a JSON file, see "
            "docs/models.md."
        )
    categories = entry.meta["categories"] or ()
    known = labels is None and len(categories) == classes
    return TorchModel(
        module,
        preprocess=_transforms(entry) if preprocess == "auto" else preprocess,
        labels=categories if known else labels,
        output=output,
        aliases=imagenet_aliases() if known and classes == len(imagenet_labels()) else None,
        device=best_device(device),
        batch=batch,
        spec=f"torchvision:{name}",
        origin=Origin(
            preprocessing=_fed_by(architecture, entry, given=preprocess != "auto"),
            labels=f"torchvision's {entry}"
            if known
            else "numbered"
            if labels is None
            else "as given",
            output="what all of torchvision's classifiers return"
            if output == "logits"
            else "as given",
        ),
    )


def torchvision_preprocessing(name: str) -> Preprocessing:
    """Tell how torchvision prepares pictures for one of its classifiers.

    Parameters
    ----------
    name : str
        ``"resnet34"`` or ``"resnet34@IMAGENET1K_V1"``.

    Returns
    -------
    Preprocessing

    Raises
    ------
    MissingExtraError
        When torchvision is not installed.
    SpecError
        When there is no such architecture or entry.
    """
    return _transforms(_entry(name)[1])


def torchvision_names() -> list[str]:
    """List the classifiers that this torchvision has.

    Returns
    -------
    list of str
    """
    models = import_torchvision().models
    return cast(list[str], models.list_models(module=models))


def import_torchvision() -> Any:
    """Import torchvision, also where it was built for another torch.

    The common accident: torch for the CPU beside a torchvision for CUDA. Its compiled operators
    do not load then, and the import dies with ``operator torchvision::nms does not exist``,
    although only object detectors ever call them. Exactly these operators are declared as
    placeholders and the import is repeated; calling one raises. A warning says so once.

    Returns
    -------
    module
        ``torchvision``.

    Raises
    ------
    MissingExtraError
        When it is not installed.
    """
    declared: list[str] = []
    while True:
        try:
            module = import_module("torchvision")
            import_module("torchvision.models")
            break
        except ModuleNotFoundError as error:
            if error.name != "torchvision":
                raise
            raise MissingExtraError(
                'this model needs torchvision, which is not installed: pip install "seewhy[torch]".'
            ) from error
        except RuntimeError as error:
            missing = _MISSING_OPERATOR.search(str(error))
            if missing is None or missing[1] in declared:
                raise
            _declare(missing[1])
            declared.append(missing[1])
    if declared:
        _log.warning(
            "torchvision %s was built for another torch than %s: its operators %s are placeholders "
            "now. Classifiers do not need them; install torch and torchvision as a pair to have "
            "the others.",
            version("torchvision"),
            torch.__version__,
            ", ".join(declared),
        )
    return module


def _declare(operator: str) -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    library.define(operator + _SUPPRESSION)
    _placeholders.append(library)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


def _entry(name: str) -> tuple[str, Any]:
    """Architecture and entry of its weights that a name means."""
    architecture, _, wanted = name.partition("@")
    known = torchvision_names()
    if architecture not in known:
        near = did_you_mean(architecture, known)
        raise SpecError(
            f"torchvision {version('torchvision')} has no classifier {architecture!r}"
            f"{near or '; torchvision_names() lists those that it has.'}"
        )
    entries = import_torchvision().models.get_model_weights(architecture)
    if not wanted:
        return architecture, entries.DEFAULT
    if wanted not in entries.__members__:
        raise SpecError(
            f"torchvision's {architecture} has the weights "
            f"{', '.join(entries.__members__)}; got {wanted!r}."
        )
    return architecture, entries[wanted]


def _fed_by(architecture: str, entry: Any, *, given: bool) -> str:
    source = "as given" if given else f"torchvision's {entry}"
    if architecture in _SETTINGS:  # whoever trained it otherwise should know
        source += ", shifted in the network as its published weights want it"
    return source


def _transforms(entry: Any) -> Preprocessing:
    transforms = entry.transforms()
    (crop,), (resize,) = transforms.crop_size, transforms.resize_size
    return Preprocessing(
        (crop, crop),
        shorter_side=resize,
        interpolation=cast(Interpolation, transforms.interpolation.value),
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
    )


def _module(
    architecture: str, entry: Any, state: OrderedDict[str, Any] | None, *, source: str
) -> _Network:
    """Build a network with its weights; the weights say how many classes and channels it has."""
    module = _build(architecture, entry)
    head = next(reversed(module.state_dict()))  # the last layer is the classifier, in all of them
    classes = len(module.state_dict()[head])
    if state is None:
        return _Network(module, classes, 3)
    if head in state and state[head].ndim and len(state[head]) not in (0, classes):
        classes = len(state[head])
        module = _build(architecture, entry, num_classes=classes)
    for key in list(state):
        if architecture in _SETTINGS and key.startswith(_SIDE_HEADS):
            del state[key]
        elif architecture.startswith("densenet") and _OLD_DENSENET.search(key):
            state[_OLD_DENSENET.sub(r"\1", key)] = state.pop(key)
    with torch.random.fork_rng(devices=[]):  # a new first layer must not cost a draw
        channels = fit_stem(module, state)
    fit_state_dict(module, state, source=source, network=architecture)
    return _Network(module, classes, channels)


def _build(architecture: str, entry: Any, **settings: Any) -> Any:
    settings = {**_SETTINGS.get(architecture, {}), **settings}
    if architecture.startswith("vit_"):  # positions are learned for one size
        settings["image_size"] = entry.meta["min_size"][0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return import_torchvision().models.get_model(architecture, weights=None, **settings)


def _download(architecture: str, entry: Any) -> OrderedDict[str, Any]:
    file = PurePosixPath(entry.url).name
    try:
        with impatience():
            content = entry.get_state_dict(
                progress=False, check_hash=True, map_location="cpu", weights_only=True
            )
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(
            f"the pretrained weights of {architecture} could not be downloaded "
            f"({first_line(error)}); fetch torchvision's {file} elsewhere and give it with "
            "--weights FILE (in Python weights=FILE)."
        ) from error
    return normalise_state_dict(content, source=file)
