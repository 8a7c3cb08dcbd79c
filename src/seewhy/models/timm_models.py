"""timm's classifiers, with the preprocessing and class names of their weights."""

from __future__ import annotations

import pickle
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from PIL import Image as PILImage

from seewhy.errors import InputError, MissingExtraError, ModelError, SpecError, did_you_mean
from seewhy.models.hub import hub_failure, model_folder, needing, visiting_hub
from seewhy.models.labels import imagenet_aliases, imagenet_labels
from seewhy.models.preprocessing import Channels, Preprocessing
from seewhy.models.reproduction import reproduces
from seewhy.models.request import ModelRequest

with needing("timm"):
    from seewhy.models.torch_extra import torch
    from seewhy.models.torch_model import TorchModel
    from seewhy.models.torch_module import best_device, first_line
    from seewhy.models.torch_weights import fit_state_dict, read_state_dict
    from seewhy.models.torchvision_models import import_torchvision

_HUB, _FOLDER = "hf-hub:", "local-dir:"  # what timm puts before names that are not its own
_SOURCES = ("url", "file", "hf_hub_id", "state_dict")  # of weights, in a pretrained_cfg
_MOST_NAMED = 6  # entries of weights, in a message
_FAILURES = (OSError, RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError)


def from_request(request: ModelRequest) -> TorchModel:
    """Load a classifier of timm.

    Parameters
    ----------
    request : ModelRequest
        ``timm:NAME``, ``timm:NAME.TAG``, ``timm:hf-hub:ORG/NAME``, or ``timm:FOLDER`` with a
        ``config.json`` and weights as timm saves them. With `weights`, the numbers of classes and
        of input channels come from the shapes in the file. A given preprocessing of another size
        or number of channels adapts the network as timm does.

    Returns
    -------
    TorchModel

    Raises
    ------
    MissingExtraError
        When timm is not installed.
    SpecError
        When there is no such architecture or entry of weights; near names are listed.
    InputError
        When there is no such weights file.
    ModelError
        When the weights cannot be read or downloaded, are those of another architecture, or the
        network is not a classifier; or when its preprocessing is none that Seewhy has.
    """
    name, config = _find(request.name)
    if request.weights is None and config.get("num_classes") == 0:
        raise ModelError(
            f"{request.spec} ends in features, not in classes; give the weights of a classifier "
            "made from it with --weights FILE (in Python weights=FILE)."
        )
    fetching = request.weights is None and request.pretrained and not name.startswith(_FOLDER)
    with visiting_hub(fetching=fetching):
        module, channels = _module(name, config, request)
    classes = int(module.num_classes)
    labels, aliases, named_by = _names(config, classes, name)
    return TorchModel(
        module,
        preprocess=request.preprocess or _preprocessing(config, channels, name=name),
        labels=labels if request.labels is None else request.labels,
        output=request.output or "logits",
        aliases=aliases if request.labels is None else None,
        device=best_device(request.device),
        batch=request.batch,
        spec=request.spec,
        framework="timm",
        origin=request.origin(
            preprocessing=_prepared_by(config, channels, name),
            labels=named_by,
            output="what all of timm's classifiers return",
        ),
    )


def borrowed_preprocessing(spec: str) -> Preprocessing:
    """Tell how ``timm:NAME`` prepares pictures, without its weights.

    Parameters
    ----------
    spec : str
        As for `from_request`.

    Returns
    -------
    Preprocessing

    Raises
    ------
    MissingExtraError, SpecError, ModelError
        As for `from_request`.
    """
    name, config = _find(spec.partition(":")[2])
    return _preprocessing(config, _channels(config), name=name)


def data_config_preprocessing(data_config: Mapping[str, Any], *, name: str) -> Preprocessing:
    """Translate what timm says about the pictures of a network, and try it against timm's own.

    Parameters
    ----------
    data_config : mapping
        As ``timm.data.resolve_model_data_config`` returns it. With another number of channels than
        `mean` has entries, each gets their average, as timm's own training script does it.
    name : str
        How the network is called in messages.

    Returns
    -------
    Preprocessing

    Raises
    ------
    ModelError
        When `Preprocessing` cannot do it, as with borders around the picture.
    """
    count, *size = data_config["input_size"]
    mean, std = (_per_channel(data_config[key], count) for key in ("mean", "std"))
    kind: Channels = {1: "L", 3: "RGB"}.get(count, "bands")  # type: ignore[assignment]
    percent = data_config.get("crop_pct") or 0.875
    stretched = data_config.get("crop_mode") == "squash"
    scaled = (int(size[0] / percent), int(size[1] / percent))
    try:
        ours = Preprocessing(
            (size[0], size[1]),
            shorter_side=None if stretched else min(scaled),
            stretch=scaled if stretched and scaled != (size[0], size[1]) else None,
            interpolation=data_config["interpolation"],
            mean=mean,
            std=std,
            channels=kind,
        )
    except InputError:  # an interpolation that it does not have
        ours = None
    # The geometry of pictures with other channels is that of coloured ones.
    tried, theirs = ours, dict(data_config)
    if ours is not None and count not in (1, 3):
        tried = replace(ours, channels="RGB", mean=(0.0,) * 3, std=(1.0,) * 3)
    theirs |= {} if tried is None else {"mean": tried.mean, "std": tried.std}
    if ours is None or tried is None or not reproduces(tried, _Pipeline(theirs)):
        said = ", ".join(f"{key} {data_config.get(key)!r}" for key in ("crop_mode", "crop_pct"))
        raise ModelError(
            f"Seewhy cannot prepare pictures as timm does for {name} ({said}, interpolation "
            f"{data_config['interpolation']!r}); give the preprocessing yourself: --preprocess "
            "FILE.json (in Python preprocess=)."
        )
    return ours


class _Pipeline:
    """timm's own preprocessing, to be compared with."""

    def __init__(self, data_config: Mapping[str, Any]) -> None:
        data = import_module("timm.data")
        self._transform = data.create_transform(**data_config, is_training=False)

    def __call__(self, picture: PILImage.Image) -> Float32[np.ndarray, "h w c"]:
        pixels: Float32[np.ndarray, "h w c"] = self._transform(picture).permute(1, 2, 0).numpy()
        return pixels


def _import_timm() -> Any:
    with needing("timm"):
        import_torchvision()  # timm does too, and would stumble over a half-fitting one
    try:
        return import_module("timm")
    except ModuleNotFoundError as error:
        if error.name != "timm":
            raise
        raise MissingExtraError(
            'this model needs timm, which is not installed: pip install "seewhy[timm]".'
        ) from error


def _find(name: str) -> tuple[str, Mapping[str, Any]]:
    """Name that timm understands, and its ``pretrained_cfg``."""
    timm = _import_timm()
    if not name.startswith((_HUB, _FOLDER)):
        folder = model_folder(name)
        name = name if folder is None else f"{_FOLDER}{folder}"
    if name.startswith((_HUB, _FOLDER)):
        return name, _fetched_config(name)
    if not name:
        raise SpecError("'timm:' names no model; write timm:NAME, such as timm:resnet18.")
    if "/" in name or ":" in name:
        raise SpecError(
            f"there is no folder {name!r} with a config.json; a model of the Hugging Face hub is "
            f"written timm:{_HUB}ORG/NAME."
        )
    architecture, dot, tag = name.partition(".")
    if not timm.is_model(architecture):
        near = did_you_mean(architecture, timm.list_models())
        raise SpecError(
            f"timm {timm.__version__} has no classifier {architecture!r}"
            f"{near or '; timm.list_models() lists those that it has.'}"
        )
    known = timm.list_pretrained(f"{architecture}.*")
    if dot and name not in known:
        tags = [each.partition(".")[2] for each in known]
        listed = ", ".join(tags[:_MOST_NAMED]) + (", …" if len(tags) > _MOST_NAMED else "")
        raise SpecError(
            f"timm's {architecture} has {f'the weights {listed}' if tags else 'no weights'}; got "
            f"{tag!r}{did_you_mean(tag, tags) or '.'}"
        )
    config = timm.models.get_pretrained_cfg(name)
    if config is None:  # a name of former times: building it tells
        return name, _build(name, {}).pretrained_cfg
    return name, asdict(config)


def _fetched_config(name: str) -> Mapping[str, Any]:
    models = import_module("timm.models._hub")
    source, _, place = name.partition(":")
    try:
        if source == "local-dir":
            config: Mapping[str, Any] = models.load_model_config_from_path(place)[0]
            return config
        with visiting_hub():
            return dict(models.load_model_config_from_hf(place)[0])
    except (*_FAILURES, AttributeError, TypeError) as error:
        why = hub_failure(error) if source == "hf-hub" else None
        raise ModelError(
            f"timm's configuration of {place!r} could not be read ({why or first_line(error)}); "
            "a folder with config.json and model.safetensors, fetched elsewhere, can be given as "
            "timm:FOLDER."
        ) from error


def _module(name: str, config: Mapping[str, Any], request: ModelRequest) -> tuple[Any, int]:
    """Build a network with its weights; also says how many channels it takes."""
    settings = _wanted(config, request.preprocess)
    if request.weights is None:
        if request.pretrained and not any(config.get(source) for source in _SOURCES):
            raise ModelError(
                f"timm has no weights for {name}; give some with --weights FILE (in Python "
                "weights=FILE), or take random ones (in Python pretrained=False)."
            )
        module = _build(name, settings, published=config if request.pretrained else None)
    else:
        state = read_state_dict(request.weights)
        module = _build(name, settings)
        found = _found(config, module, state, settings.get("in_chans", _channels(config)))
        if found:
            settings = {**settings, **found}
            module = _build(name, settings)
        source = repr(Path(request.weights).name)
        fit_state_dict(module, state, source=source, network=name)
    return module, settings.get("in_chans", _channels(config))


def _wanted(config: Mapping[str, Any], preprocess: Preprocessing | None) -> dict[str, Any]:
    """What a given preprocessing asks of the network."""
    settings: dict[str, Any] = {}
    if preprocess is None:
        return settings
    if len(preprocess.mean) != _channels(config):
        settings["in_chans"] = len(preprocess.mean)
    size = tuple(config.get("input_size") or (3, 224, 224))[1:]
    if config.get("fixed_input_size") and preprocess.size != size:
        settings["img_size"] = preprocess.size
    return settings


def _found(
    config: Mapping[str, Any], module: Any, state: OrderedDict[str, Any], channels: int
) -> dict[str, Any]:
    """What the shapes of somebody's weights say about classes and input channels."""
    own = module.state_dict()
    settings: dict[str, Any] = {}
    for layer in _several(config.get("classifier")):
        weight = state.get(f"{layer}.weight")
        if weight is not None and weight.ndim and len(weight) not in (0, module.num_classes):
            settings["num_classes"] = len(weight)
    for layer in _several(config.get("first_conv")):
        ours, weight = own.get(f"{layer}.weight"), state.get(f"{layer}.weight")
        if ours is None or weight is None or not ours.ndim == weight.ndim == 4:
            continue
        # A few networks fold pixels into channels first, always so many.
        folded, rest = divmod(ours.shape[1], channels)
        if weight.shape[1] != ours.shape[1] and not rest and not weight.shape[1] % max(folded, 1):
            settings["in_chans"] = weight.shape[1] // max(folded, 1)
    return settings


def _build(
    name: str, settings: Mapping[str, Any], *, published: Mapping[str, Any] | None = None
) -> Any:
    timm = _import_timm()
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)  # that a name is one of former times
        torch.manual_seed(0)
        try:
            return timm.create_model(name, pretrained=published is not None, **settings)
        except (*_FAILURES, TypeError, AssertionError) as error:
            if published is not None:
                raise _undelivered(name, published, error) from error
            asked = ", ".join(f"{key}={value}" for key, value in settings.items()) or "as it is"
            raise ModelError(f"timm cannot build {name} {asked} ({first_line(error)}).") from error


def _undelivered(name: str, config: Mapping[str, Any], error: Exception) -> ModelError:
    place = config.get("hf_hub_id")
    where = f"the model.safetensors of {place} on the Hugging Face hub" if place else "them"
    why = hub_failure(error) or first_line(error)
    return ModelError(
        f"the weights of timm's {name} could not be loaded ({why}); fetch {where} elsewhere and "
        "give the file with --weights FILE (in Python weights=FILE), or take random ones (in "
        "Python pretrained=False)."
    )


def _preprocessing(config: Mapping[str, Any], channels: int, *, name: str) -> Preprocessing:
    data_config = import_module("timm.data").resolve_data_config(pretrained_cfg=dict(config))
    size = data_config["input_size"]
    return data_config_preprocessing(
        {**data_config, "input_size": (channels, *size[1:])}, name=name
    )


def _names(
    config: Mapping[str, Any], classes: int, name: str
) -> tuple[Sequence[str] | None, Mapping[str, int] | None, str]:
    """Labels, aliases, and where they come from."""
    data = import_module("timm.data")
    names = list(config.get("label_names") or ())
    subset = data.infer_imagenet_subset({"num_classes": classes})
    info = None if subset is None else data.ImageNetInfo(subset)
    if info is not None and names in ([], info.label_names()):
        if subset == "imagenet-1k":
            return imagenet_labels(), imagenet_aliases(), "ImageNet-1k"
        return info.label_descriptions(), None, f"timm's {subset}"
    if len(names) == classes:
        told = config.get("label_descriptions") or {}
        labels = [told.get(each, each) if isinstance(told, Mapping) else each for each in names]
        return labels, None, _configuration(config, name)
    return None, None, "numbered"


def _configuration(config: Mapping[str, Any], name: str) -> str:
    if name.startswith((_HUB, _FOLDER)):
        return "config.json"
    tag = config.get("tag")
    return f"timm's {name}" if "." in name or not tag else f"timm's {name}.{tag}"


def _prepared_by(config: Mapping[str, Any], channels: int, name: str) -> str:
    averaged = len(tuple(config.get("mean") or (0, 0, 0))) not in (1, channels)
    return _configuration(config, name) + ", its mean and std averaged" * averaged


def _channels(config: Mapping[str, Any]) -> int:
    return int((config.get("input_size") or (3,))[0])


def _per_channel(values: Sequence[float] | float, channels: int) -> tuple[float, ...]:
    given = tuple(float(value) for value in np.atleast_1d(values))
    return given if len(given) == channels else (float(np.mean(given)),) * channels


def _several(layers: str | Sequence[str] | None) -> Sequence[str]:
    return (layers,) if isinstance(layers, str) else (layers or ())
